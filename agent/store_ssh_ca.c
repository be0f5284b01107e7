/*
 * store_ssh_ca.c - sealed keys of the SSH CA.  See store_ssh.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/store_ssh.h"

#include <string.h>

#include "agent/seal.h"
#include "agent/store_sqlite.h"
#include "tessera.h"

#define PURPOSE	"ssh_ca"	/* of the seal */
#define SEALED	(STORE_SSH_PUBLIC + SEAL_OVERHEAD)

#define SQL_ADD	"INSERT INTO ssh_ca (id, state, created, activated, retired, public, sealed)" \
	" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"
#define SQL_ALL	"SELECT id, state, created, activated, retired, public, sealed, seq FROM ssh_ca ORDER BY seq"
#define SQL_EXISTS	"SELECT 1 FROM ssh_ca WHERE id = ?1"
/* Forward only; who signs no more has nothing to sign with. */
#define SQL_STATE	"UPDATE ssh_ca SET state = ?2," \
	" activated = CASE ?2 WHEN 2 THEN ?3 ELSE activated END," \
	" retired = CASE WHEN ?2 > 2 AND retired = 0 THEN ?3 ELSE retired END," \
	" sealed = CASE WHEN ?2 > 2 THEN x'' ELSE sealed END" \
	" WHERE id = ?1 AND state < ?2"
#define SQL_REMOVE	"DELETE FROM ssh_ca WHERE id = ?1"

_Static_assert(SSH_CA_ACTIVE == 2 && SSH_CA_GONE == 5, "numbers in SQL_STATE and the schema");

void
ssh_ca_record_clear(struct ssh_ca_record *r)
{
	secret_free(&r->seed);
	memset(r, 0, sizeof(*r));
}

int
store_ssh_ca_add(struct store *st, const struct ssh_ca_record *rec)
{
	uint8_t sealed[SEALED];
	const int64_t numbers[] = { rec->state, rec->created, rec->activated, rec->retired };
	sqlite3_stmt *s;
	size_t i;
	int rc, r;

	if (strnlen(rec->id, sizeof(rec->id)) != STORE_ID_LEN || rec->state < SSH_CA_NEXT ||
	    rec->state > SSH_CA_ACTIVE || rec->created < 0 || rec->activated < 0 || rec->retired != 0 ||
	    rec->seed == NULL || rec->seed->size != STORE_SSH_PUBLIC)
		return TSR_INVALID;
	if ((r = seal_make(st->seal, PURPOSE, rec->id, rec->seed->data, rec->seed->size, sealed)) != TSR_OK ||
	    (r = store_stmt(st, STMT_SSH_CA_ADD, SQL_ADD, &s)) != TSR_OK)
		return r;
	rc = sqlite3_bind_text(s, 1, rec->id, -1, SQLITE_STATIC);
	for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]) && rc == SQLITE_OK; i++)
		rc = sqlite3_bind_int64(s, (int)i + 2, numbers[i]);
	if (rc == SQLITE_OK &&
	    (rc = sqlite3_bind_blob(s, 6, rec->public_key, STORE_SSH_PUBLIC, SQLITE_STATIC)) == SQLITE_OK)
		rc = sqlite3_bind_blob(s, 7, sealed, SEALED, SQLITE_STATIC);
	return store_write(st, s, rc, NULL);
}

static int
read_row(struct store *st, sqlite3_stmt *s, struct ssh_ca_record *rec)
{
	const uint8_t *public, *sealed;
	size_t n_public, n;
	int64_t state;
	int r;

	if ((r = store_tag_check(st, PLACE_SSH_CA, sqlite3_column_int64(s, 7))) != TSR_OK ||
	    (r = store_column_text(s, 0, rec->id, STORE_ID_LEN, sizeof(rec->id))) != TSR_OK ||
	    (r = store_column_int(s, 1, SSH_CA_NEXT, SSH_CA_GONE, &state)) != TSR_OK ||
	    (r = store_column_int(s, 2, 0, INT64_MAX, &rec->created)) != TSR_OK ||
	    (r = store_column_int(s, 3, 0, INT64_MAX, &rec->activated)) != TSR_OK ||
	    (r = store_column_int(s, 4, 0, INT64_MAX, &rec->retired)) != TSR_OK ||
	    (r = store_column_blob(s, 5, STORE_SSH_PUBLIC, STORE_SSH_PUBLIC, &public, &n_public)) != TSR_OK)
		return r;
	memcpy(rec->public_key, public, STORE_SSH_PUBLIC);
	rec->state = (enum ssh_ca_key_state)state;
	if (rec->state > SSH_CA_ACTIVE)
		return TSR_OK;
	if ((r = store_column_blob(s, 6, SEALED, SEALED, &sealed, &n)) != TSR_OK)
		return r;
	return seal_open(st->seal, PURPOSE, rec->id, sealed, n, &rec->seed);
}

int
store_ssh_ca_each(struct store *st, int (*each)(void *arg, const struct ssh_ca_record *r), void *arg)
{
	struct ssh_ca_record rec;
	sqlite3_stmt *s;
	int rc = SQLITE_DONE, r;

	if ((r = store_stmt(st, STMT_SSH_CA_ALL, SQL_ALL, &s)) != TSR_OK)
		return r;
	st->walking++;
	while (r == TSR_OK && (rc = sqlite3_step(s)) == SQLITE_ROW) {
		memset(&rec, 0, sizeof(rec));
		if ((r = read_row(st, s, &rec)) == TSR_OK)
			r = each(arg, &rec);
		ssh_ca_record_clear(&rec);
	}
	st->walking--;
	if (r == TSR_OK)
		r = store_code_of(st, rc);
	sqlite3_reset(s);
	return r;
}

int
store_ssh_ca_set_state(struct store *st, const char *id, enum ssh_ca_key_state state, int64_t now)
{
	sqlite3_stmt *s;
	int n, rc, r;

	if (state < SSH_CA_NEXT || state > SSH_CA_GONE || now < 0)
		return TSR_INVALID;
	if ((r = store_stmt(st, STMT_SSH_CA_STATE, SQL_STATE, &s)) != TSR_OK)
		return r;
	if ((rc = sqlite3_bind_text(s, 1, id, -1, SQLITE_STATIC)) == SQLITE_OK &&
	    (rc = sqlite3_bind_int64(s, 2, state)) == SQLITE_OK)
		rc = sqlite3_bind_int64(s, 3, now);
	if ((r = store_write(st, s, rc, &n)) != TSR_OK)
		return r;
	return store_changed(st, n, STMT_SSH_CA_EXISTS, SQL_EXISTS, id);
}

int
store_ssh_ca_remove(struct store *st, const char *id)
{
	sqlite3_stmt *s;
	int n, r;

	if ((r = store_stmt(st, STMT_SSH_CA_REMOVE, SQL_REMOVE, &s)) != TSR_OK ||
	    (r = store_write(st, s, sqlite3_bind_text(s, 1, id, -1, SQLITE_STATIC), &n)) != TSR_OK)
		return r;
	return n == 1 ? TSR_OK : TSR_NOT_FOUND;
}
