/*
 * clock_guard.c - see clock_guard.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/clock_guard.h"

#include <stdlib.h>

#include "agent/clock.h"
#include "tessera.h"

struct clock_guard {
	enum clock_state state;
	int64_t offset_ms;	/* wall clock less boot-time clock, as it should be */
	uint64_t looked_ms;	/* drift was granted up to here, on the boot-time clock */
	int64_t mark;
	void (*changed)(void *arg, const struct clock_report *r);
	void *arg;
};

static int64_t
guard_offset(uint64_t boot_ms)
{
	return clock_wall() * 1000 - (int64_t)boot_ms;
}

int
clock_guard_new(int64_t mark, void (*changed)(void *arg, const struct clock_report *r), void *arg,
    struct clock_guard **out)
{
	struct clock_guard *g;

	if ((g = calloc(1, sizeof(*g))) == NULL)
		return TSR_NOMEM;
	g->looked_ms = clock_boot_ms();
	g->offset_ms = guard_offset(g->looked_ms);
	g->mark = mark;
	g->changed = changed;
	g->arg = arg;
	if (clock_wall() < mark - CLOCK_GUARD_JUMP_S && !clock_synchronised())
		g->state = CLOCK_BEHIND;
	else if (clock_synchronised() || clock_wall() > mark)
		g->mark = clock_wall();
	*out = g;
	return TSR_OK;
}

void
clock_guard_free(struct clock_guard **g)
{
	free(*g);
	*g = NULL;
}

static void
guard_enter(struct clock_guard *g, enum clock_state state)
{
	struct clock_report r;

	clock_guard_report(g, &r);
	r.state = g->state = state;
	g->changed(g->arg, &r);
}

/* From now on the clock is what it says. */
static void
guard_believe(struct clock_guard *g, int64_t offset_ms)
{
	if (g->state != CLOCK_TRUSTED)
		guard_enter(g, CLOCK_TRUSTED);
	g->offset_ms = offset_ms;
	g->looked_ms = clock_boot_ms();
	g->mark = clock_wall();
}

int
clock_guard_trusted(struct clock_guard *g)
{
	uint64_t now = clock_boot_ms();
	int64_t offset = guard_offset(now), off = offset - g->offset_ms, room;

	/* The wall clock is read in whole seconds: a second is no drift. */
	if (g->state == CLOCK_TRUSTED && off > -1000 && off < 1000) {
		if (clock_wall() > g->mark)
			g->mark = clock_wall();
		return 1;
	}
	if (clock_synchronised()) {
		guard_believe(g, offset);
	} else if (g->state == CLOCK_TRUSTED &&
	    (off > CLOCK_GUARD_JUMP_S * 1000 || off < -CLOCK_GUARD_JUMP_S * 1000)) {
		guard_enter(g, CLOCK_JUMPED);
	} else if (g->state == CLOCK_TRUSTED) {
		room = (int64_t)(now - g->looked_ms) * CLOCK_GUARD_PPM / 1000000;
		if (room > 0) {
			g->offset_ms += off > room ? room : off < -room ? -room : off;
			g->looked_ms = now;
		}
		if (clock_wall() > g->mark)
			g->mark = clock_wall();
	}
	return g->state == CLOCK_TRUSTED;
}

void
clock_guard_report(struct clock_guard *g, struct clock_report *out)
{
	out->state = g->state;
	out->synchronised = clock_synchronised();
	out->wall = clock_wall();
	out->expected = g->state == CLOCK_BEHIND ? g->mark :
	    ((int64_t)clock_boot_ms() + g->offset_ms) / 1000;
	out->mark = g->mark;
}

void
clock_guard_accept(struct clock_guard *g)
{
	guard_believe(g, guard_offset(clock_boot_ms()));
}

const char *
clock_state_name(enum clock_state s)
{
	switch (s) {
	case CLOCK_TRUSTED:
		return "trusted";
	case CLOCK_JUMPED:
		return "jumped";
	case CLOCK_BEHIND:
		return "behind";
	}
	return "unknown";
}
