/*
 * clock_guard.h - may the wall clock be believed?
 *
 * It may while it goes with the boot-time clock.  A jump of more than
 * CLOCK_GUARD_JUMP_S either way, or a start that lies so far behind a time
 * already seen (the mark, kept in the store), takes the trust away until the
 * kernel reports the clock synchronised or an administrator accepts it.
 * Smaller steps add up: without a time source the clock is granted no more
 * drift than CLOCK_GUARD_PPM.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_CLOCK_GUARD_H
#define AGENT_CLOCK_GUARD_H

#include <stdint.h>

#define CLOCK_GUARD_JUMP_S	300	/* s either way */
#define CLOCK_GUARD_PPM		500	/* of drift between the two clocks */

struct clock_guard;

enum clock_state {
	CLOCK_TRUSTED,
	CLOCK_JUMPED,		/* against the boot-time clock */
	CLOCK_BEHIND		/* at start: before a time already seen */
};

struct clock_report {
	enum clock_state state;
	int synchronised;	/* the kernel's word now */
	int64_t wall;		/* s of the epoch */
	int64_t expected;	/* what it would be without the jump; the mark where behind */
	int64_t mark;		/* latest time seen and believed */
};

/* mark: the latest time that the store knows, 0 for none.  changed() is told
 * of each loss (r->state) and return (CLOCK_TRUSTED, r->expected as before) of
 * trust, from within the calls below but not from this one.  TSR_NOMEM. */
int clock_guard_new(int64_t mark, void (*changed)(void *arg, const struct clock_report *r),
    void *arg, struct clock_guard **out);
void clock_guard_free(struct clock_guard **g);

/* Look at the clocks: 1 where the wall clock may be believed now.  Cheap. */
int clock_guard_trusted(struct clock_guard *g);

void clock_guard_report(struct clock_guard *g, struct clock_report *out);

/* An administrator says that the wall clock is right. */
void clock_guard_accept(struct clock_guard *g);

const char *clock_state_name(enum clock_state s);

#endif
