/*
 * test_store_enrolled.c - who ever had a credential: by name and by number, after it
 * was removed, and after rows were lost.
 *
 * SPDX-License-Identifier: ISC
 */
#include "tests/agent/store_help.h"

#include <stdio.h>

#include "agent/store_check.h"
#include "agent/store_enrolled.h"
#include "tessera.h"

/* The sample credential 8 is user1's, whose number is 1001. */
static void
by_name_and_number(void **state)
{
	static const struct row {
		const char *name, *subject;
		uid_t uid;
		int want;
	} rows[] = {
		{ "his", "user1", 1001, TSR_OK },
		{ "his name, another number", "user1", 4711, TSR_OK },
		{ "his number, another name", "somebody", 1001, TSR_OK },
		{ "another's", "user2", 1002, TSR_NOT_FOUND },
		{ "the beginning of his name", "user", 100, TSR_NOT_FOUND },
		{ "a name as of a mark", "uid.1001", 4711, TSR_NOT_FOUND },
	};
	static const char *const steps[] = { "enrolled", "disabled", "removed", "opened again" };
	struct place *p = *state;
	char id[STORE_ID_LEN + 1];
	size_t i, step;
	int r;

	help_open(p);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(store_enrolled(p->st, rows[i].subject, rows[i].uid), TSR_NOT_FOUND);
	help_add(p, 8, id);
	for (step = 0; step < sizeof(steps) / sizeof(steps[0]); step++) {
		assert_int_equal(store_begin(p->st), TSR_OK);
		r = step == 1 ? store_credential_set_state(p->st, id, CREDENTIAL_ACTIVE,
		    CREDENTIAL_DISABLED) : step == 2 ? store_credential_remove(p->st, id) : TSR_OK;
		assert_int_equal(r, TSR_OK);
		assert_int_equal(store_keep(p->st), TSR_OK);
		assert_int_equal(store_commit(p->st), TSR_OK);
		if (step == 3) {
			help_close(p);
			help_open(p);
		}
		for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
			if ((r = store_enrolled(p->st, rows[i].subject, rows[i].uid)) != rows[i].want)
				fail_msg("%s, %s: %d", steps[step], rows[i].name, r);
	}
	assert_int_equal(store_begin(p->st), TSR_OK);
	assert_int_equal(store_credential_remove(p->st, id), TSR_NOT_FOUND);
	store_undo(p->st);
}

/* Rows whose owners are not known any more were somebody's. */
static void
after_a_loss(void **state)
{
	static const char *const damage[] = {
		"UPDATE credential SET acr = 6 WHERE id = 'credential-00000000016'",
		"DELETE FROM row_tag WHERE place = 2",
		"UPDATE meta SET value = x'00' WHERE name = 'enrolled.name.user1'",
		"UPDATE meta SET name = 'enrolled.uid.5' WHERE name = 'enrolled.uid.1001'",
	};
	struct place *p;
	char id[STORE_ID_LEN + 1];
	unsigned dropped;
	size_t i;

	for (i = 0; i < sizeof(damage) / sizeof(damage[0]); i++) {
		assert_int_equal(help_teardown(state), 0);
		assert_int_equal(help_setup(state), 0);
		p = *state;
		help_open(p);
		help_add(p, 8, id);
		assert_int_equal(store_begin(p->st), TSR_OK);
		assert_int_equal(store_credential_remove(p->st, id), TSR_OK);
		assert_int_equal(store_keep(p->st), TSR_OK);
		help_add(p, 16, id);
		assert_int_equal(store_enrolled(p->st, "user9", 1009), TSR_NOT_FOUND);
		help_close(p);
		help_sql(p->db, damage[i]);
		help_open(p);
		assert_int_equal(store_suspect(p->st, STORE_ALTERED, 0), TSR_OK);
		assert_int_equal(store_confirm(p->st, &dropped), TSR_OK);
		if (store_enrolled(p->st, "user9", 1009) != TSR_OK)
			fail_msg("%s", damage[i]);
	}
}

/* Nothing was lost: who never had one still has not. */
static void
after_a_scare(void **state)
{
	struct place *p = *state;
	char id[STORE_ID_LEN + 1];
	unsigned dropped = 1;

	help_open(p);
	help_add(p, 8, id);
	assert_int_equal(store_suspect(p->st, STORE_RESTORED, 0), TSR_OK);
	assert_int_equal(store_confirm(p->st, &dropped), TSR_OK);
	assert_int_equal(dropped, 0);
	assert_int_equal(store_enrolled(p->st, "user9", 1009), TSR_NOT_FOUND);
	assert_int_equal(store_enrolled(p->st, "user1", 1001), TSR_OK);
}

/* A mark that was altered is no "never". */
static void
altered_mark(void **state)
{
	struct place *p = *state;
	char id[STORE_ID_LEN + 1];

	help_open(p);
	help_add(p, 8, id);
	assert_int_equal(store_begin(p->st), TSR_OK);
	assert_int_equal(store_credential_remove(p->st, id), TSR_OK);
	assert_int_equal(store_keep(p->st), TSR_OK);
	assert_int_equal(store_commit(p->st), TSR_OK);
	help_close(p);
	help_sql(p->db, "UPDATE meta SET value = x'02' WHERE name = 'enrolled.name.user1'");
	help_open(p);
	assert_int_equal(store_enrolled(p->st, "user1", 1001), TSR_CORRUPT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(by_name_and_number, help_setup, help_teardown),
		cmocka_unit_test_setup_teardown(after_a_loss, help_setup, help_teardown),
		cmocka_unit_test_setup_teardown(after_a_scare, help_setup, help_teardown),
		cmocka_unit_test_setup_teardown(altered_mark, help_setup, help_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
