/*
 * audit_first.c - see audit_first.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/audit_first.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/store_file.h"
#include "base/audit_key.h"
#include "include/tessera.h"

#define NAME	"audit.key"
#define NEXT	"audit.key.next"	/* under a store key that the store does not have yet */

/* Durably, as a whole: first written beside it. */
static int
audit_first_write(const char *dir, const char *name, const struct secret *store_key,
    const struct secret *first, char *err, size_t err_size)
{
	uint8_t sealed[AUDIT_KEY_FILE];
	char path[PATH_MAX], fresh[PATH_MAX];
	int fd = -1, r;

	if ((r = audit_key_seal(store_key, first, sealed)) != TSR_OK)
		return r;
	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	(void)snprintf(fresh, sizeof(fresh), "%s/.%s.new", dir, name);
	if ((unlink(fresh) == -1 && errno != ENOENT) ||
	    (fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600)) == -1 ||
	    store_file_write(fd, sealed, sizeof(sealed)) != TSR_OK || fsync(fd) == -1 ||
	    rename(fresh, path) == -1 || store_file_sync_folder(dir) != TSR_OK) {
		(void)snprintf(err, err_size, "cannot make the key of the audit log %s: %s", path,
		    strerror(errno));
		r = TSR_STORE;
	}
	if (fd != -1)
		(void)close(fd);
	return r;
}

int
audit_first_make(const char *dir, const struct secret *store_key, struct secret **first,
    char *err, size_t err_size)
{
	struct secret *s;
	int r;

	if ((s = secret_new(AUDIT_KEY)) == NULL)
		return TSR_NOMEM;
	randombytes_buf(s->data, s->size);
	if ((r = audit_first_write(dir, NAME, store_key, s, err, err_size)) == TSR_OK) {
		*first = s;
		s = NULL;
	}
	secret_free(&s);
	return r;
}

int
audit_first_load(const char *dir, const struct secret *store_key, struct secret **first,
    char *err, size_t err_size)
{
	uint8_t sealed[AUDIT_KEY_FILE + 1];
	char path[PATH_MAX];
	ssize_t n;
	int fd, r;

	(void)snprintf(path, sizeof(path), "%s/" NAME, dir);
	if ((fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC)) == -1)
		n = -1;
	else {
		n = read(fd, sealed, sizeof(sealed));
		(void)close(fd);
	}
	r = n == AUDIT_KEY_FILE ? audit_key_open(store_key, sealed, first) : TSR_CORRUPT;
	if (r != TSR_OK)
		(void)snprintf(err, err_size, "the key of the audit log %s does not open with this store "
		    "key: put back the files that belong together", path);
	return r;
}

int
audit_first_reseal(const char *dir, const struct secret *old_key, const struct secret *new_key,
    char *err, size_t err_size)
{
	struct secret *first = NULL;
	char path[PATH_MAX];
	int r;

	(void)snprintf(path, sizeof(path), "%s/" NAME, dir);
	if (access(path, F_OK) == -1 && errno == ENOENT)
		return TSR_OK;
	if ((r = audit_first_load(dir, old_key, &first, err, err_size)) == TSR_OK)
		r = audit_first_write(dir, NEXT, new_key, first, err, err_size);
	secret_free(&first);
	return r;
}

int
audit_first_adopt(const char *dir, char *err, size_t err_size)
{
	char path[PATH_MAX], next[PATH_MAX];

	(void)snprintf(path, sizeof(path), "%s/" NAME, dir);
	(void)snprintf(next, sizeof(next), "%s/" NEXT, dir);
	if (rename(next, path) == -1 && errno == ENOENT)
		return TSR_OK;
	if (access(next, F_OK) == 0 || store_file_sync_folder(dir) != TSR_OK) {
		(void)snprintf(err, err_size, "the key of the audit log cannot be replaced: move %s to %s",
		    next, path);
		return TSR_STORE;
	}
	return TSR_OK;
}
