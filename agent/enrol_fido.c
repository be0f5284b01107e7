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
#include "agent/enrol_fido_internal.h"
#include "agent/enrol_store.h"
#include "agent/enrol_voucher.h"
#include "agent/enrol_webauthn.h"
#include "agent/enrol_word.h"
#include "agent/problem.h"
#include "include/tessera.h"
#include "token/json.h"

void
enrol_fido_free(struct enrol_fido *e)
{
	enrol_subject_end(&e->whom);
	login_cancel(&e->login);
	enrol_fido_make_cancel(&e->make);
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

static int
enrol_fido_add(struct store *st, const void *record)
{
	return store_fido_add(st, record);
}

void
enrol_fido_finish(struct enrol_fido *e)
{
	struct enrol_end end = {
		.credential = e->credential, .add = enrol_fido_add, .record = &e->record,
		.word = &e->word, .voucher = e->voucher, .by = e
	};
	struct buf out;
	int r;

	e->credential->acr = enrol_fido_acr(e);
	e->credential->created = clock_wall();
	buf_init(&out, HTTP_ANSWER_MAX);
	/* The answer first: what is stored can be told. */
	if ((r = credential_json(&out, e->credential)) == TSR_OK)
		r = enrol_store(e->agent, e->request->conn, &end);
	if (r == TSR_OK) {
		http_answer(e->request->conn, 201, NULL, out.data, out.len, 1);
		enrol_fido_free(e);
	} else
		enrol_fido_fail(e, r, "", enrol_store_text(r));
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

static void
enrol_fido_whom(void *arg, int code, const char *text)
{
	struct enrol_fido *e = arg;

	if (code != TSR_OK)
		enrol_fido_fail(e, code, "", text);
	else if (e->self)	/* first a fresh proof by another one */
		enrol_voucher_prove(e->agent, e->request, e->credential, ACR_SELF, enrol_fido_vouched, e,
		    &e->login);
	else
		enrol_fido_ready(e);
}

static void
enrol_fido_begin(struct enrol_fido *e)
{
	http_park(e->request->conn, enrol_fido_gone, e);
	enrol_subject_find(&e->whom, e->agent, e->request, e->credential, e->own, enrol_fido_whom, e);
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

	if (body_text(r, o, "kind", &kind) != TSR_OK || body_text(r, o, "uv", &uv) != TSR_OK ||
	    body_text(r, o, "attestation", &attestation) != TSR_OK ||
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
	struct credential *c = e->credential;

	if (enrol_fido_read_key(e, r, o) != TSR_OK || enrol_subject_read(r, o, own, c) != TSR_OK ||
	    enrol_subject_vouch(r, o, &e->vouched) != TSR_OK)
		return TSR_INVALID;
	if (c->label[0] == '\0')
		(void)snprintf(c->label, sizeof(c->label), "%s", e->record.native ? "security key" :
		    "browser");
	c->vouched = e->vouched != 0;
	return TSR_OK;
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
