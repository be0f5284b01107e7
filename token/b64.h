/*
 * b64.h - base64url without padding (RFC 4648 section 5, RFC 7515 section 2).
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef TOKEN_B64_H
#define TOKEN_B64_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/* Characters that n bytes become. */
#define B64_LEN(n)	(((size_t)(n) * 4 + 2) / 3)

/* Writes B64_LEN(n) characters, no terminator; returns that number. */
size_t b64_encode(char *out, const void *in, size_t n);

/* Append the B64_LEN(n) characters to a buffer; TSR_NOMEM, TSR_TOO_LARGE. */
int b64_put(struct buf *out, const void *in, size_t n);

/* Strict: no padding, no whitespace, no other alphabet, the unused bits of the
 * last character zero.  *out_len is how many were written.  TSR_INVALID (out
 * is then undefined); TSR_TOO_LARGE where size bytes do not suffice. */
int b64_decode(uint8_t *out, size_t size, const char *in, size_t n, size_t *out_len);

#endif
