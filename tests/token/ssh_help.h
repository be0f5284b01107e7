/*
 * ssh_help.h - pieces of SSH's wire form for the tests of it.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef TESTS_TOKEN_SSH_HELP_H
#define TESTS_TOKEN_SSH_HELP_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

#define SSH_SESSION_N	32

/* The session identifier of ssh_rows.h. */
extern const uint8_t ssh_session[SSH_SESSION_N];

/* Bytes of a row in base64; the buffer is to be freed. */
struct buf ssh_bytes(const char *base64);

/* Append a string with its length / an own copy of n bytes, which ends where the
 * sanitizer sees it. */
void ssh_put(struct buf *b, const void *p, size_t n);
void ssh_put_text(struct buf *b, const char *text);
uint8_t *ssh_exact(const void *p, size_t n);

/* A key of that type of the fields that follow, strings or numbers all. */
struct buf ssh_blob(const char *type, const void *a, size_t a_n, const void *b, size_t b_n);

#endif
