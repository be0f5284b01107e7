/*
 * test_key_token.c - PINs and pinUvAuthTokens of a virtual key, with the
 * platform's side of both protocols played here.
 *
 * SPDX-License-Identifier: ISC
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "sim/key.h"
#include "sim/key_cred.h"
#include "tessera.h"

struct platform {
	struct key key;
	int protocol;
	struct key_pin mine;		/* its agreement keys are the platform's */
	struct key_pin_shared shared;
	uint8_t token[KEY_PIN_TOKEN];
	struct cbor_out reply;
};

static int
platform_new(void **state)
{
	struct platform *p = calloc(1, sizeof(*p));

	assert_non_null(p);
	assert_int_equal(key_init(&p->key, NULL), TSR_OK);
	assert_int_equal(key_pin_power_up(&p->mine), TSR_OK);
	p->key.touched = true;
	p->protocol = 2;
	cbor_out_init(&p->reply, CTAP_MESSAGE);
	*state = p;
	return 0;
}

static int
platform_gone(void **state)
{
	struct platform *p = *state;

	key_free(&p->key);
	key_pin_free(&p->mine);
	cbor_out_free(&p->reply);
	free(p);
	return 0;
}

static int
send_out(struct platform *p, struct cbor_out *q)
{
	int status;

	cbor_out_free(&p->reply);
	cbor_out_init(&p->reply, CTAP_MESSAGE);
	assert_int_equal(q->error, TSR_OK);
	status = key_request(&p->key, q->buf.data, q->buf.len, &p->reply);
	cbor_out_free(q);
	return status;
}

static void
begin(struct cbor_out *q, uint8_t command, size_t pairs)
{
	cbor_out_init(q, CTAP_MESSAGE);
	cbor_out_raw(q, &command, 1);
	cbor_out_map(q, pairs);
}

static void
pair_int(struct cbor_out *q, int name, int v)
{
	cbor_out_int(q, name);
	cbor_out_int(q, v);
}

static void
pair_bytes(struct cbor_out *q, int name, const uint8_t *b, size_t n)
{
	cbor_out_int(q, name);
	cbor_out_bytes(q, b, n);
}

/* What is shared with the key, from its getKeyAgreement. */
static void
agree(struct platform *p)
{
	struct cbor reply, cose;
	struct cbor_out q;

	begin(&q, CTAP_CLIENT_PIN, 2);
	pair_int(&q, 1, p->protocol);
	pair_int(&q, 2, 2);
	assert_int_equal(send_out(p, &q), CTAP_OK);
	assert_int_equal(cbor_parse(p->reply.buf.data, p->reply.buf.len, &reply), TSR_OK);
	assert_int_equal(cbor_find(&reply, 1, &cose), TSR_OK);
	assert_int_equal(key_pin_agree(&p->mine, p->protocol, &cose, &p->shared), TSR_OK);
}

static size_t
sign(struct platform *p, const uint8_t key[32], const uint8_t *b, size_t n, uint8_t out[32])
{
	crypto_auth_hmacsha256_state st;

	crypto_auth_hmacsha256_init(&st, key, 32);
	crypto_auth_hmacsha256_update(&st, b, n);
	crypto_auth_hmacsha256_final(&st, out);
	return p->protocol == 1 ? 16 : 32;
}

static size_t
hash_pin(struct platform *p, const char *pin, uint8_t out[32])
{
	uint8_t hash[32];
	size_t n;

	crypto_hash_sha256(hash, (const uint8_t *)pin, strlen(pin));
	assert_int_equal(key_pin_encrypt(&p->shared, hash, 16, out, &n), TSR_OK);
	return n;
}

static int
set_pin(struct platform *p, const char *old, const char *pin)
{
	uint8_t padded[64] = { 0 }, text[128], mac[32];
	struct cbor_out q;
	size_t n, m = 0;

	agree(p);
	assert_true(strlen(pin) <= sizeof(padded));
	memcpy(padded, pin, strlen(pin));
	assert_int_equal(key_pin_encrypt(&p->shared, padded, sizeof(padded), text, &n), TSR_OK);
	if (old != NULL)
		m = hash_pin(p, old, text + n);
	begin(&q, CTAP_CLIENT_PIN, old != NULL ? 6 : 5);
	pair_int(&q, 1, p->protocol);
	pair_int(&q, 2, old != NULL ? 4 : 3);
	cbor_out_int(&q, 3);
	assert_int_equal(key_pair_cose(&p->mine.agreement[p->protocol - 1], COSE_ECDH, &q), TSR_OK);
	pair_bytes(&q, 4, mac, sign(p, p->shared.hmac, text, n + m, mac));
	pair_bytes(&q, 5, text, n);
	if (old != NULL)
		pair_bytes(&q, 6, text + n, m);
	return send_out(p, &q);
}

/* permissions 0: the old way; pin NULL: by built-in verification. */
static int
get_token(struct platform *p, const char *pin, int permissions, const char *rp)
{
	uint8_t sealed[32];
	struct cbor reply, token;
	struct cbor_out q;
	size_t n;
	int status;

	agree(p);
	begin(&q, CTAP_CLIENT_PIN, (size_t)3 + (pin != NULL) + (permissions != 0) + (rp != NULL));
	pair_int(&q, 1, p->protocol);
	pair_int(&q, 2, pin == NULL ? 6 : permissions == 0 ? 5 : 9);
	cbor_out_int(&q, 3);
	assert_int_equal(key_pair_cose(&p->mine.agreement[p->protocol - 1], COSE_ECDH, &q), TSR_OK);
	if (pin != NULL)
		pair_bytes(&q, 6, sealed, hash_pin(p, pin, sealed));
	if (permissions != 0)
		pair_int(&q, 9, permissions);
	if (rp != NULL) {
		cbor_out_int(&q, 10);
		cbor_out_text(&q, rp);
	}
	if ((status = send_out(p, &q)) != CTAP_OK)
		return status;
	assert_int_equal(cbor_parse(p->reply.buf.data, p->reply.buf.len, &reply), TSR_OK);
	assert_int_equal(cbor_find(&reply, 2, &token), TSR_OK);
	assert_int_equal(key_pin_decrypt(&p->shared, token.p, token.n, p->token, &n), TSR_OK);
	assert_int_equal(n, KEY_PIN_TOKEN);
	return CTAP_OK;
}

/* An assertion that the token stands behind: CTAP_NO_CREDENTIALS where it was
 * taken, as there is none. */
static int
use(struct platform *p, const char *rp, unsigned flip)
{
	uint8_t hash[32] = { 1 }, mac[32];
	struct cbor_out q;
	size_t n;

	begin(&q, CTAP_GET_ASSERTION, 4);
	cbor_out_int(&q, 1);
	cbor_out_text(&q, rp);
	pair_bytes(&q, 2, hash, sizeof(hash));
	n = sign(p, p->token, hash, sizeof(hash), mac);
	mac[0] ^= (uint8_t)flip;
	pair_bytes(&q, 6, mac, n);
	pair_int(&q, 7, p->protocol);
	return send_out(p, &q);
}

static int
manage(struct platform *p, uint8_t sub)
{
	uint8_t mac[32];
	struct cbor_out q;

	begin(&q, CTAP_CREDENTIAL_MANAGEMENT, 3);
	pair_int(&q, 1, sub);
	pair_int(&q, 3, p->protocol);
	pair_bytes(&q, 4, mac, sign(p, p->token, &sub, 1, mac));
	return send_out(p, &q);
}

static void
pins(void **state)
{
	static const char longest[] =
	    "123456789012345678901234567890123456789012345678901234567890123";
	struct platform *p = *state;

	for (p->protocol = 1; p->protocol <= 2; p->protocol++) {
		assert_int_equal(key_set(&p->key, "pin", "none"), TSR_OK);
		assert_int_equal(set_pin(p, NULL, "123"), CTAP_PIN_POLICY_VIOLATION);
		assert_int_equal(set_pin(p, NULL, ""), CTAP_PIN_POLICY_VIOLATION);
		assert_int_equal(set_pin(p, NULL, "1234567890123456789012345678901234567890"
		    "123456789012345678901234"), CTAP_PIN_POLICY_VIOLATION);
		assert_int_equal(set_pin(p, NULL, "1234"), CTAP_OK);
		assert_int_equal(set_pin(p, NULL, "1234"), CTAP_PIN_AUTH_INVALID);
		assert_int_equal(set_pin(p, "4321", "5678"), CTAP_PIN_INVALID);
		assert_int_equal(set_pin(p, "1234", "56"), CTAP_PIN_POLICY_VIOLATION);
		assert_int_equal(set_pin(p, "1234", longest), CTAP_OK);
		assert_int_equal(get_token(p, "1234", 0, NULL), CTAP_PIN_INVALID);
		assert_int_equal(get_token(p, longest, 0, NULL), CTAP_OK);
		assert_int_equal(use(p, "a.test", 0), CTAP_NO_CREDENTIALS);
	}
}

static void
tries(void **state)
{
	struct platform *p = *state;
	int i, left = KEY_PIN_TRIES;

	assert_int_equal(key_set(&p->key, "pin", "1234"), TSR_OK);
	while (left > 0) {
		for (i = 1; i <= 3 && left > 0; i++) {
			left--;
			assert_int_equal(get_token(p, "0000", 2, "a"), left == 0 ? CTAP_PIN_BLOCKED :
			    i == 3 ? CTAP_PIN_AUTH_BLOCKED : CTAP_PIN_INVALID);
			assert_int_equal(p->key.store.s.pin_tries, left);
		}
		assert_int_equal(get_token(p, "1234", 2, "a"), left == 0 ? CTAP_PIN_BLOCKED :
		    CTAP_PIN_AUTH_BLOCKED);		/* not even the right one */
		assert_int_equal(p->key.store.s.pin_tries, left);
		assert_int_equal(key_power_up(&p->key), TSR_OK);
		p->key.touched = true;
	}
	assert_int_equal(set_pin(p, "1234", "5678"), CTAP_PIN_BLOCKED);
	assert_int_equal(key_set(&p->key, "pin-tries", "1"), TSR_OK);
	assert_int_equal(get_token(p, "1234", 2, "a"), CTAP_OK);
	assert_int_equal(p->key.store.s.pin_tries, KEY_PIN_TRIES);
}

static void
tokens(void **state)
{
	struct platform *p = *state;

	assert_int_equal(key_set(&p->key, "pin", "1234"), TSR_OK);
	for (p->protocol = 1; p->protocol <= 2; p->protocol++) {
		assert_int_equal(get_token(p, "1234", CTAP_MAY_ASSERT, "a.test"), CTAP_OK);
		assert_int_equal(use(p, "a.test", 1), CTAP_PIN_AUTH_INVALID);
		assert_int_equal(use(p, "b.test", 0), CTAP_PIN_AUTH_INVALID);
		assert_int_equal(manage(p, 1), CTAP_PIN_AUTH_INVALID);
		assert_int_equal(use(p, "a.test", 0), CTAP_NO_CREDENTIALS);
		assert_int_equal(get_token(p, "1234", CTAP_MAY_MAKE, "a.test"), CTAP_OK);
		assert_int_equal(use(p, "a.test", 0), CTAP_PIN_AUTH_INVALID);
		assert_int_equal(get_token(p, "1234", 0, NULL), CTAP_OK);
		assert_int_equal(use(p, "a.test", 0), CTAP_NO_CREDENTIALS);	/* bound now */
		assert_int_equal(use(p, "b.test", 0), CTAP_PIN_AUTH_INVALID);
		assert_int_equal(get_token(p, "1234", CTAP_MAY_MANAGE, NULL), CTAP_OK);
		assert_int_equal(manage(p, 1), CTAP_OK);
		assert_int_equal(manage(p, 2), CTAP_NO_CREDENTIALS);
		assert_int_equal(get_token(p, "1234", CTAP_MAY_MANAGE, "a.test"), CTAP_OK);
		assert_int_equal(manage(p, 1), CTAP_PIN_AUTH_INVALID);
		assert_int_equal(key_power_up(&p->key), TSR_OK);
		p->key.touched = true;
		assert_int_equal(use(p, "a.test", 0), CTAP_PIN_AUTH_INVALID);
	}
}

static void
built_in(void **state)
{
	struct platform *p = *state;
	int i;

	assert_int_equal(key_set(&p->key, "uv", "ok"), TSR_OK);
	p->key.touched = false;
	assert_int_equal(get_token(p, NULL, CTAP_MAY_ASSERT, "a.test"), CTAP_WAIT);
	p->key.touched = true;
	assert_int_equal(get_token(p, NULL, CTAP_MAY_ASSERT, "a.test"), CTAP_OK);
	assert_int_equal(use(p, "a.test", 0), CTAP_NO_CREDENTIALS);
	assert_int_equal(key_set(&p->key, "uv", "fail"), TSR_OK);
	for (i = 1; i < KEY_UV_TRIES; i++)
		assert_int_equal(get_token(p, NULL, CTAP_MAY_ASSERT, "a.test"), CTAP_UV_INVALID);
	assert_int_equal(get_token(p, NULL, CTAP_MAY_ASSERT, "a.test"), CTAP_UV_BLOCKED);
	assert_int_equal(key_set(&p->key, "uv", "ok"), TSR_OK);
	assert_int_equal(get_token(p, NULL, CTAP_MAY_ASSERT, "a.test"), CTAP_UV_BLOCKED);
	assert_int_equal(key_set(&p->key, "pin", "1234"), TSR_OK);
	assert_int_equal(get_token(p, "1234", CTAP_MAY_ASSERT, "a.test"), CTAP_OK);
	assert_int_equal(get_token(p, NULL, CTAP_MAY_ASSERT, "a.test"), CTAP_OK);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(pins, platform_new, platform_gone),
		cmocka_unit_test_setup_teardown(tries, platform_new, platform_gone),
		cmocka_unit_test_setup_teardown(tokens, platform_new, platform_gone),
		cmocka_unit_test_setup_teardown(built_in, platform_new, platform_gone),
	};

	return cmocka_run_group_tests_name("key_token", tests, NULL, NULL);
}
