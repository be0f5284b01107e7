/*
 * caller_source.c - see caller_source.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/caller_source.h"

#include <stdio.h>
#include <string.h>

int
caller_local(const char *rhost)
{
	return rhost == NULL || rhost[0] == '\0' || strcmp(rhost, "localhost") == 0 ||
	    strcmp(rhost, "127.0.0.1") == 0 || strcmp(rhost, "::1") == 0;
}

void
caller_source_uid(uid_t uid, char out[CALLER_SOURCE_MAX])
{
	(void)snprintf(out, CALLER_SOURCE_MAX, "uid:%u", uid);
}

void
caller_source(uid_t from, const char *rhost, char out[CALLER_SOURCE_MAX])
{
	if (caller_local(rhost))
		caller_source_uid(from, out);
	else
		(void)snprintf(out, CALLER_SOURCE_MAX, "rhost:%.255s", rhost);
}
