/*
 * introspect.c - POST /introspect (RFC 7662): a bad token is never an error,
 * and nobody but a verifier of its audience learns that a token is good.
 *
 * SPDX-License-Identifier: ISC
 */
#include <string.h>

#include "agent/api.h"
#include "agent/clock.h"
#include "agent/grant_internal.h"
#include "agent/problem.h"
#include "include/tessera.h"
#include "token/json.h"
#include "token/jwt.h"

#define INTROSPECT_MAX	4096	/* bytes of an answer */

static int
introspect_text(struct buf *b, const char *name, const char *value)
{
	return value[0] == '\0' ? TSR_OK : json_put_member(b, name, value);
}

static int
introspect_json(struct buf *b, const struct jwt_claims *c)
{
	int r;

	if ((r = buf_printf(b, "{\"active\":true,\"token_type\":\"Bearer\",\"exp\":%lld,\"iat\":%lld,"
	    "\"nbf\":%lld,\"auth_time\":%lld", (long long)c->exp, (long long)c->iat,
	    (long long)c->nbf, (long long)c->auth_time)) != TSR_OK ||
	    (r = introspect_text(b, "iss", c->iss)) != TSR_OK ||
	    (r = introspect_text(b, "sub", c->sub)) != TSR_OK ||
	    (r = introspect_text(b, "username", c->sub)) != TSR_OK ||
	    (r = introspect_text(b, "aud", c->aud)) != TSR_OK ||
	    (r = introspect_text(b, "client_id", c->client_id)) != TSR_OK ||
	    (r = introspect_text(b, "scope", c->scope)) != TSR_OK ||
	    (r = introspect_text(b, "acr", c->acr)) != TSR_OK ||
	    (r = introspect_text(b, "sid", c->sid)) != TSR_OK ||
	    (r = introspect_text(b, "jti", c->jti)) != TSR_OK)
		return r;
	return buf_put_cstr(b, "}");
}

static int
introspect_active(struct agent *a, const struct http_request *r, const char *token, struct jwt_claims *c)
{
	struct jwt_expect want = {
		.keys = keys_set(a->keys), .iss = a->issuer, .aud = NULL,
		.now = clock_wall(), .leeway = 0, .max_lifetime = 3600
	};
	const struct config_audience *aud;

	if (jwt_check(token, strlen(token), &want, c) != TSR_OK || epochs_dead(a->epochs, c))
		return 0;
	aud = policy_audience(a->policy, c->aud);
	return aud != NULL && policy_may_verify(a->policy, aud, r->caller) == TSR_OK;
}

void
api_introspect(struct agent *a, const struct http_request *r, const struct asker *who)
{
	static const char inactive[] = "{\"active\":false}";
	struct jwt_claims c;
	const char *token;
	struct form f;
	struct buf b;

	(void)who;
	if (grant_form(r, &f) != TSR_OK)
		return;
	buf_init(&b, INTROSPECT_MAX);
	if ((token = form_get(&f, "token")) == NULL)
		problem_invalid(r->conn, "\"token\" is missing");
	else if (introspect_active(a, r, token, &c) && introspect_json(&b, &c) == TSR_OK)
		http_answer(r->conn, 200, NULL, b.data, b.len, 0);
	else
		http_answer(r->conn, 200, NULL, inactive, sizeof(inactive) - 1, 0);
	buf_free(&b);
	form_free(&f);
}
