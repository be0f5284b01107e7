/*
 * presence.c - see presence.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/presence.h"

#include <stdlib.h>
#include <string.h>

#include "agent/clock.h"
#include "agent/presence_internal.h"
#include "include/tessera.h"

static void presence_tick(void *arg);

const char *
presence_word(enum presence_reason why)
{
	switch (why) {
	case PRESENCE_UNWATCHED:
		return "unwatched";
	case PRESENCE_FALSE:
		return "not_proved";
	case PRESENCE_REMOVED:
		break;
	}
	return "device_removed";
}

int
presence_new(struct timers *ts, const struct presence_owner *o, struct presence **out)
{
	struct presence *p;

	if ((p = calloc(1, sizeof(*p))) == NULL)
		return TSR_NOMEM;
	p->timers = ts;
	p->owner = *o;
	*out = p;
	return TSR_OK;
}

void
presence_free(struct presence **p)
{
	if (*p == NULL)
		return;
	timer_disarm((*p)->timers, &(*p)->timer);
	timer_disarm((*p)->timers, &(*p)->retry);
	free(*p);
	*p = NULL;
}

void
presence_limits(struct presence *p, uint64_t lock_ms, uint64_t unwatched_ms)
{
	p->lock_ms = lock_ms;
	p->unwatched_ms = unwatched_ms;
}

/* --- tokens --- */

static struct token *
presence_find(struct presence *p, const char *device)
{
	struct token *t;

	for (t = p->token; t < p->token + p->n_tokens; t++)
		if (strcmp(t->device.id, device) == 0)
			return t;
	return NULL;
}

static struct token *
presence_add(struct presence *p, const struct device *d)
{
	struct token *t;

	if (p->n_tokens == PRESENCE_TOKENS_MAX)
		return NULL;
	t = &p->token[p->n_tokens++];
	memset(t, 0, sizeof(*t));
	t->device = *d;
	return t;
}

/* The last one takes its place. */
void
presence_drop(struct presence *p, struct token *t)
{
	*t = p->token[--p->n_tokens];
}

/* What would be missed, were it taken out while nobody watches. */
static int
presence_is_card(const struct token *t)
{
	return !t->contactless && (t->watched || (t->device.flags & PROTO_TOKEN_REMOVABLE) != 0);
}

/* Until when a token that is away may come back. */
static uint64_t
presence_due(const struct presence *p, const struct token *t)
{
	uint64_t due = t->away_ms + p->lock_ms;

	/* back in time, as far as the reader knows: let it prove itself */
	return t->round != 0 || t->stumbled || p->listing ? due + PRESENCE_PROVE_MS : due;
}

void
presence_arm(struct presence *p)
{
	uint64_t due = UINT64_MAX;
	const struct token *t;
	const struct place *r;

	for (t = p->token; t < p->token + p->n_tokens; t++)
		if (t->away && presence_due(p, t) < due)
			due = presence_due(p, t);
	for (r = p->place; r < p->place + p->n_places; r++)
		if (r->doubt_ms != 0 && r->doubt_ms < due)
			due = r->doubt_ms;
	if (!p->watching && !p->unwatched && p->blind_ms + p->unwatched_ms < due)
		due = p->blind_ms + p->unwatched_ms;
	timer_disarm(p->timers, &p->timer);
	if (due != UINT64_MAX)
		(void)timer_arm(p->timers, &p->timer, due, presence_tick, p);
}

static void
presence_lock(struct presence *p, struct token *t, enum presence_reason why)
{
	struct device d = t->device;

	t->away = 0;
	t->round = 0;
	t->stumbled = 0;
	p->owner.away(p->owner.arg, &d);	/* all of them, those proved since as well */
	p->owner.lock(p->owner.arg, &d, why);
}

/* Nobody has watched over it for too long. */
static void
presence_forsake(struct presence *p, struct token *t)
{
	if (presence_is_card(t) && !t->away)	/* else it is locked in its own time */
		presence_lock(p, t, PRESENCE_UNWATCHED);
}

/* A card that was there before the gap has not been found again. */
static void
presence_tick_places(struct presence *p, uint64_t now)
{
	struct place *r;

	for (r = p->place; r < p->place + p->n_places; r++) {
		if (r->doubt_ms == 0 || r->doubt_ms > now)
			continue;
		r->doubt_ms = 0;
		r->last.state &= ~PROTO_READER_PRESENT;
		r->changed = ++p->seq;
		presence_pulled(p, r->last.slot);
	}
}

static void
presence_tick(void *arg)
{
	struct presence *p = arg;
	uint64_t now = clock_boot_ms();
	struct token *t;
	size_t i;

	presence_tick_places(p, now);
	for (i = p->n_tokens; i-- > 0;) {
		t = &p->token[i];
		if (!t->away || presence_due(p, t) > now)
			continue;
		t->away = 0;
		t->round = 0;
		t->stumbled = 0;
		p->owner.lock(p->owner.arg, &t->device, PRESENCE_REMOVED);
		if (!t->here)
			presence_drop(p, t);
	}
	if (!p->watching && !p->unwatched && p->blind_ms + p->unwatched_ms <= now) {
		p->unwatched = 1;
		for (t = p->token; t < p->token + p->n_tokens; t++)
			presence_forsake(p, t);
	}
	presence_arm(p);
}

/* --- listing --- */

void
presence_list(void *arg)
{
	struct presence *p = arg;

	if (p->listing) {
		p->again = 1;
		return;
	}
	p->again = 0;
	p->list_seq = p->seq;
	p->lists++;
	p->listing = p->owner.list(p->owner.arg) == TSR_OK;
	if (!p->listing)
		(void)timer_arm(p->timers, &p->retry, clock_boot_ms() + PRESENCE_RETRY_MS,
		    presence_list, p);
	presence_arm(p);
}

static void
presence_later(struct presence *p)
{
	(void)timer_arm(p->timers, &p->retry, clock_boot_ms() + PRESENCE_RETRY_MS, presence_list, p);
}

void
presence_start(struct presence *p)
{
	p->blind_ms = clock_boot_ms();
	presence_list(p);
}

void
presence_renew(struct presence *p)
{
	presence_list(p);
}

/* The reader of a token, or NULL. */
static const struct place *
presence_place(const struct presence *p, const char *slot)
{
	const struct place *r;

	if (!p->watching)	/* what is known of readers is old */
		return NULL;
	for (r = p->place; slot[0] != '\0' && r < p->place + p->n_places; r++)
		if (strcmp(r->last.slot, slot) == 0)
			return r;
	return NULL;
}

/* Have it prove itself.  Where it cannot: one that was away is locked at the
 * limit, one that nobody watched for a while is taken to be the same. */
static void
presence_prove(struct presence *p, struct token *t)
{
	if ((t->round = ++p->rounds) == 0)
		t->round = p->rounds = 1;
	t->tries++;
	t->stumbled = 0;
	if (p->owner.prove(p->owner.arg, &t->device, t->round) != TSR_OK)
		t->round = 0;
}

/* One that was known and is listed. */
static void
presence_again(struct presence *p, struct token *t, const struct device *d)
{
	int moved = t->watched && strcmp(t->device.reader, d->reader) != 0;

	if (!t->away && moved) {	/* between readers, while nobody watched */
		t->round = 0;
		p->owner.removed(p->owner.arg, &t->device);
		p->owner.away(p->owner.arg, &t->device);
		t->away = 1;
		t->away_ms = clock_boot_ms();
		t->here = 0;
	}
	t->device = *d;
	t->guessed = 0;
	if (t->away && !t->here) {
		t->here = 1;
		t->tries = 0;
		p->owner.added(p->owner.arg, &t->device);
		presence_prove(p, t);
	} else if (t->stumbled || (!t->away && t->watched && p->gap != 0 && t->round == 0 &&
	    t->tries == 0 && !t->contactless))
		presence_prove(p, t);
}

static void
presence_take(struct presence *p, const struct device *d)
{
	const struct place *r = presence_place(p, d->reader);
	struct token *t = presence_find(p, d->id);
	int fresh = t == NULL;

	/* What the reader did since the listing began is not in it. */
	if (r != NULL && r->doubt_ms == 0 && (r->changed > p->list_seq || (r->last.state & PROTO_READER_PRESENT) == 0)) {
		if (t != NULL)
			t->seen = 1;
		p->again |= r->changed > p->list_seq;
		return;
	}
	if (fresh && (t = presence_add(p, d)) == NULL)
		return;
	t->seen = 1;
	if (!fresh && !t->guessed)
		presence_again(p, t, d);
	else if (p->settled && fresh)
		p->owner.added(p->owner.arg, d);
	t->device = *d;
	t->guessed = 0;
	t->watched = p->watching ? r != NULL : t->watched;
	t->contactless = r != NULL ? (r->last.state & PROTO_READER_CONTACTLESS) != 0 : t->contactless;
	if (fresh && p->unwatched)
		presence_forsake(p, t);
}

/* One that is known and was not listed. */
static void
presence_missed(struct presence *p, struct token *t)
{
	const struct place *r = presence_place(p, t->device.reader);
	int card = t->watched && !t->contactless;

	if (t->guessed && (p->lists == t->born || ++t->tries < PRESENCE_LOOKS)) {
		p->missing = 1;		/* this list is older than the proof, or a slip */
		return;
	}
	if (t->guessed) {	/* it went between its proof and this */
		presence_lock(p, t, PRESENCE_REMOVED);
		presence_drop(p, t);
		return;
	}
	if (t->away || (!p->watching && t->watched))
		return;
	/* The module cannot read what the reader holds: somebody else's hour.  After
	 * a gap it gets a few looks to find its readers again. */
	if (card && r != NULL && (r->last.state & PROTO_READER_PRESENT) != 0 &&
	    (p->gap == 0 || p->gap > 1)) {
		p->missing |= p->gap != 0;
		return;
	}
	p->owner.removed(p->owner.arg, &t->device);
	if (!card) {
		presence_drop(p, t);
		return;
	}
	t->away = 1;
	t->here = 0;
	t->round = 0;
	t->away_ms = clock_boot_ms();
	p->owner.away(p->owner.arg, &t->device);
}

static int
presence_failed(const struct device_list *l, const char *module)
{
	size_t i;

	for (i = 0; i < l->n_failures; i++)
		if (strcmp(l->failure[i].module, module) == 0)
			return 1;
	return 0;
}

/* Does any token sit there? */
static int
presence_holds(const struct presence *p, const struct place *r)
{
	const struct token *t;

	for (t = p->token; t < p->token + p->n_tokens; t++)
		if (t->seen && strcmp(t->device.reader, r->last.slot) == 0)
			return 1;
	return 0;
}

/* A card that was put in and is in no list: it may not have been ready. */
static int
presence_look_again(struct presence *p)
{
	struct place *r;
	int again = 0;

	for (r = p->place; r < p->place + p->n_places; r++) {
		if (r->looks == 0)
			continue;
		r->looks = presence_holds(p, r) ? 0 : r->looks - 1;
		again |= r->looks != 0;
	}
	return again;
}

/* All that was there before it has been looked at again, or there will be
 * another look. */
static int
presence_close_gap(struct presence *p, int listed)
{
	const struct place *r;
	int doubt = 0;

	for (r = p->place; r < p->place + p->n_places; r++)
		doubt |= r->doubt_ms != 0;
	if (!p->watching || p->gap == 0)
		return 0;
	if (listed && !p->missing && !doubt) {
		p->gap = 0;
		return 0;
	}
	if (p->gap > 1 && !doubt)
		p->gap--;
	return 1;
}

void
presence_listed(struct presence *p, const struct device_list *l)
{
	int again;
	size_t i;

	p->listing = p->missing = 0;
	for (i = 0; i < p->n_tokens; i++)
		p->token[i].seen = l == NULL || presence_failed(l, p->token[i].device.module);
	for (i = 0; l != NULL && i < l->n; i++)
		presence_take(p, &l->device[i]);
	for (i = p->n_tokens; i-- > 0;)
		if (!p->token[i].seen)
			presence_missed(p, &p->token[i]);
	if (l != NULL && !p->again)
		p->settled = 1;
	again = presence_look_again(p);
	again |= presence_close_gap(p, l != NULL) | p->missing;
	if (p->again)
		presence_list(p);
	else if (again)
		presence_later(p);
	presence_arm(p);
}

void
presence_proved(struct presence *p, const char *device, unsigned round, int code)
{
	struct token *t = presence_find(p, device);

	if (t == NULL || t->round != round)
		return;		/* it has gone again since */
	t->round = 0;
	if (code == TSR_OK && t->away) {
		t->away = 0;
		p->owner.back(p->owner.arg, &t->device);
	} else if (code != TSR_OK && code != TSR_BAD_SIGNATURE &&
	    (!p->watching || t->tries < PRESENCE_TRIES)) {
		t->stumbled = 1;	/* a card that is pushed in, a module that lost its pcscd */
		presence_later(p);
	} else if (code != TSR_OK)
		presence_lock(p, t, PRESENCE_FALSE);
	presence_arm(p);
}

/* --- sessions --- */

void
presence_session(struct presence *p, const struct device *d)
{
	struct token *t = presence_find(p, d->id);

	if (t == NULL && (t = presence_add(p, d)) != NULL) {
		t->guessed = 1;		/* proved without having been listed */
		t->born = p->lists;
		presence_list(p);
	} else if (t == NULL || (p->unwatched && presence_is_card(t))) {
		p->owner.away(p->owner.arg, d);
		p->owner.lock(p->owner.arg, d, PRESENCE_UNWATCHED);
	}
}

int
presence_is_away(const struct presence *p, const char *device)
{
	const struct token *t;

	for (t = p->token; t < p->token + p->n_tokens; t++)
		if (strcmp(t->device.id, device) == 0)
			return t->away;
	return 0;
}
