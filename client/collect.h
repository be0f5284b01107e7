/*
 * collect.h - what another program prints.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef CLIENT_COLLECT_H
#define CLIENT_COLLECT_H

#include "base/buf.h"

#define COLLECT_MS	20000	/* a program takes no longer */

/* Run argv[0] (an absolute path) with an empty environment but LC_ALL=C and
 * append its standard output, as much as fits in out.  TSR_NOT_FOUND where it
 * cannot be started, TSR_SYSTEM, TSR_TIMEOUT.  Its exit status does not count. */
int collect_output(char *const argv[], struct buf *out);

/* The same, of what is said on standard error, too, and *status is what it exited
 * with: -1 where it was killed. */
int collect_verdict(char *const argv[], struct buf *out, int *status);

#endif
