/*
 * sshd.h - what sshd makes of its configuration.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef CLIENT_SSHD_H
#define CLIENT_SSHD_H

#include <limits.h>

#include "base/buf.h"

#define SSHD_PROGRAM	"/usr/sbin/sshd"
#define SSHD_OUTPUT_MAX	(64 * 1024)	/* bytes of what it prints */
#define SSHD_SAID_MAX	256		/* bytes of a complaint of its, with NUL */

/* Have it print its whole configuration as it is read now (sshd -T), for root: 0,
 * and out, NUL-terminated, is that; else out is what it complained of.  make: the
 * folder in /run that it wants, and that is there once it has run, is made. */
int sshd_ask(struct buf *out, int make);

/* The first line of a complaint, escaped.  Returns said. */
char *sshd_said(const struct buf *out, char said[SSHD_SAID_MAX]);

/* The value that a key, in lower case, has in what sshd_ask() gave, or "none". */
void sshd_value(const struct buf *out, const char *key, char value[PATH_MAX]);

#endif
