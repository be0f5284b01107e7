/*
 * kept.c - see kept.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/kept.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/audit_event.h"
#include "agent/clock.h"
#include "agent/epochs.h"
#include "agent/presence_act.h"
#include "agent/store_check.h"
#include "agent/store_session.h"
#include "base/log.h"
#include "include/tessera.h"

struct kept_change {
	struct session_record record;
	int gone;
};

#define KEPT_TRIES	3		/* proofs of one card */

struct kept_wait {
	struct session_record record;
	char device[DEVICE_ID_LEN + 1];	/* "" for a FIDO2 key: it is found by its credential */
	int asking;
	unsigned tries;
};

struct kept {
	struct agent *agent;
	struct timer timer;
	struct kept_wait *waiting;	/* of them, n_waiting: read at the start, not back yet */
	size_t n_waiting;
	struct kept_change change[KEPT_CHANGES];
	size_t n_changes;
	int all;			/* there were more: none is kept */
	int written;			/* by this batch */
};

/* --- what is written down --- */

static struct kept_change *
kept_change(struct kept *k)
{
	if (k->n_changes == KEPT_CHANGES) {
		k->all = 1;
		return NULL;
	}
	memset(&k->change[k->n_changes], 0, sizeof(k->change[0]));
	return &k->change[k->n_changes++];
}

static struct kept_wait *
kept_find(struct kept *k, const char *credential)
{
	size_t i;

	for (i = 0; i < k->n_waiting; i++)
		if (strcmp(k->waiting[i].record.credential, credential) == 0)
			return &k->waiting[i];
	return NULL;
}

static void
kept_forget(struct kept *k, struct kept_wait *w)
{
	*w = k->waiting[--k->n_waiting];
}

/* A key of FIDO2 answers without a touch; a card does by a key for that. */
static int
kept_can(struct kept *k, const struct credential *c)
{
	struct card_key key;

	return credential_is_fido(c) || store_card_get(k->agent->store, c->id, &key) == TSR_OK;
}

void
kept_session(struct kept *k, const struct credential *c, const struct session *s)
{
	struct kept_change *e;
	struct kept_wait *w;

	if ((w = kept_find(k, c->id)) != NULL)
		kept_forget(k, w);	/* it was proved anew */
	if (!kept_can(k, c) || (e = kept_change(k)) == NULL)
		return;
	(void)snprintf(e->record.sid, sizeof(e->record.sid), "%s", s->sid);
	(void)snprintf(e->record.credential, sizeof(e->record.credential), "%s", s->credential);
	e->record.auth_time = s->auth_time;
	e->record.proved_ms = s->proved_ms;
	e->record.ends_ms = s->ends_ms;
	memcpy(e->record.boot, k->agent->boot_id, sizeof(e->record.boot));
}

static void
kept_drop(struct kept *k, const char *sid)
{
	struct kept_change *e = kept_change(k);

	if (e == NULL)
		return;
	(void)snprintf(e->record.sid, sizeof(e->record.sid), "%s", sid);
	e->gone = 1;
}

void
kept_gone(struct kept *k, const struct session *s)
{
	kept_drop(k, s->sid);
}

static int
kept_write(struct kept *k)
{
	struct store *st = k->agent->store;
	size_t i;
	int r;

	if (k->all)
		return store_session_remove(st, NULL);
	for (i = 0; i < k->n_changes; i++) {
		r = k->change[i].gone ? store_session_remove(st, k->change[i].record.sid) :
		    store_session_put(st, &k->change[i].record);
		if (r != TSR_OK)
			return r;
	}
	return TSR_OK;
}

int
kept_flush(struct kept *k)
{
	struct store *st = k->agent->store;
	int r;

	if (k->n_changes == 0)
		return TSR_OK;
	store_undo(st);			/* a request that did not end */
	if ((r = store_begin(st)) != TSR_OK)
		return r;
	if ((r = kept_write(k)) != TSR_OK) {
		store_undo(st);
		return r;
	}
	k->n_changes = 0;
	k->all = 0;
	k->written = 1;
	return store_keep(st);
}

void
kept_settle(struct kept *k, int committed)
{
	if (!committed && k->written) {
		k->all = 1;
		k->n_changes = 1;
	}
	k->written = 0;
}

/* --- what comes back --- */

static void
kept_over(void *arg)
{
	struct kept *k = arg;

	while (k->n_waiting > 0)
		kept_drop(k, k->waiting[--k->n_waiting].record.sid);
	free(k->waiting);
	k->waiting = NULL;
}

/* The credential is read again: what it may do now counts. */
static int
kept_may(struct kept *k, const struct session_record *r, struct credential **c)
{
	struct epochs_state e;

	epochs_state(k->agent->epochs, &e);
	return r->ends_ms > clock_boot_ms() && r->auth_time > e.epoch &&
	    !epochs_sid_dead(k->agent->epochs, r->sid) &&
	    store_credential_get(k->agent->store, r->credential, c) == TSR_OK &&
	    (*c)->state == CREDENTIAL_ACTIVE;
}

static void
kept_restore(struct kept *k, const struct session_record *r)
{
	const struct config *cf = policy_config(k->agent->policy);
	const struct session *s;
	struct credential *c = NULL;

	if (kept_may(k, r, &c) &&
	    session_restore(k->agent->sessions, c, r, cf->session.per_user, &s) == TSR_OK) {
		audit_event_session_restored(k->agent, s);
		presence_act_session(k->agent->presence, c, s);
	} else
		kept_drop(k, r->sid);
	credential_free(&c);
}

void
kept_credential(struct kept *k, const char *credential)
{
	struct kept_wait *w = kept_find(k, credential), found;

	if (w == NULL)
		return;
	found = *w;
	kept_forget(k, w);
	kept_restore(k, &found.record);
}

/* Another boot's, one whose time is over: gone. */
static int
kept_read(void *arg, const struct session_record *r)
{
	struct kept *k = arg;
	struct kept_wait *w = &k->waiting[k->n_waiting];
	struct credential *c = NULL;

	if (memcmp(r->boot, k->agent->boot_id, sizeof(r->boot)) != 0 || k->n_waiting == KEPT_MAX ||
	    r->ends_ms <= clock_boot_ms() || r->proved_ms > clock_boot_ms() ||
	    store_credential_get(k->agent->store, r->credential, &c) != TSR_OK) {
		kept_drop(k, r->sid);
		return TSR_OK;
	}
	memset(w, 0, sizeof(*w));
	w->record = *r;
	if (credential_is_fido(c) || session_device(c, w->device) == TSR_OK)
		k->n_waiting++;
	credential_free(&c);
	return TSR_OK;
}

/* Is one of the card's sessions waiting?  Then it is asked KEPT_TRIES times at
 * most, one at a time. */
static struct kept_wait *
kept_of_card(struct kept *k, const char *device)
{
	size_t i;

	for (i = 0; i < k->n_waiting; i++)
		if (strcmp(k->waiting[i].device, device) == 0)
			return &k->waiting[i];
	return NULL;
}

static void
kept_card_proved(void *arg, const char *device, int code)
{
	struct kept *k = arg;
	struct kept_wait *w, found;

	if (code != TSR_OK) {
		if ((w = kept_of_card(k, device)) != NULL)
			w->asking = 0;
		return;
	}
	while ((w = kept_of_card(k, device)) != NULL) {
		found = *w;
		kept_forget(k, w);
		kept_restore(k, &found.record);
	}
}

void
kept_card(struct kept *k, const struct device *d)
{
	struct kept_wait *w = kept_of_card(k, d->id);

	if (w == NULL || w->asking || w->tries == KEPT_TRIES)
		return;
	w->tries++;
	w->asking = presence_act_ask(k->agent->presence, d, kept_card_proved, k) == TSR_OK;
}

/* --- putting it together --- */

void
kept_start(struct kept *k)
{
	if (store_verdict(k->agent->store) != STORE_GOOD) {	/* an old copy may know of any */
		k->all = 1;
		k->n_changes = 1;
	} else if ((k->waiting = calloc(KEPT_MAX, sizeof(*k->waiting))) == NULL ||
	    store_session_each(k->agent->store, kept_read, k) != TSR_OK)
		log_line(LOG_WARN, "sessions of before the start cannot be read: they are over");
	if (k->n_waiting == 0 || timer_arm(loop_timers(k->agent->loop), &k->timer,
	    clock_boot_ms() + KEPT_WAIT_MS, kept_over, k) != TSR_OK)
		kept_over(k);
}

int
kept_new(struct agent *a, struct kept **out)
{
	struct kept *k;

	if ((k = calloc(1, sizeof(*k))) == NULL)
		return TSR_NOMEM;
	k->agent = a;
	*out = k;
	return TSR_OK;
}

void
kept_free(struct kept **kp)
{
	struct kept *k = *kp;

	if (k == NULL)
		return;
	timer_disarm(loop_timers(k->agent->loop), &k->timer);
	free(k->waiting);
	free(k);
	*kp = NULL;
}
