/*
 * jwk_parse.c - reading keys and sets that others made.  See jwk.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "token/jwk.h"

#include <string.h>

#include "tessera.h"
#include "token/b64.h"
#include "token/json.h"

/* RFC 7518 sections 6.2.2, 6.3.2 and 6.4, RFC 8037 section 2 */
static const char *const jwk_private[] = {
	"d", "p", "q", "dp", "dq", "qi", "oth", "k"
};

static const char *
jwk_text(const json_t *o, const char *name)
{
	const json_t *v = json_object_get(o, name);

	return json_is_string(v) ? json_string_value(v) : NULL;
}

/* A base64url number of at most size bytes; TSR_INVALID where it is absent. */
static int
jwk_number(const json_t *o, const char *name, uint8_t *out, size_t size, size_t *n)
{
	const json_t *v = json_object_get(o, name);

	if (!json_is_string(v))
		return TSR_INVALID;
	return b64_decode(out, size, json_string_value(v),
	    json_string_length(v), n);
}

/* Like jwk_number where the length is fixed. */
static int
jwk_exact(const json_t *o, const char *name, uint8_t *out, size_t size)
{
	size_t n = 0;

	return jwk_number(o, name, out, size, &n) == TSR_OK && n == size ?
	    TSR_OK : TSR_INVALID;
}

/* For signatures, where the key says what it is for (RFC 7517 4.2 and 4.3). */
static int
jwk_usage(const json_t *o)
{
	const json_t *use = json_object_get(o, "use");
	const json_t *ops = json_object_get(o, "key_ops"), *op;
	size_t i;

	if ((use != NULL && !json_is_string(use)) ||
	    (ops != NULL && !json_is_array(ops)))
		return TSR_INVALID;
	if (use != NULL && strcmp(json_string_value(use), "sig") != 0)
		return TSR_UNSUPPORTED;
	if (ops == NULL)
		return TSR_OK;
	for (i = 0; i < json_array_size(ops); i++) {
		op = json_array_get(ops, i);
		if (json_is_string(op) && strcmp(json_string_value(op), "verify") == 0)
			return TSR_OK;
	}
	return TSR_UNSUPPORTED;
}

/* The algorithm that the kind of key means; "alg" may only confirm it. */
static int
jwk_kind(const json_t *o, enum jwk_alg *out)
{
	const char *kty = jwk_text(o, "kty"), *crv = jwk_text(o, "crv");
	const json_t *named = json_object_get(o, "alg");
	enum jwk_alg alg;

	if (kty == NULL || (named != NULL && !json_is_string(named)))
		return TSR_INVALID;
	if (strcmp(kty, "RSA") == 0)
		alg = JWK_RS256;
	else if (strcmp(kty, "EC") == 0 && crv != NULL && strcmp(crv, "P-256") == 0)
		alg = JWK_ES256;
	else if (strcmp(kty, "OKP") == 0 && crv != NULL && strcmp(crv, "Ed25519") == 0)
		alg = JWK_EDDSA;
	else
		return TSR_UNSUPPORTED;
	if (named != NULL && strcmp(json_string_value(named), jwk_alg_name(alg)) != 0)
		return TSR_UNSUPPORTED;
	*out = alg;
	return TSR_OK;
}

static int
jwk_read_kid(const json_t *o, struct jwk *k)
{
	const json_t *v = json_object_get(o, "kid");

	if (v == NULL)
		return jwk_set_kid(k);
	if (!json_is_string(v) || json_string_length(v) == 0 ||
	    json_string_length(v) > JWK_KID_MAX)
		return TSR_INVALID;
	memcpy(k->kid, json_string_value(v), json_string_length(v) + 1);
	return TSR_OK;
}

static int
jwk_read_numbers(const json_t *o, struct jwk *k)
{
	int r;

	switch (k->alg) {
	case JWK_EDDSA:
		return jwk_exact(o, "x", k->u.ed25519, sizeof(k->u.ed25519));
	case JWK_ES256:
		if ((r = jwk_exact(o, "x", k->u.p256.x, sizeof(k->u.p256.x))) != TSR_OK)
			return r;
		return jwk_exact(o, "y", k->u.p256.y, sizeof(k->u.p256.y));
	case JWK_RS256:
		if ((r = jwk_number(o, "n", k->u.rsa.n, sizeof(k->u.rsa.n),
		    &k->u.rsa.n_len)) == TSR_OK)
			r = jwk_number(o, "e", k->u.rsa.e, sizeof(k->u.rsa.e),
			    &k->u.rsa.e_len);
		return r == TSR_TOO_LARGE ? TSR_KEY_UNUSABLE : r;
	}
	return TSR_UNSUPPORTED;
}

int
jwk_read(const json_t *o, struct jwk *k)
{
	enum proto_algorithm alg;
	struct pubkey_parts parts;
	struct jwk key;
	size_t i;
	int r;

	if (!json_is_object(o))
		return TSR_INVALID;
	for (i = 0; i < sizeof(jwk_private) / sizeof(jwk_private[0]); i++)
		if (json_object_get(o, jwk_private[i]) != NULL)
			return TSR_INVALID;
	memset(&key, 0, sizeof(key));
	if ((r = jwk_kind(o, &key.alg)) != TSR_OK ||
	    (r = jwk_usage(o)) != TSR_OK ||
	    (r = jwk_read_numbers(o, &key)) != TSR_OK)
		return r;
	jwk_parts(&key, &parts, &alg);
	if ((r = pubkey_valid(&parts)) != TSR_OK ||
	    (r = jwk_read_kid(o, &key)) != TSR_OK)
		return r;
	*k = key;
	return TSR_OK;
}

int
jwk_parse(const char *json, size_t n, struct jwk *k)
{
	json_t *o = NULL;
	int r;

	if (n > JWK_BYTES_MAX)
		return TSR_TOO_LARGE;
	if ((r = json_read_object(json, n, JWK_DEPTH_MAX, &o)) == TSR_OK)
		r = jwk_read(o, k);
	json_decref(o);
	return r;
}

static int
jwk_set_read(const json_t *o, struct jwk_set *s)
{
	const json_t *keys = json_object_get(o, "keys");
	struct jwk key;
	size_t i;
	int r;

	s->n = 0;
	if (!json_is_array(keys))
		return TSR_INVALID;
	for (i = 0; i < json_array_size(keys); i++) {
		r = jwk_read(json_array_get(keys, i), &key);
		if (r == TSR_UNSUPPORTED)
			continue;
		if (r != TSR_OK)
			return r;
		if (jwk_find(s, key.kid) != NULL)
			return TSR_INVALID;
		if (s->n == JWK_SET_MAX)
			return TSR_TOO_LARGE;
		s->key[s->n++] = key;
	}
	return TSR_OK;
}

int
jwk_set_parse(const char *json, size_t n, struct jwk_set *s)
{
	struct jwk_set set;
	json_t *o = NULL;
	int r;

	if (n > JWK_SET_BYTES_MAX)
		return TSR_TOO_LARGE;
	memset(&set, 0, sizeof(set));
	if ((r = json_read_object(json, n, JWK_DEPTH_MAX, &o)) == TSR_OK &&
	    (r = jwk_set_read(o, &set)) == TSR_OK)
		*s = set;
	json_decref(o);
	return r;
}
