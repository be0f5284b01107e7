/*
 * introspect.c - see introspect.h.  POST /introspect is RFC 7662: a bad token is
 * never an error.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/introspect.h"

#include <stdio.h>
#include <string.h>

#include "agent/api.h"
#include "agent/clock.h"
#include "agent/grant_internal.h"
#include "agent/misuse.h"
#include "agent/opaque.h"
#include "agent/problem.h"
#include "agent/watch.h"
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
introspect_jwt(struct agent *a, const struct http_request *r, const char *token, struct jwt_claims *c)
{
	struct jwt_expect want = {
		.keys = keys_set(a->keys), .iss = a->issuer, .aud = NULL,
		.now = clock_wall(), .leeway = 0, .max_lifetime = 3600
	};
	const struct config_audience *aud;
	const struct session *s;

	if (jwt_check(token, strlen(token), &want, c) != TSR_OK || epochs_dead(a->epochs, c))
		return 0;
	aud = policy_audience(a->policy, c->aud);
	if (aud == NULL || policy_may_verify(a->policy, aud, r->caller) != TSR_OK)
		return 0;
	s = session_by_sid(a->sessions, c->sid);
	misuse_use(a, r->caller, s != NULL ? s->uid : (uid_t)-1, c->sub, c->aud, c->jti);
	return 1;
}

/* What the store knows of a token that says nothing itself. */
static void
introspect_claims(const struct agent *a, const struct store_token *t, struct jwt_claims *c)
{
	memset(c, 0, sizeof(*c));
	(void)snprintf(c->iss, sizeof(c->iss), "%s", a->issuer);
	(void)snprintf(c->sub, sizeof(c->sub), "%s", t->subject);
	(void)snprintf(c->aud, sizeof(c->aud), "%s", t->audience);
	(void)snprintf(c->client_id, sizeof(c->client_id), "%s", t->client);
	(void)snprintf(c->scope, sizeof(c->scope), "%s", t->scope);
	(void)snprintf(c->sid, sizeof(c->sid), "%s", t->sid);
	(void)snprintf(c->jti, sizeof(c->jti), "%s", t->jti);
	if (t->acr != 0)
		(void)snprintf(c->acr, sizeof(c->acr), "%s", acr_name((enum acr)t->acr));
	c->iat = c->nbf = t->made;
	c->exp = t->ends;
	c->auth_time = t->auth_time;
}

/* An opaque one is as good as its row, and rests with its session. */
static int
introspect_opaque(struct agent *a, const struct http_request *r, const char *token,
    struct jwt_claims *c)
{
	const struct config_audience *aud;
	const struct session *s;
	struct store_token t;
	struct opaque o;

	if (opaque_read(a, token, &o) != TSR_OK || o.kind != TOKEN_OPAQUE ||
	    store_token_get(a->store, TOKEN_OPAQUE, o.hash, &t) != TSR_OK ||
	    t.ends <= clock_wall() || watch_mint(a->watch) != TSR_OK)
		return 0;
	aud = policy_audience(a->policy, t.audience);
	if (aud == NULL || policy_may_verify(a->policy, aud, r->caller) != TSR_OK ||
	    opaque_sid_now(a, t.sid) == NULL)
		return 0;
	s = session_find(a->sessions, t.uid, t.sid);
	if (s != NULL && !session_present(s, aud))
		return 0;
	introspect_claims(a, &t, c);
	if (epochs_dead(a->epochs, c))
		return 0;
	misuse_use(a, r->caller, t.uid, t.subject, t.audience, t.jti);
	return 1;
}

int
introspect_token(struct agent *a, const struct http_request *r, const char *token,
    struct jwt_claims *c)
{
	return introspect_opaque(a, r, token, c) || introspect_jwt(a, r, token, c);
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
	else if (introspect_token(a, r, token, &c) && introspect_json(&b, &c) == TSR_OK)
		http_answer(r->conn, 200, NULL, b.data, b.len, 0);
	else
		http_answer(r->conn, 200, NULL, inactive, sizeof(inactive) - 1, 0);
	buf_free(&b);
	form_free(&f);
}
