/*
 * test_pin_guard.c - who may try, what is not tried again, and how long those
 * from elsewhere wait.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/pin_guard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "base/proto.h"
#include "include/tessera.h"

#define UNKNOWN	PROTO_TRIES_UNKNOWN
#define NOW	1000000u
#define MINUTE	60000u

static struct pin_guard *g;
static const struct pin_of card = { "1", "card", 0, 0 }, other = { "2", "card", 0, 0 };
static const struct pin_of puk = { "1", "card", 1, 0 }, endless = { "1", "card", 0, 1 };

static int
setup(void **state)
{
	(void)state;
	return sodium_init() < 0 || pin_guard_new(&g) != TSR_OK;
}

static int
teardown(void **state)
{
	(void)state;
	pin_guard_free(&g);
	return 0;
}

static int
may(const struct pin_of *of, enum pin_place place, uint32_t tries, uint32_t confirmed, uint64_t now)
{
	uint32_t wait_s = 0;

	return pin_guard_may(g, of, place, tries, confirmed, now, &wait_s);
}

static void
refuse(const struct pin_of *of, enum pin_place place, const char *text, uint64_t now)
{
	struct secret *pin = text != NULL ? secret_from(text, strlen(text)) : NULL;

	assert_int_equal(pin_guard_begin(g, of, pin), TSR_OK);
	pin_guard_refused(g, of, place, text != NULL, now);
	secret_free(&pin);
}

static int
knows(const struct pin_of *of, const char *text)
{
	struct secret *pin = secret_from(text, strlen(text));
	int r = pin_guard_knows(g, of, pin);

	secret_free(&pin);
	return r;
}

static const struct row {
	const char *name;
	const struct pin_of *of;
	enum pin_place place;
	uint32_t tries;
	int refused;		/* a PIN was, long ago, at the seat */
	uint32_t confirmed;
	int code;
	uint32_t confirm;	/* what a prompt would ask for */
} rows[] = {
	{ "three left, elsewhere", &card, PIN_ELSEWHERE, 3, 0, 0, TSR_OK, 0 },
	{ "three left, after one was refused", &card, PIN_ELSEWHERE, 3, 1, 0, TSR_OK, 0 },
	{ "two left, elsewhere", &card, PIN_ELSEWHERE, 2, 0, 0, TSR_PIN_SEAT, 2 },
	{ "two left, elsewhere, confirmed", &card, PIN_ELSEWHERE, 2, 0, 2, TSR_PIN_SEAT, 2 },
	{ "two left, at the seat", &card, PIN_AT_SEAT, 2, 0, 0, TSR_PIN_REQUIRED, 2 },
	{ "two left, at the seat, confirmed", &card, PIN_AT_SEAT, 2, 0, 2, TSR_OK, 2 },
	{ "two left, another number confirmed", &card, PIN_AT_SEAT, 2, 0, 1, TSR_PIN_REQUIRED, 2 },
	{ "one left, two confirmed", &card, PIN_AT_SEAT, 1, 0, 2, TSR_PIN_REQUIRED, 1 },
	{ "one left, confirmed", &card, PIN_AT_SEAT, 1, 0, 1, TSR_OK, 1 },
	{ "none left", &card, PIN_AT_SEAT, 0, 0, 0, TSR_PIN_LOCKED, 0 },
	{ "unknown, elsewhere", &card, PIN_ELSEWHERE, UNKNOWN, 0, 0, TSR_OK, 0 },
	{ "unknown counts as two after one was refused", &card, PIN_ELSEWHERE, UNKNOWN, 1, 0, TSR_PIN_SEAT, 2 },
	{ "unknown, refused, at the seat", &card, PIN_AT_SEAT, UNKNOWN, 1, 0, TSR_PIN_REQUIRED, 2 },
	{ "unknown, refused, confirmed", &card, PIN_AT_SEAT, UNKNOWN, 1, 2, TSR_OK, 2 },
	{ "a module that never locks", &endless, PIN_ELSEWHERE, UNKNOWN, 1, 0, TSR_OK, 0 },
	{ "another token's refusal", &other, PIN_ELSEWHERE, UNKNOWN, 1, 0, TSR_OK, 0 },
	{ "the PUK is another secret", &puk, PIN_ELSEWHERE, UNKNOWN, 1, 0, TSR_OK, 0 },
};

static void
test_who_may(void **state)
{
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *r = &rows[i];

		(void)teardown(state);
		assert_int_equal(setup(state), 0);
		if (r->refused)
			refuse(&card, PIN_AT_SEAT, "000000", NOW);
		if (may(r->of, r->place, r->tries, r->confirmed, NOW) != r->code ||
		    pin_guard_confirm(g, r->of, r->tries) != r->confirm)
			fail_msg("%s: %d, %u", r->name, may(r->of, r->place, r->tries, r->confirmed, NOW),
			    pin_guard_confirm(g, r->of, r->tries));
	}
}

/* Four are remembered, for that token and until it is pulled or changed. */
static void
test_not_again(void **state)
{
	static const char *const pin[] = { "1111", "2222", "3333", "4444", "5555" };
	size_t i;

	(void)state;
	for (i = 0; i < 4; i++)
		refuse(&card, PIN_AT_SEAT, pin[i], NOW);
	refuse(&card, PIN_AT_SEAT, pin[3], NOW);	/* not twice */
	for (i = 0; i < 4; i++)
		assert_true(knows(&card, pin[i]));
	assert_false(knows(&card, pin[4]));
	assert_false(knows(&card, "111"));
	assert_false(knows(&other, pin[0]));
	assert_false(knows(&puk, pin[0]));
	refuse(&card, PIN_AT_SEAT, NULL, NOW);		/* nobody knows of what */
	refuse(&card, PIN_AT_SEAT, pin[4], NOW);
	assert_false(knows(&card, pin[0]));		/* the oldest went */
	assert_true(knows(&card, pin[1]));
	pin_guard_accepted(g, &card);
	assert_true(knows(&card, pin[1]));
	assert_int_equal(may(&card, PIN_ELSEWHERE, UNKNOWN, 0, NOW), TSR_OK);	/* it counts anew */
	refuse(&puk, PIN_AT_SEAT, pin[0], NOW);
	pin_guard_pulled(g, "1", "card");
	assert_false(knows(&card, pin[1]) || knows(&puk, pin[0]));
	refuse(&card, PIN_AT_SEAT, pin[0], NOW);
	pin_guard_changed(g, &card);
	assert_false(knows(&card, pin[0]));
}

/* One a minute, doubled to an hour, whoever it was; who is at the seat never
 * waits. */
static void
test_elsewhere_waits(void **state)
{
	uint64_t now = NOW, wait = MINUTE;
	uint32_t left = 0;
	int i;

	(void)state;
	for (i = 0; i < 10; i++) {
		assert_int_equal(may(&card, PIN_ELSEWHERE, 3, 0, now), TSR_OK);
		refuse(&card, PIN_ELSEWHERE, "1111", now);
		assert_int_equal(may(&card, PIN_ELSEWHERE, 3, 0, now + wait - 1), TSR_SLOW_DOWN);
		assert_int_equal(may(&card, PIN_AT_SEAT, 3, 0, now), TSR_OK);
		assert_int_equal(may(&other, PIN_ELSEWHERE, 3, 0, now), TSR_OK);
		assert_int_equal(pin_guard_may(g, &card, PIN_ELSEWHERE, 3, 0, now, &left), TSR_SLOW_DOWN);
		assert_int_equal(left, wait / 1000);
		now += wait;
		wait = 2 * wait < 60 * MINUTE ? 2 * wait : 60 * MINUTE;
	}
	assert_int_equal(wait, 60 * MINUTE);
	refuse(&card, PIN_ELSEWHERE, NULL, now);	/* what nobody knows counts */
	pin_guard_pulled(g, "1", "card");
	pin_guard_accepted(g, &card);
	assert_int_equal(may(&card, PIN_ELSEWHERE, 3, 0, now + 1), TSR_SLOW_DOWN);
	now += 60 * MINUTE + PIN_GUARD_CALM_MS;		/* a day of peace */
	refuse(&card, PIN_ELSEWHERE, "1111", now);
	assert_int_equal(may(&card, PIN_ELSEWHERE, 3, 0, now + MINUTE), TSR_OK);
}

static void
test_seat_does_not_slow(void **state)
{
	(void)state;
	refuse(&card, PIN_AT_SEAT, "1111", NOW);
	assert_int_equal(may(&card, PIN_ELSEWHERE, 3, 0, NOW), TSR_OK);
}

static void
test_one_at_a_time(void **state)
{
	struct pin_of of = { "", "many", 0, 0 };
	char serial[16];
	int i;

	(void)state;
	assert_int_equal(pin_guard_begin(g, &card, NULL), TSR_OK);
	assert_int_equal(pin_guard_begin(g, &card, NULL), TSR_DEVICE_BUSY);
	assert_int_equal(pin_guard_begin(g, &other, NULL), TSR_OK);
	pin_guard_unspent(g, &card);
	assert_int_equal(pin_guard_begin(g, &card, NULL), TSR_OK);
	pin_guard_accepted(g, &card);
	pin_guard_accepted(g, &other);
	assert_int_equal(pin_guard_begin(g, &card, NULL), TSR_OK);
	refuse(&other, PIN_ELSEWHERE, "1111", NOW);
	/* Others take the places of those that are idle, never that of one at work. */
	of.serial = serial;
	for (i = 0; i < 3 * PIN_GUARD_TOKENS_MAX; i++) {
		(void)snprintf(serial, sizeof(serial), "s%d", i);
		assert_int_equal(pin_guard_begin(g, &of, NULL), TSR_OK);
		pin_guard_unspent(g, &of);
	}
	assert_int_equal(pin_guard_begin(g, &card, NULL), TSR_DEVICE_BUSY);
	assert_int_equal(may(&other, PIN_ELSEWHERE, 3, 0, NOW + 1), TSR_SLOW_DOWN);
}

static void
test_defaults(void **state)
{
	static const struct {
		const char *pin;
		int is;
	} pins[] = { { "123456", 1 }, { "12345678", 1 }, { "1234567", 0 }, { "0000", 1 }, { "481516", 0 } };
	struct secret *s;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(pins) / sizeof(pins[0]); i++) {
		s = secret_from(pins[i].pin, strlen(pins[i].pin));
		assert_int_equal(pin_guard_is_default(s), pins[i].is);
		secret_free(&s);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_who_may, setup, teardown),
		cmocka_unit_test_setup_teardown(test_not_again, setup, teardown),
		cmocka_unit_test_setup_teardown(test_elsewhere_waits, setup, teardown),
		cmocka_unit_test_setup_teardown(test_seat_does_not_slow, setup, teardown),
		cmocka_unit_test_setup_teardown(test_one_at_a_time, setup, teardown),
		cmocka_unit_test_setup_teardown(test_defaults, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
