/*
 * opaque.c - see opaque.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/opaque.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/audit_event.h"
#include "agent/clock.h"
#include "agent/mint.h"
#include "agent/watch.h"
#include "include/tessera.h"

/* A sid that is no more, and what its families are under now: "" nothing. */
struct opaque_gone {
	char sid[STORE_ID_LEN + 1], to[STORE_ID_LEN + 1];
};

struct opaques {
	struct secret *key;			/* of the hashes; NULL until it is needed */
	struct opaque_gone gone[OPAQUE_GONE_MAX];	/* in the order in which it happened */
	size_t n_gone, n_written;		/* of those, in the batch under way */
	int too_many;				/* all that is kept has to go */
	int swept;				/* no family of an earlier boot is left */
	int judged;				/* what an agent before us left of dead sids was ended */
};

int
opaques_new(struct opaques **out)
{
	return (*out = calloc(1, sizeof(**out))) != NULL ? TSR_OK : TSR_NOMEM;
}

void
opaques_free(struct opaques **o)
{
	if (*o != NULL)
		secret_free(&(*o)->key);
	free(*o);
	*o = NULL;
}

int
opaque_key(struct agent *a, int make, struct secret **key)
{
	int r = TSR_OK;

	if (a->opaques->key == NULL)
		r = store_token_key(a->store, make, &a->opaques->key);
	*key = a->opaques->key;
	return r;
}

/* A user's programs are all his; a service is its uid and, where that was asked for,
 * its unit. */
static int
opaque_is_of(const struct agent *a, const struct caller *by, const struct store_token *t)
{
	const struct config_audience *aud = policy_audience(a->policy, t->audience);
	char client[MINT_CLIENT_MAX];

	if (t->uid != by->uid || t->acr != 0)
		return t->uid == by->uid;
	if (aud == NULL)
		mint_client_uid(by->uid, client);
	else
		mint_client_id(aud, by, client);
	return strcmp(t->client, client) == 0;
}

int
opaque_revoke(struct agent *a, const struct caller *by, const char *text)
{
	struct store_token t;
	struct opaque o;
	int r;

	if ((r = opaque_read(a, text, &o)) != TSR_OK)
		return r == TSR_INVALID ? TSR_NOT_FOUND : r;
	sodium_memzero(o.family, sizeof(o.family));
	if ((r = store_token_get(a->store, o.kind, o.hash, &t)) != TSR_OK)
		return r == TSR_CORRUPT ? TSR_NOT_FOUND : r;
	if (!opaque_is_of(a, by, &t))
		return TSR_NOT_FOUND;
	if ((r = audit_ready(a->audit)) != TSR_OK || (r = store_begin(a->store)) != TSR_OK)
		return r;
	if ((r = store_token_end(a->store, t.hash, NULL)) == TSR_OK)
		r = audit_event_token(a, by, "token-revoked", &t);
	if (r == TSR_OK)
		return store_keep(a->store);
	store_undo(a->store);
	return r;
}

int
opaque_end(struct agent *a, const char *subject, const char *credential)
{
	int r;

	if ((r = store_begin(a->store)) != TSR_OK)
		return r;
	r = subject != NULL ? store_token_end_subject(a->store, subject, NULL) :
	    credential != NULL ? store_token_end_credential(a->store, credential, NULL) :
	    store_token_end_all(a->store, NULL);
	if (r == TSR_OK)
		return store_keep(a->store);
	store_undo(a->store);
	return r;
}

/* --- sessions that ended, or go on under another sid --- */

/* Has it any, or will it have after what happened before? */
static int
opaque_has(struct agent *a, const char *sid)
{
	const struct opaques *o = a->opaques;
	size_t i;

	for (i = 0; i < o->n_gone; i++)
		if (strcmp(o->gone[i].to, sid) == 0)
			return 1;
	return store_token_of_session(a->store, sid) != TSR_NOT_FOUND;
}

static void
opaque_note(struct agent *a, const char *sid, const char *to)
{
	struct opaques *o = a->opaques;
	struct opaque_gone *g;

	if (!opaque_has(a, sid))
		return;
	if (o->n_gone == OPAQUE_GONE_MAX) {
		o->too_many = 1;	/* as when everybody is logged out at once */
		return;
	}
	g = &o->gone[o->n_gone++];
	(void)snprintf(g->sid, sizeof(g->sid), "%s", sid);
	(void)snprintf(g->to, sizeof(g->to), "%s", to);
}

void
opaque_session_ended(struct agent *a, const char *sid)
{
	opaque_note(a, sid, "");
}

void
opaque_session_moved(struct agent *a, const char *sid, const char *to)
{
	opaque_note(a, sid, to);
}

const char *
opaque_sid_now(const struct agent *a, const char *sid)
{
	const struct opaques *o = a->opaques;
	size_t i;

	for (i = 0; i < o->n_gone && sid[0] != '\0'; i++)
		if (strcmp(o->gone[i].sid, sid) == 0)
			sid = o->gone[i].to;
	return o->too_many || sid[0] == '\0' ? NULL : sid;
}

static int
opaque_write(struct store *st, const struct opaque_gone *g)
{
	return g->to[0] == '\0' ? store_token_end_session(st, g->sid, NULL) :
	    store_token_move_session(st, g->sid, g->to);
}

int
opaque_end_sessions(struct agent *a)
{
	struct opaques *o = a->opaques;
	size_t i;
	int r;

	o->n_written = 0;
	if (o->n_gone == 0)
		return TSR_OK;
	store_undo(a->store);		/* a request that did not end */
	if ((r = store_begin(a->store)) != TSR_OK)
		return r;
	if (o->too_many)
		r = store_token_end_all(a->store, NULL);
	for (i = 0; i < o->n_gone && !o->too_many && r == TSR_OK; i++)
		r = opaque_write(a->store, &o->gone[i]);
	if (r != TSR_OK) {
		store_undo(a->store);
		return r;
	}
	o->n_written = o->n_gone;
	return store_keep(a->store);
}

void
opaque_settle(struct agent *a, int committed)
{
	struct opaques *o = a->opaques;

	if (!committed || o->n_written == 0)
		return;
	o->n_gone -= o->n_written;
	memmove(o->gone, o->gone + o->n_written, o->n_gone * sizeof(o->gone[0]));
	o->n_written = 0;
	o->too_many = 0;
}

static void
opaque_judge_sid(void *arg, const char *sid)
{
	struct agent *a = arg;

	if (epochs_sid_dead(a->epochs, sid))
		opaque_session_ended(a, sid);
}

/* An agent that was killed may have told verifiers of an end, and not its store. */
static void
opaque_judge(struct agent *a)
{
	if (!a->opaques->judged && store_token_sids(a->store, opaque_judge_sid, a) == TSR_OK)
		a->opaques->judged = 1;
}

void
opaque_sweep(struct agent *a)
{
	int other = !a->opaques->swept, n = 0, r;
	int64_t wall = clock_wall(), boot_ms = (int64_t)clock_boot_ms();

	opaque_judge(a);
	if (watch_mint(a->watch) != TSR_OK)	/* by a clock that is not believed nothing is over */
		return;
	if ((r = store_token_due(a->store, wall, boot_ms, a->boot_id, other)) == TSR_NOT_FOUND)
		a->opaques->swept = 1;
	if (r != TSR_OK || store_begin(a->store) != TSR_OK)
		return;
	if (store_token_sweep(a->store, wall, boot_ms, a->boot_id, other, &n) == TSR_OK)
		(void)store_keep(a->store);
	else
		store_undo(a->store);
}
