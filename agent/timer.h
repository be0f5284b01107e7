/*
 * timer.h - deadlines on the injected clock, in a heap.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_TIMER_H
#define AGENT_TIMER_H

#include <stddef.h>
#include <stdint.h>

struct timers;

/* Embedded in what waits.  Zeroed memory is a disarmed timer. */
struct timer {
	uint64_t due_ms;	/* clock_boot_ms() */
	size_t pos;		/* place in the heap + 1; 0 while disarmed */
	void (*fire)(void *arg);
	void *arg;
};

int timers_new(struct timers **out);
void timers_free(struct timers **ts);

/* Arm (or move) a timer to an absolute time / take it out; disarming a
 * disarmed timer does nothing.  timer_arm: TSR_NOMEM. */
int timer_arm(struct timers *ts, struct timer *t, uint64_t due_ms,
    void (*fire)(void *arg), void *arg);
void timer_disarm(struct timers *ts, struct timer *t);

/* The earliest deadline, UINT64_MAX where there is none. */
uint64_t timers_next(const struct timers *ts);

/* Fire all that are due, each disarmed before its call; one that is armed again
 * for a time already past may wait for the next call. */
void timers_run(struct timers *ts, uint64_t now_ms);

#endif
