/*
 * store_credential.c - enrolled credentials.  See store.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/store_sqlite.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "agent/store_enrolled.h"
#include "base/escape.h"
#include "tessera.h"
#include "token/b64.h"

_Static_assert(B64_LEN(16) == STORE_ID_LEN, "characters of an id");

/* The text columns, in the order of every statement here. */
/* As in the table; each is also the number of its parameter. */
enum column {
	COLUMN_SEQ, COLUMN_ID, COLUMN_KIND, COLUMN_SUBJECT, COLUMN_UID, COLUMN_LABEL, COLUMN_MODULE,
	COLUMN_TOKEN_SERIAL, COLUMN_TOKEN_LABEL, COLUMN_TOKEN_MANUFACTURER, COLUMN_TOKEN_MODEL,
	COLUMN_KEY_ID, COLUMN_KEY_LABEL, COLUMN_ALGORITHM, COLUMN_SPKI, COLUMN_SPKI_HASH,
	COLUMN_CERTIFICATE, COLUMN_ACR, COLUMN_VOUCHED, COLUMN_KEY_FLAGS, COLUMN_STATE,
	COLUMN_CREATED, COLUMN_LAST_USED, COLUMN_PROOFS, COLUMN_COUNT
};

static const struct text_column {
	int column;
	size_t at, min, size;	/* offset in struct credential; bytes, with NUL */
} texts[] = {
#define TEXT(column, member, min) { column, offsetof(struct credential, member), min, \
	sizeof(((struct credential *)NULL)->member) }
	TEXT(COLUMN_ID, id, STORE_ID_LEN), TEXT(COLUMN_KIND, kind, 1),
	TEXT(COLUMN_SUBJECT, subject, 1), TEXT(COLUMN_LABEL, label, 0),
	TEXT(COLUMN_MODULE, module, 0), TEXT(COLUMN_TOKEN_SERIAL, token_serial, 0),
	TEXT(COLUMN_TOKEN_LABEL, token_label, 0),
	TEXT(COLUMN_TOKEN_MANUFACTURER, token_manufacturer, 0),
	TEXT(COLUMN_TOKEN_MODEL, token_model, 0), TEXT(COLUMN_KEY_LABEL, key_label, 0),
#undef TEXT
};
#define N_TEXTS	(sizeof(texts) / sizeof(texts[0]))

_Static_assert(PLACE_CREDENTIAL == 2, "the place in ROWS");

#define COLUMNS	"id, kind, subject, uid, label, module, token_serial, token_label," \
	" token_manufacturer, token_model, key_id, key_label, algorithm, spki, spki_hash, certificate," \
	" acr, vouched, key_flags, state, created, last_used, proofs"
#define ROWS	"SELECT credential.*, tag FROM credential" \
	" LEFT JOIN row_tag ON place = 2 AND row = credential.seq"

/* One row more only while the subject has fewer than ?24. */
#define SQL_ADD	"INSERT INTO credential (" COLUMNS ") SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9," \
	" ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23" \
	" WHERE (SELECT count(*) FROM credential WHERE subject = ?3 AND uid = ?4) < ?24"
#define SQL_GET		ROWS " WHERE id = ?1"
#define SQL_ALL		ROWS " ORDER BY seq"
#define SQL_OF		ROWS " WHERE subject = ?1 AND uid = ?2 ORDER BY seq"
/* Not believed: each is read again by its id. */
#define SQL_TOKENS	"SELECT id FROM credential WHERE subject = ?1 AND uid = ?2" \
	" AND kind IN ('totp', 'hotp') ORDER BY seq LIMIT ?3"
#define SQL_EXISTS	"SELECT 1 FROM credential WHERE id = ?1"
#define SQL_STATE	"UPDATE credential SET state = ?3 WHERE id = ?1 AND state = ?2 AND held = 0"
#define SQL_REMOVE	"DELETE FROM credential WHERE id = ?1"
#define SQL_REMOVE_OTP	"DELETE FROM otp WHERE credential = ?1"
#define SQL_REMOVE_FIDO	"DELETE FROM fido WHERE credential = ?1"
#define SQL_USED	"UPDATE credential SET last_used = ?2, proofs = proofs + 1" \
	" WHERE id = ?1 AND state = ?3"

const char *
credential_state_name(enum credential_state s)
{
	switch (s) {
	case CREDENTIAL_ACTIVE:
		return "active";
	case CREDENTIAL_DISABLED:
		return "disabled";
	case CREDENTIAL_SUSPENDED:
		return "suspended";
	}
	return "unknown";
}

int
credential_is_otp(const struct credential *c)
{
	return strcmp(c->kind, "totp") == 0 || strcmp(c->kind, "hotp") == 0;
}

int
credential_is_fido(const struct credential *c)
{
	return strcmp(c->kind, "fido") == 0;
}

void
credential_free(struct credential **c)
{
	if (*c == NULL)
		return;
	free((*c)->certificate);
	free(*c);
	*c = NULL;
}

void
store_make_id(char id[STORE_ID_LEN + 1])
{
	uint8_t random[16];

	do {	/* an id that begins like an option is a nuisance on a command line */
		randombytes_buf(random, sizeof(random));
		id[b64_encode(id, random, sizeof(random))] = '\0';
	} while (id[0] == '-' || id[0] == '_');
}

/* A disconnected token has a seed (store_otp.h) where others have a key. */
static int
check_key(const struct credential *c)
{
	if (credential_is_otp(c))
		return c->spki_len == 0 && c->algorithm == 0 ? TSR_OK : TSR_INVALID;
	return c->spki_len > 0 && c->spki_len <= sizeof(c->spki) &&
	    c->algorithm >= PROTO_ECDSA_P256_SHA256 && c->algorithm <= PROTO_ED25519 ?
	    TSR_OK : TSR_INVALID;
}

/* What makes the credential the only one of its key.  TSR_CRYPTO. */
static int
key_hash(const struct credential *c, uint8_t hash[crypto_hash_sha256_BYTES])
{
	const uint8_t *p = c->spki_len > 0 ? c->spki : (const uint8_t *)c->id;
	size_t n = c->spki_len > 0 ? c->spki_len : STORE_ID_LEN;

	return crypto_hash_sha256(hash, p, n) == 0 ? TSR_OK : TSR_CRYPTO;
}

/* What may be written is what will be accepted when read. */
static int
check(const struct credential *c)
{
	const char *text;
	size_t i, n;

	for (i = 0; i < N_TEXTS; i++) {
		text = (const char *)c + texts[i].at;
		n = strnlen(text, texts[i].size);
		if (n < texts[i].min || n == texts[i].size || !escape_is_text(text, n))
			return TSR_INVALID;
	}
	if (c->uid == (uid_t)-1 || c->key_id_len > sizeof(c->key_id) ||
	    check_key(c) != TSR_OK ||
	    c->certificate_len > PROTO_CERT_MAX ||
	    (c->certificate == NULL) != (c->certificate_len == 0) ||
	    c->acr < ACR_SELF || c->acr > ACR_HARDWARE_PIN ||
	    c->state < CREDENTIAL_ACTIVE || c->state > CREDENTIAL_SUSPENDED ||
	    c->created < 0 || c->last_used < 0 || c->proofs < 0)
		return TSR_INVALID;
	return TSR_OK;
}

static int
bind_all(sqlite3_stmt *s, const struct credential *c, const uint8_t hash[32])
{
	const struct {
		int column;
		int64_t value;
	} numbers[] = {
		{ COLUMN_UID, c->uid }, { COLUMN_ALGORITHM, c->algorithm }, { COLUMN_ACR, c->acr },
		{ COLUMN_VOUCHED, c->vouched != 0 }, { COLUMN_KEY_FLAGS, c->key_flags },
		{ COLUMN_STATE, c->state }, { COLUMN_CREATED, c->created },
		{ COLUMN_LAST_USED, c->last_used }, { COLUMN_PROOFS, c->proofs },
		{ COLUMN_COUNT, STORE_CREDENTIALS_MAX },
	};
	size_t i;
	int rc = SQLITE_OK;

	for (i = 0; i < N_TEXTS && rc == SQLITE_OK; i++)
		rc = sqlite3_bind_text(s, texts[i].column, (const char *)c + texts[i].at, -1,
		    SQLITE_STATIC);
	for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]) && rc == SQLITE_OK; i++)
		rc = sqlite3_bind_int64(s, numbers[i].column, numbers[i].value);
	if (rc == SQLITE_OK)
		rc = sqlite3_bind_blob(s, COLUMN_KEY_ID, c->key_id, (int)c->key_id_len, SQLITE_STATIC);
	if (rc == SQLITE_OK)
		rc = sqlite3_bind_blob(s, COLUMN_SPKI, c->spki, (int)c->spki_len, SQLITE_STATIC);
	if (rc == SQLITE_OK && c->certificate != NULL)
		rc = sqlite3_bind_blob(s, COLUMN_CERTIFICATE, c->certificate,
		    (int)c->certificate_len, SQLITE_STATIC);
	if (rc == SQLITE_OK)
		rc = sqlite3_bind_blob(s, COLUMN_SPKI_HASH, hash, 32, SQLITE_STATIC);
	return rc;
}

int
store_credential_add(struct store *st, const struct credential *c)
{
	uint8_t hash[crypto_hash_sha256_BYTES];
	sqlite3_stmt *s;
	int n, r;

	if ((r = check(c)) != TSR_OK ||
	    (r = store_stmt(st, STMT_CREDENTIAL_ADD, SQL_ADD, &s)) != TSR_OK)
		return r;
	if ((r = key_hash(c, hash)) != TSR_OK)
		return r;
	if ((r = store_write(st, s, bind_all(s, c, hash), &n)) != TSR_OK)
		return r;
	return n == 1 ? TSR_OK : TSR_TOO_LARGE;
}

static int
read_numbers(sqlite3_stmt *s, struct credential *c)
{
	int64_t uid, algorithm, acr, vouched, flags, state;
	int r;

	if ((r = store_column_int(s, COLUMN_UID, 0, (int64_t)UINT32_MAX - 1, &uid)) != TSR_OK ||
	    (r = store_column_int(s, COLUMN_ALGORITHM, 0, PROTO_ED25519,
	    &algorithm)) != TSR_OK ||
	    (r = store_column_int(s, COLUMN_ACR, ACR_SELF, ACR_HARDWARE_PIN, &acr)) != TSR_OK ||
	    (r = store_column_int(s, COLUMN_VOUCHED, 0, 1, &vouched)) != TSR_OK ||
	    (r = store_column_int(s, COLUMN_KEY_FLAGS, 0, UINT32_MAX, &flags)) != TSR_OK ||
	    (r = store_column_int(s, COLUMN_STATE, CREDENTIAL_ACTIVE, CREDENTIAL_SUSPENDED,
	    &state)) != TSR_OK ||
	    (r = store_column_int(s, COLUMN_CREATED, 0, INT64_MAX, &c->created)) != TSR_OK ||
	    (r = store_column_int(s, COLUMN_LAST_USED, 0, INT64_MAX, &c->last_used)) != TSR_OK ||
	    (r = store_column_int(s, COLUMN_PROOFS, 0, INT64_MAX, &c->proofs)) != TSR_OK)
		return r;
	c->uid = (uid_t)uid;
	c->algorithm = (enum proto_algorithm)algorithm;
	c->acr = (enum acr)acr;
	c->vouched = (int)vouched;
	c->key_flags = (uint32_t)flags;
	c->state = (enum credential_state)state;
	return TSR_OK;
}

static int
read_blobs(sqlite3_stmt *s, struct credential *c)
{
	uint8_t hash[crypto_hash_sha256_BYTES];
	const uint8_t *p;
	size_t n;
	int r;

	if ((r = store_column_blob(s, COLUMN_KEY_ID, 0, sizeof(c->key_id), &p, &n)) != TSR_OK)
		return r;
	if ((c->key_id_len = n) > 0)
		memcpy(c->key_id, p, n);
	if ((r = store_column_blob(s, COLUMN_SPKI, 0, sizeof(c->spki), &p, &n)) != TSR_OK)
		return r;
	if ((c->spki_len = n) > 0)
		memcpy(c->spki, p, n);
	if (check_key(c) != TSR_OK)
		return TSR_CORRUPT;
	if ((r = key_hash(c, hash)) != TSR_OK)
		return r;
	if ((r = store_column_blob(s, COLUMN_SPKI_HASH, sizeof(hash), sizeof(hash), &p, &n)) != TSR_OK)
		return r;
	if (memcmp(hash, p, sizeof(hash)) != 0)
		return TSR_CORRUPT;
	if (sqlite3_column_type(s, COLUMN_CERTIFICATE) == SQLITE_NULL)
		return TSR_OK;
	if ((r = store_column_blob(s, COLUMN_CERTIFICATE, 1, PROTO_CERT_MAX, &p, &n)) != TSR_OK)
		return r;
	if ((c->certificate = malloc(n)) == NULL)
		return TSR_NOMEM;
	memcpy(c->certificate, p, n);
	c->certificate_len = n;
	return TSR_OK;
}

static int
read_row(struct store *st, sqlite3_stmt *s, void *out)
{
	struct credential *c;
	size_t i;
	int r;

	if ((r = store_tag_check_at(st, PLACE_CREDENTIAL, s)) != TSR_OK)
		return r;
	if ((c = calloc(1, sizeof(*c))) == NULL)
		return TSR_NOMEM;
	for (i = 0; i < N_TEXTS && r == TSR_OK; i++)
		r = store_column_text(s, texts[i].column, (char *)c + texts[i].at, texts[i].min,
		    texts[i].size);
	if (r == TSR_OK && (r = read_numbers(s, c)) == TSR_OK)
		r = read_blobs(s, c);
	if (r != TSR_OK) {
		credential_free(&c);
		return r;
	}
	*(struct credential **)out = c;
	return TSR_OK;
}

static int
is_id(const char *id)
{
	return strnlen(id, STORE_ID_LEN + 1) == STORE_ID_LEN;
}

int
store_credential_get(struct store *st, const char *id, struct credential **out)
{
	return !is_id(id) ? TSR_NOT_FOUND :
	    store_one(st, STMT_CREDENTIAL_GET, SQL_GET, id, COLUMN_ID, read_row, out);
}

int
store_credential_tokens(struct store *st, const char *subject, uid_t uid, size_t max,
    char (*ids)[STORE_ID_LEN + 1], size_t *n)
{
	sqlite3_stmt *s;
	size_t found = 0;
	int rc, r;

	if ((r = store_stmt(st, STMT_CREDENTIAL_TOKENS, SQL_TOKENS, &s)) != TSR_OK)
		return r;
	if ((rc = sqlite3_bind_text(s, 1, subject, -1, SQLITE_STATIC)) == SQLITE_OK &&
	    (rc = sqlite3_bind_int64(s, 2, uid)) == SQLITE_OK)
		rc = sqlite3_bind_int64(s, 3, (sqlite3_int64)max);
	r = store_code_of(st, rc);
	while (r == TSR_OK && (rc = sqlite3_step(s)) == SQLITE_ROW && found < max)
		r = store_column_text(s, 0, ids[found++], STORE_ID_LEN, STORE_ID_LEN + 1);
	if (r == TSR_OK)
		r = store_code_of(st, rc);
	sqlite3_reset(s);
	sqlite3_clear_bindings(s);
	if (r == TSR_OK)
		*n = found;
	return r;
}

int
store_credential_each(struct store *st, const char *subject, uid_t uid,
    int (*each)(void *arg, const struct credential *c), void *arg)
{
	struct credential *c;
	sqlite3_stmt *s;
	int rc = SQLITE_OK, r;

	if (subject == NULL)
		r = store_stmt(st, STMT_CREDENTIAL_ALL, SQL_ALL, &s);
	else
		r = store_stmt(st, STMT_CREDENTIAL_OF, SQL_OF, &s);
	if (r != TSR_OK)
		return r;
	if (subject != NULL &&
	    (rc = sqlite3_bind_text(s, 1, subject, -1, SQLITE_STATIC)) == SQLITE_OK)
		rc = sqlite3_bind_int64(s, 2, uid);
	r = store_code_of(st, rc);
	st->walking++;
	while (r == TSR_OK && (rc = sqlite3_step(s)) == SQLITE_ROW) {
		c = NULL;
		if ((r = read_row(st, s, &c)) == TSR_OK && subject != NULL &&
		    (strcmp(c->subject, subject) != 0 || c->uid != uid))
			r = TSR_CORRUPT;
		if (r == TSR_OK)
			r = each(arg, c);
		credential_free(&c);
	}
	st->walking--;
	if (r == TSR_OK)
		r = store_code_of(st, rc);
	sqlite3_reset(s);
	sqlite3_clear_bindings(s);
	return r;
}

int
store_credential_set_state(struct store *st, const char *id,
    enum credential_state from, enum credential_state to)
{
	sqlite3_stmt *s;
	int n, rc, r;

	if (to < CREDENTIAL_ACTIVE || to > CREDENTIAL_SUSPENDED)
		return TSR_INVALID;
	if (!is_id(id))
		return TSR_NOT_FOUND;
	if ((r = store_stmt(st, STMT_CREDENTIAL_STATE, SQL_STATE, &s)) != TSR_OK)
		return r;
	if ((rc = sqlite3_bind_text(s, 1, id, -1, SQLITE_STATIC)) == SQLITE_OK &&
	    (rc = sqlite3_bind_int64(s, 2, from)) == SQLITE_OK)
		rc = sqlite3_bind_int64(s, 3, to);
	if ((r = store_write(st, s, rc, &n)) != TSR_OK)
		return r;
	return store_changed(st, n, STMT_CREDENTIAL_EXISTS, SQL_EXISTS, id);
}

int
store_credential_remove(struct store *st, const char *id)
{
	sqlite3_stmt *s;
	int n, rc, r;

	if (!is_id(id))
		return TSR_NOT_FOUND;
	if ((r = store_enrolled_keep(st, id)) != TSR_OK ||
	    (r = store_stmt(st, STMT_OTP_REMOVE, SQL_REMOVE_OTP, &s)) != TSR_OK)
		return r;
	rc = sqlite3_bind_text(s, 1, id, -1, SQLITE_STATIC);
	if ((r = store_write(st, s, rc, NULL)) != TSR_OK ||
	    (r = store_stmt(st, STMT_FIDO_REMOVE, SQL_REMOVE_FIDO, &s)) != TSR_OK)
		return r;
	rc = sqlite3_bind_text(s, 1, id, -1, SQLITE_STATIC);
	if ((r = store_write(st, s, rc, NULL)) != TSR_OK ||
	    (r = store_stmt(st, STMT_CREDENTIAL_REMOVE, SQL_REMOVE, &s)) != TSR_OK)
		return r;
	rc = sqlite3_bind_text(s, 1, id, -1, SQLITE_STATIC);
	if ((r = store_write(st, s, rc, &n)) != TSR_OK)
		return r;
	return n == 1 ? TSR_OK : TSR_NOT_FOUND;
}

int
store_credential_used(struct store *st, const char *id, int64_t now)
{
	sqlite3_stmt *s;
	int n, rc, r;

	if (now < 0)
		return TSR_INVALID;
	if (!is_id(id))
		return TSR_NOT_FOUND;
	if ((r = store_stmt(st, STMT_CREDENTIAL_USED, SQL_USED, &s)) != TSR_OK)
		return r;
	if ((rc = sqlite3_bind_text(s, 1, id, -1, SQLITE_STATIC)) == SQLITE_OK &&
	    (rc = sqlite3_bind_int64(s, 2, now)) == SQLITE_OK)
		rc = sqlite3_bind_int64(s, 3, CREDENTIAL_ACTIVE);
	if ((r = store_write(st, s, rc, &n)) != TSR_OK)
		return r;
	return store_changed(st, n, STMT_CREDENTIAL_EXISTS, SQL_EXISTS, id);
}
