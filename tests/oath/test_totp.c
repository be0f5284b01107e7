/*
 * test_totp.c - time steps and windows of them.
 *
 * SPDX-License-Identifier: ISC
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "oath/totp.h"
#include "tessera.h"

#define COUNT(t)	(sizeof(t) / sizeof((t)[0]))

static const struct step {
	const char *name;
	uint32_t period;
	int64_t start, now;
	int result;
	uint64_t step;
	uint32_t left;
} steps[] = {
	{ "RFC 6238 B, 59 s", 30, 0, 59, TSR_OK, 1, 1 },
	{ "RFC 6238 B, 1111111109 s", 30, 0, 1111111109, TSR_OK, 0x23523ec, 1 },
	{ "RFC 6238 B, 1111111111 s", 30, 0, 1111111111, TSR_OK, 0x23523ed, 29 },
	{ "RFC 6238 B, 20000000000 s", 30, 0, 20000000000, TSR_OK, 0x27bc86aa, 10 },
	{ "the first second", 30, 0, 0, TSR_OK, 0, 30 },
	{ "the last of step 0", 30, 0, 29, TSR_OK, 0, 1 },
	{ "the first of step 1", 30, 0, 30, TSR_OK, 1, 30 },
	{ "a minute's step", 60, 0, 119, TSR_OK, 1, 1 },
	{ "a start of its own", 30, 100, 131, TSR_OK, 1, 29 },
	{ "a start before the epoch", 30, -60, 0, TSR_OK, 2, 30 },
	{ "before the start", 30, 100, 99, TSR_INVALID, 0, 0 },
	{ "before the epoch", 30, 0, -1, TSR_INVALID, 0, 0 },
	{ "no period", 0, 0, 59, TSR_INVALID, 0, 0 },
	{ "too long a period", 3601, 0, 59, TSR_INVALID, 0, 0 },
	{ "the longest times", 1, INT64_MIN, INT64_MAX, TSR_OK, UINT64_MAX, 1 }
};

static void
test_steps(void **state)
{
	struct totp t;
	uint64_t step;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(steps); i++) {
		print_message("%s\n", steps[i].name);
		t = (struct totp){ steps[i].period, steps[i].start };
		step = 77;
		assert_int_equal(totp_step(&t, steps[i].now, &step), steps[i].result);
		assert_true(step == (steps[i].result == TSR_OK ? steps[i].step : 77));
		assert_int_equal(totp_left(&t, steps[i].now), steps[i].left);
	}
}

static const struct window {
	const char *name;
	uint64_t step;
	int64_t drift;
	uint32_t back, ahead;
	int64_t watermark;
	int result;
	uint64_t first;
	uint32_t count;
	uint64_t least;
} windows[] = {
	{ "one to either side", 100, 0, 1, 1, 99, TSR_OK, 99, 3, 100 },
	{ "nothing was spent", 100, 0, 1, 1, -1, TSR_OK, 99, 3, 0 },
	{ "a slow token", 100, -3, 1, 1, 90, TSR_OK, 96, 3, 91 },
	{ "a fast token", 100, 3, 1, 2, 90, TSR_OK, 102, 4, 91 },
	{ "at the beginning of time", 1, 0, 4, 1, -1, TSR_OK, 0, 3, 0 },
	{ "before the beginning of time", 1, -5, 1, 1, -1, TSR_INVALID, 0, 0, 0 },
	{ "only the end is in time", 1, -2, 1, 1, -1, TSR_OK, 0, 1, 0 },
	{ "too many", 100, 0, HOTP_WINDOW_MAX, 0, -1, TSR_INVALID, 0, 0, 0 },
	{ "sides that overflow", 100, 0, UINT32_MAX, UINT32_MAX, -1, TSR_INVALID, 0, 0, 0 },
	{ "a drift beyond any clock", 100, INT64_MAX, 1, 1, -1, TSR_INVALID, 0, 0, 0 },
	{ "the other way", 100, INT64_MIN, 1, 1, -1, TSR_INVALID, 0, 0, 0 },
	{ "a step beyond any clock", UINT64_MAX, 0, 1, 1, -1, TSR_INVALID, 0, 0, 0 },
	{ "a watermark that is none", 100, 0, 1, 1, -2, TSR_INVALID, 0, 0, 0 },
	{ "the last watermark", 100, 0, 1, 1, INT64_MAX, TSR_INVALID, 0, 0, 0 }
};

static void
test_windows(void **state)
{
	struct hotp_window w;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(windows); i++) {
		print_message("%s\n", windows[i].name);
		w = (struct hotp_window){ 77, 77, 77 };
		assert_int_equal(totp_window(windows[i].step, windows[i].drift, windows[i].back,
		    windows[i].ahead, windows[i].watermark, &w), windows[i].result);
		if (windows[i].result != TSR_OK) {
			assert_int_equal(w.first, 77);
			continue;
		}
		assert_int_equal(w.first, windows[i].first);
		assert_int_equal(w.count, windows[i].count);
		assert_int_equal(w.least, windows[i].least);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_steps),
		cmocka_unit_test(test_windows)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
