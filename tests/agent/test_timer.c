/*
 * test_timer.c - the heap of deadlines against a plain list, and the clock
 * they run on.
 *
 * SPDX-License-Identifier: ISC
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/clock.h"
#include "agent/timer.h"
#include "tessera.h"

#define N	500
#define STEPS	200000

struct item {
	struct timer timer;
	uint64_t due;		/* what the list says; 0: disarmed */
	int fired;
};

static struct item items[N];
static uint64_t last_due;
static size_t fired;

static void
on_fire(void *arg)
{
	struct item *it = arg;

	assert_int_equal(it->timer.pos, 0);
	assert_int_equal(it->timer.due_ms, it->due);
	assert_true(it->due >= last_due);	/* in order */
	last_due = it->due;
	it->due = 0;
	it->fired++;
	fired++;
}

static uint64_t
list_next(void)
{
	uint64_t next = UINT64_MAX;
	size_t i;

	for (i = 0; i < N; i++)
		if (items[i].due != 0 && items[i].due < next)
			next = items[i].due;
	return next;
}

/* A fixed generator: the same test every time. */
static uint32_t
random_next(void)
{
	static uint64_t x = 88172645463325252u;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return (uint32_t)(x >> 16);
}

static void
test_random(void **state)
{
	struct timers *ts = NULL;
	struct item *it;
	uint64_t now = 1;
	size_t due, i;
	int step;

	(void)state;
	assert_int_equal(timers_new(&ts), TSR_OK);
	assert_true(timers_next(ts) == UINT64_MAX);
	for (step = 0; step < STEPS; step++) {
		it = &items[random_next() % N];
		switch (random_next() % 4) {
		case 0:
		case 1:
			it->due = now + random_next() % 1000;
			assert_int_equal(timer_arm(ts, &it->timer, it->due, on_fire, it), TSR_OK);
			break;
		case 2:
			it->due = 0;
			timer_disarm(ts, &it->timer);
			break;
		default:
			now += random_next() % 20;
			for (due = 0, i = 0; i < N; i++)
				due += items[i].due != 0 && items[i].due <= now;
			last_due = 0;
			fired = 0;
			timers_run(ts, now);
			assert_int_equal(fired, due);
			break;
		}
		if (step % 64 == 0)
			assert_true(timers_next(ts) == list_next());
	}
	timers_free(&ts);
	assert_null(ts);
	for (i = 0; i < N; i++)
		assert_int_equal(items[i].timer.pos, 0);
}

static struct timers *again_timers;
static int again_count;

static void
on_again(void *arg)
{
	struct timer *t = arg;

	again_count++;
	assert_int_equal(timer_arm(again_timers, t, t->due_ms, on_again, t), TSR_OK);
}

static void
test_again(void **state)
{
	struct timer t;

	(void)state;
	memset(&t, 0, sizeof(t));
	assert_int_equal(timers_new(&again_timers), TSR_OK);
	assert_int_equal(timer_arm(again_timers, &t, 5, on_again, &t), TSR_OK);
	timers_run(again_timers, 4);
	assert_int_equal(again_count, 0);
	timers_run(again_timers, 5);	/* must come back */
	assert_int_equal(again_count, 1);
	timers_run(again_timers, 5);
	assert_int_equal(again_count, 2);
	timers_free(&again_timers);
}

static void
test_clock_real(void **state)
{
	uint64_t a, b;

	(void)state;
	assert_false(clock_is_rehearsal());
	a = clock_boot_ms();
	b = clock_boot_ms();
	assert_true(b >= a && a > 0);
	assert_true(llabs((long long)clock_wall() - (long long)time(NULL)) <= 1);
}

static void
test_clock_page(void **state)
{
	struct clock_page *page;
	int fd;

	(void)state;
	fd = memfd_create("clock", MFD_CLOEXEC);
	assert_true(fd != -1);
	assert_int_equal(clock_rehearse(fd), TSR_INVALID);	/* empty */
	assert_int_equal(ftruncate(fd, sizeof(*page)), 0);
	assert_int_equal(clock_rehearse(fd), TSR_INVALID);	/* no magic */
	assert_int_equal(clock_rehearse(-1), TSR_SYSTEM);
	assert_false(clock_is_rehearsal());
	page = mmap(NULL, sizeof(*page), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_true(page != MAP_FAILED);
	page->magic = CLOCK_PAGE_MAGIC;
	page->wall_ns = 1700000000999999999;
	page->boot_ns = 12345999999;
	assert_int_equal(clock_rehearse(fd), TSR_OK);
	close(fd);
	assert_true(clock_is_rehearsal());
	assert_true(clock_wall() == 1700000000);
	assert_true(clock_boot_ms() == 12345);
	/* Half written: what it said before. */
	page->seq = 1;
	page->boot_ns = 99000000000;
	assert_true(clock_boot_ms() == 12345);
	page->seq = 2;
	assert_true(clock_boot_ms() == 99000);
	munmap(page, sizeof(*page));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_again),
		cmocka_unit_test(test_clock_real),
		cmocka_unit_test(test_clock_page),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
