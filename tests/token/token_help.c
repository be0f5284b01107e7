/*
 * token_help.c - keys of the standards' examples and hand-made tokens.
 *
 * SPDX-License-Identifier: ISC
 */
#include "token_help.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tessera.h"
#include "token/b64.h"

struct secret *
help_secret(const char *b64)
{
	struct secret *s;
	size_t n = 0;

	s = secret_new(32);
	assert_non_null(s);
	assert_int_equal(b64_decode(s->data, s->size, b64, strlen(b64), &n), TSR_OK);
	assert_int_equal(n, 32);
	return s;
}

static struct jws_key *
help_key(enum jwk_alg alg, const char *d)
{
	struct secret *s = help_secret(d);
	struct jws_key *k = NULL;

	assert_int_equal(jws_key_load(alg, s, &k), TSR_OK);
	secret_free(&s);
	return k;
}

struct jws_key *
help_key_ed(void)
{
	return help_key(JWK_EDDSA, "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A");
}

struct jws_key *
help_key_es(void)
{
	return help_key(JWK_ES256, "jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI");
}

void
help_set(struct jwk_set *s)
{
	struct jws_key *ed = help_key_ed(), *es = help_key_es();

	memset(s, 0, sizeof(*s));
	s->key[0] = *jws_key_public(ed);
	s->key[1] = *jws_key_public(es);
	s->n = 2;
	jws_key_free(&ed);
	jws_key_free(&es);
}

void
help_sign(struct buf *out, struct jws_key *k, const char *header, const char *payload)
{
	assert_int_equal(jws_sign(out, k, header, strlen(header), payload,
	    strlen(payload)), TSR_OK);
}

void
help_unsigned(struct buf *out, const char *header, const char *payload)
{
	assert_int_equal(b64_put(out, header, strlen(header)), TSR_OK);
	assert_int_equal(buf_put_u8(out, '.'), TSR_OK);
	assert_int_equal(b64_put(out, payload, strlen(payload)), TSR_OK);
}

void
help_append(struct buf *out, const uint8_t *sig, size_t n)
{
	assert_int_equal(buf_put_u8(out, '.'), TSR_OK);
	assert_int_equal(b64_put(out, sig, n), TSR_OK);
}

struct jwt_expect
help_expect(const struct jwk_set *s)
{
	return (struct jwt_expect){ .keys = s, .iss = HELP_ISS, .aud = HELP_AUD,
	    .now = HELP_NOW, .leeway = 5, .max_lifetime = 3600 };
}

const char *
help_code(int code)
{
	static char text[2][80];
	static int turn;

	turn = !turn;
	(void)snprintf(text[turn], sizeof(text[turn]), "%d (%s)", code,
	    code == TSR_OK ? "accepted" : tsr_strerror(code));
	return text[turn];
}

uint64_t
help_random(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * UINT64_C(2685821657736338717);
}

uint64_t
help_seed(void)
{
	const char *env = getenv("TESSERA_SEED");
	uint64_t seed;

	seed = env != NULL ? strtoull(env, NULL, 0) : UINT64_C(20240607);
	if (seed == 0)
		seed = 1;
	printf("seed %llu (TESSERA_SEED)\n", (unsigned long long)seed);
	return seed;
}
