/*
 * store_meta.c - single values in the table meta.  See store.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/store_sqlite.h"

#include <sodium.h>
#include <string.h>

#include "agent/seal.h"
#include "tessera.h"

#define MARK	"clock"		/* the latest wall clock time believed */
#define EPOCH	"epoch"		/* tokens issued until then are dead */
#define LINES	"audit"		/* audit lines that are not in their file yet */

#define SQL_GET	"SELECT value, seq FROM meta WHERE name = ?1"
#define SQL_PUT	"INSERT INTO meta (name, value) VALUES (?1, ?2)" \
	" ON CONFLICT (name) DO UPDATE SET value = ?2"

/* The value's bytes, until the next use of the statement *s, which the caller
 * resets.  TSR_NOT_FOUND. */
static int
store_meta_get(struct store *st, const char *name, size_t min, size_t max, sqlite3_stmt **s,
    const uint8_t **p, size_t *n)
{
	int rc, r;

	if ((r = store_stmt(st, STMT_META_GET, SQL_GET, s)) != TSR_OK)
		return r;
	if ((rc = sqlite3_bind_text(*s, 1, name, -1, SQLITE_STATIC)) == SQLITE_OK)
		rc = sqlite3_step(*s);
	if (rc != SQLITE_ROW)
		return rc == SQLITE_DONE ? TSR_NOT_FOUND : store_code_of(st, rc);
	if ((r = store_tag_check(st, PLACE_META, sqlite3_column_int64(*s, 1))) != TSR_OK)
		return r;
	return store_column_blob(*s, 0, min, max, p, n);
}

static void
store_meta_done(sqlite3_stmt *s)
{
	if (s == NULL)
		return;
	sqlite3_reset(s);
	sqlite3_clear_bindings(s);
}

static int
store_meta_put(struct store *st, const char *name, const void *p, size_t n)
{
	sqlite3_stmt *s;
	int rc, r;

	if ((r = store_stmt(st, STMT_META_PUT, SQL_PUT, &s)) != TSR_OK)
		return r;
	if ((rc = sqlite3_bind_text(s, 1, name, -1, SQLITE_STATIC)) == SQLITE_OK)
		rc = sqlite3_bind_blob(s, 2, p, (int)n, SQLITE_STATIC);
	return store_write(st, s, rc, NULL);
}

static int
store_meta_time(struct store *st, const char *name, int64_t *out)
{
	sqlite3_stmt *s = NULL;
	const uint8_t *p = NULL;
	uint64_t v = 0;
	size_t i, n = 0;
	int r;

	if ((r = store_meta_get(st, name, 8, 8, &s, &p, &n)) == TSR_OK) {
		for (i = n; i > 0; i--)
			v = v << 8 | p[i - 1];
		*out = (int64_t)v;
	}
	store_meta_done(s);
	return r;
}

static int
store_meta_set_time(struct store *st, const char *name, int64_t mark)
{
	uint8_t blob[8];
	size_t i;

	if (mark < 0)
		return TSR_INVALID;
	for (i = 0; i < sizeof(blob); i++)
		blob[i] = (uint8_t)((uint64_t)mark >> 8 * i);
	return store_meta_put(st, name, blob, sizeof(blob));
}

int
store_clock_mark(struct store *st, int64_t *out)
{
	return store_meta_time(st, MARK, out);
}

int
store_set_clock_mark(struct store *st, int64_t mark)
{
	return store_meta_set_time(st, MARK, mark);
}

int
store_epoch(struct store *st, int64_t *out)
{
	return store_meta_time(st, EPOCH, out);
}

int
store_set_epoch(struct store *st, int64_t epoch)
{
	return store_meta_set_time(st, EPOCH, epoch);
}

int
store_audit_put(struct store *st, const void *p, size_t n)
{
	return n > STORE_AUDIT_MAX ? TSR_TOO_LARGE : store_meta_put(st, LINES, p, n);
}

int
store_audit_get(struct store *st, struct buf *out)
{
	sqlite3_stmt *s = NULL;
	const uint8_t *p = NULL;
	size_t n = 0;
	int r;

	if ((r = store_meta_get(st, LINES, 0, STORE_AUDIT_MAX, &s, &p, &n)) == TSR_OK)
		r = buf_put(out, p, n);
	store_meta_done(s);
	return r == TSR_NOT_FOUND ? TSR_OK : r;
}

int
store_meta_bytes(struct store *st, const char *name, uint8_t *out, size_t n)
{
	sqlite3_stmt *s = NULL;
	const uint8_t *p = NULL;
	size_t got = 0;
	int r;

	if ((r = store_meta_get(st, name, n, n, &s, &p, &got)) == TSR_OK && got == n && p != NULL)
		memcpy(out, p, n);
	store_meta_done(s);
	return r;
}

int
store_meta_set(struct store *st, const char *name, const void *p, size_t n)
{
	return store_meta_put(st, name, p, n);
}

int
store_meta_secret(struct store *st, const char *name, int make, struct secret **out)
{
	uint8_t sealed[STORE_META_SECRET + SEAL_OVERHEAD];
	struct secret *key = NULL;
	int r;

	r = store_meta_bytes(st, name, sealed, sizeof(sealed));
	if (r == TSR_OK && (r = seal_open(st->seal, "meta", name, sealed, sizeof(sealed), &key)) == TSR_OK &&
	    key->size != STORE_META_SECRET)
		r = TSR_CORRUPT;
	if (r == TSR_NOT_FOUND && make) {
		if ((key = secret_new(STORE_META_SECRET)) == NULL)
			return TSR_NOMEM;
		randombytes_buf(key->data, key->size);
		if ((r = seal_make(st->seal, "meta", name, key->data, key->size, sealed)) == TSR_OK)
			r = store_meta_set(st, name, sealed, sizeof(sealed));
	}
	if (r == TSR_OK) {
		*out = key;
		key = NULL;
	}
	secret_free(&key);
	return r;
}
