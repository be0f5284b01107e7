/*
 * store_batch.c - one transaction a batch, one savepoint a request, and what
 * happens after a failed commit.  See store.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/store_sqlite.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "agent/store_file.h"
#include "tessera.h"

/*
 * After a failed commit nothing in the cache or the log is trusted: the file
 * is closed (SQLite moves the part of the log that was committed before into
 * it and drops the rest), opened and read again.  Before the next write the
 * whole log is moved and synced once more, so that nothing is built on pages
 * whose sync was reported as failed and then forgotten by the kernel.
 */
int
store_ready(struct store *st, int write)
{
	char err[256];
	int rc;

	if (st->db == NULL && store_connect(st, err, sizeof(err)) != TSR_OK)
		return TSR_STORE;
	if (!write || !st->suspect)
		return TSR_OK;
	rc = sqlite3_wal_checkpoint_v2(st->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
	if (rc != SQLITE_OK)
		return TSR_STORE;
	st->suspect = 0;
	return TSR_OK;
}

/* Run one of the statements of this file. */
static int
control(struct store *st, enum store_stmt which, const char *sql)
{
	sqlite3_stmt *s;
	int rc, r;

	if ((r = store_stmt(st, which, sql, &s)) != TSR_OK)
		return r;
	rc = sqlite3_step(s);
	sqlite3_reset(s);
	return rc == SQLITE_DONE ? TSR_OK : TSR_STORE;
}

static void
forget_batch(struct store *st)
{
	st->batch = st->savepoint = st->dirty = st->broken = 0;
}

static void
fail(struct store *st)
{
	st->failures++;
	st->failing = 1;
	if (st->db != NULL && !sqlite3_get_autocommit(st->db))
		sqlite3_exec(st->db, "ROLLBACK", NULL, NULL, NULL);
	store_disconnect(st);
	forget_batch(st);
	st->suspect = 1;
	(void)store_ready(st, 1);	/* where it cannot be, the next store_begin tries again */
}

int
store_begin(struct store *st)
{
	int r;

	if (st->savepoint || st->walking)
		return TSR_INVALID;
	if (st->broken)
		return TSR_STORE;
	if ((r = store_ready(st, 1)) != TSR_OK ||
	    (!st->batch && (r = control(st, STMT_BEGIN, "BEGIN IMMEDIATE")) != TSR_OK)) {
		st->failing = 1;
		return r;
	}
	if (!st->batch) {
		st->batch = 1;
	}
	if ((r = control(st, STMT_SAVEPOINT, "SAVEPOINT request")) != TSR_OK) {
		st->broken = 1;
		return r;
	}
	st->savepoint = 1;
	store_tags_forget(st);
	st->tags.kept = st->tags.now;
	st->tags.scan.kept = st->tags.scan.sum;
	st->changes = sqlite3_total_changes64(st->db);
	return TSR_OK;
}

static int
changed(const struct store *st)
{
	return st->savepoint && sqlite3_total_changes64(st->db) != st->changes;
}

int
store_keep(struct store *st)
{
	int wrote;

	if (!st->savepoint || st->walking)
		return TSR_INVALID;
	wrote = changed(st);
	st->savepoint = 0;
	if (st->broken)
		return TSR_STORE;
	if (control(st, STMT_RELEASE, "RELEASE request") != TSR_OK) {
		st->broken = 1;
		return TSR_STORE;
	}
	if (wrote)
		st->dirty = 1;
	return TSR_OK;
}

void
store_undo(struct store *st)
{
	if (!st->savepoint)
		return;
	st->savepoint = 0;
	st->tags.now = st->tags.kept;
	st->tags.scan.sum = st->tags.scan.kept;
	if (st->broken)
		return;
	if (control(st, STMT_UNDO, "ROLLBACK TO request") != TSR_OK ||
	    control(st, STMT_RELEASE, "RELEASE request") != TSR_OK)
		st->broken = 1;
}

int
store_commit(struct store *st)
{
	if (st->walking)
		return TSR_INVALID;
	store_undo(st);		/* a request that did not end */
	if (!st->batch)
		return TSR_OK;
	if (!st->broken && !st->dirty &&
	    control(st, STMT_ROLLBACK, "ROLLBACK") == TSR_OK) {
		forget_batch(st);
		return TSR_OK;
	}
	st->tags.now.generation++;
	if (!st->broken && st->dirty && store_state_save(st) == TSR_OK &&
	    control(st, STMT_COMMIT, "COMMIT") == TSR_OK) {
		st->failing = 0;
		forget_batch(st);
		return TSR_OK;
	}
	fail(st);
	return TSR_STORE;
}

void
store_abandon(struct store *st)
{
	if (st->walking)
		return;
	store_undo(st);
	if (!st->batch)
		return;
	if (!st->broken && control(st, STMT_ROLLBACK, "ROLLBACK") == TSR_OK)
		forget_batch(st);
	else
		fail(st);
}

int
store_dirty(const struct store *st)
{
	return st->dirty || st->broken || changed(st);
}

uint64_t
store_failures(const struct store *st)
{
	return st->failures;
}

int
store_failing(const struct store *st)
{
	return st->failing;
}

/* The version of the schema is written over itself: a page and a commit like
 * any other. */
int
store_try(struct store *st)
{
	char sql[64];
	int r;

	if ((r = store_begin(st)) != TSR_OK)
		return r;
	(void)snprintf(sql, sizeof(sql), "PRAGMA user_version = %d", STORE_SCHEMA);
	if (sqlite3_exec(st->db, sql, NULL, NULL, NULL) != SQLITE_OK) {
		st->broken = 1;
		store_undo(st);
		return TSR_STORE;
	}
	st->dirty = 1;
	return store_keep(st);
}

const char *
store_room(const struct store *st)
{
	struct statvfs fs;
	char *folder;
	int r, writable;

	if ((folder = store_file_parent(st->path)) == NULL)
		return "ok";	/* nothing is known */
	r = statvfs(folder, &fs);
	writable = access(folder, W_OK) == 0 && access(st->path, W_OK) == 0;
	free(folder);
	if (!writable || (r == 0 && (fs.f_flag & ST_RDONLY) != 0))
		return "read-only";
	if (r == 0 && (uint64_t)fs.f_bavail * fs.f_frsize < STORE_ROOM_MIN)
		return "full";
	return "ok";
}
