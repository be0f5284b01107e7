/*
 * enrolled.c - see enrolled.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/enrolled.h"

#include <stdlib.h>
#include <string.h>

#include "agent/http_form.h"
#include "agent/problem.h"
#include "agent/store_enrolled.h"
#include "agent/watch.h"
#include "include/tessera.h"

/* One request whose subject is looked up. */
struct enrolled {
	struct agent *agent;
	struct http_conn *conn;
	uid_t only;			/* the one subject this caller may name, or -1 */
	unsigned ticket;
	int *answered;			/* set where the look-up ends inside its call */
};

static void
enrolled_gone(void *arg)
{
	struct enrolled *e = arg;

	if (e->ticket != 0)
		names_cancel(e->agent->names, e->ticket);
	free(e);
}

static void
enrolled_tell(struct agent *a, struct http_conn *conn, const char *subject, uid_t uid)
{
	static const char yes[] = "{\"enrolled\":true}", no[] = "{\"enrolled\":false}";
	int r;

	/* "never" from a store that was altered or put back lets somebody in */
	if ((r = watch_mint(a->watch)) == TSR_OK && store_failing(a->store))
		r = TSR_STORE;
	if (r == TSR_OK)
		r = store_enrolled(a->store, subject, uid);
	if (r == TSR_OK)
		http_answer(conn, 200, NULL, yes, sizeof(yes) - 1, 0);
	else if (r == TSR_NOT_FOUND)
		http_answer(conn, 200, NULL, no, sizeof(no) - 1, 0);
	else
		problem(conn, r, NULL);
}

static void
enrolled_subject(void *arg, int code, uid_t uid, gid_t gid, const char *name)
{
	struct enrolled *e = arg;

	(void)gid;
	e->ticket = 0;
	if (e->answered != NULL)
		*e->answered = 1;
	if (code == TSR_OK && (e->only == (uid_t)-1 || e->only == uid))
		enrolled_tell(e->agent, e->conn, name, uid);
	else	/* as where he asks for a token: nobody learns who exists */
		problem(e->conn, TSR_DENIED, "you may not act for that subject");
	enrolled_gone(e);
}

static void
enrolled_look_up(struct agent *a, const struct http_request *r, const char *subject, uid_t only)
{
	struct enrolled *e;
	unsigned ticket = 0;
	int code, answered = 0;

	if ((e = calloc(1, sizeof(*e))) == NULL) {
		problem(r->conn, TSR_NOMEM, NULL);
		return;
	}
	e->agent = a;
	e->conn = r->conn;
	e->only = only;
	e->answered = &answered;	/* cppcheck-suppress autoVariables ; taken back below */
	http_park(r->conn, enrolled_gone, e);
	code = names_uid_of(a->names, subject, enrolled_subject, e, &ticket);
	if (answered)		/* e is gone */
		return;
	e->answered = NULL;
	e->ticket = ticket;
	if (code != TSR_OK)
		enrolled_subject(e, code, 0, 0, NULL);
}

void
enrolled_answer(struct agent *a, const struct http_request *r, const struct asker *who)
{
	const char *subject = NULL;
	struct form f;
	uid_t only = (uid_t)-1;

	memset(&f, 0, sizeof(f));
	if (r->head.query.p == NULL || form_parse(r->head.query.p, r->head.query.n, &f) != TSR_OK ||
	    f.n != 1 || (subject = form_get(&f, "subject")) == NULL)
		problem_invalid(r->conn, "the query is \"subject=NAME\"");
	else if (policy_login_helper(a->policy, r->caller, &only))
		enrolled_look_up(a, r, subject, only);
	else if (who->name[0] == '\0' || strcmp(who->name, subject) != 0)
		problem(r->conn, TSR_DENIED, "you may not act for that subject");
	else
		enrolled_tell(a, r->conn, who->name, r->caller->uid);
	form_free(&f);
}
