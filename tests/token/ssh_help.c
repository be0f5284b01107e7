/*
 * ssh_help.c - pieces of SSH's wire form.  See ssh_help.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "ssh_help.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <sodium.h>

#include "tessera.h"

const uint8_t ssh_session[SSH_SESSION_N] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15,
	16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31 };

struct buf
ssh_bytes(const char *base64)
{
	uint8_t raw[4096];
	struct buf b;
	size_t n;

	assert_int_equal(sodium_base642bin(raw, sizeof(raw), base64, strlen(base64), NULL, &n, NULL,
	    sodium_base64_VARIANT_ORIGINAL), 0);
	buf_init(&b, 65536);
	assert_int_equal(buf_put(&b, raw, n), TSR_OK);
	return b;
}

void
ssh_put(struct buf *b, const void *p, size_t n)
{
	assert_int_equal(buf_put_string(b, p, n), TSR_OK);
}

void
ssh_put_text(struct buf *b, const char *text)
{
	ssh_put(b, text, strlen(text));
}

uint8_t *
ssh_exact(const void *p, size_t n)
{
	uint8_t *copy = malloc(n > 0 ? n : 1);

	assert_non_null(copy);
	if (n > 0)
		memcpy(copy, p, n);
	return copy;
}

struct buf
ssh_blob(const char *type, const void *a, size_t a_n, const void *b, size_t b_n)
{
	struct buf out;

	buf_init(&out, 65536);
	ssh_put_text(&out, type);
	ssh_put(&out, a, a_n);
	if (b != NULL)
		ssh_put(&out, b, b_n);
	return out;
}
