/*
 * config_path.c - see config_path.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "client/config_path.h"

#include <stdio.h>
#include <stdlib.h>

#define CONFIG_FILE	"/etc/tessera/tessera.conf"

void
config_path(const struct client *c, const char *given, char *out, size_t size)
{
	const char *dir = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");

	if (given != NULL)
		(void)snprintf(out, size, "%s", given);
	else if (c->opt[OPT_USER_MODE] == NULL)
		(void)snprintf(out, size, "%s", CONFIG_FILE);
	else if (dir != NULL && *dir == '/')
		(void)snprintf(out, size, "%s/tessera/tessera.conf", dir);
	else
		(void)snprintf(out, size, "%s/.config/tessera/tessera.conf", home != NULL ? home : "");
}
