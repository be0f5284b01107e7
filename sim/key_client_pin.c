/*
 * key_client_pin.c - authenticatorClientPIN (CTAP 2.1 section 6.5).
 *
 * SPDX-License-Identifier: ISC
 */
#include <string.h>

#include <sodium.h>

#include "sim/key.h"
#include "sim/key_cred.h"
#include "tessera.h"

#define FAILED_MAX	3		/* wrong PINs in a row until power-up */
#define PIN_BLOCK	64		/* bytes of a padded PIN */
#define PIN_LEAST	4		/* bytes; we count characters as bytes */
#define PIN_HASH	16		/* bytes of its SHA-256 that count */

enum subcommand {
	PIN_GET_RETRIES = 1, PIN_GET_AGREEMENT = 2, PIN_SET = 3, PIN_CHANGE = 4, PIN_GET_TOKEN = 5,
	PIN_TOKEN_BY_UV = 6, PIN_GET_UV_RETRIES = 7, PIN_TOKEN_BY_PIN = 9
};

/* The platform's key in parameter 3, and what it shares with ours. */
static int
key_pin_platform(const struct key *k, const struct cbor *q, int protocol,
    struct key_pin_shared *out)
{
	struct cbor cose;
	int r;

	if ((r = key_param_map(q, 3, true, &cose)) != CTAP_OK)
		return r;
	return key_pin_agree(&k->pin, protocol, &cose, out) == TSR_OK ? CTAP_OK :
	    CTAP_INVALID_PARAMETER;
}

/* The encrypted hash of the PIN: a try is taken before it is looked at. */
static int
key_pin_try(struct key *k, const struct key_pin_shared *s, const struct key_span *sealed)
{
	uint8_t hash[PIN_HASH + KEY_PIN_IV];
	struct key_state *st = &k->store.s;
	bool right;
	size_t n;

	if (st->pin_tries == 0)
		return CTAP_PIN_BLOCKED;
	if (k->pin.failed >= FAILED_MAX)
		return CTAP_PIN_AUTH_BLOCKED;
	st->pin_tries--;
	if (key_store_save(&k->store) != TSR_OK)
		return CTAP_OTHER;
	right = sealed->n <= sizeof(hash) &&
	    key_pin_decrypt(s, sealed->p, sealed->n, hash, &n) == TSR_OK && n == PIN_HASH &&
	    sodium_memcmp(hash, st->pin_hash, PIN_HASH) == 0;
	sodium_memzero(hash, sizeof(hash));
	if (!right) {
		k->pin.failed++;
		if (key_pin_renew(&k->pin, s->protocol) != TSR_OK)
			return CTAP_OTHER;
		return st->pin_tries == 0 ? CTAP_PIN_BLOCKED :
		    k->pin.failed >= FAILED_MAX ? CTAP_PIN_AUTH_BLOCKED : CTAP_PIN_INVALID;
	}
	k->pin.failed = 0;
	st->pin_tries = KEY_PIN_TRIES;
	st->uv_tries = KEY_UV_TRIES;
	return key_store_save(&k->store) == TSR_OK ? CTAP_OK : CTAP_OTHER;
}

/* The new PIN, padded with zeros to 64 bytes, encrypted. */
static int
key_pin_keep(struct key *k, const struct key_pin_shared *s, const struct key_span *sealed)
{
	uint8_t pin[PIN_BLOCK + KEY_PIN_IV], hash[32];
	size_t n, len;
	int r = CTAP_INVALID_PARAMETER;

	if (sealed->n > sizeof(pin) ||
	    key_pin_decrypt(s, sealed->p, sealed->n, pin, &n) != TSR_OK || n != PIN_BLOCK)
		goto out;
	r = CTAP_PIN_POLICY_VIOLATION;
	len = strnlen((const char *)pin, PIN_BLOCK);
	if (len < PIN_LEAST || len == PIN_BLOCK)
		goto out;
	crypto_hash_sha256(hash, pin, len);
	memcpy(k->store.s.pin_hash, hash, PIN_HASH);
	k->store.s.pin_set = true;
	k->store.s.pin_tries = KEY_PIN_TRIES;
	k->pin.failed = 0;
	key_pin_forget(&k->pin);
	r = key_store_save(&k->store) == TSR_OK ? CTAP_OK : CTAP_OTHER;
 out:
	sodium_memzero(pin, sizeof(pin));
	sodium_memzero(hash, sizeof(hash));
	return r;
}

/* setPIN and changePIN. */
static int
key_pin_set(struct key *k, const struct cbor *q, int protocol, bool change)
{
	uint8_t signed_part[PIN_BLOCK + PIN_HASH + 2 * KEY_PIN_IV];
	struct key_span pin, hash = { NULL, 0 }, auth;
	struct key_pin_shared s;
	int r;

	if ((r = key_param_bytes(q, 5, true, &pin)) != CTAP_OK ||
	    (r = key_param_bytes(q, 4, true, &auth)) != CTAP_OK ||
	    (change && (r = key_param_bytes(q, 6, true, &hash)) != CTAP_OK))
		return r;
	if (pin.n > PIN_BLOCK + KEY_PIN_IV || hash.n > PIN_HASH + KEY_PIN_IV)
		return CTAP_INVALID_PARAMETER;
	if (change != k->store.s.pin_set)
		return change ? CTAP_PIN_NOT_SET : CTAP_PIN_AUTH_INVALID;
	if (change && k->store.s.pin_tries == 0)
		return CTAP_PIN_BLOCKED;
	if ((r = key_pin_platform(k, q, protocol, &s)) != CTAP_OK)
		return r;
	memcpy(signed_part, pin.p, pin.n);
	if (change)
		memcpy(signed_part + pin.n, hash.p, hash.n);
	if (!key_pin_verify(protocol, s.hmac, signed_part, pin.n + hash.n, auth.p, auth.n))
		r = CTAP_PIN_AUTH_INVALID;
	else if (!change || (r = key_pin_try(k, &s, &hash)) == CTAP_OK)
		r = key_pin_keep(k, &s, &pin);
	sodium_memzero(&s, sizeof(s));
	return r;
}

/* Permissions and relying party of the token that is asked for: parameters 9
 * and 10.  The old way names neither. */
static int
key_pin_scope(const struct key *k, const struct cbor *q, bool old, unsigned *permissions,
    bool *bound, uint8_t rp[32])
{
	const unsigned known = CTAP_MAY_MAKE | CTAP_MAY_ASSERT |
	    (k->set.resident > 0 ? (unsigned)CTAP_MAY_MANAGE : 0);
	struct cbor item;
	char id[KEY_RP_MAX + 1] = "";
	int64_t v = 0;
	int r;

	*bound = false;
	if (old) {
		if (cbor_find(q, 9, &item) == TSR_OK || cbor_find(q, 10, &item) == TSR_OK)
			return CTAP_INVALID_PARAMETER;
		*permissions = CTAP_MAY_MAKE | CTAP_MAY_ASSERT;
		return CTAP_OK;
	}
	if ((r = key_param_int(q, 9, true, &v)) != CTAP_OK)
		return r;
	if (v <= 0 || v > 0xff)
		return CTAP_INVALID_PARAMETER;
	*permissions = (unsigned)v;
	if ((*permissions & ~known) != 0)
		return CTAP_UNAUTHORIZED_PERMISSION;
	if (cbor_find(q, 10, &item) == TSR_OK) {
		if (item.kind != CBOR_TEXT)
			return CTAP_UNEXPECTED_TYPE;
		if (item.n > KEY_RP_MAX || memchr(item.p, '\0', item.n) != NULL)
			return CTAP_INVALID_LENGTH;
		memcpy(id, item.p, item.n);
		key_cred_rp(id, rp);
		*bound = true;
	} else if ((*permissions & (CTAP_MAY_MAKE | CTAP_MAY_ASSERT)) != 0)
		return CTAP_MISSING_PARAMETER;
	return CTAP_OK;
}

/* By PIN, the old way or with permissions, or by built-in verification. */
static int
key_pin_get_token(struct key *k, const struct cbor *q, int protocol, enum subcommand how,
    struct cbor_out *out)
{
	uint8_t sealed[KEY_PIN_TOKEN + KEY_PIN_IV], rp[32];
	struct key_pin_shared s;
	struct key_span hash;
	unsigned permissions;
	bool bound;
	size_t n;
	int r;

	if ((r = key_pin_scope(k, q, how == PIN_GET_TOKEN, &permissions, &bound, rp)) != CTAP_OK)
		return r;
	if (how == PIN_TOKEN_BY_UV) {
		if (k->set.uv < UV_OK)
			return CTAP_NOT_ALLOWED;
	} else {
		if ((r = key_param_bytes(q, 6, true, &hash)) != CTAP_OK)
			return r;
		if (!k->store.s.pin_set)
			return CTAP_PIN_NOT_SET;
	}
	if ((r = key_pin_platform(k, q, protocol, &s)) != CTAP_OK)
		return r;
	r = how == PIN_TOKEN_BY_UV ? key_verify_user(k) : key_pin_try(k, &s, &hash);
	if (r != CTAP_OK)
		goto out;
	key_pin_token(&k->pin, protocol, permissions, bound ? rp : NULL);
	r = CTAP_OTHER;
	if (key_pin_encrypt(&s, k->pin.token, sizeof(k->pin.token), sealed, &n) != TSR_OK)
		goto out;
	cbor_out_map(out, 1);
	cbor_out_int(out, 2);
	cbor_out_bytes(out, sealed, n);
	r = CTAP_OK;
 out:
	sodium_memzero(&s, sizeof(s));
	return r;
}

static int
key_pin_number(struct cbor_out *out, int name, int v)
{
	cbor_out_map(out, 1);
	cbor_out_int(out, name);
	cbor_out_int(out, v);
	return CTAP_OK;
}

int
key_client_pin(struct key *k, const struct cbor *q, struct cbor_out *out)
{
	int64_t sub = 0;
	int protocol, r;

	if ((r = key_param_int(q, 2, true, &sub)) != CTAP_OK)
		return r;
	if (!k->set.ctap21 && sub > PIN_GET_TOKEN)
		return CTAP_INVALID_PARAMETER;
	if (sub == PIN_GET_RETRIES)
		return key_pin_number(out, 3, k->store.s.pin_tries);
	if (sub == PIN_GET_UV_RETRIES && k->set.uv >= UV_OK)
		return key_pin_number(out, 5, k->store.s.uv_tries);
	if ((r = key_param_protocol(k, q, 1, &protocol)) != CTAP_OK)
		return r;
	switch (sub) {
	case PIN_GET_AGREEMENT:
		cbor_out_map(out, 1);
		cbor_out_int(out, 1);
		return key_pair_cose(&k->pin.agreement[protocol - 1], COSE_ECDH, out) == TSR_OK ?
		    CTAP_OK : CTAP_OTHER;
	case PIN_SET:
		return key_pin_set(k, q, protocol, false);
	case PIN_CHANGE:
		return key_pin_set(k, q, protocol, true);
	case PIN_GET_TOKEN:
	case PIN_TOKEN_BY_UV:
	case PIN_TOKEN_BY_PIN:
		return key_pin_get_token(k, q, protocol, (enum subcommand)sub, out);
	default:
		return CTAP_INVALID_SUBCOMMAND;
	}
}
