/*
 * plug_key.c - keys that are plugged in and pulled out, and what they say they
 * hold.  See plug.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/plug_internal.h"

#include <stdio.h>
#include <string.h>

#include "agent/clock.h"
#include "include/tessera.h"

struct stay *
plug_stay(struct plug *p, const char *device)
{
	struct stay *s;

	for (s = p->stay; s < p->stay + p->n_stays; s++)
		if (strcmp(s->key.device, device) == 0)
			return s;
	return NULL;
}

int
plug_was_there(const struct plug *p, const char *device)
{
	size_t i;

	for (i = 0; i < PLUG_GONE_MAX; i++)
		if (strcmp(p->gone[i], device) == 0)
			return 1;
	return 0;
}

/* --- the watcher --- */

void
plug_service(struct plug *p, int available)
{
	size_t i;

	p->reporting = available;
	for (i = 0; i < p->n_stays; i++)
		p->stay[i].told = 0;
	if (!p->watching)
		return;
	p->watching = 0;
	p->unwatched = 0;
	p->blind_ms = clock_boot_ms();
	plug_arm(p);
}

void
plug_plugged(struct plug *p, const struct watcher_key *k)
{
	struct stay *s = plug_stay(p, k->device);
	struct held *h;

	if (s != NULL) {
		s->told = 1;
		return;
	}
	if (p->n_stays == PROTO_FIDO_KEYS_MAX || k->device[0] == '\0')
		return;
	s = &p->stay[p->n_stays++];
	memset(s, 0, sizeof(*s));
	s->key = *k;
	s->told = s->look = 1;
	s->quiet = !p->settled;
	for (h = p->held; h < p->held + p->n_held; h++)
		if (strcmp(h->device, k->device) == 0)
			h->expect_ms = 0;
	plug_next(p);
	plug_arm(p);
}

void
plug_unplugged(struct plug *p, const char *device)
{
	struct stay *s = plug_stay(p, device);
	struct watcher_key k;

	if (s == NULL)
		return;
	k = s->key;
	*s = p->stay[--p->n_stays];
	memcpy(p->gone[p->n_gone++ % PLUG_GONE_MAX], k.device, sizeof(k.device));
	p->owner.removed(p->owner.arg, &k);
	plug_pulled(p, k.device);
}

void
plug_ready(struct plug *p)
{
	char device[WATCHER_DEVICE_LEN];
	size_t i;

	if (!p->reporting)
		return;
	for (i = p->n_stays; i-- > 0;)
		if (!p->stay[i].told) {
			memcpy(device, p->stay[i].key.device, sizeof(device));
			plug_unplugged(p, device);
		}
	p->reporting = p->unwatched = 0;
	p->watching = p->settled = 1;
	plug_arm(p);
}

/* --- what they hold --- */

/* It was asked, or is asked no more: now it has a name for those it concerns. */
static void
plug_known(struct plug *p, struct stay *s)
{
	struct watcher_key k = s->key;
	int quiet = s->quiet;

	s->look = 0;
	s->quiet = 1;
	if (!quiet)
		p->owner.added(p->owner.arg, &k);
}

static void
plug_stumbled(struct plug *p, struct stay *s)
{
	s->look_ms = clock_boot_ms() + PLUG_RETRY_MS;
	if (++s->tries >= PLUG_TRIES)
		plug_known(p, s);
}

int
plug_asks(const struct plug *p, uint64_t *due)
{
	const struct stay *s;
	int asks = p->looking[0] != '\0';

	for (s = p->stay; s < p->stay + p->n_stays; s++) {
		if (!s->look)
			continue;
		if (p->looking[0] == '\0' && s->look_ms < *due)
			*due = s->look_ms;
		asks = 1;
	}
	return asks;
}

void
plug_next(struct plug *p)
{
	uint64_t now = clock_boot_ms();
	struct stay *s;
	int r;

	for (s = p->stay; s < p->stay + p->n_stays && p->looking[0] == '\0'; s++) {
		if (!s->look || s->look_ms > now)
			continue;
		if ((r = p->owner.look(p->owner.arg, &s->key)) == TSR_OK)
			memcpy(p->looking, s->key.device, sizeof(p->looking));
		else if (r == TSR_NOT_FOUND)
			plug_known(p, s);
		else
			plug_stumbled(p, s);
	}
}

/* What one credential's signature came to: 1 where it has to be asked for again. */
static int
plug_take(struct plug *p, const struct stay *s, const struct plug_found *f)
{
	struct held *h = plug_find(p, f->credential);

	if (f->code != TSR_OK) {
		if (h == NULL || !h->away)
			return 0;
		if (f->code != TSR_BAD_SIGNATURE && f->code != TSR_DENIED)
			return 1;
		plug_lock(p, h, PRESENCE_FALSE);
		return 0;
	}
	if ((h = plug_hold(p, f->credential)) == NULL)
		return 0;
	memcpy(h->device, s->key.device, sizeof(h->device));
	h->expect_ms = 0;
	if (h->away) {
		h->away = 0;
		p->owner.back(p->owner.arg, h->credential);
	}
	return 0;
}

void
plug_looked(struct plug *p, const char *device, int code, const struct plug_found *found, size_t n)
{
	struct stay *s = plug_stay(p, device);
	int again = code != TSR_OK;
	size_t i;

	p->looking[0] = '\0';
	for (i = 0; s != NULL && i < n; i++)	/* NULL: it has gone again since */
		again |= plug_take(p, s, &found[i]);
	if (s != NULL && again)
		plug_stumbled(p, s);
	else if (s != NULL)
		plug_known(p, s);
	plug_next(p);
	plug_arm(p);
}
