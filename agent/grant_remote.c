/*
 * grant_remote.c - POST /challenge and the assertion grant: a proof by a FIDO2 key
 * that is not on this host, or by a browser.
 *
 * The challenge says for whom, for what and by whom it was asked for; what is
 * answered is judged as a key's answer here is, and what it is worth by
 * grant_device.c.
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
#include "agent/challenges.h"
#include "agent/clock.h"
#include "agent/fido.h"
#include "agent/fido_verdict.h"
#include "agent/grant.h"
#include "agent/grant_device.h"
#include "agent/metrics.h"
#include "agent/problem.h"
#include "agent/remote_offer.h"
#include "agent/watch.h"
#include "agent/webauthn.h"
#include "include/tessera.h"
#include "token/json.h"

#define RESPONSE_DEPTH	8	/* of the JSON of a response: clientExtensionResults nest */

/* --- POST /challenge --- */

static void
remote_drop(void *of)
{
	device_grant_free(of);
}

static int
remote_context(const struct device_grant *d, struct buf *out)
{
	const struct challenge_context context = {
		.purpose = CHALLENGE_REMOTE, .issuer = d->agent->issuer, .credential = d->credential,
		.subject = d->subject, .audience = d->audience, .scope = d->scope,
		.client_id = d->client, .reuse = (uint8_t)d->reuse,
		.expiry = (uint64_t)clock_wall() + CHALLENGE_PROOF_S
	};

	return challenge_context_encode(out, &context);
}

static int
remote_give(struct device_grant *d, struct challenge_held *h, struct buf *out)
{
	const struct remote_wish wish = { d->subject, d->uid, d->credential, d->acr };
	uint8_t nonce[CHALLENGE_NONCE_LEN];
	struct buf context;
	int r;

	buf_init(&context, CHALLENGE_CONTEXT_MAX);
	store_make_id(h->id);
	if ((r = remote_context(d, &context)) == TSR_OK &&
	    (r = challenge_draw(&context, nonce, h->bytes)) == TSR_OK &&
	    (r = remote_offer(d->agent, &wish, h->id, h->bytes, nonce, &context, out)) == TSR_OK)
		r = challenge_add(d->agent->challenges, h);
	buf_free(&context);
	return r;
}

/* Whose proof it is to be is known: the request ends here, d waits for the answer. */
static void
remote_begin(struct device_grant *d)
{
	struct challenge_held h = {
		.by = d->request->caller->uid, .uid = d->uid, .purpose = CHALLENGE_REMOTE,
		.life_s = CHALLENGE_PROOF_S, .of = d, .drop = remote_drop
	};
	struct http_conn *conn = d->request->conn;
	struct buf out;
	int r;

	buf_init(&out, HTTP_ANSWER_MAX);
	d->answered = NULL;
	caller_source(device_grant_from(d), d->said.rhost, h.source);
	if ((r = remote_give(d, &h, &out)) == TSR_OK) {
		d->request = NULL;
		http_answer(conn, 200, NULL, out.data, out.len, 1);
	} else {
		grant_problem(conn, r, policy_audience(d->agent->policy, d->audience), "",
		    r == TSR_DEVICE_NOT_FOUND ? "no FIDO2 key that could answer from elsewhere is enrolled" :
		    r == TSR_STEP_UP_REQUIRED ? "the FIDO2 keys enrolled are too weak for this audience" :
		    r == TSR_SLOW_DOWN ? "too many challenges wait for their answer" : "");
		device_grant_free(d);
	}
	sodium_memzero(&h, sizeof(h));
	buf_free(&out);
}

struct remote_asked {
	const char *audience, *scope, *credential, *subject;
	struct login_said said;
};

/* What only a login helper may say is looked at with the rest of it. */
static int
remote_read(struct agent *a, const struct http_request *r, const json_t *o, struct remote_asked *ask,
    int *helper, uid_t *only)
{
	static const char *const own[] = { "service", "tty", "rhost" };
	const char *text;
	int said;
	size_t i;

	*helper = policy_login_helper(a->policy, r->caller, only);
	if (body_text(r, o, "audience", &ask->audience) != TSR_OK ||
	    body_text(r, o, "scope", &ask->scope) != TSR_OK ||
	    body_text(r, o, "credential", &ask->credential) != TSR_OK ||
	    body_text(r, o, "subject", &ask->subject) != TSR_OK)
		return TSR_INVALID;
	said = ask->subject != NULL;
	for (i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
		if (body_text(r, o, own[i], &text) != TSR_OK)
			return TSR_INVALID;
		said |= text != NULL;
		if (login_said_put(&ask->said, own[i], text) != TSR_OK) {
			problem_invalid(r->conn, "\"%s\" is too long", own[i]);
			return TSR_INVALID;
		}
	}
	if (!*helper && said) {
		problem(r->conn, TSR_DENIED, "only a login helper may say \"subject\", \"service\", "
		    "\"tty\" and \"rhost\"");
		return TSR_DENIED;
	}
	return TSR_OK;
}

static void
remote_ask(struct agent *a, const struct http_request *r, const struct asker *who,
    const struct remote_asked *ask, const struct grant *g, int helper, uid_t only)
{
	struct device_grant *d;
	int code;

	if ((code = watch_mint(a->watch)) != TSR_OK)
		problem(r->conn, code, NULL);	/* before anybody touches a key */
	else if (helper && g->audience->class != CLASS_LOGIN)
		problem(r->conn, TSR_DENIED, "a login helper asks for audiences of class \"login\" only");
	else if (helper && ask->subject == NULL)
		problem_invalid(r->conn, "a login helper names the \"subject\"");
	else if (!helper && who->name[0] == '\0')
		problem(r->conn, TSR_DENIED, "uid %u has no user name", r->caller->uid);
	else if (ask->credential != NULL && strlen(ask->credential) > STORE_ID_LEN)
		problem_invalid(r->conn, "\"credential\" is the id of a credential");
	else if (device_grant_new(a, r, ask->credential, NULL, &d) != TSR_OK)
		problem(r->conn, TSR_NOMEM, NULL);
	else {
		d->remote = 1;
		d->begin = remote_begin;
		d->said = ask->said;
		device_grant_fill(d, g, helper, only);
		device_grant_whose(d, who, ask->subject);
	}
}

void
grant_challenge(struct agent *a, const struct http_request *r, const struct asker *who)
{
	static const char *const allowed[] = { "audience", "scope", "credential", "subject", "service",
	    "tty", "rhost", NULL };
	struct remote_asked ask = { .audience = NULL };
	struct grant g;
	json_t *o;
	uid_t only = (uid_t)-1;
	int helper = 0;

	if (body_read(r, allowed, &o) != TSR_OK)
		return;
	memset(&g, 0, sizeof(g));
	buf_init(&g.scope, GRANT_SCOPE_MAX);
	if (remote_read(a, r, o, &ask, &helper, &only) == TSR_OK &&
	    grant_audience(a, r, ask.audience, ask.scope, 0, &g) == TSR_OK)
		remote_ask(a, r, who, &ask, &g, helper, only);
	buf_free(&g.scope);
	json_decref(o);
}

/* --- the assertion grant --- */

/* One answer and what becomes of it. */
struct remote_answer {
	struct device_grant *grant;
	const struct challenge_held *held;
	const struct webauthn *response;
	char credential[STORE_ID_LEN + 1];	/* that has the response's id, "": none */
	struct fido_record record;
	const char *detail;
};

static int
remote_match(void *arg, const struct credential *c)
{
	struct remote_answer *m = arg;
	struct fido_record rec;
	int r;

	if (!credential_is_fido(c))
		return TSR_OK;
	if ((r = store_fido_get(m->grant->agent->store, c->id, &rec)) != TSR_OK)
		return r == TSR_NOT_FOUND ? TSR_CORRUPT : r;
	if (rec.cred_id_len != m->response->id_len ||
	    memcmp(rec.cred_id, m->response->id, rec.cred_id_len) != 0)
		return TSR_OK;
	m->record = rec;
	(void)snprintf(m->credential, sizeof(m->credential), "%s", c->id);
	return TSR_OK;
}

/* The subject's credential that answered, as it is now. */
static int
remote_credential(struct remote_answer *m, struct credential **out)
{
	struct device_grant *d = m->grant;
	struct credential *c = NULL;
	int r;

	if ((r = store_credential_each(d->agent->store, d->subject, d->uid, remote_match, m)) != TSR_OK)
		return r;
	m->detail = "the answer is of a credential that was not asked";
	if (m->credential[0] == '\0' ||
	    (d->credential != NULL && strcmp(d->credential, m->credential) != 0))
		return TSR_BAD_GRANT;
	if ((r = store_credential_get(d->agent->store, m->credential, &c)) != TSR_OK)
		return r;
	*out = c;
	m->detail = "the credential or its strength changed meanwhile";
	return remote_may_answer(d->agent, c, &m->record) && c->acr >= d->acr ? TSR_OK : TSR_DENIED;
}

/* WebAuthn level 3 section 7.2 step 6: a browser that names a user names ours. */
static int
remote_handle(const struct remote_answer *m)
{
	uint8_t handle[FIDO_USER_LEN];

	if (m->response->handle_len == 0)
		return 1;
	fido_user_id(m->grant->agent->issuer, m->grant->subject, m->grant->uid, handle);
	return m->response->handle_len == sizeof(handle) &&
	    memcmp(m->response->handle, handle, sizeof(handle)) == 0;
}

/* What was signed: by a native credential the hash of our challenge, by a browser's
 * that of its client data; never the one for the other. */
static int
remote_hash(struct remote_answer *m, uint8_t hash[ASSERTION_HASH_LEN])
{
	const struct clientdata_policy policy = {
		.type = CLIENTDATA_GET, .challenge = m->held->bytes, .challenge_len = CHALLENGE_LEN,
		.origins = &policy_config(m->grant->agent->policy)->webauthn.origins
	};
	enum clientdata_fault fault;

	if (m->response->browser == m->record.native) {
		m->detail = m->record.native ? "a browser's answer is not taken for this credential" :
		    "this credential answers in a browser alone";
		return TSR_BAD_GRANT;
	}
	if (m->record.native) {
		assertion_client_hash(m->held->bytes, CHALLENGE_LEN, hash);
		return TSR_OK;
	}
	if (clientdata_check(&policy, (const char *)m->response->client, m->response->client_len,
	    &fault) != TSR_OK) {
		m->detail = clientdata_fault_text(fault);
		return TSR_BAD_GRANT;
	}
	if (!remote_handle(m)) {
		m->detail = "the browser answered for another user";
		return TSR_BAD_GRANT;
	}
	assertion_client_hash(m->response->client, m->response->client_len, hash);
	return TSR_OK;
}

static int
remote_judge(struct remote_answer *m, struct credential **c)
{
	struct device_grant *d = m->grant;
	const struct config_audience *aud = policy_audience(d->agent->policy, d->audience);
	struct fido_verdict v = { .code = TSR_DENIED };
	uint8_t hash[ASSERTION_HASH_LEN];
	char client[MINT_CLIENT_MAX];
	int r;

	m->detail = "";
	if (aud == NULL)
		return TSR_DENIED;
	mint_client_id(aud, d->request->caller, client);
	if (strcmp(client, d->client) != 0) {
		m->detail = "this challenge was given to another client";
		return TSR_BAD_GRANT;
	}
	if ((r = remote_credential(m, c)) != TSR_OK || (r = remote_hash(m, hash)) != TSR_OK)
		return r;
	fido_verdict_judge(&v, *c, &m->record, hash, m->response->authdata, m->response->authdata_len,
	    m->response->sig, m->response->sig_len);
	r = fido_verdict_spend(d->agent, &v, d->request->caller, *c);
	m->detail = fido_verdict_text(&v, r);
	return r;
}

/* A form that says more than the challenge says the same. */
static int
remote_same(const struct device_grant *d, const struct form *f)
{
	const char *audience = form_get(f, "audience"), *scope = form_get(f, "scope");
	const struct config_audience *aud = policy_audience(d->agent->policy, d->audience);
	struct buf b;
	int same;

	if (audience != NULL && strcmp(audience, d->audience) != 0)
		return 0;
	if (scope == NULL || aud == NULL)	/* without an audience it fails all the same */
		return 1;
	buf_init(&b, GRANT_SCOPE_MAX);
	same = policy_scope(aud, scope, &b) == TSR_OK && buf_put_u8(&b, 0) == TSR_OK &&
	    strcmp((const char *)b.data, d->scope) == 0;
	buf_free(&b);
	return same;
}

/* The challenge is spent, whatever comes of it. */
static void
remote_answered(const struct http_request *r, const struct form *f, struct challenge_held *held,
    const struct webauthn *w, const struct mint_wish *wish)
{
	struct remote_answer m = { .grant = held->of, .held = held, .response = w, .detail = "" };
	const struct config_audience *aud = policy_audience(m.grant->agent->policy, m.grant->audience);
	struct credential *c = NULL;
	const char *unfit;
	int code = TSR_BAD_GRANT;

	m.grant->request = r;
	m.grant->wish = *wish;
	if (!remote_same(m.grant, f))
		m.detail = "the challenge was given for another audience or scope";
	else if (aud != NULL && (unfit = grant_unfit(aud, wish)) != NULL)
		m.detail = unfit;
	else
		code = remote_judge(&m, &c);
	metrics_proof(code);
	device_grant_proved(m.grant, code, c, "", m.detail);
	credential_free(&c);
}

/* The response, before anything is spent.  On an error it was answered. */
static int
remote_response(const struct http_request *r, const struct form *f, struct webauthn **out)
{
	const char *text = form_get(f, "response"), *what = "";
	json_t *o = NULL;
	int code;

	if (form_get(f, "challenge_id") == NULL || text == NULL) {
		problem_invalid(r->conn, "the assertion grant takes \"challenge_id\" and \"response\"");
		return TSR_INVALID;
	}
	if (json_read_object(text, strlen(text), RESPONSE_DEPTH, &o) != TSR_OK) {
		problem_invalid(r->conn, "\"response\" is not one JSON object, or has a member twice");
		return TSR_INVALID;
	}
	if ((code = webauthn_read_assertion(o, out, &what)) == TSR_NOMEM)
		problem(r->conn, code, NULL);
	else if (code != TSR_OK)
		problem_invalid(r->conn, "\"response\": %s is missing or malformed", what);
	json_decref(o);
	return code;
}

void
grant_from_assertion(struct agent *a, const struct http_request *r, const struct asker *who,
    const struct form *f)
{
	struct challenge_held held;
	struct webauthn *w = NULL;
	struct mint_wish wish;
	int code;

	if (grant_wish(r, f, NULL, &wish) != TSR_OK || remote_response(r, f, &w) != TSR_OK)
		return;
	if ((code = watch_mint(a->watch)) != TSR_OK || (code = audit_ready(a->audit)) != TSR_OK)
		problem(r->conn, code, NULL);
	else if ((code = challenge_take(a->challenges, form_get(f, "challenge_id"), r->caller->uid,
	    CHALLENGE_REMOTE, 0, &held)) == TSR_OK) {
		remote_answered(r, f, &held, w, &wish);
		sodium_memzero(&held, sizeof(held));
	} else {
		metrics_proof(code);
		audit_event_proof_failed(a, r->conn, NULL, code, who->name, r->caller->uid, NULL, "");
		problem(r->conn, code, "no challenge of this id waits for your answer: it was answered, "
		    "or it is older than %d seconds", CHALLENGE_PROOF_S);
	}
	free(w);
}
