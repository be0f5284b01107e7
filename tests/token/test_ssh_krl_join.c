/*
 * test_ssh_krl_join.c - what is joined, byte by byte, and what is no list to join.
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

#include "ssh_help.h"
#include "tessera.h"
#include "token/ssh_krl.h"

#define COUNT(t)	(sizeof(t) / sizeof((t)[0]))
#define S(literal)	literal, sizeof(literal) - 1

/* Of version 1, date 2, comment "c". */
#define MAGIC	"SSHKRL\n\0"
#define FORMAT	"\0\0\0\1"
#define NUMBERS	"\0\0\0\0\0\0\0\1" "\0\0\0\0\0\0\0\2"
#define FLAGS	"\0\0\0\0\0\0\0\0"
#define HEAD	MAGIC FORMAT NUMBERS FLAGS "\0\0\0\0" "\0\0\0\1c"

/* Serial 7 of the CA "k", a range, a bitmap, a key ID. */
#define OF_K	"\0\0\0\1k" "\0\0\0\0"
#define LIST	"\x20\0\0\0\x08" "\0\0\0\0\0\0\0\7"
#define RANGE	"\x21\0\0\0\x10" "\0\0\0\0\0\0\0\7" "\0\0\0\0\0\0\0\x09"
#define BITS	"\x22\0\0\0\x0d" "\0\0\0\0\0\0\0\7" "\0\0\0\1\5"
#define ID	"\x23\0\0\0\x05" "\0\0\0\1i"
#define SHA1	"\0\0\0\x14" "01234567890123456789"
#define SHA256	"\0\0\0\x20" "01234567890123456789012345678901"

static const struct row {
	const char *name;
	const char *bytes;
	size_t n;
	int code;
} rows[] = {
	{ "nothing revoked", S(HEAD), TSR_OK },
	{ "a list of serials", S(HEAD "\1\0\0\0\x16" OF_K LIST), TSR_OK },
	{ "a range", S(HEAD "\1\0\0\0\x1e" OF_K RANGE), TSR_OK },
	{ "a bitmap", S(HEAD "\1\0\0\0\x1b" OF_K BITS), TSR_OK },
	{ "a key ID of any CA", S(HEAD "\1\0\0\0\x12" "\0\0\0\0\0\0\0\0" ID), TSR_OK },
	{ "two of one CA", S(HEAD "\1\0\0\0\x20" OF_K ID LIST), TSR_OK },
	{ "keys", S(HEAD "\2\0\0\0\x0a" "\0\0\0\1k" "\0\0\0\1l"), TSR_OK },
	{ "fingerprints", S(HEAD "\3\0\0\0\x18" SHA1 "\5\0\0\0\x24" SHA256), TSR_OK },
	{ "empty", S(""), TSR_INVALID },
	{ "other magic", S("SSHKRL\n\1" FORMAT NUMBERS FLAGS "\0\0\0\0\0\0\0\0"), TSR_INVALID },
	{ "magic alone", S(MAGIC), TSR_INVALID },
	{ "format 2", S(MAGIC "\0\0\0\2" NUMBERS FLAGS "\0\0\0\0\0\0\0\0"), TSR_UNSUPPORTED },
	{ "flags", S(MAGIC FORMAT NUMBERS "\0\0\0\0\0\0\0\1" "\0\0\0\0\0\0\0\0"), TSR_UNSUPPORTED },
	{ "a comment with a NUL", S(MAGIC FORMAT NUMBERS FLAGS "\0\0\0\0" "\0\0\0\3a\0b"), TSR_INVALID },
	{ "cut in the head", HEAD, sizeof(HEAD) - 2, TSR_INVALID },
	{ "cut in a section's length", S(HEAD "\1\0\0"), TSR_INVALID },
	{ "cut in a section", S(HEAD "\2\0\0\0\x0a" "\0\0\0\1k"), TSR_INVALID },
	{ "the longest length", S(HEAD "\2\xff\xff\xff\xff" "\0\0\0\1k"), TSR_INVALID },
	{ "a byte too many", S(HEAD "\2\0\0\0\5" "\0\0\0\1k" "\2"), TSR_INVALID },
	{ "a byte too many within", S(HEAD "\2\0\0\0\6" "\0\0\0\1k" "\0"), TSR_INVALID },
	{ "no certificates", S(HEAD "\1\0\0\0\0"), TSR_INVALID },
	{ "a CA with none", S(HEAD "\1\0\0\0\x09" OF_K), TSR_INVALID },
	{ "an empty list of serials", S(HEAD "\1\0\0\0\x0e" OF_K "\x20\0\0\0\0"), TSR_INVALID },
	{ "serial 0", S(HEAD "\1\0\0\0\x16" OF_K "\x20\0\0\0\x08" "\0\0\0\0\0\0\0\0"), TSR_INVALID },
	{ "half a serial", S(HEAD "\1\0\0\0\x12" OF_K "\x20\0\0\0\4" "\0\0\0\7"), TSR_INVALID },
	{ "a range that falls", S(HEAD "\1\0\0\0\x1e" OF_K "\x21\0\0\0\x10" "\0\0\0\0\0\0\0\7"
	  "\0\0\0\0\0\0\0\6"), TSR_INVALID },
	{ "half a range", S(HEAD "\1\0\0\0\x16" OF_K "\x21\0\0\0\x08" "\0\0\0\0\0\0\0\7"), TSR_INVALID },
	{ "a bitmap without bits", S(HEAD "\1\0\0\0\x16" OF_K "\x22\0\0\0\x08" "\0\0\0\0\0\0\0\7"), TSR_INVALID },
	{ "an empty key ID", S(HEAD "\1\0\0\0\x12" OF_K "\x23\0\0\0\4" "\0\0\0\0"), TSR_INVALID },
	{ "no keys", S(HEAD "\2\0\0\0\0"), TSR_INVALID },
	{ "a short fingerprint", S(HEAD "\5\0\0\0\x18" SHA1), TSR_INVALID },
	{ "a long fingerprint", S(HEAD "\3\0\0\0\x24" SHA256), TSR_INVALID },
	{ "signed", S(HEAD "\4\0\0\0\1k" "\0\0\0\1s"), TSR_UNSUPPORTED },
	{ "section 0", S(HEAD "\0\0\0\0\1k"), TSR_UNSUPPORTED },
	{ "section 6", S(HEAD "\6\0\0\0\1k"), TSR_UNSUPPORTED },
	{ "an extension", S(HEAD "\xff\0\0\0\1k"), TSR_UNSUPPORTED },
	{ "an extension of certificates", S(HEAD "\1\0\0\0\x0f" OF_K "\x39\0\0\0\1x"), TSR_UNSUPPORTED }
};

/* Each behind another, and as the first: it is as it was, or nothing happened. */
static void
test_rows(void **state)
{
	static const char before[] = HEAD "\2\0\0\0\5" "\0\0\0\1k";
	const size_t n = sizeof(before) - 1, head = sizeof(HEAD) - 1;
	struct buf list;
	uint8_t *own;
	size_t i;
	int r;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		own = ssh_exact(rows[i].bytes, rows[i].n);
		buf_init(&list, SSH_KRL_MAX);
		r = ssh_krl_join(&list, own, rows[i].n);
		if (r != rows[i].code || list.len != (r == TSR_OK ? rows[i].n : 0))
			fail_msg("%s: %d, not %d; %zu bytes", rows[i].name, r, rows[i].code, list.len);
		buf_reset(&list);
		assert_int_equal(ssh_krl_join(&list, before, n), TSR_OK);
		r = ssh_krl_join(&list, own, rows[i].n);
		if (r != rows[i].code || list.len != n + (r == TSR_OK ? rows[i].n - head : 0))
			fail_msg("%s behind another: %d, not %d; %zu bytes", rows[i].name, r, rows[i].code, list.len);
		if (r != TSR_OK)
			assert_memory_equal(list.data, before, n);
		else {
			assert_memory_equal(list.data + head, before + head, n - head);
			assert_memory_equal(list.data + n, own + head, rows[i].n - head);
		}
		buf_free(&list);
		free(own);
	}
}

/* The head: the first one's comment, the sum of versions, the later date. */
static void
test_head(void **state)
{
	static const char a[] = MAGIC FORMAT "\0\0\0\0\0\0\1\1" "\0\0\0\0\0\0\0\x09" FLAGS "\0\0\0\2xx" "\0\0\0\1a";
	static const char b[] = MAGIC FORMAT "\0\0\0\0\0\0\0\2" "\0\0\0\0\0\0\1\0" FLAGS "\0\0\0\0" "\0\0\0\2bb";
	static const char want[] = MAGIC FORMAT "\0\0\0\0\0\0\1\3" "\0\0\0\0\0\0\1\0" FLAGS "\0\0\0\2xx" "\0\0\0\1a";
	struct buf list;

	(void)state;
	buf_init(&list, SSH_KRL_MAX);
	assert_int_equal(ssh_krl_join(&list, a, sizeof(a) - 1), TSR_OK);
	assert_int_equal(ssh_krl_join(&list, b, sizeof(b) - 1), TSR_OK);
	assert_int_equal(list.len, sizeof(want) - 1);
	assert_memory_equal(list.data, want, list.len);
	buf_free(&list);
}

/* Each is within the limit, and both together. */
static void
test_limit(void **state)
{
	const size_t head = sizeof(HEAD) - 1, most = SSH_KRL_MAX / 2;
	struct buf other, list;

	(void)state;
	buf_init(&other, 2 * SSH_KRL_MAX);
	buf_init(&list, 2 * SSH_KRL_MAX);
	assert_int_equal(buf_put(&other, HEAD "\2", head + 1), TSR_OK);
	assert_int_equal(buf_put_u32(&other, (uint32_t)(most + 4)), TSR_OK);
	assert_int_equal(buf_put_u32(&other, (uint32_t)most), TSR_OK);
	assert_int_equal(buf_reserve(&other, most), TSR_OK);
	memset(other.data + other.len, 'k', most);
	buf_added(&other, most);
	assert_int_equal(ssh_krl_join(&list, other.data, other.len), TSR_OK);
	assert_int_equal(ssh_krl_join(&list, other.data, other.len), TSR_TOO_LARGE);
	assert_int_equal(list.len, other.len);
	assert_int_equal(ssh_krl_join(&list, other.data, SSH_KRL_MAX + 1), TSR_TOO_LARGE);
	assert_int_equal(list.len, other.len);
	buf_free(&list);
	buf_free(&other);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_head),
		cmocka_unit_test(test_limit)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
