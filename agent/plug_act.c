/*
 * plug_act.c - see plug_act.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/plug_act.h"

#include <stdlib.h>
#include <string.h>

#include "agent/fido.h"
#include "agent/kept.h"
#include "agent/pin_guard.h"
#include "agent/plug.h"
#include "agent/plug_look.h"
#include "agent/watcher.h"
#include "base/log.h"
#include "include/tessera.h"
#include "token/json.h"

#define EVENT_MAX	4096	/* bytes of an event's JSON */

struct plug_act {
	struct agent *agent;
	char *socket;
	struct plug *plug;
	struct watcher *watcher;	/* NULL: nothing is watched */
	struct plug_look *look;
};

/* --- who is told --- */

struct act_event {
	struct plug_act *act;
	const char *name;
	const struct watcher_key *key;
	uid_t told[PLUG_HELD_MAX + 1];	/* once each */
	size_t n;
};

static int
act_json(struct buf *b, const struct watcher_key *k, const struct credential *c)
{
	int r;

	if ((r = buf_put_cstr(b, "{\"kind\":\"fido\"")) != TSR_OK ||
	    (r = json_put_member(b, "device", k->device)) != TSR_OK ||
	    (r = json_put_member(b, "label", c != NULL ? c->label : k->product)) != TSR_OK ||
	    (c != NULL && (r = json_put_member(b, "credential", c->id)) != TSR_OK) ||
	    (r = json_put_member(b, "manufacturer", k->manufacturer)) != TSR_OK ||
	    (r = json_put_member(b, "model", k->product)) != TSR_OK)
		return r;
	return buf_put_cstr(b, "}");
}

static void
act_tell(struct act_event *e, uid_t uid, const struct credential *c)
{
	struct agent *a = e->act->agent;
	struct buf b;
	size_t i;

	for (i = 0; i < e->n; i++)
		if (e->told[i] == uid)
			return;
	if (e->n < sizeof(e->told) / sizeof(e->told[0]))
		e->told[e->n++] = uid;
	buf_init(&b, EVENT_MAX);
	if (act_json(&b, e->key, c) != TSR_OK)
		;
	else if (a->mode == CONFIG_USER)
		events_send_all(a->events, e->name, (const char *)b.data, b.len);
	else
		events_send(a->events, uid, e->name, (const char *)b.data, b.len);
	buf_free(&b);
}

static void
act_tell_owner(void *arg, const char *credential)
{
	struct act_event *e = arg;
	struct credential *c = NULL;

	if (store_credential_get(e->act->agent->store, credential, &c) != TSR_OK)
		return;
	act_tell(e, c->uid, c);
	if (e->act->agent->mode != CONFIG_USER)
		act_tell(e, 0, c);
	credential_free(&c);
}

/* Those who have a credential on it, each with his own, and root.  In user mode
 * there is one user. */
static void
act_event(struct plug_act *p, const char *name, const struct watcher_key *k)
{
	struct act_event e = { .act = p, .name = name, .key = k };

	plug_each(p->plug, k->device, act_tell_owner, &e);
	if (e.n == 0)
		act_tell(&e, 0, NULL);
}

static void
act_added(void *arg, const struct watcher_key *k)
{
	act_event(arg, "device-added", k);
}

static void
act_removed(void *arg, const struct watcher_key *k)
{
	act_event(arg, "device-removed", k);
}

/* --- what it means for sessions --- */

/* The name of the credential's device in sessions, or 0. */
static int
act_device(struct plug_act *p, const char *credential, char id[DEVICE_ID_LEN + 1])
{
	struct credential *c = NULL;
	int r;

	if ((r = store_credential_get(p->agent->store, credential, &c)) == TSR_OK)
		r = session_device(c, id);
	credential_free(&c);
	return r == TSR_OK;
}

static void
act_away(void *arg, const char *credential)
{
	struct plug_act *p = arg;
	char id[DEVICE_ID_LEN + 1];

	if (act_device(p, credential, id))
		session_device_away(p->agent->sessions, id);
	pin_guard_pulled(p->agent->guard, credential, "fido");
}

static void
act_back(void *arg, const char *credential)
{
	struct plug_act *p = arg;
	char id[DEVICE_ID_LEN + 1];

	if (act_device(p, credential, id))
		session_device_back(p->agent->sessions, id);
}

static void
act_lock(void *arg, const char *credential, enum presence_reason why)
{
	struct plug_act *p = arg;
	char id[DEVICE_ID_LEN + 1];

	if (act_device(p, credential, id))
		(void)session_device_lock(p->agent->sessions, id, presence_word(why));
}

/* --- a key that is there --- */

static void
act_looked(void *arg, const char *device, int code, const struct plug_found *found, size_t n)
{
	struct plug_act *p = arg;
	size_t i;

	p->look = NULL;
	for (i = 0; i < n; i++)
		if (found[i].code != TSR_OK)
			log_line(LOG_NOTICE, "key %s did not prove that it holds credential %s: %s", device,
			    found[i].credential, tsr_strerror(found[i].code));
	if (code != TSR_OK)
		log_line(LOG_DETAIL, "key %s does not say what it holds: %s", device, tsr_strerror(code));
	plug_looked(p->plug, device, code, found, n);
	for (i = 0; i < n; i++)
		if (found[i].code == TSR_OK)
			kept_credential(p->agent->kept, found[i].credential);
}

static int
act_look(void *arg, const struct watcher_key *k)
{
	struct plug_act *p = arg;

	return plug_look_start(p->agent, p->plug, k->device, act_looked, p, &p->look);
}

/* --- the watcher --- */

static void
act_service(void *arg, int available)
{
	struct plug_act *p = arg;
	const char *detail;

	if (!available) {
		(void)watcher_state_name(p->watcher, &detail);
		log_line(LOG_NOTICE, "keys are not watched%s%s", detail[0] != '\0' ? ": " : "", detail);
	} else
		log_line(LOG_DETAIL, "keys are watched");
	plug_service(p->plug, available);
}

static void
act_plugged(void *arg, const struct watcher_key *k)
{
	struct plug_act *p = arg;

	plug_plugged(p->plug, k);
}

static void
act_unplugged(void *arg, const char *device)
{
	struct plug_act *p = arg;

	plug_unplugged(p->plug, device);
}

static void
act_ready(void *arg)
{
	struct plug_act *p = arg;

	plug_ready(p->plug);
}

/* --- putting it together --- */

static int
act_watch(struct plug_act *p, const char *socket)
{
	struct plug_owner owner = { act_look, act_added, act_removed, act_away, act_back, act_lock, p };
	struct watcher_client client = { .service = act_service, .plugged = act_plugged,
	    .unplugged = act_unplugged, .ready = act_ready, .arg = p };
	struct helpers_options o = p->agent->fido->options;
	int r;

	if (socket != NULL && (p->socket = strdup(socket)) == NULL)
		return TSR_NOMEM;
	o.socket = p->socket;
	o.watch = 1;
	if ((r = plug_new(loop_timers(p->agent->loop), &owner, &p->plug)) != TSR_OK)
		return r;
	return watcher_new(p->agent->loop, &o, &client, &p->watcher);
}

int
plug_act_new(struct agent *a, int watch, const char *socket, struct plug_act **out)
{
	struct plug_act *p;
	int r;

	if ((p = calloc(1, sizeof(*p))) == NULL)
		return TSR_NOMEM;
	p->agent = a;
	if (watch && (r = act_watch(p, socket)) != TSR_OK) {
		plug_act_free(&p);
		return r;
	}
	*out = p;
	return TSR_OK;
}

void
plug_act_free(struct plug_act **pp)
{
	struct plug_act *p = *pp;

	if (p == NULL)
		return;
	plug_look_cancel(&p->look);
	watcher_free(&p->watcher);
	plug_free(&p->plug);
	free(p->socket);
	free(p);
	*pp = NULL;
}

static void
act_limits(struct plug_act *p)
{
	const struct config *c = policy_config(p->agent->policy);

	plug_limits(p->plug, (uint64_t)c->session.lock_after * 1000,
	    (uint64_t)c->session.unwatched * 1000);
}

void
plug_act_start(struct plug_act *p)
{
	if (p->watcher == NULL)
		return;
	act_limits(p);
	plug_start(p->plug);
	watcher_start(p->watcher);
}

void
plug_act_renew(struct plug_act *p)
{
	if (p->watcher == NULL)
		return;
	act_limits(p);
	watcher_renew(p->watcher);
}

void
plug_act_holds(struct plug_act *p, const struct credential *c, const char *device)
{
	if (p->watcher != NULL)
		plug_holds(p->plug, c->id, device);
}

void
plug_act_session(struct plug_act *p, const struct credential *c)
{
	if (p->watcher != NULL)
		plug_session(p->plug, c->id);
}

const char *
plug_act_where(const struct plug_act *p, const struct credential *c)
{
	return p->watcher != NULL ? plug_where(p->plug, c->id) : "";
}

const char *
plug_act_state(const struct plug_act *p, const char **detail)
{
	*detail = "";
	return p->watcher != NULL ? watcher_state_name(p->watcher, detail) : "off";
}
