/*
 * test_fido_turn.c - one request at a time has the keys: who is next, what becomes of
 * those who wait, and the rest after a touch that never came.
 *
 * SPDX-License-Identifier: ISC
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <string.h>
#include <cmocka.h>

#include "agent/clock.h"
#include "agent/fido_turn.h"
#include "include/tessera.h"
#include "tests/agent/clock_rig.h"

#define WAITERS	6
#define NOT_YET	1	/* a waiter's code before it was told */

static struct timers *timers;
static struct fido_turns turns;
static struct waiter {
	struct fido_turn turn;
	int code;
} w[WAITERS];

static void
on_go(void *arg, int code)
{
	struct waiter *by = arg;

	assert_int_equal(by->code, NOT_YET);	/* told once */
	by->code = code;
}

static int
setup(void **state)
{
	(void)state;
	memset(w, 0, sizeof(w));
	memset(&turns, 0, sizeof(turns));
	if (timers_new(&timers) != TSR_OK)
		return 1;
	fido_turns_init(&turns, timers);
	return 0;
}

static int
teardown(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < WAITERS; i++)
		fido_turn_end(&w[i].turn);
	fido_turns_end(&turns);
	assert_int_equal(timers_next(timers), UINT64_MAX);	/* nothing is left behind */
	timers_free(&timers);
	return 0;
}

static void
wait_as(size_t i, uid_t uid, int login)
{
	memset(&w[i], 0, sizeof(w[i]));
	w[i].code = NOT_YET;
	w[i].turn.uid = uid;
	w[i].turn.login = login;
	w[i].turn.go = on_go;
	w[i].turn.arg = &w[i];
	assert_int_equal(fido_turn_wait(&turns, &w[i].turn), TSR_OK);
	assert_int_equal(w[i].code, NOT_YET);	/* never from inside */
}

/* All that is due ms from now. */
static void
pass(uint64_t ms)
{
	int i;

	clock_rig_advance(ms);
	for (i = 0; i < 4; i++)
		timers_run(timers, clock_boot_ms());
}

/* The order in which they come, each ending its turn at once. */
static const struct order {
	const char *name;
	size_t n;
	uid_t uid[WAITERS];
	size_t order[WAITERS];
} orders[] = {
	{ "of one user: first come", 4, { 1, 1, 1, 1 }, { 0, 1, 2, 3 } },
	{ "two users: by turns", 4, { 1, 1, 1, 2 }, { 0, 3, 1, 2 } },
	{ "who asks in a loop holds nobody up", 6, { 1, 1, 1, 1, 2, 3 }, { 0, 4, 1, 5, 2, 3 } },
	{ "three users", 6, { 1, 1, 2, 2, 3, 3 }, { 0, 2, 1, 3, 4, 5 } },
};

static void
test_order(void **state)
{
	const struct order *o;
	size_t i, k, has;

	(void)state;
	for (o = orders; o < orders + sizeof(orders) / sizeof(orders[0]); o++) {
		turns.last = (uid_t)-1;
		for (i = 0; i < o->n; i++)
			wait_as(i, o->uid[i], 1);
		for (k = 0; k < o->n; k++) {
			pass(0);
			for (has = WAITERS, i = 0; i < o->n; i++)
				if (w[i].code == TSR_OK && &w[i].turn == turns.has)
					has = i;
			if (has != o->order[k])
				fail_msg("%s: %zu is not %zu", o->name, k, o->order[k]);
			fido_turn_end(&w[has].turn);
		}
	}
}

/* One at a time, whatever happens to the others. */
static void
test_alone(void **state)
{
	(void)state;
	wait_as(0, 1, 1);
	wait_as(1, 1, 1);
	wait_as(2, 2, 1);
	pass(0);
	assert_ptr_equal(turns.has, &w[0].turn);
	fido_turn_end(&w[2].turn);		/* it leaves its place */
	pass(1000);
	assert_int_equal(w[1].code, NOT_YET);
	assert_int_equal(w[2].code, NOT_YET);
	fido_turn_end(&w[0].turn);
	fido_turn_end(&w[0].turn);		/* twice is once */
	pass(0);
	assert_int_equal(w[1].code, TSR_OK);
	assert_int_equal(w[2].code, NOT_YET);
}

/* Behind others for too long. */
static void
test_too_long(void **state)
{
	(void)state;
	wait_as(0, 1, 1);
	pass(0);
	wait_as(1, 1, 1);
	pass(FIDO_TURN_WAIT_MS - 1);
	assert_int_equal(w[1].code, NOT_YET);
	pass(1);
	assert_int_equal(w[1].code, TSR_DEVICE_BUSY);
	assert_int_equal(w[0].code, TSR_OK);	/* whoever has it is not timed here */
	assert_ptr_equal(turns.has, &w[0].turn);
}

/* A touch was spent: the same user's logins that wait are told, nobody else. */
static void
test_spent(void **state)
{
	(void)state;
	wait_as(0, 1, 1);
	pass(0);
	wait_as(1, 1, 1);	/* the same user's */
	wait_as(2, 2, 1);	/* another's */
	wait_as(3, 1, 0);	/* no login: it makes a credential */
	fido_turn_spent(&w[0].turn);
	assert_int_equal(w[1].code, NOT_YET);	/* told from the loop */
	fido_turn_end(&w[0].turn);
	pass(0);
	assert_int_equal(w[1].code, TSR_LOGIN_REQUIRED);
	assert_int_equal(w[2].code, TSR_OK);
	assert_int_equal(w[3].code, NOT_YET);
	fido_turn_end(&w[2].turn);
	pass(0);
	assert_int_equal(w[3].code, TSR_OK);
	/* one that was to be told and goes away is not told */
	wait_as(4, 1, 1);
	fido_turn_spent(&w[3].turn);
	fido_turn_end(&w[4].turn);
	pass(0);
	assert_int_equal(w[4].code, NOT_YET);
}

/* A finger may be on its way when a touch is given up: it meets a dark key. */
static void
test_rest(void **state)
{
	(void)state;
	wait_as(0, 1, 1);
	pass(0);
	wait_as(1, 1, 1);
	fido_turns_rest(&turns);
	fido_turn_end(&w[0].turn);
	pass(FIDO_TURN_REST_MS - 1);
	assert_int_equal(w[1].code, NOT_YET);
	wait_as(2, 2, 1);		/* nor does a new one cut it short */
	pass(0);
	assert_int_equal(w[2].code, NOT_YET);
	pass(1);
	assert_int_equal(w[2].code, TSR_OK);
	/* what ends otherwise leaves no rest */
	fido_turn_end(&w[2].turn);
	pass(0);
	assert_int_equal(w[1].code, TSR_OK);
}

int
main(void)
{
#define TEST(t)	cmocka_unit_test_setup_teardown(t, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_order),
		TEST(test_alone),
		TEST(test_too_long),
		TEST(test_spent),
		TEST(test_rest),
	};

	clock_rig_start();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
