/*
 * test_enrol_code.c - one-time enrolment codes.
 *
 * SPDX-License-Identifier: ISC
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <ctype.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "agent/enrol_code.h"
#include "include/tessera.h"
#include "tests/agent/clock_rig.h"

#define UID	1000
#define OTHER	1001

static struct enrol_codes *codes;

/* What an enrolment does with a code: check it, and spend it at the end. */
static int
use(struct enrol_codes *ec, uid_t uid, const char *code)
{
	uint64_t serial;
	int r;

	if ((r = enrol_code_check(ec, uid, code, &serial)) != TSR_OK)
		return r;
	r = enrol_code_spend(ec, uid, serial, ec);
	enrol_codes_settle(ec, 1);
	return r;
}

/* Checked is not spent; of two that were checked one is spent; a newer code voids it. */
static void
test_checked_twice(void **state)
{
	char code[ENROL_CODE_LEN + 1], next[ENROL_CODE_LEN + 1];
	uint64_t a = 0, b = 0, c = 0;

	(void)state;
	assert_int_equal(enrol_code_make(codes, UID, code), TSR_OK);
	assert_int_equal(enrol_code_check(codes, UID, code, &a), TSR_OK);
	assert_int_equal(enrol_code_check(codes, UID, code, &b), TSR_OK);
	assert_int_equal(enrol_code_spend(codes, OTHER, a, codes), TSR_BAD_GRANT);
	assert_int_equal(enrol_code_spend(codes, UID, a, codes), TSR_OK);
	assert_int_equal(enrol_code_spend(codes, UID, b, codes), TSR_BAD_GRANT);
	assert_int_equal(enrol_code_make(codes, UID, code), TSR_OK);
	assert_int_equal(enrol_code_check(codes, UID, code, &c), TSR_OK);
	assert_int_equal(enrol_code_make(codes, UID, next), TSR_OK);
	assert_int_equal(enrol_code_spend(codes, UID, c, codes), TSR_BAD_GRANT);
	assert_int_equal(use(codes, UID, next), TSR_OK);
}

static int
setup(void **state)
{
	(void)state;
	return enrol_codes_new(&codes);
}

static int
teardown(void **state)
{
	(void)state;
	enrol_codes_free(&codes);
	return codes != NULL;
}

static void
test_form(void **state)
{
	char code[ENROL_CODE_LEN + 1], next[ENROL_CODE_LEN + 1];
	int i;

	(void)state;
	assert_int_equal(enrol_code_make(codes, UID, code), TSR_OK);
	assert_int_equal(strlen(code), ENROL_CODE_LEN);
	for (i = 0; i < ENROL_CODE_LEN; i++)
		assert_true(i % 5 == 4 ? code[i] == '-' :
		    strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", code[i]) != NULL);
	assert_int_equal(enrol_code_make(codes, UID, next), TSR_OK);
	assert_string_not_equal(code, next);
}

static void
test_once(void **state)
{
	char code[ENROL_CODE_LEN + 1];

	(void)state;
	assert_int_equal(enrol_code_make(codes, UID, code), TSR_OK);
	assert_int_equal(use(codes, UID, code), TSR_OK);
	assert_int_equal(use(codes, UID, code), TSR_BAD_GRANT);
}

static void
test_another_uid(void **state)
{
	char code[ENROL_CODE_LEN + 1], his[ENROL_CODE_LEN + 1];

	(void)state;
	assert_int_equal(enrol_code_make(codes, UID, code), TSR_OK);
	assert_int_equal(use(codes, OTHER, code), TSR_BAD_GRANT);
	assert_int_equal(enrol_code_make(codes, OTHER, his), TSR_OK);
	assert_int_equal(use(codes, OTHER, code), TSR_BAD_GRANT);
	assert_int_equal(use(codes, UID, code), TSR_OK);
	assert_int_equal(use(codes, OTHER, his), TSR_OK);
}

/* As people type: every row is made of a fresh code. */
static const struct typed {
	const char *name;
	int lower, dashes;		/* dashes: 0 none, 1 as given, 2 blanks instead */
	const char *before, *after;
	int code;
} typed[] = {
	{ "as given", 0, 1, "", "", TSR_OK },
	{ "small letters", 1, 1, "", "", TSR_OK },
	{ "without dashes", 0, 0, "", "", TSR_OK },
	{ "with blanks", 1, 2, " ", " ", TSR_OK },
	{ "dashes all around", 0, 1, "--", "-", TSR_OK },
	{ "a character more", 0, 1, "", "A", TSR_BAD_GRANT },
	{ "a character in front", 0, 1, "A", "", TSR_BAD_GRANT },
	{ "a digit that is not of the alphabet", 0, 1, "", "1", TSR_BAD_GRANT },
	{ "a line break", 0, 1, "", "\n", TSR_BAD_GRANT },
};

static void
test_typed(void **state)
{
	char code[ENROL_CODE_LEN + 1], text[64];
	size_t i, o, k;

	(void)state;
	for (i = 0; i < sizeof(typed) / sizeof(typed[0]); i++) {
		assert_int_equal(enrol_code_make(codes, UID, code), TSR_OK);
		o = (size_t)snprintf(text, sizeof(text), "%s", typed[i].before);
		for (k = 0; code[k] != '\0'; k++) {
			if (code[k] == '-' && typed[i].dashes == 0)
				continue;
			text[o++] = code[k] == '-' && typed[i].dashes == 2 ? ' ' :
			    typed[i].lower ? (char)tolower(code[k]) : code[k];
		}
		(void)snprintf(text + o, sizeof(text) - o, "%s", typed[i].after);
		if (use(codes, UID, text) != typed[i].code)
			fail_msg("%s", typed[i].name);
	}
}

static void
test_wrong(void **state)
{
	static const char *const wrong[] = { "", "A", "AAAA-AAAA-AAAA-AAAA", "AAAAAAAAAAAAAAAAAAAA" };
	char code[ENROL_CODE_LEN + 1];
	int i;

	(void)state;
	for (i = 0; i < 4; i++)		/* nobody has a code: nothing to guess */
		assert_int_equal(use(codes, UID, wrong[i]), TSR_BAD_GRANT);
	assert_int_equal(enrol_code_make(codes, UID, code), TSR_OK);
	for (i = 0; i < ENROL_CODE_TRIES - 1; i++)
		assert_int_equal(use(codes, UID, wrong[i % 4]), TSR_BAD_GRANT);
	assert_int_equal(use(codes, UID, code), TSR_OK);

	assert_int_equal(enrol_code_make(codes, UID, code), TSR_OK);
	for (i = 0; i < ENROL_CODE_TRIES; i++)
		assert_int_equal(use(codes, UID, wrong[i % 4]), TSR_BAD_GRANT);
	assert_int_equal(use(codes, UID, code), TSR_BAD_GRANT);
}

static void
test_over(void **state)
{
	char code[ENROL_CODE_LEN + 1];

	(void)state;
	assert_int_equal(enrol_code_make(codes, UID, code), TSR_OK);
	clock_rig_advance((uint64_t)ENROL_CODE_S * 1000 - 1);
	assert_int_equal(use(codes, UID, code), TSR_OK);
	assert_int_equal(enrol_code_make(codes, UID, code), TSR_OK);
	clock_rig_advance((uint64_t)ENROL_CODE_S * 1000);
	assert_int_equal(use(codes, UID, code), TSR_BAD_GRANT);
}

static void
test_replaced(void **state)
{
	char code[ENROL_CODE_LEN + 1], next[ENROL_CODE_LEN + 1];

	(void)state;
	assert_int_equal(enrol_code_make(codes, UID, code), TSR_OK);
	assert_int_equal(enrol_code_make(codes, UID, next), TSR_OK);
	assert_int_equal(use(codes, UID, code), TSR_BAD_GRANT);
	assert_int_equal(use(codes, UID, next), TSR_OK);
}

/* What was spent for a request or a batch that came to nothing is as good as before. */
static void
test_undone(void **state)
{
	char code[ENROL_CODE_LEN + 1];
	uint64_t serial = 0, again = 0;

	(void)state;
	assert_int_equal(enrol_code_make(codes, UID, code), TSR_OK);
	assert_int_equal(enrol_code_check(codes, UID, code, &serial), TSR_OK);
	assert_int_equal(enrol_code_spend(codes, UID, serial, codes), TSR_OK);
	assert_int_equal(enrol_code_check(codes, UID, code, &again), TSR_BAD_GRANT);
	enrol_code_keep(codes, UID, serial, codes);
	assert_int_equal(enrol_code_spend(codes, UID, serial, codes), TSR_OK);
	enrol_codes_settle(codes, 0);
	assert_int_equal(enrol_code_spend(codes, UID, serial, codes), TSR_OK);
	enrol_codes_settle(codes, 1);
	assert_int_equal(enrol_code_check(codes, UID, code, &again), TSR_BAD_GRANT);
}

/* Two enrolments with one code end in one batch: who comes second and gives back
 * what he did not get does not make the code good for a third. */
static void
test_undone_by_another(void **state)
{
	char code[ENROL_CODE_LEN + 1], first, second;
	uint64_t serial = 0, again = 0;

	(void)state;
	assert_int_equal(enrol_code_make(codes, UID, code), TSR_OK);
	assert_int_equal(enrol_code_check(codes, UID, code, &serial), TSR_OK);
	assert_int_equal(enrol_code_spend(codes, UID, serial, &first), TSR_OK);
	assert_int_equal(enrol_code_spend(codes, UID, serial, &second), TSR_BAD_GRANT);
	enrol_code_keep(codes, UID, serial, &second);
	assert_int_equal(enrol_code_spend(codes, UID, serial, &second), TSR_BAD_GRANT);
	enrol_codes_settle(codes, 1);
	assert_int_equal(enrol_code_check(codes, UID, code, &again), TSR_BAD_GRANT);
}

static void
test_limit(void **state)
{
	char code[ENROL_CODE_LEN + 1];
	uid_t i;

	(void)state;
	for (i = 0; i < ENROL_CODES_MAX; i++)
		assert_int_equal(enrol_code_make(codes, UID + i, code), TSR_OK);
	assert_int_equal(enrol_code_make(codes, UID + i, code), TSR_TOO_LARGE);
	assert_int_equal(enrol_code_make(codes, UID, code), TSR_OK);	/* instead of his own */
	assert_int_equal(use(codes, UID, code), TSR_OK);
	assert_int_equal(enrol_code_make(codes, UID + i, code), TSR_OK);
	clock_rig_advance((uint64_t)ENROL_CODE_S * 1000);
	assert_int_equal(enrol_code_make(codes, UID + i + 1, code), TSR_OK);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_form, setup, teardown),
		cmocka_unit_test_setup_teardown(test_once, setup, teardown),
		cmocka_unit_test_setup_teardown(test_checked_twice, setup, teardown),
		cmocka_unit_test_setup_teardown(test_another_uid, setup, teardown),
		cmocka_unit_test_setup_teardown(test_typed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_wrong, setup, teardown),
		cmocka_unit_test_setup_teardown(test_over, setup, teardown),
		cmocka_unit_test_setup_teardown(test_replaced, setup, teardown),
		cmocka_unit_test_setup_teardown(test_undone, setup, teardown),
		cmocka_unit_test_setup_teardown(test_undone_by_another, setup, teardown),
		cmocka_unit_test_setup_teardown(test_limit, setup, teardown),
	};

	if (sodium_init() < 0)
		return 1;
	clock_rig_start();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
