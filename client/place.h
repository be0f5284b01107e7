/*
 * place.h - files that are put where other programs read them: whole or not at
 * all, never through a link, never over what is somebody else's.
 *
 * Every call looks at the folder first: it must belong to root or to us, and be no
 * one that everybody may write but for a sticky one.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef CLIENT_PLACE_H
#define CLIENT_PLACE_H

#include <sys/types.h>

#include "base/buf.h"
#include "client/client.h"

#define PLACE_FILE_MAX	(256 * 1024)	/* bytes of a file that is read */
#define PLACE_KEPT_MAX	100		/* older versions of one file */

/* Append the file's content.  *there is 0, and nothing failed, where there is none;
 * a link, whatever is no plain file, and one of another than root and us are
 * failures.  FAIL_*. */
int place_read(struct client *c, const char *path, struct buf *out, int *there);

/* Make it or replace it, with that mode whatever the umask; what was there must be
 * a plain file of ours.  FAIL_*. */
int place_write(struct client *c, const char *path, const void *data, size_t n, mode_t mode);

/* Give what is there a second name, "PATH.tessera-old" or with a number behind it;
 * none where one of that content has it already.  kept: that name.  FAIL_*. */
int place_keep(struct client *c, const char *path, char *kept, size_t size);

/* Take it away; that it is not there is no failure.  FAIL_*. */
int place_remove(struct client *c, const char *path);

/* Make a folder where there is none, of the mode.  *made: it was.  FAIL_*. */
int place_folder(struct client *c, const char *path, mode_t mode, int *made);

#endif
