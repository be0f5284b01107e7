/*
 * Tags and sum of the store: whatever is done to its rows behind its back is
 * found, when they are read or when all is looked through, and what follows.
 *
 * SPDX-License-Identifier: ISC
 */
#include "store_help.h"

#include <fcntl.h>
#include <sodium.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/store_anchor.h"
#include "agent/store_check.h"
#include "tessera.h"

#define MANY	300	/* rows: several slices */

static struct store_found
look(struct store *st)
{
	struct store_found f;
	int r;

	memset(&f, 0, sizeof(f));
	assert_int_equal(store_check_begin(st), TSR_OK);
	while ((r = store_check_step(st, &f)) == TSR_AGAIN)
		;
	assert_int_equal(r, TSR_OK);
	return f;
}

static int
state_of(struct store *st, unsigned n)
{
	struct credential *c = NULL;
	char id[STORE_ID_LEN + 1];
	int r;

	snprintf(id, sizeof(id), "credential-%011u", n);
	if ((r = store_credential_get(st, id, &c)) == TSR_OK)
		r = (int)c->state;
	credential_free(&c);
	return r;
}

static int
kept(struct store *st, int r)
{
	if (r != TSR_OK) {
		store_undo(st);
		return r;
	}
	return store_keep(st);
}

/* Every kind of write keeps the sum right, undone ones too. */
static void
writes_keep_it_whole(void **state)
{
	struct place *p = *state;
	char id[STORE_ID_LEN + 1], other[STORE_ID_LEN + 1];
	uint64_t before;
	unsigned i;

	help_open(p);
	for (i = 1; i <= MANY; i++)
		assert_int_equal(help_add_kept(p->st, i), TSR_OK);
	before = store_generation(p->st);
	assert_int_equal(store_commit(p->st), TSR_OK);
	assert_int_equal(store_generation(p->st), before + 1);
	help_add(p, MANY + 1, id);
	help_add(p, MANY + 2, other);
	assert_int_equal(store_begin(p->st), TSR_OK);
	assert_int_equal(kept(p->st, store_credential_set_state(p->st, id, CREDENTIAL_ACTIVE,
	    CREDENTIAL_DISABLED)), TSR_OK);
	assert_int_equal(store_begin(p->st), TSR_OK);
	assert_int_equal(kept(p->st, store_credential_used(p->st, other, 1700000000)), TSR_OK);
	assert_int_equal(store_begin(p->st), TSR_OK);
	assert_int_equal(store_credential_remove(p->st, other), TSR_OK);
	store_undo(p->st);
	assert_int_equal(store_begin(p->st), TSR_OK);
	assert_int_equal(kept(p->st, store_set_clock_mark(p->st, 1800000000)), TSR_OK);
	assert_int_equal(store_begin(p->st), TSR_OK);
	assert_int_equal(kept(p->st, store_credential_remove(p->st, id)), TSR_OK);
	assert_int_equal(help_add_kept(p->st, MANY + 2), TSR_CONFLICT);
	assert_int_equal(store_commit(p->st), TSR_OK);
	assert_true(look(p->st).whole);
	help_close(p);
	help_open(p);
	assert_true(look(p->st).whole);
	/* three of meta: the mark of the clock, and of whose credential went */
	assert_int_equal(look(p->st).rows, MANY + 5);
}

/* Rows before and behind the place of a look that is under way. */
/* What was read before a write lets it go without the tag in the file: not beyond
 * the request, which may be undone. */
static void
reads_before_a_write(void **state)
{
	struct place *p = *state;
	char id[20][STORE_ID_LEN + 1];
	unsigned i, round;

	help_open(p);
	for (i = 0; i < 20; i++)
		help_add(p, i + 1, id[i]);
	for (round = 0; round < 4; round++) {
		assert_int_equal(store_begin(p->st), TSR_OK);
		/* forwards more than are remembered, then one twice, then one unread */
		for (i = 0; i < 20 - round; i++)
			assert_int_equal(state_of(p->st, i + 1), CREDENTIAL_ACTIVE);
		for (i = 0; i < 20; i++)
			assert_int_equal(store_credential_used(p->st, id[i], 1000), TSR_OK);
		assert_int_equal(store_credential_used(p->st, id[19], 1001), TSR_OK);
		if (round == 3)
			assert_int_equal(store_credential_remove(p->st, id[18]), TSR_OK);
		if (round % 2 == 0)
			store_undo(p->st);
		else
			assert_int_equal(store_keep(p->st), TSR_OK);
		/* written without having been read in this one */
		assert_int_equal(store_begin(p->st), TSR_OK);
		assert_int_equal(store_credential_used(p->st, id[19], 1002), TSR_OK);
		assert_int_equal(store_keep(p->st), TSR_OK);
	}
	assert_int_equal(store_commit(p->st), TSR_OK);
	assert_true(look(p->st).whole);
	help_close(p);
}

static void
writes_during_a_look(void **state)
{
	struct place *p = *state;
	struct store_found f;
	char id[STORE_ID_LEN + 1];
	unsigned i, n = 0;
	int r;

	help_open(p);
	for (i = 1; i <= MANY; i++)
		assert_int_equal(help_add_kept(p->st, i), TSR_OK);
	assert_int_equal(store_commit(p->st), TSR_OK);
	assert_int_equal(store_check_begin(p->st), TSR_OK);
	while ((r = store_check_step(p->st, &f)) == TSR_AGAIN) {
		n++;
		for (i = 1; i < MANY; i += 37) {
			snprintf(id, sizeof(id), "credential-%011u", i);
			assert_int_equal(store_begin(p->st), TSR_OK);
			assert_int_equal(store_credential_used(p->st, id, n), TSR_OK);
			if (i % 2 == 0)
				store_undo(p->st);
			else
				assert_int_equal(store_keep(p->st), TSR_OK);
		}
		assert_int_equal(store_check_step(p->st, &f), TSR_AGAIN);	/* a batch is open */
		assert_int_equal(store_commit(p->st), TSR_OK);
	}
	assert_int_equal(r, TSR_OK);
	assert_true(n > 3);
	assert_true(f.whole);
}

/* --- what is done behind its back --- */

static const struct row {
	const char *name;
	const char *sql;
	int damaged;		/* rows that are found by their tag; the sum finds all */
	int read;		/* what reading credential 2 gives */
} rows[] = {
	{ "a column altered", "UPDATE credential SET uid = 0 WHERE seq = 2", 1, TSR_CORRUPT },
	{ "a state altered", "UPDATE credential SET state = 2 WHERE seq = 2", 1, TSR_CORRUPT },
	{ "a public key exchanged", "UPDATE credential SET acr = (SELECT acr + 1 FROM credential "
	    "WHERE seq = 3) WHERE seq = 2", 1, TSR_CORRUPT },
	{ "a NULL instead of an empty blob", "UPDATE credential SET certificate = x'' WHERE seq = 2",
	    1, TSR_CORRUPT },
	{ "text moved from one column to the next", "UPDATE credential SET label = '', "
	    "module = label || module WHERE seq = 2", 1, TSR_CORRUPT },
	{ "a row moved", "UPDATE credential SET seq = 9 WHERE seq = 2", 1, TSR_CORRUPT },
	{ "a row moved with its tag", "UPDATE credential SET seq = 9 WHERE seq = 2;"
	    "UPDATE row_tag SET row = 9 WHERE place = 2 AND row = 2", 1, TSR_CORRUPT },
	{ "two rows exchanged", "UPDATE credential SET seq = 9 WHERE seq = 2;"
	    "UPDATE credential SET seq = 2 WHERE seq = 3; UPDATE credential SET seq = 3 WHERE seq = 9",
	    2, TSR_CORRUPT },
	{ "a row lost", "DELETE FROM credential WHERE seq = 2", 0, TSR_NOT_FOUND },
	{ "a row lost with its tag", "DELETE FROM credential WHERE seq = 2;"
	    "DELETE FROM row_tag WHERE place = 2 AND row = 2", 0, TSR_NOT_FOUND },
	{ "all rows lost with their tags", "DELETE FROM credential; DELETE FROM row_tag WHERE place = 2",
	    0, TSR_NOT_FOUND },
	{ "a tag lost", "DELETE FROM row_tag WHERE place = 2 AND row = 2", 1, TSR_CORRUPT },
	{ "a tag altered", "UPDATE row_tag SET tag = zeroblob(32) WHERE place = 2 AND row = 2", 1,
	    TSR_CORRUPT },
	{ "a tag from another row", "UPDATE row_tag SET tag = (SELECT tag FROM row_tag WHERE place = 2 "
	    "AND row = 3) WHERE place = 2 AND row = 2", 1, TSR_CORRUPT },
	{ "a row added", "INSERT INTO meta (name, value) VALUES ('more', x'00')", 1, CREDENTIAL_ACTIVE },
	{ "a row doubled with its tag", "INSERT INTO meta (name, value) SELECT 'again', value FROM meta;"
	    "INSERT INTO row_tag SELECT 1, 2, tag FROM row_tag WHERE place = 1", 1, CREDENTIAL_ACTIVE },
	{ "a row put back to what it was", "UPDATE credential SET last_used = 0, proofs = 0, state = 1 "
	    "WHERE seq = 4; UPDATE row_tag SET tag = (SELECT value FROM was) WHERE place = 2 AND row = 4;"
	    "DROP TABLE was", 0, CREDENTIAL_ACTIVE },
};

static void
tampering_is_found(void **state)
{
	struct place *p;
	struct store_found f;
	size_t i;
	void *s;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(help_setup(&s), 0);
		p = s;
		help_open(p);
		assert_int_equal(help_add_kept(p->st, 1), TSR_OK);
		assert_int_equal(help_add_kept(p->st, 2), TSR_OK);
		assert_int_equal(help_add_kept(p->st, 3), TSR_OK);
		assert_int_equal(help_add_kept(p->st, 4), TSR_OK);
		assert_int_equal(store_commit(p->st), TSR_OK);
		help_close(p);
		help_sql(p->db, "CREATE TABLE was AS SELECT tag AS value FROM row_tag WHERE place = 2 AND row = 4");
		help_open(p);
		assert_int_equal(store_begin(p->st), TSR_OK);
		assert_int_equal(kept(p->st, store_credential_used(p->st, "credential-00000000004", 5)), TSR_OK);
		assert_int_equal(store_commit(p->st), TSR_OK);
		assert_true(look(p->st).whole);
		help_close(p);
		help_sql(p->db, rows[i].sql);
		help_open(p);
		f = look(p->st);
		if (f.whole || (int)f.damaged != rows[i].damaged || state_of(p->st, 2) != rows[i].read)
			fail_msg("%s: whole %d, damaged %d, read %d", rows[i].name, f.whole,
			    (int)f.damaged, state_of(p->st, 2));
		help_teardown(&s);
	}
}

/* The record of the sum itself. */
static void
lost_record_is_found(void **state)
{
	static const char *const sql[] = {
		"DELETE FROM state", "UPDATE state SET sealed = zeroblob(length(sealed))"
	};
	struct place *p;
	size_t i;
	void *s;

	(void)state;
	for (i = 0; i < sizeof(sql) / sizeof(sql[0]); i++) {
		assert_int_equal(help_setup(&s), 0);
		p = s;
		help_open(p);
		assert_int_equal(help_add_kept(p->st, 1), TSR_OK);
		assert_int_equal(store_commit(p->st), TSR_OK);
		help_close(p);
		help_sql(p->db, sql[i]);
		help_open(p);
		assert_int_equal(store_verdict(p->st), STORE_ALTERED);
		assert_int_equal(state_of(p->st, 1), CREDENTIAL_SUSPENDED);
		help_teardown(&s);
	}
}

/* --- what follows --- */

static void
suspended_until_confirmed(void **state)
{
	struct place *p = *state;
	unsigned dropped = 9;
	int64_t mark;

	help_open(p);
	assert_int_equal(help_add_kept(p->st, 1), TSR_OK);
	assert_int_equal(help_add_kept(p->st, 2), TSR_OK);
	assert_int_equal(help_add_kept(p->st, 3), TSR_OK);
	assert_int_equal(help_add_kept(p->st, 4), TSR_OK);
	assert_int_equal(store_begin(p->st), TSR_OK);
	assert_int_equal(kept(p->st, store_credential_set_state(p->st, "credential-00000000003",
	    CREDENTIAL_ACTIVE, CREDENTIAL_SUSPENDED)), TSR_OK);
	assert_int_equal(store_commit(p->st), TSR_OK);
	assert_int_equal(store_confirm(p->st, &dropped), TSR_CONFLICT);
	help_close(p);
	help_sql(p->db, "UPDATE credential SET uid = 0 WHERE seq = 2;"
	    "INSERT INTO meta (name, value) VALUES ('clock', zeroblob(8));"
	    "INSERT INTO credential SELECT 77, 'credential-00000000077', kind, subject, uid, label, module,"
	    " token_serial, token_label, token_manufacturer, token_model, key_id, key_label, algorithm,"
	    " spki, zeroblob(32), certificate, acr, vouched, key_flags, state, created, last_used, proofs,"
	    " held FROM credential WHERE seq = 1");
	help_open(p);
	assert_int_equal(store_suspect(p->st, STORE_ALTERED, 0), TSR_OK);
	help_close(p);		/* it is durable */
	help_open(p);
	assert_int_equal(store_verdict(p->st), STORE_ALTERED);
	assert_int_equal(state_of(p->st, 1), CREDENTIAL_SUSPENDED);
	assert_int_equal(state_of(p->st, 2), TSR_CORRUPT);	/* never made good */
	assert_int_equal(store_confirm(p->st, &dropped), TSR_OK);
	assert_int_equal(dropped, 2);
	help_close(p);
	help_open(p);
	assert_int_equal(store_verdict(p->st), STORE_GOOD);
	assert_int_equal(state_of(p->st, 1), CREDENTIAL_ACTIVE);
	assert_int_equal(state_of(p->st, 2), TSR_NOT_FOUND);
	assert_int_equal(state_of(p->st, 3), CREDENTIAL_SUSPENDED);	/* for a reason of its own */
	assert_int_equal(state_of(p->st, 4), CREDENTIAL_ACTIVE);
	assert_int_equal(state_of(p->st, 77), TSR_NOT_FOUND);	/* nobody enrolled it */
	assert_int_equal(store_clock_mark(p->st, &mark), TSR_NOT_FOUND);
	assert_true(look(p->st).whole);
}

static void
altered_signing_key_cannot_be_confirmed(void **state)
{
	struct place *p = *state;
	unsigned dropped;

	help_open(p);
	help_close(p);
	help_sql(p->db, "INSERT INTO signing VALUES (1, 'kid', 1, 2, 0, 0, 0, x'00')");
	help_open(p);
	assert_int_equal(store_suspect(p->st, STORE_ALTERED, 0), TSR_OK);
	assert_int_equal(store_confirm(p->st, &dropped), TSR_CORRUPT);
	assert_int_equal(store_verdict(p->st), STORE_ALTERED);
}

/* --- the anchor --- */

static void
copy(const char *from, const char *to)
{
	char data[65536];
	ssize_t n;
	int in = open(from, O_RDONLY | O_CLOEXEC), out;

	unlink(to);
	out = open(to, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_true(in >= 0 && out >= 0);
	while ((n = read(in, data, sizeof(data))) > 0)
		assert_int_equal(write(out, data, (size_t)n), n);
	close(in);
	close(out);
}

/* Another last digit: the one of its MAC. */
static void
forge(const char *anchor)
{
	int fd = open(anchor, O_RDWR | O_CLOEXEC);
	char digit = 0;

	assert_true(lseek(fd, -1, SEEK_END) > 0 && read(fd, &digit, 1) == 1);
	if (digit == '\n')
		assert_true(lseek(fd, -2, SEEK_END) > 0 && read(fd, &digit, 1) == 1);
	digit = digit == '0' ? '1' : '0';
	assert_true(lseek(fd, -1, SEEK_CUR) > 0 && write(fd, &digit, 1) == 1);
	close(fd);
}

static void
rollback_is_found(void **state)
{
	struct place *p = *state;
	char anchor[128], old[128], old_anchor[160], err[256];
	uint64_t at_least, then;
	unsigned dropped;

	snprintf(anchor, sizeof(anchor), "%s/anchor", p->dir);
	snprintf(old_anchor, sizeof(old_anchor), "%s.old", anchor);
	snprintf(old, sizeof(old), "%s.old", p->db);
	help_open(p);
	assert_int_equal(store_anchor_check(p->st, anchor, &at_least, err, sizeof(err)), TSR_OK);
	assert_int_equal(help_add_kept(p->st, 1), TSR_OK);
	assert_int_equal(store_anchor_write(p->st, anchor), TSR_INVALID);	/* a batch is open */
	assert_int_equal(store_commit(p->st), TSR_OK);
	assert_int_equal(store_anchor_write(p->st, anchor), TSR_OK);
	help_close(p);
	copy(p->db, old);
	copy(anchor, old_anchor);
	help_open(p);
	assert_int_equal(help_add_kept(p->st, 2), TSR_OK);
	assert_int_equal(store_commit(p->st), TSR_OK);
	assert_int_equal(store_anchor_check(p->st, anchor, &at_least, err, sizeof(err)), TSR_OK);
	then = store_generation(p->st);
	assert_int_equal(store_anchor_write(p->st, anchor), TSR_OK);
	help_close(p);

	copy(old, p->db);
	help_open(p);
	assert_int_equal(store_anchor_check(p->st, anchor, &at_least, err, sizeof(err)), TSR_CORRUPT);
	assert_int_equal(at_least, then + 1);
	assert_int_equal(store_suspect(p->st, STORE_ROLLED_BACK, at_least), TSR_OK);
	assert_int_equal(store_anchor_write(p->st, anchor), TSR_OK);
	assert_true(store_generation(p->st) > then);
	assert_int_equal(store_confirm(p->st, &dropped), TSR_OK);
	assert_int_equal(store_anchor_check(p->st, anchor, &at_least, err, sizeof(err)), TSR_OK);
	assert_int_equal(store_anchor_write(p->st, anchor), TSR_OK);

	/* another store at the same generation, a forged, a lost anchor */
	assert_int_equal(unlink(anchor), 0);
	assert_int_equal(store_anchor_check(p->st, anchor, &at_least, err, sizeof(err)), TSR_CORRUPT);
	copy(old_anchor, anchor);
	help_close(p);
	copy(old, p->db);
	help_open(p);
	forge(anchor);
	assert_int_equal(store_anchor_check(p->st, anchor, &at_least, err, sizeof(err)), TSR_CORRUPT);
	copy(old_anchor, anchor);
	assert_int_equal(store_anchor_check(p->st, anchor, &at_least, err, sizeof(err)), TSR_OK);
	assert_int_equal(help_add_kept(p->st, 3), TSR_OK);
	assert_int_equal(store_commit(p->st), TSR_OK);
	assert_int_equal(store_anchor_write(p->st, anchor), TSR_OK);
	help_close(p);
	copy(old, p->db);
	help_open(p);
	assert_int_equal(help_add_kept(p->st, 4), TSR_OK);	/* another third row */
	assert_int_equal(store_commit(p->st), TSR_OK);
	assert_int_equal(store_anchor_check(p->st, anchor, &at_least, err, sizeof(err)), TSR_CORRUPT);
	assert_int_equal(truncate(anchor, 60), 0);
	assert_int_equal(store_anchor_check(p->st, anchor, &at_least, err, sizeof(err)), TSR_CORRUPT);
}

/* Whatever table there is, it is kept so. */
static void
no_table_is_left_out(void **state)
{
	struct place *p = *state;

	help_open(p);
	assert_int_equal(help_add_kept(p->st, 1), TSR_OK);
	help_close(p);
	assert_int_equal(help_number(p->db, "SELECT count(*) FROM sqlite_schema WHERE type = 'table' "
	    "AND name NOT IN ('meta', 'credential', 'signing', 'card_key', 'otp', 'recovery', 'fido', 'token', 'session', 'ssh_ca',"
	    " 'ssh_cert',"
	    " 'row_tag', 'state')"), 0);
}

int
main(void)
{
#define T(f)	cmocka_unit_test_setup_teardown(f, help_setup, help_teardown)
	const struct CMUnitTest tests[] = {
		T(writes_keep_it_whole), T(reads_before_a_write), T(writes_during_a_look),
		cmocka_unit_test(tampering_is_found),
		cmocka_unit_test(lost_record_is_found), T(suspended_until_confirmed),
		T(altered_signing_key_cannot_be_confirmed), T(rollback_is_found), T(no_table_is_left_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
