/*
 * run_tree.c - files, folders and links.  See run_tree.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "sim/run_tree.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tessera.h"

#define FILE_MAX	1024		/* bytes of a file */
#define FTW_FDS		8

static int
run_tree_path(char out[PATH_MAX], const char *folder, const char *name)
{
	int n = snprintf(out, PATH_MAX, "%s/%s", folder, name);

	return n < 0 || n >= PATH_MAX ? TSR_TOO_LARGE : TSR_OK;
}

int
run_tree_folder(const char *path)
{
	char part[PATH_MAX];
	char *p;

	if (strlen(path) >= sizeof(part))
		return TSR_TOO_LARGE;
	memcpy(part, path, strlen(path) + 1);
	for (p = strchr(part + 1, '/'); p != NULL; p = strchr(p + 1, '/')) {
		*p = '\0';
		if (mkdir(part, 0755) == -1 && errno != EEXIST)
			return TSR_SYSTEM;
		*p = '/';
	}
	return mkdir(part, 0755) == -1 && errno != EEXIST ? TSR_SYSTEM : TSR_OK;
}

int
run_tree_file(const char *folder, const char *name, const char *fmt, ...)
{
	char path[PATH_MAX], text[FILE_MAX];
	va_list ap;
	int fd, n, r;

	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof(text))
		return TSR_TOO_LARGE;
	if ((r = run_tree_path(path, folder, name)) != TSR_OK)
		return r;
	if ((fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644)) == -1)
		return TSR_SYSTEM;
	r = write(fd, text, (size_t)n) == n ? TSR_OK : TSR_SYSTEM;
	(void)close(fd);
	return r;
}

int
run_tree_link(const char *to, const char *folder, const char *name)
{
	char path[PATH_MAX];
	int r;

	if ((r = run_tree_path(path, folder, name)) != TSR_OK)
		return r;
	if (unlink(path) == -1 && errno != ENOENT)
		return TSR_SYSTEM;
	return symlink(to, path) == -1 ? TSR_SYSTEM : TSR_OK;
}

static int
run_tree_gone(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)st;
	(void)kind;
	(void)at;
	return remove(path);
}

int
run_tree_remove(const char *path)
{
	if (nftw(path, run_tree_gone, FTW_FDS, FTW_DEPTH | FTW_PHYS) == -1 && errno != ENOENT)
		return TSR_SYSTEM;
	return TSR_OK;
}
