/*
 * jwt_claims.c - the claims of any token.  See jwt_claims.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "token/jwt_claims.h"

#include <string.h>

#include "tessera.h"
#include "token/json.h"

/* A text that must not be empty; "" where it is absent and need not be there. */
static int
jwt_get_text(const json_t *o, const char *name, int required, char *out, size_t size)
{
	const json_t *v = json_object_get(o, name);

	if (v == NULL && !required) {
		out[0] = '\0';
		return TSR_OK;
	}
	if (!json_is_string(v) || json_string_length(v) == 0 ||
	    json_string_length(v) >= size)
		return TSR_BAD_CLAIM;
	memcpy(out, json_string_value(v), json_string_length(v) + 1);
	return TSR_OK;
}

/* 0 where it is absent and need not be there. */
static int
jwt_get_time(const json_t *o, const char *name, int required, int64_t *out)
{
	const json_t *v = json_object_get(o, name);

	if (v == NULL && !required) {
		*out = 0;
		return TSR_OK;
	}
	if (!json_is_integer(v) || json_integer_value(v) < 0 ||
	    json_integer_value(v) > JWT_NUMBER_MAX)
		return TSR_BAD_CLAIM;
	*out = json_integer_value(v);
	return TSR_OK;
}

/* One string, or an array of them. */
static int
jwt_get_audience(const json_t *o, const char *aud, struct jwt_claims *c)
{
	const json_t *v = json_object_get(o, "aud"), *found = NULL, *one;
	size_t i;

	if (json_is_string(v)) {
		found = v;
	} else if (json_is_array(v)) {
		for (i = 0; i < json_array_size(v); i++) {
			one = json_array_get(v, i);
			if (!json_is_string(one))
				return TSR_BAD_CLAIM;
			if (aud == NULL ? json_array_size(v) == 1 :
			    strcmp(json_string_value(one), aud) == 0)
				found = one;
		}
	} else {
		return TSR_BAD_CLAIM;
	}
	if (found == NULL)
		return TSR_BAD_AUDIENCE;
	if (json_string_length(found) == 0 ||
	    json_string_length(found) >= sizeof(c->aud))
		return TSR_BAD_CLAIM;
	memcpy(c->aud, json_string_value(found), json_string_length(found) + 1);
	return TSR_OK;
}

static int
jwt_get_amr(const json_t *o, struct jwt_claims *c)
{
	const json_t *v = json_object_get(o, "amr"), *one;
	size_t i;

	c->n_amr = 0;
	if (v == NULL)
		return TSR_OK;
	if (!json_is_array(v) || json_array_size(v) > JWT_AMR_MAX)
		return TSR_BAD_CLAIM;
	for (i = 0; i < json_array_size(v); i++) {
		one = json_array_get(v, i);
		if (!json_is_string(one) || json_string_length(one) == 0 ||
		    json_string_length(one) >= sizeof(c->amr[i]))
			return TSR_BAD_CLAIM;
		memcpy(c->amr[i], json_string_value(one),
		    json_string_length(one) + 1);
	}
	c->n_amr = i;
	return TSR_OK;
}

/* RFC 7800 section 3.1.  A confirmation that we do not know would be one that
 * nobody checks: refused. */
static int
jwt_get_cnf(const json_t *o, struct jwt_claims *c)
{
	const json_t *cnf = json_object_get(o, "cnf");

	c->jkt[0] = '\0';
	if (cnf == NULL)
		return TSR_OK;
	if (!json_is_object(cnf) || json_object_size(cnf) != 1)
		return TSR_BAD_CLAIM;
	return jwt_get_text(cnf, "jkt", 1, c->jkt, sizeof(c->jkt));
}

static int
jwt_get_claims(const json_t *o, const char *aud, struct jwt_claims *c)
{
	int r;

	if ((r = jwt_get_text(o, "iss", 1, c->iss, sizeof(c->iss))) != TSR_OK ||
	    (r = jwt_get_text(o, "sub", 1, c->sub, sizeof(c->sub))) != TSR_OK ||
	    (r = jwt_get_audience(o, aud, c)) != TSR_OK ||
	    (r = jwt_get_time(o, "exp", 1, &c->exp)) != TSR_OK ||
	    (r = jwt_get_time(o, "iat", 1, &c->iat)) != TSR_OK ||
	    (r = jwt_get_time(o, "nbf", 0, &c->nbf)) != TSR_OK ||
	    (r = jwt_get_text(o, "jti", 1, c->jti, sizeof(c->jti))) != TSR_OK ||
	    (r = jwt_get_text(o, "client_id", 1, c->client_id, sizeof(c->client_id))) != TSR_OK ||
	    (r = jwt_get_text(o, "scope", 0, c->scope, sizeof(c->scope))) != TSR_OK ||
	    (r = jwt_get_time(o, "auth_time", 0, &c->auth_time)) != TSR_OK ||
	    (r = jwt_get_text(o, "acr", 0, c->acr, sizeof(c->acr))) != TSR_OK ||
	    (r = jwt_get_amr(o, c)) != TSR_OK ||
	    (r = jwt_get_text(o, "sid", 0, c->sid, sizeof(c->sid))) != TSR_OK)
		return r;
	return jwt_get_cnf(o, c);
}

int
jwt_claims_read(const char *json, size_t n, const char *aud,
    struct jwt_claims *c)
{
	struct jwt_claims claims;
	json_t *o = NULL;
	int r;

	memset(&claims, 0, sizeof(claims));
	if ((r = json_read_object(json, n, JWT_DEPTH_MAX, &o)) == TSR_OK &&
	    (r = jwt_get_claims(o, aud, &claims)) == TSR_OK)
		*c = claims;
	json_decref(o);
	return r;
}
