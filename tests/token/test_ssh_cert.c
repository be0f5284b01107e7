/*
 * test_ssh_cert.c - user certificates are made and read again; those of ssh-keygen are
 * read, and no bit of them counts for nothing.
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
#include "token_help.h"

#define COUNT(t)	(sizeof(t) / sizeof((t)[0]))
#define LONG_64		"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define LONG_256	LONG_64 LONG_64 LONG_64 LONG_64

static const uint8_t nonce[SSH_CERT_NONCE] = { 1, 2, 3 };
static const char *const alice[] = { "alice", "deploy" };
static const struct ssh_cert_option critical[] = {
	{ "source-address", "10.0.0.0/8" }, { "force-command", "id -u" }
};
static const struct ssh_cert_option extensions[] = {
	{ "permit-user-rc", "" }, { "permit-pty", "" }, { "permit-port-forwarding", "" }
};

/* A certificate that nothing is wrong with, of any key. */
static struct ssh_cert
good(const struct buf *key)
{
	struct ssh_cert c = { .serial = 0x8123456789abcdef, .id = "alice@desk 01", .principals = alice,
		.n_principals = 2, .valid_after = 1800000000, .valid_before = 1800000300,
		.critical = critical, .n_critical = 2, .extensions = extensions, .n_extensions = 3 };

	assert_int_equal(ssh_key_read(key->data, key->len, &c.key), TSR_OK);
	return c;
}

/* Packed options: names, and values within their strings. */
static void
want_options(const uint8_t *p, size_t n, const char *const *want, size_t n_want)
{
	const uint8_t *s;
	struct reader r, in;
	size_t i, len;

	reader_init(&r, p, n);
	for (i = 0; i < n_want; i += 2) {
		assert_int_equal(reader_string(&r, n, &s, &len), TSR_OK);
		assert_int_equal(len, strlen(want[i]));
		assert_memory_equal(s, want[i], len);
		assert_int_equal(reader_string(&r, n, &s, &len), TSR_OK);
		if (want[i + 1][0] == '\0') {
			assert_int_equal(len, 0);
			continue;
		}
		reader_init(&in, s, len);
		assert_int_equal(reader_string(&in, len, &s, &len), TSR_OK);
		assert_int_equal(len, strlen(want[i + 1]));
		assert_memory_equal(s, want[i + 1], len);
		assert_int_equal(reader_end(&in), TSR_OK);
	}
	assert_int_equal(reader_end(&r), TSR_OK);
}

static void
test_made(void **state)
{
	static const char *const keys[] = { ROW_ED25519_KEY, ROW_P256_KEY, ROW_P384_KEY, ROW_P521_KEY,
		ROW_RSA2048_KEY, ROW_RSA3072_KEY };
	static const char *const sorted_critical[] = { "force-command", "id -u", "source-address", "10.0.0.0/8" };
	static const char *const sorted_extensions[] = { "permit-port-forwarding", "", "permit-pty", "",
		"permit-user-rc", "" };
	struct jws_key *ca = help_key_ed();
	struct ssh_cert_read got;
	struct buf key, out;
	struct ssh_cert c;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(keys); i++) {
		key = ssh_bytes(keys[i]);
		c = good(&key);
		buf_init(&out, SSH_CERT_MAX);
		assert_int_equal(ssh_cert_make(&out, ca, &c, nonce), TSR_OK);
		assert_int_equal(ssh_cert_read(out.data, out.len, &got), TSR_OK);
		assert_int_equal(got.kind, c.key.kind);
		assert_int_equal(got.fields_n, c.key.fields_n);
		assert_memory_equal(got.fields, c.key.fields, got.fields_n);
		assert_int_equal(got.serial, c.serial);
		assert_int_equal(got.type, 1);
		assert_string_equal(got.id, c.id);
		assert_int_equal(got.n_principals, 2);
		assert_string_equal(got.principals[0], "alice");
		assert_string_equal(got.principals[1], "deploy");
		assert_int_equal(got.valid_after, c.valid_after);
		assert_int_equal(got.valid_before, c.valid_before);
		want_options(got.critical, got.critical_n, sorted_critical, COUNT(sorted_critical));
		want_options(got.extensions, got.extensions_n, sorted_extensions, COUNT(sorted_extensions));
		buf_free(&out);
		buf_free(&key);
	}
	jws_key_free(&ca);
}

static const struct fit_row {
	const char *text;
	int fit;
} fits[] = {
	{ "a", 1 }, { "alice.b-c_d+e@example.org", 1 }, { "J\xc3\xb6rg", 1 }, { "two words", 1 }, { "*", 1 },
	{ "", 0 }, { "a,b", 0 }, { ",", 0 }, { " a", 0 }, { "a ", 0 }, { " ", 0 }, { "a\nb", 0 }, { "a\tb", 0 },
	{ "\033[2J", 0 }, { "a\x7f", 0 }, { "a\xc2\x85", 0 }, { "J\xf6rg", 0 }, { "\xed\xa0\x80", 0 },
	{ LONG_64 LONG_64 LONG_64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde", 1 },
	{ LONG_256, 0 }
};

/* What is not fit for a principal is in no certificate. */
static void
test_principals(void **state)
{
	struct buf key = ssh_bytes(ROW_ED25519_KEY), out;
	const char *principals[SSH_CERT_PRINCIPALS_MAX + 1];
	struct jws_key *ca = help_key_ed();
	struct ssh_cert c = good(&key);
	size_t i;

	(void)state;
	buf_init(&out, SSH_CERT_MAX);
	c.principals = principals;
	principals[0] = "alice";
	for (i = 0; i < COUNT(fits); i++) {
		principals[1] = fits[i].text;
		if (ssh_cert_principal_ok(fits[i].text) != fits[i].fit)
			fail_msg("\"%s\"", fits[i].text);
		assert_int_equal(ssh_cert_make(&out, ca, &c, nonce), fits[i].fit ? TSR_OK : TSR_INVALID);
		buf_reset(&out);
	}
	c.n_principals = 0;
	assert_int_equal(ssh_cert_make(&out, ca, &c, nonce), TSR_INVALID);
	for (i = 0; i < COUNT(principals); i++)
		principals[i] = "p";
	c.n_principals = SSH_CERT_PRINCIPALS_MAX;
	assert_int_equal(ssh_cert_make(&out, ca, &c, nonce), TSR_OK);
	buf_reset(&out);
	c.n_principals++;
	assert_int_equal(ssh_cert_make(&out, ca, &c, nonce), TSR_TOO_LARGE);
	assert_int_equal(out.len, 0);
	buf_free(&out);
	buf_free(&key);
	jws_key_free(&ca);
}

static void
refused(const char *name, struct jws_key *ca, const struct ssh_cert *c, int code)
{
	struct buf out;
	int r;

	buf_init(&out, 65536);
	r = ssh_cert_make(&out, ca, c, nonce);
	if (r != code || out.len != 0)
		fail_msg("%s: %d, not %d; %zu bytes", name, r, code, out.len);
	buf_free(&out);
}

/* A good one, but for the change. */
#define REFUSED(name, code, change)	do {		\
		c = good(&key);				\
		change;					\
		refused(name, ca, &c, code);		\
	} while (0)

static void
test_refused(void **state)
{
	static const struct ssh_cert_option twice[] = { { "permit-pty", "" }, { "a", "" }, { "permit-pty", "" } };
	static const struct ssh_cert_option nameless[] = { { "", "" }, { "a", "" } };
	static const struct ssh_cert_option control[] = { { "a\n", "" }, { "a", "" } };
	static const struct ssh_cert_option wide[] = { { LONG_256, "" }, { "a", "" } };
	static char value[SSH_CERT_MAX];
	static const struct ssh_cert_option heavy[] = { { "a", value }, { "b", "" } };
	struct jws_key *ca = help_key_ed(), *other = help_key_es();
	struct buf key = ssh_bytes(ROW_ED25519_KEY), out;
	struct ssh_cert c;

	(void)state;
	memset(value, 'v', sizeof(value) - 1);
	REFUSED("serial 0", TSR_INVALID, c.serial = 0);
	REFUSED("no id", TSR_INVALID, c.id = "");
	REFUSED("a newline in the id", TSR_INVALID, c.id = "a\nb");
	REFUSED("an id that is too long", TSR_TOO_LARGE, c.id = LONG_256);
	REFUSED("from 0 on", TSR_INVALID, c.valid_after = 0);
	REFUSED("until 0", TSR_INVALID, c.valid_before = 0);
	REFUSED("over when it begins", TSR_INVALID, c.valid_before = c.valid_after);
	REFUSED("over before it begins", TSR_INVALID, c.valid_before = c.valid_after - 1);
	REFUSED("for ever", TSR_INVALID, c.valid_before = UINT64_MAX);
	REFUSED("from the end of time", TSR_INVALID, c.valid_after = UINT64_MAX);
	REFUSED("an extension twice", TSR_INVALID, c.extensions = twice);
	REFUSED("an option twice", TSR_INVALID, (c.critical = twice, c.n_critical = 3));
	REFUSED("an option without a name", TSR_INVALID, c.critical = nameless);
	REFUSED("a newline in an option's name", TSR_INVALID, c.critical = control);
	REFUSED("an option's long name", TSR_TOO_LARGE, c.critical = wide);
	REFUSED("an option's long value", TSR_TOO_LARGE, c.critical = heavy);
	REFUSED("too many options", TSR_TOO_LARGE, c.n_critical = SSH_CERT_OPTIONS_MAX + 1);
	REFUSED("too many extensions", TSR_TOO_LARGE, c.n_extensions = SSH_CERT_OPTIONS_MAX + 1);
	c = good(&key);
	refused("another kind of CA", other, &c, TSR_INVALID);
	buf_init(&out, 10);
	assert_int_equal(ssh_cert_make(&out, ca, &c, nonce), TSR_TOO_LARGE);
	assert_int_equal(out.len, 0);
	buf_free(&out);
	buf_free(&key);
	jws_key_free(&ca);
	jws_key_free(&other);
}

static const struct read_row {
	const char *name, *cert;
	int code;
	enum ssh_key_kind kind;
	uint32_t type;
	size_t n_principals;
} reads[] = {
	{ "of a user", ROW_USER_CERT, TSR_OK, SSH_ED25519, 1, 2 },
	{ "of a host", ROW_HOST_CERT, TSR_OK, SSH_P256, 2, 2 },
	{ "by an RSA CA", ROW_RSA_CA_CERT, TSR_OK, SSH_P384, 1, 1 },
	{ "by a P-521 CA, for everybody", ROW_P521_CA_CERT, TSR_OK, SSH_RSA, 1, 0 },
	{ "by an RSA CA with SHA-1", ROW_SHA1_CA_CERT, TSR_BAD_ALGORITHM, 0, 0, 0 },
	{ "a key", ROW_ED25519_KEY, TSR_UNSUPPORTED, 0, 0, 0 },
	{ "a signature", ROW_P256_SIG, TSR_UNSUPPORTED, 0, 0, 0 }
};

static int
read_exactly(const void *p, size_t n)
{
	uint8_t *copy = ssh_exact(p, n);
	struct ssh_cert_read c;
	int r = ssh_cert_read(copy, n, &c);

	free(copy);
	return r;
}

static void
test_read(void **state)
{
	struct ssh_cert_read c;
	struct buf b;
	size_t i, n;
	int r;

	(void)state;
	for (i = 0; i < COUNT(reads); i++) {
		b = ssh_bytes(reads[i].cert);
		if ((r = ssh_cert_read(b.data, b.len, &c)) != reads[i].code)
			fail_msg("%s: %d, not %d", reads[i].name, r, reads[i].code);
		if (r == TSR_OK) {
			assert_int_equal(c.kind, reads[i].kind);
			assert_int_equal(c.type, reads[i].type);
			assert_int_equal(c.n_principals, reads[i].n_principals);
		}
		for (n = 0; n < b.len; n++)
			assert_int_not_equal(read_exactly(b.data, n), TSR_OK);
		assert_int_equal(buf_put_u8(&b, 0), TSR_OK);
		assert_int_not_equal(read_exactly(b.data, b.len), TSR_OK);
		buf_free(&b);
	}
	b = ssh_bytes(ROW_USER_CERT);
	assert_int_equal(ssh_cert_read(b.data, b.len, &c), TSR_OK);
	assert_string_equal(c.id, "alice@desk 01");
	assert_int_equal(c.serial, 0x0123456789abcdef);
	assert_string_equal(c.principals[1], "deploy");
	assert_int_equal(c.valid_before - c.valid_after, 300);
	assert_int_equal(ssh_cert_read(b.data, SSH_CERT_MAX + 1, &c), TSR_TOO_LARGE);
	buf_free(&b);
}

/* The signature is over all of it. */
static void
test_bits(void **state)
{
	struct buf b = ssh_bytes(ROW_USER_CERT);
	size_t bit;

	(void)state;
	for (bit = 0; bit < 8 * b.len; bit++) {
		b.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
		if (read_exactly(b.data, b.len) == TSR_OK)
			fail_msg("bit %zu", bit);
		b.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	buf_free(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_made),
		cmocka_unit_test(test_principals),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_bits)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
