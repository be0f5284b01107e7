/*
 * test_jwt_signatures.c - tokens that must be refused for their signature or
 * their key.
 *
 * SPDX-License-Identifier: ISC
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <sodium.h>

#include "tessera.h"
#include "token/b64.h"
#include "token/ecdsa.h"
#include "token/jwt.h"
#include "token_help.h"

#define COUNT(t)	(sizeof(t) / sizeof((t)[0]))
#define SIG_MAX		600

/* Order of P-256 (FIPS 186-4 D.1.2.3) and, little-endian, of Ed25519 (RFC 8032 5.1). */
static const uint8_t p256_n[32] = {
	0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00,
	0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
	0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84,
	0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51
};
static const uint8_t ed25519_l[32] = {
	0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58,
	0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10
};

/* Each changes a good signature of 64 bytes; *n is its length. */
static void sig_same(uint8_t *s, size_t *n) { (void)s; (void)n; }
static void sig_zero(uint8_t *s, size_t *n) { memset(s, 0, *n); }
static void sig_first_zero(uint8_t *s, size_t *n) { memset(s, 0, *n / 2); }
static void sig_second_zero(uint8_t *s, size_t *n) { memset(s + *n / 2, 0, *n / 2); }
static void sig_r_is_n(uint8_t *s, size_t *n) { (void)n; memcpy(s, p256_n, 32); }
static void sig_s_is_n(uint8_t *s, size_t *n) { (void)n; memcpy(s + 32, p256_n, 32); }
static void sig_all_ones(uint8_t *s, size_t *n) { memset(s, 0xff, *n); }
static void sig_63(uint8_t *s, size_t *n) { (void)s; *n = 63; }
static void sig_65(uint8_t *s, size_t *n) { s[64] = 0; *n = 65; }
static void sig_32(uint8_t *s, size_t *n) { (void)s; *n = 32; }
static void sig_128(uint8_t *s, size_t *n) { memcpy(s + 64, s, 64); *n = 128; }
static void sig_513(uint8_t *s, size_t *n) { memset(s, 1, 513); *n = 513; }
static void sig_flip(uint8_t *s, size_t *n) { (void)n; s[40] ^= 1; }

static void
sig_leading_zero(uint8_t *s, size_t *n)
{
	memmove(s + 1, s, 64);
	s[0] = 0;
	*n = 65;
}

static void
sig_swap(uint8_t *s, size_t *n)
{
	uint8_t t[32];

	(void)n;
	memcpy(t, s, 32);
	memcpy(s, s + 32, 32);
	memcpy(s + 32, t, 32);
}

static void
sig_der(uint8_t *s, size_t *n)
{
	uint8_t der[ECDSA_DER_MAX];
	size_t len = 0;

	assert_int_equal(ecdsa_to_der(der, &len, 32, s, *n), TSR_OK);
	memcpy(s, der, len);
	*n = len;
}

/* s' = s + L is the same number modulo L (RFC 8032 8.4). */
static void
sig_plus_l(uint8_t *s, size_t *n)
{
	unsigned carry = 0;
	size_t i;

	(void)n;
	for (i = 0; i < 32; i++) {
		carry += (unsigned)s[32 + i] + ed25519_l[i];
		s[32 + i] = (uint8_t)carry;
		carry >>= 8;
	}
}

static void
sig_s_is_l(uint8_t *s, size_t *n)
{
	(void)n;
	memcpy(s + 32, ed25519_l, 32);
}

/* n - s verifies as well: ECDSA is malleable, and a token is not an id. */
static void
sig_negated(uint8_t *s, size_t *n)
{
	unsigned borrow = 0, d;
	size_t i;

	(void)n;
	for (i = 32; i-- > 0; ) {
		d = (unsigned)p256_n[i] - s[32 + i] - borrow;
		s[32 + i] = (uint8_t)d;
		borrow = d >> 8 & 1;
	}
}

enum { ED, ES };

static const struct row {
	const char *name, *clause;
	int key;
	void (*change)(uint8_t *, size_t *);
	int code;
} rows[] = {
	{ "ES256 good", "RFC 7518 3.4", ES, sig_same, TSR_OK },
	{ "ES256 n - s, the same signature", "RFC 7518 3.4", ES, sig_negated, TSR_OK },
	{ "ES256 in DER", "RFC 7518 3.4", ES, sig_der, TSR_BAD_SIGNATURE },
	{ "ES256 all zero", "CVE-2022-21449", ES, sig_zero, TSR_BAD_SIGNATURE },
	{ "ES256 r zero", "FIPS 186-4 6.4", ES, sig_first_zero, TSR_BAD_SIGNATURE },
	{ "ES256 s zero", "FIPS 186-4 6.4", ES, sig_second_zero, TSR_BAD_SIGNATURE },
	{ "ES256 r = n", "FIPS 186-4 6.4", ES, sig_r_is_n, TSR_BAD_SIGNATURE },
	{ "ES256 s = n", "FIPS 186-4 6.4", ES, sig_s_is_n, TSR_BAD_SIGNATURE },
	{ "ES256 r and s over n", "FIPS 186-4 6.4", ES, sig_all_ones, TSR_BAD_SIGNATURE },
	{ "ES256 r and s swapped", "RFC 7518 3.4", ES, sig_swap, TSR_BAD_SIGNATURE },
	{ "ES256 63 bytes", "RFC 7518 3.4", ES, sig_63, TSR_BAD_SIGNATURE },
	{ "ES256 65 bytes", "RFC 7518 3.4", ES, sig_65, TSR_BAD_SIGNATURE },
	{ "ES256 with a leading zero", "RFC 7518 3.4", ES, sig_leading_zero, TSR_BAD_SIGNATURE },
	{ "ES256 32 bytes", "RFC 7518 3.4", ES, sig_32, TSR_BAD_SIGNATURE },
	{ "ES256 128 bytes", "RFC 7518 3.4", ES, sig_128, TSR_BAD_SIGNATURE },
	{ "ES256 513 bytes", "RFC 7518 3.4", ES, sig_513, TSR_BAD_SIGNATURE },
	{ "ES256 one bit", "RFC 7515 5.2", ES, sig_flip, TSR_BAD_SIGNATURE },
	{ "EdDSA good", "RFC 8037 3.1", ED, sig_same, TSR_OK },
	{ "EdDSA S + L", "RFC 8032 5.1.7", ED, sig_plus_l, TSR_BAD_SIGNATURE },
	{ "EdDSA S = L", "RFC 8032 5.1.7", ED, sig_s_is_l, TSR_BAD_SIGNATURE },
	{ "EdDSA all zero", "RFC 8032 5.1.7", ED, sig_zero, TSR_BAD_SIGNATURE },
	{ "EdDSA R zero, small order", "RFC 8032 5.1.7", ED, sig_first_zero, TSR_BAD_SIGNATURE },
	{ "EdDSA S zero", "RFC 8032 5.1.7", ED, sig_second_zero, TSR_BAD_SIGNATURE },
	{ "EdDSA all ones", "RFC 8032 5.1.7", ED, sig_all_ones, TSR_BAD_SIGNATURE },
	{ "EdDSA 63 bytes", "RFC 8037 3.1", ED, sig_63, TSR_BAD_SIGNATURE },
	{ "EdDSA 65 bytes", "RFC 8037 3.1", ED, sig_65, TSR_BAD_SIGNATURE },
	{ "EdDSA 32 bytes", "RFC 8037 3.1", ED, sig_32, TSR_BAD_SIGNATURE },
	{ "EdDSA 128 bytes", "RFC 8037 3.1", ED, sig_128, TSR_BAD_SIGNATURE },
	{ "EdDSA one bit", "RFC 7515 5.2", ED, sig_flip, TSR_BAD_SIGNATURE }
};

static int
check(const struct jwk_set *set, const struct buf *b)
{
	struct jwt_expect want = help_expect(set);
	struct jwt_claims c;

	return jwt_check((const char *)b->data, b->len, &want, &c);
}

/* Sign, change the signature, check. */
static int
changed(struct jws_key *k, const char *head, void (*change)(uint8_t *, size_t *))
{
	uint8_t sig[SIG_MAX];
	size_t n = JWS_SIGNATURE_LEN;
	struct jwk_set set;
	struct buf b;
	int r;

	help_set(&set);
	buf_init(&b, 65536);
	help_unsigned(&b, head, HELP_CLAIMS);
	assert_int_equal(jws_key_sign(k, b.data, b.len, sig), TSR_OK);
	change(sig, &n);
	help_append(&b, sig, n);
	r = check(&set, &b);
	buf_free(&b);
	return r;
}

static void
test_signatures(void **state)
{
	struct jws_key *ed = help_key_ed(), *es = help_key_es();
	unsigned failures = 0;
	size_t i;
	int r;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		r = rows[i].key == ED ? changed(ed, HELP_HEAD_ED, rows[i].change) :
		    changed(es, HELP_HEAD_ES, rows[i].change);
		if (r == rows[i].code)
			continue;
		failures++;
		print_error("%s [%s]: %s, due %s\n", rows[i].name, rows[i].clause,
		    help_code(r), help_code(rows[i].code));
	}
	/* RFC 8725 3.1: the other algorithm's key, header and signature agree but
	 * not with the key that kid names */
	assert_int_equal(changed(es, "{\"alg\":\"ES256\",\"typ\":\"at+jwt\",\"kid\":\""
	    HELP_KID_ED "\"}", sig_same), TSR_BAD_ALGORITHM);
	assert_int_equal(changed(ed, "{\"alg\":\"EdDSA\",\"typ\":\"at+jwt\",\"kid\":\""
	    HELP_KID_ES "\"}", sig_same), TSR_BAD_ALGORITHM);
	assert_int_equal(changed(ed, HELP_HEAD_ES, sig_same), TSR_BAD_SIGNATURE);
	assert_int_equal(changed(es, HELP_HEAD_ED, sig_same), TSR_BAD_SIGNATURE);
	jws_key_free(&ed);
	jws_key_free(&es);
	assert_int_equal(failures, 0);
}

/* RFC 8725 2.1: HS256 with the public key's bytes, of both kinds and forms. */
static void
test_hs256(void **state)
{
	static const char *const kids[] = { HELP_KID_ED, HELP_KID_ES };
	crypto_auth_hmacsha256_state mac;
	uint8_t tag[32];
	char head[128];
	struct jwk_set set;
	struct buf b, key;
	size_t i, form;

	(void)state;
	help_set(&set);
	for (i = 0; i < 2; i++)
		for (form = 0; form < 2; form++) {
			buf_init(&b, 4096);
			buf_init(&key, 4096);
			if (form == 0)
				assert_int_equal(jwk_write(&key, &set.key[i]), TSR_OK);
			else
				assert_int_equal(buf_put(&key, &set.key[i].u, i == 0 ? 32 : 64), TSR_OK);
			(void)snprintf(head, sizeof(head),
			    "{\"alg\":\"HS256\",\"typ\":\"at+jwt\",\"kid\":\"%s\"}", kids[i]);
			help_unsigned(&b, head, HELP_CLAIMS);
			crypto_auth_hmacsha256_init(&mac, key.data, key.len);
			crypto_auth_hmacsha256_update(&mac, b.data, b.len);
			crypto_auth_hmacsha256_final(&mac, tag);
			help_append(&b, tag, sizeof(tag));
			assert_int_equal(check(&set, &b), TSR_BAD_ALGORITHM);
			buf_free(&b);
			buf_free(&key);
		}
}

/* RFC 7518 3.4: a P-384 key has no place under ES256. */
static void
test_p384(void **state)
{
	EVP_PKEY *key = EVP_EC_gen("P-384");
	uint8_t der[200], raw[96];
	size_t n = sizeof(der);
	struct jwk_set set;
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	struct buf b;

	(void)state;
	help_set(&set);
	buf_init(&b, 4096);
	help_unsigned(&b, HELP_HEAD_ES, HELP_CLAIMS);
	assert_int_equal(EVP_DigestSignInit(md, NULL, EVP_sha256(), NULL, key), 1);
	assert_int_equal(EVP_DigestSign(md, der, &n, b.data, b.len), 1);
	assert_int_equal(ecdsa_from_der(raw, 48, der, n), TSR_OK);
	help_append(&b, raw, sizeof(raw));
	assert_int_equal(check(&set, &b), TSR_BAD_SIGNATURE);
	buf_free(&b);
	EVP_MD_CTX_free(md);
	EVP_PKEY_free(key);
}

/* RFC 8725 3.10: the header's own key never counts. */
static void
test_embedded_key(void **state)
{
	static const char *const kids[] = { HELP_KID_ED, "stranger" };
	static const int codes[] = { TSR_BAD_SIGNATURE, TSR_UNKNOWN_KEY };
	struct jws_key *k = NULL;
	struct buf b, jwk;
	char head[1024];
	struct jwk_set set;
	size_t i;

	(void)state;
	help_set(&set);
	assert_int_equal(jws_key_generate(JWK_EDDSA, &k), TSR_OK);
	buf_init(&jwk, 1024);
	assert_int_equal(jwk_write(&jwk, jws_key_public(k)), TSR_OK);
	for (i = 0; i < COUNT(kids); i++) {
		(void)snprintf(head, sizeof(head), "{\"alg\":\"EdDSA\",\"typ\":\"at+jwt\","
		    "\"kid\":\"%s\",\"jwk\":%.*s}", kids[i], (int)jwk.len, (char *)jwk.data);
		buf_init(&b, 4096);
		help_sign(&b, k, head, HELP_CLAIMS);
		assert_int_equal(check(&set, &b), codes[i]);
		buf_free(&b);
	}
	buf_free(&jwk);
	jws_key_free(&k);
}

/* Keys that are in no set any more, are for another use, or are bad. */
static void
test_keys(void **state)
{
	static const char enc[] = "{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"use\":\"enc\",\"kid\":\""
	    HELP_KID_ED "\",\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}]}";
	struct jws_key *ed = help_key_ed();
	struct jwk_set set, other;
	uint8_t sig[64] = { 1 };
	struct buf b;

	(void)state;
	help_set(&set);
	buf_init(&b, 4096);
	help_sign(&b, ed, HELP_HEAD_ED, HELP_CLAIMS);
	assert_int_equal(check(&set, &b), TSR_OK);
	other = set;			/* retired: gone from the set */
	other.key[0] = set.key[1];
	other.n = 1;
	assert_int_equal(check(&other, &b), TSR_UNKNOWN_KEY);
	other.n = 0;
	assert_int_equal(check(&other, &b), TSR_UNKNOWN_KEY);
	assert_int_equal(check(NULL, &b), TSR_UNKNOWN_KEY);
	assert_int_equal(jwk_set_parse(enc, strlen(enc), &other), TSR_OK);
	assert_int_equal(check(&other, &b), TSR_UNKNOWN_KEY);	/* RFC 7517 4.2 */

	/* RFC 8032 8.9: A = R = the identity and S = 0 satisfies the bare equation
	 * for every message */
	other = set;
	memset(other.key[0].u.ed25519, 0, 32);
	other.key[0].u.ed25519[0] = 1;
	buf_reset(&b);
	help_unsigned(&b, HELP_HEAD_ED, HELP_CLAIMS);
	help_append(&b, sig, sizeof(sig));
	assert_int_equal(check(&other, &b), TSR_BAD_SIGNATURE);

	/* RFC 7518 3.3, 6.3.1.2: a struct that no parser would have made */
	memset(&other, 0, sizeof(other));
	other.n = 1;
	other.key[0].alg = JWK_RS256;
	strcpy(other.key[0].kid, "weak");
	memset(other.key[0].u.rsa.n, 0xff, 128);
	other.key[0].u.rsa.n_len = 128;
	other.key[0].u.rsa.e[0] = 3;
	other.key[0].u.rsa.e_len = 1;
	buf_reset(&b);
	help_unsigned(&b, "{\"alg\":\"RS256\",\"typ\":\"at+jwt\",\"kid\":\"weak\"}", HELP_CLAIMS);
	help_append(&b, sig, sizeof(sig));
	assert_int_equal(check(&other, &b), TSR_KEY_UNUSABLE);
	other.key[0].u.rsa.n_len = 256;
	memset(other.key[0].u.rsa.n, 0xff, 256);
	assert_int_equal(check(&other, &b), TSR_BAD_SIGNATURE);
	other.key[0].u.rsa.e[0] = 1;
	assert_int_equal(check(&other, &b), TSR_KEY_UNUSABLE);
	buf_free(&b);
	jws_key_free(&ed);
}

/* RFC 7518 3.3: RS256 is verified (and only by its own key). */
static void
test_rs256(void **state)
{
	EVP_PKEY *key = EVP_RSA_gen(2048);
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	BIGNUM *n = NULL;
	struct jwk_set set;
	uint8_t sig[256];
	size_t len = sizeof(sig);
	struct buf b;

	(void)state;
	memset(&set, 0, sizeof(set));
	set.n = 1;
	set.key[0].alg = JWK_RS256;
	assert_int_equal(EVP_PKEY_get_bn_param(key, "n", &n), 1);
	set.key[0].u.rsa.n_len = (size_t)BN_bn2bin(n, set.key[0].u.rsa.n);
	memcpy(set.key[0].u.rsa.e, "\1\0\1", 3);
	set.key[0].u.rsa.e_len = 3;
	strcpy(set.key[0].kid, "r");
	buf_init(&b, 4096);
	help_unsigned(&b, "{\"alg\":\"RS256\",\"typ\":\"at+jwt\",\"kid\":\"r\"}", HELP_CLAIMS);
	assert_int_equal(EVP_DigestSignInit(md, NULL, EVP_sha256(), NULL, key), 1);
	assert_int_equal(EVP_DigestSign(md, sig, &len, b.data, b.len), 1);
	help_append(&b, sig, len);
	assert_int_equal(check(&set, &b), TSR_OK);
	b.data[60] ^= 1;
	assert_int_not_equal(check(&set, &b), TSR_OK);
	buf_free(&b);
	BN_free(n);
	EVP_MD_CTX_free(md);
	EVP_PKEY_free(key);
}

/* RFC 7517 4: what is published has no private member. */
static void
test_no_private_member(void **state)
{
	static const enum jwk_alg algs[] = { JWK_EDDSA, JWK_ES256 };
	struct secret *priv = NULL;
	struct jws_key *k = NULL;
	struct jwk_set set;
	char d[64];
	struct buf b;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(algs); i++) {
		assert_int_equal(jws_key_generate(algs[i], &k), TSR_OK);
		assert_int_equal(jws_key_private(k, &priv), TSR_OK);
		memset(&set, 0, sizeof(set));
		set.key[set.n++] = *jws_key_public(k);
		buf_init(&b, 4096);
		assert_int_equal(jwk_set_write(&b, &set), TSR_OK);
		assert_int_equal(buf_put_u8(&b, 0), TSR_OK);
		d[b64_encode(d, priv->data, 32)] = '\0';
		assert_null(strstr((char *)b.data, "\"d\""));
		assert_null(strstr((char *)b.data, d));
		buf_free(&b);
		secret_free(&priv);
		jws_key_free(&k);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_signatures),
		cmocka_unit_test(test_hs256),
		cmocka_unit_test(test_p384),
		cmocka_unit_test(test_embedded_key),
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_rs256),
		cmocka_unit_test(test_no_private_member),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
