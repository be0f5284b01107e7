/*
 * test_jwk.c - JSON Web Keys: the standards' thumbprints, writing, sets, and
 * keys that are refused.
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

#include "tessera.h"
#include "token/b64.h"
#include "token/jwk.h"
#include "token_help.h"

#define COUNT(t)	(sizeof(t) / sizeof((t)[0]))

#define ED_X	"\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\""
#define ED	"\"kty\":\"OKP\",\"crv\":\"Ed25519\"," ED_X
#define EC_XY	"\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\",\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\""
#define EC	"\"kty\":\"EC\",\"crv\":\"P-256\"," EC_XY
#define RSA_N	"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6" \
	"tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQ" \
	"R0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhA" \
	"I4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"
#define RSA	"\"kty\":\"RSA\",\"n\":\"" RSA_N "\",\"e\":\"AQAB\""
/* all ones: odd numbers of 1024 and of 4104 bits */
#define U170	"_____________________________________________________________________________________" \
	"_____________________________________________________________________________________"
#define N1024	U170 "8"
#define N4104	U170 U170 U170 U170 "____"

static const struct thumb {
	const char *name, *json, *thumbprint, *alg;
} thumbs[] = {
	{ "RFC 8037 A.3", "{" ED "}", "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k", "EdDSA" },
	{ "RFC 7638 3.1", "{" RSA ",\"alg\":\"RS256\",\"kid\":\"2011-04-29\"}",
	  "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs", "RS256" },
	{ "RFC 7515 A.3's key", "{" EC "}", "oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U", "ES256" }
};

static void
test_thumbprints(void **state)
{
	uint8_t hash[32];
	char text[64], other[JWK_KID_LEN + 1];
	struct jwk k;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(thumbs); i++) {
		print_message("%s\n", thumbs[i].name);
		assert_int_equal(jwk_parse(thumbs[i].json, strlen(thumbs[i].json), &k), TSR_OK);
		assert_string_equal(jwk_alg_name(k.alg), thumbs[i].alg);
		assert_int_equal(jwk_thumbprint(&k, hash), TSR_OK);
		text[b64_encode(text, hash, sizeof(hash))] = '\0';
		assert_string_equal(text, thumbs[i].thumbprint);
		assert_int_equal(jwk_set_kid(&k), TSR_OK);
		memcpy(other, thumbs[i].thumbprint, JWK_KID_LEN);
		other[JWK_KID_LEN] = '\0';
		assert_string_equal(k.kid, other);
	}
}

static const struct row {
	const char *name, *clause, *json;
	int code;
} rows[] = {
	{ "Ed25519", "RFC 8037 2", "{" ED ",\"kid\":\"a\"}", TSR_OK },
	{ "unknown members, certificates", "RFC 7517 4", "{" ED ",\"x5c\":[\"AAAA\"],\"ext\":true,\"iat\":1}", TSR_OK },
	{ "use sig, key_ops verify", "RFC 7517 4.2", "{" ED ",\"use\":\"sig\",\"key_ops\":[\"sign\",\"verify\"],\"alg\":\"EdDSA\"}", TSR_OK },
	{ "kid of 64 characters", "RFC 7517 4.5", "{" ED ",\"kid\":\"kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk\"}", TSR_OK },
	{ "kid of 65 characters", "RFC 7517 4.5", "{" ED ",\"kid\":\"kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk\"}", TSR_INVALID },
	{ "kid empty", "RFC 7517 4.5", "{" ED ",\"kid\":\"\"}", TSR_INVALID },
	{ "kid number", "RFC 7517 4.5", "{" ED ",\"kid\":1}", TSR_INVALID },
	{ "kid with a NUL", "RFC 8259 7", "{" ED ",\"kid\":\"a\\u0000\"}", TSR_INVALID },
	{ "private d of OKP", "RFC 8037 2", "{" ED ",\"d\":\"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A\"}", TSR_INVALID },
	{ "private d of EC", "RFC 7518 6.2.2", "{" EC ",\"d\":\"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI\"}", TSR_INVALID },
	{ "private d null", "RFC 7518 6.2.2", "{" EC ",\"d\":null}", TSR_INVALID },
	{ "private p of RSA", "RFC 7518 6.3.2", "{" RSA ",\"p\":\"AQAB\"}", TSR_INVALID },
	{ "private oth of RSA", "RFC 7518 6.3.2", "{" RSA ",\"oth\":[]}", TSR_INVALID },
	{ "private qi of RSA", "RFC 7518 6.3.2", "{" RSA ",\"qi\":\"AQAB\"}", TSR_INVALID },
	{ "symmetric key", "RFC 7518 6.4", "{\"kty\":\"oct\",\"k\":\"AAAA\"}", TSR_INVALID },
	{ "duplicate x", "RFC 7517 4", "{" ED "," ED_X "}", TSR_INVALID },
	{ "duplicate kid", "RFC 7517 4", "{" ED ",\"kid\":\"a\",\"kid\":\"b\"}", TSR_INVALID },
	{ "kty absent", "RFC 7517 4.1", "{\"crv\":\"Ed25519\"," ED_X "}", TSR_INVALID },
	{ "kty array", "RFC 7517 4.1", "{\"kty\":[\"OKP\"],\"crv\":\"Ed25519\"," ED_X "}", TSR_INVALID },
	{ "kty unknown", "RFC 7517 5", "{\"kty\":\"AKP\",\"pub\":\"AAAA\"}", TSR_UNSUPPORTED },
	{ "kty in another case", "RFC 7517 4.1", "{\"kty\":\"okp\",\"crv\":\"Ed25519\"," ED_X "}", TSR_UNSUPPORTED },
	{ "crv absent", "RFC 8037 2", "{\"kty\":\"OKP\"," ED_X "}", TSR_UNSUPPORTED },
	{ "X25519", "RFC 8037 3.2", "{\"kty\":\"OKP\",\"crv\":\"X25519\"," ED_X "}", TSR_UNSUPPORTED },
	{ "P-384", "RFC 7518 6.2.1.1", "{\"kty\":\"EC\",\"crv\":\"P-384\",\"x\":\"AAAA\",\"y\":\"AAAA\"}", TSR_UNSUPPORTED },
	{ "P-256 as OKP", "RFC 8037 2", "{\"kty\":\"OKP\",\"crv\":\"P-256\"," EC_XY "}", TSR_UNSUPPORTED },
	{ "use enc", "RFC 7517 4.2", "{" ED ",\"use\":\"enc\"}", TSR_UNSUPPORTED },
	{ "use array", "RFC 7517 4.2", "{" ED ",\"use\":[\"sig\"]}", TSR_INVALID },
	{ "key_ops without verify", "RFC 7517 4.3", "{" ED ",\"key_ops\":[\"sign\"]}", TSR_UNSUPPORTED },
	{ "key_ops empty", "RFC 7517 4.3", "{" ED ",\"key_ops\":[]}", TSR_UNSUPPORTED },
	{ "key_ops string", "RFC 7517 4.3", "{" ED ",\"key_ops\":\"verify\"}", TSR_INVALID },
	{ "alg of another kind", "RFC 8725 3.1", "{" ED ",\"alg\":\"ES256\"}", TSR_UNSUPPORTED },
	{ "alg PS256 of an RSA key", "RFC 8725 3.1", "{" RSA ",\"alg\":\"PS256\"}", TSR_UNSUPPORTED },
	{ "alg HS256", "RFC 8725 3.1", "{" RSA ",\"alg\":\"HS256\"}", TSR_UNSUPPORTED },
	{ "alg none", "RFC 8725 3.2", "{" ED ",\"alg\":\"none\"}", TSR_UNSUPPORTED },
	{ "alg number", "RFC 7517 4.4", "{" ED ",\"alg\":1}", TSR_INVALID },
	{ "x absent", "RFC 8037 2", "{\"kty\":\"OKP\",\"crv\":\"Ed25519\"}", TSR_INVALID },
	{ "x of 31 bytes", "RFC 8037 2", "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}", TSR_INVALID },
	{ "x with padding", "RFC 7515 2", "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo=\"}", TSR_INVALID },
	{ "small order: zero", "RFC 8032 8.9", "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}", TSR_INVALID },
	{ "small order: the identity", "RFC 8032 8.9", "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}", TSR_INVALID },
	{ "small order: 8", "RFC 8032 8.9", "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"JuiVj8KyJ7BFw_SJ8u-Y8NXfrAXTxjM5sTgCiG1T_AU\"}", TSR_INVALID },
	{ "Ed25519 not canonical", "RFC 8032 5.1.3", "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"__________________________________________8\"}", TSR_INVALID },
	{ "P-256 off the curve", "RFC 7518 6.2.1", "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\",\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5aw\"}", TSR_INVALID },
	{ "P-256 zero", "RFC 7518 6.2.1", "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\",\"y\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}", TSR_INVALID },
	{ "P-256 x over p", "RFC 7518 6.2.1", "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"__________________________________________8\",\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}", TSR_INVALID },
	{ "P-256 y absent", "RFC 7518 6.2.1.3", "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\"}", TSR_INVALID },
	{ "P-256 x of 33 bytes", "RFC 7518 6.2.1.2", "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AH_NzidwOPRF0YPL7m_bS3tYBzM1e-nvE7rPbjx70VRF\",\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}", TSR_INVALID },
	{ "RSA of 1024 bits", "RFC 7518 3.3", "{\"kty\":\"RSA\",\"n\":\"" N1024 "\",\"e\":\"AQAB\"}", TSR_KEY_UNUSABLE },
	{ "RSA e = 1", "RFC 8017 3.1", "{\"kty\":\"RSA\",\"n\":\"" RSA_N "\",\"e\":\"AQ\"}", TSR_KEY_UNUSABLE },
	{ "RSA e even", "RFC 8017 3.1", "{\"kty\":\"RSA\",\"n\":\"" RSA_N "\",\"e\":\"AQAA\"}", TSR_KEY_UNUSABLE },
	{ "RSA e of 9 bytes", "RFC 8017 3.1", "{\"kty\":\"RSA\",\"n\":\"" RSA_N "\",\"e\":\"AQAAAAAAAAAB\"}", TSR_KEY_UNUSABLE },
	{ "RSA e with a leading zero", "RFC 7518 6.3.1.2", "{\"kty\":\"RSA\",\"n\":\"" RSA_N "\",\"e\":\"AAEAAQ\"}", TSR_INVALID },
	{ "RSA e empty", "RFC 7518 6.3.1.2", "{\"kty\":\"RSA\",\"n\":\"" RSA_N "\",\"e\":\"\"}", TSR_INVALID },
	{ "RSA e number", "RFC 7518 6.3.1.2", "{\"kty\":\"RSA\",\"n\":\"" RSA_N "\",\"e\":65537}", TSR_INVALID },
	{ "RSA n with a leading zero", "RFC 7518 6.3.1.1", "{\"kty\":\"RSA\",\"n\":\"AAAA" RSA_N "\",\"e\":\"AQAB\"}", TSR_INVALID },
	{ "RSA n even", "RFC 8017 3.1", "{\"kty\":\"RSA\",\"n\":\"" RSA_N "AA\",\"e\":\"AQAB\"}", TSR_INVALID },
	{ "RSA over 4096 bits", "RFC 8017 3.1", "{\"kty\":\"RSA\",\"n\":\"" N4104 "\",\"e\":\"AQAB\"}", TSR_KEY_UNUSABLE },
	{ "array", "RFC 7517 4", "[{" ED "}]", TSR_INVALID },
	{ "no JSON", "RFC 7517 4", "ssh-ed25519 AAAA", TSR_INVALID },
	{ "trailing bytes", "RFC 8259 2", "{" ED "},", TSR_INVALID },
	{ "depth 17", "RFC 8259 9", "{" ED ",\"z\":[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]}", TSR_TOO_LARGE }
};

static void
test_keys(void **state)
{
	struct jwk k, before;
	unsigned failures = 0;
	size_t i;
	int r;

	(void)state;
	memset(&before, 0x5a, sizeof(before));
	for (i = 0; i < COUNT(rows); i++) {
		k = before;
		r = jwk_parse(rows[i].json, strlen(rows[i].json), &k);
		if (r == rows[i].code && (r == TSR_OK || memcmp(&k, &before, sizeof(k)) == 0))
			continue;
		failures++;
		print_error("%s [%s]: %s, due %s\n", rows[i].name, rows[i].clause,
		    help_code(r), help_code(rows[i].code));
	}
	assert_int_equal(failures, 0);
}

static const struct set_row {
	const char *name, *json;
	int code;
	size_t n;
} sets[] = {
	{ "empty", "{\"keys\":[]}", TSR_OK, 0 },
	{ "two kinds", "{\"keys\":[{" ED ",\"kid\":\"a\"},{" EC ",\"kid\":\"b\"}]}", TSR_OK, 2 },
	{ "kid from the thumbprint", "{\"keys\":[{" ED "},{" EC "},{" RSA "}]}", TSR_OK, 3 },
	{ "unknown kinds and uses are skipped, RFC 7517 5",
	  "{\"keys\":[{\"kty\":\"AKP\"},{" ED ",\"use\":\"enc\"},{\"kty\":\"OKP\",\"crv\":\"X25519\"},{" EC "}],\"more\":1}", TSR_OK, 1 },
	{ "no keys", "{}", TSR_INVALID, 0 },
	{ "keys an object", "{\"keys\":{}}", TSR_INVALID, 0 },
	{ "an array alone", "[]", TSR_INVALID, 0 },
	{ "keys twice", "{\"keys\":[],\"keys\":[]}", TSR_INVALID, 0 },
	{ "a key that is no object", "{\"keys\":[1]}", TSR_INVALID, 0 },
	{ "kid twice", "{\"keys\":[{" ED ",\"kid\":\"a\"},{" EC ",\"kid\":\"a\"}]}", TSR_INVALID, 0 },
	{ "key twice", "{\"keys\":[{" ED "},{" ED "}]}", TSR_INVALID, 0 },
	{ "a private member", "{\"keys\":[{" EC "},{" ED ",\"d\":\"AAAA\"}]}", TSR_INVALID, 0 },
	{ "a symmetric key", "{\"keys\":[{" EC "},{\"kty\":\"oct\",\"k\":\"AAAA\"}]}", TSR_INVALID, 0 },
	{ "a weak key", "{\"keys\":[{" EC "},{\"kty\":\"RSA\",\"n\":\"" N1024 "\",\"e\":\"AQAB\"}]}", TSR_KEY_UNUSABLE, 0 }
};

static void
test_sets(void **state)
{
	struct jwk_set s;
	size_t i;
	int r;

	(void)state;
	for (i = 0; i < COUNT(sets); i++) {
		s.n = 77;
		r = jwk_set_parse(sets[i].json, strlen(sets[i].json), &s);
		if (r != sets[i].code || s.n != (r == TSR_OK ? sets[i].n : 77))
			fail_msg("%s: %d with %zu keys", sets[i].name, r, s.n);
	}
}

static void
test_set_limits(void **state)
{
	struct jwk_set s;
	struct buf b;
	char *blank;
	size_t i;

	(void)state;
	buf_init(&b, JWK_SET_BYTES_MAX);
	assert_int_equal(buf_put_cstr(&b, "{\"keys\":["), TSR_OK);
	for (i = 0; i < JWK_SET_MAX; i++)
		assert_int_equal(buf_printf(&b, "%s{" ED ",\"kid\":\"k%zu\"}", i > 0 ? "," : "", i), TSR_OK);
	i = b.len;
	assert_int_equal(buf_put_cstr(&b, "]}"), TSR_OK);
	assert_int_equal(jwk_set_parse((char *)b.data, b.len, &s), TSR_OK);
	assert_int_equal(s.n, JWK_SET_MAX);
	assert_ptr_equal(jwk_find(&s, "k15"), &s.key[15]);
	assert_null(jwk_find(&s, "k16"));
	assert_null(jwk_find(&s, ""));
	b.len = i;
	assert_int_equal(buf_put_cstr(&b, ",{" ED ",\"kid\":\"k16\"}]}"), TSR_OK);
	assert_int_equal(jwk_set_parse((char *)b.data, b.len, &s), TSR_TOO_LARGE);
	buf_free(&b);

	blank = malloc(JWK_SET_BYTES_MAX + 1);
	assert_non_null(blank);
	memset(blank, ' ', JWK_SET_BYTES_MAX + 1);
	memcpy(blank, "{\"keys\":[]}", 11);
	assert_int_equal(jwk_set_parse(blank, JWK_SET_BYTES_MAX, &s), TSR_OK);
	assert_int_equal(jwk_set_parse(blank, JWK_SET_BYTES_MAX + 1, &s), TSR_TOO_LARGE);
	assert_int_equal(jwk_parse(blank, JWK_BYTES_MAX + 1, &s.key[0]), TSR_TOO_LARGE);
	free(blank);
}

/* What is written is read again, byte for byte as due. */
static void
test_write(void **state)
{
	static const char due[] = "{\"keys\":[{\"crv\":\"Ed25519\",\"kty\":\"OKP\"," ED_X
	    ",\"alg\":\"EdDSA\",\"use\":\"sig\",\"kid\":\"" HELP_KID_ED "\"},{\"crv\":\"P-256\",\"kty\":\"EC\","
	    EC_XY ",\"alg\":\"ES256\",\"use\":\"sig\",\"kid\":\"" HELP_KID_ES "\"}]}";
	struct jwk_set s, t;
	struct jwk k;
	struct buf b;

	(void)state;
	help_set(&s);
	buf_init(&b, JWK_SET_BYTES_MAX);
	assert_int_equal(jwk_set_write(&b, &s), TSR_OK);
	assert_int_equal(b.len, strlen(due));
	assert_memory_equal(b.data, due, b.len);
	assert_int_equal(jwk_set_parse((char *)b.data, b.len, &t), TSR_OK);
	assert_int_equal(t.n, 2);
	assert_memory_equal(&t.key[0], &s.key[0], sizeof(t.key[0]));
	assert_memory_equal(&t.key[1], &s.key[1], sizeof(t.key[1]));

	buf_reset(&b);
	assert_int_equal(jwk_parse("{" RSA ",\"kid\":\"\\\"<\"}", strlen("{" RSA ",\"kid\":\"\\\"<\"}"), &k), TSR_OK);
	assert_int_equal(jwk_write(&b, &k), TSR_OK);
	assert_int_equal(jwk_parse((char *)b.data, b.len, &t.key[0]), TSR_OK);
	assert_memory_equal(&t.key[0], &k, sizeof(k));

	buf_reset(&b);
	k.alg = 9;
	assert_int_equal(jwk_write(&b, &k), TSR_BAD_ALGORITHM);
	strcpy(s.key[1].kid, "\xff");
	assert_int_equal(jwk_set_write(&b, &s), TSR_INVALID);
	assert_int_equal(b.len, 0);
	buf_free(&b);
}

static void
test_names(void **state)
{
	enum jwk_alg alg = 0;

	(void)state;
	assert_int_equal(jwk_alg_parse("EdDSA", &alg), TSR_OK);
	assert_int_equal(alg, JWK_EDDSA);
	assert_int_equal(jwk_alg_parse("ES256", &alg), TSR_OK);
	assert_int_equal(alg, JWK_ES256);
	assert_int_equal(jwk_alg_parse("eddsa", &alg), TSR_BAD_ALGORITHM);
	assert_int_equal(jwk_alg_parse("", &alg), TSR_BAD_ALGORITHM);
	assert_int_equal(jwk_alg_parse("none", &alg), TSR_BAD_ALGORITHM);
	assert_int_equal(alg, JWK_ES256);
	assert_string_equal(jwk_alg_name(JWK_RS256), "RS256");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_thumbprints),
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_sets),
		cmocka_unit_test(test_set_limits),
		cmocka_unit_test(test_write),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
