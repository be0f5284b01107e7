/*
 * store_ssh.c - SSH certificates that were issued.  See store_ssh.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/store_ssh.h"

#include <string.h>

#include "agent/store_sqlite.h"
#include "tessera.h"

#define COLUMNS	"serial, ca, subject, uid, credential, sid, fingerprint, id, principals," \
	" valid_after, valid_before, held, revoked"
#define SQL_ADD	"INSERT INTO ssh_cert (" COLUMNS ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10," \
	" ?11, ?12, ?13)"
#define SQL_LIVE	"SELECT count(*) FROM ssh_cert WHERE uid = ?1 AND valid_before > ?2"
#define SQL_ALL	"SELECT " COLUMNS ", seq FROM ssh_cert ORDER BY seq"
#define SQL_OF	"SELECT " COLUMNS ", seq FROM ssh_cert WHERE subject = ?1 AND uid = ?2 ORDER BY seq"
#define SQL_SERIALS	"SELECT serial, seq FROM ssh_cert WHERE ca = ?1 AND (revoked > 0 OR ?2)" \
	" ORDER BY serial"
#define SQL_REVOKE	"UPDATE ssh_cert SET revoked = ?2 WHERE revoked = 0 AND "
#define SQL_SERIAL	"UPDATE ssh_cert SET revoked = CASE revoked WHEN 0 THEN ?2 ELSE revoked END" \
	" WHERE serial = ?1"
#define SQL_HAS	"SELECT 1 FROM ssh_cert WHERE revoked = 0 AND "
#define IS_SESSION	"sid = ?1"
#define IS_CREDENTIAL	"credential = ?1"
#define IS_SUBJECT	"subject = ?1"
#define IS_OWN	" AND held = 0"
#define SQL_DUE	"SELECT 1 WHERE EXISTS (SELECT 1 FROM ssh_cert WHERE valid_before <= ?1)" \
	" OR EXISTS (SELECT 1 FROM ssh_ca WHERE state = 5 AND id NOT IN (SELECT ca FROM ssh_cert))"
#define SQL_SWEEP	"DELETE FROM ssh_cert WHERE seq IN (SELECT seq FROM ssh_cert" \
	" WHERE valid_before <= ?1 ORDER BY valid_before LIMIT ?2)"
#define SQL_SWEEP_CA	"DELETE FROM ssh_ca WHERE state = 5 AND id NOT IN (SELECT ca FROM ssh_cert)"

enum column {
	COLUMN_SERIAL, COLUMN_CA, COLUMN_SUBJECT, COLUMN_UID, COLUMN_CREDENTIAL, COLUMN_SID,
	COLUMN_FINGERPRINT, COLUMN_ID, COLUMN_PRINCIPALS, COLUMN_AFTER, COLUMN_BEFORE, COLUMN_HELD,
	COLUMN_REVOKED, COLUMN_SEQ
};

/* Each text with where it goes: the same list writes and reads. */
#define TEXTS	7
#define TEXT(column, member, min) \
	{ column, offsetof(struct ssh_cert_record, member), sizeof(((struct ssh_cert_record *)0)->member), min }
static const struct text {
	enum column at;
	size_t offset, size, min;
} texts[TEXTS] = {
	TEXT(COLUMN_CA, ca, STORE_ID_LEN), TEXT(COLUMN_SUBJECT, subject, 1),
	TEXT(COLUMN_CREDENTIAL, credential, 0), TEXT(COLUMN_SID, sid, 0),
	TEXT(COLUMN_FINGERPRINT, fingerprint, 1), TEXT(COLUMN_ID, id, 1),
	TEXT(COLUMN_PRINCIPALS, principals, 1)
};

/* --- one row --- */

static int
check(const struct ssh_cert_record *c)
{
	size_t i, n;

	for (i = 0; i < TEXTS; i++) {
		n = strnlen((const char *)c + texts[i].offset, texts[i].size);
		if (n < texts[i].min || n == texts[i].size)
			return TSR_INVALID;
	}
	return c->serial == 0 || c->serial > INT64_MAX || c->valid_after < 0 ||
	    c->valid_before <= c->valid_after || c->revoked < 0 ? TSR_INVALID : TSR_OK;
}

static int
bind_row(sqlite3_stmt *s, const struct ssh_cert_record *c)
{
	const struct {
		enum column at;
		int64_t value;
	} number[] = {
		{ COLUMN_SERIAL, (int64_t)c->serial }, { COLUMN_UID, c->uid },
		{ COLUMN_AFTER, c->valid_after }, { COLUMN_BEFORE, c->valid_before },
		{ COLUMN_HELD, c->held != 0 }, { COLUMN_REVOKED, c->revoked }
	};
	int rc = SQLITE_OK;
	size_t i;

	for (i = 0; i < sizeof(number) / sizeof(number[0]) && rc == SQLITE_OK; i++)
		rc = sqlite3_bind_int64(s, (int)number[i].at + 1, number[i].value);
	for (i = 0; i < TEXTS && rc == SQLITE_OK; i++)
		rc = sqlite3_bind_text(s, (int)texts[i].at + 1, (const char *)c + texts[i].offset, -1,
		    SQLITE_STATIC);
	return rc;
}

static int
read_row(struct store *st, sqlite3_stmt *s, struct ssh_cert_record *c)
{
	int64_t serial, uid, held;
	size_t i;
	int r;

	if ((r = store_tag_check(st, PLACE_SSH_CERT, sqlite3_column_int64(s, COLUMN_SEQ))) != TSR_OK ||
	    (r = store_column_int(s, COLUMN_SERIAL, 1, INT64_MAX, &serial)) != TSR_OK ||
	    (r = store_column_int(s, COLUMN_UID, 0, UINT32_MAX, &uid)) != TSR_OK ||
	    (r = store_column_int(s, COLUMN_HELD, 0, 1, &held)) != TSR_OK ||
	    (r = store_column_int(s, COLUMN_AFTER, 0, INT64_MAX, &c->valid_after)) != TSR_OK ||
	    (r = store_column_int(s, COLUMN_BEFORE, 0, INT64_MAX, &c->valid_before)) != TSR_OK ||
	    (r = store_column_int(s, COLUMN_REVOKED, 0, INT64_MAX, &c->revoked)) != TSR_OK)
		return r;
	c->serial = (uint64_t)serial;
	c->uid = (uid_t)uid;
	c->held = held != 0;
	for (i = 0; i < TEXTS && r == TSR_OK; i++)
		r = store_column_text(s, (int)texts[i].at, (char *)c + texts[i].offset, texts[i].min,
		    texts[i].size);
	return r;
}

/* --- adding and reading --- */

static int
cert_room(struct store *st, uid_t uid, int64_t now)
{
	sqlite3_stmt *s;
	int rc, r;

	if ((r = store_stmt(st, STMT_SSH_CERT_LIVE, SQL_LIVE, &s)) != TSR_OK)
		return r;
	if ((rc = sqlite3_bind_int64(s, 1, uid)) == SQLITE_OK &&
	    (rc = sqlite3_bind_int64(s, 2, now)) == SQLITE_OK)
		rc = sqlite3_step(s);
	if (rc == SQLITE_ROW)
		r = sqlite3_column_int64(s, 0) < STORE_SSH_LIVE_MAX ? TSR_OK : TSR_SLOW_DOWN;
	else if ((r = store_code_of(st, rc)) == TSR_OK)
		r = TSR_STORE;
	sqlite3_reset(s);
	return r;
}

int
store_ssh_cert_add(struct store *st, const struct ssh_cert_record *c, int64_t now)
{
	sqlite3_stmt *s;
	int r;

	if ((r = check(c)) != TSR_OK || (r = cert_room(st, c->uid, now)) != TSR_OK ||
	    (r = store_stmt(st, STMT_SSH_CERT_ADD, SQL_ADD, &s)) != TSR_OK)
		return r;
	return store_write(st, s, bind_row(s, c), NULL);
}

int
store_ssh_cert_each(struct store *st, const char *subject, uid_t uid,
    int (*each)(void *arg, const struct ssh_cert_record *c), void *arg)
{
	struct ssh_cert_record c;
	sqlite3_stmt *s;
	int rc = SQLITE_OK, r;

	r = subject == NULL ? store_stmt(st, STMT_SSH_CERT_ALL, SQL_ALL, &s) :
	    store_stmt(st, STMT_SSH_CERT_OF, SQL_OF, &s);
	if (r != TSR_OK)
		return r;
	if (subject != NULL &&
	    (rc = sqlite3_bind_text(s, 1, subject, -1, SQLITE_TRANSIENT)) == SQLITE_OK)
		rc = sqlite3_bind_int64(s, 2, uid);
	r = rc == SQLITE_OK ? TSR_OK : store_code_of(st, rc);
	st->walking++;
	while (r == TSR_OK && (rc = sqlite3_step(s)) == SQLITE_ROW)
		if ((r = read_row(st, s, &c)) == TSR_OK)
			r = each(arg, &c);
	st->walking--;
	if (r == TSR_OK)
		r = store_code_of(st, rc);
	sqlite3_reset(s);
	return r;
}

int
store_ssh_cert_serials(struct store *st, const char *ca, int all,
    int (*each)(void *arg, uint64_t serial), void *arg)
{
	sqlite3_stmt *s;
	int64_t serial = 0;
	int rc, r;

	if ((r = store_stmt(st, STMT_SSH_CERT_SERIALS, SQL_SERIALS, &s)) != TSR_OK)
		return r;
	if ((rc = sqlite3_bind_text(s, 1, ca, -1, SQLITE_TRANSIENT)) == SQLITE_OK)
		rc = sqlite3_bind_int(s, 2, all != 0);
	r = rc == SQLITE_OK ? TSR_OK : store_code_of(st, rc);
	st->walking++;
	while (r == TSR_OK && (rc = sqlite3_step(s)) == SQLITE_ROW)
		if ((r = store_tag_check(st, PLACE_SSH_CERT, sqlite3_column_int64(s, 1))) == TSR_OK &&
		    (r = store_column_int(s, 0, 1, INT64_MAX, &serial)) == TSR_OK)
			r = each(arg, (uint64_t)serial);
	st->walking--;
	if (r == TSR_OK)
		r = store_code_of(st, rc);
	sqlite3_reset(s);
	return r;
}

/* --- revoking --- */

int
store_ssh_cert_revoke(struct store *st, enum store_ssh_which which, const char *key, int64_t now,
    int *n)
{
	static const char *const sql[] = {
		[SSH_OF_SESSION] = SQL_REVOKE IS_SESSION,
		[SSH_OWN_OF_SESSION] = SQL_REVOKE IS_SESSION IS_OWN,
		[SSH_OF_CREDENTIAL] = SQL_REVOKE IS_CREDENTIAL,
		[SSH_OF_SUBJECT] = SQL_REVOKE IS_SUBJECT,
		[SSH_OWN_OF_SUBJECT] = SQL_REVOKE IS_SUBJECT IS_OWN,
		[SSH_OF_ALL] = SQL_REVOKE "?1 = ''"
	};
	sqlite3_stmt *s;
	int rc, r;

	if (now <= 0)
		return TSR_INVALID;
	if ((r = store_stmt(st, (enum store_stmt)(STMT_SSH_CERT_REVOKE_SESSION + (int)which), sql[which],
	    &s)) != TSR_OK)
		return r;
	rc = sqlite3_bind_text(s, 1, which == SSH_OF_ALL ? "" : key, -1, SQLITE_STATIC);
	if (rc == SQLITE_OK)
		rc = sqlite3_bind_int64(s, 2, now);
	return store_write(st, s, rc, n);
}

int
store_ssh_cert_revoke_serial(struct store *st, uint64_t serial, int64_t now)
{
	sqlite3_stmt *s;
	int n, rc, r;

	if (now <= 0 || serial > INT64_MAX)
		return now <= 0 ? TSR_INVALID : TSR_NOT_FOUND;
	if ((r = store_stmt(st, STMT_SSH_CERT_REVOKE_SERIAL, SQL_SERIAL, &s)) != TSR_OK)
		return r;
	if ((rc = sqlite3_bind_int64(s, 1, (int64_t)serial)) == SQLITE_OK)
		rc = sqlite3_bind_int64(s, 2, now);
	if ((r = store_write(st, s, rc, &n)) != TSR_OK)
		return r;
	return n == 1 ? TSR_OK : TSR_NOT_FOUND;
}

int
store_ssh_cert_has(struct store *st, enum store_ssh_which which, const char *key)
{
	static const char *const sql[] = {
		[SSH_OF_SESSION] = SQL_HAS IS_SESSION,
		[SSH_OWN_OF_SESSION] = SQL_HAS IS_SESSION IS_OWN,
		[SSH_OF_CREDENTIAL] = SQL_HAS IS_CREDENTIAL,
		[SSH_OF_SUBJECT] = SQL_HAS IS_SUBJECT,
		[SSH_OWN_OF_SUBJECT] = SQL_HAS IS_SUBJECT IS_OWN,
		[SSH_OF_ALL] = SQL_HAS "?1 = ''"
	};

	return store_exists(st, (enum store_stmt)(STMT_SSH_CERT_HAS_SESSION + (int)which), sql[which],
	    which == SSH_OF_ALL ? "" : key);
}

/* --- the end --- */

int
store_ssh_cert_due(struct store *st, int64_t now)
{
	sqlite3_stmt *s;
	int rc, r;

	if ((r = store_stmt(st, STMT_SSH_CERT_DUE, SQL_DUE, &s)) != TSR_OK)
		return r;
	if ((rc = sqlite3_bind_int64(s, 1, now - STORE_SSH_SLACK_S)) == SQLITE_OK)
		rc = sqlite3_step(s);
	r = rc == SQLITE_DONE ? TSR_NOT_FOUND : store_code_of(st, rc);
	sqlite3_reset(s);
	return r;
}

int
store_ssh_cert_sweep(struct store *st, int64_t now)
{
	sqlite3_stmt *s;
	int rc, r;

	if ((r = store_stmt(st, STMT_SSH_CERT_SWEEP, SQL_SWEEP, &s)) != TSR_OK)
		return r;
	if ((rc = sqlite3_bind_int64(s, 1, now - STORE_SSH_SLACK_S)) == SQLITE_OK)
		rc = sqlite3_bind_int64(s, 2, STORE_SSH_SWEEP);
	if ((r = store_write(st, s, rc, NULL)) != TSR_OK ||
	    (r = store_stmt(st, STMT_SSH_CA_SWEEP, SQL_SWEEP_CA, &s)) != TSR_OK)
		return r;
	return store_write(st, s, SQLITE_OK, NULL);
}
