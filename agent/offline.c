/*
 * offline.c - see offline.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/offline.h"

#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/audit_first.h"
#include "agent/confine.h"
#include "agent/daemon_open.h"
#include "agent/store_backup.h"
#include "agent/store_file.h"
#include "base/log.h"
#include "include/tessera.h"

#define NEW	".new"		/* a store key before its commit */

int
offline_become(const struct config *c, char *err, size_t err_size)
{
	struct stat st;

	if (geteuid() != 0)
		return TSR_OK;
	if (stat(c->state_dir, &st) == -1 || st.st_uid == 0) {
		(void)snprintf(err, err_size, "the folder %s is not there, or is root's: it belongs to "
		    "the user that tesserad runs as", c->state_dir);
		return TSR_CONFIG;
	}
	if (setgroups(0, NULL) == -1 || setgid(st.st_gid) == -1 || setuid(st.st_uid) == -1) {
		(void)snprintf(err, err_size, "cannot become uid %u: %s", (unsigned)st.st_uid,
		    strerror(errno));
		return TSR_SYSTEM;
	}
	return TSR_OK;
}

void
offline_key_file(const struct config *c, char *out, size_t size)
{
	if (c->store_key != NULL)
		(void)snprintf(out, size, "%s", c->store_key);
	else
		(void)snprintf(out, size, "%s/store.key", c->state_dir);
}

static int
offline_fail(const char *err)
{
	log_line(LOG_ERROR, "%s", err);
	return 1;
}

int
offline_restore(const struct config *c, const struct daemon_options *o, int fd)
{
	struct secret *key = NULL;
	char err[1024];
	int r;

	(void)snprintf(err, sizeof(err), "the sandbox cannot be entered");
	if ((r = daemon_store_key(c, &key, err, sizeof(err))) == TSR_OK &&
	    (r = confine_agent(c, o)) == TSR_OK)
		r = store_restore(c->store, key, fd, err, sizeof(err));
	secret_free(&key);
	if (r != TSR_OK)
		return offline_fail(err);
	log_line(LOG_NOTICE, "the store was restored; start tesserad, look at \"tessera credential "
	    "list --all\", then run \"tessera store confirm\"");
	return 0;
}

/* Which folder a file is in: names there are made durable. */
static int
offline_rename(const char *from, const char *to)
{
	char *folder;
	int r;

	if (rename(from, to) == -1)
		return TSR_STORE;
	if ((folder = store_file_parent(to)) == NULL)
		return TSR_NOMEM;
	r = store_file_sync_folder(folder);
	free(folder);
	return r;
}

/* The store has the new key: the audit log's first, the store key's file last,
 * since it is the latter that tells whether something is left to do. */
static int
offline_adopt(const struct config *c, const char *new_file, const char *file, char *err,
    size_t err_size)
{
	int r;

	if ((r = audit_first_adopt(c->state_dir, err, err_size)) != TSR_OK)
		return r;
	if ((r = offline_rename(new_file, file)) != TSR_OK)
		(void)snprintf(err, err_size, "the store has the key %.400s now: move it to "
		    "%.400s", new_file, file);
	return r;
}

static int
offline_rekey_steps(const struct config *c, const struct secret *old, char *err, size_t err_size)
{
	char file[PATH_MAX], new_file[PATH_MAX + sizeof(NEW)];
	struct secret *new = NULL;
	struct store *st = NULL;
	int r;

	offline_key_file(c, file, sizeof(file));
	(void)snprintf(new_file, sizeof(new_file), "%s" NEW, file);
	if ((r = store_open(c->store, old, &st, err, err_size)) != TSR_OK)
		return r;
	(void)snprintf(err, err_size, "out of memory");
	r = TSR_NOMEM;
	if ((new = secret_new(STORE_KEY_BYTES)) == NULL)
		goto out;
	randombytes_buf(new->data, new->size);
	/* The new key is durable before anything is sealed with it. */
	if ((r = store_key_write(new_file, new, err, err_size)) != TSR_OK ||
	    (r = audit_first_reseal(c->state_dir, old, new, err, err_size)) != TSR_OK)
		goto out;
	if ((r = store_rekey(st, new)) != TSR_OK) {
		(void)snprintf(err, err_size, r == TSR_CONFLICT ? "the store has to be confirmed first: "
		    "start tesserad and run \"tessera store confirm\"" : r == TSR_CORRUPT ?
		    "the store was altered: start tesserad, which suspends what is in it" :
		    "the store cannot be written: its key stays as it was");
		goto out;
	}
	r = offline_adopt(c, new_file, file, err, err_size);
 out:
	secret_free(&new);
	store_close(&st);
	return r;
}

int
offline_rekey(const struct config *c, const struct daemon_options *o)
{
	struct secret *key = NULL;
	struct store *st = NULL;
	char file[PATH_MAX], err[1024];
	int r;

	offline_key_file(c, file, sizeof(file));
	(void)snprintf(err, sizeof(err), "the sandbox cannot be entered");
	if (store_is_new(c->store))
		return offline_fail("there is no store yet");
	/* Only a key in a file of ours can be replaced by a rename. */
	if ((r = store_key_read(file, 0, &key, err, sizeof(err))) != TSR_OK ||
	    (r = confine_agent(c, o)) != TSR_OK)
		goto out;
	/* One that was killed half way is finished before the next begins. */
	if ((r = offline_rekey_steps(c, key, err, sizeof(err))) == TSR_CORRUPT &&
	    offline_finish_rekey(c, r, &st, err, sizeof(err)) == TSR_OK)
		r = TSR_OK;
 out:
	store_close(&st);
	secret_free(&key);
	if (r != TSR_OK)
		return offline_fail(err);
	log_line(LOG_NOTICE, "the store has a new key in %s: backups made before open with the old one "
	    "alone", file);
	return 0;
}

int
offline_finish_rekey(const struct config *c, int r, struct store **out, char *err, size_t err_size)
{
	char file[PATH_MAX], new_file[PATH_MAX + sizeof(NEW)], other[1024];
	struct secret *key = NULL;
	struct store *st = NULL;

	offline_key_file(c, file, sizeof(file));
	(void)snprintf(new_file, sizeof(new_file), "%s" NEW, file);
	if (r != TSR_CORRUPT || access(new_file, F_OK) == -1 ||
	    store_key_read(new_file, 0, &key, other, sizeof(other)) != TSR_OK)
		return r;
	if (store_open(c->store, key, &st, other, sizeof(other)) == TSR_OK) {
		if ((r = offline_adopt(c, new_file, file, err, err_size)) == TSR_OK) {
			*out = st;
			st = NULL;
		}
	}
	store_close(&st);
	secret_free(&key);
	return r;
}
