/*
 * store_sqlite.h - what the files of the SQLite back end share.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_STORE_SQLITE_H
#define AGENT_STORE_SQLITE_H

#include <sqlite3.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/store.h"
#include "agent/store_check.h"
#include "agent/store_tag.h"
#include "base/secret.h"

#define STORE_APPLICATION_ID	0x54535231	/* "TSR1", in the file's header */

/* Statements that are prepared once and kept. */
enum store_stmt {
	STMT_BEGIN, STMT_COMMIT, STMT_ROLLBACK, STMT_SAVEPOINT, STMT_RELEASE, STMT_UNDO,
	STMT_CREDENTIAL_ADD, STMT_CREDENTIAL_GET, STMT_CREDENTIAL_ALL, STMT_CREDENTIAL_OF,
	STMT_CREDENTIAL_TOKENS,
	STMT_CREDENTIAL_EXISTS, STMT_CREDENTIAL_STATE,
	STMT_CREDENTIAL_REMOVE, STMT_CREDENTIAL_USED,
	STMT_SIGNING_ADD, STMT_SIGNING_ALL, STMT_SIGNING_EXISTS, STMT_SIGNING_STATE,
	STMT_SIGNING_REMOVE, STMT_CARD_ADD, STMT_CARD_GET, STMT_CARD_REMOVE,
	STMT_META_GET, STMT_META_PUT, STMT_ENROLLED_NAME, STMT_ENROLLED_UID, STMT_ENROLLED_OWNER,
	STMT_OTP_ADD, STMT_OTP_GET, STMT_OTP_SPEND, STMT_OTP_REFUSE, STMT_OTP_EXISTS, STMT_OTP_REMOVE,
	STMT_OTP_ANY,
	STMT_FIDO_ADD, STMT_FIDO_GET, STMT_FIDO_COUNT, STMT_FIDO_EXISTS, STMT_FIDO_REMOVE,
	STMT_RECOVERY_ADD, STMT_RECOVERY_CLEAR, STMT_RECOVERY_FIND, STMT_RECOVERY_SPEND,
	STMT_TOKEN_ADD, STMT_TOKEN_GET, STMT_TOKEN_SPEND, STMT_TOKEN_END, STMT_TOKEN_LIVE,
	STMT_TOKEN_SWEEP, STMT_TOKEN_BOOT, STMT_TOKEN_OF_SID, STMT_TOKEN_OF_SUBJECT, STMT_TOKEN_DUE,
	STMT_TOKEN_SIDS, STMT_TOKEN_MOVE, STMT_TOKEN_MOVED,
	STMT_TOKEN_END_SID, STMT_TOKEN_END_SUBJECT, STMT_TOKEN_END_CREDENTIAL, STMT_TOKEN_END_ALL,
	STMT_SESSION_ADD, STMT_SESSION_REPLACE, STMT_SESSION_REMOVE, STMT_SESSION_CLEAR, STMT_SESSION_ALL,
	STMT_SSH_CA_ADD, STMT_SSH_CA_ALL, STMT_SSH_CA_EXISTS, STMT_SSH_CA_STATE, STMT_SSH_CA_REMOVE,
	STMT_SSH_CA_SWEEP, STMT_SSH_CERT_ADD, STMT_SSH_CERT_LIVE, STMT_SSH_CERT_ALL, STMT_SSH_CERT_OF,
	STMT_SSH_CERT_SERIALS, STMT_SSH_CERT_DUE, STMT_SSH_CERT_SWEEP,
	STMT_SSH_CERT_REVOKE_SERIAL,
	STMT_SSH_CERT_REVOKE_SESSION,	/* and one for each further enum store_ssh_which */
	STMT_SSH_CERT_REVOKE_OWN, STMT_SSH_CERT_REVOKE_CREDENTIAL, STMT_SSH_CERT_REVOKE_SUBJECT,
	STMT_SSH_CERT_REVOKE_OWN_SUBJECT, STMT_SSH_CERT_REVOKE_ALL,
	STMT_SSH_CERT_HAS_SESSION,	/* likewise */
	STMT_SSH_CERT_HAS_OWN, STMT_SSH_CERT_HAS_CREDENTIAL, STMT_SSH_CERT_HAS_SUBJECT,
	STMT_SSH_CERT_HAS_OWN_SUBJECT, STMT_SSH_CERT_HAS_ALL,
	STMT_COUNT
};

struct store {
	sqlite3 *db;			/* NULL after a failure, until it could be opened again */
	char *path;			/* without links */
	struct secret *seal;		/* sealing key */
	sqlite3_stmt *stmt[STMT_COUNT];
	int batch;			/* a transaction is open */
	int savepoint;			/* and a request's savepoint in it */
	int dirty;			/* something was kept in it */
	int broken;			/* it is lost: nothing but store_commit helps */
	int lost;			/* the sealed record is gone or altered */
	int decoys;			/* all of them were there when a batch began */
	int failing;			/* the last write did not become durable */
	int suspect;			/* a commit failed: no write before a whole checkpoint */
	struct store_backup *copy;	/* the backup under way */
	unsigned walking;		/* each() callbacks under way */
	sqlite3_int64 changes;		/* sqlite3_total_changes64 at store_begin */
	uint64_t failures;
	struct store_tags tags;
	struct store_found found;	/* of the check under way */
};

/* store_open.c: open the file, check what it is, migrate it, check the key. */
int store_connect(struct store *st, char *err, size_t err_size);
/* store_backup.c: the connection it reads from goes away. */
struct store_backup;
void store_backup_abort(struct store_backup *b);

/* Finalize and close; the WAL is moved into the file by SQLite. */
void store_disconnect(struct store *st);

/* store_schema.c: whose file it is, and of which version.  *version may be
 * NULL; 0 is a file without tables.  TSR_STORE_NEWER beyond newest, TSR_CONFIG
 * for another program's database, TSR_CORRUPT, TSR_STORE; err gets the
 * sentence. */
int store_schema_identify(struct store *st, unsigned newest, unsigned *version,
    char *err, size_t err_size);
/* The file's version is brought to n in one transaction, where
 * steps[i] leads from i to i + 1.  A new file also gets its application id and
 * the check value of the key.  On error the file is as it was; codes as for
 * store_schema_identify. */
int store_schema_migrate(struct store *st, const char *const *steps, unsigned n,
    char *err, size_t err_size);
/* TSR_CORRUPT where the store was sealed under another key. */
int store_schema_check_key(struct store *st, char *err, size_t err_size);
extern const char *const store_schema_steps[STORE_SCHEMA];

/* store_batch.c: open again after a failure; with write also make sure that
 * what the file shows is durable.  TSR_STORE. */
int store_ready(struct store *st, int write);

/* store_meta.c: a value of exactly n bytes.  TSR_NOT_FOUND, TSR_CORRUPT. */
int store_meta_bytes(struct store *st, const char *name, uint8_t *out, size_t n);
int store_meta_set(struct store *st, const char *name, const void *p, size_t n);
/* A random key of STORE_META_SECRET bytes, sealed under that name; make: drawn
 * and stored in this request where there is none yet.  TSR_NOT_FOUND. */
#define STORE_META_SECRET	32	/* bytes */
int store_meta_secret(struct store *st, const char *name, int make, struct secret **out);

/* store_row.c */
/* An SQLite result as one of ours.  The second also where it is about the
 * contents: SQLite calls a file corrupt that the disk would not read (EIO), and
 * that is TSR_STORE. */
int store_code(int rc);
int store_code_of(struct store *st, int rc);
/* The same, TSR_CORRUPT, TSR_NOMEM or TSR_STORE, with the sentence "the store
 * PATH what: ..." or a better one. */
int store_complain(struct store *st, int rc, const char *what, char *err, size_t err_size);
/* The kept statement, reset and without bindings.  TSR_STORE. */
int store_stmt(struct store *st, enum store_stmt which, const char *sql, sqlite3_stmt **out);
/* Run a statement that returns no row, inside store_begin; *changed (may be
 * NULL) is how many rows it changed.  TSR_CONFLICT for a constraint; after
 * every other failure the batch is broken.  Binding errors come in as bound. */
int store_write(struct store *st, sqlite3_stmt *s, int bound, int *changed);
/* Is there a row for the key bound as ?1?  TSR_OK, TSR_NOT_FOUND. */
int store_exists(struct store *st, enum store_stmt which, const char *sql, const char *key);
/* What it means that a conditional statement for key changed n rows: TSR_OK for
 * one, else TSR_CONFLICT where store_exists() finds the key, or TSR_NOT_FOUND. */
int store_changed(struct store *st, int n, enum store_stmt which, const char *sql, const char *key);
/* The one row for the text key bound as ?1, which is in the column at: read() may
 * look at the columns until it returns, with the code of this call.
 * TSR_NOT_FOUND; TSR_CORRUPT where a damaged index leads to another row. */
int store_one(struct store *st, enum store_stmt which, const char *sql, const char *key, int at,
    int (*read)(struct store *st, sqlite3_stmt *s, void *out), void *out);

/* Columns of the row at hand; anything but what is asked for is TSR_CORRUPT.
 * Text has no NUL in it and min to size - 1 bytes. */
int store_column_text(sqlite3_stmt *s, int column, char *out, size_t min, size_t size);
int store_column_int(sqlite3_stmt *s, int column, int64_t min, int64_t max, int64_t *out);
/* *p is good until the statement moves on. */
int store_column_blob(sqlite3_stmt *s, int column, size_t min, size_t max,
    const uint8_t **p, size_t *n);

#endif
