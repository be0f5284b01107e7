/*
 * store_audit.c - audit lines that are durable here before they are in their
 * file.  See store.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/store_sqlite.h"

#include "tessera.h"

#define SQL_PUT	"INSERT OR REPLACE INTO meta (name, value) VALUES ('audit', ?1)"
#define SQL_GET	"SELECT value FROM meta WHERE name = 'audit'"

int
store_audit_put(struct store *st, const void *p, size_t n)
{
	sqlite3_stmt *s;
	int rc, r;

	if (n > STORE_AUDIT_MAX)
		return TSR_TOO_LARGE;
	if ((r = store_stmt(st, STMT_AUDIT_PUT, SQL_PUT, &s)) != TSR_OK)
		return r;
	rc = sqlite3_bind_blob(s, 1, p, (int)n, SQLITE_STATIC);
	return store_write(st, s, rc, NULL);
}

int
store_audit_get(struct store *st, struct buf *out)
{
	sqlite3_stmt *s;
	const uint8_t *p;
	size_t n;
	int rc, r;

	if ((r = store_stmt(st, STMT_AUDIT_GET, SQL_GET, &s)) != TSR_OK)
		return r;
	if ((rc = sqlite3_step(s)) == SQLITE_ROW) {
		if ((r = store_column_blob(s, 0, 0, STORE_AUDIT_MAX, &p, &n)) == TSR_OK)
			r = buf_put(out, p, n);
	} else
		r = rc == SQLITE_DONE ? TSR_OK : store_code(rc);
	sqlite3_reset(s);
	return r;
}
