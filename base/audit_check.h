/*
 * audit_check.h - verifying audit logs: fed with the lines of their files,
 * oldest first, it finds the first line at which something is wrong.
 *
 * Each file begins with a line
 *
 *     {"seq":N,"time":T,"event":"file","reason":"R","prev":"M","mac":"..."}
 *
 * which names the MAC before it, so that the oldest file that is left can be
 * verified without those that were deleted.  Reasons: "start" (the first of
 * all), "rotated", and "lost": the agent found that lines were missing or
 * altered and went on with a new file.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef BASE_AUDIT_CHECK_H
#define BASE_AUDIT_CHECK_H

#include "base/audit_chain.h"

enum audit_fault {
	AUDIT_GOOD = 0,
	AUDIT_SYNTAX,		/* no line of an audit log */
	AUDIT_ALTERED,		/* its MAC does not belong to it */
	AUDIT_WRONG_KEY,	/* no line belongs to this key */
	AUDIT_GAP,		/* lines before it are missing */
	AUDIT_ORDER,		/* it stands in the wrong place, or twice */
	AUDIT_BEGINNING,	/* a file does not begin as files do */
	AUDIT_LOST,		/* the agent says that lines before it were lost */
	AUDIT_REPLACED,		/* the line that the head names is another one */
	AUDIT_CUT		/* the log ends before the head */
};

#define AUDIT_WHY_MAX	256	/* bytes of a sentence, with NUL */

struct audit_check {
	struct audit_chain chain;
	struct audit_head head;	/* seq 0: not known */
	uint8_t first[AUDIT_KEY];
	int begun;		/* a file was seen: chain stands after its last line */
	int at_beginning;	/* of a file */
	size_t lines;		/* that were good, over all files */
	uint64_t seq;		/* of the last good one */
	int64_t time;		/* and its time */
	/* After a fault in the very first line: does the rest fit the key? */
	struct audit_chain second;
	int second_set, second_good;
	size_t second_lines;
	enum audit_fault fault;
	char why[AUDIT_WHY_MAX];
};

/* head may be NULL. */
void audit_check_init(struct audit_check *c, const uint8_t first[AUDIT_KEY],
    const struct audit_head *head);

/* A file begins. */
void audit_check_file(struct audit_check *c);

/* One line without its newline.  Once something other than AUDIT_GOOD came
 * back, that is what every further call says. */
enum audit_fault audit_check_line(struct audit_check *c, const char *p, size_t n);

/* The last file ended.  c->why is a sentence about the fault. */
enum audit_fault audit_check_end(struct audit_check *c);

/* "altered", "cut", ...: for scripts. */
const char *audit_fault_name(enum audit_fault f);

void audit_check_wipe(struct audit_check *c);

#endif
