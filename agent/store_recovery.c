/*
 * store_recovery.c - see store_recovery.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/store_recovery.h"

#include "agent/store_sqlite.h"
#include "tessera.h"

#define KEY_NAME	"recovery"	/* of the row in meta */

#define SQL_ADD	"INSERT INTO recovery (subject, uid, kind, hash, ends) VALUES (?1, ?2, ?3, ?4, ?5)"
#define SQL_CLEAR	"DELETE FROM recovery WHERE subject = ?1 AND uid = ?2 AND kind = ?3"
/* Of a row that somebody altered nothing is believed: its tag is looked at first. */
#define SQL_FIND	"SELECT seq FROM recovery WHERE hash = ?1"
#define SQL_SPEND	"DELETE FROM recovery WHERE hash = ?4 AND subject = ?1 AND uid = ?2" \
	" AND kind >= ?3 AND (ends = 0 OR ends > ?5)"

_Static_assert(STORE_RECOVERY_KEY == STORE_META_SECRET, "STORE_RECOVERY_KEY");

int
store_recovery_key(struct store *st, int make, struct secret **out)
{
	return store_meta_secret(st, KEY_NAME, make, out);
}

static int
bind_user(sqlite3_stmt *s, const char *subject, uid_t uid, enum recovery_kind kind)
{
	int rc;

	if ((rc = sqlite3_bind_text(s, 1, subject, -1, SQLITE_STATIC)) == SQLITE_OK &&
	    (rc = sqlite3_bind_int64(s, 2, uid)) == SQLITE_OK)
		rc = sqlite3_bind_int64(s, 3, kind);
	return rc;
}

int
store_recovery_add(struct store *st, const char *subject, uid_t uid, enum recovery_kind kind,
    const uint8_t hash[STORE_RECOVERY_HASH], int64_t ends)
{
	sqlite3_stmt *s;
	int rc, r;

	if ((r = store_stmt(st, STMT_RECOVERY_ADD, SQL_ADD, &s)) != TSR_OK)
		return r;
	if ((rc = bind_user(s, subject, uid, kind)) == SQLITE_OK &&
	    (rc = sqlite3_bind_blob(s, 4, hash, STORE_RECOVERY_HASH, SQLITE_STATIC)) == SQLITE_OK)
		rc = sqlite3_bind_int64(s, 5, ends);
	return store_write(st, s, rc, NULL);
}

int
store_recovery_clear(struct store *st, const char *subject, uid_t uid, enum recovery_kind kind)
{
	sqlite3_stmt *s;
	int r;

	if ((r = store_stmt(st, STMT_RECOVERY_CLEAR, SQL_CLEAR, &s)) != TSR_OK)
		return r;
	return store_write(st, s, bind_user(s, subject, uid, kind), NULL);
}

static int
recovery_untouched(struct store *st, const uint8_t hash[STORE_RECOVERY_HASH])
{
	sqlite3_stmt *s;
	int rc, r;

	if ((r = store_stmt(st, STMT_RECOVERY_FIND, SQL_FIND, &s)) != TSR_OK)
		return r;
	if ((rc = sqlite3_bind_blob(s, 1, hash, STORE_RECOVERY_HASH, SQLITE_STATIC)) == SQLITE_OK)
		rc = sqlite3_step(s);
	if (rc == SQLITE_ROW)
		r = store_tag_check(st, PLACE_RECOVERY, sqlite3_column_int64(s, 0));
	else
		r = rc == SQLITE_DONE ? TSR_NOT_FOUND : store_code_of(st, rc);
	sqlite3_reset(s);
	sqlite3_clear_bindings(s);
	return r;
}

int
store_recovery_spend(struct store *st, const char *subject, uid_t uid,
    const uint8_t hash[STORE_RECOVERY_HASH], enum recovery_kind least, int64_t now)
{
	sqlite3_stmt *s;
	int n, rc, r;

	r = recovery_untouched(st, hash);
	if (r != TSR_OK && r != TSR_NOT_FOUND)
		return r;
	if ((r = store_stmt(st, STMT_RECOVERY_SPEND, SQL_SPEND, &s)) != TSR_OK)
		return r;
	if ((rc = bind_user(s, subject, uid, least)) == SQLITE_OK &&
	    (rc = sqlite3_bind_blob(s, 4, hash, STORE_RECOVERY_HASH, SQLITE_STATIC)) == SQLITE_OK)
		rc = sqlite3_bind_int64(s, 5, now);
	if ((r = store_write(st, s, rc, &n)) != TSR_OK)
		return r;
	return n == 1 ? TSR_OK : TSR_NOT_FOUND;
}
