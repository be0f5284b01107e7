/*
 * store_rekey.c - another store key.  See store_backup.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/store_backup.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/seal.h"
#include "agent/store_check.h"
#include "agent/store_file.h"
#include "agent/store_sqlite.h"
#include "tessera.h"

/* Every sealed column there is. */
static const struct sealed {
	const char *purpose;
	const char *list, *put;		/* id and value; set the value of an id */
} columns[] = {
	{ "meta", "SELECT name, value FROM meta WHERE name IN ('check', 'recovery', 'token')",
	    "UPDATE meta SET value = ?2 WHERE name = ?1" },
	{ "signing", "SELECT kid, sealed FROM signing",
	    "UPDATE signing SET sealed = ?2 WHERE kid = ?1" },
	{ "otp", "SELECT credential, seed FROM otp",
	    "UPDATE otp SET seed = ?2 WHERE credential = ?1" },
	{ "ssh_ca", "SELECT id, sealed FROM ssh_ca WHERE sealed <> x''",
	    "UPDATE ssh_ca SET sealed = ?2 WHERE id = ?1" },
};

static int
rekey_row(struct store *st, const struct sealed *c, const struct secret *seal, sqlite3_stmt *row,
    sqlite3_stmt *put)
{
	uint8_t sealed[SEAL_MAX + SEAL_OVERHEAD];
	struct secret *plain = NULL;
	char id[SEAL_NAME_MAX];
	const uint8_t *p;
	size_t n;
	int rc, r;

	if ((r = store_column_text(row, 0, id, 1, sizeof(id))) != TSR_OK ||
	    (r = store_column_blob(row, 1, SEAL_OVERHEAD, sizeof(sealed), &p, &n)) != TSR_OK ||
	    (r = seal_open(st->seal, c->purpose, id, p, n, &plain)) != TSR_OK ||
	    (r = seal_make(seal, c->purpose, id, plain->data, plain->size, sealed)) != TSR_OK)
		goto out;
	if ((rc = sqlite3_bind_text(put, 1, id, -1, SQLITE_STATIC)) == SQLITE_OK)
		rc = sqlite3_bind_blob(put, 2, sealed, (int)n, SQLITE_STATIC);
	r = store_write(st, put, rc, NULL);
 out:
	secret_free(&plain);
	return r;
}

static int
rekey_column(struct store *st, const struct sealed *c, const struct secret *seal)
{
	sqlite3_stmt *list = NULL, *put = NULL;
	int rc, r = TSR_STORE;

	if (sqlite3_prepare_v2(st->db, c->list, -1, &list, NULL) != SQLITE_OK ||
	    sqlite3_prepare_v2(st->db, c->put, -1, &put, NULL) != SQLITE_OK)
		goto out;
	r = TSR_OK;
	while (r == TSR_OK && (rc = sqlite3_step(list)) == SQLITE_ROW)
		r = rekey_row(st, c, seal, list, put);
	if (r == TSR_OK)
		r = store_code_of(st, rc);
 out:
	sqlite3_finalize(list);
	sqlite3_finalize(put);
	return r;
}

/* In the batch's transaction; from here to its commit the store in memory has
 * the new keys. */
static int
rekey_all(struct store *st, struct secret **seal, struct store_tags *fresh)
{
	struct secret *old;
	size_t i;
	int r;

	for (i = 0; i < sizeof(columns) / sizeof(columns[0]); i++)
		if ((r = rekey_column(st, &columns[i], *seal)) != TSR_OK)
			return r;
	old = st->seal;
	st->seal = *seal;
	*seal = old;
	old = st->tags.row_key;
	st->tags.row_key = fresh->row_key;
	fresh->row_key = old;
	old = st->tags.term_key;
	st->tags.term_key = fresh->term_key;
	fresh->term_key = old;
	return store_tags_renew(st);
}

static int
rekey_check(struct store *st)
{
	struct store_found f;
	int r;

	if (store_verdict(st) != STORE_GOOD)
		return TSR_CONFLICT;
	memset(&f, 0, sizeof(f));
	if ((r = store_check_begin(st)) != TSR_OK)
		return r;
	while ((r = store_check_step(st, &f)) == TSR_AGAIN)
		;
	return r == TSR_OK && !f.whole ? TSR_CORRUPT : r;
}

int
store_rekey(struct store *st, const struct secret *key)
{
	struct secret *seal = NULL;
	struct store_tags fresh;
	int r;

	memset(&fresh, 0, sizeof(fresh));
	if ((r = rekey_check(st)) != TSR_OK || (r = seal_key(key, &seal)) != TSR_OK ||
	    (r = store_tags_keys(&fresh, key)) != TSR_OK || (r = store_begin(st)) != TSR_OK)
		goto out;
	/* Where this fails the store is not used on: its keys may be either. */
	if ((r = rekey_all(st, &seal, &fresh)) == TSR_OK && (r = store_keep(st)) == TSR_OK)
		r = store_commit(st);
	else {
		store_undo(st);
		sqlite3_exec(st->db, "ROLLBACK", NULL, NULL, NULL);
		store_disconnect(st);
	}
 out:
	secret_free(&seal);
	store_tags_free(&fresh);
	return r;
}

int
store_key_write(const char *path, const struct secret *key, char *err, size_t err_size)
{
	char *folder = store_file_parent(path);
	int fd = -1, r = TSR_STORE;

	(void)unlink(path);
	if (folder != NULL &&
	    (fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600)) != -1 &&
	    store_file_write(fd, key->data, key->size) == TSR_OK && fsync(fd) == 0)
		r = store_file_sync_folder(folder);
	if (r != TSR_OK)
		(void)snprintf(err, err_size, "the new store key %s cannot be written: %s", path,
		    strerror(errno));
	if (fd != -1)
		(void)close(fd);
	free(folder);
	return r;
}
