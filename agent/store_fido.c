/*
 * store_fido.c - see store_fido.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/store_fido.h"

#include <string.h>

#include "agent/store_sqlite.h"
#include "base/escape.h"
#include "tessera.h"

#define SQL_ADD	"INSERT INTO fido (credential, cred_id, rp_id, aaguid, counter, uv, transports," \
	" attestation, resident, native) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)"
#define SQL_GET	"SELECT credential, cred_id, rp_id, aaguid, counter, uv, transports, attestation," \
	" resident, native, seq FROM fido WHERE credential = ?1"
#define SQL_COUNT	"UPDATE fido SET counter = ?2 WHERE credential = ?1" \
	" AND (counter < ?2 OR (counter = 0 AND ?2 = 0))"
#define SQL_EXISTS	"SELECT 1 FROM fido WHERE credential = ?1"

enum column {
	COLUMN_CREDENTIAL, COLUMN_CRED_ID, COLUMN_RP_ID, COLUMN_AAGUID, COLUMN_COUNTER, COLUMN_UV,
	COLUMN_TRANSPORTS, COLUMN_ATTESTATION, COLUMN_RESIDENT, COLUMN_NATIVE, COLUMN_SEQ
};

/* What may be written is what will be accepted when read. */
static int
check(const struct fido_record *r)
{
	size_t rp = strnlen(r->rp_id, sizeof(r->rp_id));
	size_t transports = strnlen(r->transports, sizeof(r->transports));

	if (strnlen(r->credential, sizeof(r->credential)) != STORE_ID_LEN ||
	    r->cred_id_len == 0 || r->cred_id_len > sizeof(r->cred_id) ||
	    rp == 0 || rp == sizeof(r->rp_id) || !escape_is_text(r->rp_id, rp) ||
	    transports == sizeof(r->transports) || !escape_is_text(r->transports, transports) ||
	    r->attestation < ATTESTATION_NONE || r->attestation > ATTESTATION_TRUSTED ||
	    (r->verification | r->resident | r->native) >> 1 != 0)
		return TSR_INVALID;
	return TSR_OK;
}

static int
bind_text(sqlite3_stmt *s, enum column at, const char *text)
{
	return sqlite3_bind_text(s, (int)at + 1, text, -1, SQLITE_STATIC);
}

int
store_fido_add(struct store *st, const struct fido_record *r)
{
	const struct {
		enum column at;
		int64_t value;
	} number[] = {
		{ COLUMN_COUNTER, r->counter }, { COLUMN_UV, r->verification },
		{ COLUMN_ATTESTATION, (int64_t)r->attestation }, { COLUMN_RESIDENT, r->resident },
		{ COLUMN_NATIVE, r->native }
	};
	sqlite3_stmt *s;
	int rc, code;
	size_t i;

	if ((code = check(r)) != TSR_OK ||
	    (code = store_stmt(st, STMT_FIDO_ADD, SQL_ADD, &s)) != TSR_OK)
		return code;
	if ((rc = bind_text(s, COLUMN_CREDENTIAL, r->credential)) == SQLITE_OK &&
	    (rc = bind_text(s, COLUMN_RP_ID, r->rp_id)) == SQLITE_OK &&
	    (rc = bind_text(s, COLUMN_TRANSPORTS, r->transports)) == SQLITE_OK &&
	    (rc = sqlite3_bind_blob(s, COLUMN_CRED_ID + 1, r->cred_id, (int)r->cred_id_len,
	    SQLITE_STATIC)) == SQLITE_OK)
		rc = sqlite3_bind_blob(s, COLUMN_AAGUID + 1, r->aaguid, sizeof(r->aaguid),
		    SQLITE_STATIC);
	for (i = 0; i < sizeof(number) / sizeof(number[0]) && rc == SQLITE_OK; i++)
		rc = sqlite3_bind_int64(s, (int)number[i].at + 1, number[i].value);
	return store_write(st, s, rc, NULL);
}

static int
read_numbers(sqlite3_stmt *s, struct fido_record *r)
{
	int64_t counter, uv, attestation, resident, native;
	int code;

	if ((code = store_column_int(s, COLUMN_COUNTER, 0, UINT32_MAX, &counter)) != TSR_OK ||
	    (code = store_column_int(s, COLUMN_UV, 0, 1, &uv)) != TSR_OK ||
	    (code = store_column_int(s, COLUMN_ATTESTATION, ATTESTATION_NONE, ATTESTATION_TRUSTED,
	    &attestation)) != TSR_OK ||
	    (code = store_column_int(s, COLUMN_RESIDENT, 0, 1, &resident)) != TSR_OK ||
	    (code = store_column_int(s, COLUMN_NATIVE, 0, 1, &native)) != TSR_OK)
		return code;
	r->counter = (uint32_t)counter;
	r->verification = (int)uv;
	r->attestation = (enum attestation)attestation;
	r->resident = (int)resident;
	r->native = (int)native;
	return TSR_OK;
}

static int
read_row(struct store *st, sqlite3_stmt *s, void *out)
{
	struct fido_record *r = out;
	const uint8_t *p;
	size_t n;
	int code;

	if ((code = store_tag_check(st, PLACE_FIDO, sqlite3_column_int64(s, COLUMN_SEQ))) != TSR_OK ||
	    (code = store_column_text(s, COLUMN_CREDENTIAL, r->credential, STORE_ID_LEN,
	    sizeof(r->credential))) != TSR_OK ||
	    (code = store_column_text(s, COLUMN_RP_ID, r->rp_id, 1, sizeof(r->rp_id))) != TSR_OK ||
	    (code = store_column_text(s, COLUMN_TRANSPORTS, r->transports, 0,
	    sizeof(r->transports))) != TSR_OK ||
	    (code = read_numbers(s, r)) != TSR_OK ||
	    (code = store_column_blob(s, COLUMN_AAGUID, sizeof(r->aaguid), sizeof(r->aaguid), &p,
	    &n)) != TSR_OK)
		return code;
	memcpy(r->aaguid, p, n);
	if ((code = store_column_blob(s, COLUMN_CRED_ID, 1, sizeof(r->cred_id), &p, &n)) != TSR_OK)
		return code;
	memcpy(r->cred_id, p, n);
	r->cred_id_len = n;
	return check(r) == TSR_OK ? TSR_OK : TSR_CORRUPT;
}

int
store_fido_get(struct store *st, const char *credential, struct fido_record *out)
{
	struct fido_record r;
	int code;

	memset(&r, 0, sizeof(r));
	code = store_one(st, STMT_FIDO_GET, SQL_GET, credential, COLUMN_CREDENTIAL, read_row, &r);
	if (code == TSR_OK)
		*out = r;
	return code;
}

int
store_fido_count(struct store *st, const char *credential, uint32_t counter)
{
	sqlite3_stmt *s;
	int n, rc, code;

	if ((code = store_stmt(st, STMT_FIDO_COUNT, SQL_COUNT, &s)) != TSR_OK)
		return code;
	if ((rc = bind_text(s, COLUMN_CREDENTIAL, credential)) == SQLITE_OK)
		rc = sqlite3_bind_int64(s, 2, counter);
	if ((code = store_write(st, s, rc, &n)) != TSR_OK)
		return code;
	return store_changed(st, n, STMT_FIDO_EXISTS, SQL_EXISTS, credential);
}
