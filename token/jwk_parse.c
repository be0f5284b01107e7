/*
 * jwk_parse.c - reading keys and sets that others made.  See jwk.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "token/jwk.h"

#include <string.h>

#include "tessera.h"
#include "token/b64.h"

#define JWK_NODES_MAX		256	/* values and names in a key */
#define JWK_SET_NODES_MAX	1024	/* and in a set: 24 KB of stack */
#define JWK_NUMBER_MAX		(B64_LEN(JWK_RSA_MAX) + 8)	/* characters of a number */

/* RFC 7518 sections 6.2.2, 6.3.2 and 6.4, RFC 8037 section 2 */
static const char *const jwk_private[] = {
	"d", "p", "q", "dp", "dq", "qi", "oth", "k"
};

/* A base64url number of at most size bytes; TSR_INVALID where it is absent. */
static int
jwk_number(const struct doc *d, const struct doc_node *o, const char *name, uint8_t *out,
    size_t size, size_t *n)
{
	char text[JWK_NUMBER_MAX];
	size_t len = 0;
	int r;

	if ((r = doc_text(d, doc_get(d, o, name), text, sizeof(text), &len)) != TSR_OK)
		return r;
	return b64_decode(out, size, text, len, n);
}

/* Like jwk_number where the length is fixed. */
static int
jwk_exact(const struct doc *d, const struct doc_node *o, const char *name, uint8_t *out,
    size_t size)
{
	size_t n = 0;

	return jwk_number(d, o, name, out, size, &n) == TSR_OK && n == size ?
	    TSR_OK : TSR_INVALID;
}

/* For signatures, where the key says what it is for (RFC 7517 4.2 and 4.3). */
static int
jwk_usage(const struct doc *d, const struct doc_node *o)
{
	const struct doc_node *use = doc_get(d, o, "use"), *ops = doc_get(d, o, "key_ops"), *op;

	if ((use != NULL && !doc_is(use, DOC_STRING)) ||
	    (ops != NULL && !doc_is(ops, DOC_ARRAY)))
		return TSR_INVALID;
	if (use != NULL && !doc_equal(d, use, "sig"))
		return TSR_UNSUPPORTED;
	if (ops == NULL)
		return TSR_OK;
	for (op = doc_first(d, ops); op != NULL; op = doc_next(d, op))
		if (doc_equal(d, op, "verify"))
			return TSR_OK;
	return TSR_UNSUPPORTED;
}

/* The algorithm that the kind of key means; "alg" may only confirm it. */
static int
jwk_kind(const struct doc *d, const struct doc_node *o, enum jwk_alg *out)
{
	const struct doc_node *kty = doc_get(d, o, "kty"), *crv = doc_get(d, o, "crv");
	const struct doc_node *named = doc_get(d, o, "alg");
	enum jwk_alg alg;

	if (!doc_is(kty, DOC_STRING) || (named != NULL && !doc_is(named, DOC_STRING)))
		return TSR_INVALID;
	if (doc_equal(d, kty, "RSA"))
		alg = JWK_RS256;
	else if (doc_equal(d, kty, "EC") && doc_equal(d, crv, "P-256"))
		alg = JWK_ES256;
	else if (doc_equal(d, kty, "OKP") && doc_equal(d, crv, "Ed25519"))
		alg = JWK_EDDSA;
	else
		return TSR_UNSUPPORTED;
	if (named != NULL && !doc_equal(d, named, jwk_alg_name(alg)))
		return TSR_UNSUPPORTED;
	*out = alg;
	return TSR_OK;
}

static int
jwk_read_kid(const struct doc *d, const struct doc_node *o, struct jwk *k)
{
	const struct doc_node *v = doc_get(d, o, "kid");
	size_t n = 0;

	if (v == NULL)
		return jwk_set_kid(k);
	return doc_text(d, v, k->kid, sizeof(k->kid), &n) == TSR_OK && n > 0 ?
	    TSR_OK : TSR_INVALID;
}

static int
jwk_read_numbers(const struct doc *d, const struct doc_node *o, struct jwk *k)
{
	int r;

	switch (k->alg) {
	case JWK_EDDSA:
		return jwk_exact(d, o, "x", k->u.ed25519, sizeof(k->u.ed25519));
	case JWK_ES256:
		if ((r = jwk_exact(d, o, "x", k->u.p256.x, sizeof(k->u.p256.x))) != TSR_OK)
			return r;
		return jwk_exact(d, o, "y", k->u.p256.y, sizeof(k->u.p256.y));
	case JWK_RS256:
		if ((r = jwk_number(d, o, "n", k->u.rsa.n, sizeof(k->u.rsa.n),
		    &k->u.rsa.n_len)) == TSR_OK)
			r = jwk_number(d, o, "e", k->u.rsa.e, sizeof(k->u.rsa.e),
			    &k->u.rsa.e_len);
		return r == TSR_TOO_LARGE ? TSR_KEY_UNUSABLE : r;
	}
	return TSR_UNSUPPORTED;
}

int
jwk_read(const struct doc *d, const struct doc_node *o, struct jwk *k)
{
	enum proto_algorithm alg;
	struct pubkey_parts parts;
	struct jwk key;
	size_t i;
	int r;

	if (!doc_is(o, DOC_OBJECT))
		return TSR_INVALID;
	for (i = 0; i < sizeof(jwk_private) / sizeof(jwk_private[0]); i++)
		if (doc_get(d, o, jwk_private[i]) != NULL)
			return TSR_INVALID;
	memset(&key, 0, sizeof(key));
	if ((r = jwk_kind(d, o, &key.alg)) != TSR_OK ||
	    (r = jwk_usage(d, o)) != TSR_OK ||
	    (r = jwk_read_numbers(d, o, &key)) != TSR_OK)
		return r;
	jwk_parts(&key, &parts, &alg);
	if ((r = pubkey_valid(&parts)) != TSR_OK ||
	    (r = jwk_read_kid(d, o, &key)) != TSR_OK)
		return r;
	*k = key;
	return TSR_OK;
}

int
jwk_parse(const char *json, size_t n, struct jwk *k)
{
	struct doc_node nodes[JWK_NODES_MAX];
	struct doc d;
	int r;

	if (n > JWK_BYTES_MAX)
		return TSR_TOO_LARGE;
	if ((r = doc_parse(&d, nodes, JWK_NODES_MAX, json, n, JWK_DEPTH_MAX)) != TSR_OK)
		return r;
	return jwk_read(&d, d.node, k);
}

static int
jwk_set_read(const struct doc *d, struct jwk_set *s)
{
	const struct doc_node *keys = doc_get(d, d->node, "keys"), *one;
	struct jwk key;
	int r;

	s->n = 0;
	if (!doc_is(keys, DOC_ARRAY))
		return TSR_INVALID;
	for (one = doc_first(d, keys); one != NULL; one = doc_next(d, one)) {
		r = jwk_read(d, one, &key);
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
	struct doc_node nodes[JWK_SET_NODES_MAX];
	struct jwk_set set;
	struct doc d;
	int r;

	if (n > JWK_SET_BYTES_MAX)
		return TSR_TOO_LARGE;
	memset(&set, 0, sizeof(set));
	if ((r = doc_parse(&d, nodes, JWK_SET_NODES_MAX, json, n, JWK_DEPTH_MAX)) != TSR_OK ||
	    (r = jwk_set_read(&d, &set)) != TSR_OK)
		return r;
	*s = set;
	return TSR_OK;
}
