/*
 * audit_check.c - see audit_check.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "base/audit_check.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "tessera.h"

#define SECOND_LINES	64	/* lines looked at to tell a wrong key from an altered line */

void
audit_check_init(struct audit_check *c, const uint8_t first[AUDIT_KEY], const struct audit_head *head)
{
	memset(c, 0, sizeof(*c));
	memcpy(c->first, first, AUDIT_KEY);
	if (head != NULL)
		c->head = *head;
}

void
audit_check_file(struct audit_check *c)
{
	c->at_beginning = 1;
}

static enum audit_fault __attribute__((format(printf, 3, 4)))
fault(struct audit_check *c, enum audit_fault f, const char *fmt, ...)
{
	va_list ap;

	c->fault = f;
	va_start(ap, fmt);
	(void)vsnprintf(c->why, sizeof(c->why), fmt, ap);
	va_end(ap);
	return f;
}

/* The members of a file's first line that come after its event. */
static int
read_beginning(const char *p, const struct audit_line *l, size_t n, int *lost, int *start,
    uint8_t prev[AUDIT_MAC])
{
	static const char *const reasons[] = { "start", "rotated", "lost" };
	char head[64];
	const char *rest;
	size_t i, k, left;

	if (l->event_len != 4 || memcmp(l->event, "file", 4) != 0)
		return TSR_INVALID;
	rest = l->event + 4;
	left = n - (size_t)(rest - p);
	for (i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
		k = (size_t)snprintf(head, sizeof(head), "\",\"reason\":\"%s\",\"prev\":\"", reasons[i]);
		if (left < k + 2 * AUDIT_MAC || memcmp(rest, head, k) != 0)
			continue;
		*start = i == 0;
		*lost = i == 2;
		return audit_mac_read(rest + k, 2 * AUDIT_MAC, prev);
	}
	return TSR_INVALID;
}

/* A file's first line: where the chain goes on. */
static enum audit_fault
begin(struct audit_check *c, const char *p, size_t n, const struct audit_line *l)
{
	uint8_t prev[AUDIT_MAC];
	int lost, start;

	c->at_beginning = 0;
	if (read_beginning(p, l, n, &lost, &start, prev) != TSR_OK)
		return fault(c, AUDIT_BEGINNING, "the beginning of the file is missing");
	if (lost && !c->begun) {
		/* Only what is known of before: go on, but do not call it good. */
		if (audit_chain_at(&c->chain, c->first, l->seq, prev) != TSR_OK ||
		    audit_chain_check(&c->chain, p, n) != TSR_OK)
			return fault(c, AUDIT_ALTERED, "the line was altered");
		return fault(c, AUDIT_LOST, "the agent found the log before this line missing or altered");
	}
	if (lost)
		return fault(c, AUDIT_LOST, "the agent found the log between lines number %" PRIu64
		    " and %" PRIu64 " missing or altered", c->seq, l->seq);
	if (c->begun && l->seq > c->chain.seq)
		return fault(c, AUDIT_GAP, "%" PRIu64 " lines before it are missing", l->seq - c->chain.seq);
	if (c->begun && l->seq < c->chain.seq)
		return fault(c, AUDIT_ORDER, "the file belongs before the one before it, or is an older copy");
	if (start != (l->seq == 1))
		return fault(c, AUDIT_BEGINNING, "the beginning of the file is not its own");
	if (!c->begun && audit_chain_at(&c->chain, c->first, l->seq, prev) != TSR_OK)
		return fault(c, AUDIT_SYNTAX, "this is no line of an audit log");
	c->begun = 1;
	return AUDIT_GOOD;
}

/* The very first line did not fit.  Follow those after it by what they say
 * themselves: where one of them fits, it was that line, not the key. */
static void
look_on(struct audit_check *c, const char *p, size_t n)
{
	struct audit_line l;

	if ((c->fault != AUDIT_ALTERED && c->fault != AUDIT_LOST) || c->lines > 0 ||
	    c->second_lines >= SECOND_LINES || audit_line_read(p, n, &l) != TSR_OK)
		return;
	if (c->second_set && audit_chain_check(&c->second, p, n) == TSR_OK)
		c->second_good = 1;
	c->second_set = l.seq < AUDIT_SEQ_MAX &&
	    audit_chain_at(&c->second, c->first, l.seq + 1, l.mac) == TSR_OK;
	c->second_lines++;
}

static enum audit_fault
next(struct audit_check *c, const char *p, size_t n)
{
	struct audit_line l;
	enum audit_fault f;

	if (audit_line_read(p, n, &l) != TSR_OK)
		return fault(c, AUDIT_SYNTAX, "this is no line of an audit log");
	if (c->at_beginning && (f = begin(c, p, n, &l)) != AUDIT_GOOD)
		return f;
	if (l.seq > c->chain.seq)
		return fault(c, AUDIT_GAP, "%" PRIu64 " lines before it are missing", l.seq - c->chain.seq);
	if (l.seq < c->chain.seq)
		return fault(c, AUDIT_ORDER, "the line stands in the wrong place, or twice");
	if (audit_chain_check(&c->chain, p, n) != TSR_OK)
		return fault(c, AUDIT_ALTERED, "the line was altered");
	if (l.seq == c->head.seq && sodium_memcmp(l.mac, c->head.mac, AUDIT_MAC) != 0)
		return fault(c, AUDIT_REPLACED, "the head names another line number %" PRIu64, l.seq);
	c->lines++;
	c->seq = l.seq;
	c->time = l.time;
	return AUDIT_GOOD;
}

enum audit_fault
audit_check_line(struct audit_check *c, const char *p, size_t n)
{
	if (c->fault == AUDIT_GOOD)
		(void)next(c, p, n);
	if (c->fault != AUDIT_GOOD)
		look_on(c, p, n);
	return c->fault;
}

enum audit_fault
audit_check_end(struct audit_check *c)
{
	if (c->fault == AUDIT_ALTERED && c->lines == 0 && !c->second_good)
		return fault(c, AUDIT_WRONG_KEY, "%s", c->second_lines > 1 ?
		    "no line belongs to this key" : "the line was altered, or belongs to another key");
	if (c->fault == AUDIT_GOOD && c->seq < c->head.seq)
		return fault(c, AUDIT_CUT, "the log ends with line number %" PRIu64 ", but there was a "
		    "line number %" PRIu64 ": its end was cut, or it is an older copy", c->seq, c->head.seq);
	return c->fault;
}

const char *
audit_fault_name(enum audit_fault f)
{
	static const char *const names[] = {
		[AUDIT_GOOD] = "good", [AUDIT_SYNTAX] = "malformed", [AUDIT_ALTERED] = "altered",
		[AUDIT_WRONG_KEY] = "wrong_key", [AUDIT_GAP] = "gap", [AUDIT_ORDER] = "reordered",
		[AUDIT_BEGINNING] = "beginning", [AUDIT_LOST] = "lost", [AUDIT_REPLACED] = "replaced",
		[AUDIT_CUT] = "cut"
	};

	return (size_t)f < sizeof(names) / sizeof(names[0]) ? names[f] : "unknown";
}

void
audit_check_wipe(struct audit_check *c)
{
	audit_chain_wipe(&c->chain);
	audit_chain_wipe(&c->second);
	sodium_memzero(c->first, sizeof(c->first));
}
