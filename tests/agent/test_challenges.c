/*
 * test_challenges.c - challenges that wait for their answer: whose they are, how long,
 * how many, and that each is spent once.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/challenges.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <setjmp.h>
#include <cmocka.h>

#include "include/tessera.h"
#include "tests/agent/clock_rig.h"

static unsigned dropped;
static struct challenges *cs;

static void
drop(void *of)
{
	*(unsigned *)of += 1;
}

static int
add_from(const char *source, const char *id, uid_t by, uid_t uid, enum challenge_purpose purpose,
    int admin)
{
	struct challenge_held h = {
		.by = by, .uid = uid, .purpose = purpose, .admin = admin, .life_s = CHALLENGE_PROOF_S,
		.of = &dropped, .drop = drop
	};

	(void)snprintf(h.id, sizeof(h.id), "%s", id);
	(void)snprintf(h.source, sizeof(h.source), "%s", source);
	return challenge_add(cs, &h);
}

static int
add(const char *id, uid_t by, uid_t uid, enum challenge_purpose purpose, int admin)
{
	char source[CALLER_SOURCE_MAX];

	caller_source_uid(uid, source);
	return add_from(source, id, by, uid, purpose, admin);
}

static int
take(const char *id, uid_t by, enum challenge_purpose purpose, int admin)
{
	struct challenge_held h;

	return challenge_take(cs, id, by, purpose, admin, &h);
}

static int
setup(void **state)
{
	(void)state;
	clock_rig_reset();
	dropped = 0;
	return challenges_new(&cs);
}

static int
teardown(void **state)
{
	(void)state;
	challenges_free(&cs);
	return 0;
}

static void
whose(void **state)
{
	static const struct {
		const char *name, *id;
		uid_t by;
		enum challenge_purpose purpose;
		int admin, code;
	} rows[] = {
		{ "another id", "b", 1, CHALLENGE_REMOTE, 0, TSR_BAD_GRANT },
		{ "the beginning of its id", "", 1, CHALLENGE_REMOTE, 0, TSR_BAD_GRANT },
		{ "another uid", "a", 2, CHALLENGE_REMOTE, 0, TSR_BAD_GRANT },
		{ "the user for whom root asked", "a", 7, CHALLENGE_REMOTE, 0, TSR_BAD_GRANT },
		{ "an enrolment", "a", 1, CHALLENGE_ENROL, 0, TSR_BAD_GRANT },
		{ "on the admin socket", "a", 1, CHALLENGE_REMOTE, 1, TSR_BAD_GRANT },
		{ "its own", "a", 1, CHALLENGE_REMOTE, 0, TSR_OK },
		{ "its own again", "a", 1, CHALLENGE_REMOTE, 0, TSR_BAD_GRANT },
	};
	size_t i;

	(void)state;
	assert_int_equal(add("a", 1, 7, CHALLENGE_REMOTE, 0), TSR_OK);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		print_message("%s\n", rows[i].name);
		assert_int_equal(challenge_waits(cs, rows[i].id, rows[i].by, rows[i].purpose,
		    rows[i].admin), rows[i].code == TSR_OK);
		assert_int_equal(take(rows[i].id, rows[i].by, rows[i].purpose, rows[i].admin),
		    rows[i].code);
	}
	assert_int_equal(dropped, 0);	/* whoever took it has it */
}

static void
how_long(void **state)
{
	(void)state;
	assert_int_equal(add("a", 1, 1, CHALLENGE_REMOTE, 0), TSR_OK);
	assert_int_equal(add("b", 1, 1, CHALLENGE_REMOTE, 0), TSR_OK);
	clock_rig_advance(CHALLENGE_PROOF_S * 1000 - 1);
	assert_int_equal(take("a", 1, CHALLENGE_REMOTE, 0), TSR_OK);
	clock_rig_advance(1);
	assert_int_equal(take("b", 1, CHALLENGE_REMOTE, 0), TSR_BAD_GRANT);
	assert_int_equal(dropped, 1);
}

static void
how_many(void **state)
{
	char id[STORE_ID_LEN + 1];
	uid_t u;
	int i;

	(void)state;
	for (u = 0; u < CHALLENGES_MAX / CHALLENGES_USER; u++)
		for (i = 0; i <= CHALLENGES_USER; i++) {
			(void)snprintf(id, sizeof(id), "%u-%d", u, i);
			/* counted for the user, whoever asks */
			assert_int_equal(add(id, (uid_t)i, u, CHALLENGE_REMOTE, 0),
			    i < CHALLENGES_USER ? TSR_OK : TSR_SLOW_DOWN);
		}
	assert_int_equal(add("x", 5000, 5000, CHALLENGE_REMOTE, 0), TSR_SLOW_DOWN);
	assert_int_equal(take("3-0", 0, CHALLENGE_REMOTE, 0), TSR_OK);
	assert_int_equal(add("x", 5000, 5000, CHALLENGE_REMOTE, 0), TSR_OK);
	challenges_free(&cs);
	assert_int_equal(dropped, CHALLENGES_MAX);
}

static int
add_rhost(unsigned host, unsigned n, uid_t uid)
{
	char source[CALLER_SOURCE_MAX], id[STORE_ID_LEN + 1];

	(void)snprintf(source, sizeof(source), "rhost:host%u", host);
	(void)snprintf(id, sizeof(id), "%u-%u-%u", uid, host, n);
	return add_from(source, id, 0, uid, CHALLENGE_REMOTE, 0);
}

/* A login helper's hosts: one leaves room for the others, and all of them for the
 * user himself. */
static void
from_where(void **state)
{
	unsigned host, n, u, most = CHALLENGES_OTHERS / CHALLENGES_USER;

	(void)state;
	for (host = 0; host <= most; host++)
		for (n = 0; n <= CHALLENGES_USER; n++)
			assert_int_equal(add_rhost(host, n, 1000), host < most &&
			    n < CHALLENGES_USER ? TSR_OK : TSR_SLOW_DOWN);
	for (n = 0; n < CHALLENGES_USER; n++)
		assert_int_equal(add("own", 1000, 1000, CHALLENGE_REMOTE, 0), TSR_OK);
	assert_int_equal(add_rhost(most, 0, 1001), TSR_OK);
	for (u = 0; u < CHALLENGES_SOURCE / CHALLENGES_USER; u++)
		for (n = 0; n < CHALLENGES_USER; n++)
			assert_int_equal(add_rhost(99, n, 2000 + u), TSR_OK);
	assert_int_equal(add_rhost(99, 0, 3000), TSR_SLOW_DOWN);
	assert_int_equal(add_rhost(98, 0, 3000), TSR_OK);
}

/* Two of one context are not alike. */
static void
drawn(void **state)
{
	uint8_t nonce[2][CHALLENGE_NONCE_LEN], bytes[2][CHALLENGE_LEN];
	struct buf b;
	int i;

	(void)state;
	buf_init(&b, 64);
	assert_int_equal(buf_put_cstr(&b, "context"), TSR_OK);
	for (i = 0; i < 2; i++)
		assert_int_equal(challenge_draw(&b, nonce[i], bytes[i]), TSR_OK);
	assert_memory_not_equal(bytes[0], bytes[1], CHALLENGE_LEN);
	assert_memory_equal(bytes[0] + 21, nonce[0], CHALLENGE_NONCE_LEN);
	buf_free(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(whose, setup, teardown),
		cmocka_unit_test_setup_teardown(how_long, setup, teardown),
		cmocka_unit_test_setup_teardown(how_many, setup, teardown),
		cmocka_unit_test_setup_teardown(from_where, setup, teardown),
		cmocka_unit_test_setup_teardown(drawn, setup, teardown),
	};

	clock_rig_start();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
