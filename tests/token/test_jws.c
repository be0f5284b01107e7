/*
 * test_jws.c - keys, signatures and prepared sets against the standards' own
 * examples.
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
#include <sodium.h>

#include "tessera.h"
#include "token/b64.h"
#include "token/jws.h"
#include "token_help.h"

#define RFC7515_PAYLOAD "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFt" \
	"cGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
#define JWK_7515_A2 "{\"kty\":\"RSA\",\"n\":\"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0" \
	"l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRP" \
	"EwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXB" \
	"dQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxX" \
	"FvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ\",\"e\":\"AQAB\"}"

static const struct vector {
	const char *name, *jwk, *jws;
} vectors[] = {
	{ "RFC 8037 A.4 Ed25519",
	  "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}",
	  "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc."
	  "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg" },
	{ "RFC 7515 A.3 ES256",
	  "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","
	  "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}",
	  "eyJhbGciOiJFUzI1NiJ9." RFC7515_PAYLOAD "."
	  "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q" },
	{ "RFC 7515 A.2 RS256", JWK_7515_A2,
	  "eyJhbGciOiJSUzI1NiJ9." RFC7515_PAYLOAD "."
	  "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2"
	  "Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjt"
	  "QBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6"
	  "IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw" }
};

#define COUNT(t)	(sizeof(t) / sizeof((t)[0]))

/* Split a vector: the signed bytes and the signature. */
static size_t
vector_parts(const struct vector *v, uint8_t sig[JWK_RSA_MAX], size_t *sig_len)
{
	const char *dot = strrchr(v->jws, '.');

	assert_int_equal(b64_decode(sig, JWK_RSA_MAX, dot + 1, strlen(dot + 1),
	    sig_len), TSR_OK);
	return (size_t)(dot - v->jws);
}

static void
test_vectors(void **state)
{
	uint8_t sig[JWK_RSA_MAX];
	size_t i, bit, n, sig_len = 0;
	struct jwk k;

	(void)state;
	for (i = 0; i < COUNT(vectors); i++) {
		print_message("%s\n", vectors[i].name);
		assert_int_equal(jwk_parse(vectors[i].jwk, strlen(vectors[i].jwk), &k), TSR_OK);
		n = vector_parts(&vectors[i], sig, &sig_len);
		assert_int_equal(jws_verify(&k, vectors[i].jws, n, sig, sig_len), TSR_OK);
		assert_int_equal(jws_verify(&k, vectors[i].jws, n - 1, sig, sig_len),
		    TSR_BAD_SIGNATURE);
		assert_int_equal(jws_verify(&k, vectors[i].jws, n, sig, sig_len - 1),
		    TSR_BAD_SIGNATURE);
		for (bit = 0; bit < sig_len * 8; bit++) {
			sig[bit / 8] ^= (uint8_t)(1u << bit % 8);
			assert_int_equal(jws_verify(&k, vectors[i].jws, n, sig, sig_len),
			    TSR_BAD_SIGNATURE);
			sig[bit / 8] ^= (uint8_t)(1u << bit % 8);
		}
	}
}

/* RFC 8037 A.4 is deterministic: the very same text. */
static void
test_sign_8037(void **state)
{
	struct jws_key *k = help_key_ed();
	struct buf b;

	(void)state;
	buf_init(&b, 1024);
	help_sign(&b, k, "{\"alg\":\"EdDSA\"}", "Example of Ed25519 signing");
	assert_int_equal(b.len, strlen(vectors[0].jws));
	assert_memory_equal(b.data, vectors[0].jws, b.len);
	buf_free(&b);
	jws_key_free(&k);
}

static void
test_keys(void **state)
{
	static const enum jwk_alg algs[] = { JWK_EDDSA, JWK_ES256 };
	struct jws_key *k = NULL, *again = NULL, *other = NULL;
	uint8_t sig[JWS_SIGNATURE_LEN];
	struct secret *priv = NULL;
	size_t i, j, len = 0;

	(void)state;
	for (i = 0; i < COUNT(algs); i++) {
		assert_int_equal(jws_key_generate(algs[i], &k), TSR_OK);
		assert_int_equal(jws_key_generate(algs[i], &other), TSR_OK);
		assert_int_equal(jws_key_private(k, &priv), TSR_OK);
		assert_int_equal(priv->size, 32);
		assert_int_equal(jws_key_load(algs[i], priv, &again), TSR_OK);
		assert_memory_equal(jws_key_public(k), jws_key_public(again), sizeof(struct jwk));
		assert_string_not_equal(jws_key_public(k)->kid, jws_key_public(other)->kid);
		assert_int_equal(strlen(jws_key_public(k)->kid), JWK_KID_LEN);
		assert_non_null(jws_key_head(k, &len));
		for (j = 0; j < 200; j++) {	/* short r and s of ES256 among them */
			assert_int_equal(jws_key_sign(again, &j, sizeof(j), sig), TSR_OK);
			assert_int_equal(jws_verify(jws_key_public(k), &j, sizeof(j), sig,
			    sizeof(sig)), TSR_OK);
			assert_int_equal(jws_verify(jws_key_public(other), &j, sizeof(j), sig,
			    sizeof(sig)), TSR_BAD_SIGNATURE);
		}
		secret_free(&priv);
		jws_key_free(&k);
		jws_key_free(&again);
		jws_key_free(&other);
		assert_null(k);
	}
}

static void
test_key_refusals(void **state)
{
	struct secret *zero = secret_new(32), *shorter = secret_new(31), *order;
	struct jws_key *k = NULL;

	(void)state;
	/* n of P-256, FIPS 186-4 D.1.2.3 */
	order = help_secret("_____wAAAAD__________7zm-q2nF56E87nKwvxjJVE");
	assert_int_equal(jws_key_load(JWK_ES256, zero, &k), TSR_INVALID);
	assert_int_equal(jws_key_load(JWK_ES256, order, &k), TSR_INVALID);
	order->data[31]--;
	assert_int_equal(jws_key_load(JWK_ES256, order, &k), TSR_OK);
	jws_key_free(&k);
	assert_int_equal(jws_key_load(JWK_EDDSA, shorter, &k), TSR_INVALID);
	assert_int_equal(jws_key_load(JWK_ES256, shorter, &k), TSR_INVALID);
	assert_int_equal(jws_key_load(JWK_RS256, order, &k), TSR_BAD_ALGORITHM);
	assert_int_equal(jws_key_generate(JWK_RS256, &k), TSR_BAD_ALGORITHM);
	assert_null(k);
	jws_key_free(&k);
	secret_free(&zero);
	secret_free(&shorter);
	secret_free(&order);
}

/* Prepared keys say what the plain ones say, and only for their own set. */
static void
test_verifier(void **state)
{
	struct jws_verifier *v = NULL;
	const struct jwk_set *set;
	uint8_t sig[JWK_RSA_MAX];
	size_t i, n, sig_len = 0;
	struct jwk_set s;

	(void)state;
	memset(&s, 0, sizeof(s));
	for (i = 0; i < COUNT(vectors); i++)
		assert_int_equal(jwk_parse(vectors[i].jwk, strlen(vectors[i].jwk),
		    &s.key[s.n++]), TSR_OK);
	assert_int_equal(jws_verifier_new(&s, &v), TSR_OK);
	set = jws_verifier_keys(v);
	for (i = 0; i < COUNT(vectors); i++) {
		n = vector_parts(&vectors[i], sig, &sig_len);
		assert_int_equal(jws_verifier_check(v, &set->key[i], vectors[i].jws, n,
		    sig, sig_len), TSR_OK);
		assert_int_equal(jws_verifier_check(v, &set->key[i], vectors[i].jws, n - 1,
		    sig, sig_len), TSR_BAD_SIGNATURE);
		assert_int_equal(jws_verifier_check(v, &set->key[(i + 1) % 3], vectors[i].jws,
		    n, sig, sig_len), TSR_BAD_SIGNATURE);
		assert_int_equal(jws_verifier_check(v, &s.key[i], vectors[i].jws, n,
		    sig, sig_len), TSR_UNKNOWN_KEY);
	}
	jws_verifier_free(&v);
	s.key[0].alg = 9;
	assert_int_not_equal(jws_verifier_new(&s, &v), TSR_OK);
	assert_int_not_equal(jws_verify(&s.key[0], "x", 1, sig, 64), TSR_OK);
	assert_null(v);
}

static void
test_sign_limits(void **state)
{
	static char large[64 * 1024];
	struct jws_key *k = help_key_ed();
	struct buf b;

	(void)state;
	buf_init(&b, 90);
	assert_int_equal(buf_put_cstr(&b, "keep"), TSR_OK);
	assert_int_equal(jws_sign(&b, k, "{}", 2, "{}", 2), TSR_TOO_LARGE);
	assert_int_equal(b.len, 4);
	buf_free(&b);
	buf_init(&b, 1 << 20);
	assert_int_equal(jws_sign(&b, k, "{}", 2, large, sizeof(large)), TSR_TOO_LARGE);
	assert_int_equal(b.len, 0);
	buf_free(&b);
	jws_key_free(&k);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors),
		cmocka_unit_test(test_sign_8037),
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_key_refusals),
		cmocka_unit_test(test_verifier),
		cmocka_unit_test(test_sign_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
