/*
 * enrol_fido.c - see enrol_fido.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/enrol_fido.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/admin.h"
#include "agent/audit_event.h"
#include "agent/body.h"
#include "agent/clock.h"
#include "agent/credential_json.h"
#include "agent/enrol.h"
#include "agent/enrol_fido_internal.h"
#include "agent/enrol_webauthn.h"
#include "agent/enrol_word.h"
#include "agent/problem.h"
#include "include/tessera.h"
#include "token/json.h"

void
enrol_fido_free(struct enrol_fido *e)
{
	if (e->ticket != 0)
		names_cancel(e->agent->names, e->ticket);
	login_cancel(&e->login);
	enrol_fido_make_cancel(&e->make);
	pending_end(&e->pending);
	credential_free(&e->credential);
	free(e);
}

static void
enrol_fido_gone(void *arg)
{
	enrol_fido_free(arg);
}

void
enrol_fido_fail(struct enrol_fido *e, int code, const char *members, const char *text)
{
	problem_with(e->request->conn, code, members, text[0] != '\0' ? "%s" : NULL, text);
	enrol_fido_free(e);
}

/* --- the end: stored, in the same batch as the answer --- */

/* Hardware is what a maker has signed or an administrator vouches for; with the
 * person verified each time it is more.  One's own is never stronger than what
 * vouched for it. */
static enum acr
enrol_fido_acr(const struct enrol_fido *e)
{
	int maker = e->record.attestation == ATTESTATION_TRUSTED;
	enum acr acr = ACR_SOFTWARE;

	if (e->agent->mode == CONFIG_USER)
		return ACR_SELF;
	if (maker || e->vouched != 0)
		acr = e->record.verification && (maker || e->vouched == ACR_HARDWARE_PIN) ?
		    ACR_HARDWARE_PIN : ACR_HARDWARE;
	return e->voucher[0] != '\0' && e->voucher_acr < acr ? e->voucher_acr : acr;
}

/* Whose word it rests on, read again. */
static int
enrol_fido_authority(struct enrol_fido *e)
{
	int r;

	if ((r = enrol_word_spend(e->agent, e->credential, &e->word, e)) != TSR_OK)
		return r;
	if (e->voucher[0] != '\0')
		r = store_credential_used(e->agent->store, e->voucher, clock_wall());
	return r == TSR_CONFLICT || r == TSR_NOT_FOUND ? TSR_DENIED : r;
}

static int
enrol_fido_store(struct enrol_fido *e)
{
	struct store *st = e->agent->store;
	int r;

	if ((r = audit_ready(e->agent->audit)) != TSR_OK || (r = store_begin(st)) != TSR_OK)
		return r;
	if ((r = enrol_fido_authority(e)) != TSR_OK ||
	    (r = store_credential_add(st, e->credential)) != TSR_OK ||
	    (r = store_fido_add(st, &e->record)) != TSR_OK ||
	    (r = enrol_word_audit(e->agent, e->request->conn, e->credential, &e->word)) != TSR_OK ||
	    (r = audit_event_enrol(e->agent, e->request->conn, TSR_OK, e->credential, 0)) != TSR_OK) {
		store_undo(st);
		enrol_word_undone(e->agent, e->credential, &e->word, e);
		return r;
	}
	return store_keep(st);
}

static void
enrol_fido_tell(const struct enrol_fido *e)
{
	char json[96];
	int n = snprintf(json, sizeof(json), "{\"id\":\"%s\",\"kind\":\"fido\"}", e->credential->id);

	events_hold(e->agent->events, e->credential->uid, "credential-enrolled", json, (size_t)n);
}

void
enrol_fido_finish(struct enrol_fido *e)
{
	struct buf out;
	int r;

	e->credential->acr = enrol_fido_acr(e);
	e->credential->created = clock_wall();
	buf_init(&out, HTTP_ANSWER_MAX);
	/* The answer first: what is stored can be told. */
	if ((r = credential_json(&out, e->credential)) == TSR_OK)
		r = enrol_fido_store(e);
	if (r == TSR_OK) {
		http_answer(e->request->conn, 201, NULL, out.data, out.len, 1);
		enrol_fido_tell(e);
		enrol_fido_free(e);
	} else
		enrol_fido_fail(e, r, "", r == TSR_CONFLICT ? "this key is enrolled already" :
		    r == TSR_BAD_GRANT ? "the enrolment code was used or is over" :
		    r == TSR_DENIED ? "the credential that vouched is not active any more" :
		    r == TSR_TOO_LARGE ? "the user has too many credentials: remove one first" : "");
	buf_free(&out);
}

static void
enrol_fido_end(void *arg, int code, uint32_t number, const char *detail)
{
	struct enrol_fido *e = arg;
	char members[96];

	e->make = NULL;
	if (code == TSR_OK && !caller_alive(e->request->caller)) {
		enrol_fido_fail(e, TSR_CLOSED, "", "");
		return;
	}
	if (code == TSR_OK && !e->own && !admin_is(e->agent, e->request)) {
		code = TSR_DENIED;
		detail = "you are not an administrator any more";
	}
	if (code == TSR_OK) {
		enrol_fido_finish(e);
		return;
	}
	(void)audit_event_enrol(e->agent, e->request->conn, code, e->credential, 0);
	login_failure(code, number, members);
	enrol_fido_fail(e, code, members, detail);
}

/* --- who may --- */

static void
enrol_fido_ready(struct enrol_fido *e)
{
	struct enrol_fido_wish wish = { e->credential, &e->record, e->direct, e->request->caller };
	int r;

	if (!e->record.native) {
		enrol_webauthn_offer(e);
		return;
	}
	fido_rp_id(e->agent->fido, e->record.rp_id);
	if ((r = enrol_fido_make_start(e->agent->fido, &wish, enrol_fido_end, e, &e->make)) != TSR_OK)
		enrol_fido_fail(e, r, "", r == TSR_UNAVAILABLE ?
		    "no helper for FIDO2 keys is configured: see fido { socket }" : "");
}

static void
enrol_fido_vouched(void *arg, int code, const struct credential *c, const char *members,
    const char *detail)
{
	struct enrol_fido *e = arg;

	e->login = NULL;
	if (code != TSR_OK) {
		enrol_fido_fail(e, code, members, detail);
		return;
	}
	(void)snprintf(e->voucher, sizeof(e->voucher), "%s", c->id);
	e->voucher_acr = c->acr;
	enrol_fido_ready(e);
}

/* A further credential of one's own: first a fresh proof by another one. */
static void
enrol_fido_vouch(struct enrol_fido *e)
{
	struct login_ask ask = {
		.subject = e->credential->subject, .uid = e->credential->uid,
		.requester = e->request->caller, .acr = ACR_SELF,
		.audience = ENROL_AUDIENCE, .scope = "", .client_id = ""
	};
	char detail[256], members[96];
	int r;

	if ((r = login_start(e->agent, &ask, enrol_fido_vouched, e, detail, &e->login)) == TSR_OK)
		return;
	login_failure(r, PROTO_TRIES_UNKNOWN, members);
	if (r == TSR_DEVICE_NOT_FOUND)
		enrol_fido_fail(e, TSR_STEP_UP_REQUIRED, members, "the first credential is enrolled by an "
		    "administrator, or with a code that he gives: \"tessera enroll code\"");
	else
		enrol_fido_fail(e, r, members, detail);
}

static void
enrol_fido_subject(void *arg, int code, uid_t uid, gid_t gid, const char *name)
{
	struct enrol_fido *e = arg;
	uid_t caller = e->request->caller->uid;
	int r;

	(void)gid;
	e->ticket = 0;
	if (e->answered != NULL)
		*e->answered = 1;
	if (code != TSR_OK) {
		enrol_fido_fail(e, code, "", code == TSR_NOT_FOUND ? "there is no such user" :
		    "whether there is such a user cannot be told now");
		return;
	}
	e->credential->uid = uid;
	(void)snprintf(e->credential->subject, sizeof(e->credential->subject), "%s", name);
	if (uid == CALLER_UNMAPPED)
		enrol_fido_fail(e, TSR_DENIED, "", CALLER_UNMAPPED_TEXT);
	else if (e->agent->mode == CONFIG_USER && uid != caller)
		enrol_fido_fail(e, TSR_DENIED, "", "in user mode only your own devices are enrolled");
	else if (e->own && uid != caller)	/* one name, two numbers */
		enrol_fido_fail(e, TSR_DENIED, "", "your user name is also another user's");
	else if ((r = pending_begin(&e->agent->pending, &e->pending, caller,
	    policy_config(e->agent->policy)->limits.pending_per_uid)) != TSR_OK)
		enrol_fido_fail(e, r, "", "");
	else if (e->self)
		enrol_fido_vouch(e);
	else
		enrol_fido_ready(e);
}

static void
enrol_fido_begin(struct enrol_fido *e)
{
	unsigned ticket = 0;
	int r, answered = 0;

	http_park(e->request->conn, enrol_fido_gone, e);
	e->answered = &answered;	/* cppcheck-suppress autoVariables ; taken back below */
	r = names_uid_of(e->agent->names, e->credential->subject, enrol_fido_subject, e, &ticket);
	if (answered)		/* e may be gone */
		return;
	e->answered = NULL;
	e->ticket = ticket;
	if (r != TSR_OK)
		enrol_fido_subject(e, r, 0, 0, NULL);
}

/* --- what was asked --- */

int
enrol_fido_wanted(const struct http_request *r)
{
	char kind[16];

	return body_peek(r, "kind", kind, sizeof(kind)) == TSR_OK &&
	    (strcmp(kind, "fido") == 0 || strcmp(kind, "webauthn") == 0);
}

/* How the key is asked. */
static int
enrol_fido_read_key(struct enrol_fido *e, const struct http_request *r, const json_t *o)
{
	const struct config *cf = policy_config(e->agent->policy);
	const char *kind, *uv, *attestation;

	if (body_text(r, o, "kind", &kind) != TSR_OK || body_text(r, o, "uv", &uv) != TSR_OK || body_text(r, o, "attestation", &attestation) != TSR_OK ||
	    body_flag(r, o, "resident", &e->record.resident) != TSR_OK)
		return TSR_INVALID;
	if (uv != NULL && strcmp(uv, "required") != 0 && strcmp(uv, "preferred") != 0)
		problem_invalid(r->conn, "\"uv\" is \"required\" or \"preferred\"");
	else if (attestation != NULL && strcmp(attestation, "none") != 0 && strcmp(attestation, "direct") != 0)
		problem_invalid(r->conn, "\"attestation\" is \"none\" or \"direct\"");
	else if (strcmp(kind, "webauthn") == 0 && cf->webauthn.rp_id == NULL)
		problem(r->conn, TSR_UNAVAILABLE, "no browser can be enrolled here: webauthn { rp-id "
		    "origins } is not configured");
	else {
		e->record.native = strcmp(kind, "webauthn") != 0;
		e->record.verification = uv != NULL ? uv[0] == 'r' : cf->fido.verification == VERIFY_REQUIRED;
		/* where makes are told apart, or makers known, they are asked for */
		e->direct = attestation != NULL ? attestation[0] == 'd' :
		    cf->fido.attestation_roots.n > 0 || cf->fido.aaguids.n > 0;
		return TSR_OK;
	}
	return TSR_INVALID;
}

static int
enrol_fido_read(struct enrol_fido *e, const struct http_request *r, const json_t *o, const char *own)
{
	const char *subject, *label, *vouch;
	struct credential *c = e->credential;

	if (body_text(r, o, "subject", &subject) != TSR_OK || body_text(r, o, "label", &label) != TSR_OK ||
	    body_text(r, o, "vouch", &vouch) != TSR_OK || enrol_fido_read_key(e, r, o) != TSR_OK)
		return TSR_INVALID;
	if (own != NULL)
		subject = own;
	if (subject == NULL || subject[0] == '\0' || strlen(subject) >= sizeof(c->subject))
		problem_invalid(r->conn, "\"subject\" is a user name of at most %zu bytes",
		    sizeof(c->subject) - 1);
	else if (label != NULL && strlen(label) >= sizeof(c->label))
		problem_invalid(r->conn, "\"label\" has at most %zu bytes", sizeof(c->label) - 1);
	else if (vouch != NULL && strcmp(vouch, "hardware") != 0 && strcmp(vouch, "hardware-pin") != 0)
		problem_invalid(r->conn, "\"vouch\" is \"hardware\" or \"hardware-pin\"");
	else {
		(void)snprintf(c->subject, sizeof(c->subject), "%s", subject);
		(void)snprintf(c->label, sizeof(c->label), "%s", label != NULL && label[0] != '\0' ?
		    label : e->record.native ? "security key" : "browser");
		if (vouch != NULL)
			(void)acr_parse(vouch, &e->vouched);
		c->vouched = vouch != NULL;
		return TSR_OK;
	}
	return TSR_INVALID;
}

/* Everything but the members; NULL where the request was answered. */
static struct enrol_fido *
enrol_fido_new(struct agent *a, const struct http_request *r)
{
	struct enrol_fido *e;

	if ((e = calloc(1, sizeof(*e))) == NULL ||
	    (e->credential = calloc(1, sizeof(*e->credential))) == NULL) {
		free(e);
		problem(r->conn, TSR_NOMEM, NULL);
		return NULL;
	}
	e->agent = a;
	e->request = r;
	e->credential->state = CREDENTIAL_ACTIVE;
	store_make_id(e->credential->id);
	(void)snprintf(e->record.credential, sizeof(e->record.credential), "%s", e->credential->id);
	(void)snprintf(e->credential->kind, sizeof(e->credential->kind), "fido");
	return e;
}

/* An enrolment code stands for the administrator. */
static int
enrol_fido_own_code(struct enrol_fido *e, const struct http_request *r, const json_t *o,
    const char *name)
{
	const char *code;

	if (body_text(r, o, "code", &code) != TSR_OK)
		return TSR_INVALID;
	if (code == NULL)
		return TSR_OK;
	e->self = 0;
	return enrol_word_read(e->agent, r, name, code, &e->word);
}

void
enrol_fido_admin(struct agent *a, const struct http_request *r, const struct asker *who)
{
	static const char *const allowed[] = { "kind", "subject", "label", "resident", "uv", "attestation",
	    "vouch", NULL };
	struct enrol_fido *e;
	json_t *o;

	(void)who;
	if (body_read(r, allowed, &o) != TSR_OK)
		return;
	if ((e = enrol_fido_new(a, r)) != NULL) {
		if (enrol_fido_read(e, r, o, NULL) == TSR_OK)
			enrol_fido_begin(e);
		else
			enrol_fido_free(e);
	}
	json_decref(o);
}

void
enrol_fido_own(struct agent *a, const struct http_request *r, const struct asker *who)
{
	static const char *const allowed[] = { "kind", "label", "resident", "uv", "attestation", "code",
	    NULL };
	struct enrol_fido *e;
	json_t *o;

	if (who->name[0] == '\0') {
		problem(r->conn, TSR_DENIED, "uid %u has no user name", r->caller->uid);
		return;
	}
	if (body_read(r, allowed, &o) != TSR_OK)
		return;
	if ((e = enrol_fido_new(a, r)) != NULL) {
		e->own = 1;
		/* In user mode the user is the administrator who enrols the first one, too. */
		e->self = !(a->mode == CONFIG_USER && r->caller->uid == getuid());
		if (enrol_fido_read(e, r, o, who->name) == TSR_OK &&
		    enrol_fido_own_code(e, r, o, who->name) == TSR_OK)
			enrol_fido_begin(e);
		else
			enrol_fido_free(e);
	}
	json_decref(o);
}
