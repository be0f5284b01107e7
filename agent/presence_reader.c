/*
 * presence_reader.c - what the watcher says of readers.  See presence.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/presence_internal.h"

#include <string.h>

#include "agent/clock.h"

void
presence_pulled(struct presence *p, const char *slot)
{
	struct token *t;
	size_t i;

	for (i = p->n_tokens; i-- > 0;) {
		t = &p->token[i];
		if (!t->watched || strcmp(t->device.reader, slot) != 0 || (t->away && !t->here))
			continue;
		p->owner.removed(p->owner.arg, &t->device);
		if (t->contactless) {
			presence_drop(p, t);
			continue;
		}
		if (!t->away)	/* else it counts from the first time */
			t->away_ms = clock_boot_ms();
		t->away = 1;
		t->here = 0;
		t->round = 0;
		t->stumbled = 0;
		p->owner.away(p->owner.arg, &t->device);
	}
	presence_arm(p);
}

static struct place *
presence_reader_find(struct presence *p, const char *name)
{
	struct place *r;

	for (r = p->place; r < p->place + p->n_places; r++)
		if (strcmp(r->last.name, name) == 0)
			return r;
	if (p->n_places == PRESENCE_READERS_MAX)
		return NULL;
	memset(r, 0, sizeof(*r));
	p->n_places++;
	return r;
}

static void
presence_reader_drop(struct presence *p, struct place *r)
{
	char slot[WATCHER_SLOT_MAX];
	int held = (r->last.state & PROTO_READER_PRESENT) != 0;

	memcpy(slot, r->last.slot, sizeof(slot));
	*r = p->place[--p->n_places];
	if (held)
		presence_pulled(p, slot);
}

static void
presence_doubt(struct presence *p, struct place *r)
{
	if (r->doubt_ms == 0)
		r->doubt_ms = clock_boot_ms() + PRESENCE_DOUBT_MS;
	presence_arm(p);
}

void
presence_reader(struct presence *p, const struct watcher_reader *now)
{
	struct place *r;
	int was, is, changed;

	if ((r = presence_reader_find(p, now->name)) == NULL)
		return;
	if ((now->state & PROTO_READER_GONE) != 0) {
		p->seq++;
		presence_reader_drop(p, r);
		return;
	}
	was = (r->last.state & PROTO_READER_PRESENT) != 0;
	is = (now->state & PROTO_READER_PRESENT) != 0;
	r->told = 1;
	if (was && !is && (p->reporting || r->doubt_ms != 0)) {
		presence_doubt(p, r);	/* pcscd is young and has not looked at all cards */
		return;
	}
	if (r->doubt_ms != 0)
		was = 0;
	r->doubt_ms = 0;
	/* The count begins anew with pcscd: in a report it says nothing. */
	changed = was != is || (was && !p->reporting && r->last.count != now->count);
	r->last = *now;
	if (!changed)
		return;
	r->changed = ++p->seq;
	r->looks = is ? PRESENCE_LOOKS : 0;
	if (was)
		presence_pulled(p, now->slot);
	if (is && !p->reporting)
		presence_list(p);
}

void
presence_service(struct presence *p, int available)
{
	size_t i;

	p->reporting = available;
	for (i = 0; i < p->n_places; i++) {
		p->place[i].told = 0;
		p->place[i].doubt_ms = 0;
	}
	if (!p->watching)
		return;
	p->watching = 0;
	p->gap = PRESENCE_LOOKS;
	for (i = 0; i < p->n_tokens; i++)
		p->token[i].tries = 0;
	p->blind_ms = clock_boot_ms();
	p->unwatched = 0;
	presence_arm(p);
}

void
presence_ready(struct presence *p)
{
	size_t i;

	if (!p->reporting)
		return;
	for (i = p->n_places; i-- > 0;)
		if (!p->place[i].told && (p->place[i].last.state & PROTO_READER_PRESENT) != 0)
			presence_doubt(p, &p->place[i]);
		else if (!p->place[i].told)
			presence_reader_drop(p, &p->place[i]);
	p->reporting = 0;
	p->watching = 1;
	p->unwatched = 0;
	presence_list(p);
}
