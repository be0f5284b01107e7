/*
 * store_meta.c - single values in the table meta.  See store.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/store_sqlite.h"

#include <string.h>

#include "tessera.h"

#define MARK	"clock"		/* the latest wall clock time believed */

#define SQL_GET	"SELECT value, seq FROM meta WHERE name = ?1"
#define SQL_PUT	"INSERT INTO meta (name, value) VALUES (?1, ?2)" \
	" ON CONFLICT (name) DO UPDATE SET value = ?2"

int
store_clock_mark(struct store *st, int64_t *out)
{
	const uint8_t *p;
	sqlite3_stmt *s;
	uint64_t v = 0;
	size_t i, n;
	int rc, r;

	if ((r = store_stmt(st, STMT_META_GET, SQL_GET, &s)) != TSR_OK)
		return r;
	if ((rc = sqlite3_bind_text(s, 1, MARK, -1, SQLITE_STATIC)) == SQLITE_OK)
		rc = sqlite3_step(s);
	if (rc != SQLITE_ROW)
		r = rc == SQLITE_DONE ? TSR_NOT_FOUND : store_code(rc);
	else if ((r = store_tag_check(st, PLACE_META, sqlite3_column_int64(s, 1))) == TSR_OK &&
	    (r = store_column_blob(s, 0, 8, 8, &p, &n)) == TSR_OK) {
		for (i = n; i > 0; i--)
			v = v << 8 | p[i - 1];
		*out = (int64_t)v;
	}
	sqlite3_reset(s);
	sqlite3_clear_bindings(s);
	return r;
}

int
store_set_clock_mark(struct store *st, int64_t mark)
{
	uint8_t blob[8];
	sqlite3_stmt *s;
	size_t i;
	int rc, r;

	if (mark < 0)
		return TSR_INVALID;
	for (i = 0; i < sizeof(blob); i++)
		blob[i] = (uint8_t)((uint64_t)mark >> 8 * i);
	if ((r = store_stmt(st, STMT_META_PUT, SQL_PUT, &s)) != TSR_OK)
		return r;
	if ((rc = sqlite3_bind_text(s, 1, MARK, -1, SQLITE_STATIC)) == SQLITE_OK)
		rc = sqlite3_bind_blob(s, 2, blob, sizeof(blob), SQLITE_STATIC);
	return store_write(st, s, rc, NULL);
}
