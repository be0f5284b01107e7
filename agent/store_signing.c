/*
 * store_signing.c - sealed signing keys.  See store.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/store_sqlite.h"

#include <sodium.h>
#include <string.h>

#include "agent/seal.h"
#include "tessera.h"
#include "token/jwk.h"

#define PURPOSE	"signing"	/* of the seal */

#define SQL_ADD	"INSERT INTO signing (kid, alg, state, created, activated, retired, sealed)" \
	" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"
#define SQL_ALL	"SELECT kid, alg, state, created, activated, retired, sealed, seq FROM signing ORDER BY seq"
#define SQL_EXISTS	"SELECT 1 FROM signing WHERE kid = ?1"
/* Forward only: next, active, retired. */
#define SQL_STATE	"UPDATE signing SET state = ?2," \
	" activated = CASE ?2 WHEN 2 THEN ?3 ELSE activated END," \
	" retired = CASE ?2 WHEN 3 THEN ?3 ELSE retired END" \
	" WHERE kid = ?1 AND state < ?2"
#define SQL_REMOVE	"DELETE FROM signing WHERE kid = ?1"

_Static_assert(SIGNING_ACTIVE == 2 && SIGNING_RETIRED == 3, "numbers in SQL_STATE and the schema");

void
signing_record_clear(struct signing_record *r)
{
	secret_free(&r->private_key);
	memset(r, 0, sizeof(*r));
}

int
store_signing_add(struct store *st, const struct signing_record *rec)
{
	uint8_t sealed[SEAL_MAX + SEAL_OVERHEAD];
	const int64_t numbers[] = { rec->alg, rec->state, rec->created, rec->activated, rec->retired };
	size_t i, n = strnlen(rec->kid, sizeof(rec->kid));
	sqlite3_stmt *s;
	int rc, r;

	if (n == 0 || n == sizeof(rec->kid) || rec->alg < JWK_EDDSA || rec->alg > JWK_RS256 ||
	    rec->state < SIGNING_NEXT || rec->state > SIGNING_RETIRED || rec->created < 0 ||
	    rec->activated < 0 || rec->retired < 0 || rec->private_key == NULL ||
	    rec->private_key->size == 0)
		return TSR_INVALID;
	if ((r = seal_make(st->seal, PURPOSE, rec->kid, rec->private_key->data,
	    rec->private_key->size, sealed)) != TSR_OK ||
	    (r = store_stmt(st, STMT_SIGNING_ADD, SQL_ADD, &s)) != TSR_OK)
		return r;
	rc = sqlite3_bind_text(s, 1, rec->kid, -1, SQLITE_STATIC);
	for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]) && rc == SQLITE_OK; i++)
		rc = sqlite3_bind_int64(s, (int)i + 2, numbers[i]);
	if (rc == SQLITE_OK)
		rc = sqlite3_bind_blob(s, 7, sealed, (int)(rec->private_key->size + SEAL_OVERHEAD),
		    SQLITE_STATIC);
	return store_write(st, s, rc, NULL);
}

static int
read_row(struct store *st, sqlite3_stmt *s, struct signing_record *rec)
{
	const uint8_t *sealed;
	int64_t alg, state;
	size_t n;
	int r;

	if ((r = store_tag_check(st, PLACE_SIGNING, sqlite3_column_int64(s, 7))) != TSR_OK ||
	    (r = store_column_text(s, 0, rec->kid, 1, sizeof(rec->kid))) != TSR_OK ||
	    (r = store_column_int(s, 1, JWK_EDDSA, JWK_RS256, &alg)) != TSR_OK ||
	    (r = store_column_int(s, 2, SIGNING_NEXT, SIGNING_RETIRED, &state)) != TSR_OK ||
	    (r = store_column_int(s, 3, 0, INT64_MAX, &rec->created)) != TSR_OK ||
	    (r = store_column_int(s, 4, 0, INT64_MAX, &rec->activated)) != TSR_OK ||
	    (r = store_column_int(s, 5, 0, INT64_MAX, &rec->retired)) != TSR_OK ||
	    (r = store_column_blob(s, 6, SEAL_OVERHEAD + 1, SEAL_MAX + SEAL_OVERHEAD, &sealed, &n)) !=
	    TSR_OK ||
	    (r = seal_open(st->seal, PURPOSE, rec->kid, sealed, n, &rec->private_key)) != TSR_OK)
		return r;
	rec->alg = (int)alg;
	rec->state = (enum signing_state)state;
	return TSR_OK;
}

int
store_signing_each(struct store *st,
    int (*each)(void *arg, const struct signing_record *r), void *arg)
{
	struct signing_record rec;
	sqlite3_stmt *s;
	int rc = SQLITE_DONE, r;

	if ((r = store_stmt(st, STMT_SIGNING_ALL, SQL_ALL, &s)) != TSR_OK)
		return r;
	st->walking++;
	while (r == TSR_OK && (rc = sqlite3_step(s)) == SQLITE_ROW) {
		memset(&rec, 0, sizeof(rec));
		if ((r = read_row(st, s, &rec)) == TSR_OK)
			r = each(arg, &rec);
		signing_record_clear(&rec);
	}
	st->walking--;
	if (r == TSR_OK)
		r = store_code_of(st, rc);
	sqlite3_reset(s);
	return r;
}

int
store_signing_set_state(struct store *st, const char *kid, enum signing_state state, int64_t now)
{
	sqlite3_stmt *s;
	int n, rc, r;

	if (state < SIGNING_NEXT || state > SIGNING_RETIRED || now < 0)
		return TSR_INVALID;
	if ((r = store_stmt(st, STMT_SIGNING_STATE, SQL_STATE, &s)) != TSR_OK)
		return r;
	if ((rc = sqlite3_bind_text(s, 1, kid, -1, SQLITE_STATIC)) == SQLITE_OK &&
	    (rc = sqlite3_bind_int64(s, 2, state)) == SQLITE_OK)
		rc = sqlite3_bind_int64(s, 3, now);
	if ((r = store_write(st, s, rc, &n)) != TSR_OK)
		return r;
	return store_changed(st, n, STMT_SIGNING_EXISTS, SQL_EXISTS, kid);
}

int
store_signing_remove(struct store *st, const char *kid)
{
	sqlite3_stmt *s;
	int n, rc, r;

	if ((r = store_stmt(st, STMT_SIGNING_REMOVE, SQL_REMOVE, &s)) != TSR_OK)
		return r;
	rc = sqlite3_bind_text(s, 1, kid, -1, SQLITE_STATIC);
	if ((r = store_write(st, s, rc, &n)) != TSR_OK)
		return r;
	return n == 1 ? TSR_OK : TSR_NOT_FOUND;
}
