/*
 * keyfile.h - the file of public keys: who wrote it, and whether it is another
 * one by now.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef CLIENT_LIB_KEYFILE_H
#define CLIENT_LIB_KEYFILE_H

#include <sys/stat.h>

#include <stdint.h>

#include "base/buf.h"

#define KEYFILE_PATH_MAX	1024	/* bytes of a path, with NUL */
#define KEYFILE_NO_OWNER	((int64_t)-1)

/* What tells one file from the one that replaces it. */
struct keyfile_id {
	dev_t dev;
	ino_t ino;
	off_t size;
	struct timespec changed, written;
};

/*
 * Open an absolute path for reading, following no link in any part of it.
 * Each folder must belong to root, "tessera" or the uid `owner`, and be
 * writable by nobody else (unless it is sticky, as /tmp); so must the file,
 * which is a plain one.  TSR_INVALID (path), TSR_NOT_FOUND, TSR_UNTRUSTED,
 * TSR_SYSTEM.
 */
int keyfile_open(const char *path, int64_t owner, int *fd, struct keyfile_id *id);

/* All of it into out, which has a limit.  TSR_TOO_LARGE, TSR_SYSTEM, TSR_NOMEM. */
int keyfile_read(int fd, struct buf *out);

/* 1 where the path leads to another file than *id by now, or to none. */
int keyfile_changed(const char *path, const struct keyfile_id *id);

#endif
