/*
 * plug.c - credentials that come and go with their keys.  See plug.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/plug.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/clock.h"
#include "agent/plug_internal.h"
#include "include/tessera.h"

static void plug_tick(void *arg);

int
plug_new(struct timers *ts, const struct plug_owner *o, struct plug **out)
{
	struct plug *p;

	if ((p = calloc(1, sizeof(*p))) == NULL)
		return TSR_NOMEM;
	p->timers = ts;
	p->owner = *o;
	*out = p;
	return TSR_OK;
}

void
plug_free(struct plug **p)
{
	if (*p == NULL)
		return;
	timer_disarm((*p)->timers, &(*p)->timer);
	free(*p);
	*p = NULL;
}

void
plug_limits(struct plug *p, uint64_t lock_ms, uint64_t unwatched_ms)
{
	p->lock_ms = lock_ms;
	p->unwatched_ms = unwatched_ms;
}

void
plug_start(struct plug *p)
{
	p->blind_ms = clock_boot_ms();
	plug_arm(p);
}

/* --- what is held --- */

struct held *
plug_find(struct plug *p, const char *credential)
{
	struct held *h;

	for (h = p->held; h < p->held + p->n_held; h++)
		if (strcmp(h->credential, credential) == 0)
			return h;
	return NULL;
}

/* The last one takes its place. */
static void
plug_drop(struct plug *p, struct held *h)
{
	*h = p->held[--p->n_held];
}

struct held *
plug_hold(struct plug *p, const char *credential)
{
	struct held *h = plug_find(p, credential);

	if (h != NULL)
		return h;
	/* one without a session is known for its name's sake alone */
	for (h = p->held; p->n_held == PLUG_HELD_MAX && h < p->held + PLUG_HELD_MAX; h++)
		if (!h->session)
			plug_drop(p, h);
	if (p->n_held == PLUG_HELD_MAX)
		return NULL;
	h = &p->held[p->n_held++];
	memset(h, 0, sizeof(*h));
	(void)snprintf(h->credential, sizeof(h->credential), "%s", credential);
	return h;
}

static void
plug_away(struct plug *p, struct held *h)
{
	h->device[0] = '\0';
	h->expect_ms = 0;
	if (!h->away)		/* else it counts from the first time */
		h->away_ms = clock_boot_ms();
	h->away = 1;
	p->owner.away(p->owner.arg, h->credential);
}

void
plug_pulled(struct plug *p, const char *device)
{
	struct held *h;
	size_t i;

	for (i = p->n_held; i-- > 0;) {
		h = &p->held[i];
		if (strcmp(h->device, device) != 0)
			continue;
		if (h->session)
			plug_away(p, h);
		else
			plug_drop(p, h);
	}
	plug_arm(p);
}

void
plug_lock(struct plug *p, struct held *h, enum presence_reason why)
{
	char credential[STORE_ID_LEN + 1];

	memcpy(credential, h->credential, sizeof(credential));
	h->session = h->away = 0;
	h->expect_ms = 0;
	if (h->device[0] == '\0')
		plug_drop(p, h);
	p->owner.away(p->owner.arg, credential);	/* all of them, those proved since as well */
	p->owner.lock(p->owner.arg, credential, why);
}

void
plug_holds(struct plug *p, const char *credential, const char *device)
{
	struct held *h;

	if ((h = plug_hold(p, credential)) == NULL)
		return;
	(void)snprintf(h->device, sizeof(h->device), "%s", device);
	h->expect_ms = plug_stay(p, device) != NULL ? 0 : clock_boot_ms() + PLUG_EXPECT_MS;
}

void
plug_session(struct plug *p, const char *credential)
{
	struct held *h = plug_find(p, credential);

	if (h == NULL || p->unwatched) {
		p->owner.away(p->owner.arg, credential);
		p->owner.lock(p->owner.arg, credential, PRESENCE_UNWATCHED);
		return;
	}
	h->session = 1;
	h->away = 0;
	if (h->device[0] == '\0' || plug_was_there(p, h->device))
		plug_away(p, h);	/* it was pulled before its proof was heard */
	plug_arm(p);
}

int
plug_is_away(const struct plug *p, const char *credential)
{
	const struct held *h;

	for (h = p->held; h < p->held + p->n_held; h++)
		if (strcmp(h->credential, credential) == 0)
			return h->away;
	return 0;
}

const char *
plug_where(const struct plug *p, const char *credential)
{
	const struct held *h;

	for (h = p->held; h < p->held + p->n_held; h++)
		if (strcmp(h->credential, credential) == 0)
			return h->device;
	return "";
}

void
plug_each(const struct plug *p, const char *device,
    void (*each)(void *arg, const char *credential), void *arg)
{
	const struct held *h;

	for (h = p->held; h < p->held + p->n_held; h++)
		if (strcmp(h->device, device) == 0)
			each(arg, h->credential);
}

/* --- time --- */

/* Until when one that is away may come back. */
static uint64_t
plug_due(const struct plug *p, const struct held *h)
{
	uint64_t due = UINT64_MAX;

	/* back in time, perhaps: let it prove itself */
	return h->away_ms + p->lock_ms + (plug_asks(p, &due) ? PLUG_PROVE_MS : 0);
}

void
plug_arm(struct plug *p)
{
	uint64_t due = UINT64_MAX;
	const struct held *h;

	(void)plug_asks(p, &due);
	for (h = p->held; h < p->held + p->n_held; h++) {
		if (h->away && plug_due(p, h) < due)
			due = plug_due(p, h);
		if (h->expect_ms != 0 && h->expect_ms < due)
			due = h->expect_ms;
	}
	if (!p->watching && !p->unwatched && p->blind_ms + p->unwatched_ms < due)
		due = p->blind_ms + p->unwatched_ms;
	timer_disarm(p->timers, &p->timer);
	if (due != UINT64_MAX)
		(void)timer_arm(p->timers, &p->timer, due, plug_tick, p);
}

static void
plug_tick_held(struct plug *p, struct held *h, uint64_t now)
{
	if (h->expect_ms != 0 && h->expect_ms <= now) {
		h->expect_ms = 0;
		if (h->session && p->watching) {
			plug_away(p, h);
			return;
		}
	}
	if (h->away && plug_due(p, h) <= now)
		plug_lock(p, h, PRESENCE_REMOVED);
}

static void
plug_tick(void *arg)
{
	struct plug *p = arg;
	uint64_t now = clock_boot_ms();
	size_t i;

	for (i = p->n_held; i-- > 0;)
		plug_tick_held(p, &p->held[i], now);
	if (!p->watching && !p->unwatched && p->blind_ms + p->unwatched_ms <= now) {
		p->unwatched = 1;
		for (i = p->n_held; i-- > 0;)
			if (p->held[i].session && !p->held[i].away)
				plug_lock(p, &p->held[i], PRESENCE_UNWATCHED);
	}
	plug_next(p);
	plug_arm(p);
}
