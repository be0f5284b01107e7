/*
 * file.h - a virtual device's files: read whole, replaced as a whole.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef SIM_FILE_H
#define SIM_FILE_H

#include <stddef.h>

#include "base/buf.h"

/* Open a device's folder and lock it for this process; make, of mode 0700,
 * where make is true.  TSR_NOT_FOUND; TSR_CONFLICT where another process has
 * it; TSR_SYSTEM with errno. */
int file_folder(const char *path, int make, int *dirfd);

/* Append the whole file to b.  TSR_NOT_FOUND, TSR_TOO_LARGE, TSR_NOMEM,
 * TSR_SYSTEM. */
int file_read(int dirfd, const char *name, struct buf *b);

/* Replace a file by one of mode 0600 with data[0..n), or make it: afterwards
 * there is the old one or the new one, whenever this process is killed.  It is
 * not flushed to disk: a simulated device need not outlive a power cut.
 * TSR_SYSTEM. */
int file_replace(int dirfd, const char *name, const void *data, size_t n);

#endif
