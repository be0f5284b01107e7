/*
 * store_token.c - see store_token.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/store_token.h"

#include <sodium.h>
#include <string.h>

#include "agent/store_sqlite.h"
#include "tessera.h"

#define KEY_NAME	"token"		/* of the row in meta */

#define COLUMNS	"kind, hash, newest, family, subject, uid, sid, credential, audience, scope, client," \
	" jkt, jti, acr, auth_time, made, idle, ends, boot"
#define SQL_ADD	"INSERT INTO token (" COLUMNS ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10," \
	" ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19)"
#define SQL_GET	"SELECT " COLUMNS ", seq FROM token WHERE hash = ?1 AND kind = ?2"
#define SQL_LIVE	"SELECT count(*) FROM token WHERE uid = ?1 AND kind = ?2 AND ends > ?3"
#define SQL_SPEND	"UPDATE token SET newest = ?2, made = ?3, idle = ?4 WHERE hash = ?1" \
	" AND kind = 2 AND newest = ?5 AND boot = ?6 AND idle > ?7 AND ends > ?7"
#define SQL_END	"DELETE FROM token WHERE hash = ?1 OR (family = ?1 AND family <> x'')"
/* With a condition, or SQLite drops all rows at once and tells no hook of it. */
#define SQL_END_ALL	"DELETE FROM token WHERE kind > 0"
#define SQL_END_SID	"DELETE FROM token WHERE sid = ?1"
#define SQL_MOVE	"UPDATE token SET sid = ?2 WHERE sid = ?1 AND kind = 2"
#define SQL_MOVED	"DELETE FROM token WHERE sid = ?1 AND kind = 1"
#define SQL_END_SUBJECT	"DELETE FROM token WHERE subject = ?1"
#define SQL_END_CREDENTIAL	"DELETE FROM token WHERE credential = ?1"
#define SQL_SWEEP	"DELETE FROM token WHERE seq IN (SELECT seq FROM token WHERE kind = ?1" \
	" AND ends <= ?2 ORDER BY ends LIMIT ?3)"
#define SQL_BOOT	"DELETE FROM token WHERE seq IN (SELECT seq FROM token WHERE kind = 2" \
	" AND boot <> ?1 LIMIT ?2)"

#define SQL_OF_SID	"SELECT 1 FROM token WHERE sid = ?1"
#define SQL_OF_SUBJECT	"SELECT 1 FROM token WHERE subject = ?1"
#define SQL_SIDS	"SELECT DISTINCT sid FROM token"
#define SQL_DUE	"SELECT 1 WHERE EXISTS (SELECT 1 FROM token WHERE kind = 1 AND ends <= ?1)" \
	" OR EXISTS (SELECT 1 FROM token WHERE kind = 2 AND ends <= ?2)" \
	" OR (?4 AND EXISTS (SELECT 1 FROM token WHERE kind = 2 AND boot <> ?3))"

enum column {
	COLUMN_KIND, COLUMN_HASH, COLUMN_NEWEST, COLUMN_FAMILY, COLUMN_SUBJECT, COLUMN_UID, COLUMN_SID,
	COLUMN_CREDENTIAL, COLUMN_AUDIENCE, COLUMN_SCOPE, COLUMN_CLIENT, COLUMN_JKT, COLUMN_JTI,
	COLUMN_ACR, COLUMN_AUTH_TIME, COLUMN_MADE, COLUMN_IDLE, COLUMN_ENDS, COLUMN_BOOT, COLUMN_SEQ
};

int
store_token_key(struct store *st, int make, struct secret **out)
{
	return store_meta_secret(st, KEY_NAME, make, out);
}

/* --- one row --- */

/* Each text with where it goes: the same list writes and reads. */
#define TEXTS	8
static const struct text {
	enum column at;
	size_t offset, size, min;
} texts[TEXTS] = {
	{ COLUMN_SUBJECT, offsetof(struct store_token, subject), 256, 1 },
	{ COLUMN_SID, offsetof(struct store_token, sid), STORE_ID_LEN + 1, STORE_ID_LEN },
	{ COLUMN_CREDENTIAL, offsetof(struct store_token, credential), STORE_ID_LEN + 1, 0 },
	{ COLUMN_AUDIENCE, offsetof(struct store_token, audience), 256, 1 },
	{ COLUMN_SCOPE, offsetof(struct store_token, scope), 512, 1 },
	{ COLUMN_CLIENT, offsetof(struct store_token, client), 256, 1 },
	{ COLUMN_JKT, offsetof(struct store_token, jkt), 48, 0 },
	{ COLUMN_JTI, offsetof(struct store_token, jti), STORE_ID_LEN + 1, 0 },
};

/* What may be written is what will be accepted when read. */
static int
check(const struct store_token *t)
{
	size_t i, n;

	for (i = 0; i < TEXTS; i++) {
		n = strnlen((const char *)t + texts[i].offset, texts[i].size);
		if (n < texts[i].min || n == texts[i].size)
			return TSR_INVALID;
	}
	if ((t->kind != TOKEN_OPAQUE && t->kind != TOKEN_REFRESH) || t->acr < 0 ||
	    t->acr > ACR_HARDWARE_PIN || t->auth_time < 0 || t->made < 0 || t->idle < 0 || t->ends < 0)
		return TSR_INVALID;
	return TSR_OK;
}

static int
bind_numbers(sqlite3_stmt *s, const struct store_token *t)
{
	const struct {
		enum column at;
		int64_t value;
	} number[] = {
		{ COLUMN_KIND, t->kind }, { COLUMN_UID, t->uid }, { COLUMN_ACR, t->acr },
		{ COLUMN_AUTH_TIME, t->auth_time }, { COLUMN_MADE, t->made },
		{ COLUMN_IDLE, t->idle }, { COLUMN_ENDS, t->ends }
	};
	int rc = SQLITE_OK;
	size_t i;

	for (i = 0; i < sizeof(number) / sizeof(number[0]) && rc == SQLITE_OK; i++)
		rc = sqlite3_bind_int64(s, (int)number[i].at + 1, number[i].value);
	return rc;
}

/* A blob that this kind does not have is there and empty. */
static int
bind_blob(sqlite3_stmt *s, enum column at, const uint8_t *p, int has, size_t n)
{
	return has ? sqlite3_bind_blob(s, (int)at + 1, p, (int)n, SQLITE_STATIC) :
	    sqlite3_bind_zeroblob(s, (int)at + 1, 0);
}

static int
bind_row(sqlite3_stmt *s, const struct store_token *t)
{
	int refresh = t->kind == TOKEN_REFRESH, rc;
	size_t i;

	if ((rc = bind_numbers(s, t)) != SQLITE_OK ||
	    (rc = bind_blob(s, COLUMN_HASH, t->hash, 1, sizeof(t->hash))) != SQLITE_OK ||
	    (rc = bind_blob(s, COLUMN_NEWEST, t->newest, refresh, sizeof(t->newest))) != SQLITE_OK ||
	    (rc = bind_blob(s, COLUMN_FAMILY, t->family, t->has_family, sizeof(t->family))) != SQLITE_OK ||
	    (rc = bind_blob(s, COLUMN_BOOT, t->boot, refresh, sizeof(t->boot))) != SQLITE_OK)
		return rc;
	for (i = 0; i < TEXTS && rc == SQLITE_OK; i++)
		rc = sqlite3_bind_text(s, (int)texts[i].at + 1, (const char *)t + texts[i].offset, -1,
		    SQLITE_STATIC);
	return rc;
}

static int
read_numbers(sqlite3_stmt *s, struct store_token *t)
{
	int64_t kind, uid, acr;
	int r;

	if ((r = store_column_int(s, COLUMN_KIND, TOKEN_OPAQUE, TOKEN_REFRESH, &kind)) != TSR_OK ||
	    (r = store_column_int(s, COLUMN_UID, 0, UINT32_MAX, &uid)) != TSR_OK ||
	    (r = store_column_int(s, COLUMN_ACR, 0, ACR_HARDWARE_PIN, &acr)) != TSR_OK ||
	    (r = store_column_int(s, COLUMN_AUTH_TIME, 0, INT64_MAX, &t->auth_time)) != TSR_OK ||
	    (r = store_column_int(s, COLUMN_MADE, 0, INT64_MAX, &t->made)) != TSR_OK ||
	    (r = store_column_int(s, COLUMN_IDLE, 0, INT64_MAX, &t->idle)) != TSR_OK ||
	    (r = store_column_int(s, COLUMN_ENDS, 0, INT64_MAX, &t->ends)) != TSR_OK)
		return r;
	t->kind = (enum store_token_kind)kind;
	t->uid = (uid_t)uid;
	t->acr = (int)acr;
	return TSR_OK;
}

/* Exactly size bytes, or none where it may be absent. */
static int
read_blob(sqlite3_stmt *s, enum column at, int must, uint8_t *out, size_t size, int *has)
{
	const uint8_t *p;
	size_t n;
	int r;

	if ((r = store_column_blob(s, (int)at, must ? size : 0, size, &p, &n)) != TSR_OK)
		return r;
	if (n != 0 && n != size)
		return TSR_CORRUPT;
	if (n == size)
		memcpy(out, p, size);
	if (has != NULL)
		*has = n == size;
	return TSR_OK;
}

static int
read_row(struct store *st, sqlite3_stmt *s, struct store_token *t)
{
	int refresh, r;
	size_t i;

	if ((r = store_tag_check(st, PLACE_TOKEN, sqlite3_column_int64(s, COLUMN_SEQ))) != TSR_OK ||
	    (r = read_numbers(s, t)) != TSR_OK)
		return r;
	refresh = t->kind == TOKEN_REFRESH;
	if ((r = read_blob(s, COLUMN_HASH, 1, t->hash, sizeof(t->hash), NULL)) != TSR_OK ||
	    (r = read_blob(s, COLUMN_NEWEST, refresh, t->newest, sizeof(t->newest), NULL)) != TSR_OK ||
	    (r = read_blob(s, COLUMN_FAMILY, 0, t->family, sizeof(t->family), &t->has_family)) != TSR_OK ||
	    (r = read_blob(s, COLUMN_BOOT, refresh, t->boot, sizeof(t->boot), NULL)) != TSR_OK)
		return r;
	for (i = 0; i < TEXTS && r == TSR_OK; i++)
		r = store_column_text(s, (int)texts[i].at, (char *)t + texts[i].offset, texts[i].min,
		    texts[i].size);
	return r;
}

/* --- what is done with it --- */

/* May the uid have one more? */
static int
token_room(struct store *st, const struct store_token *t, int64_t now)
{
	int64_t most = t->kind == TOKEN_OPAQUE ? STORE_TOKEN_OPAQUE_MAX : STORE_TOKEN_REFRESH_MAX;
	sqlite3_stmt *s;
	int rc, r;

	if ((r = store_stmt(st, STMT_TOKEN_LIVE, SQL_LIVE, &s)) != TSR_OK)
		return r;
	if ((rc = sqlite3_bind_int64(s, 1, t->uid)) == SQLITE_OK &&
	    (rc = sqlite3_bind_int64(s, 2, t->kind)) == SQLITE_OK &&
	    (rc = sqlite3_bind_int64(s, 3, now)) == SQLITE_OK)
		rc = sqlite3_step(s);
	if (rc == SQLITE_ROW)
		r = sqlite3_column_int64(s, 0) < most ? TSR_OK : TSR_SLOW_DOWN;
	else if ((r = store_code_of(st, rc)) == TSR_OK)
		r = TSR_STORE;
	sqlite3_reset(s);
	return r;
}

int
store_token_add(struct store *st, const struct store_token *t, int64_t now)
{
	sqlite3_stmt *s;
	int r;

	if ((r = check(t)) != TSR_OK || (r = token_room(st, t, now)) != TSR_OK ||
	    (r = store_stmt(st, STMT_TOKEN_ADD, SQL_ADD, &s)) != TSR_OK)
		return r;
	return store_write(st, s, bind_row(s, t), NULL);
}

int
store_token_get(struct store *st, enum store_token_kind kind, const uint8_t hash[STORE_TOKEN_HASH],
    struct store_token *out)
{
	struct store_token t;
	sqlite3_stmt *s;
	int rc, r;

	if ((r = store_stmt(st, STMT_TOKEN_GET, SQL_GET, &s)) != TSR_OK)
		return r;
	memset(&t, 0, sizeof(t));
	if ((rc = sqlite3_bind_blob(s, 1, hash, STORE_TOKEN_HASH, SQLITE_STATIC)) == SQLITE_OK &&
	    (rc = sqlite3_bind_int64(s, 2, kind)) == SQLITE_OK)
		rc = sqlite3_step(s);
	if (rc == SQLITE_ROW) {
		/* A damaged index leads to another row. */
		if ((r = read_row(st, s, &t)) == TSR_OK && (t.kind != kind ||
		    sodium_memcmp(t.hash, hash, STORE_TOKEN_HASH) != 0 || check(&t) != TSR_OK))
			r = TSR_CORRUPT;
	} else
		r = rc == SQLITE_DONE ? TSR_NOT_FOUND : store_code_of(st, rc);
	sqlite3_reset(s);
	sqlite3_clear_bindings(s);
	if (r == TSR_OK)
		*out = t;
	return r;
}

int
store_token_spend(struct store *st, const struct store_token *t,
    const uint8_t next[STORE_TOKEN_HASH], int64_t now_ms)
{
	sqlite3_stmt *s;
	int n, rc, r;

	if ((r = store_stmt(st, STMT_TOKEN_SPEND, SQL_SPEND, &s)) != TSR_OK)
		return r;
	if ((rc = sqlite3_bind_blob(s, 1, t->hash, STORE_TOKEN_HASH, SQLITE_STATIC)) == SQLITE_OK &&
	    (rc = sqlite3_bind_blob(s, 2, next, STORE_TOKEN_HASH, SQLITE_STATIC)) == SQLITE_OK &&
	    (rc = sqlite3_bind_int64(s, 3, t->made)) == SQLITE_OK &&
	    (rc = sqlite3_bind_int64(s, 4, t->idle)) == SQLITE_OK &&
	    (rc = sqlite3_bind_blob(s, 5, t->newest, STORE_TOKEN_HASH, SQLITE_STATIC)) == SQLITE_OK &&
	    (rc = sqlite3_bind_blob(s, 6, t->boot, sizeof(t->boot), SQLITE_STATIC)) == SQLITE_OK)
		rc = sqlite3_bind_int64(s, 7, now_ms);
	if ((r = store_write(st, s, rc, &n)) != TSR_OK)
		return r;
	return n == 1 ? TSR_OK : TSR_CONFLICT;
}

/* --- the end --- */

int
store_token_end(struct store *st, const uint8_t hash[STORE_TOKEN_HASH], int *n)
{
	sqlite3_stmt *s;
	int r;

	if ((r = store_stmt(st, STMT_TOKEN_END, SQL_END, &s)) != TSR_OK)
		return r;
	return store_write(st, s, sqlite3_bind_blob(s, 1, hash, STORE_TOKEN_HASH, SQLITE_STATIC), n);
}

static int
end_text(struct store *st, enum store_stmt which, const char *sql, const char *text, int *n)
{
	sqlite3_stmt *s;
	int r;

	if ((r = store_stmt(st, which, sql, &s)) != TSR_OK)
		return r;
	return store_write(st, s, sqlite3_bind_text(s, 1, text, -1, SQLITE_STATIC), n);
}

int
store_token_end_session(struct store *st, const char *sid, int *n)
{
	return end_text(st, STMT_TOKEN_END_SID, SQL_END_SID, sid, n);
}

int
store_token_end_credential(struct store *st, const char *credential, int *n)
{
	return end_text(st, STMT_TOKEN_END_CREDENTIAL, SQL_END_CREDENTIAL, credential, n);
}

int
store_token_end_subject(struct store *st, const char *subject, int *n)
{
	return end_text(st, STMT_TOKEN_END_SUBJECT, SQL_END_SUBJECT, subject, n);
}

int
store_token_end_all(struct store *st, int *n)
{
	sqlite3_stmt *s;
	int r;

	if ((r = store_stmt(st, STMT_TOKEN_END_ALL, SQL_END_ALL, &s)) != TSR_OK)
		return r;
	return store_write(st, s, SQLITE_OK, n);
}

int
store_token_move_session(struct store *st, const char *sid, const char *to)
{
	sqlite3_stmt *s;
	int rc, r;

	if ((r = end_text(st, STMT_TOKEN_MOVED, SQL_MOVED, sid, NULL)) != TSR_OK ||
	    (r = store_stmt(st, STMT_TOKEN_MOVE, SQL_MOVE, &s)) != TSR_OK)
		return r;
	if ((rc = sqlite3_bind_text(s, 1, sid, -1, SQLITE_STATIC)) == SQLITE_OK)
		rc = sqlite3_bind_text(s, 2, to, -1, SQLITE_STATIC);
	return store_write(st, s, rc, NULL);
}

int
store_token_sids(struct store *st, void (*each)(void *arg, const char *sid), void *arg)
{
	char sid[STORE_ID_LEN + 1];
	sqlite3_stmt *s;
	int rc, r;

	if ((r = store_stmt(st, STMT_TOKEN_SIDS, SQL_SIDS, &s)) != TSR_OK)
		return r;
	while ((rc = sqlite3_step(s)) == SQLITE_ROW)
		if (store_column_text(s, 0, sid, STORE_ID_LEN, sizeof(sid)) == TSR_OK)
			each(arg, sid);	/* one that was altered is good for nothing */
	r = rc == SQLITE_DONE ? TSR_OK : store_code_of(st, rc);
	sqlite3_reset(s);
	return r;
}

int
store_token_of_session(struct store *st, const char *sid)
{
	return store_exists(st, STMT_TOKEN_OF_SID, SQL_OF_SID, sid);
}

int
store_token_of_subject(struct store *st, const char *subject)
{
	return store_exists(st, STMT_TOKEN_OF_SUBJECT, SQL_OF_SUBJECT, subject);
}

int
store_token_due(struct store *st, int64_t wall, int64_t boot_ms, const uint8_t boot[OTP_BOOT_LEN],
    int other_boots)
{
	sqlite3_stmt *s;
	int rc, r;

	if ((r = store_stmt(st, STMT_TOKEN_DUE, SQL_DUE, &s)) != TSR_OK)
		return r;
	if ((rc = sqlite3_bind_int64(s, 1, wall)) == SQLITE_OK &&
	    (rc = sqlite3_bind_int64(s, 2, boot_ms)) == SQLITE_OK &&
	    (rc = sqlite3_bind_blob(s, 3, boot, OTP_BOOT_LEN, SQLITE_STATIC)) == SQLITE_OK &&
	    (rc = sqlite3_bind_int(s, 4, other_boots)) == SQLITE_OK)
		rc = sqlite3_step(s);
	r = rc == SQLITE_DONE ? TSR_NOT_FOUND : store_code_of(st, rc);
	sqlite3_reset(s);
	sqlite3_clear_bindings(s);
	return r;
}

static int
sweep_kind(struct store *st, enum store_token_kind kind, int64_t now, int *n)
{
	sqlite3_stmt *s;
	int rc, r;

	if ((r = store_stmt(st, STMT_TOKEN_SWEEP, SQL_SWEEP, &s)) != TSR_OK)
		return r;
	if ((rc = sqlite3_bind_int64(s, 1, kind)) == SQLITE_OK &&
	    (rc = sqlite3_bind_int64(s, 2, now)) == SQLITE_OK)
		rc = sqlite3_bind_int64(s, 3, STORE_TOKEN_SWEEP);
	return store_write(st, s, rc, n);
}

int
store_token_sweep(struct store *st, int64_t wall, int64_t boot_ms, const uint8_t boot[OTP_BOOT_LEN],
    int other_boots, int *n)
{
	int opaque = 0, refresh = 0, old = 0, rc, r;
	sqlite3_stmt *s;

	if ((r = sweep_kind(st, TOKEN_OPAQUE, wall, &opaque)) != TSR_OK ||
	    (r = sweep_kind(st, TOKEN_REFRESH, boot_ms, &refresh)) != TSR_OK)
		return r;
	if (other_boots) {
		if ((r = store_stmt(st, STMT_TOKEN_BOOT, SQL_BOOT, &s)) != TSR_OK)
			return r;
		if ((rc = sqlite3_bind_blob(s, 1, boot, OTP_BOOT_LEN, SQLITE_STATIC)) == SQLITE_OK)
			rc = sqlite3_bind_int64(s, 2, STORE_TOKEN_SWEEP);
		if ((r = store_write(st, s, rc, &old)) != TSR_OK)
			return r;
	}
	*n = opaque + refresh + old;
	return TSR_OK;
}
