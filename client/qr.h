/*
 * qr.h - a QR code on a terminal, two rows of modules a line.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef CLIENT_QR_H
#define CLIENT_QR_H

#include "base/buf.h"

#define QR_QUIET	4	/* modules of margin on each side (ISO/IEC 18004) */

/*
 * Append the text's code in half blocks to out, UTF-8, at most columns by lines
 * characters.  colour: black on white by SGR sequences, as scanners want it; else
 * the terminal's own colours, light modules drawn.  TSR_TOO_LARGE where it does
 * not fit; TSR_NOMEM.
 */
int qr_put(struct buf *out, const char *text, unsigned columns, unsigned lines, int colour);

/* Print it on standard output, where that is a terminal with room for it and a
 * UTF-8 locale.  1: it is there. */
int qr_show(const char *text);

#endif
