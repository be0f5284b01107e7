/*
 * test_sigcheck.c - signatures of devices, made here by OpenSSL's own keys,
 * and everything near them that is refused.
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
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <sodium.h>

#include "tessera.h"
#include "token/ecdsa.h"
#include "token/sigcheck.h"
#include "token_help.h"

#define COUNT(t)	(sizeof(t) / sizeof((t)[0]))
#define SIG_MAX		600

enum { P256, P384, RSA2048, RSA3072, ED25519, RSA1024, P521, P256K1, RSA4096, KEYS };

static struct {
	EVP_PKEY *key;
	uint8_t spki[1024];
	size_t n;
} keys[KEYS];

static const char data[] = "tessera challenge v1";

static void
make_key(int i, EVP_PKEY *key)
{
	unsigned char *p = keys[i].spki;

	assert_non_null(key);
	keys[i].key = key;
	assert_in_range(i2d_PUBKEY(key, NULL), 1, (int)sizeof(keys[i].spki));
	keys[i].n = (size_t)i2d_PUBKEY(key, &p);
}

static int
setup(void **state)
{
	(void)state;
	make_key(P256, EVP_EC_gen("P-256"));
	make_key(P384, EVP_EC_gen("P-384"));
	make_key(P521, EVP_EC_gen("P-521"));
	make_key(P256K1, EVP_EC_gen("secp256k1"));
	make_key(RSA1024, EVP_RSA_gen(1024));
	make_key(RSA2048, EVP_RSA_gen(2048));
	make_key(RSA3072, EVP_RSA_gen(3072));
	make_key(RSA4096, EVP_RSA_gen(4096));
	make_key(ED25519, EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"));
	return 0;
}

static int
teardown(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < KEYS; i++)
		EVP_PKEY_free(keys[i].key);
	return 0;
}

enum form { RAW, DER, PKCS1, PSS };

/* Sign data as a device would; salt in bytes for PSS. */
static size_t
sign(int key, const EVP_MD *md, enum form form, int salt, const EVP_MD *mgf1, uint8_t *sig)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX *pctx = NULL;
	uint8_t raw[2 * ECDSA_P384];
	size_t n = SIG_MAX, size = key == P384 ? ECDSA_P384 : ECDSA_P256;

	assert_int_equal(EVP_DigestSignInit(ctx, &pctx, md, NULL, keys[key].key), 1);
	if (form == PSS) {
		assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(pctx, RSA_PKCS1_PSS_PADDING), 1);
		assert_int_equal(EVP_PKEY_CTX_set_rsa_pss_saltlen(pctx, salt), 1);
		assert_int_equal(EVP_PKEY_CTX_set_rsa_mgf1_md(pctx, mgf1), 1);
	}
	assert_int_equal(EVP_DigestSign(ctx, sig, &n, (const uint8_t *)data, sizeof(data)), 1);
	if (form == RAW && key != ED25519) {
		assert_int_equal(ecdsa_from_der(raw, size, sig, n), TSR_OK);
		memcpy(sig, raw, 2 * size);
		n = 2 * size;
	}
	EVP_MD_CTX_free(ctx);
	return n;
}

static int
verify(enum proto_algorithm alg, int key, const uint8_t *sig, size_t n)
{
	return sigcheck_verify(alg, keys[key].spki, keys[key].n, data, sizeof(data), sig, n);
}

#define SHA(n)	EVP_sha##n

static const struct row {
	const char *name;
	int key;
	const EVP_MD *(*md)(void);
	enum form form;
	int salt;
	const EVP_MD *(*mgf1)(void);
	enum proto_algorithm alg;
	int code;
} rows[] = {
	{ "P-256, raw", P256, SHA(256), RAW, 0, NULL, PROTO_ECDSA_P256_SHA256, TSR_OK },
	{ "P-384, raw", P384, SHA(256), RAW, 0, NULL, PROTO_ECDSA_P384_SHA256, TSR_OK },
	{ "RSA 2048, PKCS #1", RSA2048, SHA(256), PKCS1, 0, NULL, PROTO_RSA_PKCS1_SHA256, TSR_OK },
	{ "RSA 3072, PKCS #1", RSA3072, SHA(256), PKCS1, 0, NULL, PROTO_RSA_PKCS1_SHA256, TSR_OK },
	{ "RSA 4096, PKCS #1", RSA4096, SHA(256), PKCS1, 0, NULL, PROTO_RSA_PKCS1_SHA256, TSR_OK },
	{ "RSA 2048, PSS", RSA2048, SHA(256), PSS, 32, SHA(256), PROTO_RSA_PSS_SHA256, TSR_OK },
	{ "RSA 3072, PSS", RSA3072, SHA(256), PSS, 32, SHA(256), PROTO_RSA_PSS_SHA256, TSR_OK },
	{ "Ed25519", ED25519, NULL, RAW, 0, NULL, PROTO_ED25519, TSR_OK },
	{ "P-256, DER where raw is due", P256, SHA(256), DER, 0, NULL, PROTO_ECDSA_P256_SHA256, TSR_BAD_SIGNATURE },
	{ "P-384, DER where raw is due", P384, SHA(256), DER, 0, NULL, PROTO_ECDSA_P384_SHA256, TSR_BAD_SIGNATURE },
	{ "P-256, SHA-1", P256, SHA(1), RAW, 0, NULL, PROTO_ECDSA_P256_SHA256, TSR_BAD_SIGNATURE },
	{ "P-256, SHA-384", P256, SHA(384), RAW, 0, NULL, PROTO_ECDSA_P256_SHA256, TSR_BAD_SIGNATURE },
	{ "P-384, SHA-384", P384, SHA(384), RAW, 0, NULL, PROTO_ECDSA_P384_SHA256, TSR_BAD_SIGNATURE },
	{ "PKCS #1 where PSS is pinned", RSA2048, SHA(256), PKCS1, 0, NULL, PROTO_RSA_PSS_SHA256, TSR_BAD_SIGNATURE },
	{ "PSS where PKCS #1 is pinned", RSA2048, SHA(256), PSS, 32, SHA(256), PROTO_RSA_PKCS1_SHA256, TSR_BAD_SIGNATURE },
	{ "PSS, salt 0", RSA2048, SHA(256), PSS, 0, SHA(256), PROTO_RSA_PSS_SHA256, TSR_BAD_SIGNATURE },
	{ "PSS, salt 20", RSA2048, SHA(256), PSS, 20, SHA(256), PROTO_RSA_PSS_SHA256, TSR_BAD_SIGNATURE },
	{ "PSS, salt 33", RSA2048, SHA(256), PSS, 33, SHA(256), PROTO_RSA_PSS_SHA256, TSR_BAD_SIGNATURE },
	{ "PSS, the longest salt", RSA2048, SHA(256), PSS, 222, SHA(256), PROTO_RSA_PSS_SHA256, TSR_BAD_SIGNATURE },
	{ "PSS, MGF1 with SHA-1", RSA2048, SHA(256), PSS, 32, SHA(1), PROTO_RSA_PSS_SHA256, TSR_BAD_SIGNATURE },
	{ "PSS, SHA-384", RSA2048, SHA(384), PSS, 32, SHA(384), PROTO_RSA_PSS_SHA256, TSR_BAD_SIGNATURE },
	{ "PSS, SHA-512/256", RSA2048, EVP_sha512_256, PSS, 32, EVP_sha512_256, PROTO_RSA_PSS_SHA256, TSR_BAD_SIGNATURE },
	{ "PKCS #1, SHA-1", RSA2048, SHA(1), PKCS1, 0, NULL, PROTO_RSA_PKCS1_SHA256, TSR_BAD_SIGNATURE },
	{ "PKCS #1, SHA-512", RSA2048, SHA(512), PKCS1, 0, NULL, PROTO_RSA_PKCS1_SHA256, TSR_BAD_SIGNATURE },
	{ "RSA 1024, PKCS #1", RSA1024, SHA(256), PKCS1, 0, NULL, PROTO_RSA_PKCS1_SHA256, TSR_KEY_UNUSABLE },
	{ "RSA 1024, PSS", RSA1024, SHA(256), PSS, 32, SHA(256), PROTO_RSA_PSS_SHA256, TSR_KEY_UNUSABLE },
	{ "secp256k1", P256K1, SHA(256), RAW, 0, NULL, PROTO_ECDSA_P256_SHA256, TSR_KEY_UNUSABLE },
	{ "P-256 pinned as P-384", P256, SHA(256), RAW, 0, NULL, PROTO_ECDSA_P384_SHA256, TSR_BAD_ALGORITHM },
	{ "P-384 pinned as P-256", P384, SHA(256), RAW, 0, NULL, PROTO_ECDSA_P256_SHA256, TSR_BAD_ALGORITHM },
	{ "P-256 pinned as Ed25519", P256, SHA(256), RAW, 0, NULL, PROTO_ED25519, TSR_BAD_ALGORITHM },
	{ "Ed25519 pinned as P-256", ED25519, NULL, RAW, 0, NULL, PROTO_ECDSA_P256_SHA256, TSR_BAD_ALGORITHM },
	{ "RSA pinned as P-256", RSA2048, SHA(256), PKCS1, 0, NULL, PROTO_ECDSA_P256_SHA256, TSR_BAD_ALGORITHM },
	{ "P-256 pinned as RSA", P256, SHA(256), RAW, 0, NULL, PROTO_RSA_PKCS1_SHA256, TSR_BAD_ALGORITHM },
	{ "algorithm 0", P256, SHA(256), RAW, 0, NULL, 0, TSR_BAD_ALGORITHM },
	{ "algorithm 6", P256, SHA(256), RAW, 0, NULL, (enum proto_algorithm)6, TSR_BAD_ALGORITHM },
	{ "algorithm 33", P256, SHA(256), RAW, 0, NULL, (enum proto_algorithm)33, TSR_BAD_ALGORITHM },
	{ "algorithm -1", P256, SHA(256), RAW, 0, NULL, (enum proto_algorithm)-1, TSR_BAD_ALGORITHM }
};

static void
test_signatures(void **state)
{
	uint8_t sig[SIG_MAX];
	unsigned failures = 0;
	size_t i, n;
	int r;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		n = sign(rows[i].key, rows[i].md == NULL ? NULL : rows[i].md(), rows[i].form,
		    rows[i].salt, rows[i].mgf1 == NULL ? NULL : rows[i].mgf1(), sig);
		r = verify(rows[i].alg, rows[i].key, sig, n);
		if (r == rows[i].code)
			continue;
		failures++;
		print_error("%s: %s, due %s\n", rows[i].name, help_code(r), help_code(rows[i].code));
	}
	assert_int_equal(failures, 0);
}

/* Of each good signature: every bit, every length, other data, another key. */
static void
test_near_misses(void **state)
{
	uint8_t sig[SIG_MAX + 1];
	size_t i, j, n;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		if (rows[i].code != TSR_OK)
			continue;
		memset(sig, 0, sizeof(sig));
		n = sign(rows[i].key, rows[i].md == NULL ? NULL : rows[i].md(), rows[i].form,
		    rows[i].salt, rows[i].mgf1 == NULL ? NULL : rows[i].mgf1(), sig);
		for (j = 0; j < n * 8; j += n > 128 ? 7 : 1) {
			sig[j / 8] ^= (uint8_t)(1u << j % 8);
			assert_int_equal(verify(rows[i].alg, rows[i].key, sig, n), TSR_BAD_SIGNATURE);
			sig[j / 8] ^= (uint8_t)(1u << j % 8);
		}
		for (j = 0; j <= n + 1; j++)
			assert_int_equal(verify(rows[i].alg, rows[i].key, sig, j),
			    j == n ? TSR_OK : TSR_BAD_SIGNATURE);
		assert_int_equal(sigcheck_verify(rows[i].alg, keys[rows[i].key].spki,
		    keys[rows[i].key].n, data, sizeof(data) - 1, sig, n), TSR_BAD_SIGNATURE);
		assert_int_equal(sigcheck_verify(rows[i].alg, keys[rows[i].key].spki,
		    keys[rows[i].key].n, NULL, 0, sig, n), TSR_BAD_SIGNATURE);
	}
	/* RSA 2048's signature under another key of 2048 bits */
	n = sign(RSA2048, EVP_sha256(), PKCS1, 0, NULL, sig);
	{
		EVP_PKEY *other = EVP_RSA_gen(2048);
		uint8_t spki[1024], *p = spki;
		size_t len = (size_t)i2d_PUBKEY(other, &p);

		assert_int_equal(sigcheck_verify(PROTO_RSA_PKCS1_SHA256, spki, len,
		    data, sizeof(data), sig, n), TSR_BAD_SIGNATURE);
		EVP_PKEY_free(other);
	}
}

/* FIPS 186-4 6.4: r and s are 1 to n - 1. */
static void
test_ecdsa_ranges(void **state)
{
	static const struct {
		int key;
		enum proto_algorithm alg;
		size_t size;
		const char *order;
	} curves[] = {
		{ P256, PROTO_ECDSA_P256_SHA256, 32,
		  "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551" },
		{ P384, PROTO_ECDSA_P384_SHA256, 48,
		  "ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973" }
	};
	uint8_t good[SIG_MAX], sig[SIG_MAX], order[48];
	size_t i, half, n, size;

	(void)state;
	for (i = 0; i < COUNT(curves); i++) {
		size = curves[i].size;
		n = sign(curves[i].key, EVP_sha256(), RAW, 0, NULL, good);
		assert_int_equal(sodium_hex2bin(order, sizeof(order), curves[i].order,
		    2 * size, NULL, NULL, NULL), 0);
		assert_false(ecdsa_scalar_ok(size, order));
		order[size - 1]--;
		assert_true(ecdsa_scalar_ok(size, order));
		order[size - 1]++;
		for (half = 0; half < 2; half++) {
			memcpy(sig, good, n);
			memset(sig + half * size, 0, size);
			assert_int_equal(verify(curves[i].alg, curves[i].key, sig, n), TSR_BAD_SIGNATURE);
			memcpy(sig + half * size, order, size);
			assert_int_equal(verify(curves[i].alg, curves[i].key, sig, n), TSR_BAD_SIGNATURE);
			memset(sig + half * size, 0xff, size);
			assert_int_equal(verify(curves[i].alg, curves[i].key, sig, n), TSR_BAD_SIGNATURE);
		}
		memset(sig, 0, n);
		assert_int_equal(verify(curves[i].alg, curves[i].key, sig, n), TSR_BAD_SIGNATURE);
	}
}

static const struct der_row {
	const char *name, *hex;
	int code;
} der_rows[] = {
	{ "good, small", "3006020101020102", TSR_OK },
	{ "good, with sign bytes", "3008020200ff020200ff", TSR_OK },
	{ "long length", "308106020101020102", TSR_BAD_SIGNATURE },
	{ "indefinite length", "30800201010201020000", TSR_BAD_SIGNATURE },
	{ "integer with a needless zero", "300702020001020102", TSR_BAD_SIGNATURE },
	{ "integer negative", "3006020181020102", TSR_BAD_SIGNATURE },
	{ "integer empty", "30050200020102", TSR_BAD_SIGNATURE },
	{ "integer beyond the end", "3006020101020202", TSR_BAD_SIGNATURE },
	{ "integer too long", "302602210100000000000000000000000000000000000000000000000000000000000000000201" "01", TSR_BAD_SIGNATURE },
	{ "one integer", "3003020101", TSR_BAD_SIGNATURE },
	{ "three integers", "3009020101020102020103", TSR_BAD_SIGNATURE },
	{ "trailing byte", "300602010102010200", TSR_BAD_SIGNATURE },
	{ "trailing byte inside", "300702010102010200", TSR_BAD_SIGNATURE },
	{ "not a sequence", "3106020101020102", TSR_BAD_SIGNATURE },
	{ "not integers", "3006040101040102", TSR_BAD_SIGNATURE },
	{ "cut short", "30060201010201", TSR_BAD_SIGNATURE },
	{ "nothing", "", TSR_BAD_SIGNATURE }
};

static void
test_ecdsa_der(void **state)
{
	uint8_t der[64], raw[64];
	size_t i, n = 0;
	int r;

	(void)state;
	for (i = 0; i < COUNT(der_rows); i++) {
		assert_int_equal(sodium_hex2bin(der, sizeof(der), der_rows[i].hex,
		    strlen(der_rows[i].hex), NULL, &n, NULL), 0);
		if ((r = ecdsa_from_der(raw, 32, der, n)) != der_rows[i].code)
			fail_msg("%s: %d", der_rows[i].name, r);
	}
}

static void
test_ed25519(void **state)
{
	static const uint8_t head[12] = { 0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b,
	    0x65, 0x70, 0x03, 0x21, 0x00 };
	static const uint8_t sig_one[64] = { 1 };	/* R the identity, S zero */
	uint8_t spki[44] = { 0 };
	uint32_t mask = 77;

	(void)state;
	memcpy(spki, head, sizeof(head));
	spki[12] = 1;		/* A the identity */
	assert_int_equal(sigcheck_verify(PROTO_ED25519, spki, sizeof(spki), data,
	    sizeof(data), sig_one, 64), TSR_BAD_SIGNATURE);
	assert_int_equal(sigcheck_algorithms(spki, sizeof(spki), &mask), TSR_INVALID);
	spki[12] = 2;		/* no point has this y */
	assert_int_equal(sigcheck_algorithms(spki, sizeof(spki), &mask), TSR_INVALID);
	assert_int_equal(mask, 77);
}

static void
test_algorithms(void **state)
{
	static const struct {
		int key, code;
		uint32_t mask;
	} due[] = {
		{ P256, TSR_OK, 1u << PROTO_ECDSA_P256_SHA256 },
		{ P384, TSR_OK, 1u << PROTO_ECDSA_P384_SHA256 },
		{ RSA2048, TSR_OK, 1u << PROTO_RSA_PSS_SHA256 | 1u << PROTO_RSA_PKCS1_SHA256 },
		{ RSA3072, TSR_OK, 1u << PROTO_RSA_PSS_SHA256 | 1u << PROTO_RSA_PKCS1_SHA256 },
		{ RSA4096, TSR_OK, 1u << PROTO_RSA_PSS_SHA256 | 1u << PROTO_RSA_PKCS1_SHA256 },
		{ ED25519, TSR_OK, 1u << PROTO_ED25519 },
		{ RSA1024, TSR_KEY_UNUSABLE, 0 },
		{ P521, TSR_KEY_UNUSABLE, 0 },
		{ P256K1, TSR_KEY_UNUSABLE, 0 }
	};
	uint8_t id[SIGCHECK_ID_LEN], hash[32];
	uint32_t mask;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(due); i++) {
		mask = 0;
		memset(id, 0, sizeof(id));
		assert_int_equal(sigcheck_algorithms(keys[due[i].key].spki,
		    keys[due[i].key].n, &mask), due[i].code);
		assert_int_equal(mask, due[i].mask);
		assert_int_equal(sigcheck_spki_id(keys[due[i].key].spki,
		    keys[due[i].key].n, id), due[i].code);
		crypto_hash_sha256(hash, keys[due[i].key].spki, keys[due[i].key].n);
		if (due[i].code == TSR_OK)
			assert_memory_equal(id, hash, sizeof(id));
	}
}

/* A change of the encoding: bytes from at on become those of hex. */
static const struct spki_row {
	const char *name;
	int key;
	size_t at;
	const char *hex;
	int code;
} spki_rows[] = {
	{ "P-256, y changed: off the curve", P256, 90, "00", TSR_INVALID },
	{ "P-256, hybrid point", P256, 26, "06", TSR_INVALID },
	{ "P-256, unused bits", P256, 25, "01", TSR_INVALID },
	{ "P-256, curve unknown", P256, 22, "08", TSR_KEY_UNUSABLE },
	{ "P-256, algorithm unknown", P256, 12, "0202", TSR_KEY_UNUSABLE },
	{ "P-256, outer length one more", P256, 1, "5a", TSR_INVALID },
	{ "P-256, outer length one less", P256, 1, "58", TSR_INVALID },
	{ "P-256, inner length one less", P256, 3, "12", TSR_INVALID },
	{ "P-256, BIT STRING one less", P256, 24, "41", TSR_INVALID },
	{ "P-256, OCTET STRING", P256, 23, "04", TSR_INVALID },
	{ "P-256, SET", P256, 0, "31", TSR_INVALID },
	{ "RSA, NULL with length", RSA2048, 18, "01", TSR_INVALID },
	{ "RSA, parameters no NULL", RSA2048, 17, "06", TSR_INVALID },
	{ "RSA, n negative", RSA2048, 32, "80", TSR_INVALID },
	{ "RSA, n with two zeros", RSA2048, 33, "00", TSR_INVALID },
	{ "RSA, n even", RSA2048, 288, "10", TSR_INVALID },
	{ "RSA, e even", RSA2048, 291, "010000", TSR_KEY_UNUSABLE },
	{ "RSA, e with a leading zero", RSA2048, 291, "000001", TSR_INVALID },
	{ "Ed25519, one byte", ED25519, 11, "01", TSR_INVALID },
	{ "Ed448", ED25519, 8, "71", TSR_KEY_UNUSABLE },
	{ "X25519", ED25519, 8, "6e", TSR_KEY_UNUSABLE },
	{ "Ed25519, long length", ED25519, 1, "81", TSR_INVALID }
};

static void
test_spki(void **state)
{
	uint8_t t[1024];
	unsigned failures = 0;
	uint32_t mask;
	size_t i, n = 0;
	int r;

	(void)state;
	for (i = 0; i < COUNT(spki_rows); i++) {
		memcpy(t, keys[spki_rows[i].key].spki, sizeof(t));
		assert_int_equal(sodium_hex2bin(t + spki_rows[i].at, 8, spki_rows[i].hex,
		    strlen(spki_rows[i].hex), NULL, &n, NULL), 0);
		if (memcmp(t, keys[spki_rows[i].key].spki, sizeof(t)) == 0)
			t[spki_rows[i].at] ^= 1;	/* the random key had that byte already */
		r = sigcheck_algorithms(t, keys[spki_rows[i].key].n, &mask);
		if (r == spki_rows[i].code)
			continue;
		failures++;
		print_error("%s: %s, due %s\n", spki_rows[i].name, help_code(r),
		    help_code(spki_rows[i].code));
	}
	assert_int_equal(failures, 0);
	for (i = 0; i < KEYS; i++) {		/* cut short anywhere; one byte more */
		for (n = 0; n < keys[i].n; n++) {
			uint8_t *copy = malloc(n == 0 ? 1 : n);

			assert_non_null(copy);
			memcpy(copy, keys[i].spki, n);
			assert_int_equal(sigcheck_algorithms(copy, n, &mask), TSR_INVALID);
			free(copy);
		}
		memcpy(t, keys[i].spki, n);
		t[n] = 0;
		assert_int_equal(sigcheck_algorithms(t, n + 1, &mask), TSR_INVALID);
	}
	assert_int_equal(sigcheck_algorithms(t, PROTO_SPKI_MAX + 1, &mask), TSR_TOO_LARGE);
}

/* Keys that OpenSSL would read, but which have a second spelling. */
static void
test_spellings(void **state)
{
	uint8_t spki[1024], *p;
	EVP_PKEY *key;
	uint32_t mask;
	int n;

	(void)state;
	key = EVP_PKEY_dup(keys[P256].key);
	assert_int_equal(EVP_PKEY_set_utf8_string_param(key,
	    OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT, "compressed"), 1);
	p = spki;
	n = i2d_PUBKEY(key, &p);
	assert_int_equal(n, 59);
	assert_int_equal(sigcheck_algorithms(spki, (size_t)n, &mask), TSR_KEY_UNUSABLE);
	EVP_PKEY_free(key);

	key = EVP_PKEY_dup(keys[P256].key);
	assert_int_equal(EVP_PKEY_set_utf8_string_param(key,
	    OSSL_PKEY_PARAM_EC_ENCODING, "explicit"), 1);
	p = spki;
	n = i2d_PUBKEY(key, &p);
	assert_in_range(n, 100, 1000);
	assert_int_equal(sigcheck_algorithms(spki, (size_t)n, &mask), TSR_KEY_UNUSABLE);
	EVP_PKEY_free(key);

	/* BER: the outer length in a longer form */
	spki[0] = 0x30;
	spki[1] = 0x81;
	memcpy(spki + 2, keys[P256].spki + 1, keys[P256].n - 1);
	assert_int_equal(sigcheck_algorithms(spki, keys[P256].n + 1, &mask), TSR_INVALID);
	spki[1] = 0x82;
	spki[2] = 0;
	memcpy(spki + 3, keys[P256].spki + 1, keys[P256].n - 1);
	assert_int_equal(sigcheck_algorithms(spki, keys[P256].n + 2, &mask), TSR_INVALID);
}

/* RSA e = 1, RFC 8017 3.1: SEQ { SEQ { OID, NULL }, BITS { SEQ { n, e } } } */
static void
test_rsa_exponent_one(void **state)
{
	uint8_t t[292];
	uint32_t mask;

	(void)state;
	assert_int_equal(keys[RSA2048].n, 294);
	memcpy(t, keys[RSA2048].spki, sizeof(t));
	t[3] = 0x20;		/* 0x0122 - 2 */
	t[22] = 0x0d;		/* 0x010f - 2 */
	t[27] = 0x08;		/* 0x010a - 2 */
	t[290] = 1;
	t[291] = 1;
	assert_int_equal(sigcheck_algorithms(t, sizeof(t), &mask), TSR_KEY_UNUSABLE);
	t[291] = 3;
	assert_int_equal(sigcheck_algorithms(t, sizeof(t), &mask), TSR_OK);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_signatures),
		cmocka_unit_test(test_near_misses),
		cmocka_unit_test(test_ecdsa_ranges),
		cmocka_unit_test(test_ecdsa_der),
		cmocka_unit_test(test_ed25519),
		cmocka_unit_test(test_algorithms),
		cmocka_unit_test(test_spki),
		cmocka_unit_test(test_spellings),
		cmocka_unit_test(test_rsa_exponent_one),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
