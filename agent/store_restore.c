/*
 * store_restore.c - a backup in the place of the store.  See store_backup.h.
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

#include "agent/store_check.h"
#include "agent/store_file.h"
#include "agent/store_sqlite.h"
#include "tessera.h"

#define URL_PREFIX	"sqlite:"

static int
restore_copy(int from, const char *to, char *err, size_t err_size)
{
	char data[16384];
	ssize_t n = -1;
	int fd, r = TSR_STORE;

	(void)unlink(to);
	if ((fd = open(to, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600)) == -1)
		goto out;
	while ((n = read(from, data, sizeof(data))) > 0)
		if (store_file_write(fd, data, (size_t)n) != TSR_OK)
			goto out;
	if (n == 0 && fsync(fd) == 0)
		r = TSR_OK;
 out:
	if (r != TSR_OK)
		(void)snprintf(err, err_size, "%s cannot be written: %s", to, strerror(errno));
	if (fd != -1)
		(void)close(fd);
	return r;
}

/* A file without tables would pass for a new store. */
static int
restore_is_store(const char *copy)
{
	uint8_t head[100] = { 0 };
	ssize_t n = -1;
	int fd;

	if ((fd = open(copy, O_RDONLY | O_NOFOLLOW | O_CLOEXEC)) != -1) {
		n = read(fd, head, sizeof(head));
		(void)close(fd);
	}
	return n == (ssize_t)sizeof(head) && ((uint32_t)head[68] << 24 | (uint32_t)head[69] << 16 |
	    (uint32_t)head[70] << 8 | head[71]) == STORE_APPLICATION_ID;
}

/* Look through all of it, then take the verdict down in it. */
static int
restore_judge(struct store *st, uint64_t at_least, char *err, size_t err_size)
{
	struct store_found f;
	int r;

	memset(&f, 0, sizeof(f));
	if ((r = store_check_begin(st)) == TSR_OK)
		while ((r = store_check_step(st, &f)) == TSR_AGAIN)
			;
	if (r == TSR_OK && !f.whole)
		r = TSR_CORRUPT;
	if (r == TSR_OK)
		r = store_suspect(st, STORE_RESTORED, at_least);
	if (r != TSR_OK)
		(void)snprintf(err, err_size, r == TSR_CORRUPT ?
		    "the backup was altered: it is not restored" : "the backup cannot be read or marked");
	return r;
}

/* What is there now, where it opens: the generation has to go on above it.
 * Opening also moves its log into it, and finds an agent that runs. */
static int
restore_present(const char *url, const struct secret *key, uint64_t *at_least,
    char *err, size_t err_size)
{
	struct store *now = NULL;
	int r;

	*at_least = 0;
	if (store_is_new(url))
		return TSR_OK;
	if ((r = store_open(url, key, &now, err, err_size)) == TSR_OK)
		*at_least = store_generation(now) + 1;
	store_close(&now);
	/* a damaged one is what backups are for */
	return r == TSR_CORRUPT || r == TSR_STORE_NEWER ? TSR_OK : r;
}

static int
restore_swap(const char *path, const char *copy, char *err, size_t err_size)
{
	static const char *const beside[] = { "-wal", "-journal" };
	char before[PATH_MAX + 32], log[PATH_MAX + 16], *folder = NULL;
	size_t i;
	int fd, r;

	(void)snprintf(before, sizeof(before), "%s.before-restore", path);
	if ((fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)) != -1) {
		r = restore_copy(fd, before, err, err_size);
		(void)close(fd);
		if (r != TSR_OK)
			return r;
	}
	r = TSR_STORE;
	if ((folder = store_file_parent(path)) == NULL)
		goto out;
	/* Only a damaged store still has a log: SQLite would play it into ours. */
	for (i = 0; i < sizeof(beside) / sizeof(beside[0]); i++) {
		(void)snprintf(log, sizeof(log), "%s%s", path, beside[i]);
		(void)snprintf(before, sizeof(before), "%s.before-restore%s", path, beside[i]);
		if (rename(log, before) == -1 && errno != ENOENT)
			goto out;
	}
	if (rename(copy, path) == 0)
		r = store_file_sync_folder(folder);
 out:
	if (r != TSR_OK)
		(void)snprintf(err, err_size, "the backup cannot be put in the place of %s: %s", path,
		    strerror(errno));
	free(folder);
	return r;
}

int
store_restore(const char *url, const struct secret *key, int fd, char *err, size_t err_size)
{
	char copy[PATH_MAX + 16], copy_url[PATH_MAX + 32];
	const char *path = url + strlen(URL_PREFIX);
	struct store *st = NULL;
	uint64_t at_least;
	int r;

	if (strncmp(url, URL_PREFIX, strlen(URL_PREFIX)) != 0 || path[0] != '/' ||
	    strlen(path) >= PATH_MAX) {
		(void)snprintf(err, err_size, "store = \"%.200s\" is not a file", url);
		return TSR_CONFIG;
	}
	(void)snprintf(copy, sizeof(copy), "%s.restore", path);
	(void)snprintf(copy_url, sizeof(copy_url), URL_PREFIX "%s", copy);
	if ((r = restore_present(url, key, &at_least, err, err_size)) != TSR_OK ||
	    (r = restore_copy(fd, copy, err, err_size)) != TSR_OK)
		return r;
	if (!restore_is_store(copy)) {
		(void)snprintf(err, err_size, "that file is no backup of a store, but another program's");
		r = TSR_CONFIG;
	} else if ((r = store_open(copy_url, key, &st, err, err_size)) == TSR_OK)
		r = restore_judge(st, at_least, err, err_size);
	store_close(&st);	/* its log goes into it */
	if (r == TSR_OK)
		r = restore_swap(path, copy, err, err_size);
	if (r != TSR_OK)
		(void)unlink(copy);
	return r;
}
