/*
 * escape.h - the one function through which every name, label, certificate
 * field and command line passes on its way to a terminal, a log, a D-Bus
 * message or a PAM conversation.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef BASE_ESCAPE_H
#define BASE_ESCAPE_H

#include <stddef.h>

/* Write in[0..n) to out as printable UTF-8: control characters, DEL, C1,
 * bidirectional and zero-width characters, line separators, invalid UTF-8 and
 * the backslash become \xHH (per byte).  At most size - 1 bytes, cut at a
 * character with "..." at the end when it does not fit; always terminated.
 * Returns out. */
char *escape_text(char *out, size_t size, const void *in, size_t n);

/* 1 where in[0..n) is well-formed UTF-8 (RFC 3629) without NUL and control
 * characters. */
int escape_is_text(const void *in, size_t n);

/* Copy in[0..n), or as many whole characters of it as size - 1 bytes hold:
 * text that is well-formed stays so.  Always terminated.  size is at least 1. */
void escape_cut(char *out, size_t size, const void *in, size_t n);

#endif
