/*
 * enrol_word.c - see enrol_word.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/enrol_word.h"

#include <stdio.h>
#include <string.h>

#include "agent/audit_event.h"
#include "agent/enrol_code.h"
#include "agent/problem.h"
#include "include/tessera.h"

/* Would it be spent?  It is, and that is undone. */
static int
word_replaces(struct agent *a, const char *subject, uid_t uid, const char *text)
{
	int r;

	if (!recovery_is_code(text))
		return TSR_BAD_GRANT;
	if ((r = store_begin(a->store)) != TSR_OK)
		return r;
	r = recovery_spend(a->store, subject, uid, text, RECOVERY_REPLACEMENT, NULL);
	store_undo(a->store);
	return r;
}

int
enrol_word_read(struct agent *a, const struct http_request *r, const char *subject,
    const char *text, struct enrol_word *w)
{
	struct enrol_word word = { .code = 0 };
	int code;

	if ((code = audit_ready(a->audit)) == TSR_OK &&
	    (code = word_replaces(a, subject, r->caller->uid, text)) == TSR_OK)
		(void)snprintf(word.replacement, sizeof(word.replacement), "%s", text);
	else if (code == TSR_BAD_GRANT)		/* which counts wrong ones */
		code = enrol_code_check(a->codes, r->caller->uid, text, &word.code);
	if (code == TSR_OK) {
		*w = word;
		return TSR_OK;
	}
	if (code == TSR_BAD_GRANT)
		(void)audit_event_code_spent(a, r->conn, code);
	problem(r->conn, code, code == TSR_BAD_GRANT ? "this enrolment code is wrong, used or over: "
	    "ask an administrator for a new one" : NULL);
	return code;
}

int
enrol_word_spend(struct agent *a, const struct credential *c, const struct enrol_word *w,
    const void *by)
{
	if (w->code != 0)
		return enrol_code_spend(a->codes, c->uid, w->code, by);
	return w->replacement[0] == '\0' ? TSR_OK : recovery_spend(a->store, c->subject, c->uid,
	    w->replacement, RECOVERY_REPLACEMENT, NULL);
}

int
enrol_word_audit(struct agent *a, struct http_conn *conn, const struct credential *c,
    const struct enrol_word *w)
{
	int r;

	if (w->code == 0 && w->replacement[0] == '\0')
		return TSR_OK;
	if ((r = audit_event_code_spent(a, conn, TSR_OK)) == TSR_OK && w->code == 0)
		recovery_tell(a, c->uid, "");
	return r;
}

void
enrol_word_undone(struct agent *a, const struct credential *c, const struct enrol_word *w,
    const void *by)
{
	enrol_code_keep(a->codes, c->uid, w->code, by);
}
