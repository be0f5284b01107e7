/*
 * test_ssh_key.c - public keys as OpenSSH writes them, and what is near them.
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
#include "token/ssh_cert.h"
#include "token/ssh_key.h"

#define COUNT(t)	(sizeof(t) / sizeof((t)[0]))

static const struct key_row {
	const char *name, *key, *print;
	enum ssh_key_kind kind;
} keys[] = {
	{ "ssh-ed25519", ROW_ED25519_KEY, ROW_ED25519_PRINT, SSH_ED25519 },
	{ "ecdsa-sha2-nistp256", ROW_P256_KEY, ROW_P256_PRINT, SSH_P256 },
	{ "ecdsa-sha2-nistp384", ROW_P384_KEY, ROW_P384_PRINT, SSH_P384 },
	{ "ecdsa-sha2-nistp521", ROW_P521_KEY, ROW_P521_PRINT, SSH_P521 },
	{ "ssh-rsa", ROW_RSA2048_KEY, ROW_RSA2048_PRINT, SSH_RSA },
	{ "ssh-rsa", ROW_RSA3072_KEY, ROW_RSA3072_PRINT, SSH_RSA }
};

static int
read_exactly(const void *p, size_t n)
{
	uint8_t *copy = ssh_exact(p, n);
	struct ssh_key k;
	int r = ssh_key_read(copy, n, &k);

	free(copy);
	return r;
}

/* A key is read, shown and written again as ssh-keygen does; cut anywhere, or with a
 * byte more, it is none. */
static void
test_keys(void **state)
{
	char line[SSH_KEY_LINE_MAX], print[SSH_FINGERPRINT_MAX], comment[SSH_KEY_COMMENT_MAX];
	struct buf blob, out;
	struct ssh_key k;
	size_t i, n;

	(void)state;
	buf_init(&out, SSH_KEY_LINE_MAX);
	buf_init(&blob, SSH_KEY_MAX);
	for (i = 0; i < COUNT(keys); i++) {
		(void)snprintf(line, sizeof(line), "%s %s root@host\n", keys[i].name, keys[i].key);
		assert_int_equal(ssh_key_parse(line, strlen(line), &blob, comment), TSR_OK);
		assert_string_equal(comment, "root@host");
		assert_int_equal(ssh_key_read(blob.data, blob.len, &k), TSR_OK);
		assert_int_equal(k.kind, keys[i].kind);
		assert_string_equal(ssh_key_name(k.kind), keys[i].name);
		assert_ptr_equal(k.fields + k.fields_n, blob.data + blob.len);
		assert_int_equal(k.fields_n, blob.len - 4 - strlen(keys[i].name));
		assert_int_equal(ssh_key_fingerprint(blob.data, blob.len, print), TSR_OK);
		assert_string_equal(print, keys[i].print);
		buf_reset(&out);
		assert_int_equal(ssh_key_line(&out, blob.data, blob.len, comment), TSR_OK);
		assert_int_equal(out.len, strlen(line) - 1);
		assert_memory_equal(out.data, line, out.len);
		for (n = 0; n < blob.len; n++)
			assert_int_not_equal(read_exactly(blob.data, n), TSR_OK);
		assert_int_equal(buf_put_u8(&blob, 0), TSR_OK);
		assert_int_equal(read_exactly(blob.data, blob.len), TSR_INVALID);
	}
	buf_free(&blob);
	buf_free(&out);
}

#define ED	"ssh-ed25519 " ROW_ED25519_KEY

static const struct line_row {
	const char *name, *line, *comment;
	int code;
} lines[] = {
	{ "no comment", ED, "", TSR_OK },
	{ "blanks around", "  ssh-ed25519\t" ROW_ED25519_KEY "   a  b \r\n", "a  b", TSR_OK },
	{ "umlauts", ED " J\xc3\xb6rg", "J\xc3\xb6rg", TSR_OK },
	{ "nothing", "", NULL, TSR_INVALID },
	{ "a newline", "\n", NULL, TSR_INVALID },
	{ "name alone", "ssh-ed25519", NULL, TSR_INVALID },
	{ "another name", "ssh-rsa " ROW_ED25519_KEY, NULL, TSR_INVALID },
	{ "options before", "restrict " ED, NULL, TSR_INVALID },
	{ "no base64", "ssh-ed25519 AAAA*AAA", NULL, TSR_INVALID },
	{ "base64url", "ssh-ed25519 AAAA-_AA", NULL, TSR_INVALID },
	{ "padding", ED "=", NULL, TSR_INVALID },
	{ "cut", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA==", NULL, TSR_INVALID },
	{ "a second line", ED " a\n" ED, NULL, TSR_INVALID },
	{ "escape in the comment", ED " a\033[2Jb", NULL, TSR_INVALID },
	{ "C1 in the comment", ED " a\xc2\x9b" "2J", NULL, TSR_INVALID },
	{ "Latin-1 in the comment", ED " J\xf6rg", NULL, TSR_INVALID },
	{ "a weak key", "ssh-rsa " ROW_RSA1024_KEY, NULL, TSR_KEY_UNUSABLE },
	{ "a certificate", "ssh-ed25519-cert-v01@openssh.com " ROW_USER_CERT, NULL, TSR_UNSUPPORTED }
};

static void
test_lines(void **state)
{
	char comment[SSH_KEY_COMMENT_MAX], line[SSH_KEY_LINE_MAX + 1];
	struct buf blob;
	size_t i, n;
	int r;

	(void)state;
	buf_init(&blob, SSH_KEY_MAX);
	for (i = 0; i < COUNT(lines); i++) {
		r = ssh_key_parse(lines[i].line, strlen(lines[i].line), &blob, comment);
		if (r != lines[i].code)
			fail_msg("%s: %d, not %d", lines[i].name, r, lines[i].code);
		if (r == TSR_OK)
			assert_string_equal(comment, lines[i].comment);
		else
			assert_int_equal(blob.len, 0);
	}
	/* a NUL within, and comments at their limit and beyond */
	assert_int_equal(ssh_key_parse(ED " a\0b", sizeof(ED) + 3, &blob, comment), TSR_INVALID);
	n = (size_t)snprintf(line, sizeof(line), "%s ", ED);
	memset(line + n, 'c', sizeof(line) - n);
	assert_int_equal(ssh_key_parse(line, n + SSH_KEY_COMMENT_MAX - 1, &blob, comment), TSR_OK);
	assert_int_equal(ssh_key_parse(line, n + SSH_KEY_COMMENT_MAX, &blob, comment), TSR_TOO_LARGE);
	assert_int_equal(ssh_key_parse(line, SSH_KEY_LINE_MAX, &blob, comment), TSR_TOO_LARGE);
	assert_int_equal(blob.len, 0);
	buf_free(&blob);
}

/* Written lines hold one line, of one name. */
static void
test_written(void **state)
{
	static const uint8_t nameless[4] = { 0 }, blank[] = { 0, 0, 0, 2, 'a', ' ' };
	struct buf blob = ssh_bytes(ROW_ED25519_KEY), out;

	(void)state;
	buf_init(&out, SSH_KEY_LINE_MAX);
	assert_int_equal(buf_put_u8(&out, '#'), TSR_OK);
	assert_int_equal(ssh_key_line(&out, blob.data, blob.len, "a\nb"), TSR_INVALID);
	assert_int_equal(ssh_key_line(&out, nameless, sizeof(nameless), ""), TSR_INVALID);
	assert_int_equal(ssh_key_line(&out, blank, sizeof(blank), ""), TSR_INVALID);
	assert_int_equal(ssh_key_line(&out, blob.data, SSH_CERT_MAX + 1, ""), TSR_TOO_LARGE);
	assert_int_equal(out.len, 1);
	assert_int_equal(ssh_key_line(&out, blob.data, blob.len, NULL), TSR_OK);
	assert_int_equal(out.len, strlen("#" ED));
	assert_memory_equal(out.data, "#" ED, out.len);
	buf_free(&out);
	buf_init(&out, 20);
	assert_int_equal(ssh_key_line(&out, blob.data, blob.len, ""), TSR_TOO_LARGE);
	assert_int_equal(out.len, 0);
	buf_free(&blob);
	buf_free(&out);
}

#define SK_ED	"sk-ssh-ed25519@openssh.com"

/* Keys made up of wrong numbers. */
static void
test_numbers(void **state)
{
	static const uint8_t small[32] = { 1 }, e3[] = { 3 }, e1[] = { 1 }, e2[] = { 2 }, e0[] = { 0 };
	static const uint8_t long3[] = { 0, 3 }, minus[] = { 0x83 }, e72[9] = { 1, 0, 0, 0, 0, 0, 0, 0, 1 };
	static const uint8_t n[257] = { 0, 0x80, 1, [256] = 1 }, big[1026] = { 0, 0x80, [1025] = 1 }, q[65] = { 4 };
	struct {
		const char *name;
		struct buf blob;
		int code;
	} rows[] = {
		{ "Ed25519 of small order", ssh_blob("ssh-ed25519", small, 32, NULL, 0), TSR_INVALID },
		{ "Ed25519 of 31 bytes", ssh_blob("ssh-ed25519", small, 31, NULL, 0), TSR_INVALID },
		{ "RSA of 2048 bits, e 3", ssh_blob("ssh-rsa", e3, 1, n, 257), TSR_OK },
		{ "RSA of 2040 bits", ssh_blob("ssh-rsa", e3, 1, n + 2, 255), TSR_KEY_UNUSABLE },
		{ "RSA of 8200 bits", ssh_blob("ssh-rsa", e3, 1, big, 1026), TSR_KEY_UNUSABLE },
		{ "e 1", ssh_blob("ssh-rsa", e1, 1, n, 257), TSR_KEY_UNUSABLE },
		{ "e 2", ssh_blob("ssh-rsa", e2, 1, n, 257), TSR_KEY_UNUSABLE },
		{ "e of 65 bits", ssh_blob("ssh-rsa", e72, 9, n, 257), TSR_KEY_UNUSABLE },
		{ "e 0", ssh_blob("ssh-rsa", e0, 1, n, 257), TSR_INVALID },
		{ "no e", ssh_blob("ssh-rsa", e0, 0, n, 257), TSR_INVALID },
		{ "e with a zero too many", ssh_blob("ssh-rsa", long3, 2, n, 257), TSR_INVALID },
		{ "e below zero", ssh_blob("ssh-rsa", minus, 1, n, 257), TSR_INVALID },
		{ "n even", ssh_blob("ssh-rsa", e3, 1, n, 256), TSR_INVALID },
		{ "a point off the curve", ssh_blob("ecdsa-sha2-nistp256", "nistp256", 8, q, 65), TSR_INVALID },
		{ "a point at infinity", ssh_blob("ecdsa-sha2-nistp256", "nistp256", 8, e0, 1), TSR_INVALID },
		{ "another curve", ssh_blob("ecdsa-sha2-nistp256", "nistp384", 8, q, 65), TSR_INVALID },
		{ "a curve's long name", ssh_blob("ecdsa-sha2-nistp256", n, 257, q, 65), TSR_INVALID },
		{ "security key without application", ssh_blob(SK_ED, small, 32, NULL, 0), TSR_INVALID },
		{ "DSA", ssh_blob("ssh-dss", n, 257, NULL, 0), TSR_UNSUPPORTED },
		{ "no name", ssh_blob("", n, 257, NULL, 0), TSR_UNSUPPORTED }
	};
	size_t i;
	int r;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		r = read_exactly(rows[i].blob.data, rows[i].blob.len);
		if (r != rows[i].code)
			fail_msg("%s: %d, not %d", rows[i].name, r, rows[i].code);
		buf_free(&rows[i].blob);
	}
	assert_int_equal(read_exactly(big, 3), TSR_INVALID);
	assert_int_equal(ssh_key_read(big, SSH_KEY_MAX + 1, NULL), TSR_TOO_LARGE);
}

/* Keys on security keys are read, with their application; they sign for no host. */
static void
test_security_keys(void **state)
{
	static const char *const types[] = { SK_ED, "sk-ecdsa-sha2-nistp256@openssh.com" };
	struct buf plain[] = { ssh_bytes(ROW_ED25519_KEY), ssh_bytes(ROW_P256_KEY) }, b;
	struct ssh_key k;
	size_t i;

	(void)state;
	for (i = 0; i < 2; i++) {
		assert_int_equal(ssh_key_read(plain[i].data, plain[i].len, &k), TSR_OK);
		buf_init(&b, SSH_KEY_MAX);
		ssh_put_text(&b, types[i]);
		assert_int_equal(buf_put(&b, k.fields, k.fields_n), TSR_OK);
		ssh_put_text(&b, "ssh:");
		assert_int_equal(ssh_key_read(b.data, b.len, &k), TSR_OK);
		assert_int_equal(k.kind, i == 0 ? SSH_SK_ED25519 : SSH_SK_P256);
		assert_int_equal(ssh_host_verify(b.data, b.len, "", 0, "", 0), TSR_UNSUPPORTED);
		b.data[b.len - 1] = '\0';
		assert_int_equal(ssh_key_read(b.data, b.len, &k), TSR_INVALID);
		buf_free(&b);
		buf_free(&plain[i]);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_written),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_security_keys)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
