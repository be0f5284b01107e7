/*
 * test_ssh_signed.c - what an agent is asked to sign: logins for the caller's own key,
 * SSHSIG, and nothing else.
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
#include "token/ssh_signed.h"

#define COUNT(t)	(sizeof(t) / sizeof((t)[0]))
#define BOUND		"publickey-hostbound-v00@openssh.com"
#define ED		"ssh-ed25519"
#define ED_CERT		"ssh-ed25519-cert-v01@openssh.com"
#define LONG_64		"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define LONG_256	LONG_64 LONG_64 LONG_64 LONG_64
#define WITH_NUL	"a\0b"

/* The fields of a login; texts of n bytes where a NUL is within. */
struct login {
	size_t session;		/* bytes */
	int number;
	const char *user;
	size_t user_n;		/* 0: all of it */
	const char *service, *method;
	int follows;
	const char *alg, *key;	/* key in base64 */
	const char *host;	/* in base64, or NULL */
};

static const struct login_row {
	const char *name;
	struct login l;
	int code;
} logins[] = {
	{ "a login", { 32, 50, "bob", 0, "ssh-connection", "publickey", 1, ED, ROW_ED25519_KEY, NULL }, TSR_OK },
	{ "with the certificate", { 64, 50, "bob", 0, "ssh-connection", "publickey", 1, ED_CERT, ROW_USER_CERT, NULL }, TSR_OK },
	{ "host-bound", { 20, 50, "bob", 0, "ssh-connection", BOUND, 1, ED, ROW_ED25519_KEY, ROW_P256_KEY }, TSR_OK },
	{ "host-bound, both certificates", { 32, 50, "bob", 0, "ssh-connection", BOUND, 1, ED_CERT, ROW_USER_CERT, ROW_HOST_CERT }, TSR_OK },
	{ "a user with controls", { 32, 50, "b\n\033[2J", 0, "ssh-connection", "publickey", 1, ED, ROW_ED25519_KEY, NULL }, TSR_OK },
	{ "no session", { 0, 50, "bob", 0, "ssh-connection", "publickey", 1, ED, ROW_ED25519_KEY, NULL }, TSR_INVALID },
	{ "session of 19 bytes", { 19, 50, "bob", 0, "ssh-connection", "publickey", 1, ED, ROW_ED25519_KEY, NULL }, TSR_INVALID },
	{ "session of 65 bytes", { 65, 50, "bob", 0, "ssh-connection", "publickey", 1, ED, ROW_ED25519_KEY, NULL }, TSR_INVALID },
	{ "message 0", { 32, 0, "bob", 0, "ssh-connection", "publickey", 1, ED, ROW_ED25519_KEY, NULL }, TSR_UNSUPPORTED },
	{ "message 49", { 32, 49, "bob", 0, "ssh-connection", "publickey", 1, ED, ROW_ED25519_KEY, NULL }, TSR_UNSUPPORTED },
	{ "message 51", { 32, 51, "bob", 0, "ssh-connection", "publickey", 1, ED, ROW_ED25519_KEY, NULL }, TSR_UNSUPPORTED },
	{ "no user", { 32, 50, "", 0, "ssh-connection", "publickey", 1, ED, ROW_ED25519_KEY, NULL }, TSR_INVALID },
	{ "a user with NUL", { 32, 50, WITH_NUL, 3, "ssh-connection", "publickey", 1, ED, ROW_ED25519_KEY, NULL }, TSR_INVALID },
	{ "a user of 256 bytes", { 32, 50, LONG_256, 0, "ssh-connection", "publickey", 1, ED, ROW_ED25519_KEY, NULL }, TSR_INVALID },
	{ "another service", { 32, 50, "bob", 0, "ssh-userauth", "publickey", 1, ED, ROW_ED25519_KEY, NULL }, TSR_UNSUPPORTED },
	{ "a service that begins so", { 32, 50, "bob", 0, "ssh-connection2", "publickey", 1, ED, ROW_ED25519_KEY, NULL }, TSR_UNSUPPORTED },
	{ "host-based", { 32, 50, "bob", 0, "ssh-connection", "hostbased", 1, ED, ROW_ED25519_KEY, NULL }, TSR_UNSUPPORTED },
	{ "a later host-bound", { 32, 50, "bob", 0, "ssh-connection", "publickey-hostbound-v01@openssh.com", 1, ED, ROW_ED25519_KEY, ROW_P256_KEY }, TSR_UNSUPPORTED },
	{ "no signature follows", { 32, 50, "bob", 0, "ssh-connection", "publickey", 0, ED, ROW_ED25519_KEY, NULL }, TSR_INVALID },
	{ "boolean 255", { 32, 50, "bob", 0, "ssh-connection", "publickey", 255, ED, ROW_ED25519_KEY, NULL }, TSR_INVALID },
	{ "another key", { 32, 50, "bob", 0, "ssh-connection", "publickey", 1, ED, ROW_CA_KEY, NULL }, TSR_DENIED },
	{ "another certificate", { 32, 50, "bob", 0, "ssh-connection", "publickey", 1, ED_CERT, ROW_SHA1_CA_CERT, NULL }, TSR_DENIED },
	{ "a key of another type", { 32, 50, "bob", 0, "ssh-connection", "publickey", 1, "rsa-sha2-512", ROW_RSA2048_KEY, NULL }, TSR_DENIED },
	{ "no key", { 32, 50, "bob", 0, "ssh-connection", "publickey", 1, ED, "", NULL }, TSR_DENIED },
	{ "the key under the certificate's name", { 32, 50, "bob", 0, "ssh-connection", "publickey", 1, ED_CERT, ROW_ED25519_KEY, NULL }, TSR_INVALID },
	{ "the certificate under the key's name", { 32, 50, "bob", 0, "ssh-connection", "publickey", 1, ED, ROW_USER_CERT, NULL }, TSR_INVALID },
	{ "another algorithm", { 32, 50, "bob", 0, "ssh-connection", "publickey", 1, "ssh-rsa", ROW_ED25519_KEY, NULL }, TSR_INVALID },
	{ "publickey with a host", { 32, 50, "bob", 0, "ssh-connection", "publickey", 1, ED, ROW_ED25519_KEY, ROW_P256_KEY }, TSR_INVALID },
	{ "host-bound without a host", { 32, 50, "bob", 0, "ssh-connection", BOUND, 1, ED, ROW_ED25519_KEY, NULL }, TSR_INVALID },
	{ "host-bound to nothing", { 32, 50, "bob", 0, "ssh-connection", BOUND, 1, ED, ROW_ED25519_KEY, "" }, TSR_INVALID }
};

static void
put_bytes(struct buf *b, const char *base64)
{
	struct buf raw = ssh_bytes(base64);

	ssh_put(b, raw.data, raw.len);
	buf_free(&raw);
}

static struct buf
login_data(const struct login *l)
{
	static const uint8_t session[SSH_SESSION_ID_MAX + 1] = { 'S', 'S', 'H', 'S', 'I', 'G' };
	struct buf b;

	buf_init(&b, 65536);
	ssh_put(&b, session, l->session);
	assert_int_equal(buf_put_u8(&b, (uint8_t)l->number), TSR_OK);
	ssh_put(&b, l->user, l->user_n != 0 ? l->user_n : strlen(l->user));
	ssh_put_text(&b, l->service);
	ssh_put_text(&b, l->method);
	assert_int_equal(buf_put_u8(&b, (uint8_t)l->follows), TSR_OK);
	ssh_put_text(&b, l->alg);
	put_bytes(&b, l->key);
	if (l->host != NULL)
		put_bytes(&b, l->host);
	return b;
}

/* By the key of ROW_ED25519_KEY with the certificate of ROW_USER_CERT. */
static int
read_exactly(const void *p, size_t n, struct ssh_signed *s)
{
	struct buf key = ssh_bytes(ROW_ED25519_KEY), cert = ssh_bytes(ROW_USER_CERT);
	uint8_t *copy = ssh_exact(p, n);
	struct ssh_signed none;
	int r = ssh_signed_read(copy, n, key.data, key.len, cert.data, cert.len, s == NULL ? &none : s);

	if (r == TSR_OK && s != NULL && s->session != NULL) {
		assert_memory_equal(copy + 4, s->session, s->session_n);
		assert_ptr_equal(s->session, copy + 4);
		if (s->host != NULL)
			assert_ptr_equal(s->host + s->host_n, copy + n);
	}
	free(copy);
	buf_free(&key);
	buf_free(&cert);
	return r;
}

static void
test_logins(void **state)
{
	struct ssh_signed s;
	struct buf b;
	size_t i, n;
	int r;

	(void)state;
	for (i = 0; i < COUNT(logins); i++) {
		b = login_data(&logins[i].l);
		if ((r = read_exactly(b.data, b.len, &s)) != logins[i].code)
			fail_msg("%s: %d, not %d", logins[i].name, r, logins[i].code);
		if (r == TSR_OK) {
			assert_int_equal(s.kind, SSH_SIGNED_LOGIN);
			assert_string_equal(s.user, logins[i].l.user);
			assert_int_equal(s.session_n, logins[i].l.session);
			assert_int_equal(s.host != NULL, logins[i].l.host != NULL);
			assert_string_equal(s.name, "");
			for (n = 0; n < b.len; n++)
				assert_int_not_equal(read_exactly(b.data, n, NULL), TSR_OK);
			assert_int_equal(buf_put_u8(&b, 0), TSR_OK);
			assert_int_equal(read_exactly(b.data, b.len, NULL), TSR_INVALID);
		}
		buf_free(&b);
	}
}

static const struct file_row {
	const char *name, *magic, *space;
	size_t space_n;		/* 0: all of it */
	const char *reserved, *hash;
	size_t hash_n;
	int code;
} files[] = {
	{ "a file, SHA-512", "SSHSIG", "file", 0, "", "sha512", 64, TSR_OK },
	{ "git, SHA-256", "SSHSIG", "git", 0, "", "sha256", 32, TSR_OK },
	{ "another namespace", "SSHSIG", "x@example.org", 0, "", "sha512", 64, TSR_OK },
	{ "no namespace", "SSHSIG", "", 0, "", "sha512", 64, TSR_INVALID },
	{ "a namespace with NUL", "SSHSIG", WITH_NUL, 3, "", "sha512", 64, TSR_INVALID },
	{ "a namespace of 256 bytes", "SSHSIG", LONG_256, 0, "", "sha512", 64, TSR_INVALID },
	{ "something reserved", "SSHSIG", "file", 0, "x", "sha512", 64, TSR_UNSUPPORTED },
	{ "SHA-1", "SSHSIG", "file", 0, "", "sha1", 20, TSR_UNSUPPORTED },
	{ "SHA-384", "SSHSIG", "file", 0, "", "sha384", 48, TSR_UNSUPPORTED },
	{ "no hash's name", "SSHSIG", "file", 0, "", "", 64, TSR_UNSUPPORTED },
	{ "SHA-512 of 32 bytes", "SSHSIG", "file", 0, "", "sha512", 32, TSR_INVALID },
	{ "SHA-256 of 64 bytes", "SSHSIG", "file", 0, "", "sha256", 64, TSR_INVALID },
	{ "no hash", "SSHSIG", "file", 0, "", "sha256", 0, TSR_INVALID },
	{ "another preamble", "SSHSIX", "file", 0, "", "sha512", 64, TSR_INVALID },
	{ "no preamble", "", "file", 0, "", "sha512", 64, TSR_INVALID }
};

static void
test_files(void **state)
{
	static const uint8_t hash[64];
	struct ssh_signed s;
	struct buf b;
	size_t i, n;
	int r;

	(void)state;
	for (i = 0; i < COUNT(files); i++) {
		buf_init(&b, 65536);
		assert_int_equal(buf_put_cstr(&b, files[i].magic), TSR_OK);
		ssh_put(&b, files[i].space, files[i].space_n != 0 ? files[i].space_n : strlen(files[i].space));
		ssh_put_text(&b, files[i].reserved);
		ssh_put_text(&b, files[i].hash);
		ssh_put(&b, hash, files[i].hash_n);
		if ((r = read_exactly(b.data, b.len, &s)) != files[i].code)
			fail_msg("%s: %d, not %d", files[i].name, r, files[i].code);
		if (r == TSR_OK) {
			assert_int_equal(s.kind, SSH_SIGNED_FILE);
			assert_string_equal(s.name, files[i].space);
			assert_null(s.session);
			for (n = 0; n < b.len; n++)
				assert_int_not_equal(read_exactly(b.data, n, NULL), TSR_OK);
			assert_int_equal(buf_put_u8(&b, 0), TSR_OK);
			assert_int_equal(read_exactly(b.data, b.len, NULL), TSR_INVALID);
		}
		buf_free(&b);
	}
}

/* A key without a certificate signs for itself alone; RSA, where the algorithm's name
 * would be that of SHA-1, for nobody; and what OpenSSH's CA or a host signs is not for
 * an agent. */
static void
test_others(void **state)
{
	const struct login own = { 32, 50, "bob", 0, "ssh-connection", "publickey", 1, ED, ROW_ED25519_KEY, NULL };
	const struct login with = { 32, 50, "bob", 0, "ssh-connection", "publickey", 1, ED_CERT, ROW_USER_CERT, NULL };
	const struct login none = { 32, 50, "bob", 0, "ssh-connection", "publickey", 1, ED, "", NULL };
	const struct login rsa = { 32, 50, "bob", 0, "ssh-connection", "publickey", 1, "ssh-rsa", ROW_RSA2048_KEY, NULL };
	struct buf key = ssh_bytes(ROW_ED25519_KEY), rsa_key = ssh_bytes(ROW_RSA2048_KEY), b;
	struct ssh_signed s;

	(void)state;
	b = login_data(&own);
	assert_int_equal(ssh_signed_read(b.data, b.len, key.data, key.len, NULL, 0, &s), TSR_OK);
	assert_int_equal(ssh_signed_read(b.data, b.len, NULL, 0, NULL, 0, &s), TSR_DENIED);
	buf_free(&b);
	b = login_data(&with);
	assert_int_equal(ssh_signed_read(b.data, b.len, key.data, key.len, NULL, 0, &s), TSR_DENIED);
	buf_free(&b);
	b = login_data(&none);
	assert_int_equal(ssh_signed_read(b.data, b.len, key.data, key.len, NULL, 0, &s), TSR_DENIED);
	buf_free(&b);
	b = login_data(&rsa);
	assert_int_equal(ssh_signed_read(b.data, b.len, rsa_key.data, rsa_key.len, NULL, 0, &s), TSR_UNSUPPORTED);
	buf_free(&b);
	b = ssh_bytes(ROW_USER_CERT);
	assert_int_not_equal(read_exactly(b.data, b.len, NULL), TSR_OK);
	buf_free(&b);
	assert_int_not_equal(read_exactly(ssh_session, SSH_SESSION_N, NULL), TSR_OK);
	assert_int_equal(read_exactly("", 0, NULL), TSR_INVALID);
	buf_free(&key);
	buf_free(&rsa_key);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_logins),
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_others)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
