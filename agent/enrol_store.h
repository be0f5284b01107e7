/*
 * enrol_store.h - the end of an enrolment of every kind: the credential is stored
 * with what goes with it, in the same batch as the answer.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_ENROL_STORE_H
#define AGENT_ENROL_STORE_H

#include "agent/agent.h"
#include "agent/enrol_word.h"

struct enrol_end {
	const struct credential *credential;
	int (*add)(struct store *st, const void *record);	/* what goes with it; may be NULL */
	const void *record;
	const struct enrol_word *word;	/* whose word it rests on: an administrator's, */
	const char *voucher;		/* an earlier credential's (its id, or "") */
	const void *by;			/* for enrol_word_spend() */
	int pin_default;		/* told in the audit log */
};

/*
 * Read again whose word it rests on (a code may have been spent by another
 * enrolment, a voucher disabled between the two proofs), spend it, store, write the
 * audit line, tell the user's listeners: all or nothing.  Outside store_begin().
 * TSR_BAD_GRANT: the code; TSR_DENIED: the voucher; TSR_CONFLICT: it is enrolled
 * already; TSR_TOO_LARGE: the user has too many.
 */
int enrol_store(struct agent *a, struct http_conn *conn, const struct enrol_end *e);
/* The sentence for such a code; "" for others. */
const char *enrol_store_text(int code);

#endif
