/*
 * store_card.c - the key by which the card of a credential proves that it is
 * there, without a PIN.  See store.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/store_sqlite.h"

#include <string.h>

#include "tessera.h"

#define SQL_ADD	"INSERT INTO card_key (credential, key_id, algorithm, spki) VALUES (?1, ?2, ?3, ?4)"
#define SQL_GET	"SELECT credential, key_id, algorithm, spki, seq FROM card_key WHERE credential = ?1"
#define SQL_REMOVE	"DELETE FROM card_key WHERE credential = ?1"

int
store_card_add(struct store *st, const struct card_key *k)
{
	sqlite3_stmt *s;
	int rc, r;

	if (strnlen(k->credential, sizeof(k->credential)) != STORE_ID_LEN || k->key_id_len == 0 ||
	    k->key_id_len > sizeof(k->key_id) || k->spki_len == 0 || k->spki_len > sizeof(k->spki) ||
	    k->algorithm < PROTO_ECDSA_P256_SHA256 || k->algorithm > PROTO_ED25519)
		return TSR_INVALID;
	if ((r = store_stmt(st, STMT_CARD_ADD, SQL_ADD, &s)) != TSR_OK)
		return r;
	if ((rc = sqlite3_bind_text(s, 1, k->credential, -1, SQLITE_STATIC)) == SQLITE_OK &&
	    (rc = sqlite3_bind_blob(s, 2, k->key_id, (int)k->key_id_len, SQLITE_STATIC)) == SQLITE_OK &&
	    (rc = sqlite3_bind_int64(s, 3, k->algorithm)) == SQLITE_OK)
		rc = sqlite3_bind_blob(s, 4, k->spki, (int)k->spki_len, SQLITE_STATIC);
	return store_write(st, s, rc, NULL);
}

static int
read_row(struct store *st, sqlite3_stmt *s, void *to)
{
	struct card_key *out = to;
	const uint8_t *p;
	int64_t algorithm;
	size_t n;
	int r;

	memset(out, 0, sizeof(*out));
	if ((r = store_tag_check(st, PLACE_CARD_KEY, sqlite3_column_int64(s, 4))) != TSR_OK ||
	    (r = store_column_text(s, 0, out->credential, STORE_ID_LEN, sizeof(out->credential))) != TSR_OK ||
	    (r = store_column_int(s, 2, PROTO_ECDSA_P256_SHA256, PROTO_ED25519, &algorithm)) != TSR_OK ||
	    (r = store_column_blob(s, 1, 1, sizeof(out->key_id), &p, &n)) != TSR_OK)
		return r;
	memcpy(out->key_id, p, n);
	out->key_id_len = n;
	out->algorithm = (enum proto_algorithm)algorithm;
	if ((r = store_column_blob(s, 3, 1, sizeof(out->spki), &p, &n)) != TSR_OK)
		return r;
	memcpy(out->spki, p, n);
	out->spki_len = n;
	return TSR_OK;
}

int
store_card_get(struct store *st, const char *credential, struct card_key *out)
{
	struct card_key k;
	int r;

	if ((r = store_one(st, STMT_CARD_GET, SQL_GET, credential, 0, read_row, &k)) == TSR_OK)
		*out = k;
	return r;
}

int
store_card_remove(struct store *st, const char *credential)
{
	sqlite3_stmt *s;
	int n, rc, r;

	if ((r = store_stmt(st, STMT_CARD_REMOVE, SQL_REMOVE, &s)) != TSR_OK)
		return r;
	rc = sqlite3_bind_text(s, 1, credential, -1, SQLITE_STATIC);
	if ((r = store_write(st, s, rc, &n)) != TSR_OK)
		return r;
	return n == 1 ? TSR_OK : TSR_NOT_FOUND;
}
