/*
 * grant_device.c - the device grant and POST /session: a fresh proof, and what
 * comes of it.
 *
 * SPDX-License-Identifier: ISC
 */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/audit_event.h"
#include "agent/body.h"
#include "agent/caller_source.h"
#include "agent/grant.h"
#include "agent/grant_device.h"
#include "agent/metrics.h"
#include "agent/problem.h"
#include "agent/proved.h"
#include "agent/seat.h"
#include "include/tessera.h"
#include "token/json.h"

void
device_grant_free(struct device_grant *d)
{
	if (d->ticket != 0)
		names_cancel(d->agent->names, d->ticket);
	login_cancel(&d->login);
	pending_end(&d->pending);
	secret_free(&d->pin);
	if (d->with != NULL)
		d->with_free(d->with);
	free(d->credential);
	free(d->device);
	free(d);
}

static void
device_grant_gone(void *arg)
{
	device_grant_free(arg);
}

static const struct login_said *
device_grant_said(const struct device_grant *d)
{
	return d->helper ? &d->said : NULL;
}

/* --- what a proof is worth --- */

/* The policy may have changed since the request was admitted: judge again. */
static int
device_grant_judge(const struct device_grant *d, const struct config_audience **aud)
{
	const struct policy *p = d->agent->policy;
	const struct caller *c = d->request->caller;
	struct buf scope;
	uid_t only;
	int r;

	*aud = policy_audience(p, d->audience);
	/* The caller's unit may have changed, too. */
	if (*aud == NULL || policy_may_ask(p, *aud, c) != TSR_OK ||
	    (d->helper && (!policy_login_helper(p, c, &only) || (only != (uid_t)-1 && only != d->uid))))
		return TSR_DENIED;
	if (d->generation == policy_generation(p))
		return TSR_OK;
	if ((*aud)->acr > d->acr || (*aud)->class != d->class)
		return TSR_DENIED;
	if (d->answer != NULL)		/* it has no scope, is reused for nothing, and is judged there */
		return TSR_OK;
	if ((*aud)->reuse != d->reuse)
		return TSR_DENIED;
	buf_init(&scope, GRANT_SCOPE_MAX);
	r = policy_scope(*aud, d->scope, &scope);
	buf_free(&scope);
	return r == TSR_OK ? TSR_OK : TSR_DENIED;
}

static int
device_grant_answer(struct device_grant *d, const struct credential *c, struct buf *out, char *detail)
{
	const struct config_audience *aud = NULL;
	const struct session *s = NULL;
	struct session passing;
	int passes, r;

	if (d->audience[0] != '\0' && (r = device_grant_judge(d, &aud)) != TSR_OK)
		return r;
	if (!caller_alive(d->request->caller))
		return TSR_CLOSED;
	/* A login pays for its one token and leaves no session behind. */
	passes = aud != NULL && aud->class == CLASS_LOGIN;
	if ((r = audit_ready(d->agent->audit)) != TSR_OK ||
	    (r = proved_record(d->agent, d->request->caller, device_grant_said(d), c, d->audience,
	    d->pin_default)) != TSR_OK ||
	    (!passes && (r = proved_session(d->agent, d->request->caller, c,
	    d->answer == NULL ? d->audience : NULL, d->remote, &s)) != TSR_OK))
		return r;
	if (passes) {
		session_passing(c, &passing);
		s = &passing;
	} else
		(void)snprintf(d->sid, sizeof(d->sid), "%s", s->sid);
	if (d->answer != NULL)
		return d->answer(d, c, s, out, detail);
	return aud != NULL ? mint_wished(d->agent, aud, s, d->scope, &d->wish, d->request->caller, out) :
	    session_json(out, s);
}

/* Another request of the same user's got the touch that this one waited for: it
 * is worth what the session that came of it is worth, and no touch of its own. */
static int
device_grant_waited(struct device_grant *d, struct buf *out)
{
	const struct config_audience *aud = NULL;
	const struct session *s = NULL;
	int r;

	if (d->audience[0] == '\0' || d->class == CLASS_LOGIN || d->answer != NULL)
		return TSR_LOGIN_REQUIRED;
	if ((r = device_grant_judge(d, &aud)) != TSR_OK)
		return r;
	if (!caller_alive(d->request->caller))
		return TSR_CLOSED;
	if (store_failing(d->agent->store))
		return TSR_STORE;
	if ((r = session_good_for(d->agent->sessions, d->uid, d->subject, aud, UINT32_MAX, &s)) != TSR_OK)
		return r;
	if ((r = mint_wished(d->agent, aud, s, d->scope, &d->wish, d->request->caller, out)) == TSR_OK)
		metrics_token(aud->name, METRICS_SESSION);
	return r;
}

void
device_grant_proved(void *arg, int code, const struct credential *c, const char *members,
    const char *detail)
{
	struct device_grant *d = arg;
	struct http_conn *conn = d->request->conn;
	const struct config_audience *aud = policy_audience(d->agent->policy, d->audience);
	char text[256] = "";
	struct buf out;

	d->login = NULL;
	d->pin_default = code == TSR_OK && members[0] != '\0';
	buf_init(&out, HTTP_ANSWER_MAX);
	if (code == TSR_LOGIN_REQUIRED && (code = device_grant_waited(d, &out)) == TSR_OK)
		http_answer(conn, 200, NULL, out.data, out.len, 1);
	else if (code != TSR_OK) {
		audit_event_proof_failed(d->agent, conn, device_grant_said(d), code, d->subject, d->uid,
		    c != NULL ? c->id : d->credential, d->audience);
		grant_problem(conn, code, aud, members, detail);
	} else if ((code = device_grant_answer(d, c, &out, text)) != TSR_OK ||
	    (code = json_add_members(&out, members)) != TSR_OK) {
		if (code == TSR_DENIED)
			audit_event_proof_failed(d->agent, conn, device_grant_said(d), code, d->subject,
			    d->uid, c->id, d->audience);
		problem(conn, code, text[0] != '\0' ? "%s" : code == TSR_DENIED ?
		    "the credential or the policy changed meanwhile" : NULL, text);
	} else {
		if (aud != NULL && d->answer == NULL)
			metrics_token(aud->name, d->remote ? METRICS_ASSERTION : METRICS_DEVICE);
		http_answer(conn, 200, NULL, out.data, out.len, 1);
		if (d->sid[0] != '\0')	/* a login leaves no session */
			proved_tell(d->agent, d->uid, d->sid, c->id);
	}
	buf_free(&out);
	device_grant_free(d);
}

/* --- beginning one --- */

uid_t
device_grant_from(const struct device_grant *d)
{
	return d->only != (uid_t)-1 ? d->only : d->request->caller->uid;
}

static void
device_grant_begin(struct device_grant *d)
{
	struct login_ask ask = {
		.subject = d->subject, .uid = d->uid, .requester = d->request->caller,
		.said = device_grant_said(d),
		.credential = d->credential, .device = d->device, .acr = d->acr,
		.audience = d->audience[0] != '\0' ? d->audience : NULL,
		.scope = d->scope, .client_id = d->client, .reuse = d->reuse, .pin = d->pin
	};
	char detail[256], members[96];
	int r;

	detail[0] = '\0';
	/* Counted for the subject: the login screen is uid 0 for all. */
	if ((r = pending_begin(&d->agent->pending, &d->pending, d->uid, device_grant_from(d),
	    policy_config(d->agent->policy)->limits.pending_per_uid)) == TSR_OK) {
		d->pin = NULL;
		r = login_start(d->agent, &ask, device_grant_proved, d, detail, &d->login);
	}
	if (r == TSR_OK)
		return;
	login_failure(r, PROTO_TRIES_UNKNOWN, members);
	if (r == TSR_DENIED)		/* login_start()'s */
		(void)snprintf(members, sizeof(members), SEAT_REMOTE);
	grant_problem(d->request->conn, r, policy_audience(d->agent->policy, d->audience), members,
	    detail);
	device_grant_free(d);
}

int
device_grant_new(struct agent *a, const struct http_request *r, const char *credential,
    const char *device, struct device_grant **out)
{
	struct device_grant *d;

	if ((d = calloc(1, sizeof(*d))) == NULL)
		return TSR_NOMEM;
	d->agent = a;
	d->request = r;
	d->only = (uid_t)-1;
	d->acr = ACR_SELF;
	d->begin = device_grant_begin;
	d->generation = policy_generation(a->policy);
	if ((credential != NULL && (d->credential = strdup(credential)) == NULL) ||
	    (device != NULL && (d->device = strdup(device)) == NULL)) {
		device_grant_free(d);
		return TSR_NOMEM;
	}
	*out = d;
	return TSR_OK;
}

/* A login helper's subject has a number now. */
static void
device_grant_subject(void *arg, int code, uid_t uid, gid_t gid, const char *name)
{
	struct device_grant *d = arg;

	(void)gid;
	d->ticket = 0;
	d->uid = uid;
	if (d->answered != NULL)
		*d->answered = 1;
	if (code == TSR_OK && (d->only == (uid_t)-1 || d->only == uid)) {
		(void)snprintf(d->subject, sizeof(d->subject), "%s", name);	/* as it is spelled */
		d->begin(d);
		return;
	}
	/* Nobody learns who exists. */
	problem(d->request->conn, TSR_DENIED, "you may not act for that subject");
	device_grant_free(d);
}

static void
device_grant_look_up(struct device_grant *d, const char *subject)
{
	unsigned ticket = 0;
	int r, answered = 0;

	d->answered = &answered;	/* cppcheck-suppress autoVariables ; taken back below */
	(void)snprintf(d->subject, sizeof(d->subject), "%s", subject);
	r = strlen(subject) >= sizeof(d->subject) ? TSR_NOT_FOUND :	/* nobody is called so */
	    names_uid_of(d->agent->names, d->subject, device_grant_subject, d, &ticket);
	if (answered)		/* d may be gone */
		return;
	d->answered = NULL;
	d->ticket = ticket;
	if (r != TSR_OK)
		device_grant_subject(d, r, 0, 0, NULL);
}

void
device_grant_fill(struct device_grant *d, const struct grant *g, int helper, uid_t only)
{
	d->helper = helper;
	d->only = only;
	d->acr = g->audience->acr;
	d->class = g->audience->class;
	d->reuse = g->audience->reuse;
	d->wish = g->wish;
	(void)snprintf(d->audience, sizeof(d->audience), "%s", g->audience->name);
	(void)snprintf(d->scope, sizeof(d->scope), "%s", (const char *)g->scope.data);
	mint_client_id(g->audience, d->request->caller, d->client);
}

void
device_grant_whose(struct device_grant *d, const struct asker *who, const char *subject)
{
	http_park(d->request->conn, device_grant_gone, d);
	if (d->helper) {
		device_grant_look_up(d, subject);
		return;
	}
	d->uid = who->caller->uid;
	(void)snprintf(d->subject, sizeof(d->subject), "%s", who->name);
	d->begin(d);
}

/* May a PIN come with the request, and is the rest of it allowed?  On an error
 * it was answered. */
static int
device_grant_allowed(const struct http_request *r, const struct asker *who, const struct form *f,
    const struct config_audience *aud, int helper)
{
	if (form_get(f, "pin") != NULL && !helper && !aud->inline_pin)
		problem(r->conn, TSR_DENIED, "a PIN is not taken with the request for this audience: "
		    "the agent asks for it");
	else if (form_get(f, "pin") != NULL && (form_get(f, "pin")[0] == '\0' ||
	    strlen(form_get(f, "pin")) > PROTO_PIN_MAX))
		problem_invalid(r->conn, "\"pin\" has 1 to %d bytes", PROTO_PIN_MAX);
	else if (helper && aud->class != CLASS_LOGIN)
		problem(r->conn, TSR_DENIED, "a login helper asks for audiences of class \"login\" only");
	else if (helper && form_get(f, "subject") == NULL)
		problem_invalid(r->conn, "a login helper names the \"subject\"");
	else if (!caller_local(form_get(f, "rhost")))
		problem_with(r->conn, TSR_DENIED, SEAT_REMOTE, "a device of this host does not prove "
		    "a remote login");
	else if (!helper && who->name[0] == '\0')
		problem(r->conn, TSR_DENIED, "uid %u has no user name", r->caller->uid);
	else
		return TSR_OK;
	return TSR_DENIED;
}

void
grant_from_device(struct agent *a, const struct http_request *r, const struct asker *who,
    const struct form *f, const struct grant *g, int helper, uid_t only)
{
	const char *pin = form_get(f, "pin");
	struct login_said said;
	struct device_grant *d = NULL;
	const char *which;

	if (device_grant_allowed(r, who, f, g->audience, helper) != TSR_OK)
		return;
	if (login_said_read(f, &said, &which) != TSR_OK) {
		problem_invalid(r->conn, "\"%s\" is too long", which);
		return;
	}
	if (device_grant_new(a, r, form_get(f, "credential"), form_get(f, "device"), &d) != TSR_OK ||
	    (pin != NULL && (d->pin = secret_from(pin, strlen(pin))) == NULL)) {
		if (d != NULL)
			device_grant_free(d);
		problem(r->conn, TSR_NOMEM, NULL);
		return;
	}
	said.greeter = helper && policy_greeter(a->policy, r->caller);
	d->said = said;
	device_grant_fill(d, g, helper, only);
	device_grant_whose(d, who, form_get(f, "subject"));
}

void
grant_session(struct agent *a, const struct http_request *r, const struct asker *who)
{
	static const char *const allowed[] = { "credential", "device", "otp", "otp_next", NULL };
	const char *credential, *device, *otp, *next;
	struct device_grant *d;
	json_t *o;
	uid_t only;

	if (body_read(r, allowed, &o) != TSR_OK)
		return;
	if (body_text(r, o, "credential", &credential) != TSR_OK ||
	    body_text(r, o, "device", &device) != TSR_OK ||
	    body_text(r, o, "otp", &otp) != TSR_OK || body_text(r, o, "otp_next", &next) != TSR_OK)
		;	/* answered */
	else if (policy_login_helper(a->policy, r->caller, &only))
		problem(r->conn, TSR_DENIED, "a login helper has no session");
	else if (who->name[0] == '\0')
		problem(r->conn, TSR_DENIED, "uid %u has no user name", r->caller->uid);
	else if (otp != NULL && device != NULL)
		problem_invalid(r->conn, "either \"otp\" or \"device\"");
	else if (otp != NULL)
		grant_session_otp(a, r, who, credential, otp, next);
	else if (next != NULL)
		problem_invalid(r->conn, "\"otp_next\" goes with \"otp\"");
	else if (device_grant_new(a, r, credential, device, &d) != TSR_OK)
		problem(r->conn, TSR_NOMEM, NULL);
	else {
		d->uid = r->caller->uid;
		(void)snprintf(d->subject, sizeof(d->subject), "%s", who->name);
		mint_client_uid(d->uid, d->client);
		http_park(r->conn, device_grant_gone, d);
		device_grant_begin(d);
	}
	json_decref(o);
}
