/*
 * fido_turn.c - see fido_turn.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/fido_turn.h"

#include "agent/clock.h"
#include "include/tessera.h"

void
fido_turns_init(struct fido_turns *ts, struct timers *timers)
{
	ts->timers = timers;
	ts->has = NULL;
	ts->last = (uid_t)-1;
	ts->rest_ms = 0;
	link_init(&ts->waiting);
}

void
fido_turns_end(struct fido_turns *ts)
{
	timer_disarm(ts->timers, &ts->timer);
}

static void
turn_leave(struct fido_turn *t)
{
	timer_disarm(t->turns->timers, &t->timer);
	link_remove(&t->link);
}

static void turn_next(void *arg);

static int
turn_schedule(struct fido_turns *ts)
{
	uint64_t now = clock_boot_ms();

	return timer_arm(ts->timers, &ts->timer, now < ts->rest_ms ? ts->rest_ms : now, turn_next, ts);
}

void
fido_turns_rest(struct fido_turns *ts)
{
	ts->rest_ms = clock_boot_ms() + FIDO_TURN_REST_MS;
}

/* The oldest of another user than the last, else the oldest. */
static void
turn_next(void *arg)
{
	struct fido_turns *ts = arg;
	struct fido_turn *t = NULL;
	struct link *l;

	if (ts->has != NULL || link_empty(&ts->waiting))
		return;
	if (clock_boot_ms() < ts->rest_ms) {
		(void)turn_schedule(ts);	/* its place in the heap is free */
		return;
	}
	for (l = ts->waiting.next; l != &ts->waiting && t == NULL; l = l->next)
		if (LINK_OF(l, struct fido_turn, link)->uid != ts->last)
			t = LINK_OF(l, struct fido_turn, link);
	if (t == NULL)
		t = LINK_OF(ts->waiting.next, struct fido_turn, link);
	turn_leave(t);
	ts->has = t;
	ts->last = t->uid;
	t->go(t->arg, TSR_OK);
}

static void
turn_over(void *arg)
{
	struct fido_turn *t = arg;

	turn_leave(t);
	t->turns = NULL;
	t->go(t->arg, TSR_DEVICE_BUSY);
}

static void
turn_needless(void *arg)
{
	struct fido_turn *t = arg;

	t->turns = NULL;
	t->go(t->arg, TSR_LOGIN_REQUIRED);
}

int
fido_turn_wait(struct fido_turns *ts, struct fido_turn *t)
{
	int r;

	t->turns = ts;
	link_append(&ts->waiting, &t->link);
	if ((r = timer_arm(ts->timers, &t->timer, clock_boot_ms() + FIDO_TURN_WAIT_MS, turn_over,
	    t)) != TSR_OK || (r = turn_schedule(ts)) != TSR_OK) {
		turn_leave(t);
		t->turns = NULL;
	}
	return r;
}

void
fido_turn_end(struct fido_turn *t)
{
	struct fido_turns *ts = t->turns;

	if (ts == NULL)
		return;
	t->turns = NULL;
	if (ts->has != t) {
		timer_disarm(ts->timers, &t->timer);
		link_remove(&t->link);
		return;
	}
	ts->has = NULL;
	if (!link_empty(&ts->waiting))
		(void)turn_schedule(ts);
}

void
fido_turn_spent(struct fido_turn *by)
{
	struct fido_turns *ts = by->turns;
	struct fido_turn *t;
	struct link *l, *next;

	for (l = ts->waiting.next; l != &ts->waiting; l = next) {
		next = l->next;
		t = LINK_OF(l, struct fido_turn, link);
		if (!t->login || t->uid != by->uid)
			continue;
		turn_leave(t);		/* its timer is armed: it has room */
		(void)timer_arm(ts->timers, &t->timer, clock_boot_ms(), turn_needless, t);
	}
}
