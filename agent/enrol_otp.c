/*
 * enrol_otp.c - see enrol_otp.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/enrol_otp.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/audit_event.h"
#include "agent/body.h"
#include "agent/clock.h"
#include "agent/enrol_otp_read.h"
#include "agent/enrol_otp_store.h"
#include "agent/enrol_subject.h"
#include "agent/enrol_voucher.h"
#include "agent/enrol_word.h"
#include "agent/login.h"
#include "agent/otp.h"
#include "agent/problem.h"
#include "include/tessera.h"

struct enrol_otp {
	struct agent *agent;
	const struct http_request *request;
	struct enrol_otp_wish wish;
	struct otp_pending pending;	/* being put together */
	int own, vouched;		/* by the subject; who proves himself first */
	struct enrol_subject whom;
	struct login *login;
};

static void
enrol_otp_free(struct enrol_otp *e)
{
	enrol_subject_end(&e->whom);
	login_cancel(&e->login);
	otp_record_clear(&e->pending.record);
	sodium_memzero(e, sizeof(*e));
	free(e);
}

static void
enrol_otp_gone(void *arg)
{
	enrol_otp_free(arg);
}

static void
enrol_otp_fail(struct enrol_otp *e, int code, const char *members, const char *text)
{
	problem_with(e->request->conn, code, members, text[0] != '\0' ? "%s" : NULL, text);
	enrol_otp_free(e);
}

/* --- the seed is there, and somebody may enrol it --- */

/* Stored at once: a hardware token whose code nobody can read off here. */
static void
enrol_otp_unconfirmed(struct enrol_otp *e)
{
	struct buf out;
	int r;

	buf_init(&out, HTTP_ANSWER_MAX);
	e->pending.record.trust = OTP_FRESH;
	if ((r = enrol_otp_store(e->agent, e->request->conn, &e->pending, &out)) == TSR_OK)
		http_answer(e->request->conn, 201, NULL, out.data, out.len, 1);
	else
		enrol_otp_refused(e->request->conn, r, &e->pending);
	buf_free(&out);
	enrol_otp_free(e);
}

static void
enrol_otp_ready(struct enrol_otp *e)
{
	struct buf out;
	int r;

	if (!e->wish.confirm) {
		enrol_otp_unconfirmed(e);
		return;
	}
	buf_init(&out, HTTP_ANSWER_MAX);
	/* the answer first: the seed goes to those that wait */
	if ((r = enrol_otp_offer(&out, e->agent, &e->pending, e->wish.drawn)) == TSR_OK)
		r = otp_pending_add(e->agent->otp_pendings, &e->pending);
	if (r == TSR_OK)
		http_answer(e->request->conn, 202, NULL, out.data, out.len, 1);
	else
		problem(e->request->conn, r, r == TSR_SLOW_DOWN ?
		    "too many tokens wait for their first code: confirm them, or wait" : NULL);
	buf_free(&out);
	enrol_otp_free(e);
}

static void
enrol_otp_vouched(void *arg, int code, const struct credential *c, const char *members,
    const char *detail)
{
	struct enrol_otp *e = arg;

	e->login = NULL;
	if (code != TSR_OK) {
		enrol_otp_fail(e, code, members, detail);
		return;
	}
	(void)snprintf(e->pending.voucher, sizeof(e->pending.voucher), "%s", c->id);
	enrol_otp_ready(e);
}

static void
enrol_otp_by_code(struct enrol_otp *e)
{
	char id[STORE_ID_LEN + 1];
	int r;

	if ((r = enrol_otp_prove(e->agent, e->request, &e->pending.credential, e->wish.otp,
	    id)) != TSR_OK) {
		enrol_otp_fail(e, r, "", r == TSR_BAD_GRANT ?
		    "the code is not right, was used, or is not taken now" : "");
		return;
	}
	(void)snprintf(e->pending.voucher, sizeof(e->pending.voucher), "%s", id);
	enrol_otp_ready(e);
}

/* --- whom --- */

static void
enrol_otp_whom(void *arg, int code, const char *text)
{
	struct enrol_otp *e = arg;

	if (code != TSR_OK) {
		enrol_otp_fail(e, code, "", text);
		return;
	}
	enrol_otp_name(e->agent, &e->pending);
	if (!e->vouched)
		enrol_otp_ready(e);
	else if (e->wish.otp[0] != '\0')
		enrol_otp_by_code(e);
	else		/* first a fresh proof by another one, which may be a code */
		enrol_voucher_prove(e->agent, e->request, &e->pending.credential, ACR_OTP,
		    enrol_otp_vouched, e, &e->login);
}

static void
enrol_otp_begin(struct enrol_otp *e)
{
	http_park(e->request->conn, enrol_otp_gone, e);
	enrol_subject_find(&e->whom, e->agent, e->request, &e->pending.credential, e->own,
	    enrol_otp_whom, e);
}

/* --- what was asked --- */

static struct enrol_otp *
enrol_otp_new(struct agent *a, const struct http_request *r, int own)
{
	struct enrol_otp *e;

	if ((e = calloc(1, sizeof(*e))) == NULL) {
		problem(r->conn, TSR_NOMEM, NULL);
		return NULL;
	}
	e->agent = a;
	e->request = r;
	e->own = own;
	e->pending.by = r->caller->uid;
	e->pending.admin = !own;
	return e;
}

void
enrol_otp_admin(struct agent *a, const struct http_request *r, const struct asker *who)
{
	struct enrol_otp *e;

	(void)who;
	if ((e = enrol_otp_new(a, r, 0)) == NULL)
		return;
	if (enrol_otp_read(r, NULL, &e->wish, &e->pending) != TSR_OK)
		enrol_otp_free(e);
	else
		enrol_otp_begin(e);
}

/* An enrolment code stands for the administrator. */
static int
enrol_otp_own_code(struct enrol_otp *e)
{
	if (e->wish.enrol_code[0] == '\0')
		return TSR_OK;
	e->vouched = 0;
	return enrol_word_read(e->agent, e->request, e->pending.credential.subject,
	    e->wish.enrol_code, &e->pending.word);
}

void
enrol_otp_own(struct agent *a, const struct http_request *r, const struct asker *who)
{
	struct enrol_otp *e;

	if (who->name[0] == '\0') {
		problem(r->conn, TSR_DENIED, "uid %u has no user name", r->caller->uid);
		return;
	}
	if ((e = enrol_otp_new(a, r, 1)) == NULL)
		return;
	/* In user mode the user is the administrator who enrols the first one, too. */
	e->vouched = !(a->mode == CONFIG_USER && r->caller->uid == getuid());
	if (enrol_otp_read(r, who->name, &e->wish, &e->pending) != TSR_OK ||
	    enrol_otp_own_code(e) != TSR_OK)
		enrol_otp_free(e);
	else
		enrol_otp_begin(e);
}

/* --- the code that ends it --- */

static void
enrol_otp_confirm(struct agent *a, const struct http_request *r, const char *id, int admin)
{
	char code[OTP_TEXT_MAX + 1], next[OTP_TEXT_MAX + 1];
	struct otp_pending *p;
	struct buf out;
	int c, gone = 0;

	if (enrol_otp_read_codes(r, code, next) != TSR_OK)
		return;
	buf_init(&out, HTTP_ANSWER_MAX);
	if ((p = otp_pending_find(a->otp_pendings, id, r->caller->uid, admin)) == NULL)
		problem(r->conn, TSR_NOT_FOUND, "no token of this id waits for its first code: it was "
		    "confirmed, or more than %d minutes ago it was begun", OTP_PENDING_S / 60);
	else if (p->record.kind == OTP_HOTP && next[0] == '\0')
		problem_invalid(r->conn, "\"next\" is missing: a token that counts shows two codes");
	else if ((c = otp_pending_confirm(a->otp_pendings, p, code, next[0] != '\0' ? next : NULL,
	    &gone)) != TSR_OK)
		problem(r->conn, c, gone ? "that was not the token's code either: begin again" :
		    c == TSR_BAD_GRANT ? "that is not the token's code: is the clock of the phone "
		    "right? Try the next one" : NULL);
	else if ((c = enrol_otp_store(a, r->conn, p, &out)) != TSR_OK)
		enrol_otp_refused(r->conn, c, p);
	else {
		http_answer(r->conn, 201, NULL, out.data, out.len, 1);
		otp_pending_end(a->otp_pendings, p);
	}
	buf_free(&out);
	sodium_memzero(code, sizeof(code));
	sodium_memzero(next, sizeof(next));
}

void
enrol_otp_admin_confirm(struct agent *a, const struct http_request *r, const struct asker *who,
    const char *id)
{
	(void)who;
	enrol_otp_confirm(a, r, id, 1);
}

void
enrol_otp_own_confirm(struct agent *a, const struct http_request *r, const struct asker *who,
    const char *id)
{
	(void)who;
	enrol_otp_confirm(a, r, id, 0);
}
