/*
 * store_open.c - opening and closing the SQLite back end.  See store.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/store_sqlite.h"

#include <sys/stat.h>
#include <errno.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/seal.h"
#include "agent/store_file.h"
#include "tessera.h"

#define URL_PREFIX	"sqlite:"
#define CACHE_KIB	256		/* of pages kept in memory */
#define LOG_PAGES	128		/* of the write-ahead log, before it is reused: new blocks cost a second wait for the disk */
#define VALUE_MAX	(64 * 1024)	/* bytes of a row */
#define SQL_MAX		(16 * 1024)	/* bytes of a statement */

static int
settings(struct store *st)
{
	static const struct {
		int op, on;
	} flags[] = {
		{ SQLITE_DBCONFIG_DEFENSIVE, 1 },
		{ SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0 },
		{ SQLITE_DBCONFIG_ENABLE_FKEY, 1 },
		{ SQLITE_DBCONFIG_ENABLE_TRIGGER, 0 },
		{ SQLITE_DBCONFIG_ENABLE_VIEW, 0 },
		{ SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0 },
		{ SQLITE_DBCONFIG_DQS_DML, 0 },
		{ SQLITE_DBCONFIG_DQS_DDL, 0 },
	};
	char sql[256];
	size_t i;
	int rc;

	sqlite3_extended_result_codes(st->db, 1);
	for (i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		if ((rc = sqlite3_db_config(st->db, flags[i].op, flags[i].on, NULL)) != SQLITE_OK)
			return rc;
	sqlite3_limit(st->db, SQLITE_LIMIT_ATTACHED, 0);
	sqlite3_limit(st->db, SQLITE_LIMIT_LENGTH, VALUE_MAX);
	sqlite3_limit(st->db, SQLITE_LIMIT_SQL_LENGTH, SQL_MAX);
	/* Exclusive before the first read: then the WAL's index lives in our
	 * memory and a second agent is kept out. */
	snprintf(sql, sizeof(sql), "PRAGMA locking_mode = EXCLUSIVE; PRAGMA temp_store = MEMORY;"
	    "PRAGMA cache_size = -%d; PRAGMA mmap_size = 0; PRAGMA secure_delete = ON;"
	    "PRAGMA cell_size_check = ON; PRAGMA wal_autocheckpoint = %d", CACHE_KIB, LOG_PAGES);
	return sqlite3_exec(st->db, sql, NULL, NULL, NULL);
}

/* The answer of PRAGMA journal_mode is the mode that holds. */
static int
is_wal(void *arg, int n, char **value, char **name)
{
	(void)name;
	*(int *)arg = n == 1 && value[0] != NULL && strcmp(value[0], "wal") == 0;
	return 0;
}

/* Durable commits: write-ahead log, synced at each commit. */
static int
journal(struct store *st, char *err, size_t err_size)
{
	int wal = 0, rc;

	rc = sqlite3_exec(st->db, "PRAGMA journal_mode = WAL", is_wal, &wal, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(st->db, "PRAGMA synchronous = FULL", NULL, NULL, NULL);
	if (rc != SQLITE_OK)
		return store_complain(st, rc, "cannot be written", err, err_size);
	if (!wal) {
		snprintf(err, err_size, "the store %s cannot have a write-ahead log: look at its file "
		    "system", st->path);
		return TSR_STORE;
	}
	return TSR_OK;
}

/* The database and what SQLite may read beside it. */
static int
look_at_files(struct store *st, char *err, size_t err_size)
{
	static const char *const suffix[] = { "", "-wal", "-journal" };
	char path[PATH_MAX + 16];
	size_t i;
	int r;

	for (i = 0; i < sizeof(suffix) / sizeof(suffix[0]); i++) {
		snprintf(path, sizeof(path), "%s%s", st->path, suffix[i]);
		r = store_file_check(path, err, err_size);
		if (r == TSR_NOT_FOUND && i == 0)
			r = store_file_create(path, err, err_size);
		if (r != TSR_OK && r != TSR_NOT_FOUND)
			return r;
	}
	return TSR_OK;
}

int
store_connect(struct store *st, char *err, size_t err_size)
{
	int rc, r;

	if ((r = look_at_files(st, err, err_size)) != TSR_OK)
		return r;
	rc = sqlite3_open_v2(st->path, &st->db,
	    SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW, NULL);
	if (rc == SQLITE_OK)
		rc = settings(st);
	if (rc != SQLITE_OK) {
		r = store_complain(st, rc, "cannot be opened", err, err_size);
		goto out;
	}
	if (sqlite3_db_readonly(st->db, "main") == 1) {
		snprintf(err, err_size, "the store %s cannot be written: look at its file system and "
		    "its mode", st->path);
		r = TSR_STORE;
		goto out;
	}
	/* Nothing is written to a file before it is known to be a store. */
	if ((r = store_schema_identify(st, STORE_SCHEMA, NULL, err, err_size)) != TSR_OK ||
	    (r = journal(st, err, err_size)) != TSR_OK ||
	    (r = store_schema_migrate(st, store_schema_steps, STORE_SCHEMA, err, err_size)) != TSR_OK ||
	    (r = store_schema_check_key(st, err, err_size)) != TSR_OK)
		goto out;
	store_tags_attach(st);
	if ((r = store_state_load(st)) == TSR_CORRUPT) {
		memset(&st->tags.now, 0, sizeof(st->tags.now));
		randombytes_buf(st->tags.now.store, sizeof(st->tags.now.store));
		st->tags.now.verdict = STORE_ALTERED;
		st->lost = 1;
		r = TSR_OK;
	} else if (r != TSR_OK)
		(void)store_complain(st, SQLITE_ERROR, "cannot be read", err, err_size);
 out:
	if (r != TSR_OK)
		store_disconnect(st);
	return r;
}

void
store_disconnect(struct store *st)
{
	size_t i;

	for (i = 0; i < STMT_COUNT; i++) {
		sqlite3_finalize(st->stmt[i]);
		st->stmt[i] = NULL;
	}
	store_tags_detach(st);
	st->decoys = 0;
	if (st->copy != NULL)
		store_backup_abort(st->copy);
	sqlite3_close(st->db);
	st->db = NULL;
}

/* The folder without links, so that the name given to SQLite has none. */
static int
canonical(const char *url, char **out, char *err, size_t err_size)
{
	const char *path = url + strlen(URL_PREFIX), *base;
	char *folder = NULL, *real = NULL, *whole = NULL;
	int r;

	if (strncmp(url, URL_PREFIX, strlen(URL_PREFIX)) != 0 || path[0] != '/' ||
	    (base = strrchr(path, '/') + 1)[0] == '\0' || strcmp(base, ".") == 0 ||
	    strcmp(base, "..") == 0 || strlen(path) >= PATH_MAX) {
		snprintf(err, err_size, "store = \"%.200s\" is not understood: write "
		    "\"sqlite:/absolute/path\"", url);
		return TSR_CONFIG;
	}
	if ((folder = store_file_parent(path)) == NULL)
		return TSR_NOMEM;
	if ((r = store_file_folder(folder, err, err_size)) != TSR_OK)
		goto out;
	if ((real = realpath(folder, NULL)) == NULL ||
	    asprintf(&whole, "%s/%s", strcmp(real, "/") == 0 ? "" : real, base) == -1) {
		whole = NULL;
		r = TSR_NOMEM;
		goto out;
	}
	if (strlen(whole) >= PATH_MAX) {
		snprintf(err, err_size, "the path of the store is too long: choose a shorter one");
		r = TSR_CONFIG;
		goto out;
	}
	*out = whole;
	whole = NULL;
 out:
	free(folder);
	free(real);
	free(whole);
	return r;
}

int
store_is_new(const char *url)
{
	struct stat sb;

	return strncmp(url, URL_PREFIX, strlen(URL_PREFIX)) == 0 &&
	    lstat(url + strlen(URL_PREFIX), &sb) == -1 && errno == ENOENT;
}

int
store_open(const char *url, const struct secret *key, struct store **out,
    char *err, size_t err_size)
{
	struct store *st;
	int r;

	snprintf(err, err_size, "out of memory for the store");
	if (sodium_init() == -1)
		return TSR_CRYPTO;
	/* No counting of memory, which takes a lock an allocation; refused once SQLite is
	 * at work, and then it was said before. */
	(void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
	if ((st = calloc(1, sizeof(*st))) == NULL)
		return TSR_NOMEM;
	if ((r = seal_key(key, &st->seal)) != TSR_OK) {
		if (r == TSR_INVALID)
			snprintf(err, err_size, "the store key has not %d bytes", STORE_KEY_BYTES);
		goto out;
	}
	if ((r = store_tags_keys(&st->tags, key)) != TSR_OK ||
	    (r = canonical(url, &st->path, err, err_size)) != TSR_OK ||
	    (r = store_connect(st, err, err_size)) != TSR_OK)
		goto out;
	if (st->lost)	/* not durable yet */
		st->tags.now.verdict = STORE_GOOD;
	if (st->lost && (r = store_suspect(st, STORE_ALTERED, 0)) != TSR_OK) {
		(void)store_complain(st, SQLITE_ERROR, "was altered and cannot be written", err, err_size);
		goto out;
	}
	*out = st;
	st = NULL;
 out:
	store_close(&st);
	return r;
}

void
store_close(struct store **stp)
{
	struct store *st = *stp;

	if (st == NULL)
		return;
	if (st->db != NULL && !sqlite3_get_autocommit(st->db))
		sqlite3_exec(st->db, "ROLLBACK", NULL, NULL, NULL);
	store_disconnect(st);
	secret_free(&st->seal);
	store_tags_free(&st->tags);
	free(st->path);
	free(st);
	*stp = NULL;
}
