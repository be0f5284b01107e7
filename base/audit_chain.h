/*
 * audit_chain.h - the chain that the audit log is: its lines, their MACs and
 * the keys that evolve.  Pure; the agent writes with it (agent/audit_file.h),
 * whoever verifies reads with it (base/audit_check.h).
 *
 * A line is one JSON object and a newline,
 *
 *     {"seq":N,"time":T,"event":"NAME",...,"mac":"M"}
 *
 * N counts from 1 over all files, T is in seconds of the epoch, M is 32 lower
 * hex digits: BLAKE2b under the line's key over the MAC before (zeros before
 * the first) and all of the line that stands before `,"mac":`.
 *
 * Keys: the first epoch's key is random; each epoch of AUDIT_EPOCH lines has
 * the hash of the one before, its first line's key is a hash of that, and each
 * further line's key the hash of the one before.  Who holds the keys of now
 * cannot make those of before; who holds the first key reaches any line by few
 * hashes.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef BASE_AUDIT_CHAIN_H
#define BASE_AUDIT_CHAIN_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

#define AUDIT_KEY	32		/* bytes of a key */
#define AUDIT_MAC	16		/* bytes of a MAC */
#define AUDIT_EPOCH	4096		/* lines */
#define AUDIT_LINE_MAX	2048		/* bytes of a line with its newline */
#define AUDIT_SEQ_MAX	(UINT64_C(1) << 36)	/* lines of one first key */

/* Where the chain stands: what the next line needs. */
struct audit_chain {
	uint64_t seq;			/* of the next line */
	uint8_t mac[AUDIT_MAC];		/* of the line before it */
	uint8_t line_key[AUDIT_KEY];	/* of the next line */
	uint8_t epoch_key[AUDIT_KEY];	/* of the next epoch */
};

/* Stand before line seq, whose predecessor's MAC is mac (ignored for line 1:
 * zeros).  TSR_INVALID outside 1 to AUDIT_SEQ_MAX, TSR_CRYPTO. */
int audit_chain_at(struct audit_chain *c, const uint8_t first[AUDIT_KEY], uint64_t seq,
    const uint8_t mac[AUDIT_MAC]);

/* b->data[at..] holds a line up to the end of its last member: close it with
 * its MAC and a newline, and go on to the next line; the key used is wiped.
 * TSR_TOO_LARGE (the line, or the last of the numbers), TSR_NOMEM, TSR_CRYPTO:
 * then nothing changed. */
int audit_chain_close(struct audit_chain *c, struct buf *b, size_t at);

/* p[0..n), a line without its newline that audit_line_read accepted: is it the
 * next?  TSR_OK: the chain went on.  TSR_BAD_SIGNATURE: it did not.
 * TSR_CRYPTO: it cannot be told. */
int audit_chain_check(struct audit_chain *c, const char *p, size_t n);

void audit_chain_wipe(struct audit_chain *c);

/* The members that every line has. */
struct audit_line {
	uint64_t seq;
	int64_t time;
	const char *event;		/* in the line, event_len bytes */
	size_t event_len;
	uint8_t mac[AUDIT_MAC];
};

/* p[0..n), a line without its newline.  TSR_INVALID for anything that this
 * chain cannot have written. */
int audit_line_read(const char *p, size_t n, struct audit_line *out);

/* 32 lower hex digits and nothing else.  TSR_INVALID. */
int audit_mac_read(const char *hex, size_t n, uint8_t mac[AUDIT_MAC]);
void audit_mac_write(const uint8_t mac[AUDIT_MAC], char hex[2 * AUDIT_MAC + 1]);

/* The head of a log, "SEQ:MAC": what the journal and the head file say. */
#define AUDIT_HEAD_TEXT	64		/* bytes, with NUL */

struct audit_head {
	uint64_t seq;			/* 0: no line yet */
	uint8_t mac[AUDIT_MAC];
};

int audit_head_read(const char *text, size_t n, struct audit_head *h);	/* TSR_INVALID */
void audit_head_write(const struct audit_head *h, char text[AUDIT_HEAD_TEXT]);

#endif
