/*
 * grant_otp.c - the OTP grant and POST /session with a code: a code read off a
 * token, spent in the batch that the answer waits for.
 *
 * Every code that does not do is invalid_grant, and nothing else is said: not
 * whether there is such a user, whether his token rests, or how long.
 *
 * SPDX-License-Identifier: ISC
 */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/audit_event.h"
#include "agent/caller_source.h"
#include "agent/clock.h"
#include "agent/grant_internal.h"
#include "agent/metrics.h"
#include "agent/mint.h"
#include "agent/otp.h"
#include "agent/problem.h"
#include "agent/recovery.h"
#include "agent/ssh_user.h"
#include "agent/watch.h"
#include "include/tessera.h"

/* One request; parked only where a login helper's subject is looked up.  The
 * audience is kept by name: a reload may replace the policy meanwhile. */
struct otp_grant {
	struct agent *agent;
	const struct http_request *request;
	char subject[NAMES_NAME_MAX];
	uid_t uid;			/* (uid_t)-1: there is no such user */
	char audience[SESSION_AUDIENCE_LEN];	/* "" for POST /session */
	char scope[GRANT_SCOPE_MAX];
	char credential[STORE_ID_LEN + 1];	/* asked for, or "" */
	char source[CALLER_SOURCE_MAX];
	struct mint_wish wish;
	char code[OTP_TEXT_MAX + 1], next[OTP_TEXT_MAX + 1];
	int helper;			/* a login helper's: the subject is another */
	struct login_said said;		/* by that helper */
	uid_t only;			/* the one subject this caller may name, or -1 */
	unsigned ticket;
	int *answered;			/* set where the look-up ends inside its call */
};

static void
otp_grant_free(struct otp_grant *g)
{
	if (g->ticket != 0)
		names_cancel(g->agent->names, g->ticket);
	sodium_memzero(g, sizeof(*g));
	free(g);
}

static void
otp_grant_gone(void *arg)
{
	otp_grant_free(arg);
}

/* --- what a code is worth --- */

/* The policy as it is now. */
static int
otp_grant_judge(const struct otp_grant *g, const struct config_audience **aud)
{
	const struct policy *p = g->agent->policy;
	const struct caller *c = g->request->caller;
	struct buf scope;
	uid_t only;
	int r;

	*aud = policy_audience(p, g->audience);
	if (*aud == NULL || policy_may_ask(p, *aud, c) != TSR_OK ||
	    (g->helper && (!policy_login_helper(p, c, &only) ||
	    (only != (uid_t)-1 && only != g->uid) || (*aud)->class != CLASS_LOGIN)))
		return TSR_DENIED;
	/* before the code is spent in vain */
	if ((*aud)->acr > (recovery_is_code(g->code) ? ACR_RECOVERY : ACR_OTP))
		return TSR_STEP_UP_REQUIRED;
	buf_init(&scope, GRANT_SCOPE_MAX);
	r = policy_scope(*aud, g->scope, &scope);
	buf_free(&scope);
	return r == TSR_OK ? TSR_OK : TSR_DENIED;
}

/* A code of a token, or one that stands for it. */
static int
otp_grant_spend(const struct otp_grant *g, const struct otp_ask *ask, struct verdict *v,
    struct credential **c)
{
	struct store *st = g->agent->store;
	int r;

	if (!recovery_is_code(g->code))
		return otp_prove(st, ask, v, c);
	/* nobody has a code, whoever it is */
	r = recovery_spend(st, g->subject, g->uid, g->code, RECOVERY_PRINTED, c);
	verdict_judge(v, r);
	return r;
}

static int
otp_grant_prove(const struct otp_grant *g, const struct config_audience *aud,
    struct verdict *v, struct credential **c)
{
	struct agent *a = g->agent;
	struct otp_ask ask = {
		.subject = g->subject, .uid = g->uid,
		.credential = g->credential[0] != '\0' ? g->credential : NULL,
		.acr = aud != NULL ? aud->acr : ACR_SELF, .source = g->source,
		.code = g->code, .next = g->next[0] != '\0' ? g->next : NULL,
		.clock_good = watch_mint(a->watch) != TSR_CLOCK,
		.boot = a->boot_id, .started_s = a->started_s
	};
	int r;

	if ((r = audit_ready(a->audit)) != TSR_OK || (r = store_begin(a->store)) != TSR_OK)
		return r;
	r = otp_grant_spend(g, &ask, v, c);
	if (r == TSR_OK)
		r = audit_event_proof(a, g->request->caller, g->helper ? &g->said : NULL, *c,
		    g->audience, 0);
	if (r != TSR_OK && r != TSR_BAD_GRANT) {
		store_undo(a->store);
		return r;
	}
	return store_keep(a->store) == TSR_OK ? r : TSR_STORE;
}

/* The session and what is asked for from it. */
static int
otp_grant_answer(struct otp_grant *g, const struct config_audience *aud,
    const struct credential *c, struct buf *out, char sid[STORE_ID_LEN + 1])
{
	const struct config *cf = policy_config(g->agent->policy);
	const struct session *s = NULL;
	struct session passing;
	int r;

	sid[0] = '\0';
	/* A login pays for its one token and leaves no session behind, and so does a
	 * recovery code. */
	if (aud != NULL && (aud->class == CLASS_LOGIN || c->acr == ACR_RECOVERY)) {
		session_passing(c, &passing);
		return mint_wished(g->agent, aud, &passing, g->scope, &g->wish, g->request->caller, out);
	}
	if ((r = session_proved(g->agent->sessions, c, g->audience[0] != '\0' ? g->audience : NULL,
	    cf->session.lifetime, cf->session.per_user, &s)) != TSR_OK)
		return r;
	(void)snprintf(sid, STORE_ID_LEN + 1, "%s", s->sid);
	if (g->request->caller->uid == c->uid)
		ssh_user_session(g->agent, g->request->caller, c->subject);
	return aud != NULL ? mint_wished(g->agent, aud, s, g->scope, &g->wish, g->request->caller, out) :
	    session_json(out, s);
}

static void
otp_grant_tell(struct otp_grant *g, const struct credential *c, const char *sid)
{
	char json[160];
	int n = snprintf(json, sizeof(json), "{\"sid\":\"%s\",\"credential\":\"%s\"}", sid, c->id);

	if (sid[0] != '\0')
		events_hold(g->agent->events, g->uid, "session-started", json, (size_t)n);
	if (c->acr == ACR_RECOVERY)
		recovery_tell(g->agent, g->uid, g->audience);
}

static void
otp_grant_proved(struct otp_grant *g, const struct config_audience *aud, const struct credential *c)
{
	struct http_conn *conn = g->request->conn;
	char sid[STORE_ID_LEN + 1];
	struct buf out;
	int r;

	buf_init(&out, HTTP_ANSWER_MAX);
	if (!caller_alive(g->request->caller))
		problem(conn, TSR_CLOSED, NULL);
	else if ((r = otp_grant_answer(g, aud, c, &out, sid)) != TSR_OK)
		problem(conn, r, NULL);
	else {
		metrics_proof(TSR_OK);
		if (aud != NULL)
			metrics_token(aud->name, METRICS_OTP);
		http_answer(conn, 200, NULL, out.data, out.len, 1);
		otp_grant_tell(g, c, sid);
	}
	buf_free(&out);
}

/* Everything is known: look at the code, answer, and end g. */
static void
otp_grant_run(struct otp_grant *g)
{
	struct http_conn *conn = g->request->conn;
	const struct config_audience *aud = NULL;
	struct verdict v = { 0 };
	struct credential *c = NULL;
	int r = TSR_OK;

	if (g->audience[0] != '\0')
		r = otp_grant_judge(g, &aud);
	if (r != TSR_OK)
		grant_problem(conn, r, aud, "", r == TSR_STEP_UP_REQUIRED ?
		    "a code is too weak for this audience: prove yourself with a device" :
		    "this audience is not configured for you");
	else if ((r = otp_grant_prove(g, aud, &v, &c)) == TSR_OK && verdict_allows(&v))
		otp_grant_proved(g, aud, c);
	else {
		metrics_proof(r);
		audit_event_proof_failed(g->agent, conn, g->helper ? &g->said : NULL, r, g->subject, g->uid,
		    NULL, g->audience);
		problem(conn, r == TSR_OK ? TSR_BAD_GRANT : r, r == TSR_BAD_GRANT ?
		    "the code is not right, was used, or is not taken now" : NULL);
	}
	credential_free(&c);
	otp_grant_free(g);
}

/* --- beginning one --- */

/* A login helper's subject has a number now, or is nobody: then a code is looked
 * at all the same. */
static void
otp_grant_subject(void *arg, int code, uid_t uid, gid_t gid, const char *name)
{
	struct otp_grant *g = arg;

	(void)gid;
	g->ticket = 0;
	if (g->answered != NULL)
		*g->answered = 1;
	if (code == TSR_OK)
		(void)snprintf(g->subject, sizeof(g->subject), "%s", name);
	g->uid = code == TSR_OK ? uid : (uid_t)-1;
	if (code == TSR_OK || code == TSR_NOT_FOUND) {
		otp_grant_run(g);
		return;
	}
	problem(g->request->conn, TSR_UNAVAILABLE, "the name service does not answer");
	otp_grant_free(g);
}

static void
otp_grant_look_up(struct otp_grant *g, const char *subject)
{
	unsigned ticket = 0;
	int r, answered = 0;

	http_park(g->request->conn, otp_grant_gone, g);
	g->answered = &answered;	/* cppcheck-suppress autoVariables ; taken back below */
	(void)snprintf(g->subject, sizeof(g->subject), "%s", subject);
	r = names_uid_of(g->agent->names, g->subject, otp_grant_subject, g, &ticket);
	if (answered)		/* g may be gone */
		return;
	g->answered = NULL;
	g->ticket = ticket;
	if (r != TSR_OK)
		otp_grant_subject(g, r, 0, 0, NULL);
}

/* What was typed, before anything is looked up.  On an error it was answered. */
static int
otp_grant_code(const struct http_request *r, const char *code, const char *next)
{
	const char *why;

	if (code == NULL)
		problem_invalid(r->conn, "\"otp\" is missing");
	else if (!recovery_is_code(code) && (why = otp_complaint(code)) != NULL)
		problem_invalid(r->conn, "\"otp\": %s", why);
	else if (next != NULL && (why = otp_complaint(next)) != NULL)
		problem_invalid(r->conn, "\"otp_next\": %s", why);
	else
		return TSR_OK;
	return TSR_INVALID;
}

static struct otp_grant *
otp_grant_new(struct agent *a, const struct http_request *r, const char *credential,
    const char *code, const char *next)
{
	struct otp_grant *g;

	if ((g = calloc(1, sizeof(*g))) == NULL) {
		problem(r->conn, TSR_NOMEM, NULL);
		return NULL;
	}
	g->agent = a;
	g->request = r;
	g->only = (uid_t)-1;
	(void)snprintf(g->code, sizeof(g->code), "%s", code);
	(void)snprintf(g->next, sizeof(g->next), "%s", next != NULL ? next : "");
	/* one that is too long is nobody's: it must not become another by being cut */
	if (credential != NULL)
		(void)snprintf(g->credential, sizeof(g->credential), "%s",
		    strlen(credential) == STORE_ID_LEN ? credential : "?");
	caller_source(r->caller->uid, NULL, g->source);
	return g;
}

void
grant_from_otp(struct agent *a, const struct http_request *r, const struct asker *who,
    const struct form *f, const struct grant *grant, int helper, uid_t only)
{
	const char *code = form_get(f, "otp"), *next = form_get(f, "otp_next");
	const char *subject = form_get(f, "subject"), *which;
	struct login_said said;
	struct otp_grant *g;

	if (otp_grant_code(r, code, next) != TSR_OK)
		return;
	if (helper && grant->audience->class != CLASS_LOGIN)
		problem(r->conn, TSR_DENIED, "a login helper asks for audiences of class \"login\" only");
	else if (helper && (subject == NULL || strlen(subject) >= NAMES_NAME_MAX))
		problem_invalid(r->conn, "a login helper names the \"subject\"");
	else if (login_said_read(f, &said, &which) != TSR_OK)
		problem_invalid(r->conn, "\"%s\" is too long", which);
	else if (!helper && who->name[0] == '\0')
		problem(r->conn, TSR_DENIED, "uid %u has no user name", r->caller->uid);
	else if ((g = otp_grant_new(a, r, form_get(f, "credential"), code, next)) != NULL) {
		g->helper = helper;
		g->only = only;
		g->wish = grant->wish;
		(void)snprintf(g->audience, sizeof(g->audience), "%s", grant->audience->name);
		(void)snprintf(g->scope, sizeof(g->scope), "%s", (const char *)grant->scope.data);
		if (helper) {
			g->said = said;
			caller_source(only != (uid_t)-1 ? only : r->caller->uid, said.rhost, g->source);
			otp_grant_look_up(g, subject);
			return;
		}
		g->uid = r->caller->uid;
		(void)snprintf(g->subject, sizeof(g->subject), "%s", who->name);
		otp_grant_run(g);
	}
}

void
grant_session_otp(struct agent *a, const struct http_request *r, const struct asker *who,
    const char *credential, const char *code, const char *next)
{
	struct otp_grant *g;

	if (otp_grant_code(r, code, next) != TSR_OK)
		return;
	if (recovery_is_code(code)) {
		problem_invalid(r->conn, "a recovery code opens no session: it is good for one token of "
		    "one audience");
		return;
	}
	if ((g = otp_grant_new(a, r, credential, code, next)) == NULL)
		return;
	g->uid = r->caller->uid;
	(void)snprintf(g->subject, sizeof(g->subject), "%s", who->name);
	otp_grant_run(g);
}
