/*
 * jwt_check.c - checking access tokens: shape, header and signature, and only
 * then the claims.  See jwt.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "token/jwt.h"

#include <string.h>

#include "tessera.h"
#include "token/b64.h"
#include "token/doc.h"
#include "token/jwt_claims.h"

#define JWT_PARTS	3
#define JWT_HEADER_NODES	128	/* values and names in a header */
#define JWT_WORD_MAX	32	/* bytes of typ and alg, with NUL */

struct part {
	const char *p;
	size_t n;
};

/* Exactly three parts, none of them empty (RFC 7515 section 7.1). */
static int
jwt_split(const char *token, size_t n, struct part part[JWT_PARTS])
{
	const char *end, *dot;
	size_t i;

	if (n > JWT_MAX)
		return TSR_TOO_LARGE;
	if (n == 0)
		return TSR_INVALID;
	end = token + n;
	for (i = 0; i < JWT_PARTS; i++) {
		dot = memchr(token, '.', (size_t)(end - token));
		if ((i == JWT_PARTS - 1) != (dot == NULL))
			return TSR_INVALID;
		part[i].p = token;
		part[i].n = (size_t)((dot == NULL ? end : dot) - token);
		if (part[i].n == 0)
			return TSR_INVALID;
		if (dot != NULL)
			token = dot + 1;
	}
	return TSR_OK;
}

/* ASCII alone, whatever the locale. */
static int
jwt_same_word(const char *s, const char *lower)
{
	for (; *s != '\0' && *lower != '\0'; s++, lower++)
		if ((*s >= 'A' && *s <= 'Z' ? *s - 'A' + 'a' : *s) != *lower)
			return 0;
	return *s == *lower;
}

/* RFC 9068 section 4, RFC 8725 section 3.11 */
static int
jwt_check_type(const struct doc *d)
{
	char typ[JWT_WORD_MAX];

	if (doc_text(d, doc_get(d, d->node, "typ"), typ, sizeof(typ), NULL) != TSR_OK ||
	    (!jwt_same_word(typ, "at+jwt") && !jwt_same_word(typ, "application/at+jwt")))
		return TSR_BAD_TYPE;
	return TSR_OK;
}

/* Everything that the header says; the key is chosen by its kid alone. */
static int
jwt_check_header(const struct doc *d, const struct jwk_set *keys,
    const struct jwk **out)
{
	char name[JWT_WORD_MAX], kid[JWK_KID_MAX + 1];
	const struct jwk *k;
	enum jwk_alg id;
	int r;

	/* we understand no extension, so any "crit" is refused (RFC 7515 4.1.11) */
	if (doc_get(d, d->node, "crit") != NULL || doc_get(d, d->node, "b64") != NULL)
		return TSR_INVALID;
	if ((r = jwt_check_type(d)) != TSR_OK)
		return r;
	if (doc_text(d, doc_get(d, d->node, "alg"), name, sizeof(name), NULL) != TSR_OK ||
	    jwk_alg_parse(name, &id) != TSR_OK)
		return TSR_BAD_ALGORITHM;
	r = doc_text(d, doc_get(d, d->node, "kid"), kid, sizeof(kid), NULL);
	if (r == TSR_INVALID)
		return r;
	if (r != TSR_OK || keys == NULL || (k = jwk_find(keys, kid)) == NULL)
		return TSR_UNKNOWN_KEY;
	if (k->alg != id)
		return TSR_BAD_ALGORITHM;
	*out = k;
	return TSR_OK;
}

static int
jwt_read_header(const struct part *part, const struct jwk_set *keys,
    const struct jwk **out)
{
	struct doc_node nodes[JWT_HEADER_NODES];
	uint8_t json[JWT_HEADER_MAX];
	struct doc d;
	size_t n = 0;
	int r;

	if ((r = b64_decode(json, sizeof(json), part->p, part->n, &n)) != TSR_OK ||
	    (r = doc_parse(&d, nodes, JWT_HEADER_NODES, (const char *)json, n, JWT_DEPTH_MAX)) != TSR_OK)
		return r;
	return jwt_check_header(&d, keys, out);
}

/* Prepared keys know the header that jwt_mint writes: nothing to parse. */
static int
jwt_choose_key(const struct jwt_expect *want, const struct part *part,
    const struct jwk **out)
{
	const struct jwk *k;

	if (want->verifier == NULL)
		return jwt_read_header(part, want->keys, out);
	if ((k = jws_verifier_find(want->verifier, part->p, part->n)) == NULL)
		return jwt_read_header(part, jws_verifier_keys(want->verifier), out);
	*out = k;
	return TSR_OK;
}

static int
jwt_check_signature(const struct jwt_expect *want, const struct jwk *k,
    const char *token, const struct part part[JWT_PARTS])
{
	uint8_t sig[JWK_RSA_MAX];
	size_t sig_len = 0, n;
	int r;

	r = b64_decode(sig, sizeof(sig), part[2].p, part[2].n, &sig_len);
	if (r != TSR_OK)
		return r == TSR_TOO_LARGE ? TSR_BAD_SIGNATURE : r;
	n = (size_t)(part[2].p - 1 - token);
	if (want->verifier != NULL)
		return jws_verifier_check(want->verifier, k, token, n, sig, sig_len);
	return jws_verify(k, token, n, sig, sig_len);
}

static int
jwt_read_claims(const struct part *part, const char *aud, struct jwt_claims *c)
{
	uint8_t json[JWT_PAYLOAD_MAX];
	size_t n = 0;
	int r;

	if ((r = b64_decode(json, sizeof(json), part->p, part->n, &n)) != TSR_OK)
		return r;
	if (jwt_claims_plain((const char *)json, n, c))
		return TSR_OK;
	return jwt_claims_read((const char *)json, n, aud, c);
}

int
jwt_judge(const struct jwt_expect *want, const struct jwt_claims *c)
{
	if (strcmp(c->iss, want->iss) != 0)
		return TSR_BAD_ISSUER;
	if (want->aud != NULL && strcmp(c->aud, want->aud) != 0)
		return TSR_BAD_AUDIENCE;
	if (c->exp <= want->now)
		return TSR_EXPIRED;
	if (c->nbf - want->leeway > want->now || c->iat - want->leeway > want->now)
		return TSR_NOT_YET_VALID;
	if (c->exp <= c->iat || c->exp - c->iat > want->max_lifetime)
		return TSR_BAD_CLAIM;
	return TSR_OK;
}

int
jwt_check_by(const char *token, size_t n, const struct jwt_expect *want,
    struct jwt_claims *c, const struct jwk **by)
{
	struct part part[JWT_PARTS];
	const struct jwk *k = NULL;
	struct jwt_claims claims;
	int r;

	if ((r = jwt_split(token, n, part)) != TSR_OK ||
	    (r = jwt_choose_key(want, &part[0], &k)) != TSR_OK ||
	    (r = jwt_check_signature(want, k, token, part)) != TSR_OK ||
	    (r = jwt_read_claims(&part[1], want->aud, &claims)) != TSR_OK ||
	    (r = jwt_judge(want, &claims)) != TSR_OK)
		return r;
	*c = claims;
	*by = k;
	return TSR_OK;
}

int
jwt_check(const char *token, size_t n, const struct jwt_expect *want,
    struct jwt_claims *c)
{
	const struct jwk *by = NULL;

	return jwt_check_by(token, n, want, c, &by);
}
