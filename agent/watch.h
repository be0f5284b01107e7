/*
 * watch.h - what watches over the clock and the store while the agent runs,
 * and whether tokens may be minted.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_WATCH_H
#define AGENT_WATCH_H

#include "agent/agent.h"
#include "agent/store_check.h"

#define WATCH_LOOK_MS	10000	/* between looks at the clocks */
#define WATCH_MARK_S	600	/* s the clock's mark in the store may be behind */
#define WATCH_ANCHOR_MS	1000	/* between two notes of the generation */
#define WATCH_CHECKS	8	/* requests that wait for the check under way */

struct watch;

/* The store was opened: compare it with its anchor (NULL: there is none), take
 * what the journal said of it, and start to trust the clock, or not.  TSR_STORE,
 * TSR_NOMEM; err gets the sentence. */
struct journal_seen;
int watch_new(struct agent *a, const char *anchor, const struct journal_seen *seen, struct watch **out,
    char *err, size_t err_size);
/* Arm timers and look through the store in the background. */
void watch_start(struct watch *w);
/* A batch was committed that wrote. */
void watch_committed(struct watch *w);
/* The last commit is done: note the time and the generation. */
void watch_stop(struct watch *w);
void watch_free(struct watch **w);

/* TSR_OK, TSR_CLOCK, TSR_UNCONFIRMED: may a token be minted now? */
int watch_mint(struct watch *w);

/* How the clock stands. */
struct clock_report;
void watch_clock(struct watch *w, struct clock_report *out);
/* The latest time that was believed (s of the epoch): no token was issued later. */
int64_t watch_latest(struct watch *w);
/* Trust the clock as it is, in a request of the batch. */
void watch_accept_clock(struct watch *w);
/* Confirm the store: as store_confirm. */
int watch_confirm(struct watch *w, unsigned *dropped);

/* Look through the whole store (anew where a look is under way); done() is
 * called once, from the loop.  The ticket is for watch_leave.  TSR_SLOW_DOWN
 * beyond WATCH_CHECKS, TSR_STORE. */
typedef void (*watch_done)(void *arg, int code, const struct store_found *f);
int watch_check(struct watch *w, watch_done done, void *arg, unsigned *ticket);
void watch_leave(struct watch *w, unsigned ticket);

/* Has the store an anchor? */
const char *watch_anchor(const struct watch *w);

#endif
