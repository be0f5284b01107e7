/*
 * store_backup.c - the copy of a store in use.  See store_backup.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/store_backup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/store_file.h"
#include "agent/store_sqlite.h"
#include "tessera.h"

struct store_backup {
	struct store *st;
	sqlite3 *db;
	sqlite3_backup *backup;
	char *path;
	int whole;
};

int
store_backup_begin(struct store *st, const char *path, struct store_backup **out)
{
	struct store_backup *b;
	int fd, r;

	if ((r = store_ready(st, 0)) != TSR_OK)
		return r;
	if (st->copy != NULL)
		return TSR_SLOW_DOWN;
	if ((fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600)) == -1)
		return errno == EEXIST ? TSR_CONFLICT : TSR_STORE;
	(void)close(fd);
	r = TSR_NOMEM;
	if ((b = calloc(1, sizeof(*b))) == NULL || (b->path = strdup(path)) == NULL) {
		(void)unlink(path);
		goto out;
	}
	b->st = st;
	r = TSR_STORE;
	if (sqlite3_open_v2(path, &b->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX |
	    SQLITE_OPEN_NOFOLLOW, NULL) != SQLITE_OK ||
	    sqlite3_exec(b->db, "PRAGMA journal_mode = MEMORY; PRAGMA synchronous = FULL", NULL, NULL,
	    NULL) != SQLITE_OK ||
	    (b->backup = sqlite3_backup_init(b->db, "main", st->db, "main")) == NULL)
		goto out;
	st->copy = b;
	*out = b;
	return TSR_OK;
 out:
	store_backup_free(&b);
	return r;
}

static int
backup_end(struct store_backup *b)
{
	char *folder;
	int r = TSR_STORE;

	if (sqlite3_backup_finish(b->backup) != SQLITE_OK)
		goto out;
	if (sqlite3_close(b->db) == SQLITE_OK && (folder = store_file_parent(b->path)) != NULL) {
		b->db = NULL;
		r = store_file_sync_folder(folder);
		free(folder);
	}
	b->whole = r == TSR_OK;
 out:
	b->backup = NULL;
	b->st->copy = NULL;
	return r;
}

int
store_backup_step(struct store_backup *b, uint64_t *generation)
{
	int rc, r;

	if (b->backup == NULL)
		return TSR_STORE;
	if (b->st->batch)
		return TSR_AGAIN;	/* what is not durable yet is not copied */
	rc = sqlite3_backup_step(b->backup, STORE_BACKUP_PAGES);
	if (rc == SQLITE_OK)
		return TSR_AGAIN;
	if (rc != SQLITE_DONE)
		return TSR_STORE;
	if ((r = backup_end(b)) == TSR_OK)
		*generation = b->st->tags.now.generation;
	return r;
}

void
store_backup_abort(struct store_backup *b)
{
	if (b->backup == NULL)
		return;
	(void)sqlite3_backup_finish(b->backup);
	b->backup = NULL;
	b->st->copy = NULL;
}

void
store_backup_free(struct store_backup **bp)
{
	struct store_backup *b = *bp;

	if (b == NULL)
		return;
	store_backup_abort(b);
	if (b->db != NULL)
		(void)sqlite3_close(b->db);
	if (b->path != NULL && !b->whole)
		(void)unlink(b->path);
	free(b->path);
	free(b);
	*bp = NULL;
}
