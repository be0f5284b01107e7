/*
 * presence_act.c - see presence_act.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/presence_act.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/audit_event.h"
#include "agent/kept.h"
#include "agent/pin_guard.h"
#include "agent/plug_act.h"
#include "agent/presence.h"
#include "agent/proof.h"
#include "base/log.h"
#include "include/tessera.h"
#include "token/json.h"

#define ACT_EVENT_MAX	4096	/* bytes of an event's JSON */

/* A card proves that it is back, by the key that was enrolled for that. */
struct act_proof {
	struct presence_act *act;
	struct proof *proof;		/* NULL: free */
	struct credential *credential;	/* with that key in the place of its own */
	char device[DEVICE_ID_LEN + 1];
	unsigned round;
	presence_act_done done;		/* who asked; NULL: presence itself */
	void *arg;
};

struct presence_act {
	struct agent *agent;
	struct helpers_options options;
	char *program, *config_file, *socket;
	struct presence *presence;
	struct watcher *watcher;	/* NULL: nothing is watched */
	struct device_query *query;
	struct act_proof proof[PRESENCE_ACT_PROOFS_MAX];
};

/* --- who is told --- */

struct act_event {
	struct agent *agent;
	const char *name;
	const struct device *device;
	struct buf json;
	uid_t told[STORE_CREDENTIALS_MAX];	/* once each */
	size_t n;
};

static void
act_tell(struct act_event *e, uid_t uid)
{
	size_t i;

	for (i = 0; i < e->n; i++)
		if (e->told[i] == uid)
			return;
	if (e->n < STORE_CREDENTIALS_MAX)
		e->told[e->n++] = uid;
	events_send(e->agent->events, uid, e->name, (const char *)e->json.data, e->json.len);
}

static int
act_of_device(const struct credential *c, const struct device *d)
{
	return strcmp(c->module, d->module) == 0 && strcmp(c->token_serial, d->serial) == 0 &&
	    strcmp(c->token_label, d->label) == 0;
}

static int
act_tell_owner(void *arg, const struct credential *c)
{
	struct act_event *e = arg;

	if (act_of_device(c, e->device))
		act_tell(e, c->uid);
	return TSR_OK;
}

static int
act_json(struct buf *b, const struct device *d)
{
	const char *const names[] = { "label", "serial", "module", "manufacturer", "model", "reader" };
	const char *const values[] = { d->label, d->serial, d->module, d->manufacturer, d->model,
	    d->reader };
	size_t i;
	int r;

	if ((r = buf_printf(b, "{\"device\":\"%s\",\"kind\":\"pkcs11\"", d->id)) != TSR_OK)
		return r;
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if ((r = buf_printf(b, ",\"%s\":", names[i])) != TSR_OK ||
		    (r = json_put_string(b, values[i])) != TSR_OK)
			return r;
	return buf_put_cstr(b, "}");
}

/* Those who have a credential on it, and root.  In user mode there is one user. */
static void
act_event(struct presence_act *p, const char *name, const struct device *d)
{
	struct act_event e = { .agent = p->agent, .name = name, .device = d };

	buf_init(&e.json, ACT_EVENT_MAX);
	if (act_json(&e.json, d) == TSR_OK) {
		if (p->agent->mode == CONFIG_USER)
			events_send_all(p->agent->events, name, (const char *)e.json.data, e.json.len);
		else {
			act_tell(&e, 0);
			(void)store_credential_each(p->agent->store, NULL, 0, act_tell_owner, &e);
		}
	}
	buf_free(&e.json);
}

static void
act_added(void *arg, const struct device *d)
{
	act_event(arg, "device-added", d);
}

static void
act_removed(void *arg, const struct device *d)
{
	act_event(arg, "device-removed", d);
}

/* --- what it means for sessions and proofs --- */

static void
act_away(void *arg, const struct device *d)
{
	struct presence_act *p = arg;

	session_device_away(p->agent->sessions, d->id);
	proofs_removed(p->agent->proofs, d->module, d->serial, d->label);
	pin_guard_pulled(p->agent->guard, d->serial, d->label);
}

static void
act_back(void *arg, const struct device *d)
{
	struct presence_act *p = arg;

	session_device_back(p->agent->sessions, d->id);
}

static void
act_lock(void *arg, const struct device *d, enum presence_reason why)
{
	struct presence_act *p = arg;

	(void)session_device_lock(p->agent->sessions, d->id, presence_word(why));
}

/* --- a card that is back --- */

static void
act_proof_end(struct act_proof *e)
{
	credential_free(&e->credential);
	e->proof = NULL;
}

static void
act_proved(void *arg, int code, uint32_t tries_left, const char *detail)
{
	struct act_proof *e = arg;
	struct presence_act *p = e->act;
	char device[DEVICE_ID_LEN + 1];
	unsigned round = e->round;

	(void)tries_left;
	if (code != TSR_OK)
		log_line(LOG_NOTICE, "device %s did not prove that it is there: %s%s%s", e->device,
		    tsr_strerror(code), detail[0] != '\0' ? ": " : "", detail);
	memcpy(device, e->device, sizeof(device));
	act_proof_end(e);
	if (e->done != NULL)
		e->done(e->arg, device, code);
	else
		presence_proved(p->presence, device, round, code);
}

/* The first credential on the card that has a key for this. */
struct act_search {
	struct presence_act *act;
	const struct device *device;
	struct credential *found;
};

static int
act_search_each(void *arg, const struct credential *c)
{
	struct act_search *s = arg;
	struct card_key k;

	if (s->found != NULL || c->state != CREDENTIAL_ACTIVE || !act_of_device(c, s->device) ||
	    store_card_get(s->act->agent->store, c->id, &k) != TSR_OK)
		return TSR_OK;
	if ((s->found = malloc(sizeof(*s->found))) == NULL)
		return TSR_NOMEM;
	*s->found = *c;
	s->found->certificate = NULL;
	s->found->certificate_len = 0;
	memcpy(s->found->key_id, k.key_id, k.key_id_len);
	s->found->key_id_len = k.key_id_len;
	s->found->algorithm = k.algorithm;
	memcpy(s->found->spki, k.spki, k.spki_len);
	s->found->spki_len = k.spki_len;
	return TSR_OK;
}

static int
act_ask(struct presence_act *p, const struct device *d, unsigned round, presence_act_done done,
    void *arg)
{
	struct act_search s = { p, d, NULL };
	struct proof_ask ask = { .silent = 1, .purpose = "present" };
	struct act_proof *e;
	int r;

	for (e = p->proof; e < p->proof + PRESENCE_ACT_PROOFS_MAX && e->credential != NULL; e++)
		;
	if (e == p->proof + PRESENCE_ACT_PROOFS_MAX)
		return TSR_SLOW_DOWN;
	r = store_credential_each(p->agent->store, NULL, 0, act_search_each, &s);
	if (r != TSR_OK || s.found == NULL) {
		credential_free(&s.found);
		return TSR_NOT_FOUND;
	}
	e->act = p;
	e->credential = s.found;
	e->round = round;
	e->done = done;
	e->arg = arg;
	memcpy(e->device, d->id, sizeof(e->device));
	ask.credential = e->credential;
	ask.context.purpose = CHALLENGE_PRESENT;
	ask.context.issuer = p->agent->issuer;
	ask.context.credential = e->credential->id;
	ask.context.subject = e->credential->subject;
	if ((r = proof_start(p->agent->proofs, &ask, act_proved, e, &e->proof)) != TSR_OK)
		act_proof_end(e);
	return r;
}

static int
act_prove(void *arg, const struct device *d, unsigned round)
{
	return act_ask(arg, d, round, NULL, NULL);
}

int
presence_act_ask(struct presence_act *p, const struct device *d, presence_act_done done, void *arg)
{
	return act_ask(p, d, 0, done, arg);
}

/* --- listing --- */

static void
act_listed(void *arg, const struct device_list *l)
{
	struct presence_act *p = arg;
	size_t i;

	p->query = NULL;
	presence_listed(p->presence, l);
	for (i = 0; l != NULL && i < l->n; i++)
		kept_card(p->agent->kept, &l->device[i]);
}

static int
act_list(void *arg)
{
	struct presence_act *p = arg;
	const struct policy *policy = p->agent->policy;

	if (policy == NULL)
		return TSR_UNAVAILABLE;
	return device_list(p->agent->helpers, policy_config(policy), NULL, act_listed, p, &p->query);
}

/* --- the watcher --- */

static void
act_service(void *arg, int available)
{
	struct presence_act *p = arg;
	const char *detail;

	if (!available) {
		(void)watcher_state_name(p->watcher, &detail);
		log_line(LOG_NOTICE, "readers are not watched%s%s", detail[0] != '\0' ? ": " : "", detail);
	} else
		log_line(LOG_DETAIL, "readers are watched");
	presence_service(p->presence, available);
}

static void
act_reader(void *arg, const struct watcher_reader *r)
{
	struct presence_act *p = arg;

	presence_reader(p->presence, r);
}

static void
act_ready(void *arg)
{
	struct presence_act *p = arg;

	presence_ready(p->presence);
}

/* --- putting it together --- */

static int
act_options(struct presence_act *p, const struct helpers_options *o)
{
	p->options = *o;
	p->options.program = p->program = o->program != NULL ? strdup(o->program) : NULL;
	p->options.config_file = p->config_file = strdup(o->config_file);
	p->options.socket = p->socket = o->socket != NULL ? strdup(o->socket) : NULL;
	return p->config_file != NULL && (p->program != NULL || p->socket != NULL) ? TSR_OK : TSR_NOMEM;
}

int
presence_act_new(struct agent *a, const struct helpers_options *o, struct presence_act **out)
{
	struct presence_act *p;
	int r;

	if ((p = calloc(1, sizeof(*p))) == NULL)
		return TSR_NOMEM;
	p->agent = a;
	if (o != NULL) {
		struct presence_owner owner = { act_list, act_added, act_removed, act_away, act_back,
		    act_lock, act_prove, p };
		struct watcher_client client = { .service = act_service, .reader = act_reader,
		    .ready = act_ready, .arg = p };

		if ((r = act_options(p, o)) != TSR_OK ||
		    (r = presence_new(loop_timers(a->loop), &owner, &p->presence)) != TSR_OK ||
		    (r = watcher_new(a->loop, &p->options, &client, &p->watcher)) != TSR_OK) {
			presence_act_free(&p);
			return r;
		}
	}
	*out = p;
	return TSR_OK;
}

void
presence_act_free(struct presence_act **pp)
{
	struct presence_act *p = *pp;
	struct act_proof *e;

	if (p == NULL)
		return;
	for (e = p->proof; e < p->proof + PRESENCE_ACT_PROOFS_MAX; e++) {
		if (e->proof != NULL)
			proof_cancel(&e->proof);
		act_proof_end(e);
	}
	device_query_cancel(&p->query);
	watcher_free(&p->watcher);
	presence_free(&p->presence);
	free(p->program);
	free(p->config_file);
	free(p->socket);
	free(p);
	*pp = NULL;
}

static void
act_limits(struct presence_act *p)
{
	const struct config *c = policy_config(p->agent->policy);

	presence_limits(p->presence, (uint64_t)c->session.lock_after * 1000,
	    (uint64_t)c->session.unwatched * 1000);
}

void
presence_act_start(struct presence_act *p)
{
	if (p->watcher == NULL)
		return;
	act_limits(p);
	presence_start(p->presence);
	watcher_start(p->watcher);
}

void
presence_act_renew(struct presence_act *p)
{
	if (p->watcher == NULL)
		return;
	act_limits(p);
	watcher_renew(p->watcher);
	presence_renew(p->presence);
}

void
presence_act_session(struct presence_act *p, const struct credential *c, const struct session *s)
{
	struct device d;

	if (credential_is_fido(c)) {	/* no reader tells of it */
		plug_act_session(p->agent->plugs, c);
		return;
	}
	if (p->watcher == NULL)
		return;
	memset(&d, 0, sizeof(d));
	(void)snprintf(d.module, sizeof(d.module), "%s", c->module);
	(void)snprintf(d.serial, sizeof(d.serial), "%s", c->token_serial);
	(void)snprintf(d.label, sizeof(d.label), "%s", c->token_label);
	(void)snprintf(d.id, sizeof(d.id), "%s", s->device);
	presence_session(p->presence, &d);
}

const char *
presence_act_state(const struct presence_act *p, const char **detail)
{
	*detail = "";
	return p->watcher != NULL ? watcher_state_name(p->watcher, detail) : "off";
}
