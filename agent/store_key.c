/*
 * store_key.c - the store key's file.  See store.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/store.h"

#include <sys/stat.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/store_file.h"
#include "tessera.h"

/* Who may have made the file, and who else may read it. */
static int
key_check(const char *file, int fd, char *err, size_t err_size)
{
	struct stat sb;
	mode_t others;

	if (fstat(fd, &sb) == -1) {
		snprintf(err, err_size, "cannot look at the store key %s: %s", file, strerror(errno));
		return TSR_CONFIG;
	}
	if (!S_ISREG(sb.st_mode)) {
		snprintf(err, err_size, "the store key %s is not a regular file: "
		    "put the file with the key there", file);
		return TSR_CONFIG;
	}
	if (sb.st_uid != geteuid() && sb.st_uid != 0) {
		snprintf(err, err_size, "the store key %s belongs to uid %u: it must be this "
		    "program's (uid %u) or root's", file, (unsigned)sb.st_uid, (unsigned)geteuid());
		return TSR_CONFIG;
	}
	/* A service manager's credential is root's with an ACL for us, whose
	 * mask shows as the group's read bit. */
	others = sb.st_uid == geteuid() ? 077 : 037;
	if ((sb.st_mode & others) != 0) {
		snprintf(err, err_size, "the store key %s is open to others (mode %04o): treat it as "
		    "known to them, or chmod 0600 it", file, (unsigned)sb.st_mode & 07777);
		return TSR_CONFIG;
	}
	if (sb.st_size != STORE_KEY_BYTES) {
		snprintf(err, err_size, "the store key %s has %lld bytes, not %d: put the right "
		    "key back", file, (long long)sb.st_size, STORE_KEY_BYTES);
		return TSR_CONFIG;
	}
	return TSR_OK;
}

/* A whole key appears under its name or none: link(2) replaces nothing, so of
 * two that start at once both read the same. */
static int
key_make(const char *file, char *err, size_t err_size)
{
	char *folder = NULL, temporary[PATH_MAX] = "";
	struct secret *key = NULL;
	int fd = -1, r, len;

	if ((folder = store_file_parent(file)) == NULL ||
	    (key = secret_new(STORE_KEY_BYTES)) == NULL) {
		r = TSR_NOMEM;
		goto out;
	}
	if ((r = store_file_folder(folder, err, err_size)) != TSR_OK) {
		if (r == TSR_STORE)
			r = TSR_CONFIG;
		goto out;
	}
	randombytes_buf(key->data, key->size);
	r = TSR_CONFIG;
	len = snprintf(temporary, sizeof(temporary), "%s/.store-key.XXXXXX", folder);
	if (len < 0 || (size_t)len >= sizeof(temporary)) {
		snprintf(err, err_size, "the path of the store key is too long");
		temporary[0] = '\0';
		goto out;
	}
	if ((fd = mkostemp(temporary, O_CLOEXEC)) == -1 || fchmod(fd, 0600) == -1 ||
	    store_file_write(fd, key->data, key->size) != TSR_OK || fsync(fd) == -1 ||
	    (link(temporary, file) == -1 && errno != EEXIST) ||
	    store_file_sync_folder(folder) != TSR_OK) {
		snprintf(err, err_size, "cannot make the store key %s: %s", file, strerror(errno));
		goto out;
	}
	r = TSR_OK;
 out:
	if (fd != -1) {
		unlink(temporary);
		close(fd);
	}
	secret_free(&key);
	free(folder);
	return r;
}

/* One byte more than a key is asked for, so that a file that grew shows. */
static int
key_load(const char *file, int fd, struct secret **out, char *err, size_t err_size)
{
	struct secret *key;
	size_t have = 0;
	ssize_t n;

	if ((key = secret_new(STORE_KEY_BYTES + 1)) == NULL)
		return TSR_NOMEM;
	while (have < key->size) {
		n = read(fd, key->data + have, key->size - have);
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		have += (size_t)n;
	}
	if (have != STORE_KEY_BYTES || sodium_is_zero(key->data, STORE_KEY_BYTES)) {
		snprintf(err, err_size, "the store key %s is not %d random bytes: put the right key "
		    "back", file, STORE_KEY_BYTES);
		secret_free(&key);
		return TSR_CONFIG;
	}
	key->size = STORE_KEY_BYTES;
	*out = key;
	return TSR_OK;
}

/* Not blocked by a FIFO, not led elsewhere by a link. */
static int
key_open(const char *file)
{
	return open(file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

int
store_key_read(const char *file, int create, struct secret **out,
    char *err, size_t err_size)
{
	int fd, r;

	snprintf(err, err_size, "out of memory for the store key");
	if (sodium_init() == -1)
		return TSR_CRYPTO;
	if ((fd = key_open(file)) == -1 && errno == ENOENT && create) {
		if ((r = key_make(file, err, err_size)) != TSR_OK)
			return r;
		fd = key_open(file);
	}
	if (fd == -1) {
		snprintf(err, err_size, errno == ELOOP ?
		    "the store key %s is a symbolic link: put the file itself there (%s)" :
		    "cannot open the store key %s: %s", file, strerror(errno));
		return TSR_CONFIG;
	}
	if ((r = key_check(file, fd, err, err_size)) == TSR_OK)
		r = key_load(file, fd, out, err, err_size);
	close(fd);
	return r;
}
