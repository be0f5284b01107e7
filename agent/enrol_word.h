/*
 * enrol_word.h - an administrator's word on which somebody enrols a credential of
 * his own: an enrolment code, or the code that was given in place of a lost one.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_ENROL_WORD_H
#define AGENT_ENROL_WORD_H

#include "agent/agent.h"
#include "agent/recovery.h"

struct enrol_word {
	uint64_t code;		/* serial of an enrolment code, or 0 */
	char replacement[RECOVERY_CODE_LEN + 1];	/* the other code, or "" */
};

/* Is text such a code of the caller, whose name is subject?  Otherwise that was
 * answered and is in the audit log; *w is written with TSR_OK alone.  Nothing is
 * spent. */
int enrol_word_read(struct agent *a, const struct http_request *r, const char *subject,
    const char *text, struct enrol_word *w);

/*
 * Spend it, inside the request that stores the credential; nothing for one that is
 * empty.  TSR_BAD_GRANT where another enrolment did, or its time is over.  by is
 * the request, and only compared.  The audit line follows what it paid for; undone
 * says that it paid for nothing.
 */
int enrol_word_spend(struct agent *a, const struct credential *c, const struct enrol_word *w,
    const void *by);
int enrol_word_audit(struct agent *a, struct http_conn *conn, const struct credential *c,
    const struct enrol_word *w);
void enrol_word_undone(struct agent *a, const struct credential *c, const struct enrol_word *w,
    const void *by);

#endif
