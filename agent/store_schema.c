/*
 * store_schema.c - the tables, their version, and the check of the store key.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/store_sqlite.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "agent/seal.h"
#include "tessera.h"

#define SCHEMA_TAGGED	2	/* from this version on rows have tags */
#define CHECK_TEXT	"tessera store"	/* what the check value holds */

/* Step i leads from version i to i + 1.  A step that was released is never
 * changed: a change is a further step. */
const char *const store_schema_steps[STORE_SCHEMA] = {
	"CREATE TABLE meta ("
	" name TEXT PRIMARY KEY NOT NULL,"
	" value BLOB NOT NULL"
	") STRICT, WITHOUT ROWID;"

	"CREATE TABLE credential ("
	" seq INTEGER PRIMARY KEY,"		/* order of creation */
	" id TEXT NOT NULL UNIQUE,"
	" kind TEXT NOT NULL,"
	" subject TEXT NOT NULL,"
	" uid INTEGER NOT NULL,"
	" label TEXT NOT NULL,"
	" module TEXT NOT NULL,"
	" token_serial TEXT NOT NULL,"
	" token_label TEXT NOT NULL,"
	" token_manufacturer TEXT NOT NULL,"
	" token_model TEXT NOT NULL,"
	" key_id BLOB NOT NULL,"
	" key_label TEXT NOT NULL,"
	" algorithm INTEGER NOT NULL,"
	" spki BLOB NOT NULL,"
	" spki_hash BLOB NOT NULL UNIQUE,"	/* SHA-256: a key is enrolled once */
	" certificate BLOB,"
	" acr INTEGER NOT NULL,"
	" vouched INTEGER NOT NULL,"
	" key_flags INTEGER NOT NULL,"
	" state INTEGER NOT NULL,"
	" created INTEGER NOT NULL,"
	" last_used INTEGER NOT NULL,"
	" proofs INTEGER NOT NULL"
	") STRICT;"
	"CREATE INDEX credential_subject ON credential (subject, uid, seq);"

	"CREATE TABLE signing ("
	" seq INTEGER PRIMARY KEY,"
	" kid TEXT NOT NULL UNIQUE,"
	" alg INTEGER NOT NULL,"
	" state INTEGER NOT NULL,"
	" created INTEGER NOT NULL,"
	" activated INTEGER NOT NULL,"
	" retired INTEGER NOT NULL,"
	" sealed BLOB NOT NULL"
	") STRICT;"
	/* At most one next (1) and one active (2). */
	"CREATE UNIQUE INDEX signing_one ON signing (state) WHERE state < 3;",

	/* 2: every row has a tag, and the whole a sealed sum: store_tag.h */
	"CREATE TABLE meta_2 ("
	" seq INTEGER PRIMARY KEY,"
	" name TEXT NOT NULL UNIQUE,"
	" value BLOB NOT NULL"
	") STRICT;"
	"INSERT INTO meta_2 (name, value) SELECT name, value FROM meta;"
	"DROP TABLE meta;"
	"ALTER TABLE meta_2 RENAME TO meta;"
	/* 1: suspended until the store is confirmed */
	"ALTER TABLE credential ADD COLUMN held INTEGER NOT NULL DEFAULT 0;"
	"CREATE TABLE row_tag ("
	" place INTEGER NOT NULL,"
	" row INTEGER NOT NULL,"
	" tag BLOB NOT NULL,"
	" PRIMARY KEY (place, row)"
	") STRICT, WITHOUT ROWID;"
	"CREATE TABLE state ("
	" one INTEGER PRIMARY KEY CHECK (one = 1),"
	" sealed BLOB NOT NULL"
	") STRICT;",

	/* 3: a card proves that it is there */
	"CREATE TABLE card_key ("
	" seq INTEGER PRIMARY KEY,"
	" credential TEXT NOT NULL UNIQUE,"
	" key_id BLOB NOT NULL,"
	" algorithm INTEGER NOT NULL,"
	" spki BLOB NOT NULL"
	") STRICT;",

	/* 4: disconnected tokens, beside their credential */
	"CREATE TABLE otp ("
	" seq INTEGER PRIMARY KEY,"
	" credential TEXT NOT NULL UNIQUE,"
	" kind INTEGER NOT NULL,"
	" hash INTEGER NOT NULL,"
	" digits INTEGER NOT NULL,"
	" period INTEGER NOT NULL,"
	" start INTEGER NOT NULL,"
	" watermark INTEGER NOT NULL,"		/* the last step or counter spent */
	" drift INTEGER NOT NULL,"
	" expected INTEGER NOT NULL,"
	" trust INTEGER NOT NULL,"
	" seed BLOB NOT NULL,"			/* sealed */
	" throttle BLOB NOT NULL"
	") STRICT;",

	/* 5: codes for who lost his token */
	"CREATE TABLE recovery ("
	" seq INTEGER PRIMARY KEY,"
	" subject TEXT NOT NULL,"
	" uid INTEGER NOT NULL,"
	" kind INTEGER NOT NULL,"
	" hash BLOB NOT NULL UNIQUE,"
	" ends INTEGER NOT NULL"
	") STRICT;"
	"CREATE INDEX recovery_subject ON recovery (subject, uid);",

	/* 6: FIDO2 keys, beside their credential */
	"CREATE TABLE fido ("
	" seq INTEGER PRIMARY KEY,"
	" credential TEXT NOT NULL UNIQUE,"
	" cred_id BLOB NOT NULL UNIQUE,"
	" rp_id TEXT NOT NULL,"
	" aaguid BLOB NOT NULL,"
	" counter INTEGER NOT NULL,"		/* the last one seen */
	" uv INTEGER NOT NULL,"
	" transports TEXT NOT NULL,"
	" attestation INTEGER NOT NULL,"
	" resident INTEGER NOT NULL,"
	" native INTEGER NOT NULL"
	") STRICT;",

	/* 7: tokens that are looked up: store_token.h */
	"CREATE TABLE token ("
	" seq INTEGER PRIMARY KEY,"
	" kind INTEGER NOT NULL,"
	" hash BLOB NOT NULL UNIQUE,"
	" newest BLOB NOT NULL,"
	" family BLOB NOT NULL,"
	" subject TEXT NOT NULL,"
	" uid INTEGER NOT NULL,"
	" sid TEXT NOT NULL,"
	" credential TEXT NOT NULL,"
	" audience TEXT NOT NULL,"
	" scope TEXT NOT NULL,"
	" client TEXT NOT NULL,"
	" jkt TEXT NOT NULL,"
	" jti TEXT NOT NULL,"
	" acr INTEGER NOT NULL,"
	" auth_time INTEGER NOT NULL,"
	" made INTEGER NOT NULL,"
	" idle INTEGER NOT NULL,"
	" ends INTEGER NOT NULL,"
	" boot BLOB NOT NULL"
	") STRICT;"
	"CREATE INDEX token_uid ON token (uid, kind, ends);"
	"CREATE INDEX token_sid ON token (sid);"
	"CREATE INDEX token_family ON token (family) WHERE family <> x'';"
	"CREATE INDEX token_ends ON token (kind, ends);",

	/* 8: sessions that may come back: store_session.h */
	"CREATE TABLE session ("
	" seq INTEGER PRIMARY KEY,"
	" sid TEXT NOT NULL UNIQUE,"
	" credential TEXT NOT NULL UNIQUE,"
	" auth_time INTEGER NOT NULL,"
	" proved INTEGER NOT NULL,"
	" ends INTEGER NOT NULL,"
	" boot BLOB NOT NULL"
	") STRICT;",

	/* 9: the SSH CA and its certificates: store_ssh.h */
	"CREATE TABLE ssh_ca ("
	" seq INTEGER PRIMARY KEY,"
	" id TEXT NOT NULL UNIQUE,"
	" state INTEGER NOT NULL,"
	" created INTEGER NOT NULL,"
	" activated INTEGER NOT NULL,"
	" retired INTEGER NOT NULL,"
	" public BLOB NOT NULL UNIQUE,"
	" sealed BLOB NOT NULL"			/* nothing where it signs no more */
	") STRICT;"
	"CREATE UNIQUE INDEX ssh_ca_one ON ssh_ca (state) WHERE state < 3;"
	"CREATE TABLE ssh_cert ("
	" seq INTEGER PRIMARY KEY,"
	" serial INTEGER NOT NULL UNIQUE,"
	" ca TEXT NOT NULL,"
	" subject TEXT NOT NULL,"
	" uid INTEGER NOT NULL,"
	" credential TEXT NOT NULL,"
	" sid TEXT NOT NULL,"
	" fingerprint TEXT NOT NULL,"
	" id TEXT NOT NULL,"
	" principals TEXT NOT NULL,"
	" valid_after INTEGER NOT NULL,"
	" valid_before INTEGER NOT NULL,"
	" held INTEGER NOT NULL,"
	" revoked INTEGER NOT NULL"
	") STRICT;"
	"CREATE INDEX ssh_cert_uid ON ssh_cert (uid, valid_before);"
	"CREATE INDEX ssh_cert_sid ON ssh_cert (sid);"
	"CREATE INDEX ssh_cert_ca ON ssh_cert (ca, serial);"
	"CREATE INDEX ssh_cert_before ON ssh_cert (valid_before);"
};

/* One number from a PRAGMA or SELECT. */
static int
number(struct store *st, const char *sql, int64_t *out)
{
	sqlite3_stmt *s = NULL;
	int rc;

	if ((rc = sqlite3_prepare_v2(st->db, sql, -1, &s, NULL)) != SQLITE_OK)
		return rc;
	if ((rc = sqlite3_step(s)) == SQLITE_ROW) {
		*out = sqlite3_column_int64(s, 0);
		rc = SQLITE_OK;
	} else if (rc == SQLITE_DONE)
		rc = SQLITE_CORRUPT;
	sqlite3_finalize(s);
	return rc;
}

int
store_schema_identify(struct store *st, unsigned newest, unsigned *version,
    char *err, size_t err_size)
{
	int64_t id = 0, v = 0, objects = 0, foreign = 0;
	int rc;

	if ((rc = number(st, "PRAGMA application_id", &id)) != SQLITE_OK ||
	    (rc = number(st, "PRAGMA user_version", &v)) != SQLITE_OK ||
	    (rc = number(st, "SELECT count(*) FROM sqlite_schema", &objects)) != SQLITE_OK ||
	    (rc = number(st, "SELECT count(*) FROM sqlite_schema WHERE type IN ('trigger', 'view')",
	    &foreign)) != SQLITE_OK)
		return store_complain(st, rc, "cannot be read", err, err_size);
	if (id != STORE_APPLICATION_ID && (id != 0 || v != 0 || objects != 0)) {
		snprintf(err, err_size, "%s is the database of another program: correct \"store\" in "
		    "the configuration", st->path);
		return TSR_CONFIG;
	}
	if (v > (int64_t)newest) {
		snprintf(err, err_size, "the store %s has schema version %lld, this program understands "
		    "%u and older: install the newer program again, or restore a backup made "
		    "before the upgrade", st->path, (long long)v, newest);
		return TSR_STORE_NEWER;
	}
	if (v < 0 || foreign != 0 || (v == 0 && objects != 0)) {
		snprintf(err, err_size, "the store %s was altered: restore a backup", st->path);
		return TSR_CORRUPT;
	}
	if (version != NULL)
		*version = (unsigned)v;
	return TSR_OK;
}

/* A value that only the right store key opens. */
static int
put_check(struct store *st)
{
	uint8_t sealed[sizeof(CHECK_TEXT) + SEAL_OVERHEAD];
	sqlite3_stmt *s = NULL;
	int rc;

	if (seal_make(st->seal, "meta", "check", CHECK_TEXT, sizeof(CHECK_TEXT), sealed) != TSR_OK)
		return SQLITE_ERROR;
	rc = sqlite3_prepare_v2(st->db, "INSERT INTO meta (name, value) VALUES ('check', ?1)", -1, &s, NULL);
	if (rc == SQLITE_OK &&
	    (rc = sqlite3_bind_blob(s, 1, sealed, (int)sizeof(sealed), SQLITE_STATIC)) == SQLITE_OK)
		rc = sqlite3_step(s);
	sqlite3_finalize(s);
	return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* What is there when tags begin is taken as it is. */
static int
first_tags(struct store *st)
{
	struct store_state *now = &st->tags.now;
	int r;

	memset(now, 0, sizeof(*now));
	randombytes_buf(now->store, sizeof(now->store));
	now->generation = 1;
	if ((r = store_tags_renew(st)) != TSR_OK)
		return r;
	return store_state_save(st);
}

static int
run_steps(struct store *st, const char *const *steps, unsigned from, unsigned n)
{
	char sql[64];
	unsigned i;
	int rc;

	if ((rc = sqlite3_exec(st->db, "BEGIN IMMEDIATE", NULL, NULL, NULL)) != SQLITE_OK)
		return rc;
	for (i = from; i < n; i++)
		if ((rc = sqlite3_exec(st->db, steps[i], NULL, NULL, NULL)) != SQLITE_OK)
			return rc;
	snprintf(sql, sizeof(sql), "PRAGMA user_version = %u", n);
	if ((rc = sqlite3_exec(st->db, sql, NULL, NULL, NULL)) != SQLITE_OK)
		return rc;
	if (from == 0) {
		snprintf(sql, sizeof(sql), "PRAGMA application_id = %d", STORE_APPLICATION_ID);
		if ((rc = sqlite3_exec(st->db, sql, NULL, NULL, NULL)) != SQLITE_OK ||
		    (rc = put_check(st)) != SQLITE_OK)
			return rc;
	}
	if (from < SCHEMA_TAGGED && n >= SCHEMA_TAGGED && first_tags(st) != TSR_OK)
		return SQLITE_ERROR;
	return sqlite3_exec(st->db, "COMMIT", NULL, NULL, NULL);
}

int
store_schema_migrate(struct store *st, const char *const *steps, unsigned n,
    char *err, size_t err_size)
{
	char what[96];
	unsigned version = 0;
	int rc, r;

	if ((r = store_schema_identify(st, n, &version, err, err_size)) != TSR_OK || version == n)
		return r;
	if ((rc = run_steps(st, steps, version, n)) == SQLITE_OK)
		return TSR_OK;
	snprintf(what, sizeof(what), "cannot be brought from schema version %u to %u and was left "
	    "as it is", version, n);
	r = store_complain(st, rc, what, err, err_size);
	if (!sqlite3_get_autocommit(st->db))
		sqlite3_exec(st->db, "ROLLBACK", NULL, NULL, NULL);
	return r;
}

int
store_schema_check_key(struct store *st, char *err, size_t err_size)
{
	struct secret *text = NULL;
	sqlite3_stmt *s = NULL;
	const uint8_t *p;
	size_t n;
	int rc, r;

	rc = sqlite3_prepare_v2(st->db, "SELECT value FROM meta WHERE name = 'check'", -1, &s, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(s);
	if (rc != SQLITE_ROW)
		r = rc == SQLITE_DONE ? TSR_CORRUPT : store_code_of(st, rc);
	else if ((r = store_column_blob(s, 0, SEAL_OVERHEAD, SEAL_MAX, &p, &n)) == TSR_OK &&
	    (r = seal_open(st->seal, "meta", "check", p, n, &text)) == TSR_OK &&
	    (text->size != sizeof(CHECK_TEXT) || memcmp(text->data, CHECK_TEXT, text->size) != 0))
		r = TSR_CORRUPT;
	if (r == TSR_CORRUPT)
		snprintf(err, err_size, "the store %s does not open with this store key: put back the "
		    "key that belongs to it, or a backup that belongs to the key", st->path);
	else if (r != TSR_OK)
		(void)store_complain(st, rc, "cannot be read", err, err_size);
	secret_free(&text);
	sqlite3_finalize(s);
	return r;
}
