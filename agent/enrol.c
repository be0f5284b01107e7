/*
 * enrol.c - see enrol.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/enrol.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/admin.h"
#include "agent/audit_event.h"
#include "agent/body.h"
#include "agent/clock.h"
#include "agent/credential_json.h"
#include "agent/device.h"
#include "agent/enrol_card.h"
#include "agent/enrol_match.h"
#include "agent/enrol_fido.h"
#include "agent/enrol_otp.h"
#include "agent/enrol_store.h"
#include "agent/enrol_subject.h"
#include "agent/enrol_voucher.h"
#include "agent/enrol_word.h"
#include "agent/login.h"
#include "agent/problem.h"
#include "agent/proof.h"
#include "agent/uri.h"
#include "base/escape.h"
#include "include/tessera.h"
#include "token/json.h"
#include "token/sigcheck.h"

struct enrol {
	struct agent *agent;
	const struct http_request *request;
	struct uri uri;
	enum acr vouched;		/* ACR_HARDWARE, ACR_HARDWARE_PIN, or 0 */
	int own;			/* by the subject */
	int self;			/* who proves himself first */
	struct enrol_word word;		/* the administrator's, where there is one */
	struct credential *credential;	/* being put together */
	struct card_key card;		/* by which its card proves that it is there */
	struct device device;		/* the token that matched */
	int again;			/* listed a second time */
	struct enrol_subject whom;
	struct device_query *query;
	struct login *login;		/* the proof with an earlier credential */
	char voucher[STORE_ID_LEN + 1];	/* that credential, once it has proved */
	struct proof *proof;
	int pin_default;		/* the PIN is one of new tokens */
};

static int enrol_list(struct enrol *e);

static void
enrol_free(struct enrol *e)
{
	enrol_subject_end(&e->whom);
	device_query_cancel(&e->query);
	login_cancel(&e->login);
	proof_cancel(&e->proof);
	credential_free(&e->credential);
	free(e);
}

static void
enrol_gone(void *arg)
{
	enrol_free(arg);
}

/* The end without a credential, told in the code's own words. */
static void
enrol_fail_plain(struct enrol *e, int code, const char *members, const char *text)
{
	problem_with(e->request->conn, code, members, text[0] != '\0' ? "%s" : NULL, text);
	enrol_free(e);
}

/* And in others. */
static void __attribute__((format(printf, 4, 5)))
enrol_fail(struct enrol *e, int code, const char *members, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	if (fmt != NULL)
		(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	problem_with(e->request->conn, code, members, fmt != NULL ? "%s" : NULL, text);
	enrol_free(e);
}

/* Attestation is not to be had from PKCS#11: hardware is what an admin vouches
 * for, and never more than the module's cap or, in user mode, than "self". */
static enum acr
enrol_acr(const struct enrol *e)
{
	const struct config_module *m =
	    config_module(policy_config(e->agent->policy), e->credential->module);
	enum acr acr = e->vouched != 0 ? e->vouched : ACR_SOFTWARE;

	if (e->agent->mode == CONFIG_USER)
		return ACR_SELF;
	if (m == NULL)		/* taken out of the configuration meanwhile, and its cap with it */
		return ACR_SELF;
	return m->acr < acr ? m->acr : acr;
}

/* --- the end: stored, in the same batch as the answer --- */

static int
enrol_add_card(struct store *st, const void *card)
{
	return store_card_add(st, card);
}

static int
enrol_keep(struct enrol *e)
{
	struct enrol_end end = {
		.credential = e->credential, .add = e->card.spki_len > 0 ? enrol_add_card : NULL,
		.record = &e->card, .word = &e->word, .voucher = e->voucher, .by = e,
		.pin_default = e->pin_default
	};

	return enrol_store(e->agent, e->request->conn, &end);
}

static void
enrol_proved(void *arg, int code, uint32_t tries_left, const char *detail)
{
	struct enrol *e = arg;
	char members[96], text[512];
	struct buf out;
	int r;

	e->proof = NULL;
	login_failure(code, tries_left, members);
	if (code != TSR_OK) {
		(void)audit_event_enrol(e->agent, e->request->conn, code, e->credential, 0);
		login_describe(code, "PIN", tries_left, detail, text, sizeof(text));
		enrol_fail_plain(e, code, members, text);
		return;
	}
	if (!caller_alive(e->request->caller)) {
		enrol_fail(e, TSR_CLOSED, "", NULL);
		return;
	}
	if (!e->own && !admin_is(e->agent, e->request)) {
		(void)audit_event_enrol(e->agent, e->request->conn, TSR_DENIED, e->credential, 0);
		enrol_fail(e, TSR_DENIED, "", "you are not an administrator any more");
		return;
	}
	if (enrol_acr(e) < e->credential->acr)	/* capped meanwhile */
		e->credential->acr = enrol_acr(e);
	e->credential->created = clock_wall();
	buf_init(&out, HTTP_ANSWER_MAX);
	/* The answer first: what is stored can be told. */
	if ((r = credential_json(&out, e->credential)) == TSR_OK &&
	    (!e->pin_default || (r = json_add_members(&out, LOGIN_PIN_DEFAULT)) == TSR_OK))
		r = enrol_keep(e);
	if (r == TSR_OK) {
		http_answer(e->request->conn, 201, NULL, out.data, out.len, 1);
		enrol_free(e);
	} else
		enrol_fail_plain(e, r, "", enrol_store_text(r));
	buf_free(&out);
}

/* --- the key's own part of the credential --- */

/* TSR_KEY_UNUSABLE; the helper's claim of algorithms is cut to what the key is. */
static int
enrol_take_key(struct enrol *e, const struct device_key *k)
{
	struct credential *c = e->credential;
	uint32_t possible;

	if (sigcheck_algorithms(k->spki, k->spki_len, &possible) != TSR_OK)
		return TSR_KEY_UNUSABLE;
	if ((c->algorithm = enrol_match_algorithm(k->algorithms & possible)) == 0 ||
	    k->id_len > sizeof(c->key_id))
		return TSR_KEY_UNUSABLE;
	memcpy(c->key_id, k->id, k->id_len);
	c->key_id_len = k->id_len;
	memcpy(c->spki, k->spki, k->spki_len);
	c->spki_len = k->spki_len;
	c->key_flags = k->flags;
	escape_cut(c->key_label, sizeof(c->key_label), k->label, strlen(k->label));
	if (k->certificate != NULL) {
		if ((c->certificate = malloc(k->certificate_len)) == NULL)
			return TSR_NOMEM;
		memcpy(c->certificate, k->certificate, k->certificate_len);
		c->certificate_len = k->certificate_len;
	}
	c->acr = enrol_acr(e);
	c->vouched = e->vouched != 0;
	return TSR_OK;
}

/* A token that was listed and is gone when its keys are asked for may have come
 * back under another slot: one more look. */
static int
enrol_look_again(struct enrol *e, int code)
{
	return code == TSR_DEVICE_NOT_FOUND && !e->again++ && enrol_list(e) == TSR_OK;
}

static int
enrol_prove(struct enrol *e)
{
	const struct config_module *m =
	    config_module(policy_config(e->agent->policy), e->credential->module);
	struct proof_ask ask = {
		.credential = e->credential, .requester = e->request->caller,
		.prompter = e->request->caller->uid, .purpose = "enrol",
		.context = {
			.purpose = CHALLENGE_ENROL, .issuer = e->agent->issuer,
			.credential = e->credential->id, .subject = e->credential->subject
		},
		.unlimited = m != NULL && m->pin_tries == PIN_TRIES_UNLIMITED,
		.pin_default = &e->pin_default
	};

	return proof_start(e->agent->proofs, &ask, enrol_proved, e, &e->proof);
}

static void
enrol_prove_or_fail(struct enrol *e)
{
	char members[96];
	int r;

	if ((r = enrol_prove(e)) == TSR_OK)
		return;
	login_failure(r, PROTO_TRIES_UNKNOWN, members);
	enrol_fail(e, r, members, NULL);
}

static void
enrol_vouched_for(void *arg, int code, const struct credential *c, const char *members,
    const char *detail)
{
	struct enrol *e = arg;

	e->login = NULL;
	if (code != TSR_OK) {
		enrol_fail_plain(e, code, members, detail);
		return;
	}
	(void)snprintf(e->voucher, sizeof(e->voucher), "%s", c->id);
	enrol_prove_or_fail(e);
}

static void
enrol_keys(void *arg, int code, const struct device_keys *keys, const char *detail)
{
	struct enrol *e = arg;
	const struct device_key *k = NULL;
	size_t i, n = 0;
	int r;

	e->query = NULL;
	if (enrol_look_again(e, code))
		return;
	for (i = 0; code == TSR_OK && i < keys->n; i++)
		if (enrol_match_key(&e->uri, &keys->key[i])) {
			k = &keys->key[i];
			n++;
		}
	enrol_card_choose(keys, e->credential, &e->card);
	if (code != TSR_OK)
		enrol_fail_plain(e, code, "", detail);
	else if (n == 0)
		enrol_fail(e, TSR_DEVICE_NOT_FOUND, "", "the token \"%s\" has no such key: "
		    "\"tessera device list --keys\" shows what it has", e->device.label);
	else if (n > 1)
		enrol_fail(e, TSR_INVALID, "", "the URI matches %zu keys of the token \"%s\": add "
		    "\"id\" or \"object\"", n, e->device.label);
	else if ((r = enrol_take_key(e, k)) != TSR_OK)
		enrol_fail(e, r, "", "the key has no algorithm that is accepted (ECDSA P-256 or "
		    "P-384, RSA of 2048 bits or more, Ed25519)");
	else if ((r = enrol_match_known(e->agent->store, e->credential)) != TSR_OK)
		enrol_fail(e, r, "", r == TSR_CONFLICT ? "this key is enrolled already" : NULL);
	else if (e->self)	/* first a fresh proof by an equal or stronger one */
		enrol_voucher_prove(e->agent, e->request, e->credential, e->credential->acr,
		    enrol_vouched_for, e, &e->login);
	else
		enrol_prove_or_fail(e);
}

/* --- which token --- */

static int
enrol_take_token(struct enrol *e, const struct device *d)
{
	struct credential *c = e->credential;

	if (strlen(d->label) >= sizeof(c->token_label) ||
	    strlen(d->manufacturer) >= sizeof(c->token_manufacturer))
		return TSR_KEY_UNUSABLE;
	e->device = *d;
	(void)snprintf(c->module, sizeof(c->module), "%s", d->module);
	(void)snprintf(c->token_serial, sizeof(c->token_serial), "%s", d->serial);
	escape_cut(c->token_label, sizeof(c->token_label), d->label, strlen(d->label));
	escape_cut(c->token_manufacturer, sizeof(c->token_manufacturer), d->manufacturer,
	    strlen(d->manufacturer));
	(void)snprintf(c->token_model, sizeof(c->token_model), "%s", d->model);
	if (c->label[0] == '\0')	/* nobody named it: as the token is called */
		(void)snprintf(c->label, sizeof(c->label), "%s", c->token_label);
	return TSR_OK;
}

static void
enrol_listed(void *arg, const struct device_list *list)
{
	struct enrol *e = arg;
	const struct device *d = NULL;
	size_t i, n = 0;
	int r;

	e->query = NULL;
	for (i = 0; i < list->n; i++)
		if (enrol_match_token(&e->uri, &list->device[i])) {
			d = &list->device[i];
			n++;
		}
	if (n == 0 && list->n == 0 && list->n_failures > 0)
		enrol_fail(e, list->failure[0].code, "", "module \"%s\": %s", list->failure[0].module,
		    list->failure[0].detail);
	else if (n == 0)
		enrol_fail(e, TSR_DEVICE_NOT_FOUND, "", "no token that is plugged in matches the URI: "
		    "\"tessera device list\" shows what is there");
	else if (n > 1)
		enrol_fail(e, TSR_INVALID, "", "the URI matches %zu tokens: add \"serial\"", n);
	else if (enrol_take_token(e, d) != TSR_OK)
		enrol_fail(e, TSR_KEY_UNUSABLE, "", "the token's label is not text");
	else if ((r = device_keys(e->agent->helpers, &e->device, enrol_keys, e, &e->query)) != TSR_OK)
		enrol_fail(e, r, "", NULL);
}

static int
enrol_list(struct enrol *e)
{
	return device_list(e->agent->helpers, policy_config(e->agent->policy), NULL, enrol_listed, e,
	    &e->query);
}

/* --- whom, and what was asked --- */

static void
enrol_whom(void *arg, int code, const char *text)
{
	struct enrol *e = arg;
	const struct caller *c = e->request->caller;
	struct events_about about = { .uid = c->uid, .requester = c };
	int r;

	if (code != TSR_OK)
		enrol_fail_plain(e, code, "", text);
	else if (!events_route(e->agent->events, &about, NULL))
		enrol_fail_plain(e, TSR_NO_PROMPTER, ",\"reason\":\"no_prompter\"",
		    "nobody can be asked for the PIN: listen on /events?prompter=self first");
	else if ((r = enrol_list(e)) != TSR_OK)
		enrol_fail_plain(e, r, "", r == TSR_DEVICE_NOT_FOUND ?
		    "no pkcs11-module is configured" : "");
}

static void
enrol_begin(struct enrol *e)
{
	http_park(e->request->conn, enrol_gone, e);
	enrol_subject_find(&e->whom, e->agent, e->request, e->credential, e->own, enrol_whom, e);
}

/* The request's members into e; own: the subject, in place of the member.  On an
 * error it was answered. */
static int
enrol_read(struct enrol *e, const struct http_request *r, const json_t *o, const char *own)
{
	const char *kind, *device;
	char err[256];

	if (body_text(r, o, "kind", &kind) != TSR_OK || body_text(r, o, "device", &device) != TSR_OK)
		return TSR_INVALID;
	if (kind == NULL || strcmp(kind, "pkcs11") != 0)
		problem_invalid(r->conn, "\"kind\" is \"pkcs11\", \"fido\", \"webauthn\", \"totp\" or "
		    "\"hotp\"");
	else if (enrol_subject_read(r, o, own, e->credential) != TSR_OK ||
	    enrol_subject_vouch(r, o, &e->vouched) != TSR_OK)
		;	/* answered */
	else if (device == NULL)
		problem_invalid(r->conn, "\"device\" is missing: a pkcs11: URI");
	else if (uri_parse(device, &e->uri, err, sizeof(err)) != TSR_OK)
		problem_invalid(r->conn, "\"device\": %s", err);
	else
		return TSR_OK;
	return TSR_INVALID;
}

/* Everything but the members; NULL where the request was answered. */
static struct enrol *
enrol_new(struct agent *a, const struct http_request *r)
{
	struct enrol *e;

	if ((e = calloc(1, sizeof(*e))) == NULL ||
	    (e->credential = calloc(1, sizeof(*e->credential))) == NULL) {
		free(e);
		problem(r->conn, TSR_NOMEM, NULL);
		return NULL;
	}
	e->agent = a;
	e->request = r;
	store_make_id(e->credential->id);
	(void)snprintf(e->credential->kind, sizeof(e->credential->kind), "pkcs11");
	e->credential->state = CREDENTIAL_ACTIVE;
	return e;
}

void
enrol_pkcs11(struct agent *a, const struct http_request *r, const struct asker *who)
{
	static const char *const allowed[] = { "kind", "subject", "device", "label", "vouch", NULL };
	struct enrol *e;
	json_t *o;
	int code;

	(void)who;
	if (body_read(r, allowed, &o) != TSR_OK)
		return;
	if ((e = enrol_new(a, r)) == NULL) {
		json_decref(o);
		return;
	}
	code = enrol_read(e, r, o, NULL);
	json_decref(o);
	if (code != TSR_OK) {
		enrol_free(e);
		return;
	}
	enrol_begin(e);
}

void
enrol_own(struct agent *a, const struct http_request *r, const struct asker *who)
{
	static const char *const allowed[] = { "kind", "device", "label", "code", NULL };
	const char *code_text;
	struct enrol *e;
	json_t *o;
	int code;

	if (enrol_otp_wanted(r)) {
		enrol_otp_own(a, r, who);
		return;
	}
	if (enrol_fido_wanted(r)) {
		enrol_fido_own(a, r, who);
		return;
	}
	if (body_read(r, allowed, &o) != TSR_OK)
		return;
	if ((e = enrol_new(a, r)) == NULL) {
		json_decref(o);
		return;
	}
	e->own = 1;
	/* In user mode the user is the administrator who enrols the first one, too. */
	e->self = !(a->mode == CONFIG_USER && r->caller->uid == getuid());
	if ((code = enrol_read(e, r, o, who->name)) == TSR_OK &&
	    (code = body_text(r, o, "code", &code_text)) == TSR_OK && code_text != NULL) {
		e->self = 0;	/* the code stands for the administrator */
		code = enrol_word_read(a, r, who->name, code_text, &e->word);
	}
	json_decref(o);
	if (code != TSR_OK) {
		enrol_free(e);
		return;
	}
	enrol_begin(e);
}
