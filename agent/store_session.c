/*
 * store_session.c - see store_session.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/store_session.h"

#include <string.h>

#include "agent/store_sqlite.h"
#include "tessera.h"

#define SQL_ADD	"INSERT INTO session (sid, credential, auth_time, proved, ends, boot)" \
	" VALUES (?1, ?2, ?3, ?4, ?5, ?6)"
#define SQL_REMOVE	"DELETE FROM session WHERE sid = ?1"
#define SQL_REPLACE	"DELETE FROM session WHERE credential = ?1"
#define SQL_CLEAR	"DELETE FROM session WHERE seq > 0"
#define SQL_ALL	"SELECT sid, credential, auth_time, proved, ends, boot, seq FROM session"

static int
remove_where(struct store *st, enum store_stmt which, const char *sql, const char *id)
{
	sqlite3_stmt *s;
	int r;

	if ((r = store_stmt(st, which, sql, &s)) != TSR_OK)
		return r;
	return store_write(st, s, id != NULL ? sqlite3_bind_text(s, 1, id, -1, SQLITE_STATIC) : SQLITE_OK,
	    NULL);
}

int
store_session_put(struct store *st, const struct session_record *rec)
{
	sqlite3_stmt *s;
	int rc, r;

	if (strnlen(rec->sid, sizeof(rec->sid)) != STORE_ID_LEN ||
	    strnlen(rec->credential, sizeof(rec->credential)) != STORE_ID_LEN || rec->auth_time < 0 ||
	    rec->ends_ms > INT64_MAX || rec->proved_ms > rec->ends_ms)
		return TSR_INVALID;
	if ((r = remove_where(st, STMT_SESSION_REPLACE, SQL_REPLACE, rec->credential)) != TSR_OK ||
	    (r = store_stmt(st, STMT_SESSION_ADD, SQL_ADD, &s)) != TSR_OK)
		return r;
	if ((rc = sqlite3_bind_text(s, 1, rec->sid, -1, SQLITE_STATIC)) == SQLITE_OK &&
	    (rc = sqlite3_bind_text(s, 2, rec->credential, -1, SQLITE_STATIC)) == SQLITE_OK &&
	    (rc = sqlite3_bind_int64(s, 3, rec->auth_time)) == SQLITE_OK &&
	    (rc = sqlite3_bind_int64(s, 4, (sqlite3_int64)rec->proved_ms)) == SQLITE_OK &&
	    (rc = sqlite3_bind_int64(s, 5, (sqlite3_int64)rec->ends_ms)) == SQLITE_OK)
		rc = sqlite3_bind_blob(s, 6, rec->boot, sizeof(rec->boot), SQLITE_STATIC);
	return store_write(st, s, rc, NULL);
}

int
store_session_remove(struct store *st, const char *sid)
{
	return sid != NULL ? remove_where(st, STMT_SESSION_REMOVE, SQL_REMOVE, sid) :
	    remove_where(st, STMT_SESSION_CLEAR, SQL_CLEAR, NULL);
}

static int
read_row(struct store *st, sqlite3_stmt *s, struct session_record *rec)
{
	int64_t proved, ends;
	const uint8_t *boot;
	size_t n;
	int r;

	memset(rec, 0, sizeof(*rec));
	if ((r = store_tag_check(st, PLACE_SESSION, sqlite3_column_int64(s, 6))) != TSR_OK ||
	    (r = store_column_text(s, 0, rec->sid, STORE_ID_LEN, sizeof(rec->sid))) != TSR_OK ||
	    (r = store_column_text(s, 1, rec->credential, STORE_ID_LEN, sizeof(rec->credential))) != TSR_OK ||
	    (r = store_column_int(s, 2, 0, INT64_MAX, &rec->auth_time)) != TSR_OK ||
	    (r = store_column_int(s, 3, 0, INT64_MAX, &proved)) != TSR_OK ||
	    (r = store_column_int(s, 4, 0, INT64_MAX, &ends)) != TSR_OK ||
	    (r = store_column_blob(s, 5, CLOCK_BOOT_LEN, CLOCK_BOOT_LEN, &boot, &n)) != TSR_OK)
		return r;
	rec->proved_ms = (uint64_t)proved;
	rec->ends_ms = (uint64_t)ends;
	memcpy(rec->boot, boot, n);
	return TSR_OK;
}

int
store_session_each(struct store *st,
    int (*each)(void *arg, const struct session_record *r), void *arg)
{
	struct session_record rec;
	sqlite3_stmt *s;
	int rc = SQLITE_DONE, r;

	if ((r = store_stmt(st, STMT_SESSION_ALL, SQL_ALL, &s)) != TSR_OK)
		return r;
	st->walking++;
	while (r == TSR_OK && (rc = sqlite3_step(s)) == SQLITE_ROW)
		if ((r = read_row(st, s, &rec)) == TSR_OK)
			r = each(arg, &rec);
	st->walking--;
	if (r == TSR_OK)
		r = store_code_of(st, rc);
	sqlite3_reset(s);
	return r;
}
