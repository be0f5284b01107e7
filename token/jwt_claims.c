/*
 * jwt_claims.c - the claims of any token.  See jwt_claims.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "token/jwt_claims.h"

#include <string.h>

#include "tessera.h"
#include "token/doc.h"

#define JWT_CLAIMS_NODES	512	/* values and names, of all levels: 12 KB of stack */

/* A text that must not be empty; "" where it is absent and need not be there. */
static int
jwt_get_text(const struct doc *d, const struct doc_node *o, const char *name, int required,
    char *out, size_t size)
{
	const struct doc_node *v = doc_get(d, o, name);
	size_t n = 0;

	if (v == NULL && !required) {
		out[0] = '\0';
		return TSR_OK;
	}
	return doc_text(d, v, out, size, &n) == TSR_OK && n > 0 ? TSR_OK : TSR_BAD_CLAIM;
}

/* 0 where it is absent and need not be there. */
static int
jwt_get_time(const struct doc *d, const char *name, int required, int64_t *out)
{
	const struct doc_node *v = doc_get(d, d->node, name);
	int64_t t = 0;

	if (v == NULL && !required) {
		*out = 0;
		return TSR_OK;
	}
	if (doc_integer(d, v, &t) != TSR_OK || t < 0 || t > JWT_NUMBER_MAX)
		return TSR_BAD_CLAIM;
	*out = t;
	return TSR_OK;
}

/* One string, or an array of them. */
static int
jwt_get_audience(const struct doc *d, const char *aud, struct jwt_claims *c)
{
	const struct doc_node *v = doc_get(d, d->node, "aud"), *found = NULL, *one;
	size_t n = 0;

	if (doc_is(v, DOC_STRING)) {
		found = v;
	} else if (doc_is(v, DOC_ARRAY)) {
		for (one = doc_first(d, v); one != NULL; one = doc_next(d, one)) {
			if (!doc_is(one, DOC_STRING))
				return TSR_BAD_CLAIM;
			if (aud == NULL ? v->count == 1 : doc_equal(d, one, aud))
				found = one;
		}
	} else {
		return TSR_BAD_CLAIM;
	}
	if (found == NULL)
		return TSR_BAD_AUDIENCE;
	return doc_text(d, found, c->aud, sizeof(c->aud), &n) == TSR_OK && n > 0 ?
	    TSR_OK : TSR_BAD_CLAIM;
}

static int
jwt_get_amr(const struct doc *d, struct jwt_claims *c)
{
	const struct doc_node *v = doc_get(d, d->node, "amr"), *one;
	size_t n;

	c->n_amr = 0;
	if (v == NULL)
		return TSR_OK;
	if (!doc_is(v, DOC_ARRAY) || v->count > JWT_AMR_MAX)
		return TSR_BAD_CLAIM;
	for (one = doc_first(d, v); one != NULL; one = doc_next(d, one)) {
		n = 0;
		if (doc_text(d, one, c->amr[c->n_amr], sizeof(c->amr[0]), &n) != TSR_OK || n == 0)
			return TSR_BAD_CLAIM;
		c->n_amr++;
	}
	return TSR_OK;
}

/* RFC 7800 section 3.1.  A confirmation that we do not know would be one that
 * nobody checks: refused. */
static int
jwt_get_cnf(const struct doc *d, struct jwt_claims *c)
{
	const struct doc_node *cnf = doc_get(d, d->node, "cnf");

	c->jkt[0] = '\0';
	if (cnf == NULL)
		return TSR_OK;
	if (!doc_is(cnf, DOC_OBJECT) || cnf->count != 1)
		return TSR_BAD_CLAIM;
	return jwt_get_text(d, cnf, "jkt", 1, c->jkt, sizeof(c->jkt));
}

static int
jwt_get_claims(const struct doc *d, const char *aud, struct jwt_claims *c)
{
	const struct doc_node *o = d->node;
	int r;

	if ((r = jwt_get_text(d, o, "iss", 1, c->iss, sizeof(c->iss))) != TSR_OK ||
	    (r = jwt_get_text(d, o, "sub", 1, c->sub, sizeof(c->sub))) != TSR_OK ||
	    (r = jwt_get_audience(d, aud, c)) != TSR_OK ||
	    (r = jwt_get_time(d, "exp", 1, &c->exp)) != TSR_OK ||
	    (r = jwt_get_time(d, "iat", 1, &c->iat)) != TSR_OK ||
	    (r = jwt_get_time(d, "nbf", 0, &c->nbf)) != TSR_OK ||
	    (r = jwt_get_text(d, o, "jti", 1, c->jti, sizeof(c->jti))) != TSR_OK ||
	    (r = jwt_get_text(d, o, "client_id", 1, c->client_id, sizeof(c->client_id))) != TSR_OK ||
	    (r = jwt_get_text(d, o, "scope", 0, c->scope, sizeof(c->scope))) != TSR_OK ||
	    (r = jwt_get_time(d, "auth_time", 0, &c->auth_time)) != TSR_OK ||
	    (r = jwt_get_text(d, o, "acr", 0, c->acr, sizeof(c->acr))) != TSR_OK ||
	    (r = jwt_get_amr(d, c)) != TSR_OK ||
	    (r = jwt_get_text(d, o, "sid", 0, c->sid, sizeof(c->sid))) != TSR_OK)
		return r;
	return jwt_get_cnf(d, c);
}

int
jwt_claims_read(const char *json, size_t n, const char *aud,
    struct jwt_claims *c)
{
	struct doc_node nodes[JWT_CLAIMS_NODES];
	struct jwt_claims claims;
	struct doc d;
	int r;

	memset(&claims, 0, sizeof(claims));
	if ((r = doc_parse(&d, nodes, JWT_CLAIMS_NODES, json, n, JWT_DEPTH_MAX)) != TSR_OK ||
	    (r = jwt_get_claims(&d, aud, &claims)) != TSR_OK)
		return r;
	*c = claims;
	return TSR_OK;
}
