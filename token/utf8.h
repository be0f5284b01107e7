/*
 * utf8.h - characters of UTF-8 (RFC 3629).
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef TOKEN_UTF8_H
#define TOKEN_UTF8_H

#include <stddef.h>

/* Bytes of the well-formed character that begins s[0..n); 0 where none does.
 * Every ASCII byte is one, NUL too. */
size_t utf8_len(const char *s, size_t n);

/* Write the character v, which is no surrogate and at most 0x10ffff; returns
 * its bytes. */
size_t utf8_put(unsigned v, char out[4]);

#endif
