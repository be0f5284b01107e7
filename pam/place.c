/*
 * place.c - see place.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "pam/place.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "client/lib/owner.h"
#include "tessera.h"

/* Open a folder below *at, which is closed and replaced. */
static int
place_enter(int *at, const char *name)
{
	struct stat st;
	int fd;

	if ((fd = openat(*at, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)) == -1)
		return errno == ENOENT ? TSR_NOT_FOUND : errno == ENOTDIR || errno == ELOOP ?
		    TSR_UNTRUSTED : TSR_SYSTEM;
	if (*at != AT_FDCWD)
		(void)close(*at);
	*at = fd;
	if (fstat(fd, &st) != 0)
		return TSR_SYSTEM;
	if ((st.st_mode & 022) != 0)
		return TSR_UNTRUSTED;
	return st.st_uid == 0 || owner_is_agent(st.st_uid) ? TSR_OK : TSR_UNTRUSTED;
}

static int
place_walk(char *path, int *at)
{
	char *part, *slash;
	int r;

	if ((r = place_enter(at, "/")) != TSR_OK)
		return r;
	for (part = path + 1; (slash = strchr(part, '/')) != NULL; part = slash + 1) {
		*slash = '\0';
		if (*part == '\0' || strcmp(part, ".") == 0 || strcmp(part, "..") == 0)
			return TSR_INVALID;
		if ((r = place_enter(at, part)) != TSR_OK)
			return r;
	}
	return *part != '\0' && strcmp(part, ".") != 0 && strcmp(part, "..") != 0 ? TSR_OK : TSR_INVALID;
}

int
place_check(const char *path)
{
	char copy[PLACE_PATH_MAX];
	size_t n = strnlen(path, sizeof(copy));
	int at = AT_FDCWD, r;

	if (n == sizeof(copy) || path[0] != '/')
		return TSR_INVALID;
	memcpy(copy, path, n + 1);
	r = place_walk(copy, &at);
	if (at != AT_FDCWD)
		(void)close(at);
	return r;
}
