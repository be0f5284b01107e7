/*
 * tar.h - an archive in the ustar format (POSIX.1-2017, pax), written member by
 * member.  Regular files alone, root's, mode 0644.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef CLIENT_TAR_H
#define CLIENT_TAR_H

#include <stddef.h>
#include <stdint.h>

#define TAR_NAME_MAX	100	/* bytes of a member's name, with NUL */
#define TAR_BLOCK	512	/* bytes */

/* Append a member to fd.  mtime: seconds of the epoch.  TSR_TOO_LARGE for the
 * name, TSR_SYSTEM with errno. */
int tar_put(int fd, const char *name, const void *p, size_t n, int64_t mtime);

/* The end of the archive.  TSR_SYSTEM. */
int tar_end(int fd);

#endif
