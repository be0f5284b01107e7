/*
 * test_jwt.c - tokens made and read back: form, limits, every changed byte.
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

#include "tessera.h"
#include "token/b64.h"
#include "token/jwt.h"
#include "token_help.h"

#define BYTE_CHANGES	1000

static struct jwt_claims
full_claims(void)
{
	return (struct jwt_claims){ .iss = HELP_ISS, .sub = "alice", .aud = HELP_AUD,
	    .client_id = "uid:1000", .jti = "AAECAwQFBgcICQoLDA0ODw", .sid = "s-1",
	    .scope = "connect status", .acr = "hardware-pin", .amr = { "hwk", "pin" },
	    .n_amr = 2, .exp = HELP_NOW + 300, .iat = HELP_NOW, .nbf = HELP_NOW - 5,
	    .auth_time = HELP_NOW - 60, .jkt = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k" };
}

static struct jws_key *
key_of(int es)
{
	return es ? help_key_es() : help_key_ed();
}

static void
test_round_trip(void **state)
{
	struct jwt_claims c = full_claims(), d;
	struct jws_verifier *v = NULL;
	struct jwt_expect want;
	struct jwk_set set;
	struct jws_key *k;
	struct buf b;
	int es, prepared;

	(void)state;
	help_set(&set);
	assert_int_equal(jws_verifier_new(&set, &v), TSR_OK);
	for (es = 0; es < 2; es++) {
		k = key_of(es);
		buf_init(&b, JWT_MAX);
		assert_int_equal(jwt_mint(&b, k, &c), TSR_OK);
		for (prepared = 0; prepared < 2; prepared++) {
			want = help_expect(prepared ? NULL : &set);
			want.verifier = prepared ? v : NULL;
			memset(&d, 0xa5, sizeof(d));
			assert_int_equal(jwt_check((char *)b.data, b.len, &want, &d), TSR_OK);
			assert_string_equal(d.iss, c.iss);
			assert_string_equal(d.sub, c.sub);
			assert_string_equal(d.aud, c.aud);
			assert_string_equal(d.client_id, c.client_id);
			assert_string_equal(d.jti, c.jti);
			assert_string_equal(d.sid, c.sid);
			assert_string_equal(d.scope, c.scope);
			assert_string_equal(d.acr, c.acr);
			assert_int_equal(d.n_amr, 2);
			assert_string_equal(d.amr[0], "hwk");
			assert_string_equal(d.amr[1], "pin");
			assert_true(d.exp == c.exp && d.iat == c.iat && d.nbf == c.nbf &&
			    d.auth_time == c.auth_time);
			assert_string_equal(d.jkt, c.jkt);
		}
		buf_free(&b);
		jws_key_free(&k);
	}
	jws_verifier_free(&v);
}

/* The text of a part of a token. */
static void
decode_part(const struct buf *b, int part, char *out, size_t size)
{
	const char *p = (const char *)b->data, *dot;
	size_t n = 0;

	while (part-- > 0)
		p = memchr(p, '.', b->len - (size_t)(p - (const char *)b->data)), p++;
	dot = memchr(p, '.', b->len - (size_t)(p - (const char *)b->data));
	assert_int_equal(b64_decode((uint8_t *)out, size - 1, p, (size_t)(dot - p), &n), TSR_OK);
	out[n] = '\0';
}

static void
test_form(void **state)
{
	struct jwt_claims c = full_claims();
	struct jws_key *k = help_key_ed();
	char text[2048];
	struct buf b;

	(void)state;
	buf_init(&b, JWT_MAX);
	assert_int_equal(jwt_mint(&b, k, &c), TSR_OK);
	decode_part(&b, 0, text, sizeof(text));
	assert_string_equal(text, HELP_HEAD_ED);
	decode_part(&b, 1, text, sizeof(text));
	assert_string_equal(text, "{\"iss\":\"" HELP_ISS "\",\"sub\":\"alice\",\"aud\":\"vpn\","
	    "\"exp\":1800000300,\"iat\":1800000000,\"nbf\":1799999995,"
	    "\"jti\":\"AAECAwQFBgcICQoLDA0ODw\",\"client_id\":\"uid:1000\","
	    "\"scope\":\"connect status\",\"auth_time\":1799999940,\"acr\":\"hardware-pin\","
	    "\"amr\":[\"hwk\",\"pin\"],\"sid\":\"s-1\","
	    "\"cnf\":{\"jkt\":\"kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k\"}}");
	buf_reset(&b);

	c.nbf = c.auth_time = 0;
	c.n_amr = 0;
	c.sid[0] = c.scope[0] = c.acr[0] = c.jkt[0] = '\0';
	assert_int_equal(jwt_mint(&b, k, &c), TSR_OK);
	decode_part(&b, 1, text, sizeof(text));
	assert_string_equal(text, "{\"iss\":\"" HELP_ISS "\",\"sub\":\"alice\",\"aud\":\"vpn\","
	    "\"exp\":1800000300,\"iat\":1800000000,\"jti\":\"AAECAwQFBgcICQoLDA0ODw\","
	    "\"client_id\":\"uid:1000\"}");
	buf_free(&b);
	jws_key_free(&k);
}

/* Quotes, controls and non-ASCII come back as they went in. */
static void
test_escapes(void **state)
{
	struct jwt_claims c = full_claims(), d;
	struct jws_key *k = help_key_ed();
	struct jwt_expect want;
	struct jwk_set set;
	struct buf b;

	(void)state;
	help_set(&set);
	want = help_expect(&set);
	(void)snprintf(c.sub, sizeof(c.sub), "%s", "a\"b\\c/\x01\n\x1f\x7f \xc3\xa9\xe2\x82\xac\xf0\x9f\x94\x91");
	buf_init(&b, JWT_MAX);
	assert_int_equal(jwt_mint(&b, k, &c), TSR_OK);
	assert_int_equal(jwt_check((char *)b.data, b.len, &want, &d), TSR_OK);
	assert_string_equal(d.sub, c.sub);
	buf_free(&b);
	jws_key_free(&k);
}

static const struct bad_text {
	const char *name, *text;
} bad_texts[] = {
	{ "lone continuation", "a\x80" },
	{ "cut short", "a\xe2\x82" },
	{ "overlong slash", "\xc0\xaf" },
	{ "overlong of three", "\xe0\x80\xaf" },
	{ "surrogate", "\xed\xa0\x80" },
	{ "beyond U+10FFFF", "\xf4\x90\x80\x80" },
	{ "Latin-1", "caf\xe9" },
	{ "0xff", "\xff" }
};

static void
test_mint_refusals(void **state)
{
	struct jwt_claims good = full_claims(), c;
	struct jws_key *k = help_key_ed();
	struct buf b;
	size_t i;

	(void)state;
	buf_init(&b, JWT_MAX);
	assert_int_equal(buf_put_cstr(&b, "keep"), TSR_OK);
#define REFUSED(code, change) do {					\
	c = good;							\
	change;								\
	assert_int_equal(jwt_mint(&b, k, &c), code);			\
	assert_int_equal(b.len, 4);					\
} while (0)
	REFUSED(TSR_INVALID, c.iss[0] = '\0');
	REFUSED(TSR_INVALID, c.sub[0] = '\0');
	REFUSED(TSR_INVALID, c.aud[0] = '\0');
	REFUSED(TSR_INVALID, c.jti[0] = '\0');
	REFUSED(TSR_INVALID, c.client_id[0] = '\0');
	REFUSED(TSR_INVALID, c.exp = 0);
	REFUSED(TSR_INVALID, c.exp = -1);
	REFUSED(TSR_INVALID, c.exp = JWT_NUMBER_MAX + 1);
	REFUSED(TSR_INVALID, c.iat = 0);
	REFUSED(TSR_INVALID, c.nbf = -1);
	REFUSED(TSR_INVALID, c.auth_time = INT64_MIN);
	REFUSED(TSR_INVALID, c.n_amr = JWT_AMR_MAX + 1);
	for (i = 0; i < sizeof(bad_texts) / sizeof(bad_texts[0]); i++) {
		print_message("%s\n", bad_texts[i].name);
		REFUSED(TSR_INVALID, strcpy(c.sub, bad_texts[i].text));
		REFUSED(TSR_INVALID, strcpy(c.scope, bad_texts[i].text));
	}
	/* control characters, six characters each, beyond the whole token */
	REFUSED(TSR_TOO_LARGE, (memset(c.scope, 1, sizeof(c.scope) - 1),
	    memset(c.sub, 1, sizeof(c.sub) - 1), memset(c.iss, 1, sizeof(c.iss) - 1),
	    memset(c.aud, 1, sizeof(c.aud) - 1)));
	buf_free(&b);
	buf_init(&b, 300);
	assert_int_equal(buf_put_cstr(&b, "keep"), TSR_OK);
	REFUSED(TSR_TOO_LARGE, (void)0);	/* by the caller's own limit */
	buf_free(&b);
	jws_key_free(&k);
}

/* The longest texts that a token can carry are read back. */
static void
test_long_claims(void **state)
{
	struct jwt_claims c = full_claims(), d;
	struct jws_key *k = help_key_es();
	struct jwt_expect want;
	struct jwk_set set;
	struct buf b;

	(void)state;
	help_set(&set);
	want = help_expect(&set);
	memset(c.sub, 's', sizeof(c.sub) - 1);
	memset(c.client_id, 'c', sizeof(c.client_id) - 1);
	memset(c.jti, 'j', sizeof(c.jti) - 1);
	memset(c.sid, 'i', sizeof(c.sid) - 1);
	memset(c.scope, 'x', sizeof(c.scope) - 1);
	memset(c.acr, 'a', sizeof(c.acr) - 1);
	buf_init(&b, JWT_MAX);
	assert_int_equal(jwt_mint(&b, k, &c), TSR_OK);
	assert_int_equal(jwt_check((char *)b.data, b.len, &want, &d), TSR_OK);
	assert_string_equal(d.scope, c.scope);
	assert_string_equal(d.sub, c.sub);
	buf_free(&b);
	jws_key_free(&k);
}

/* RFC 7515 section 5.2: every changed byte is another token. */
static void
test_byte_changes(void **state)
{
	struct jwt_claims c = full_claims(), d;
	uint64_t seed = help_seed();
	struct jwt_expect want;
	struct jwk_set set;
	struct jws_key *k;
	struct buf b;
	uint8_t was;
	size_t at;
	int es, i, r;

	(void)state;
	help_set(&set);
	want = help_expect(&set);
	for (es = 0; es < 2; es++) {
		k = key_of(es);
		buf_init(&b, JWT_MAX);
		assert_int_equal(jwt_mint(&b, k, &c), TSR_OK);
		for (i = 0; i < BYTE_CHANGES; i++) {
			at = help_random(&seed) % b.len;
			was = b.data[at];
			do {
				b.data[at] = (uint8_t)(help_random(&seed) >> 56);
			} while (b.data[at] == was);
			r = jwt_check((char *)b.data, b.len, &want, &d);
			if (r == TSR_OK)
				fail_msg("byte %zu from %u to %u is accepted", at, was, b.data[at]);
			b.data[at] = was;
		}
		assert_int_equal(jwt_check((char *)b.data, b.len, &want, &d), TSR_OK);
		/* and every proper prefix */
		for (at = 0; at < b.len; at++)
			assert_int_not_equal(jwt_check((char *)b.data, at, &want, &d), TSR_OK);
		buf_free(&b);
		jws_key_free(&k);
	}
}

/* Minting allocates nothing but the caller's memory. */
static void
test_no_growth(void **state)
{
	struct jwt_claims c = full_claims();
	struct jws_key *k = help_key_ed();
	struct buf b;
	uint8_t *data;

	(void)state;
	buf_init(&b, JWT_MAX);
	assert_int_equal(buf_reserve(&b, 2048), TSR_OK);
	data = b.data;
	assert_int_equal(jwt_mint(&b, k, &c), TSR_OK);
	assert_ptr_equal(b.data, data);
	assert_in_range(b.len, 400, 760);
	buf_free(&b);
	jws_key_free(&k);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_form),
		cmocka_unit_test(test_escapes),
		cmocka_unit_test(test_mint_refusals),
		cmocka_unit_test(test_long_claims),
		cmocka_unit_test(test_byte_changes),
		cmocka_unit_test(test_no_growth),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
