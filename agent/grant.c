/*
 * grant.c - POST /token: which grant is asked for, by whom, for which audience
 * and scope.  Everything is parsed, then everything is checked, then something
 * happens.  The device grant goes on in grant_device.c.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/grant.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "agent/grant_internal.h"
#include "agent/grant_wait.h"
#include "agent/http_form.h"
#include "agent/metrics.h"
#include "agent/mint.h"
#include "agent/problem.h"
#include "agent/watch.h"
#include "include/tessera.h"

#define GRANT_SESSION	"urn:tessera:grant:session"
#define GRANT_DEVICE	"urn:tessera:grant:device"
#define GRANT_OTP	"urn:tessera:grant:otp"
#define GRANT_ASSERTION	"urn:tessera:grant:assertion"

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

/* Audience and scope, both by policy. */
int
grant_audience(struct agent *a, const struct http_request *r, const char *name,
    const char *scope, struct grant *g)
{
	int code;

	if (name == NULL) {
		problem_invalid(r->conn, "\"audience\" is missing");
		return TSR_INVALID;
	}
	/* An audience that is not there and one that is not for you look alike. */
	g->audience = policy_audience(a->policy, name);
	if (g->audience == NULL || policy_may_ask(a->policy, g->audience, r->caller) != TSR_OK) {
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

static int
grant_format(const struct http_request *r, const struct form *f)
{
	const char *format = form_get(f, "token_format");

	if (format == NULL || strcmp(format, "jwt") == 0)
		return TSR_OK;
	problem_invalid(r->conn, "\"token_format\" is \"jwt\"");
	return TSR_INVALID;
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

/* urn:tessera:grant:session: changes nothing, judged against memory. */
static void
grant_from_session(struct agent *a, const struct http_request *r, const struct asker *who,
    const struct form *f, struct grant *g)
{
	const struct session *s = NULL;
	const char *text = form_get(f, "max_age");
	uint32_t max_age = UINT32_MAX;
	struct buf out;
	int code;

	if (text != NULL && config_duration(text, &max_age) != TSR_OK) {
		problem_invalid(r->conn, "\"max_age\" is a number of seconds");
		return;
	}
	buf_init(&out, HTTP_ANSWER_MAX);
	if ((code = session_good_for(a->sessions, r->caller->uid, who->name, g->audience, max_age,
	    &s)) != TSR_OK)
		grant_problem(r->conn, code, g->audience, "", code == TSR_LOGIN_REQUIRED ?
		    "no session is good for this audience: prove yourself with a device" :
		    code == TSR_DEVICE_REMOVED ? "the session's device was taken out" :
		    "the session's device is too weak for this audience");
	else if (store_failing(a->store))	/* nothing could be recorded: nothing is given */
		problem(r->conn, TSR_STORE, NULL);
	else if ((code = mint_answer(a, g->audience, s, (const char *)g->scope.data, r->caller,
	    &out)) != TSR_OK)
		problem(r->conn, code, NULL);
	else {
		metrics_token(g->audience->name, METRICS_SESSION);
		http_answer(r->conn, 200, NULL, out.data, out.len, 0);
	}
	buf_free(&out);
}

static void
grant_dispatch(struct agent *a, const struct http_request *r, const struct asker *who,
    const struct form *f)
{
	const char *type = form_get(f, "grant_type");
	struct grant g;
	uid_t only = (uid_t)-1;
	int helper = 0, code;

	memset(&g, 0, sizeof(g));
	buf_init(&g.scope, GRANT_SCOPE_MAX);
	if (type == NULL)
		problem_invalid(r->conn, "\"grant_type\" is missing");
	else if (strcmp(type, GRANT_SESSION) != 0 && strcmp(type, GRANT_DEVICE) != 0 &&
	    strcmp(type, GRANT_OTP) != 0 && strcmp(type, GRANT_ASSERTION) != 0)
		problem(r->conn, TSR_UNSUPPORTED, "\"grant_type\" is " GRANT_DEVICE ", " GRANT_OTP
		    ", " GRANT_ASSERTION " or " GRANT_SESSION);
	else if (grant_login_helper(a, r, f, &helper, &only) != TSR_OK || grant_format(r, f) != TSR_OK)
		;	/* answered */
	else if (strcmp(type, GRANT_ASSERTION) == 0)	/* the challenge says for what */
		grant_from_assertion(a, r, who, f);
	else if (grant_audience(a, r, form_get(f, "audience"), form_get(f, "scope"), &g) != TSR_OK)
		;	/* answered */
	else if ((code = watch_mint(a->watch)) != TSR_OK)
		problem(r->conn, code, NULL);	/* before anybody is asked for a PIN */
	else if (strcmp(type, GRANT_DEVICE) == 0)
		grant_from_device(a, r, who, f, &g, helper, only);
	else if (strcmp(type, GRANT_OTP) == 0)
		grant_from_otp(a, r, who, f, &g, helper, only);
	else if (helper)
		problem(r->conn, TSR_DENIED, "a login helper brings a fresh proof each time");
	else if (who->name[0] == '\0')
		problem(r->conn, TSR_DENIED, "uid %u has no user name", r->caller->uid);
	else if (form_get(f, "pin") != NULL)
		problem_invalid(r->conn, "\"pin\" goes with the device grant");
	else
		grant_from_session(a, r, who, f, &g);
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
