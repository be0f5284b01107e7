/*
 * Copies of a store in use, and another store key, on disks that fail.
 *
 * SPDX-License-Identifier: ISC
 */
#include "store_help.h"

#include <sodium.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/store_backup.h"
#include "agent/store_check.h"
#include "fault_vfs.h"
#include "tessera.h"

#define MANY	3000	/* credentials: some hundred pages */

static int
whole(struct store *st)
{
	struct store_found f;
	int r;

	memset(&f, 0, sizeof(f));
	assert_int_equal(store_check_begin(st), TSR_OK);
	while ((r = store_check_step(st, &f)) == TSR_AGAIN)
		;
	assert_int_equal(r, TSR_OK);
	return f.whole;
}

static void
fill(struct place *p, unsigned n)
{
	unsigned i;

	for (i = 0; i < n; i++)
		assert_int_equal(help_add_kept(p->st, i), TSR_OK);
	assert_int_equal(store_commit(p->st), TSR_OK);
}

/* What is written between the slices is in the copy, or is not there at all. */
static void
copy_of_a_store_in_use(void **state)
{
	struct place *p = *state, copy = *p;
	struct store_backup *b = NULL, *other = NULL;
	uint64_t generation = 0;
	unsigned n = 0;
	int r;

	snprintf(copy.db, sizeof(copy.db), "%s/copy.db", p->dir);
	snprintf(copy.url, sizeof(copy.url), "sqlite:%s", copy.db);
	help_open(p);
	fill(p, MANY);
	assert_int_equal(store_backup_begin(p->st, p->db, &b), TSR_CONFLICT);
	assert_int_equal(store_backup_begin(p->st, copy.db, &b), TSR_OK);
	assert_int_equal(store_backup_begin(p->st, "/nowhere/x", &other), TSR_SLOW_DOWN);
	while ((r = store_backup_step(b, &generation)) == TSR_AGAIN) {
		assert_int_equal(help_add_kept(p->st, MANY + n++), TSR_OK);
		assert_int_equal(store_backup_step(b, &generation), TSR_AGAIN);	/* a batch is open */
		assert_int_equal(store_commit(p->st), TSR_OK);
	}
	assert_int_equal(r, TSR_OK);
	assert_true(n > 5);
	assert_int_equal(generation, store_generation(p->st));
	store_backup_free(&b);
	help_close(p);
	copy.st = NULL;
	help_open(&copy);
	assert_int_equal(help_count(copy.st), MANY + n);
	assert_int_equal(store_generation(copy.st), generation);
	assert_true(whole(copy.st));
	help_close(&copy);
}

/* The store fails and is opened again while a copy is made of it. */
static void
copy_of_a_store_that_fails(void **state)
{
	struct place *p = *state;
	struct store_backup *b = NULL;
	uint64_t generation = 0;
	char path[128];

	snprintf(path, sizeof(path), "%s/copy.db", p->dir);
	fault_install();
	help_open(p);
	fill(p, MANY);
	assert_int_equal(store_backup_begin(p->st, path, &b), TSR_OK);
	assert_int_equal(store_backup_step(b, &generation), TSR_AGAIN);
	assert_int_equal(help_add_kept(p->st, MANY), TSR_OK);
	fault_arm(FAULT_SYNC, 1, 0, SQLITE_IOERR_FSYNC);
	assert_int_equal(store_commit(p->st), TSR_STORE);
	fault_disarm();
	assert_int_equal(store_backup_step(b, &generation), TSR_STORE);
	store_backup_free(&b);
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(help_add_kept(p->st, MANY), TSR_OK);
	assert_int_equal(store_commit(p->st), TSR_OK);
	assert_int_equal(store_backup_begin(p->st, path, &b), TSR_OK);
	store_backup_free(&b);	/* unfinished */
	assert_int_equal(access(path, F_OK), -1);
	assert_true(whole(p->st));
}

static int
opens(struct place *p, const struct secret *key)
{
	struct secret *mine = p->key;
	int r;

	p->key = secret_from(key->data, key->size);
	r = store_open(p->url, p->key, &p->st, p->err, sizeof(p->err));
	if (r == TSR_OK) {
		assert_int_equal(help_count(p->st), 40);
		assert_true(whole(p->st));
		help_close(p);
	}
	secret_free(&p->key);
	p->key = mine;
	return r;
}

/* The n-th write or sync of a rekey fails, for each n: exactly one key opens
 * the store, and it is whole under it. */
static void
rekey_on_a_failing_disk(void **state)
{
	struct secret *new;
	struct place *p;
	unsigned n, failed = 0;
	int r = TSR_STORE, hit = 1, first, second;
	void *mine;

	(void)state;
	fault_install();
	for (n = 1; hit && n < 200; n++) {
		assert_int_equal(help_setup(&mine), 0);
		p = mine;
		help_open(p);
		fill(p, 40);
		assert_non_null(new = secret_new(STORE_KEY_BYTES));
		randombytes_buf(new->data, new->size);
		fault_arm(FAULT_WRITE | FAULT_SYNC, n, 1, SQLITE_IOERR);
		r = store_rekey(p->st, new);
		hit = fault_hits() > 0;
		failed += r != TSR_OK;
		fault_disarm();
		help_close(p);
		first = opens(p, p->key);
		second = opens(p, new);
		assert_true((first == TSR_OK && second == TSR_CORRUPT) ||
		    (first == TSR_CORRUPT && second == TSR_OK));
		assert_true(r != TSR_OK || second == TSR_OK);
		secret_free(&new);
		help_teardown(&mine);
	}
	assert_true(failed > 3 && r == TSR_OK);
}

/* Nothing altered is made good by it. */
static void
rekey_of_an_altered_store(void **state)
{
	struct place *p = *state;
	struct secret *new = secret_new(STORE_KEY_BYTES);

	assert_non_null(new);
	randombytes_buf(new->data, new->size);
	help_open(p);
	fill(p, 40);
	help_close(p);
	help_sql(p->db, "UPDATE credential SET uid = 0 WHERE seq = 7");
	help_open(p);
	assert_int_equal(store_rekey(p->st, new), TSR_CORRUPT);
	assert_int_equal(store_suspect(p->st, STORE_ALTERED, 0), TSR_OK);
	assert_int_equal(store_rekey(p->st, new), TSR_CONFLICT);
	secret_free(&new);
}

int
main(void)
{
#define T(f)	cmocka_unit_test_setup_teardown(f, help_setup, help_teardown)
	const struct CMUnitTest tests[] = {
		/* first what comes before the failing disk is installed */
		T(copy_of_a_store_in_use), T(rekey_of_an_altered_store), T(copy_of_a_store_that_fails),
		cmocka_unit_test(rekey_on_a_failing_disk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
