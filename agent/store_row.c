/*
 * store_row.c - statements and columns.  See store_sqlite.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/store_sqlite.h"

#include <stdio.h>
#include <string.h>

#include "tessera.h"

int
store_code(int rc)
{
	if (rc == SQLITE_OK || rc == SQLITE_ROW || rc == SQLITE_DONE)
		return TSR_OK;
	switch (rc & 0xff) {
	case SQLITE_NOMEM:
		return TSR_NOMEM;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return TSR_CORRUPT;
	case SQLITE_CONSTRAINT:
		return TSR_CONFLICT;
	default:
		return TSR_STORE;
	}
}

/* Did reading a file of the store fail?  An old failure counts for ever: then
 * damage is called a failure, which holds nothing against anybody. */
static int
disk_failed(sqlite3 *db)
{
	sqlite3_file *wal = NULL;
	int e = 0;

	if (sqlite3_file_control(db, "main", SQLITE_FCNTL_LAST_ERRNO, &e) == SQLITE_OK && e != 0)
		return 1;
	return sqlite3_file_control(db, "main", SQLITE_FCNTL_JOURNAL_POINTER, &wal) == SQLITE_OK &&
	    wal != NULL && wal->pMethods != NULL &&
	    wal->pMethods->xFileControl(wal, SQLITE_FCNTL_LAST_ERRNO, &e) == SQLITE_OK && e != 0;
}

int
store_code_of(struct store *st, int rc)
{
	int r = store_code(rc);

	return r == TSR_CORRUPT && st->db != NULL && disk_failed(st->db) ? TSR_STORE : r;
}

int
store_complain(struct store *st, int rc, const char *what, char *err, size_t err_size)
{
	const char *said = st->db != NULL ? sqlite3_errmsg(st->db) : "out of memory";
	int r = store_code_of(st, rc);

	if ((rc & 0xff) == SQLITE_BUSY || (rc & 0xff) == SQLITE_LOCKED)
		snprintf(err, err_size, "the store %s is in use by another process: is tesserad "
		    "running already?", st->path);
	else if (r == TSR_CORRUPT)
		snprintf(err, err_size, "the store %s is damaged (%s): restore a backup", st->path, said);
	else
		snprintf(err, err_size, "the store %s %s: %s", st->path, what, said);
	return r == TSR_CORRUPT || r == TSR_NOMEM ? r : TSR_STORE;
}

int
store_stmt(struct store *st, enum store_stmt which, const char *sql, sqlite3_stmt **out)
{
	int rc, r;

	if ((r = store_ready(st, 0)) != TSR_OK)
		return r;
	if (st->stmt[which] == NULL) {
		rc = sqlite3_prepare_v3(st->db, sql, -1, SQLITE_PREPARE_PERSISTENT,
		    &st->stmt[which], NULL);
		if (rc != SQLITE_OK)
			return (r = store_code_of(st, rc)) == TSR_OK ? TSR_STORE : r;
	}
	if (sqlite3_stmt_busy(st->stmt[which]))
		return TSR_INVALID;	/* each() inside its own each() */
	*out = st->stmt[which];
	return TSR_OK;
}

int
store_write(struct store *st, sqlite3_stmt *s, int bound, int *changed)
{
	int rc, r;

	if (!st->savepoint || st->walking) {
		r = TSR_INVALID;	/* would be a commit of its own */
		goto out;
	}
	if (st->broken) {
		r = TSR_STORE;
		goto out;
	}
	if ((rc = bound) == SQLITE_OK)
		rc = sqlite3_step(s);
	r = rc == SQLITE_ROW ? TSR_STORE : store_code_of(st, rc);
	if (r == TSR_OK && changed != NULL)
		*changed = sqlite3_changes(st->db);
	sqlite3_reset(s);
	if (r == TSR_OK)
		r = store_tags_settle(st);
	else
		st->tags.n_touched = 0;
	if (r != TSR_OK && r != TSR_CONFLICT)
		st->broken = 1;
 out:
	sqlite3_reset(s);
	sqlite3_clear_bindings(s);
	return r;
}

int
store_exists(struct store *st, enum store_stmt which, const char *sql, const char *key)
{
	sqlite3_stmt *s;
	int rc, r;

	if ((r = store_stmt(st, which, sql, &s)) != TSR_OK)
		return r;
	if ((rc = sqlite3_bind_text(s, 1, key, -1, SQLITE_STATIC)) == SQLITE_OK)
		rc = sqlite3_step(s);
	if (rc == SQLITE_DONE)
		r = TSR_NOT_FOUND;
	else
		r = store_code_of(st, rc);
	sqlite3_reset(s);
	sqlite3_clear_bindings(s);
	return r;
}

int
store_changed(struct store *st, int n, enum store_stmt which, const char *sql, const char *key)
{
	int r;

	if (n == 1)
		return TSR_OK;
	r = store_exists(st, which, sql, key);
	return r == TSR_OK ? TSR_CONFLICT : r;
}

static int
check_key(sqlite3_stmt *s, int at, const char *key)
{
	const unsigned char *p;

	if (sqlite3_column_type(s, at) != SQLITE_TEXT)
		return TSR_CORRUPT;
	if ((p = sqlite3_column_text(s, at)) == NULL)
		return TSR_NOMEM;
	return strcmp((const char *)p, key) == 0 ? TSR_OK : TSR_CORRUPT;
}

int
store_one(struct store *st, enum store_stmt which, const char *sql, const char *key, int at,
    int (*read)(struct store *st, sqlite3_stmt *s, void *out), void *out)
{
	sqlite3_stmt *s;
	int rc, r;

	if ((r = store_stmt(st, which, sql, &s)) != TSR_OK)
		return r;
	if ((rc = sqlite3_bind_text(s, 1, key, -1, SQLITE_STATIC)) == SQLITE_OK)
		rc = sqlite3_step(s);
	if (rc == SQLITE_ROW) {
		if ((r = check_key(s, at, key)) == TSR_OK)
			r = read(st, s, out);
	} else
		r = rc == SQLITE_DONE ? TSR_NOT_FOUND : store_code_of(st, rc);
	sqlite3_reset(s);
	sqlite3_clear_bindings(s);
	return r;
}

int
store_column_text(sqlite3_stmt *s, int column, char *out, size_t min, size_t size)
{
	const unsigned char *p;
	size_t n;

	if (sqlite3_column_type(s, column) != SQLITE_TEXT)
		return TSR_CORRUPT;
	if ((p = sqlite3_column_text(s, column)) == NULL)
		return TSR_NOMEM;
	n = (size_t)sqlite3_column_bytes(s, column);
	if (n < min || n >= size || memchr(p, '\0', n) != NULL)
		return TSR_CORRUPT;
	memcpy(out, p, n);
	out[n] = '\0';
	return TSR_OK;
}

int
store_column_int(sqlite3_stmt *s, int column, int64_t min, int64_t max, int64_t *out)
{
	int64_t v;

	if (sqlite3_column_type(s, column) != SQLITE_INTEGER)
		return TSR_CORRUPT;
	v = sqlite3_column_int64(s, column);
	if (v < min || v > max)
		return TSR_CORRUPT;
	*out = v;
	return TSR_OK;
}

int
store_column_blob(sqlite3_stmt *s, int column, size_t min, size_t max,
    const uint8_t **p, size_t *n)
{
	const uint8_t *blob;
	size_t len;

	if (sqlite3_column_type(s, column) != SQLITE_BLOB)
		return TSR_CORRUPT;
	blob = sqlite3_column_blob(s, column);	/* NULL for an empty one */
	len = (size_t)sqlite3_column_bytes(s, column);
	if (len < min || len > max)
		return TSR_CORRUPT;
	if (blob == NULL && len > 0)
		return TSR_NOMEM;
	*p = blob;
	*n = len;
	return TSR_OK;
}
