/*
 * test_ssh_bind.c - a session bound by a host's signature, as ssh-agent made it with
 * keys of each type, and nothing that differs from it by a bit.
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
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include "ssh_help.h"
#include "ssh_rows.h"
#include "tessera.h"
#include "token/ssh_bind.h"
#include "token/ssh_cert.h"
#include "token/ssh_key.h"

#define COUNT(t)	(sizeof(t) / sizeof((t)[0]))
#define RSA_LEN		256	/* bytes of a modulus made here */

static const struct row {
	const char *name, *host, *sig;
	int code;
} rows[] = {
	{ "Ed25519", ROW_ED25519_KEY, ROW_ED25519_SIG, TSR_OK },
	{ "P-256", ROW_P256_KEY, ROW_P256_SIG, TSR_OK },
	{ "P-384", ROW_P384_KEY, ROW_P384_SIG, TSR_OK },
	{ "P-521", ROW_P521_KEY, ROW_P521_SIG, TSR_OK },
	{ "RSA, SHA-256", ROW_RSA2048_KEY, ROW_RSA2048_SIG, TSR_OK },
	{ "RSA, SHA-512", ROW_RSA2048_KEY, ROW_RSA2048_SHA512, TSR_OK },
	{ "RSA 3072, SHA-512", ROW_RSA3072_KEY, ROW_RSA3072_SIG, TSR_OK },
	{ "a host certificate", ROW_HOST_CERT, ROW_P256_SIG, TSR_OK },
	{ "RSA, SHA-1", ROW_RSA2048_KEY, ROW_RSA2048_SHA1, TSR_BAD_ALGORITHM },
	{ "weak RSA", ROW_RSA1024_KEY, ROW_RSA2048_SIG, TSR_KEY_UNUSABLE },
	{ "another RSA key's", ROW_RSA3072_KEY, ROW_RSA2048_SIG, TSR_BAD_SIGNATURE },
	{ "another Ed25519 key's", ROW_CA_KEY, ROW_ED25519_SIG, TSR_BAD_SIGNATURE },
	{ "P-384 by a P-256 key", ROW_P256_KEY, ROW_P384_SIG, TSR_BAD_ALGORITHM },
	{ "RSA by a P-256 key", ROW_P256_KEY, ROW_RSA2048_SIG, TSR_BAD_ALGORITHM },
	{ "P-256 by an RSA key", ROW_RSA2048_KEY, ROW_P256_SIG, TSR_BAD_ALGORITHM },
	{ "P-256 by an Ed25519 key", ROW_ED25519_KEY, ROW_P256_SIG, TSR_BAD_ALGORITHM },
	{ "Ed25519 by a certificate's P-256 key", ROW_HOST_CERT, ROW_ED25519_SIG, TSR_BAD_ALGORITHM }
};

static struct buf
message(const struct buf *host, const void *session, size_t session_n, const struct buf *sig,
    uint8_t forwarding)
{
	struct buf b;

	buf_init(&b, 65536);
	ssh_put(&b, host->data, host->len);
	ssh_put(&b, session, session_n);
	ssh_put(&b, sig->data, sig->len);
	assert_int_equal(buf_put_u8(&b, forwarding), TSR_OK);
	return b;
}

static int
bind_exactly(const void *p, size_t n)
{
	uint8_t *copy = ssh_exact(p, n);
	struct ssh_bind b;
	int r = ssh_bind_read(copy, n, &b);

	free(copy);
	return r;
}

static void
test_rows(void **state)
{
	struct buf host, sig, m;
	struct ssh_bind b;
	size_t i;
	int r;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		host = ssh_bytes(rows[i].host);
		sig = ssh_bytes(rows[i].sig);
		m = message(&host, ssh_session, SSH_SESSION_N, &sig, (uint8_t)(i & 1));
		if ((r = ssh_bind_read(m.data, m.len, &b)) != rows[i].code)
			fail_msg("%s: %d, not %d", rows[i].name, r, rows[i].code);
		if (r == TSR_OK) {
			assert_int_equal(b.forwarding, i & 1);
			assert_int_equal(b.host_n, host.len);
			assert_memory_equal(b.host, host.data, host.len);
			assert_int_equal(b.session_n, SSH_SESSION_N);
			assert_memory_equal(b.session, ssh_session, SSH_SESSION_N);
		}
		buf_free(&host);
		buf_free(&sig);
		buf_free(&m);
	}
}

/* Every bit of the signature and of the session counts.  The long curves are slow: of
 * theirs one of each byte, another one each time. */
static void
test_bits(void **state)
{
	uint8_t session[SSH_SESSION_N];
	struct buf host, sig;
	size_t i, bit, step;

	(void)state;
	memcpy(session, ssh_session, sizeof(session));
	for (i = 0; i < COUNT(rows); i++) {
		if (rows[i].code != TSR_OK)
			continue;
		host = ssh_bytes(rows[i].host);
		sig = ssh_bytes(rows[i].sig);
		step = sig.len > 110 && sig.len < 200 ? 9 : 1;
		for (bit = 0; bit < 8 * sig.len; bit += step) {
			sig.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
			if (ssh_host_verify(host.data, host.len, session, sizeof(session),
			    sig.data, sig.len) == TSR_OK)
				fail_msg("%s: bit %zu of the signature", rows[i].name, bit);
			sig.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
		}
		for (bit = 0; bit < 8 * sizeof(session); bit += step) {
			session[bit / 8] ^= (uint8_t)(1u << bit % 8);
			assert_int_equal(ssh_host_verify(host.data, host.len, session, sizeof(session),
			    sig.data, sig.len), TSR_BAD_SIGNATURE);
			session[bit / 8] ^= (uint8_t)(1u << bit % 8);
		}
		buf_free(&host);
		buf_free(&sig);
	}
}

/* Cut anywhere, with a byte more, or with another boolean it is no message. */
static void
test_cut(void **state)
{
	struct buf host, sig, m;
	size_t i, n;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		if (rows[i].code != TSR_OK)
			continue;
		host = ssh_bytes(rows[i].host);
		sig = ssh_bytes(rows[i].sig);
		m = message(&host, ssh_session, SSH_SESSION_N, &sig, 2);
		for (n = 0; n < m.len; n++)
			assert_int_equal(bind_exactly(m.data, n), TSR_INVALID);
		assert_int_equal(bind_exactly(m.data, m.len), TSR_INVALID);
		m.data[m.len - 1] = 1;
		assert_int_equal(bind_exactly(m.data, m.len), TSR_OK);
		assert_int_equal(buf_put_u8(&m, 0), TSR_OK);
		assert_int_equal(bind_exactly(m.data, m.len), TSR_INVALID);
		for (n = 0; n < sig.len; n++)
			assert_int_not_equal(ssh_host_verify(host.data, host.len, ssh_session,
			    SSH_SESSION_N, sig.data, n), TSR_OK);
		buf_free(&host);
		buf_free(&sig);
		buf_free(&m);
	}
}

/* Lengths that are not a session's, and messages beyond all bounds. */
static void
test_lengths(void **state)
{
	static const struct {
		size_t n;
		int code;
	} sessions[] = {
		{ 0, TSR_INVALID }, { 19, TSR_INVALID }, { 20, TSR_BAD_SIGNATURE },
		{ 64, TSR_BAD_SIGNATURE }, { 65, TSR_TOO_LARGE }
	};
	static const uint8_t bytes[SSH_CERT_MAX + 1];
	struct buf host = ssh_bytes(ROW_ED25519_KEY), sig = ssh_bytes(ROW_ED25519_SIG), m;
	struct ssh_bind b;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(sessions); i++) {
		m = message(&host, bytes, sessions[i].n, &sig, 0);
		assert_int_equal(ssh_bind_read(m.data, m.len, &b), sessions[i].code);
		buf_free(&m);
	}
	buf_reset(&host);
	m = message(&host, ssh_session, SSH_SESSION_N, &sig, 0);
	assert_int_equal(ssh_bind_read(m.data, m.len, &b), TSR_INVALID);
	buf_free(&m);
	assert_int_equal(buf_put(&host, bytes, sizeof(bytes)), TSR_OK);
	m = message(&host, ssh_session, SSH_SESSION_N, &sig, 0);
	assert_int_equal(ssh_bind_read(m.data, m.len, &b), TSR_TOO_LARGE);
	buf_free(&m);
	buf_free(&host);
	buf_free(&sig);
}

/* A key of OpenSSL's as a host's. */
static struct buf
rsa_blob(EVP_PKEY *key)
{
	static const uint8_t e[] = { 1, 0, 1 };
	uint8_t n[1 + RSA_LEN] = { 0 };
	BIGNUM *modulus = NULL;

	assert_int_equal(EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_N, &modulus), 1);
	assert_int_equal(BN_bn2binpad(modulus, n + 1, RSA_LEN), RSA_LEN);
	BN_free(modulus);
	return ssh_blob("ssh-rsa", e, sizeof(e), n, sizeof(n));
}

/* RFC 8332 section 3: some signers leave out the zeros before a signature. */
static void
test_rsa_short(void **state)
{
	EVP_PKEY *key = EVP_RSA_gen(8 * RSA_LEN);
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	uint8_t raw[RSA_LEN] = { 1 };
	struct buf host = rsa_blob(key), sig;
	size_t n = sizeof(raw);
	uint32_t data;

	(void)state;
	for (data = 0; raw[0] != 0; data++) {
		assert_int_equal(EVP_DigestSignInit(md, NULL, EVP_sha256(), NULL, key), 1);
		assert_int_equal(EVP_DigestSign(md, raw, &n, (const uint8_t *)&data, sizeof(data)), 1);
	}
	data--;
	sig = ssh_blob("rsa-sha2-256", raw + 1, n - 1, NULL, 0);
	assert_int_equal(ssh_host_verify(host.data, host.len, &data, sizeof(data), sig.data, sig.len), TSR_OK);
	buf_free(&sig);
	buf_free(&host);
	EVP_MD_CTX_free(md);
	EVP_PKEY_free(key);
}

/* None is longer than its modulus. */
static void
test_rsa_length(void **state)
{
	static const uint8_t long_sig[1024] = { 1 };
	static const size_t lengths[] = { 0, 1, 255, 257, 1024 };
	struct buf host = ssh_bytes(ROW_RSA2048_KEY), sig;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(lengths); i++) {
		sig = ssh_blob("rsa-sha2-256", long_sig, lengths[i], NULL, 0);
		assert_int_equal(ssh_host_verify(host.data, host.len, ssh_session, SSH_SESSION_N,
		    sig.data, sig.len), TSR_BAD_SIGNATURE);
		buf_free(&sig);
	}
	buf_free(&host);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_bits),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_rsa_short),
		cmocka_unit_test(test_rsa_length)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
