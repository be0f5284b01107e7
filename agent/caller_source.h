/*
 * caller_source.h - where a guess comes from, for those who count guesses.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_CALLER_SOURCE_H
#define AGENT_CALLER_SOURCE_H

#include "agent/caller.h"

#define CALLER_SOURCE_MAX	288	/* bytes of a source's name, with NUL */

/* "rhost:NAME" where a login helper named another host (at most 255 bytes of it
 * tell it from others; NULL, "" and this host's names are none), else "uid:N", of who
 * asks: sudo and su are their user's, other login helpers their own. */
void caller_source(uid_t from, const char *rhost, char out[CALLER_SOURCE_MAX]);

void caller_source_uid(uid_t uid, char out[CALLER_SOURCE_MAX]);

/* 1 where rhost is none, or this host. */
int caller_local(const char *rhost);

#endif
