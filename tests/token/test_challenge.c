/*
 * test_challenge.c - the context of a challenge: its bytes, written down here
 * so that a change shows, and what a strict reader refuses.
 *
 * SPDX-License-Identifier: ISC
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <sodium.h>

#include "tessera.h"
#include "token/challenge.h"

#define COUNT(t)	(sizeof(t) / sizeof((t)[0]))

static const struct challenge_context full = {
	.purpose = CHALLENGE_LOGIN, .issuer = "https://desk7.example/tessera",
	.credential = "c1", .subject = "alice", .audience = "vpn",
	.scope = "connect", .client_id = "uid:1000", .reuse = 2, .jkt = "thumb",
	.expiry = 1800000060
};

#define N(v)	"\0\0\0\x08" v
static const char encoded[] =
    N("\0\0\0\0\0\0\0\x02")
    "\0\0\0\x1d" "https://desk7.example/tessera"
    "\0\0\0\x02" "c1"
    "\0\0\0\x05" "alice"
    "\0\0\0\x03" "vpn"
    "\0\0\0\x07" "connect"
    "\0\0\0\x08" "uid:1000"
    N("\0\0\0\0\0\0\0\x02")
    "\0\0\0\x05" "thumb"
    N("\0\0\0\0\x6b\x49\xd2\x3c");

#define ENCODED	(sizeof(encoded) - 1)

static void
test_encoding(void **state)
{
	struct challenge_memory m;
	struct challenge_context c;
	struct buf b;

	(void)state;
	buf_init(&b, CHALLENGE_CONTEXT_MAX);
	assert_int_equal(challenge_context_encode(&b, &full), TSR_OK);
	assert_int_equal(b.len, ENCODED);
	assert_memory_equal(b.data, encoded, ENCODED);
	assert_int_equal(challenge_context_decode(b.data, b.len, &m, &c), TSR_OK);
	buf_free(&b);		/* the texts are copies */
	assert_int_equal(c.purpose, CHALLENGE_LOGIN);
	assert_string_equal(c.issuer, full.issuer);
	assert_string_equal(c.credential, full.credential);
	assert_string_equal(c.subject, full.subject);
	assert_string_equal(c.audience, full.audience);
	assert_string_equal(c.scope, full.scope);
	assert_string_equal(c.client_id, full.client_id);
	assert_int_equal(c.reuse, 2);
	assert_string_equal(c.jkt, full.jkt);
	assert_true(c.expiry == full.expiry);
}

static void
test_bytes(void **state)
{
	static const char label[21] = "tessera challenge v1";
	uint8_t out[CHALLENGE_LEN], nonce[CHALLENGE_NONCE_LEN], hash[32];
	struct buf b;

	(void)state;
	memset(nonce, 0xa7, sizeof(nonce));
	buf_init(&b, CHALLENGE_CONTEXT_MAX);
	assert_int_equal(challenge_context_encode(&b, &full), TSR_OK);
	challenge_bytes(out, nonce, &b);
	assert_int_equal(sizeof(out), 85);
	assert_memory_equal(out, label, 21);
	assert_memory_equal(out + 21, nonce, 32);
	crypto_hash_sha256(hash, (const uint8_t *)encoded, ENCODED);
	assert_memory_equal(out + 53, hash, 32);
	buf_free(&b);
}

/* Each field alone changes what is signed; text cannot move between fields. */
static void
test_every_field(void **state)
{
	struct challenge_context c[14];
	uint8_t out[14][CHALLENGE_LEN], nonce[CHALLENGE_NONCE_LEN] = { 0 };
	struct buf b;
	size_t i, j;

	(void)state;
	for (i = 0; i < COUNT(c); i++)
		c[i] = full;
	c[1].purpose = CHALLENGE_ENROL;
	c[2].issuer = "https://desk8.example/tessera";
	c[3].credential = "c2";
	c[4].subject = "bob";
	c[5].audience = "ssh";
	c[6].scope = "";
	c[7].client_id = "uid:0";
	c[8].reuse = 3;
	c[9].jkt = NULL;
	c[10].expiry++;
	c[11].subject = "alicev", c[11].audience = "pn";
	c[12].purpose = CHALLENGE_REMOTE;
	c[13].purpose = CHALLENGE_PRESENT;
	for (i = 0; i < COUNT(c); i++) {
		buf_init(&b, CHALLENGE_CONTEXT_MAX);
		assert_int_equal(challenge_context_encode(&b, &c[i]), TSR_OK);
		challenge_bytes(out[i], nonce, &b);
		buf_free(&b);
		for (j = 0; j < i; j++)
			assert_memory_not_equal(out[i], out[j], CHALLENGE_LEN);
	}
}

static void
test_encode_refusals(void **state)
{
	static char large[CHALLENGE_FIELD_MAX + 2];
	struct challenge_context c, d;
	struct challenge_memory m;
	struct buf b;

	(void)state;
	buf_init(&b, (size_t)2 * CHALLENGE_CONTEXT_MAX);
	assert_int_equal(buf_put_u8(&b, 'k'), TSR_OK);
#define REFUSED(code, change) do {					\
	c = full;							\
	change;								\
	assert_int_equal(challenge_context_encode(&b, &c), code);	\
	assert_int_equal(b.len, 1);					\
} while (0)
	REFUSED(TSR_INVALID, c.purpose = 0);
	REFUSED(TSR_INVALID, c.purpose = 5);
	REFUSED(TSR_INVALID, c.issuer = "a\nb");
	REFUSED(TSR_INVALID, c.subject = "\x1b[2J");
	REFUSED(TSR_INVALID, c.scope = "\xff");
	memset(large, 'x', sizeof(large) - 1);
	REFUSED(TSR_TOO_LARGE, c.client_id = large);
	large[CHALLENGE_FIELD_MAX] = '\0';

	/* the largest of all fits, both ways */
	c = (struct challenge_context){ CHALLENGE_REMOTE, large, large, large,
	    large, large, large, UINT8_MAX, large, UINT64_MAX };
	buf_reset(&b);
	assert_int_equal(challenge_context_encode(&b, &c), TSR_OK);
	assert_int_equal(challenge_context_decode(b.data, b.len, &m, &d), TSR_OK);
	assert_string_equal(d.jkt, large);
	assert_true(d.expiry == UINT64_MAX && d.reuse == UINT8_MAX);
	buf_free(&b);
}

static int
decode(const void *p, size_t n)
{
	struct challenge_context c, before;
	struct challenge_memory m;
	uint8_t *copy = malloc(n == 0 ? 1 : n);
	int r;

	assert_non_null(copy);	/* of that very size: ASan sees a read beyond */
	memcpy(copy, p, n);
	memset(&c, 0x5a, sizeof(c));
	before = c;
	r = challenge_context_decode(copy, n, &m, &c);
	if (r != TSR_OK)
		assert_memory_equal(&c, &before, sizeof(c));
	free(copy);
	return r;
}

static void
test_decode_refusals(void **state)
{
	uint8_t t[ENCODED + 1];
	size_t i;

	(void)state;
#define DECODED(at, byte) (memcpy(t, encoded, ENCODED), t[at] = (uint8_t)(byte), decode(t, ENCODED))
	assert_int_equal(decode(encoded, ENCODED), TSR_OK);
	for (i = 0; i < ENCODED; i++)
		assert_int_not_equal(decode(encoded, i), TSR_OK);
	memcpy(t, encoded, ENCODED);
	t[ENCODED] = 0;
	assert_int_equal(decode(t, ENCODED + 1), TSR_INVALID);	/* a byte left over */
	assert_int_equal(DECODED(11, 0), TSR_INVALID);		/* no purpose */
	assert_int_equal(DECODED(11, 5), TSR_INVALID);
	assert_int_equal(DECODED(4, 1), TSR_INVALID);		/* 2^56 + login */
	assert_int_equal(DECODED(10, 1), TSR_INVALID);
	assert_int_equal(DECODED(3, 7), TSR_INVALID);		/* a number of 7 bytes */
	assert_int_equal(DECODED(3, 9), TSR_TOO_LARGE);
	assert_int_equal(DECODED(16, 0), TSR_INVALID);		/* NUL in the issuer */
	assert_int_equal(DECODED(16, '\n'), TSR_INVALID);
	assert_int_equal(DECODED(16, 0x80), TSR_INVALID);	/* not UTF-8 */
	assert_int_equal(DECODED(12, 1), TSR_TOO_LARGE);	/* a field of 16 MB */
	assert_int_equal(DECODED(12, 0xff), TSR_TOO_LARGE);
	assert_int_equal(DECODED(14, 2), TSR_INVALID);		/* beyond the end */
	assert_int_equal(DECODED(ENCODED - 8 - 4 - 9 - 2, 1), TSR_INVALID);	/* reuse 258 */
	assert_int_equal(decode(t, 0), TSR_INVALID);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_encoding),
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_every_field),
		cmocka_unit_test(test_encode_refusals),
		cmocka_unit_test(test_decode_refusals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
