/*
 * public_file.h - files that everybody may read and that are replaced as a
 * whole: a reader sees the old content or the new.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_PUBLIC_FILE_H
#define AGENT_PUBLIC_FILE_H

#include <stddef.h>

/* Replace path (0644 whatever the umask) by n bytes of p, durably.  The new
 * content is first written beside it as ".NAME.new"; the folder must be ours
 * alone to write in.  A symlink in the place of path is replaced, not
 * followed.  TSR_SYSTEM with errno, TSR_NOMEM. */
int public_file_write(const char *path, const void *p, size_t n);

#endif
