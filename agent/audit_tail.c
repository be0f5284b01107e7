/*
 * audit_tail.c - see audit_tail.h.
 *
 * Only the end of a file is read, so that a start takes milliseconds whatever
 * the log's length: "tessera audit verify" reads all of it.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/audit_tail.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/audit_file.h"
#include "tessera.h"

#define TAIL_WINDOW	(AUDIT_PENDING_MAX + (64u << 10))	/* bytes looked at: more than one write leaves torn */

static int
tail_load(int fd, uint64_t from, char *p, size_t n)
{
	ssize_t got;

	while (n > 0) {
		if ((got = pread(fd, p, n, (off_t)from)) == -1 && errno == EINTR)
			continue;
		if (got <= 0)
			return TSR_STORE;
		p += got;
		from += (uint64_t)got;
		n -= (size_t)got;
	}
	return TSR_OK;
}

/* Follow the lines of p[0..n) as long as they fit.  The first is believed; *good
 * is the offset after the last that fits, and *formed says whether a well-formed
 * line follows it.  TSR_CRYPTO: a line could not be looked at, which does not
 * make it a false one. */
static int
tail_follow(const char *p, size_t n, const uint8_t first[AUDIT_KEY], struct audit_head *last,
    size_t *good, int *formed)
{
	struct audit_chain c;
	struct audit_line l;
	const char *end;
	size_t at = 0, len;
	int r = TSR_OK;

	memset(&c, 0, sizeof(c));
	*formed = 0;
	while ((end = memchr(p + at, '\n', n - at)) != NULL) {
		len = (size_t)(end - (p + at));
		if (audit_line_read(p + at, len, &l) != TSR_OK)
			break;
		if (last->seq == 0) {
			if ((r = audit_chain_at(&c, first, l.seq + 1, l.mac)) != TSR_OK)
				break;
		} else if ((r = audit_chain_check(&c, p + at, len)) != TSR_OK) {
			*formed = 1;
			break;
		}
		last->seq = l.seq;
		memcpy(last->mac, l.mac, AUDIT_MAC);
		at += len + 1;
	}
	audit_chain_wipe(&c);
	*good = at;
	return r == TSR_CRYPTO ? r : TSR_OK;
}

static int
tail_altered(const struct audit_tail *t, int formed, uint64_t from, const struct audit_head *head)
{
	/* A crash tears the last write; it changes no whole line and takes away
	 * nothing that the head knew. */
	return formed || t->size - t->good > AUDIT_PENDING_MAX || (from > 0 && t->last.seq == 0) ||
	    head->seq > t->last.seq ||
	    (head->seq == t->last.seq && head->seq > 0 &&
	    memcmp(head->mac, t->last.mac, AUDIT_MAC) != 0);
}

int
audit_tail_read(int fd, const uint8_t first[AUDIT_KEY], const struct audit_head *head,
    struct audit_tail *out)
{
	struct audit_tail t;
	struct stat sb;
	uint64_t from;
	size_t n, good = 0, skip = 0;
	const char *nl;
	char *p;
	int formed, r;

	if (fstat(fd, &sb) == -1)
		return TSR_STORE;
	memset(&t, 0, sizeof(t));
	t.size = (uint64_t)sb.st_size;
	from = t.size > TAIL_WINDOW ? t.size - TAIL_WINDOW : 0;
	n = (size_t)(t.size - from);
	if ((p = malloc(n == 0 ? 1 : n)) == NULL)
		return TSR_NOMEM;
	if ((r = tail_load(fd, from, p, n)) != TSR_OK)
		goto out;
	if (from > 0 && (nl = memchr(p, '\n', n)) != NULL)
		skip = (size_t)(nl - p) + 1;	/* into the first whole line */
	if ((r = tail_follow(p + skip, n - skip, first, &t.last, &good, &formed)) != TSR_OK)
		goto out;
	t.good = from + skip + good;
	t.altered = tail_altered(&t, formed, from, head);
	*out = t;
 out:
	free(p);
	return r;
}
