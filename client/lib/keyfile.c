/*
 * keyfile.c - opening the file of public keys.  See keyfile.h.
 *
 * The path is walked one folder at a time, each opened without following a
 * link and judged by what was opened, not by its name.
 *
 * SPDX-License-Identifier: ISC
 */
#include "client/lib/keyfile.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "client/lib/owner.h"
#include "tessera.h"

#define KEYFILE_READ	8192	/* bytes a read */

static int
keyfile_trusts(const struct stat *st, int64_t owner)
{
	int shared = (st->st_mode & 022) != 0;

	/* in a sticky folder nobody replaces what is another's */
	if (shared && !(S_ISDIR(st->st_mode) && (st->st_mode & S_ISVTX) != 0))
		return 0;
	return st->st_uid == 0 || (int64_t)st->st_uid == owner || owner_is_agent(st->st_uid);
}

static int
keyfile_error(int error)
{
	switch (error) {
	case ENOENT:
		return TSR_NOT_FOUND;
	case ELOOP:		/* O_NOFOLLOW */
	case ENOTDIR:
	case ENXIO:		/* a socket */
		return TSR_UNTRUSTED;
	default:
		return TSR_SYSTEM;
	}
}

/* Open one part of the path below *at, which is closed and replaced. */
static int
keyfile_part(int *at, const char *name, int flags, int64_t owner, struct stat *st)
{
	int fd;

	fd = openat(*at, name, flags | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1)
		return keyfile_error(errno);
	if (*at != AT_FDCWD)
		(void)close(*at);
	*at = fd;
	if (fstat(fd, st) != 0)
		return TSR_SYSTEM;
	return keyfile_trusts(st, owner) ? TSR_OK : TSR_UNTRUSTED;
}

static int
keyfile_walk(char *path, int64_t owner, int *at, struct stat *st)
{
	char *part, *slash;
	int r;

	if ((r = keyfile_part(at, "/", O_PATH | O_DIRECTORY, owner, st)) != TSR_OK)
		return r;
	for (part = path + 1; (slash = strchr(part, '/')) != NULL; part = slash + 1) {
		*slash = '\0';
		if (*part == '\0' || strcmp(part, ".") == 0 || strcmp(part, "..") == 0)
			return TSR_INVALID;
		if ((r = keyfile_part(at, part, O_PATH | O_DIRECTORY, owner, st)) != TSR_OK)
			return r;
	}
	/* a FIFO does not hold us up */
	if ((r = keyfile_part(at, part, O_RDONLY | O_NONBLOCK | O_NOCTTY, owner, st)) != TSR_OK)
		return r;
	return S_ISREG(st->st_mode) ? TSR_OK : TSR_UNTRUSTED;
}

static void
keyfile_identify(const struct stat *st, struct keyfile_id *id)
{
	memset(id, 0, sizeof(*id));
	id->dev = st->st_dev;
	id->ino = st->st_ino;
	id->size = st->st_size;
	id->changed = st->st_ctim;
	id->written = st->st_mtim;
}

int
keyfile_open(const char *path, int64_t owner, int *out, struct keyfile_id *id)
{
	char copy[KEYFILE_PATH_MAX];
	struct stat st;
	size_t n = strnlen(path, sizeof(copy));
	int fd = AT_FDCWD, r;

	if (n == sizeof(copy) || path[0] != '/' || path[n - 1] == '/')
		return TSR_INVALID;
	memcpy(copy, path, n + 1);
	if ((r = keyfile_walk(copy, owner, &fd, &st)) != TSR_OK) {
		if (fd != AT_FDCWD)
			(void)close(fd);
		return r;
	}
	keyfile_identify(&st, id);
	*out = fd;
	return TSR_OK;
}

int
keyfile_read(int fd, struct buf *out)
{
	ssize_t n;
	int r;

	for (;;) {
		if ((r = buf_reserve(out, KEYFILE_READ)) != TSR_OK)
			return r;
		n = read(fd, out->data + out->len, KEYFILE_READ);
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			return n == 0 ? TSR_OK : TSR_SYSTEM;
		buf_added(out, (size_t)n);
	}
}

int
keyfile_changed(const char *path, const struct keyfile_id *id)
{
	struct keyfile_id now;
	struct stat st;

	if (lstat(path, &st) != 0)
		return 1;
	keyfile_identify(&st, &now);
	return now.dev != id->dev || now.ino != id->ino || now.size != id->size ||
	    now.changed.tv_sec != id->changed.tv_sec || now.changed.tv_nsec != id->changed.tv_nsec ||
	    now.written.tv_sec != id->written.tv_sec || now.written.tv_nsec != id->written.tv_nsec;
}
