/*
 * store_file.c - see store_file.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/store_file.h"

#include <sys/stat.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tessera.h"

#define DEPTH_MAX	32	/* folders made above one another */

char *
store_file_parent(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (slash == NULL)
		return strdup(".");
	return strndup(path, slash == path ? 1 : (size_t)(slash - path));
}

int
store_file_sync_folder(const char *folder)
{
	int fd, r = TSR_OK;

	if ((fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) == -1)
		return TSR_STORE;
	if (fsync(fd) == -1)
		r = TSR_STORE;
	close(fd);
	return r;
}

int
store_file_write(int fd, const void *data, size_t n)
{
	const uint8_t *p = data;
	ssize_t w;

	while (n > 0) {
		if ((w = write(fd, p, n)) == -1) {
			if (errno == EINTR)
				continue;
			return TSR_SYSTEM;
		}
		p += w;
		n -= (size_t)w;
	}
	return TSR_OK;
}

/* mkdir -p, every new name durable. */
static int
make_folder(const char *folder, unsigned depth)
{
	char *parent;
	int r;

	if (mkdir(folder, 0700) == -1) {
		if (errno == EEXIST)
			return TSR_OK;
		if (errno != ENOENT || depth == 0)
			return TSR_STORE;
		if ((parent = store_file_parent(folder)) == NULL)
			return TSR_NOMEM;
		r = make_folder(parent, depth - 1);
		free(parent);
		if (r != TSR_OK)
			return r;
		if (mkdir(folder, 0700) == -1)
			return TSR_STORE;
	}
	if ((parent = store_file_parent(folder)) == NULL)
		return TSR_NOMEM;
	(void)store_file_sync_folder(parent);	/* not every parent may be opened; its name is checked below */
	free(parent);
	return TSR_OK;
}

int
store_file_folder(const char *folder, char *err, size_t err_size)
{
	struct stat sb;
	int r;

	if ((r = make_folder(folder, DEPTH_MAX)) != TSR_OK || stat(folder, &sb) == -1) {
		snprintf(err, err_size, "cannot make the folder %s: %s", folder, strerror(errno));
		return r == TSR_NOMEM ? r : TSR_STORE;
	}
	if (!S_ISDIR(sb.st_mode)) {
		snprintf(err, err_size, "%s is not a folder: move it away", folder);
		return TSR_CONFIG;
	}
	if (sb.st_uid != geteuid()) {
		snprintf(err, err_size, "the folder %s belongs to uid %u, not to this program's uid %u: "
		    "change its owner", folder, (unsigned)sb.st_uid, (unsigned)geteuid());
		return TSR_CONFIG;
	}
	if ((sb.st_mode & 022) != 0) {
		snprintf(err, err_size, "the folder %s may be written by others (mode %04o): "
		    "chmod 0700 it", folder, (unsigned)sb.st_mode & 07777);
		return TSR_CONFIG;
	}
	return TSR_OK;
}

int
store_file_check(const char *path, char *err, size_t err_size)
{
	struct stat sb;

	if (lstat(path, &sb) == -1) {
		if (errno == ENOENT)
			return TSR_NOT_FOUND;
		snprintf(err, err_size, "cannot look at %s: %s", path, strerror(errno));
		return TSR_STORE;
	}
	if (!S_ISREG(sb.st_mode)) {
		snprintf(err, err_size, "%s is not a regular file (but %s): move it away", path,
		    S_ISLNK(sb.st_mode) ? "a symbolic link" :
		    S_ISFIFO(sb.st_mode) ? "a FIFO" :
		    S_ISDIR(sb.st_mode) ? "a folder" : "a device or socket");
		return TSR_CONFIG;
	}
	if (sb.st_uid != geteuid()) {
		snprintf(err, err_size, "%s belongs to uid %u, not to this program's uid %u: "
		    "change its owner", path, (unsigned)sb.st_uid, (unsigned)geteuid());
		return TSR_CONFIG;
	}
	if ((sb.st_mode & 022) != 0) {
		snprintf(err, err_size, "%s may be written by others (mode %04o): find out who did, "
		    "then chmod 0600 it", path, (unsigned)sb.st_mode & 07777);
		return TSR_CONFIG;
	}
	return TSR_OK;
}

int
store_file_create(const char *path, char *err, size_t err_size)
{
	char *folder = NULL;
	int fd = -1, r = TSR_STORE;

	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd == -1) {
		snprintf(err, err_size, "cannot make %s: %s", path, strerror(errno));
		goto out;
	}
	if ((folder = store_file_parent(path)) == NULL) {
		r = TSR_NOMEM;
		goto out;
	}
	if (fsync(fd) == -1 || store_file_sync_folder(folder) != TSR_OK) {
		snprintf(err, err_size, "cannot write %s durably: %s", path, strerror(errno));
		goto out;
	}
	r = TSR_OK;
 out:
	if (fd != -1)
		close(fd);
	free(folder);
	return r;
}
