/*
 * timer.c - see timer.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/timer.h"

#include <stdlib.h>

#include "tessera.h"

#define TIMERS_FIRST	64		/* places at the first growth */
#define TIMERS_MAX	(1u << 20)	/* timers armed at a time */

/* A binary heap: the parent of place i (from 0) is (i - 1) / 2. */
struct timers {
	struct timer **heap;
	size_t n, cap;
};

int
timers_new(struct timers **out)
{
	struct timers *ts;

	if ((ts = calloc(1, sizeof(*ts))) == NULL)
		return TSR_NOMEM;
	*out = ts;
	return TSR_OK;
}

void
timers_free(struct timers **ts)
{
	size_t i;

	if (ts == NULL || *ts == NULL)
		return;
	for (i = 0; i < (*ts)->n; i++)
		(*ts)->heap[i]->pos = 0;
	free((*ts)->heap);
	free(*ts);
	*ts = NULL;
}

static void
timer_place(struct timers *ts, struct timer *t, size_t i)
{
	ts->heap[i] = t;
	t->pos = i + 1;
}

static void
timer_sift_up(struct timers *ts, struct timer *t, size_t i)
{
	size_t parent;

	for (; i > 0; i = parent) {
		parent = (i - 1) / 2;
		if (ts->heap[parent]->due_ms <= t->due_ms)
			break;
		timer_place(ts, ts->heap[parent], i);
	}
	timer_place(ts, t, i);
}

static void
timer_sift_down(struct timers *ts, struct timer *t, size_t i)
{
	size_t child;

	for (; (child = 2 * i + 1) < ts->n; i = child) {
		if (child + 1 < ts->n &&
		    ts->heap[child + 1]->due_ms < ts->heap[child]->due_ms)
			child++;
		if (t->due_ms <= ts->heap[child]->due_ms)
			break;
		timer_place(ts, ts->heap[child], i);
	}
	timer_place(ts, t, i);
}

static int
timers_grow(struct timers *ts)
{
	struct timer **heap;
	size_t cap;

	if (ts->n < ts->cap)
		return TSR_OK;
	cap = ts->cap == 0 ? TIMERS_FIRST : ts->cap * 2;
	if (cap > TIMERS_MAX || (heap = realloc(ts->heap, cap * sizeof(struct timer *))) == NULL)
		return TSR_NOMEM;
	ts->heap = heap;
	ts->cap = cap;
	return TSR_OK;
}

int
timer_arm(struct timers *ts, struct timer *t, uint64_t due_ms,
    void (*fire)(void *arg), void *arg)
{
	uint64_t before;
	int r;

	if (t->pos == 0) {
		if ((r = timers_grow(ts)) != TSR_OK)
			return r;
		t->due_ms = due_ms;
		ts->n++;
		timer_sift_up(ts, t, ts->n - 1);
	} else {
		before = t->due_ms;
		t->due_ms = due_ms;
		if (due_ms < before)
			timer_sift_up(ts, t, t->pos - 1);
		else
			timer_sift_down(ts, t, t->pos - 1);
	}
	t->fire = fire;
	t->arg = arg;
	return TSR_OK;
}

void
timer_disarm(struct timers *ts, struct timer *t)
{
	struct timer *last;
	size_t hole;

	if (t->pos == 0)
		return;
	hole = t->pos - 1;
	t->pos = 0;
	last = ts->heap[--ts->n];
	if (last == t)
		return;
	if (last->due_ms < t->due_ms)
		timer_sift_up(ts, last, hole);
	else
		timer_sift_down(ts, last, hole);
}

uint64_t
timers_next(const struct timers *ts)
{
	return ts->n == 0 ? UINT64_MAX : ts->heap[0]->due_ms;
}

void
timers_run(struct timers *ts, uint64_t now_ms)
{
	struct timer *t;
	size_t left;

	for (left = ts->n; left > 0 && ts->n > 0; left--) {
		t = ts->heap[0];
		if (t->due_ms > now_ms)
			break;
		timer_disarm(ts, t);
		t->fire(t->arg);
	}
}
