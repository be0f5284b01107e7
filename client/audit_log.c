/*
 * audit_log.c - see audit_log.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "client/audit_log.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/audit_key.h"
#include "base/config.h"
#include "client/config_path.h"
#include "tessera.h"

#define STORE_KEY	32	/* bytes */
#define OPEN_TRIES	8	/* while files are put aside under our hands */

int
audit_place(struct client *c, struct audit_place *p)
{
	struct config *conf = NULL;
	char path[4096], err[FAIL_TEXT_MAX] = "";
	const char *key = c->opt[OPT_STORE_KEY];
	int r;

	config_path(c, c->opt[OPT_CONFIG], path, sizeof(path));
	r = config_load(path, c->opt[OPT_USER_MODE] != NULL ? CONFIG_USER : CONFIG_SYSTEM, &conf,
	    err, sizeof(err));
	if (r != TSR_OK)
		return fail_set(&c->failure, "invalid_config", "%s", err[0] != '\0' ? err : tsr_strerror(r));
	if (key == NULL)
		key = conf->store_key;
	(void)snprintf(p->dir, sizeof(p->dir), "%s", conf->state_dir);
	if (key != NULL)
		(void)snprintf(p->store_key, sizeof(p->store_key), "%s", key);
	else
		(void)snprintf(p->store_key, sizeof(p->store_key), "%.4000s/store.key", conf->state_dir);
	config_free(&conf);
	return FAIL_NONE;
}

static int
cannot(struct client *c, const char *what, const char *path)
{
	if (errno == EACCES || errno == EPERM)
		return fail_set(&c->failure, "unauthorized_client", "%s %s is not yours to read: be root",
		    what, path);
	return fail_set(&c->failure, errno == ENOENT ? "not_found" : "failed", "%s %s: %s", what, path,
	    strerror(errno));
}

/* A regular file, no link, no FIFO. */
static int
open_file(const char *path)
{
	struct stat sb;
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	if (fd != -1 && (fstat(fd, &sb) == -1 || !S_ISREG(sb.st_mode))) {
		(void)close(fd);
		errno = EINVAL;
		return -1;
	}
	return fd;
}

static void
number_path(const struct audit_place *p, size_t i, char *out, size_t size)
{
	if (i == 0)
		(void)snprintf(out, size, "%.4000s/audit.log", p->dir);
	else
		(void)snprintf(out, size, "%.4000s/audit.log.%zu", p->dir, i);
}

/* From the oldest on; TSR_AGAIN where the files moved meanwhile. */
static int
open_all(const struct audit_place *p, struct audit_log *log)
{
	char path[4096 + 64];
	struct stat before, after;
	size_t i;
	int fd, had;

	number_path(p, 0, path, sizeof(path));
	had = stat(path, &before) == 0;
	for (i = AUDIT_LOG_FILES; i-- > 0; ) {
		number_path(p, i, path, sizeof(path));
		if ((fd = open_file(path)) == -1) {
			if (errno != ENOENT)
				return TSR_SYSTEM;
			continue;
		}
		(void)snprintf(log->file[log->n].name, sizeof(log->file[log->n].name), "%s",
		    strrchr(path, '/') + 1);
		log->file[log->n++].fd = fd;
	}
	number_path(p, 0, path, sizeof(path));
	if (had != (stat(path, &after) == 0) || (had && before.st_ino != after.st_ino))
		return TSR_AGAIN;
	errno = ENOENT;
	return log->n > 0 ? TSR_OK : TSR_SYSTEM;
}

void
audit_log_close(struct audit_log *log)
{
	while (log->n > 0)
		(void)close(log->file[--log->n].fd);
	free(log->file);
	log->file = NULL;
}

int
audit_log_open(struct client *c, const struct audit_place *p, const char *path, struct audit_log *log)
{
	const char *slash;
	int tries, saved, r = TSR_AGAIN;

	log->n = 0;
	if ((log->file = calloc(AUDIT_LOG_FILES, sizeof(*log->file))) == NULL)
		return fail_set(&c->failure, "failed", "out of memory");
	if (path != NULL) {
		if ((log->file[0].fd = open_file(path)) == -1)
			return cannot(c, "the audit log", path);
		slash = strrchr(path, '/');
		(void)snprintf(log->file[0].name, sizeof(log->file[0].name), "%.60s",
		    slash != NULL ? slash + 1 : path);
		log->n = 1;
		return FAIL_NONE;
	}
	for (tries = 0; tries < OPEN_TRIES && r == TSR_AGAIN; tries++) {
		while (log->n > 0)
			(void)close(log->file[--log->n].fd);
		r = open_all(p, log);
	}
	saved = errno;
	if (r == TSR_OK)
		return FAIL_NONE;
	errno = r == TSR_AGAIN ? EAGAIN : saved;
	return cannot(c, "the audit log in", p->dir);
}

void
audit_lines_init(struct audit_lines *l, int fd)
{
	l->fd = fd;
	l->have = l->at = 0;
	l->over = 0;
}

int
audit_lines_next(struct audit_lines *l, const char **p, size_t *n, size_t *torn)
{
	const char *end;
	ssize_t got;

	for (;;) {
		end = memchr(l->block + l->at, '\n', l->have - l->at);
		if (end != NULL) {
			*p = l->block + l->at;
			*n = (size_t)(end - *p);
			l->at += *n + 1;
			return 1;
		}
		memmove(l->block, l->block + l->at, l->have - l->at);
		l->have -= l->at;
		l->at = 0;
		if (l->have == sizeof(l->block)) {	/* no line at all */
			*p = l->block;
			*n = l->at = l->have;
			return 1;
		}
		if ((got = read(l->fd, l->block + l->have, sizeof(l->block) - l->have)) == -1) {
			if (errno == EINTR)
				continue;
			return -1;
		}
		if (got == 0) {
			*torn = l->have;
			return 0;
		}
		l->have += (size_t)got;
	}
}

/* All of a small file; -1 with errno. */
static ssize_t
read_small(const char *path, void *out, size_t size)
{
	ssize_t n;
	int fd, saved;

	if ((fd = open_file(path)) == -1)
		return -1;
	n = read(fd, out, size);
	saved = errno;
	(void)close(fd);
	errno = saved;
	return n;
}

int
audit_log_key(struct client *c, const struct audit_place *p, struct secret **first)
{
	uint8_t sealed[AUDIT_KEY_FILE + 1];
	struct secret *key;
	char path[4096 + 16];
	ssize_t n;
	int status = FAIL_NONE;

	(void)snprintf(path, sizeof(path), "%.4000s/audit.key", p->dir);
	if ((key = secret_new(STORE_KEY + 1)) == NULL)
		return fail_set(&c->failure, "failed", "out of memory");
	if ((n = read_small(p->store_key, key->data, key->size)) == -1) {
		status = cannot(c, "the store key", p->store_key);
		goto out;
	}
	key->size = n == STORE_KEY ? STORE_KEY : 1;	/* another size opens nothing */
	if ((n = read_small(path, sealed, sizeof(sealed))) == -1)
		status = cannot(c, "the key of the audit log", path);
	else if (n != AUDIT_KEY_FILE || audit_key_open(key, sealed, first) != TSR_OK)
		status = fail_set(&c->failure, "audit_wrong_key", "%s does not open with the store key %s",
		    path, p->store_key);
 out:
	secret_free(&key);
	return status;
}

int
audit_log_head(struct client *c, const struct audit_place *p, int use_file, struct audit_head *h)
{
	char path[4096 + 16], text[AUDIT_HEAD_TEXT + 1];
	const char *given = c->opt[OPT_HEAD];
	ssize_t n;

	memset(h, 0, sizeof(*h));
	if (given != NULL) {
		if (strncmp(given, "audit head ", 11) == 0)	/* as the journal has it */
			given += 11;
		if (audit_head_read(given, strlen(given), h) == TSR_OK)
			return FAIL_NONE;
		return fail_set(&c->failure, "usage", "--head takes \"NUMBER:MAC\", as the journal says it "
		    "after \"audit head\"");
	}
	(void)snprintf(path, sizeof(path), "%.4000s/audit.head", p->dir);
	if (!use_file || (n = read_small(path, text, sizeof(text))) == -1)
		return FAIL_NONE;
	if (n < 1 || text[n - 1] != '\n' || audit_head_read(text, (size_t)n - 1, h) != TSR_OK)
		return fail_set(&c->failure, "audit_head", "%s is damaged: give the head from the journal "
		    "with --head", path);
	return FAIL_NONE;
}
