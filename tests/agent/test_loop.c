/*
 * test_loop.c - the loop's promises to those who live in it: a watch deleted
 * in a callback hears nothing more, a batch ends with commit and flush, tasks
 * wait their turn, a timer armed anywhere fires.
 *
 * SPDX-License-Identifier: ISC
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/clock.h"
#include "agent/loop.h"
#include "tessera.h"

#define WATCHES		300	/* more than a batch */
#define BATCH_US	2000	/* a batch is not cut before */
#define TRIES		1000	/* runs that a busy machine makes too slow */

static struct loop *loop;
static int commits, flushes, last_committed, commit_result;

static int
on_commit(void *arg)
{
	(void)arg;
	assert_int_equal(commits, flushes);
	commits++;
	return commit_result;
}

static void
on_flush(void *arg, int committed)
{
	(void)arg;
	flushes++;
	assert_int_equal(commits, flushes);
	last_committed = committed;
}

static int
setup(void **state)
{
	const struct loop_batch b = { on_commit, on_flush, NULL };

	(void)state;
	commits = flushes = commit_result = 0;
	assert_int_equal(loop_new(&loop), TSR_OK);
	loop_set_batch(loop, &b);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	loop_free(&loop);
	assert_null(loop);
	return 0;
}

struct watched {
	struct loop_watch w;
	int calls;
};

static struct watched *watched[WATCHES];
static int alive;

/* Whoever is called deletes and frees all others. */
static void
on_first(struct loop_watch *w, uint32_t events)
{
	struct watched *me = (struct watched *)(void *)w;
	int i;

	assert_true((events & EPOLLIN) != 0);
	me->calls++;
	for (i = 0; i < WATCHES; i++)
		if (watched[i] != me) {
			loop_del(loop, &watched[i]->w);
			close(watched[i]->w.fd);
			free(watched[i]);
			alive--;
		}
	watched[0] = me;
	loop_stop(loop, 7);
}

static void
test_delete_in_callback(void **state)
{
	int i;

	(void)state;
	for (i = 0; i < WATCHES; i++) {
		assert_non_null(watched[i] = calloc(1, sizeof(**watched)));
		watched[i]->w.fd = eventfd(1, EFD_CLOEXEC);
		watched[i]->w.ready = on_first;
		assert_int_equal(loop_add(loop, &watched[i]->w, EPOLLIN), TSR_OK);
	}
	alive = WATCHES;
	assert_int_equal(loop_run(loop), 7);
	assert_int_equal(alive, 1);
	assert_int_equal(watched[0]->calls, 1);
	assert_in_range(commits, 1, 2);	/* where all that closing took long, it was cut */
	loop_del(loop, &watched[0]->w);
	close(watched[0]->w.fd);
	free(watched[0]);
}

static int ready_count, in_batch_at[8];

static void
on_ready(struct loop_watch *w, uint32_t events)
{
	uint64_t v;

	(void)events;
	assert_int_equal(read(w->fd, &v, sizeof(v)), sizeof(v));
	in_batch_at[ready_count++] = commits;
	if (ready_count == 4)
		loop_stop(loop, 0);
}

/* Four sockets that are ready at once; microseconds until all were served. */
static uint64_t
serve_four(void)
{
	struct loop_watch w[4];
	uint64_t begun;
	int i;

	ready_count = 0;
	commit_result = TSR_STORE;
	for (i = 0; i < 4; i++) {
		w[i].fd = eventfd(1, EFD_CLOEXEC);
		w[i].ready = on_ready;
		assert_int_equal(loop_add(loop, &w[i], EPOLLIN), TSR_OK);
	}
	begun = clock_work_us();
	assert_int_equal(loop_run(loop), 0);
	begun = clock_work_us() - begun;
	for (i = 0; i < 4; i++) {
		loop_del(loop, &w[i]);
		close(w[i].fd);
	}
	return begun;
}

/* A batch is cut after BATCH_US: a run in which the machine was slower shows
 * nothing, and another is made. */
static void
test_one_commit_for_all(void **state)
{
	uint64_t took = BATCH_US;
	int i;

	for (i = 0; i < TRIES && took >= BATCH_US; i++) {
		if (i > 0) {
			assert_int_equal(teardown(state), 0);
			assert_int_equal(setup(state), 0);
		}
		took = serve_four();
		assert_in_range(commits, 1, 4);
		assert_int_equal(last_committed, TSR_STORE);
	}
	assert_true(took < BATCH_US);
	for (i = 0; i < 4; i++)
		assert_int_equal(in_batch_at[i], 0);
	assert_int_equal(commits, 1);
}

/* Slow work does not keep finished answers back. */
static void
on_slow(struct loop_watch *w, uint32_t events)
{
	uint64_t end = clock_work_us() + 3000;

	while (clock_work_us() < end)
		continue;
	on_ready(w, events);
}

static void
test_long_batch_is_cut(void **state)
{
	struct loop_watch w[4];
	int i;

	(void)state;
	ready_count = 0;
	for (i = 0; i < 4; i++) {
		w[i].fd = eventfd(1, EFD_CLOEXEC);
		w[i].ready = on_slow;
		assert_int_equal(loop_add(loop, &w[i], EPOLLIN), TSR_OK);
	}
	assert_int_equal(loop_run(loop), 0);
	for (i = 0; i < 4; i++) {
		assert_int_equal(in_batch_at[i], i);
		loop_del(loop, &w[i]);
		close(w[i].fd);
	}
	assert_int_equal(commits, 4);
}

static struct loop_task again, once, cancelled;
static int again_runs, once_runs;

static void
on_task(struct loop_task *t)
{
	if (t == &once) {
		once_runs++;
		return;
	}
	assert_ptr_equal(t, &again);
	if (++again_runs == 5) {
		loop_stop(loop, 0);
		return;
	}
	loop_defer(loop, t);
	assert_int_equal(again_runs, commits + 1);	/* one a batch */
	if (again_runs == 2)
		loop_cancel(loop, &cancelled);
}

static void
test_tasks(void **state)
{
	(void)state;
	again.run = once.run = cancelled.run = on_task;
	loop_defer(loop, &again);
	loop_defer(loop, &once);
	loop_defer(loop, &once);
	loop_defer(loop, &cancelled);
	loop_cancel(loop, &cancelled);
	loop_cancel(loop, &cancelled);
	assert_int_equal(loop_run(loop), 0);
	assert_int_equal(again_runs, 5);
	assert_int_equal(once_runs, 1);
}

static struct timer timer;

static void
on_timer(void *arg)
{
	assert_ptr_equal(arg, &timer);
	loop_stop(loop, 3);
}

/* A timer armed from outside the loop, behind one that will never come. */
static int
on_defer(sd_event_source *s, void *arg)
{
	(void)s;
	(void)arg;
	assert_int_equal(timer_arm(loop_timers(loop), &timer, clock_boot_ms() + 20, on_timer, &timer), TSR_OK);
	loop_wake(loop);
	return 0;
}

static void
test_timer(void **state)
{
	struct timer never;
	uint64_t begun = clock_boot_ms();

	(void)state;
	memset(&never, 0, sizeof(never));
	assert_int_equal(timer_arm(loop_timers(loop), &never, UINT64_MAX - 1, NULL, NULL), TSR_OK);
	assert_true(sd_event_add_defer(loop_event(loop), NULL, on_defer, NULL) >= 0);
	assert_int_equal(loop_run(loop), 3);
	assert_true(clock_boot_ms() - begun >= 20);
	assert_int_equal(commits, 2);	/* the wake's and the timer's */
	timer_disarm(loop_timers(loop), &never);
}

#define LOOP_TEST(f)	cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		LOOP_TEST(test_delete_in_callback),
		LOOP_TEST(test_one_commit_for_all),
		LOOP_TEST(test_long_batch_is_cut),
		LOOP_TEST(test_tasks),
		LOOP_TEST(test_timer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
