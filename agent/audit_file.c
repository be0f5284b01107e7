/*
 * audit_file.c - see audit_file.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/audit_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/audit_first.h"
#include "agent/audit_tail.h"
#include "agent/public_file.h"
#include "agent/store_file.h"
#include "tessera.h"

#define PENDING_KEPT	(64u << 10)	/* bytes of memory kept for pending lines */
#define ROTATE_AGAIN	(1u << 20)	/* bytes until a failed rotation is tried again */
#define STALE_MAX	4096		/* numbers beyond keep that are looked for */

struct audit_file {
	char *dir;
	uint64_t size, rotate_at;
	unsigned keep;
	int fd;				/* -1: to be opened, and cut to synced */
	int made;			/* the name of audit.log is not durable yet */
	uint64_t synced;		/* bytes of audit.log that are durable */
	struct audit_head head;		/* of the last durable line */
	struct audit_head told;		/* in audit.head */
	struct audit_chain chain;
	struct buf pending;
};

static void
file_path(const struct audit_file *f, const char *name, char out[PATH_MAX])
{
	(void)snprintf(out, PATH_MAX, "%s/%s", f->dir, name);
}

/* audit.log.N, for 0 audit.log. */
static void
file_number(const struct audit_file *f, unsigned n, char out[PATH_MAX])
{
	if (n == 0)
		(void)snprintf(out, PATH_MAX, "%s/audit.log", f->dir);
	else
		(void)snprintf(out, PATH_MAX, "%s/audit.log.%u", f->dir, n);
}

/* --- the first key --- */

/* *made tells that there was none. */
static int
file_key(const struct audit_file *f, const struct secret *store_key, struct secret **first,
    int *made, char *err, size_t err_size)
{
	char path[PATH_MAX], log[PATH_MAX];
	unsigned i;
	int r;

	file_path(f, "audit.key", path);
	*made = 0;
	if ((r = store_file_check(path, err, err_size)) == TSR_OK)
		return audit_first_load(f->dir, store_key, first, err, err_size);
	if (r != TSR_NOT_FOUND)
		return r;
	for (i = 0; i <= 1; i++) {
		file_number(f, i, log);
		if (access(log, F_OK) == 0) {
			(void)snprintf(err, err_size, "the audit log %s has no key %s: put the key back, or "
			    "move the files of the log away", log, path);
			return TSR_CORRUPT;
		}
	}
	*made = 1;
	return audit_first_make(f->dir, store_key, first, err, err_size);
}

/* --- lines --- */

int
audit_file_put(struct audit_file *f, int64_t now, const char *event, const char *members)
{
	size_t at = f->pending.len;
	int r;

	if (at + AUDIT_LINE_MAX > AUDIT_PENDING_MAX)
		return TSR_STORE;
	if ((r = buf_printf(&f->pending, "{\"seq\":%" PRIu64 ",\"time\":%" PRId64 ",\"event\":\"%s\"%s",
	    f->chain.seq, now < 0 ? 0 : now, event, members)) != TSR_OK ||
	    (r = audit_chain_close(&f->chain, &f->pending, at)) != TSR_OK)
		buf_cut(&f->pending, at);
	return r;
}

/* The first line of a file. */
static int
file_put_beginning(struct audit_file *f, int64_t now, const char *reason)
{
	char hex[2 * AUDIT_MAC + 1], members[128];

	audit_mac_write(f->chain.mac, hex);
	(void)snprintf(members, sizeof(members), ",\"reason\":\"%s\",\"prev\":\"%s\"", reason, hex);
	return audit_file_put(f, now, "file", members);
}

/* --- rotation --- */

static void
file_shift(const struct audit_file *f)
{
	char from[PATH_MAX], to[PATH_MAX];
	unsigned i;

	/* keep may have been lowered */
	for (i = f->keep + 1; i < f->keep + STALE_MAX; i++) {
		file_number(f, i, from);
		if (unlink(from) == -1)
			break;
	}
	for (i = f->keep; i > 1; i--) {
		file_number(f, i - 1, from);
		file_number(f, i, to);
		(void)rename(from, to);		/* not there: nothing to move */
	}
}

/* Put audit.log aside. */
static int
file_aside(struct audit_file *f)
{
	char from[PATH_MAX], to[PATH_MAX];

	file_shift(f);
	file_number(f, 0, from);
	file_number(f, 1, to);
	if (rename(from, to) == -1)
		return TSR_STORE;
	if (f->fd != -1)
		(void)close(f->fd);
	f->fd = -1;
	f->synced = 0;
	f->rotate_at = f->size;
	return TSR_OK;
}

static void
file_rotate(struct audit_file *f, int64_t now)
{
	f->rotate_at = f->synced + ROTATE_AGAIN;
	/* Where the file stays in place after all, the line is one like others. */
	if (file_put_beginning(f, now, "rotated") == TSR_OK)
		(void)file_aside(f);
}

/* --- making durable --- */

static int
file_reopen(struct audit_file *f)
{
	char path[PATH_MAX];
	struct stat sb;

	file_number(f, 0, path);
	f->fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
	if (f->fd == -1)
		return TSR_STORE;
	f->made = 1;
	if (fstat(f->fd, &sb) == -1 || !S_ISREG(sb.st_mode) || sb.st_uid != geteuid() ||
	    (uint64_t)sb.st_size < f->synced || ftruncate(f->fd, (off_t)f->synced) == -1)
		return TSR_STORE;
	return TSR_OK;
}

static int
file_write(const struct audit_file *f)
{
	size_t done = 0;
	ssize_t n;

	while (done < f->pending.len) {
		n = pwrite(f->fd, f->pending.data + done, f->pending.len - done, (off_t)(f->synced + done));
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			return TSR_STORE;
		done += (size_t)n;
	}
	return fdatasync(f->fd) == 0 ? TSR_OK : TSR_STORE;
}

/* Nothing is built on what may or may not be in the file: it is opened again,
 * and cut, before the next try.  errno stays. */
static void
file_give_up(struct audit_file *f)
{
	int saved = errno;

	if (f->fd != -1) {
		if (ftruncate(f->fd, (off_t)f->synced) == -1)
			saved = errno;
		(void)close(f->fd);
	}
	f->fd = -1;
	errno = saved;
}

int
audit_file_sync(struct audit_file *f, int64_t now)
{
	if (f->pending.len == 0)
		return TSR_OK;
	if ((f->fd == -1 && file_reopen(f) != TSR_OK) || file_write(f) != TSR_OK ||
	    (f->made && store_file_sync_folder(f->dir) != TSR_OK)) {
		file_give_up(f);
		return TSR_STORE;
	}
	f->made = 0;
	f->synced += f->pending.len;
	f->head.seq = f->chain.seq - 1;
	memcpy(f->head.mac, f->chain.mac, AUDIT_MAC);
	if (f->pending.cap > PENDING_KEPT)
		buf_free(&f->pending);
	else
		buf_reset(&f->pending);
	if (f->synced >= f->rotate_at)
		file_rotate(f, now);
	return TSR_OK;
}

size_t
audit_file_pending(const struct audit_file *f)
{
	return f->pending.len;
}

const void *
audit_file_pending_lines(const struct audit_file *f)
{
	return f->pending.data;
}

uint64_t
audit_file_seq(const struct audit_file *f)
{
	return f->chain.seq;
}

void
audit_file_limits(struct audit_file *f, uint64_t size, unsigned keep)
{
	f->size = f->rotate_at = size;
	f->keep = keep;
}

/* --- the head --- */

void
audit_file_head(const struct audit_file *f, struct audit_head *h)
{
	*h = f->head;
}

int
audit_file_write_head(struct audit_file *f)
{
	char path[PATH_MAX], text[AUDIT_HEAD_TEXT + 1];
	size_t n;
	int r;

	if (f->head.seq == f->told.seq)
		return TSR_OK;
	file_path(f, "audit.head", path);
	audit_head_write(&f->head, text);
	n = strlen(text);
	text[n++] = '\n';
	if ((r = public_file_write(path, text, n)) == TSR_OK)
		f->told = f->head;
	return r;
}

static void
file_read_head(const struct audit_file *f, struct audit_head *h)
{
	char path[PATH_MAX], text[AUDIT_HEAD_TEXT + 1];
	ssize_t n = -1;
	int fd;

	file_path(f, "audit.head", path);
	memset(h, 0, sizeof(*h));
	if ((fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)) == -1)
		return;
	n = read(fd, text, sizeof(text));
	(void)close(fd);
	if (n > 1 && text[n - 1] == '\n' && audit_head_read(text, (size_t)n - 1, h) == TSR_OK)
		return;
	memset(h, 0, sizeof(*h));
}

/* --- continuing --- */

/* audit.log, or what a crash left of a rotation.  TSR_NOT_FOUND. */
static int
file_find(struct audit_file *f, char *err, size_t err_size)
{
	char log[PATH_MAX], older[PATH_MAX];
	struct stat sb;
	int r;

	file_number(f, 0, log);
	file_number(f, 1, older);
	r = store_file_check(log, err, err_size);
	if (r == TSR_OK && stat(log, &sb) == 0 && sb.st_size == 0 && unlink(log) == 0)
		r = TSR_NOT_FOUND;	/* made, and then nothing was written */
	if (r == TSR_NOT_FOUND) {
		if ((r = store_file_check(older, err, err_size)) != TSR_OK)
			return r;
		if (rename(older, log) == -1) {
			(void)snprintf(err, err_size, "cannot rename %s: %s", older, strerror(errno));
			return TSR_STORE;
		}
	}
	if (r == TSR_OK && (f->fd = open(log, O_RDWR | O_NOFOLLOW | O_CLOEXEC)) == -1) {
		(void)snprintf(err, err_size, "cannot open the audit log %s: %s", log, strerror(errno));
		return TSR_STORE;
	}
	return r;
}

/* A new file after what is known of the one before. */
static int
file_begin(struct audit_file *f, const uint8_t first[AUDIT_KEY], const struct audit_head *last,
    const char *reason, int64_t now)
{
	int r;

	if ((r = audit_chain_at(&f->chain, first, last->seq + 1, last->mac)) != TSR_OK)
		return r;
	f->synced = 0;
	return file_put_beginning(f, now, reason);
}

/* The first and the last line of what waited. */
static void
file_waiting(const struct audit_file_options *o, uint64_t *from, struct audit_head *last)
{
	const char *p = o->waiting, *end;
	struct audit_line l;
	size_t left = o->waiting_len;

	*from = 0;
	memset(last, 0, sizeof(*last));
	while (left > 0 && (end = memchr(p, '\n', left)) != NULL &&
	    audit_line_read(p, (size_t)(end - p), &l) == TSR_OK) {
		if (*from == 0)
			*from = l.seq;
		last->seq = l.seq;
		memcpy(last->mac, l.mac, AUDIT_MAC);
		left -= (size_t)(end - p) + 1;
		p = end + 1;
	}
}

/* Those that follow the chain, to be written. */
static int
file_replay(struct audit_file *f, const struct audit_file_options *o)
{
	const char *p = o->waiting, *end;
	struct audit_line l;
	size_t left = o->waiting_len, n;
	int r;

	for (; left > 0 && (end = memchr(p, '\n', left)) != NULL; p += n, left -= n) {
		n = (size_t)(end - p) + 1;
		if (audit_line_read(p, n - 1, &l) != TSR_OK || l.seq < f->chain.seq)
			continue;
		if ((r = audit_chain_check(&f->chain, p, n - 1)) == TSR_CRYPTO)
			return r;
		if (r != TSR_OK)
			break;
		if ((r = buf_put(&f->pending, p, n)) != TSR_OK)
			return r;
	}
	return TSR_OK;
}

static int
file_continue(struct audit_file *f, const struct audit_file_options *o, const uint8_t first[AUDIT_KEY],
    struct audit_head *head, int64_t now, int *lost)
{
	struct audit_head waited;
	struct audit_tail t;
	uint64_t from;
	char members[64];
	int r;

	if ((r = audit_tail_read(f->fd, first, head, &t)) != TSR_OK)
		return r;
	file_waiting(o, &from, &waited);
	if (t.altered || t.last.seq == 0 || from > t.last.seq + 1) {
		*lost = 1;
		if (waited.seq > head->seq)
			*head = waited;
		if ((r = file_aside(f)) != TSR_OK)
			return r;
		return file_begin(f, first, head->seq > t.last.seq ? head : &t.last, "lost", now);
	}
	if ((r = audit_chain_at(&f->chain, first, t.last.seq + 1, t.last.mac)) != TSR_OK)
		return r;
	f->synced = t.good;
	f->head = t.last;
	f->made = 1;
	if ((r = file_replay(f, o)) != TSR_OK || t.good == t.size)
		return r;
	(void)close(f->fd);		/* opened again and cut before the next write */
	f->fd = -1;
	(void)snprintf(members, sizeof(members), ",\"dropped\":%" PRIu64, t.size - t.good);
	return audit_file_put(f, now, "recovered", members);
}

static int
file_start(struct audit_file *f, const struct audit_file_options *o, const struct secret *store_key,
    int fresh, int64_t now, int *lost, char *err, size_t err_size)
{
	struct secret *first = NULL;
	struct audit_head head;
	int made, r;

	if ((r = file_key(f, store_key, &first, &made, err, err_size)) != TSR_OK)
		return r;
	file_read_head(f, &head);
	if (made)
		memset(&head, 0, sizeof(head));		/* of another key */
	else if (o->known.seq > head.seq)
		head = o->known;
	if ((r = file_find(f, err, err_size)) == TSR_OK)
		r = file_continue(f, o, first->data, &head, now, lost);
	else if (r == TSR_NOT_FOUND) {
		*lost = !fresh || head.seq > 0;
		r = file_begin(f, first->data, &head, *lost ? "lost" : "start", now);
	} else
		goto out;
	if (r != TSR_OK)
		(void)snprintf(err, err_size, "the audit log in %s cannot be continued: %s", f->dir,
		    tsr_strerror(r));
 out:
	secret_free(&first);
	return r;
}

int
audit_file_open(const struct audit_file_options *o, const struct secret *store_key, int fresh,
    int64_t now, struct audit_file **out, int *lost, char *err, size_t err_size)
{
	struct audit_file *f;
	int r = TSR_NOMEM;

	(void)snprintf(err, err_size, "out of memory for the audit log");
	*lost = 0;
	if ((f = calloc(1, sizeof(*f))) == NULL)
		return TSR_NOMEM;
	f->fd = -1;
	buf_init(&f->pending, AUDIT_PENDING_MAX);
	audit_file_limits(f, o->size, o->keep);
	if ((f->dir = strdup(o->dir)) == NULL)
		goto out;
	if ((r = file_start(f, o, store_key, fresh, now, lost, err, err_size)) != TSR_OK)
		goto out;
	*out = f;
	f = NULL;
 out:
	audit_file_close(&f);
	return r;
}

void
audit_file_close(struct audit_file **fp)
{
	struct audit_file *f = *fp;

	if (f == NULL)
		return;
	if (f->fd != -1)
		(void)close(f->fd);
	audit_chain_wipe(&f->chain);
	buf_free(&f->pending);
	free(f->dir);
	free(f);
	*fp = NULL;
}
