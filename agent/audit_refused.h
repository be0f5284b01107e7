/*
 * audit_refused.h - refusals before authorisation, counted: who was refused
 * what, how often in this minute.  Whoever is refused as fast as he can gets
 * one line a minute and code, and no more than his share of them.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_AUDIT_REFUSED_H
#define AGENT_AUDIT_REFUSED_H

#include <stdint.h>
#include <sys/types.h>

#define AUDIT_REFUSED_LINES	256	/* lines a minute, of all uids */
#define AUDIT_REFUSED_PER_UID	16	/* lines a minute of one uid */
#define AUDIT_FAILED_PER_UID	30	/* lines of their own that failed proofs of one uid get a minute */

struct audit_refusal {
	const char *code;		/* a text that lives for ever; NULL: the rest, of any code */
	uid_t uid;			/* (uid_t)-1: of several */
	uint64_t n;
};

struct audit_refused;

int audit_refused_new(struct audit_refused **out);	/* TSR_NOMEM */
void audit_refused_free(struct audit_refused **r);

/* Count one.  Beyond a limit it goes to the uid's rest, or to the rest of all. */
void audit_refused_add(struct audit_refused *r, uid_t uid, const char *code);

/* May a failed proof of uid have a line of its own?  1, and it is taken. */
int audit_refused_own_line(struct audit_refused *r, uid_t uid);

/* Each count, then forget all: the minute is over.  Returns how many there
 * were. */
unsigned audit_refused_each(struct audit_refused *r,
    void (*each)(void *arg, const struct audit_refusal *f), void *arg);

#endif
