/*
 * test_card_files.c - a virtual card outlives its process: retry counters,
 * keys and objects, whenever that is killed.
 *
 * SPDX-License-Identifier: ISC
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "card_rig.h"
#include "sim/card_internal.h"
#include "sim/card_make.h"
#include "tessera.h"

int __real_renameat(int from, const char *a, int to, const char *b);
int __wrap_renameat(int from, const char *a, int to, const char *b);

static int dies_after, dies_before, fails;	/* the nth, from 1 */
static int renames;

int
__wrap_renameat(int from, const char *a, int to, const char *b)
{
	int r;

	renames++;
	if (renames == dies_before)
		(void)raise(SIGKILL);
	if (renames == fails) {
		errno = EIO;
		return -1;
	}
	r = __real_renameat(from, a, to, b);
	if (renames == dies_after)
		(void)raise(SIGKILL);
	return r;
}

static unsigned
tries(const struct rig *r)
{
	struct card_tries t;

	card_tries(r->card, &t);
	return t.pin * 10 + t.puk;
}

/* A wrong attempt is paid for before anything says that it was wrong. */
static void
test_killed(void **state)
{
	static const struct {
		const char *name, *apdu;
		int before, after;
		unsigned left;		/* PIN * 10 + PUK */
	} rows[] = {
		{ "before it is paid, nobody knows anything", VERIFY_WRONG, 1, 0, 33 },
		{ "a wrong PIN", VERIFY_WRONG, 0, 1, 23 },
		{ "the right PIN, before it is known", VERIFY_RIGHT, 0, 1, 23 },
		{ "the right PIN, afterwards", VERIFY_RIGHT, 0, 2, 33 },
		{ "change, wrong", "0024008010 363534333231ffff 3131313131313131", 0, 1, 23 },
		{ "a wrong PUK", "002c008010 3030303030303030 323232323232ffff", 0, 1, 32 },
	};
	struct rig rig;
	int status;
	size_t i;
	pid_t pid;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		rig_new(&rig, CARD_CONTACT);
		card_free(&rig.card);
		if ((pid = fork()) == 0) {
			rig_reload(&rig, CARD_CONTACT);
			(void)rig_send(&rig, SELECT_PIV);
			renames = 0;
			dies_before = rows[i].before;
			dies_after = rows[i].after;
			(void)rig_send(&rig, rows[i].apdu);
			_exit(0);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		if (!WIFSIGNALED(status))
			fail_msg("%s: not killed", rows[i].name);
		rig_reload(&rig, CARD_CONTACT);
		if (tries(&rig) != rows[i].left)
			fail_msg("%s: %u", rows[i].name, tries(&rig));
		assert_int_equal(rig_send(&rig, SELECT_PIV), 0x9000);
		assert_int_equal(rig_send(&rig, VERIFY_RIGHT), 0x9000);
		rig_free(&rig);
	}
}

/* What cannot be written is not judged. */
static void
test_not_writable(void **state)
{
	struct rig rig;

	(void)state;
	rig_new(&rig, CARD_CONTACT);
	assert_int_equal(rig_send(&rig, SELECT_PIV), 0x9000);
	renames = 0;
	fails = 1;
	assert_int_equal(rig_send(&rig, VERIFY_WRONG), 0x6581);
	assert_int_equal(tries(&rig), 33);
	renames = 0;
	assert_int_equal(rig_send(&rig, VERIFY_RIGHT), 0x6581);
	assert_int_equal(rig_send(&rig, VERIFY_LOOK), 0x63c3);
	fails = 0;
	assert_int_equal(rig_send(&rig, VERIFY_RIGHT), 0x9000);
	rig_free(&rig);
}

static void
test_outlives(void **state)
{
	struct rig rig;

	(void)state;
	rig_new(&rig, CARD_CONTACT);
	assert_int_equal(rig_send(&rig, SELECT_PIV), 0x9000);
	assert_int_equal(rig_send(&rig, VERIFY_WRONG), 0x63c2);
	rig_reload(&rig, CARD_CONTACT);
	assert_int_equal(rig_send(&rig, SELECT_PIV), 0x9000);
	assert_int_equal(rig_send(&rig, VERIFY_WRONG), 0x63c1);
	assert_int_equal(rig_send(&rig, VERIFY_WRONG), 0x63c0);
	rig_reload(&rig, CARD_CONTACT);
	assert_int_equal(rig_send(&rig, SELECT_PIV), 0x9000);
	assert_int_equal(rig_send(&rig, VERIFY_RIGHT), 0x6983);
	assert_int_equal(rig_send(&rig, "002c008010 3132333435363738 323232323232ffff"), 0x9000);
	rig_reload(&rig, CARD_CONTACT);
	assert_int_equal(rig_send(&rig, SELECT_PIV), 0x9000);
	assert_int_equal(rig_send(&rig, "0020008008 323232323232ffff"), 0x9000);
	rig_free(&rig);
}

static void
test_files_are_the_owners(void **state)
{
	struct rig rig;
	struct stat st;
	char path[128];

	(void)state;
	rig_new(&rig, CARD_CONTACT);
	assert_int_equal(rig_send(&rig, SELECT_PIV), 0x9000);
	assert_int_equal(rig_send(&rig, VERIFY_RIGHT), 0x9000);
	(void)snprintf(path, sizeof(path), "%s/pins", rig.folder);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	rig_free(&rig);
}

/* A file that was cut or altered is refused, not misread. */
static void
test_corrupt(void **state)
{
	static const char *const names[] = { "pins", "contents" };
	struct rig rig;
	struct card *other = NULL;
	char path[128];
	struct stat st;
	off_t at, step;
	size_t i;
	int r;

	(void)state;
	for (i = 0; i < 2; i++) {
		rig_new(&rig, CARD_CONTACT);
		card_free(&rig.card);
		(void)snprintf(path, sizeof(path), "%s/%s", rig.folder, names[i]);
		assert_int_equal(stat(path, &st), 0);
		step = st.st_size > 200 ? 37 : 1;
		for (at = st.st_size - 1; at >= 0; at -= step) {
			assert_int_equal(truncate(path, at), 0);
			assert_int_equal(card_load(rig.folder, CARD_CONTACT, &other), TSR_CORRUPT);
		}
		assert_int_equal(unlink(path), 0);
		r = card_load(rig.folder, CARD_CONTACT, &other);
		assert_int_equal(r, i == 0 ? TSR_CORRUPT : TSR_NOT_FOUND);
		assert_null(other);
		rig_free(&rig);
	}
}

static void
test_one_process(void **state)
{
	struct card_recipe recipe = { .subject = "again" };
	struct card *other = NULL;
	struct rig rig;

	(void)state;
	rig_new(&rig, CARD_CONTACT);
	assert_int_equal(card_load(rig.folder, CARD_CONTACT, &other), TSR_CONFLICT);
	assert_int_equal(card_make(rig.folder, &recipe), TSR_CONFLICT);
	card_free(&rig.card);
	assert_int_equal(card_make(rig.folder, &recipe), TSR_CONFLICT);
	assert_int_equal(card_load("/nonexistent", CARD_CONTACT, &other), TSR_NOT_FOUND);
	rig_free(&rig);
}

/* A card that was not finished is none, and can be made again. */
static void
test_making_is_atomic(void **state)
{
	struct card_recipe recipe = { .has_serial = 1, .serial = 1 };
	struct card *c = NULL;
	struct rig rig;
	char serial[CARD_SERIAL_SIZE];
	int status, n, died = 0;
	pid_t pid;

	(void)state;
	assert_int_equal(card_recipe_algorithms(&recipe, "none"), TSR_OK);
	for (n = 1; ; n++) {
		memset(&rig, 0, sizeof(rig));
		(void)strcpy(rig.folder, "/tmp/tessera-card-XXXXXX");
		assert_non_null(mkdtemp(rig.folder));
		if ((pid = fork()) == 0) {
			renames = 0;
			dies_before = n;
			_exit(card_make(rig.folder, &recipe) != TSR_OK);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		if (!WIFSIGNALED(status))
			break;
		died++;
		assert_int_equal(card_load(rig.folder, CARD_CONTACT, &c), TSR_NOT_FOUND);
		assert_int_equal(card_make(rig.folder, &recipe), TSR_OK);
		rig_reload(&rig, CARD_CONTACT);
		card_serial(rig.card, serial);
		assert_string_equal(serial + 16, "0000000000000001");
		rig_free(&rig);
	}
	assert_int_equal(died, 4);		/* ca.key, ca.pem, pins, contents */
	rig_free(&rig);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_killed),
		cmocka_unit_test(test_not_writable),
		cmocka_unit_test(test_outlives),
		cmocka_unit_test(test_files_are_the_owners),
		cmocka_unit_test(test_corrupt),
		cmocka_unit_test(test_one_process),
		cmocka_unit_test(test_making_is_atomic),
	};

	return cmocka_run_group_tests(tests, rig_fixture, rig_fixture_remove);
}
