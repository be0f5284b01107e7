/*
 * login.c - see login.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/login.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/device.h"
#include "agent/fido_proof.h"
#include "agent/metrics.h"
#include "agent/seat.h"
#include "include/tessera.h"

struct login {
	struct agent *agent;
	struct login_ask ask;
	struct credential **candidate;	/* of kind "pkcs11", in order of preference */
	size_t n;
	struct credential **key;	/* of kind "fido", likewise */
	size_t n_keys;
	int looked;			/* one of the two kinds was not there */
	struct credential *chosen;	/* one of the candidates */
	struct device_query *query;
	struct proof *proof;
	struct fido_proof *fido;
	int pin_default;		/* the PIN was right, and is one of new tokens */
	login_done done;
	void *arg;
};

/* --- which credentials would do --- */

struct login_gather {
	struct login *login;
	int any, weak;			/* has credentials at all; some are too weak */
};

static struct credential *
login_copy(const struct credential *from)
{
	struct credential *c;

	if ((c = calloc(1, sizeof(*c))) == NULL)
		return NULL;
	*c = *from;
	c->certificate = NULL;		/* not needed for a proof */
	c->certificate_len = 0;
	return c;
}

int
login_would_use(const struct agent *a, const struct credential *c)
{
	if (credential_is_fido(c))
		return c->state == CREDENTIAL_ACTIVE && fido_there(a->fido);
	return strcmp(c->kind, "pkcs11") == 0 && c->state == CREDENTIAL_ACTIVE &&
	    config_module(policy_config(a->policy), c->module) != NULL;
}

/* The one used last comes first. */
static int
login_insert(struct credential **list, size_t *n, const struct credential *c)
{
	size_t at;

	for (at = *n; at > 0 && list[at - 1]->last_used < c->last_used; at--)
		list[at] = list[at - 1];
	if ((list[at] = login_copy(c)) == NULL) {
		memmove(&list[at], &list[at + 1], (*n - at) * sizeof(list[0]));
		return TSR_NOMEM;
	}
	++*n;
	return TSR_OK;
}

static int
login_consider(void *arg, const struct credential *c)
{
	struct login_gather *g = arg;
	struct login *l = g->login;
	char device[DEVICE_ID_LEN + 1];
	int r;

	if (!login_would_use(l->agent, c))
		return TSR_OK;
	g->any = 1;
	if (c->acr < l->ask.acr) {
		g->weak = 1;
		return TSR_OK;
	}
	if (l->ask.credential != NULL && strcmp(l->ask.credential, c->id) != 0)
		return TSR_OK;
	if (credential_is_fido(c))
		return l->ask.device != NULL ? TSR_OK : login_insert(l->key, &l->n_keys, c);
	if ((r = device_make_id(device, c->module, c->token_serial, c->token_label)) != TSR_OK)
		return r;
	if (l->ask.device != NULL && strcmp(l->ask.device, device) != 0)
		return TSR_OK;
	return login_insert(l->candidate, &l->n, c);
}

static int
login_gather(struct login *l, char detail[256])
{
	struct login_gather g = { l, 0, 0 };
	int r;

	if ((l->candidate = calloc(STORE_CREDENTIALS_MAX + 1, sizeof(l->candidate[0]))) == NULL ||
	    (l->key = calloc(STORE_CREDENTIALS_MAX + 1, sizeof(l->key[0]))) == NULL)
		return TSR_NOMEM;
	if ((r = store_credential_each(l->agent->store, l->ask.subject, l->ask.uid, login_consider,
	    &g)) != TSR_OK)
		return r;
	if (l->n + l->n_keys > 0)
		return TSR_OK;
	if (!g.any)
		(void)snprintf(detail, 256, "no active device is enrolled for %s: an administrator "
		    "enrols one with \"tessera enroll\"", l->ask.subject);
	else if (l->ask.credential != NULL || l->ask.device != NULL)
		(void)snprintf(detail, 256, "the credential or device asked for is not one of %s's "
		    "that would do here: see \"tessera credential list\"", l->ask.subject);
	else
		(void)snprintf(detail, 256, "the devices enrolled for %s are weaker than \"%s\", "
		    "which is asked for here", l->ask.subject, acr_name(l->ask.acr));
	return g.weak && l->ask.credential == NULL && l->ask.device == NULL ?
	    TSR_STEP_UP_REQUIRED : TSR_DEVICE_NOT_FOUND;
}

/* --- the proof --- */

static void
login_free(struct login *l)
{
	size_t i;

	device_query_cancel(&l->query);
	proof_cancel(&l->proof);
	fido_proof_cancel(&l->fido);
	for (i = 0; i < l->n; i++)
		credential_free(&l->candidate[i]);
	for (i = 0; i < l->n_keys; i++)
		credential_free(&l->key[i]);
	free(l->candidate);
	free(l->key);
	secret_free(&l->ask.pin);
	free(l);
}

static void
login_finish(struct login *l, int code, const char *members, const char *detail)
{
	l->done(l->arg, code, l->chosen, members, detail);
	login_free(l);
}

void
login_failure(int code, uint32_t tries_left, char members[96])
{
	const char *reason = code == TSR_PIN_WRONG || code == TSR_PIN_LENGTH ? "wrong" :
	    code == TSR_NO_PROMPTER ? "no_prompter" : code == TSR_PIN_SEAT ? "seat" :
	    code == TSR_PIN_UNSET ? "unset" : code == TSR_DEVICE_REPLUG ? "replug" :
	    code == TSR_PIN_REQUIRED && tries_left <= PROTO_TRIES_FEW ? "confirm" : NULL;
	int n = 0;

	members[0] = '\0';
	if (reason != NULL)
		n = snprintf(members, 96, ",\"reason\":\"%s\"", reason);
	if (reason != NULL && tries_left != PROTO_TRIES_UNKNOWN)
		(void)snprintf(members + n, 96 - (size_t)n, ",\"tries_left\":%u", tries_left);
	else if (code == TSR_SLOW_DOWN && tries_left != PROTO_TRIES_UNKNOWN)
		(void)snprintf(members, 96, ",\"retry_after\":%u", tries_left);
	else if (code == TSR_BREAKER)
		(void)snprintf(members, 96, ",\"retry_after\":%d", HELPER_REST_MS / 1000);
}

/* With what helps before the token locks itself. */
static void
login_refused(const char *what, uint32_t tries_left, char *out, size_t size)
{
	int few = tries_left <= PROTO_TRIES_FEW, pin = strcmp(what, "PIN") == 0;

	if (tries_left == PROTO_TRIES_UNKNOWN)
		(void)snprintf(out, size, "the token refused the %s", what);
	else
		(void)snprintf(out, size, "the token refused the %s, %u %s left%s", what, tries_left,
		    tries_left == 1 ? "try is" : "tries are", few && pin ? ": with its PUK \"tessera device pin "
		    "unblock\" sets a new one" : "");
}

void
login_describe(int code, const char *what, uint32_t tries_left, const char *detail, char *out,
    size_t size)
{
	char refused[160];

	login_refused(what, tries_left, refused, sizeof(refused));
	if (strncmp(detail, "C_", 2) == 0)
		(void)snprintf(out, size, "%s (%s)", code == TSR_PIN_WRONG ? refused : tsr_strerror(code),
		    detail);
	else
		(void)snprintf(out, size, "%s", detail);
}

/* --- it is not there --- */

static int login_keys(struct login *l);

/* A key then, or the person is told what to plug in. */
static void
login_missing(struct login *l)
{
	const struct credential *c = l->candidate[0];
	char text[512];

	l->chosen = NULL;
	(void)snprintf(text, sizeof(text), "plug in the token \"%s\" (serial %s)%s", c->token_label,
	    c->token_serial, l->n > 1 ? " or another one that is enrolled" : "");
	login_finish(l, TSR_DEVICE_NOT_FOUND, "", text);
}

/* One that was asked without a look at what is plugged in, before anybody was for its
 * PIN: 1 where a key goes on. */
static int
login_other(struct login *l, int code)
{
	if (l->n != 1 || l->n_keys == 0 || (code != TSR_DEVICE_NOT_FOUND && code != TSR_MODULE &&
	    code != TSR_BREAKER) || l->looked++)
		return 0;
	l->chosen = NULL;
	return login_keys(l) == TSR_OK;
}

static void
login_proved(void *arg, int code, uint32_t tries_left, const char *detail)
{
	struct login *l = arg;
	char members[96], text[512];

	l->proof = NULL;
	if (login_other(l, code))
		return;
	if (code == TSR_DEVICE_NOT_FOUND) {
		login_missing(l);
		return;
	}
	login_failure(code, tries_left, members);
	if (code == TSR_OK && l->pin_default)
		(void)snprintf(members, sizeof(members), "%s", LOGIN_PIN_DEFAULT);
	login_describe(code, "PIN", tries_left, detail, text, sizeof(text));
	login_finish(l, code, members, text);
}

static int
login_prove(struct login *l)
{
	const struct config_module *m =
	    config_module(policy_config(l->agent->policy), l->chosen->module);
	struct proof_ask ask = {
		.credential = l->chosen,
		.requester = l->ask.requester,
		.said = l->ask.said,
		.prompter = l->ask.uid,
		.purpose = "login",
		.context = {
			.purpose = CHALLENGE_LOGIN, .issuer = l->agent->issuer,
			.credential = l->chosen->id, .subject = l->ask.subject,
			.audience = l->ask.audience, .scope = l->ask.scope,
			.client_id = l->ask.client_id, .reuse = (uint8_t)l->ask.reuse
		},
		.pin = l->ask.pin, .about = l->ask.about,
		.unlimited = m != NULL && m->pin_tries == PIN_TRIES_UNLIMITED,
		.pin_default = &l->pin_default
	};

	l->ask.pin = NULL;
	return proof_start(l->agent->proofs, &ask, login_proved, l, &l->proof);
}

/* --- with a FIDO2 key --- */

static int login_tokens(struct login *l);

static void
login_fido_proved(void *arg, int code, const struct credential *c, uint32_t number, const char *detail)
{
	struct login *l = arg;
	char members[96];
	size_t i;

	l->fido = NULL;
	if (code == TSR_DEVICE_NOT_FOUND && l->n > 0 && !l->looked++ &&
	    (code = login_tokens(l)) == TSR_OK)
		return;
	for (i = 0; i < l->n_keys; i++)
		if (l->key[i] == c)
			l->chosen = l->key[i];
	login_failure(code, number, members);
	login_finish(l, code, members, code == TSR_LOGIN_REQUIRED ?
	    "the touch went to another request of yours: ask again" :
	    detail[0] != '\0' ? detail : tsr_strerror(code));
}

static int
login_keys(struct login *l)
{
	struct fido_proof_ask ask = {
		.candidate = l->key, .n = l->n_keys,
		.requester = l->ask.requester,
		.said = l->ask.said,
		.prompter = l->ask.uid,
		.purpose = "login",
		.context = {
			.purpose = CHALLENGE_LOGIN, .issuer = l->agent->issuer,
			.subject = l->ask.subject,
			.audience = l->ask.audience, .scope = l->ask.scope,
			.client_id = l->ask.client_id, .reuse = (uint8_t)l->ask.reuse
		},
		.pin = l->ask.pin, .about = l->ask.about
	};

	l->ask.pin = NULL;
	return fido_proof_start(l->agent->fido, &ask, login_fido_proved, l, &l->fido);
}

/* --- which of them is plugged in --- */

static const struct device *
login_present(const struct device_list *list, const struct credential *c)
{
	size_t i;

	for (i = 0; i < list->n; i++)
		if (strcmp(list->device[i].module, c->module) == 0 &&
		    strcmp(list->device[i].serial, c->token_serial) == 0 &&
		    strcmp(list->device[i].label, c->token_label) == 0)
			return &list->device[i];
	return NULL;
}

static void
login_absent(struct login *l, const struct device_list *list)
{
	const struct credential *c = l->candidate[0];
	char text[512];
	size_t i;

	if (l->n_keys > 0 && !l->looked++ && login_keys(l) == TSR_OK)
		return;
	for (i = 0; i < list->n_failures; i++)
		if (strcmp(list->failure[i].module, c->module) == 0) {
			metrics_proof(list->failure[i].code);
			(void)snprintf(text, sizeof(text), "module \"%s\": %s",
			    list->failure[i].module, list->failure[i].detail);
			login_finish(l, list->failure[i].code, "", text);
			return;
		}
	for (i = 0; i < l->n; i++)
		pin_guard_pulled(l->agent->guard, l->candidate[i]->token_serial,
		    l->candidate[i]->token_label);
	metrics_proof(TSR_DEVICE_NOT_FOUND);
	login_missing(l);
}

static void
login_listed(void *arg, const struct device_list *list)
{
	struct login *l = arg;
	const struct device *d = NULL;
	char members[96];
	size_t i;
	int r;

	l->query = NULL;
	for (i = 0; i < l->n && d == NULL; i++)
		if ((d = login_present(list, l->candidate[i])) != NULL)
			l->chosen = l->candidate[i];
	if (d == NULL) {
		login_absent(l, list);
		return;
	}
	if ((r = login_prove(l)) != TSR_OK) {
		login_failure(r, PROTO_TRIES_UNKNOWN, members);
		login_finish(l, r, members, "");
	}
}

/* The PKCS#11 half. */
static int
login_tokens(struct login *l)
{
	struct events_about about = { .uid = l->ask.uid, .requester = l->ask.requester,
	    .said = l->ask.said };

	if (l->ask.pin == NULL && !events_route(l->agent->events, &about, NULL))
		return TSR_NO_PROMPTER;		/* before any card is woken */
	if (l->n == 1) {		/* nothing to choose: whether it is there shows */
		l->chosen = l->candidate[0];
		return login_prove(l);
	}
	return device_list(l->agent->helpers, policy_config(l->agent->policy), NULL, login_listed, l,
	    &l->query);
}

/* What was used last is tried first; a PIN that came along is a token's. */
static int
login_begin(struct login *l)
{
	int keys = l->n_keys > 0 && (l->n == 0 || (l->ask.pin == NULL &&
	    l->key[0]->last_used > l->candidate[0]->last_used));
	int r;

	if (keys)
		return login_keys(l);
	l->looked = l->ask.pin != NULL;
	r = login_tokens(l);
	if (r != TSR_OK && l->chosen == NULL && l->n_keys > 0 && !l->looked++)
		r = login_keys(l);		/* it needs nobody who is asked for a PIN */
	else if (r != TSR_OK && login_other(l, r))
		r = TSR_OK;
	return r;
}

/* A device of this host proves logins, and what else is for local sessions alone,
 * for who is here. */
static int
login_near(const struct agent *a, const struct login_ask *ask)
{
	const struct config_audience *aud =
	    ask->audience != NULL ? policy_audience(a->policy, ask->audience) : NULL;

	return aud == NULL || !policy_local_only(aud) || seat_near(a->seat, ask->requester, ask->said);
}

int
login_start(struct agent *a, struct login_ask *ask, login_done done, void *arg,
    char detail[256], struct login **out)
{
	struct login *l;
	int r;

	detail[0] = '\0';
	if (!login_near(a, ask)) {
		(void)snprintf(detail, 256, "%s", SEAT_NEAR_TEXT);
		secret_free(&ask->pin);
		metrics_proof(TSR_DENIED);
		return TSR_DENIED;
	}
	if ((l = calloc(1, sizeof(*l))) == NULL) {
		secret_free(&ask->pin);
		return TSR_NOMEM;
	}
	l->agent = a;
	l->ask = *ask;
	ask->pin = NULL;
	l->done = done;
	l->arg = arg;
	if ((r = login_gather(l, detail)) == TSR_OK)
		r = login_begin(l);
	if (r != TSR_OK) {
		if (l->chosen == NULL)	/* else the proof has counted itself */
			metrics_proof(r);
		login_free(l);
		return r;
	}
	*out = l;
	return TSR_OK;
}

void
login_cancel(struct login **l)
{
	if (*l != NULL)
		login_free(*l);
	*l = NULL;
}
