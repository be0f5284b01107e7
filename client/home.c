/*
 * home.c - see home.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "client/home.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int
home_folder(struct client *c, char *out, size_t size)
{
	const char *home = getenv("HOME");
	const struct passwd *pw;

	if (home == NULL || *home != '/')
		home = (pw = getpwuid(getuid())) != NULL ? pw->pw_dir : NULL;
	if (home == NULL || *home != '/')
		return fail_set(&c->failure, "failed", "uid %u has no home folder", getuid());
	if ((size_t)snprintf(out, size, "%s", home) >= size)
		return fail_set(&c->failure, "failed", "the path of the home folder is too long");
	return FAIL_NONE;
}
