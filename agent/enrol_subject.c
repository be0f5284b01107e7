/*
 * enrol_subject.c - see enrol_subject.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/enrol_subject.h"

#include <stdio.h>
#include <string.h>

#include "agent/body.h"
#include "agent/problem.h"
#include "include/tessera.h"

int
enrol_subject_read(const struct http_request *r, const json_t *o, const char *own,
    struct credential *c)
{
	const char *subject, *label;

	if (body_text(r, o, "subject", &subject) != TSR_OK || body_text(r, o, "label", &label) != TSR_OK)
		return TSR_INVALID;
	if (own != NULL)
		subject = own;
	if (subject == NULL || subject[0] == '\0' || strlen(subject) >= sizeof(c->subject))
		problem_invalid(r->conn, "\"subject\" is a user name of at most %zu bytes",
		    sizeof(c->subject) - 1);
	else if (label != NULL && strlen(label) >= sizeof(c->label))
		problem_invalid(r->conn, "\"label\" has at most %zu bytes", sizeof(c->label) - 1);
	else {
		(void)snprintf(c->subject, sizeof(c->subject), "%s", subject);
		(void)snprintf(c->label, sizeof(c->label), "%s", label != NULL ? label : "");
		return TSR_OK;
	}
	return TSR_INVALID;
}

int
enrol_subject_vouch(const struct http_request *r, const json_t *o, enum acr *vouched)
{
	const char *vouch;

	if (body_text(r, o, "vouch", &vouch) != TSR_OK)
		return TSR_INVALID;
	if (vouch != NULL && strcmp(vouch, "hardware") != 0 && strcmp(vouch, "hardware-pin") != 0) {
		problem_invalid(r->conn, "\"vouch\" is \"hardware\" or \"hardware-pin\"");
		return TSR_INVALID;
	}
	if (vouch == NULL)
		*vouched = 0;
	else
		(void)acr_parse(vouch, vouched);
	return TSR_OK;
}

static void
subject_unknown(struct enrol_subject *s, int code)
{
	char text[NAMES_NAME_MAX + 128];

	if (code == TSR_NOT_FOUND)
		(void)snprintf(text, sizeof(text), "there is no user \"%s\"", s->credential->subject);
	else
		(void)snprintf(text, sizeof(text), "whether there is a user \"%s\" cannot be told now: "
		    "the name service: %s", s->credential->subject, tsr_strerror(code));
	s->done(s->arg, code, text);
}

static void
subject_named(void *arg, int code, uid_t uid, gid_t gid, const char *name)
{
	struct enrol_subject *s = arg;
	uid_t caller = s->request->caller->uid;
	struct agent *a = s->agent;

	(void)gid;
	s->ticket = 0;
	if (s->answered != NULL)
		*s->answered = 1;
	s->answered = NULL;
	if (code != TSR_OK) {
		subject_unknown(s, code);
		return;
	}
	s->credential->uid = uid;
	(void)snprintf(s->credential->subject, sizeof(s->credential->subject), "%s", name);
	if (uid == CALLER_UNMAPPED)
		s->done(s->arg, TSR_DENIED, CALLER_UNMAPPED_TEXT);
	else if (a->mode == CONFIG_USER && uid != caller)
		s->done(s->arg, TSR_DENIED, "in user mode only your own devices are enrolled");
	else if (s->own && uid != caller)	/* one name, two numbers */
		s->done(s->arg, TSR_DENIED, "your user name is also another user's");
	else
		s->done(s->arg, pending_begin(&a->pending, &s->pending, caller, caller,
		    policy_config(a->policy)->limits.pending_per_uid), "");
}

void
enrol_subject_find(struct enrol_subject *s, struct agent *a, const struct http_request *r,
    struct credential *c, int own, enrol_subject_done done, void *arg)
{
	unsigned ticket = 0;
	int code, answered = 0;

	s->agent = a;
	s->request = r;
	s->credential = c;
	s->own = own;
	s->done = done;
	s->arg = arg;
	s->answered = &answered;	/* cppcheck-suppress autoVariables ; taken back below */
	code = names_uid_of(a->names, c->subject, subject_named, s, &ticket);
	if (answered)		/* s may be gone */
		return;
	s->answered = NULL;
	s->ticket = ticket;
	if (code != TSR_OK)
		subject_unknown(s, code);
}

void
enrol_subject_end(struct enrol_subject *s)
{
	if (s->ticket != 0)
		names_cancel(s->agent->names, s->ticket);
	s->ticket = 0;
	pending_end(&s->pending);
}
