/*
 * test_ssh_krl.c - revocation lists, byte by byte, and what would make one that sshd
 * cannot read.
 *
 * SPDX-License-Identifier: ISC
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "ssh_help.h"
#include "ssh_rows.h"
#include "tessera.h"
#include "token/ssh_krl.h"

#define COUNT(t)	(sizeof(t) / sizeof((t)[0]))
#define NOW		1800000000

/* PROTOCOL.krl section 1, for version 9, NOW and the comment "c". */
static const uint8_t head[] = {
	'S', 'S', 'H', 'K', 'R', 'L', '\n', 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 9,
	0, 0, 0, 0, 0x6b, 0x49, 0xd2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 'c'
};

static void
want_string(struct reader *r, const void *want, size_t n)
{
	const uint8_t *p;
	size_t len;

	assert_int_equal(reader_string(r, r->left, &p, &len), TSR_OK);
	assert_int_equal(len, n);
	assert_memory_equal(p, want, n);
}

/* A CA with two serials, one that is revoked whole, one with neither. */
static void
test_bytes(void **state)
{
	static const uint64_t serials[] = { 1, 0x8000000000000002 };
	struct buf key[3] = { ssh_bytes(ROW_CA_KEY), ssh_bytes(ROW_ED25519_KEY), ssh_bytes(ROW_P256_KEY) };
	const struct ssh_krl_ca ca[] = {
		{ key[0].data, key[0].len, 0, serials, 2 },
		{ key[1].data, key[1].len, 1, NULL, 0 },
		{ key[2].data, key[2].len, 0, NULL, 0 }
	};
	const uint8_t list[] = { 0, 0, 0, 0, 0, 0, 0, 1, 0x80, 0, 0, 0, 0, 0, 0, 2 };
	const uint8_t *p;
	struct reader r, in;
	struct buf out;
	uint8_t type;
	size_t i, n;

	(void)state;
	buf_init(&out, SSH_KRL_MAX);
	assert_int_equal(buf_put_u8(&out, '#'), TSR_OK);
	assert_int_equal(ssh_krl_write(&out, ca, COUNT(ca), 9, NOW, "c"), TSR_OK);
	assert_in_range(out.len, 1 + sizeof(head), 1024);
	assert_memory_equal(out.data + 1, head, sizeof(head));
	reader_init(&r, out.data + 1 + sizeof(head), out.len - 1 - sizeof(head));
	assert_int_equal(reader_u8(&r, &type), TSR_OK);
	assert_int_equal(type, 1);
	assert_int_equal(reader_string(&r, r.left, &p, &n), TSR_OK);
	reader_init(&in, p, n);
	want_string(&in, key[0].data, key[0].len);
	want_string(&in, "", 0);
	assert_int_equal(reader_u8(&in, &type), TSR_OK);
	assert_int_equal(type, 0x20);
	want_string(&in, list, sizeof(list));
	assert_int_equal(reader_end(&in), TSR_OK);
	assert_int_equal(reader_u8(&r, &type), TSR_OK);
	assert_int_equal(type, 2);
	assert_int_equal(reader_string(&r, r.left, &p, &n), TSR_OK);
	reader_init(&in, p, n);
	want_string(&in, key[1].data, key[1].len);
	assert_int_equal(reader_end(&in), TSR_OK);
	assert_int_equal(reader_end(&r), TSR_OK);
	buf_reset(&out);
	assert_int_equal(ssh_krl_write(&out, NULL, 0, 9, NOW, "c"), TSR_OK);
	assert_int_equal(out.len, sizeof(head));
	buf_free(&out);
	for (i = 0; i < COUNT(key); i++)
		buf_free(&key[i]);
}

static const struct row {
	const char *name, *key;
	uint64_t serials[3];
	size_t n;
	int64_t now;
	const char *comment;
	int code;
} rows[] = {
	{ "none revoked", ROW_CA_KEY, { 0 }, 0, NOW, "", TSR_OK },
	{ "three", ROW_CA_KEY, { 1, 2, UINT64_MAX }, 3, NOW, "", TSR_OK },
	{ "serial 0", ROW_CA_KEY, { 0, 1, 2 }, 3, NOW, "", TSR_INVALID },
	{ "one twice", ROW_CA_KEY, { 1, 1, 2 }, 3, NOW, "", TSR_INVALID },
	{ "falling", ROW_CA_KEY, { 1, 3, 2 }, 3, NOW, "", TSR_INVALID },
	{ "too many", ROW_CA_KEY, { 1, 3, 2 }, SSH_KRL_MAX / 8 + 1, NOW, "", TSR_TOO_LARGE },
	{ "no key", "", { 1 }, 1, NOW, "", TSR_INVALID },
	{ "a certificate for a key", ROW_USER_CERT, { 1 }, 1, NOW, "", TSR_INVALID },
	{ "a weak key", ROW_RSA1024_KEY, { 1 }, 1, NOW, "", TSR_INVALID },
	{ "before the epoch", ROW_CA_KEY, { 1 }, 1, -1, "", TSR_INVALID },
	{ "a comment with a newline", ROW_CA_KEY, { 1 }, 1, NOW, "a\nb", TSR_INVALID }
};

static void
test_rows(void **state)
{
	struct ssh_krl_ca ca;
	struct buf key, out;
	size_t i;
	int r;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		key = ssh_bytes(rows[i].key);
		ca = (struct ssh_krl_ca){ key.data, key.len, 1, rows[i].serials, rows[i].n };
		buf_init(&out, SSH_KRL_MAX);
		r = ssh_krl_write(&out, &ca, 1, 1, rows[i].now, rows[i].comment);
		if (r != rows[i].code || (r != TSR_OK && out.len != 0))
			fail_msg("%s: %d, not %d; %zu bytes", rows[i].name, r, rows[i].code, out.len);
		buf_free(&out);
		buf_free(&key);
	}
}

/* All CAs together are within the limit. */
static void
test_limit(void **state)
{
	static uint64_t serials[SSH_KRL_MAX / 16];
	struct buf key = ssh_bytes(ROW_CA_KEY), out;
	const struct ssh_krl_ca one = { key.data, key.len, 0, serials, COUNT(serials) };
	const struct ssh_krl_ca ca[] = { one, one };
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(serials); i++)
		serials[i] = i + 1;
	buf_init(&out, 2 * SSH_KRL_MAX);
	assert_int_equal(ssh_krl_write(&out, ca, 1, 1, NOW, ""), TSR_OK);
	assert_in_range(out.len, SSH_KRL_MAX / 2, SSH_KRL_MAX / 2 + 200);
	buf_reset(&out);
	assert_int_equal(ssh_krl_write(&out, ca, 2, 1, NOW, ""), TSR_TOO_LARGE);
	assert_int_equal(out.len, 0);
	buf_free(&out);
	buf_free(&key);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_limit)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
