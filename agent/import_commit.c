/*
 * import_commit.c - the end of an import: its users are looked up one after the
 * other, then all of it is stored in one savepoint, or nothing.
 *
 * SPDX-License-Identifier: ISC
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/admin.h"
#include "agent/audit_event.h"
#include "agent/body.h"
#include "agent/clock.h"
#include "agent/enrol_otp_store.h"
#include "agent/import_internal.h"
#include "agent/otp.h"
#include "agent/problem.h"
#include "include/tessera.h"
#include "token/json.h"

struct import_end {
	struct agent *agent;
	const struct http_request *request;
	struct import *import;
	int partial, dry_run;
	size_t at;			/* row that is looked up */
	size_t stored;
	unsigned ticket;
	int *answered;			/* set where the look-up ends inside its call */
};

/* The import is over, whatever came of it. */
static void
commit_free(struct import_end *e)
{
	if (e->ticket != 0)
		names_cancel(e->agent->names, e->ticket);
	e->import->busy = 0;
	import_clear(e->agent, e->import);
	free(e);
}

static void
commit_gone(void *arg)
{
	commit_free(arg);
}

/* --- what is stored --- */

/* What a user has already. */
struct held {
	const struct import_row *row;
	unsigned tokens;
	int same;	/* this very one is there */
};

static int
commit_held(void *arg, const struct credential *c)
{
	struct held *h = arg;

	if (!credential_is_otp(c))
		return TSR_OK;
	h->tokens++;
	h->same |= h->row->text.serial[0] != '\0' && strcmp(h->row->text.serial, c->token_serial) == 0;
	return TSR_OK;
}

static int
commit_row(struct import_end *e, struct import_row *row)
{
	struct agent *a = e->agent;
	struct otp_pending p;
	struct held h = { .row = row };
	int r;

	memset(&p, 0, sizeof(p));
	if ((r = store_credential_each(a->store, row->text.subject, row->uid, commit_held, &h)) != TSR_OK)
		return r;
	if (h.same || h.tokens >= OTP_PER_USER) {
		row->refused = h.same ? "the user has a token with this serial number" :
		    "the user has as many tokens that show codes as there may be";
		return TSR_OK;
	}
	if ((r = import_row_make(row, &p.credential, &p.record)) != TSR_OK)
		return r;
	p.credential.created = clock_wall();
	enrol_otp_name(a, &p);
	if ((r = store_credential_add(a->store, &p.credential)) == TSR_TOO_LARGE) {
		row->refused = "the user has as many credentials as there may be";
		r = TSR_OK;
	} else if (r == TSR_OK && (r = store_otp_add(a->store, &p.record)) == TSR_OK &&
	    (e->dry_run || (r = audit_event_enrol(a, e->request->conn, TSR_OK, &p.credential, 0)) == TSR_OK))
		e->stored++;
	otp_record_clear(&p.record);
	return r;
}

/* Rows that were refused so far. */
static size_t
commit_refused(const struct import_end *e)
{
	size_t i, n = e->import->refused;

	for (i = 0; i < e->import->n; i++)
		n += import_row_at(e->import, i)->refused != NULL;
	return n;
}

/* TSR_CONFLICT: rows are refused, nothing is kept. */
static int
commit_all(struct import_end *e)
{
	struct agent *a = e->agent;
	struct import_row *row;
	size_t i;
	int r;

	if ((r = audit_ready(a->audit)) != TSR_OK || (r = store_begin(a->store)) != TSR_OK)
		return r;
	for (i = 0; i < e->import->n && r == TSR_OK; i++) {
		row = import_row_at(e->import, i);
		if (row->refused == NULL)
			r = commit_row(e, row);
	}
	if (r == TSR_OK && !e->partial && commit_refused(e) > 0)
		r = TSR_CONFLICT;
	if (r == TSR_OK && !e->dry_run)
		r = audit_event_import(a, e->request->caller, e->stored);
	if (r != TSR_OK || e->dry_run) {
		store_undo(a->store);
		return r;
	}
	return store_keep(a->store);
}

/* --- the answer --- */

static int
commit_list(const struct import_end *e, struct buf *out)
{
	const struct import_row *row;
	size_t i, shown = 0;
	int r;

	for (i = 0; i < e->import->n; i++) {
		row = import_row_at(e->import, i);
		if (row->refused == NULL || shown++ == IMPORT_REFUSED_SHOWN)
			continue;
		if ((r = buf_printf(out, "%s{\"line\":%lld,\"error_description\":", shown > 1 ? "," : "",
		    (long long)row->line)) != TSR_OK ||
		    (r = json_put_string(out, row->refused)) != TSR_OK ||
		    (r = buf_put_cstr(out, "}")) != TSR_OK)
			return r;
	}
	return TSR_OK;
}

static int
commit_json(const struct import_end *e, int code, struct buf *out)
{
	int r;

	if (code == TSR_OK)
		r = buf_printf(out, "{\"imported\":%zu,\"dry_run\":%s", e->stored,
		    e->dry_run ? "true" : "false");
	else
		r = buf_printf(out, "{\"error\":\"%s\",\"error_description\":\"nothing was imported: rows "
		    "are refused\"", problem_name(code));
	if (r != TSR_OK || (r = buf_printf(out, ",\"refused_rows\":%zu,\"refused\":[",
	    commit_refused(e))) != TSR_OK || (r = commit_list(e, out)) != TSR_OK)
		return r;
	return buf_put_cstr(out, "]}");
}

static void
commit_tell(const struct import_end *e)
{
	const struct import_row *row;
	size_t i;

	for (i = 0; i < e->import->n; i++)
		if ((row = import_row_at(e->import, i))->refused == NULL)
			events_hold(e->agent->events, row->uid, "credential-enrolled",
			    "{\"kind\":\"otp\"}", 14);
}

static void
commit_end(struct import_end *e)
{
	struct http_conn *conn = e->request->conn;
	struct buf out;
	int r = commit_all(e);

	buf_init(&out, HTTP_ANSWER_MAX);
	if ((r == TSR_OK || r == TSR_CONFLICT) && commit_json(e, r, &out) == TSR_OK) {
		if (r != TSR_OK)
			http_refused(conn, problem_name(r));
		http_answer(conn, r == TSR_OK ? 200 : 409, NULL, out.data, out.len,
		    r == TSR_OK && !e->dry_run);
		if (r == TSR_OK && !e->dry_run)
			commit_tell(e);
	} else
		problem(conn, r == TSR_OK ? TSR_NOMEM : r, NULL);
	buf_free(&out);
	commit_free(e);
}

/* --- whose they are --- */

static void commit_next(struct import_end *e);

static void
commit_named(void *arg, int code, uid_t uid, gid_t gid, const char *name)
{
	struct import_end *e = arg;
	struct import_row *row = import_row_at(e->import, e->at);

	(void)gid;
	e->ticket = 0;
	if (code == TSR_OK) {
		row->uid = uid;
		(void)snprintf(row->text.subject, sizeof(row->text.subject), "%s", name);
		row->refused = uid == CALLER_UNMAPPED ? CALLER_UNMAPPED_TEXT : row->refused;
	} else
		row->refused = code == TSR_NOT_FOUND ? "there is no such user" :
		    "whether there is such a user cannot be told now";
	if (e->answered != NULL) {	/* commit_next goes on */
		*e->answered = 1;
		e->answered = NULL;
		return;
	}
	e->at++;
	commit_next(e);
}

static void
commit_next(struct import_end *e)
{
	unsigned ticket;
	int r, answered;

	for (; e->at < e->import->n; e->at++) {
		ticket = 0;
		answered = 0;
		e->answered = &answered;	/* cppcheck-suppress autoVariables ; taken back below */
		r = names_uid_of(e->agent->names, import_row_at(e->import, e->at)->text.subject,
		    commit_named, e, &ticket);
		if (answered)
			continue;
		e->answered = NULL;
		e->ticket = ticket;
		if (r == TSR_OK)
			return;		/* commit_named goes on */
		import_row_at(e->import, e->at)->refused = "whether there is such a user cannot be told now";
	}
	commit_end(e);
}

void
import_commit(struct agent *a, const struct http_request *r, const struct asker *who, const char *id)
{
	static const char *const allowed[] = { "partial", "dry_run", NULL };
	struct import *im;
	struct import_end *e;
	json_t *o;
	int partial, dry_run, code;

	if (admin_may_change(a, r, who) != TSR_OK || body_read(r, allowed, &o) != TSR_OK)
		return;
	if ((code = body_flag(r, o, "partial", &partial)) == TSR_OK)
		code = body_flag(r, o, "dry_run", &dry_run);
	json_decref(o);
	if (code != TSR_OK || (im = import_find(a, r, id)) == NULL)
		return;
	if ((e = calloc(1, sizeof(*e))) == NULL) {
		problem(r->conn, TSR_NOMEM, NULL);
		return;
	}
	e->agent = a;
	e->request = r;
	e->import = im;
	e->partial = partial;
	e->dry_run = dry_run;
	im->busy = 1;
	http_park(r->conn, commit_gone, e);
	commit_next(e);
}
