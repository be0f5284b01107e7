/*
 * admin_code.c - POST /admin/enrolment-codes: a one-time code with which a user
 * enrols his own credential.
 *
 * SPDX-License-Identifier: ISC
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/admin.h"
#include "agent/audit_event.h"
#include "agent/body.h"
#include "agent/enrol_code.h"
#include "agent/problem.h"
#include "include/tessera.h"

struct admin_code {
	struct agent *agent;
	const struct http_request *request;
	unsigned ticket;
	int *answered;		/* set where the look-up ends inside its call */
};

static void
admin_code_gone(void *arg)
{
	struct admin_code *c = arg;

	names_cancel(c->agent->names, c->ticket);
	free(c);
}

static void
admin_code_named(void *arg, int code, uid_t uid, gid_t gid, const char *name)
{
	struct admin_code *c = arg;
	struct http_conn *conn = c->request->conn;
	char text[ENROL_CODE_LEN + 1], json[128];
	int n;

	(void)gid;
	if (c->answered != NULL)
		*c->answered = 1;
	if (code != TSR_OK)
		problem(conn, code, code == TSR_NOT_FOUND ? "there is no such user" : NULL);
	else if (uid == CALLER_UNMAPPED)
		problem(conn, TSR_DENIED, CALLER_UNMAPPED_TEXT);
	else if ((code = audit_event_code_made(c->agent, c->request->caller, name, uid)) != TSR_OK)
		problem(conn, code, NULL);
	else if ((code = enrol_code_make(c->agent->codes, uid, text)) != TSR_OK)
		problem(conn, code, "%d codes are open already", ENROL_CODES_MAX);
	else {
		n = snprintf(json, sizeof(json), "{\"code\":\"%s\",\"expires_in\":%d}", text, ENROL_CODE_S);
		http_answer(conn, 201, NULL, json, (size_t)n, 1);
		explicit_bzero(json, sizeof(json));
	}
	explicit_bzero(text, sizeof(text));
	free(c);
}

static void
admin_code_begin(struct agent *a, const struct http_request *r, const char *subject)
{
	struct admin_code *c;
	unsigned ticket = 0;
	int code, answered = 0;

	if ((c = calloc(1, sizeof(*c))) == NULL) {
		problem(r->conn, TSR_NOMEM, NULL);
		return;
	}
	c->agent = a;
	c->request = r;
	c->answered = &answered;
	code = names_uid_of(a->names, subject, admin_code_named, c, &ticket);
	if (answered)
		return;
	if (code != TSR_OK) {
		admin_code_named(c, code, 0, 0, NULL);
		return;
	}
	c->answered = NULL;
	c->ticket = ticket;
	http_park(r->conn, admin_code_gone, c);
}

void
admin_code(struct agent *a, const struct http_request *r, const struct asker *who)
{
	static const char *const allowed[] = { "subject", NULL };
	const char *subject;
	json_t *o;

	if (admin_may_change(a, r, who) != TSR_OK || body_read(r, allowed, &o) != TSR_OK)
		return;
	if (body_text(r, o, "subject", &subject) == TSR_OK) {
		if (subject == NULL || subject[0] == '\0' || strlen(subject) >= NAMES_NAME_MAX)
			problem_invalid(r->conn, "\"subject\" is a user name of at most %d bytes",
			    NAMES_NAME_MAX - 1);
		else
			admin_code_begin(a, r, subject);
	}
	json_decref(o);
}
