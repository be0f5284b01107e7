/*
 * test_liboath.c - 1,000,000 random keys, counters and windows give what liboath
 * gives.
 *
 * SPDX-License-Identifier: ISC
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <sodium.h>
#include <cmocka.h>
#include <liboath/oath.h>

#include "oath/totp.h"
#include "tessera.h"

#ifdef TESSERA_SANITIZED
#define CASES	100000u		/* ten times as slow, and for memory alone */
#else
#define CASES	1000000u
#endif
#define SEARCHES	20000u

/* Reproducible: a failure names its case. */
static uint64_t
next(uint64_t *x)
{
	uint64_t z = (*x += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static void
draw(uint64_t *x, struct hotp *h, uint8_t seed[HOTP_SEED_MAX])
{
	size_t i;

	h->hash = (enum hmac_hash)(1 + next(x) % 3);
	h->digits = 6 + (unsigned)(next(x) % 3);
	h->seed = seed;
	h->seed_len = HOTP_SEED_MIN + next(x) % (HOTP_SEED_MAX - HOTP_SEED_MIN + 1);
	for (i = 0; i < h->seed_len; i += 8) {
		uint64_t v = next(x);

		memcpy(seed + i, &v, 8);
	}
}

static void
test_codes(void **state)
{
	static const int flags[] = { 0, 0, OATH_TOTP_HMAC_SHA256, OATH_TOTP_HMAC_SHA512 };
	uint8_t seed[HOTP_SEED_MAX + 8];
	char ours[HOTP_DIGITS_MAX + 1], theirs[HOTP_DIGITS_MAX + 1];
	uint64_t x = 1, counter;
	struct totp t;
	uint32_t code;
	struct hotp h;
	unsigned i;

	(void)state;
	for (i = 0; i < CASES; i++) {
		draw(&x, &h, seed);
		if (h.hash == HMAC_SHA1 && i % 2 == 0) {
			counter = next(&x) >> (next(&x) % 64);
			assert_int_equal(oath_hotp_generate((const char *)h.seed, h.seed_len,
			    counter, h.digits, 0, OATH_HOTP_DYNAMIC_TRUNCATION, theirs), OATH_OK);
		} else {
			time_t now = (time_t)(next(&x) >> 24);

			t.period = 1 + (uint32_t)(next(&x) % 300);
			t.start = (int64_t)(next(&x) % ((uint64_t)now + 1));
			assert_int_equal(totp_step(&t, now, &counter), TSR_OK);
			assert_int_equal(oath_totp_generate2((const char *)h.seed, h.seed_len, now,
			    t.period, (time_t)t.start, h.digits, flags[h.hash], theirs), OATH_OK);
		}
		assert_int_equal(hotp_code(&h, counter, &code), TSR_OK);
		hotp_text(ours, h.digits, code);
		if (strcmp(ours, theirs) != 0)
			fail_msg("case %u: %s, liboath says %s", i, ours, theirs);
	}
}

/* liboath answers with how far from the start of the window. */
static void
test_windows(void **state)
{
	uint8_t seed[HOTP_SEED_MAX + 8];
	char text[HOTP_DIGITS_MAX + 1];
	uint64_t x = 2, at, aim;
	struct hotp_window w;
	uint32_t code;
	struct hotp h;
	unsigned i;
	int r, theirs;

	(void)state;
	for (i = 0; i < SEARCHES; i++) {
		draw(&x, &h, seed);
		h.hash = HMAC_SHA1;
		w.first = next(&x) >> 8;
		w.count = 1 + (uint32_t)(next(&x) % 20);
		w.least = 0;
		aim = w.first + next(&x) % (2 * w.count);
		assert_int_equal(hotp_code(&h, aim, &code), TSR_OK);
		hotp_text(text, h.digits, code);
		theirs = oath_hotp_validate((const char *)h.seed, h.seed_len, w.first, w.count - 1,
		    text);
		r = hotp_find(&h, &w, code, &at);
		if (r == TSR_OK ? theirs < 0 || at != w.first + (uint64_t)theirs :
		    r != TSR_NOT_FOUND || theirs != OATH_INVALID_OTP)
			fail_msg("search %u: %d, liboath says %d", i, r, theirs);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_codes),
		cmocka_unit_test(test_windows)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
