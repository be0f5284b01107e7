/*
 * grant.c - POST /token: which grant is asked for, by whom, for which audience
 * and scope.  Everything is parsed, then everything is checked, then something
 * happens.  Each grant goes on in a file of its own, but the session grant.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/grant.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "agent/clock.h"
#include "agent/grant_internal.h"
#include "agent/grant_wait.h"
#include "agent/http_form.h"
#include "agent/metrics.h"
#include "agent/mint.h"
#include "agent/misuse.h"
#include "agent/problem.h"
#include "agent/seat.h"
#include "agent/token_cache.h"
#include "agent/watch.h"
#include "include/tessera.h"

#define GRANT_SESSION	"urn:tessera:grant:session"
#define GRANT_DEVICE	"urn:tessera:grant:device"
#define GRANT_OTP	"urn:tessera:grant:otp"
#define GRANT_ASSERTION	"urn:tessera:grant:assertion"
#define GRANT_REFRESH	"refresh_token"
#define GRANT_SERVICE	"client_credentials"

#define MIN_VALID_MAX	3600	/* s: no token lives longer */

static int
grant_content_type(const struct http_request *r, const char *type)
{
	const struct http_text *t = &r->head.content_type;
	size_t n = strlen(type);

	/* a charset parameter says nothing new: both kinds are UTF-8 */
	return t->p != NULL && t->n >= n && strncasecmp(t->p, type, n) == 0 &&
	    (t->n == n || t->p[n] == ';' || t->p[n] == ' ');
}

/* RFC 6749 section 3.2: no parameter twice; 5.2: a wrong media type is refused. */
int
grant_form(const struct http_request *r, struct form *f)
{
	int code;

	if (!grant_content_type(r, "application/x-www-form-urlencoded")) {
		problem_invalid(r->conn, "this endpoint takes application/x-www-form-urlencoded");
		return TSR_INVALID;
	}
	if (r->head.query.p != NULL) {
		problem_invalid(r->conn, "parameters belong in the body, not in the query");
		return TSR_INVALID;
	}
	if (r->head.authorization.p != NULL) {
		problem_invalid(r->conn, "a token belongs in the body, and in one place alone");
		return TSR_INVALID;
	}
	if ((code = form_parse(r->body, r->head.content_length, f)) != TSR_OK)
		problem_invalid(r->conn, "the form is malformed, or a parameter is given twice");
	return code;
}

/* What only a login helper may say.  *helper tells whether this caller is one. */
static int
grant_login_helper(struct agent *a, const struct http_request *r, const struct form *f,
    int *helper, uid_t *only)
{
	static const char *const own[] = { "subject", "service", "tty", "rhost" };
	size_t i;

	*helper = policy_login_helper(a->policy, r->caller, only);
	for (i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		if (!*helper && form_get(f, own[i]) != NULL) {
			problem(r->conn, TSR_DENIED, "only a login helper may say \"%s\"", own[i]);
			return TSR_DENIED;
		}
	return TSR_OK;
}

const char *
grant_unfit(const struct config_audience *aud, const struct mint_wish *w)
{
	if (aud->format == FORMAT_OPAQUE && w->format == FORMAT_JWT)
		return "this audience has opaque tokens alone";
	return w->refresh && !aud->refresh ? "this audience gives no refresh tokens" : NULL;
}

int
grant_wish(const struct http_request *r, const struct form *f, const struct config_audience *aud,
    struct mint_wish *out)
{
	const char *format = form_get(f, "token_format"), *offline = form_get(f, "offline_access");
	const char *unfit;
	struct mint_wish w = { 0 };

	if (format != NULL && strcmp(format, "jwt") != 0 && strcmp(format, "opaque") != 0) {
		problem_invalid(r->conn, "\"token_format\" is \"jwt\" or \"opaque\"");
		return TSR_INVALID;
	}
	if (offline != NULL && strcmp(offline, "true") != 0 && strcmp(offline, "false") != 0) {
		problem_invalid(r->conn, "\"offline_access\" is \"true\" or \"false\"");
		return TSR_INVALID;
	}
	if (format != NULL)
		w.format = strcmp(format, "jwt") == 0 ? FORMAT_JWT : FORMAT_OPAQUE;
	w.refresh = offline != NULL && strcmp(offline, "true") == 0;
	if (aud != NULL && (unfit = grant_unfit(aud, &w)) != NULL) {
		problem_invalid(r->conn, "%s", unfit);
		return TSR_INVALID;
	}
	*out = w;
	return TSR_OK;
}

/* A service's audiences are for services alone: no class becomes another. */
int
grant_audience(struct agent *a, const struct http_request *r, const char *name,
    const char *scope, int service, struct grant *g)
{
	int code;

	if (name == NULL) {
		problem_invalid(r->conn, "\"audience\" is missing");
		return TSR_INVALID;
	}
	/* An audience that is not there and one that is not for you look alike. */
	g->audience = policy_audience(a->policy, name);
	if (g->audience == NULL || (g->audience->class == CLASS_SERVICE) != service ||
	    policy_may_ask(a->policy, g->audience, r->caller) != TSR_OK) {
		problem(r->conn, TSR_DENIED, "this audience is not configured for you");
		return TSR_DENIED;
	}
	if ((code = policy_scope(g->audience, scope, &g->scope)) != TSR_OK ||
	    (code = buf_put_u8(&g->scope, 0)) != TSR_OK) {
		problem(r->conn, code, "\"scope\" names something that the audience does not have");
		return code;
	}
	return TSR_OK;
}

void
grant_problem(struct http_conn *c, int code, const struct config_audience *aud,
    const char *members, const char *detail)
{
	char text[256];

	if (code == TSR_STEP_UP_REQUIRED || code == TSR_LOGIN_REQUIRED) {
		(void)snprintf(text, sizeof(text), "%s,\"methods\":[\"device\"%s],\"acr\":\"%s\"",
		    members, aud == NULL || aud->acr <= ACR_OTP ? ",\"otp\"" : "",
		    acr_name(aud != NULL ? aud->acr : ACR_SELF));
		members = text;
	}
	if (detail[0] != '\0')
		problem_with(c, code, members, "%s", detail);
	else
		problem_with(c, code, members, NULL);
}

/* "min_valid": TSR_NOT_FOUND where it is not asked for. */
static int
grant_min_valid(const struct http_request *r, const struct form *f, uint32_t *out)
{
	const char *text = form_get(f, "min_valid");

	if (text == NULL)
		return TSR_NOT_FOUND;
	if (config_duration(text, out) == TSR_OK && *out <= MIN_VALID_MAX)
		return TSR_OK;
	problem_invalid(r->conn, "\"min_valid\" is a number of seconds, at most %d", MIN_VALID_MAX);
	return TSR_INVALID;
}

/* A JWT of this caller, audience, scope and session that lives long enough.
 * TSR_NOT_FOUND: mint one. */
static int
grant_again(struct agent *a, const struct http_request *r, const struct token_cache_key *k,
    const struct mint_subject *s, uint32_t min_valid, struct buf *out)
{
	int64_t now = clock_wall(), exp;
	const char *token;
	int code;

	if ((token = token_cache_get(a->cache, k, now, min_valid, &exp)) == NULL)
		return TSR_NOT_FOUND;
	if (!caller_alive(r->caller))
		return TSR_CLOSED;
	if ((code = audit_ready(a->audit)) != TSR_OK ||
	    (code = mint_again(token, exp - now, k->scope, out)) != TSR_OK)
		return code;
	metrics.cached++;
	misuse_token(a, r->caller, s->uid, s->subject, k->audience);
	return TSR_OK;
}

/* Both ways to a token: r is answered. */
static void
grant_give(struct agent *a, const struct http_request *r, struct mint *m,
    const struct token_cache_key *k, uint32_t min_valid, enum metrics_grant kind)
{
	int jwt = (m->wish.format != 0 ? m->wish.format : m->audience->format) == FORMAT_JWT;
	int cached = k != NULL && jwt && !m->wish.refresh, code = TSR_NOT_FOUND;
	struct buf out;

	buf_init(&out, HTTP_ANSWER_MAX);
	if (cached)
		code = grant_again(a, r, k, m->subject, min_valid, &out);
	if (code == TSR_NOT_FOUND && (code = mint_token(a, m, &out)) == TSR_OK) {
		metrics_token(m->audience->name, kind);
		if (cached)
			token_cache_put(a->cache, k, m->text, m->exp);
	}
	if (code == TSR_OK)
		http_answer(r->conn, 200, NULL, out.data, out.len, !jwt || m->wish.refresh);
	else
		problem_with(r->conn, code, code == TSR_SLOW_DOWN ? ",\"retry_after\":60" : "",
		    code == TSR_SLOW_DOWN ? "you have as many of these tokens as you may" : NULL);
	buf_free(&out);
}

void
grant_mint(struct agent *a, const struct http_request *r, const struct form *f,
    const struct grant *g, const struct mint_subject *s, enum metrics_grant kind)
{
	char client[MINT_CLIENT_MAX];
	struct token_cache_key k = {
		.uid = r->caller->uid, .client = client, .audience = g->audience->name,
		.scope = (const char *)g->scope.data, .sid = s->sid, .kid = keys_active_kid(a->keys),
		.auth_time = s->auth_time, .policy = policy_generation(a->policy)
	};
	struct mint m;
	uint32_t min_valid = 0;
	int code;

	if ((code = grant_min_valid(r, f, &min_valid)) == TSR_INVALID)
		return;
	if (store_failing(a->store)) {	/* nothing could be recorded: nothing is given */
		problem(r->conn, TSR_STORE, NULL);
		return;
	}
	memset(&m, 0, sizeof(m));
	m.audience = g->audience;
	m.subject = s;
	m.scope = k.scope;
	m.wish = g->wish;
	m.caller = r->caller;
	mint_client_id(g->audience, r->caller, client);
	grant_give(a, r, &m, code == TSR_OK ? &k : NULL, min_valid, kind);
	sodium_memzero(m.text, sizeof(m.text));
}

/* urn:tessera:grant:session: judged against memory. */
static void
grant_from_session(struct agent *a, const struct http_request *r, const struct asker *who,
    const struct form *f, struct grant *g)
{
	const struct session *s = NULL;
	const char *text = form_get(f, "max_age");
	uint32_t max_age = UINT32_MAX;
	struct mint_subject subject;
	int code;

	if (text != NULL && config_duration(text, &max_age) != TSR_OK) {
		problem_invalid(r->conn, "\"max_age\" is a number of seconds");
		return;
	}
	if (policy_local_only(g->audience) && !seat_near(a->seat, r->caller, NULL)) {
		problem_with(r->conn, TSR_DENIED, SEAT_REMOTE, SEAT_NEAR_TEXT);
		return;
	}
	if ((code = session_good_for(a->sessions, r->caller->uid, who->name, g->audience, max_age,
	    &s)) != TSR_OK) {
		grant_problem(r->conn, code, g->audience, "", code == TSR_LOGIN_REQUIRED ?
		    "no session is good for this audience: prove yourself with a device" :
		    code == TSR_DEVICE_REMOVED ? "the session's device was taken out" :
		    "the session's device is too weak for this audience");
		return;
	}
	mint_of_session(s, g->audience, &subject);
	grant_mint(a, r, f, g, &subject, METRICS_SESSION);
}

/* The grants of one audience; who may, was checked. */
static void
grant_go(struct agent *a, const struct http_request *r, const struct asker *who,
    const struct form *f, struct grant *g, const char *type, int helper, uid_t only)
{
	if (strcmp(type, GRANT_DEVICE) == 0)
		grant_from_device(a, r, who, f, g, helper, only);
	else if (strcmp(type, GRANT_OTP) == 0)
		grant_from_otp(a, r, who, f, g, helper, only);
	else if (strcmp(type, GRANT_SERVICE) == 0)
		grant_from_service(a, r, f, g);
	else if (who->name[0] == '\0')
		problem(r->conn, TSR_DENIED, "uid %u has no user name", r->caller->uid);
	else if (form_get(f, "pin") != NULL)
		problem_invalid(r->conn, "\"pin\" goes with the device grant");
	else
		grant_from_session(a, r, who, f, g);
}

static int
grant_known(const char *type)
{
	static const char *const known[] = {
		GRANT_SESSION, GRANT_DEVICE, GRANT_OTP, GRANT_ASSERTION, GRANT_REFRESH, GRANT_SERVICE
	};
	size_t i;

	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(type, known[i]) == 0)
			return 1;
	return 0;
}

static void
grant_dispatch(struct agent *a, const struct http_request *r, const struct asker *who,
    const struct form *f)
{
	const char *type = form_get(f, "grant_type");
	struct grant g;
	uid_t only = (uid_t)-1;
	int helper = 0, fresh, code;

	memset(&g, 0, sizeof(g));
	buf_init(&g.scope, GRANT_SCOPE_MAX);
	fresh = type != NULL && (strcmp(type, GRANT_DEVICE) == 0 || strcmp(type, GRANT_OTP) == 0);
	if (type == NULL)
		problem_invalid(r->conn, "\"grant_type\" is missing");
	else if (!grant_known(type))
		problem(r->conn, TSR_UNSUPPORTED, "\"grant_type\" is " GRANT_DEVICE ", " GRANT_OTP
		    ", " GRANT_ASSERTION ", " GRANT_SESSION ", " GRANT_REFRESH " or " GRANT_SERVICE);
	else if (grant_login_helper(a, r, f, &helper, &only) != TSR_OK)
		;	/* answered */
	else if (strcmp(type, GRANT_ASSERTION) == 0)	/* the challenge says for what */
		grant_from_assertion(a, r, who, f);
	else if (helper && !fresh)
		problem(r->conn, TSR_DENIED, "a login helper brings a fresh proof each time");
	else if ((code = watch_mint(a->watch)) != TSR_OK)
		problem(r->conn, code, NULL);	/* before anybody is asked for a PIN */
	else if (strcmp(type, GRANT_REFRESH) == 0)
		grant_from_refresh(a, r, who, f);	/* the token knows its audience */
	else if (grant_audience(a, r, form_get(f, "audience"), form_get(f, "scope"),
	    strcmp(type, GRANT_SERVICE) == 0, &g) == TSR_OK && grant_wish(r, f, g.audience, &g.wish) == TSR_OK)
		grant_go(a, r, who, f, &g, type, helper, only);
	buf_free(&g.scope);
}

void
grant_token(struct agent *a, const struct http_request *r, const struct asker *who)
{
	struct form f;

	if (grant_waits(a, r, who) || grant_form(r, &f) != TSR_OK)
		return;
	grant_dispatch(a, r, who, &f);
	form_free(&f);
}
