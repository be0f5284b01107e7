/*
 * test_otp_throttle.c - delays after wrong codes: how they grow, whose they are,
 * and what is left of them after a reboot.
 *
 * SPDX-License-Identifier: ISC
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <string.h>
#include <cmocka.h>

#include "agent/otp_throttle.h"
#include "tessera.h"

#define WALL	1800000000
#define DAY	(24 * 3600)

static const uint8_t boot1[OTP_BOOT_LEN] = { 1 }, boot2[OTP_BOOT_LEN] = { 2 };

struct world {
	struct otp_throttle t;
	struct otp_now now;
	uint8_t source[OTP_SOURCE_LEN];
};

static void
begin(struct world *w)
{
	memset(w, 0, sizeof(*w));
	w->now = (struct otp_now){ w->source, boot1, 1000, 1000, WALL };
	otp_source("uid:1000", 8, w->source);
}

static void
from(struct world *w, const char *source)
{
	otp_source(source, strlen(source), w->source);
}

static void
fail_times(struct world *w, unsigned n)
{
	while (n-- > 0)
		otp_failed(&w->t, &w->now);
}

static void
test_delays_grow(void **state)
{
	static const uint64_t delay[] = { 0, 0, 0, 0, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048,
	    3600, 3600 };
	struct world w;
	size_t i;

	(void)state;
	begin(&w);
	for (i = 0; i < sizeof(delay) / sizeof(delay[0]); i++) {
		fail_times(&w, 1);
		assert_int_equal(otp_wait(&w.t, &w.now), delay[i]);
	}
	w.now.boot_s += 3599;
	assert_int_equal(otp_wait(&w.t, &w.now), 1);
	w.now.boot_s++;
	assert_int_equal(otp_wait(&w.t, &w.now), 0);
}

static void
test_a_right_code_clears(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	fail_times(&w, 6);
	assert_int_equal(w.t.failures, 6);
	otp_succeeded(&w.t, &w.now);
	assert_int_equal(otp_wait(&w.t, &w.now), 0);
	assert_int_equal(w.t.failures, 0);
	fail_times(&w, 4);
	assert_int_equal(otp_wait(&w.t, &w.now), 0);
}

/* Guesses from outside: one budget for all who were never right. */
static void
test_strangers_share(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	otp_succeeded(&w.t, &w.now);		/* the owner, at the machine */
	from(&w, "rhost:192.0.2.1");
	fail_times(&w, 3);
	from(&w, "rhost:192.0.2.2");
	fail_times(&w, 3);
	assert_int_equal(otp_wait(&w.t, &w.now), 4);
	from(&w, "rhost:192.0.2.3");
	assert_int_equal(otp_wait(&w.t, &w.now), 4);
	from(&w, "uid:1000");
	assert_int_equal(otp_wait(&w.t, &w.now), 0);	/* he is not locked out */
	fail_times(&w, 5);
	assert_int_equal(otp_wait(&w.t, &w.now), 2);	/* and has his own delay */
	from(&w, "rhost:192.0.2.3");
	assert_int_equal(otp_wait(&w.t, &w.now), 4);
	from(&w, "uid:1000");
	otp_succeeded(&w.t, &w.now);
	assert_int_equal(w.t.failures, 6);		/* what others did stays */
	from(&w, "rhost:192.0.2.3");
	assert_int_equal(otp_wait(&w.t, &w.now), 4);
}

static void
test_known_for_30_days(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	from(&w, "rhost:a");
	fail_times(&w, 8);
	from(&w, "rhost:b");
	otp_succeeded(&w.t, &w.now);
	from(&w, "rhost:c");
	fail_times(&w, 8);
	from(&w, "rhost:b");
	w.now.wall += 30 * DAY;
	assert_int_equal(otp_wait(&w.t, &w.now), 0);
	w.now.wall++;
	assert_true(otp_wait(&w.t, &w.now) > 0);	/* a stranger again */
	w.now.wall = WALL - DAY;			/* the clock was set back */
	assert_int_equal(otp_wait(&w.t, &w.now), 0);
}

static void
test_few_are_known(void **state)
{
	struct world w;
	char name[] = "rhost:a";

	(void)state;
	begin(&w);
	for (name[6] = 'a'; name[6] < 'a' + OTP_KNOWN_MAX + 1; name[6]++) {
		from(&w, name);
		otp_succeeded(&w.t, &w.now);
	}
	assert_int_equal(w.t.n_known, OTP_KNOWN_MAX);
	from(&w, "rhost:x");
	fail_times(&w, 9);
	from(&w, "rhost:a");
	assert_true(otp_wait(&w.t, &w.now) > 0);	/* the one that was right longest ago */
	from(&w, "rhost:b");
	assert_int_equal(otp_wait(&w.t, &w.now), 0);
	otp_succeeded(&w.t, &w.now);			/* known once, not twice */
	assert_int_equal(w.t.n_known, OTP_KNOWN_MAX);
}

/* RFC 4226 7.3: the credential itself. */
static void
test_rests_at_a_hundred(void **state)
{
	struct world w;
	char name[] = "rhost:a";
	unsigned i;

	(void)state;
	begin(&w);
	otp_succeeded(&w.t, &w.now);
	from(&w, "rhost:b");
	otp_succeeded(&w.t, &w.now);
	for (i = 0; i < OTP_FAILURES_MAX; i++) {
		assert_false(otp_rests(&w.t));
		name[6] = (char)('a' + i % 20);
		from(&w, name);
		fail_times(&w, 1);
	}
	assert_true(otp_rests(&w.t));
	fail_times(&w, 1000);
	assert_int_equal(w.t.failures, OTP_FAILURES_MAX);
	otp_forgive(&w.t);
	assert_false(otp_rests(&w.t));
	assert_int_equal(otp_wait(&w.t, &w.now), 0);
	assert_int_equal(w.t.n_known, 2);
}

/* Another boot's clock says nothing: the delay runs once more from the start. */
static void
test_reboot(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	w.now.boot_s = 500000;
	fail_times(&w, 9);
	assert_int_equal(otp_wait(&w.t, &w.now), 32);
	w.now.boot = boot2;
	w.now.boot_s = w.now.started_s = 20;
	assert_int_equal(otp_wait(&w.t, &w.now), 32);
	w.now.boot_s = 51;
	assert_int_equal(otp_wait(&w.t, &w.now), 1);
	w.now.boot_s = 52;
	assert_int_equal(otp_wait(&w.t, &w.now), 0);
	fail_times(&w, 1);
	assert_int_equal(otp_wait(&w.t, &w.now), 64);
	assert_memory_equal(w.t.boot, boot2, OTP_BOOT_LEN);
	/* the same boot, another start of the agent: it goes on */
	w.now.boot_s = w.now.started_s = 60;
	assert_int_equal(otp_wait(&w.t, &w.now), 56);
}

static void
test_stored(void **state)
{
	uint8_t bytes[OTP_THROTTLE_LEN + 1];
	struct otp_throttle same;
	struct world w;
	size_t i;

	(void)state;
	begin(&w);
	fail_times(&w, 7);
	otp_succeeded(&w.t, &w.now);
	from(&w, "rhost:a");
	fail_times(&w, 6);
	otp_throttle_put(&w.t, bytes);
	memset(&same, 0xff, sizeof(same));
	assert_int_equal(otp_throttle_get(bytes, OTP_THROTTLE_LEN, &same), TSR_OK);
	assert_int_equal(same.failures, 6);
	assert_int_equal(same.n_known, 1);
	assert_int_equal(otp_wait(&same, &w.now), 4);
	from(&w, "uid:1000");
	assert_int_equal(otp_wait(&same, &w.now), 0);
	/* what was not written so is refused */
	assert_int_equal(otp_throttle_get(bytes, OTP_THROTTLE_LEN - 1, &same), TSR_CORRUPT);
	assert_int_equal(otp_throttle_get(bytes, OTP_THROTTLE_LEN + 1, &same), TSR_CORRUPT);
	for (i = 0; i < 5; i++) {	/* form, failures */
		bytes[i] ^= 0x80;
		assert_int_equal(otp_throttle_get(bytes, OTP_THROTTLE_LEN, &same), TSR_CORRUPT);
		bytes[i] ^= 0x80;
	}
	bytes[5 + OTP_BOOT_LEN + 12] = OTP_KNOWN_MAX + 1;
	assert_int_equal(otp_throttle_get(bytes, OTP_THROTTLE_LEN, &same), TSR_CORRUPT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_delays_grow),
		cmocka_unit_test(test_a_right_code_clears),
		cmocka_unit_test(test_strangers_share),
		cmocka_unit_test(test_known_for_30_days),
		cmocka_unit_test(test_few_are_known),
		cmocka_unit_test(test_rests_at_a_hundred),
		cmocka_unit_test(test_reboot),
		cmocka_unit_test(test_stored)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
