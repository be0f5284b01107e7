/*
 * test_store_batch.c - requests in savepoints, one commit a batch, durable
 * over a kill, all or nothing over a disk that is full or fails.
 *
 * SPDX-License-Identifier: ISC
 */
#include "store_help.h"

#include <sys/resource.h>
#include <sys/wait.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "fault_vfs.h"
#include "tessera.h"

static void
undo_leaves_the_other_requests(void **state)
{
	struct place *p = *state;
	struct credential c;

	help_open(p);
	assert_false(store_dirty(p->st));
	assert_int_equal(help_add_kept(p->st, 1), TSR_OK);
	help_credential(&c, 2, "user0", 1000);
	assert_int_equal(store_begin(p->st), TSR_OK);
	assert_int_equal(store_credential_add(p->st, &c), TSR_OK);
	assert_true(help_has(p->st, 2));	/* reads see the batch's own writes */
	store_undo(p->st);
	assert_false(help_has(p->st, 2));
	assert_int_equal(help_add_kept(p->st, 3), TSR_OK);
	assert_true(store_dirty(p->st));
	assert_int_equal(store_commit(p->st), TSR_OK);
	assert_false(store_dirty(p->st));
	help_close(p);
	help_open(p);
	assert_true(help_has(p->st, 1));
	assert_false(help_has(p->st, 2));
	assert_true(help_has(p->st, 3));
}

static void
what_was_not_committed_is_gone(void **state)
{
	struct place *p = *state;

	help_open(p);
	assert_int_equal(help_add_kept(p->st, 1), TSR_OK);
	help_close(p);
	help_open(p);
	assert_false(help_has(p->st, 1));
}

static void
open_request_is_undone_by_commit(void **state)
{
	struct place *p = *state;
	struct credential c;

	help_open(p);
	assert_int_equal(help_add_kept(p->st, 1), TSR_OK);
	help_credential(&c, 2, "user0", 1000);
	assert_int_equal(store_begin(p->st), TSR_OK);
	assert_int_equal(store_credential_add(p->st, &c), TSR_OK);
	assert_int_equal(store_commit(p->st), TSR_OK);
	assert_true(help_has(p->st, 1));
	assert_false(help_has(p->st, 2));
}

static void
empty_batches_cost_nothing(void **state)
{
	struct place *p = *state;
	unsigned i;

	fault_install();
	help_open(p);
	fault_arm(FAULT_WRITE | FAULT_SYNC, 0, 0, SQLITE_IOERR);
	for (i = 0; i < 3; i++) {
		assert_int_equal(store_commit(p->st), TSR_OK);
		assert_int_equal(store_begin(p->st), TSR_OK);
		assert_int_equal(store_credential_remove(p->st, "nobody"), TSR_NOT_FOUND);
		assert_int_equal(store_keep(p->st), TSR_OK);
		assert_false(store_dirty(p->st));
		assert_int_equal(store_commit(p->st), TSR_OK);
	}
	assert_int_equal(fault_calls(), 0);
}

/* Durability costs one sync a batch, however many requests it holds. */
static void
one_sync_a_batch(void **state)
{
	struct place *p = *state;
	unsigned i;

	fault_install();
	help_open(p);
	assert_int_equal(help_add_kept(p->st, 100), TSR_OK);	/* the log's header has its own */
	assert_int_equal(store_commit(p->st), TSR_OK);
	fault_arm(FAULT_SYNC, 0, 0, SQLITE_IOERR);
	for (i = 0; i < 32; i++)
		assert_int_equal(help_add_kept(p->st, i), TSR_OK);
	assert_int_equal(fault_calls(), 0);
	assert_int_equal(store_commit(p->st), TSR_OK);
	assert_int_equal(fault_calls(), 1);
}

static int
write_inside(void *arg, const struct credential *c)
{
	struct place *p = arg;
	assert_int_equal(store_begin(p->st), TSR_INVALID);
	assert_int_equal(store_keep(p->st), TSR_INVALID);
	assert_int_equal(store_commit(p->st), TSR_INVALID);
	assert_int_equal(store_credential_remove(p->st, c->id), TSR_INVALID);
	assert_int_equal(store_credential_each(p->st, NULL, 0, write_inside, p), TSR_INVALID);
	assert_true(help_has(p->st, 1));
	return TSR_DENIED;
}

static void
misuse_is_refused(void **state)
{
	struct place *p = *state;
	struct credential c;
	char id[STORE_ID_LEN + 1];

	help_open(p);
	help_add(p, 1, id);
	help_credential(&c, 2, "user0", 1000);
	assert_int_equal(store_credential_add(p->st, &c), TSR_INVALID);	/* outside a request */
	assert_int_equal(store_keep(p->st), TSR_INVALID);
	store_undo(p->st);
	assert_int_equal(store_begin(p->st), TSR_OK);
	assert_int_equal(store_begin(p->st), TSR_INVALID);
	assert_int_equal(store_credential_each(p->st, NULL, 0, write_inside, p), TSR_DENIED);
	assert_int_equal(store_credential_add(p->st, &c), TSR_OK);
	assert_int_equal(store_keep(p->st), TSR_OK);
	assert_int_equal(store_commit(p->st), TSR_OK);
	assert_int_equal(help_count(p->st), 2);
}

/* Two a batch; each batch is told to the pipe once it is committed. */
static void
write_until_killed(struct place *p, int out)
{
	unsigned i;

	if (store_open(p->url, p->key, &p->st, p->err, sizeof(p->err)) != TSR_OK)
		_exit(1);
	for (i = 0; ; i++) {
		if (help_add_kept(p->st, 2 * i) != TSR_OK || help_add_kept(p->st, 2 * i + 1) != TSR_OK ||
		    store_commit(p->st) != TSR_OK)
			_exit(2);
		if (write(out, &i, sizeof(i)) != sizeof(i))
			_exit(3);
	}
}

static void
acknowledged_survives_a_kill(void **state)
{
	struct place *p = *state;
	unsigned i, last = 0, wanted, round, n;
	int fds[2], status;
	pid_t pid;

	for (round = 0; round < 5; round++) {
		unlink(p->db);
		wanted = 3 + round * 7;
		assert_int_equal(pipe(fds), 0);
		assert_true((pid = fork()) >= 0);
		if (pid == 0) {
			close(fds[0]);
			write_until_killed(p, fds[1]);
		}
		close(fds[1]);
		do
			assert_int_equal(read(fds[0], &last, sizeof(last)), sizeof(last));
		while (last < wanted);
		assert_int_equal(kill(pid, SIGKILL), 0);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSIGNALED(status));
		while (read(fds[0], &i, sizeof(i)) == sizeof(i))
			last = i;
		close(fds[0]);
		help_open(p);
		for (i = 0; i <= last; i++)
			assert_true(help_has(p->st, 2 * i) && help_has(p->st, 2 * i + 1));
		n = help_count(p->st);	/* one batch more may have been cut off its word */
		assert_true(n == 2 * (last + 1) || n == 2 * (last + 2));
		help_close(p);
	}
}

/* In a child with a limit on the size of files: full, then space again. */
static int
fill_the_disk(struct place *p)
{
	struct rlimit full = { 524288, RLIM_INFINITY }, space = { RLIM_INFINITY, RLIM_INFINITY };
	unsigned i, n = 0;

	signal(SIGXFSZ, SIG_IGN);
	if (store_open(p->url, p->key, &p->st, p->err, sizeof(p->err)) != TSR_OK)
		return 1;
	if (setrlimit(RLIMIT_FSIZE, &full) != 0)
		return 2;
	for (i = 0; i < 500; i++) {
		if (help_add_kept(p->st, i) != TSR_OK || store_commit(p->st) != TSR_OK)
			break;
		n++;
	}
	if (i == 500 || n < 3 || store_failures(p->st) == 0)
		return 3;
	(void)store_commit(p->st);
	if (help_has(p->st, i) || !help_has(p->st, n - 1) || help_count(p->st) != n)
		return 4;	/* reads go on, and show what was acknowledged */
	if (setrlimit(RLIMIT_FSIZE, &space) != 0)
		return 5;
	if (help_add_kept(p->st, i) != TSR_OK || store_commit(p->st) != TSR_OK)
		return 6;
	store_close(&p->st);
	if (store_open(p->url, p->key, &p->st, p->err, sizeof(p->err)) != TSR_OK)
		return 7;
	return help_has(p->st, i) && help_count(p->st) == n + 1 ? 0 : 8;
}

static void
full_disk_is_an_error_and_heals(void **state)
{
	struct place *p = *state;
	int status;
	pid_t pid;

	assert_true((pid = fork()) >= 0);
	if (pid == 0)
		_exit(fill_the_disk(p));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static const struct row {
	const char *name;
	unsigned ops;
	int all, rc;
	int atomic_only;	/* the failed batch may be found whole */
} faults[] = {
	{ "one write: full", FAULT_WRITE, 0, SQLITE_FULL, 0 },
	{ "all writes: full", FAULT_WRITE, 1, SQLITE_FULL, 0 },
	{ "one write: I/O error", FAULT_WRITE, 0, SQLITE_IOERR_WRITE, 0 },
	{ "all writes: I/O error", FAULT_WRITE, 1, SQLITE_IOERR_WRITE, 0 },
	{ "one sync", FAULT_SYNC, 0, SQLITE_IOERR_FSYNC, 0 },
	{ "all syncs", FAULT_SYNC, 1, SQLITE_IOERR_FSYNC, 1 },
	{ "write, sync, truncate", FAULT_WRITE | FAULT_SYNC | FAULT_TRUNCATE, 1, SQLITE_IOERR, 1 },
	{ "everything", FAULT_WRITE | FAULT_SYNC | FAULT_TRUNCATE | FAULT_OPEN, 1, SQLITE_IOERR, 1 },
};

/*
 * Commit batches of two until the n-th call fails.  1 where the failure was
 * reached.  Whatever fails: acknowledged batches are there, the failed one is
 * there whole or not at all, and once the disk is well the next is taken.
 */
static int
fail_at(struct place *p, const struct row *row, unsigned n)
{
	unsigned i, ok = 0, found, hits;

	help_open(p);
	fault_arm(row->ops, n, row->all, row->rc);
	for (i = 0; i < 6; i++) {
		if (help_add_kept(p->st, 2 * i) != TSR_OK || help_add_kept(p->st, 2 * i + 1) != TSR_OK) {
			assert_int_equal(store_commit(p->st), TSR_STORE);
			break;
		}
		if (store_commit(p->st) != TSR_OK)
			break;
		ok++;
	}
	hits = fault_hits();
	if (i < 6 && row->all && help_add_kept(p->st, 99) == TSR_OK)
		assert_int_equal(store_commit(p->st), TSR_STORE);	/* it does not heal by itself */
	fault_disarm();
	if (i < 6) {
		assert_true(store_failures(p->st) >= 1);
		assert_int_equal(help_add_kept(p->st, 500), TSR_OK);
		assert_int_equal(store_commit(p->st), TSR_OK);
		assert_true(help_has(p->st, 500));
	}
	help_close(p);
	help_open(p);
	for (i = 0; i < ok; i++)
		assert_true(help_has(p->st, 2 * i) && help_has(p->st, 2 * i + 1));
	assert_int_equal(help_has(p->st, 2 * ok), help_has(p->st, 2 * ok + 1));
	found = help_count(p->st) - (unsigned)help_has(p->st, 500) - (unsigned)help_has(p->st, 99);
	assert_true(found == 2 * ok || (row->atomic_only && found == 2 * ok + 2));
	assert_true(!help_has(p->st, 99) || row->atomic_only);
	help_close(p);
	return hits > 0;
}

static void
failing_disk_loses_nothing_acknowledged(void **state)
{
	unsigned n, reached;
	void *mine;
	size_t i;

	(void)state;
	fault_install();
	for (i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		print_message("  %s\n", faults[i].name);
		for (n = 1, reached = 1; reached && n < 200; n++) {
			assert_int_equal(help_setup(&mine), 0);
			reached = (unsigned)fail_at(mine, &faults[i], n);
			help_teardown(&mine);
		}
		assert_true(n > 6 && n < 200);
	}
}

/* While the file cannot be opened again everything is TSR_STORE. */
static void
store_that_is_away_says_so(void **state)
{
	struct place *p = *state;
	struct credential *c = NULL;
	char id[STORE_ID_LEN + 1];

	fault_install();
	help_open(p);
	help_add(p, 1, id);
	fault_arm(FAULT_SYNC | FAULT_OPEN, 1, 1, SQLITE_IOERR_FSYNC);
	assert_int_equal(help_add_kept(p->st, 2), TSR_OK);
	assert_int_equal(store_commit(p->st), TSR_STORE);
	assert_int_equal(store_begin(p->st), TSR_STORE);
	assert_true(store_failing(p->st));
	assert_int_equal(store_try(p->st), TSR_STORE);
	assert_int_equal(store_credential_get(p->st, id, &c), TSR_STORE);
	assert_int_equal(store_keep(p->st), TSR_INVALID);
	assert_int_equal(store_commit(p->st), TSR_OK);	/* nothing to commit */
	fault_disarm();
	assert_true(help_has(p->st, 1));
	assert_true(store_failing(p->st));		/* until a write says otherwise */
	assert_int_equal(store_try(p->st), TSR_OK);
	assert_true(store_dirty(p->st));
	assert_true(store_failing(p->st));
	assert_int_equal(store_commit(p->st), TSR_OK);
	assert_false(store_failing(p->st));
	assert_string_equal(store_room(p->st), "ok");
	help_add(p, 3, id);
	assert_int_equal(store_failures(p->st), 1);
}

/* After a failed sync nothing is built on what may not be on the disk: no
 * request begins before the whole log was synced and moved. */
static void
nothing_is_built_on_a_failed_sync(void **state)
{
	struct place *p = *state;
	char id[STORE_ID_LEN + 1];

	fault_install();
	help_open(p);
	help_add(p, 1, id);
	assert_int_equal(help_add_kept(p->st, 2), TSR_OK);
	fault_arm(FAULT_SYNC, 1, 1, SQLITE_IOERR_FSYNC);
	assert_int_equal(store_commit(p->st), TSR_STORE);
	assert_true(help_has(p->st, 1));		/* reads go on */
	assert_int_equal(store_begin(p->st), TSR_STORE);
	fault_arm(FAULT_SYNC, 0, 0, SQLITE_OK);
	assert_int_equal(store_begin(p->st), TSR_OK);
	assert_true(fault_calls() >= 2);		/* the log, then the file */
	store_undo(p->st);
	help_add(p, 3, id);
}

/* Larger than the cache: written before the commit, and failing there. */
static int
add_large(struct store *st, unsigned n)
{
	static uint8_t certificate[PROTO_CERT_MAX];
	struct credential c;
	char subject[32];
	int r;

	snprintf(subject, sizeof(subject), "user%u", n / 8);
	help_credential(&c, n, subject, 1000 + n / 8);
	c.certificate = certificate;
	c.certificate_len = sizeof(certificate);
	if ((r = store_begin(st)) != TSR_OK)
		return r;
	if ((r = store_credential_add(st, &c)) != TSR_OK) {
		store_undo(st);
		return r;
	}
	return store_keep(st);
}

static void
failed_statement_breaks_the_whole_batch(void **state)
{
	static const int rcs[] = { SQLITE_FULL, SQLITE_IOERR_WRITE };
	struct place *p = *state;
	char id[STORE_ID_LEN + 1];
	unsigned i, round;
	int r = TSR_OK;

	fault_install();
	help_open(p);
	help_add(p, 1, id);
	for (round = 0; round < 2; round++) {
		fault_arm(FAULT_WRITE, 5, 0, rcs[round]);
		for (i = 100; i < 400 && (r = add_large(p->st, i)) == TSR_OK; i++)
			;
		assert_int_equal(r, TSR_STORE);
		assert_int_equal(fault_hits(), 1);
		assert_int_equal(help_add_kept(p->st, 2), TSR_STORE);	/* the disk is well, the batch is not */
		assert_true(store_dirty(p->st));
		assert_int_equal(store_commit(p->st), TSR_STORE);
		assert_int_equal(help_count(p->st), 1 + round);
		help_add(p, 10 + round, id);
		fault_disarm();
	}
	for (i = 100; i < 400; i++)
		assert_int_equal(add_large(p->st, i), TSR_OK);
	assert_int_equal(store_commit(p->st), TSR_OK);
	help_close(p);
	help_open(p);
	assert_int_equal(help_count(p->st), 303);
}

int
main(void)
{
#define T(f)	cmocka_unit_test_setup_teardown(f, help_setup, help_teardown)
	const struct CMUnitTest tests[] = {
		T(undo_leaves_the_other_requests), T(what_was_not_committed_is_gone),
		T(open_request_is_undone_by_commit), T(misuse_is_refused),
		T(acknowledged_survives_a_kill), T(full_disk_is_an_error_and_heals),
		T(empty_batches_cost_nothing), T(one_sync_a_batch),
		cmocka_unit_test(failing_disk_loses_nothing_acknowledged),
		T(store_that_is_away_says_so), T(nothing_is_built_on_a_failed_sync),
		T(failed_statement_breaks_the_whole_batch),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
