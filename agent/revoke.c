/*
 * revoke.c - see revoke.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/revoke.h"

#include <stdio.h>
#include <string.h>

#include "agent/admin.h"
#include "agent/audit_event.h"
#include "agent/body.h"
#include "agent/clock.h"
#include "agent/grant_internal.h"
#include "agent/http_form.h"
#include "agent/mint.h"
#include "agent/opaque.h"
#include "agent/problem.h"
#include "agent/ssh_revoke.h"
#include "agent/token_cache.h"
#include "agent/watch.h"
#include "include/tessera.h"
#include "token/json.h"
#include "token/jwt.h"

/* --- answers --- */

/* What was revoked is revoked; where verifiers could not be told, that is said.
 * durable: what was written down of a session has to be gone with the commit, or it
 * would be back after a restart; for everybody's the epoch sees to that. */
static void
revoke_answer(struct agent *a, const struct http_request *r, unsigned ended, int durable)
{
	struct epochs_state s;
	char json[128];
	int n;

	epochs_state(a->epochs, &s);
	if (s.failing) {
		problem(r->conn, TSR_UNAVAILABLE, "the agent refuses these tokens, but verifiers cannot be "
		    "told: they refuse every token until they can");
		return;
	}
	n = snprintf(json, sizeof(json), "{\"ended\":%u}", ended);
	http_answer(r->conn, 200, NULL, json, (size_t)n, durable);
}

/* --- POST /revoke --- */

/* RFC 7009 section 2.1: is it the caller's to revoke? */
static int
revoke_may(struct agent *a, const struct http_request *r, const struct asker *who,
    const struct jwt_claims *c)
{
	const struct config_audience *aud = policy_audience(a->policy, c->aud);
	char client[MINT_CLIENT_MAX];

	if (who->name[0] != '\0' && strcmp(c->sub, who->name) == 0)
		return 1;
	if (aud == NULL)
		mint_client_uid(r->caller->uid, client);
	else
		mint_client_id(aud, r->caller, client);
	return strcmp(c->client_id, client) == 0;
}

static void
revoke_jwt(struct agent *a, const struct http_request *r, const struct asker *who, const char *token)
{
	struct jwt_expect want = {
		.keys = keys_set(a->keys), .iss = a->issuer, .aud = NULL,
		.now = clock_wall(), .leeway = 0, .max_lifetime = 3600
	};
	struct jwt_claims c;
	unsigned ended = 0;
	int code;

	/* section 2.2: what is not good needs no revoking */
	if (jwt_check(token, strlen(token), &want, &c) == TSR_OK && !epochs_dead(a->epochs, &c)) {
		if (!revoke_may(a, r, who, &c)) {
			problem(r->conn, TSR_DENIED, "this token is not yours to revoke");
			return;
		}
		ended = session_end_sid(a->sessions, c.sid);
		(void)epochs_kill(a->epochs, c.sid);	/* one that pays for one token is kept nowhere */
		audit_event_revoked(a, r->caller, c.sub, NULL, c.sid);
		if ((code = ssh_revoke(a, SSH_OF_SESSION, c.sid)) != TSR_OK) {
			problem(r->conn, code, NULL);
			return;
		}
	}
	revoke_answer(a, r, ended, 1);
}

/* Its answer waits for the commit; a token that is none, or another's, is left
 * alone in silence. */
static void
revoke_opaque(struct agent *a, const struct http_request *r, const struct asker *who, const char *token)
{
	static const char none[] = "{\"ended\":0}";
	int code = opaque_revoke(a, r->caller, token);

	(void)who;
	if (code == TSR_OK || code == TSR_NOT_FOUND)
		http_answer(r->conn, 200, NULL, none, sizeof(none) - 1, 1);
	else
		problem(r->conn, code, NULL);
}

/* By what a token begins with; the last takes all that are left. */
static const struct revoke_form {
	const char *prefix;
	void (*revoke)(struct agent *a, const struct http_request *r, const struct asker *who,
	    const char *token);
} revoke_forms[] = {
	{ OPAQUE_ACCESS, revoke_opaque }, { OPAQUE_REFRESH, revoke_opaque }, { "", revoke_jwt }
};

void
revoke_token(struct agent *a, const struct http_request *r, const struct asker *who)
{
	const struct revoke_form *k = revoke_forms;
	const char *token;
	struct form f;

	if (grant_form(r, &f) != TSR_OK)
		return;
	if ((token = form_get(&f, "token")) == NULL)
		problem_invalid(r->conn, "\"token\" is missing");
	else {
		while (strncmp(token, k->prefix, strlen(k->prefix)) != 0)
			k++;
		k->revoke(a, r, who, token);
	}
	form_free(&f);
}

/* --- one session --- */

static void
revoke_one(struct agent *a, const struct http_request *r, const struct session *s)
{
	char sid[STORE_ID_LEN + 1], subject[sizeof(s->subject)];
	unsigned ended;
	int code;

	memcpy(sid, s->sid, sizeof(sid));
	memcpy(subject, s->subject, sizeof(subject));
	ended = session_end_sid(a->sessions, sid);
	audit_event_revoked(a, r->caller, subject, NULL, sid);
	if ((code = ssh_revoke(a, SSH_OF_SESSION, sid)) != TSR_OK)
		problem(r->conn, code, NULL);
	else
		revoke_answer(a, r, ended, 1);
}

void
revoke_own(struct agent *a, const struct http_request *r, const struct asker *who, const char *sid)
{
	const struct session *s = session_by_sid(a->sessions, sid);

	(void)who;
	if (s == NULL || s->uid != r->caller->uid)	/* somebody else's looks like none */
		problem(r->conn, TSR_NOT_FOUND, "you have no such session");
	else
		revoke_one(a, r, s);
}

void
revoke_session(struct agent *a, const struct http_request *r, const struct asker *who,
    const char *sid)
{
	static const char *const allowed[] = { NULL };
	const struct session *s;
	json_t *o;

	if (admin_may_change(a, r, who) != TSR_OK || body_read(r, allowed, &o) != TSR_OK)
		return;
	json_decref(o);
	if ((s = session_by_sid(a->sessions, sid)) == NULL)
		problem(r->conn, TSR_NOT_FOUND, "there is no session \"%s\"", sid);
	else
		revoke_one(a, r, s);
}

struct revoke_list {
	struct buf *out;
	int n;
};

static int
revoke_list_each(void *arg, const struct session *s)
{
	struct revoke_list *l = arg;
	int r;

	if (l->n++ > 0 && (r = buf_put_cstr(l->out, ",")) != TSR_OK)
		return r;
	return session_json(l->out, s);
}

void
revoke_sessions(struct agent *a, const struct http_request *r, const struct asker *who)
{
	const char *subject = NULL;
	struct form f;
	struct buf b;
	struct revoke_list l = { &b, 0 };
	int code;

	(void)who;
	memset(&f, 0, sizeof(f));
	if (r->head.query.p != NULL && (form_parse(r->head.query.p, r->head.query.n, &f) != TSR_OK ||
	    f.n != 1 || (subject = form_get(&f, "subject")) == NULL)) {
		problem_invalid(r->conn, "the query is \"subject=NAME\"");
		form_free(&f);
		return;
	}
	buf_init(&b, HTTP_ANSWER_MAX);
	if ((code = buf_put_cstr(&b, "{\"sessions\":[")) == TSR_OK &&
	    (code = sessions_each(a->sessions, subject, revoke_list_each, &l)) == TSR_OK &&
	    (code = buf_put_cstr(&b, "]}")) == TSR_OK)
		http_answer(r->conn, 200, NULL, b.data, b.len, 0);
	else
		problem(r->conn, code, code == TSR_TOO_LARGE ?
		    "the list is too long for one answer: ask with \"subject=NAME\"" : NULL);
	buf_free(&b);
	form_free(&f);
}

/* --- POST /admin/revoke --- */

void
revoke_note(struct agent *a)
{
	struct epochs_state s;
	int64_t stored = 0;
	int r;

	epochs_state(a->epochs, &s);
	if ((r = store_epoch(a->store, &stored)) == TSR_OK && stored >= s.epoch)
		return;
	if ((r != TSR_OK && r != TSR_NOT_FOUND && r != TSR_CORRUPT) || s.epoch == 0 ||
	    store_begin(a->store) != TSR_OK)
		return;
	if (store_set_epoch(a->store, s.epoch) == TSR_OK)
		(void)store_keep(a->store);
	else
		store_undo(a->store);
}

/* Nothing here waits for the store. */
static unsigned
revoke_everything(struct agent *a)
{
	struct epochs_state s;
	unsigned ended;
	char json[64];
	int n;

	(void)epochs_raise(a->epochs, watch_latest(a->watch));
	epochs_gather(a->epochs);
	ended = sessions_end_all(a->sessions);
	(void)epochs_gathered(a->epochs);	/* what fails is told by the answer */
	epochs_state(a->epochs, &s);
	n = snprintf(json, sizeof(json), "{\"epoch\":%lld}", (long long)s.epoch);
	events_send_all(a->events, "revoked", json, (size_t)n);
	token_cache_clear(a->cache);
	revoke_note(a);
	(void)opaque_end(a, NULL, NULL);	/* dead by the epoch, whatever comes of it */
	(void)ssh_revoke(a, SSH_OF_ALL, "");	/* in the published list, likewise */
	return ended;
}

struct revoke_subject {
	const char *name;
	char sid[STORE_ID_LEN + 1];
};

static int
revoke_subject_each(void *arg, const struct session *s)
{
	struct revoke_subject *f = arg;

	memcpy(f->sid, s->sid, sizeof(f->sid));
	return TSR_CONFLICT;	/* found: the walk is over, for ending one changes what is walked */
}

static unsigned
revoke_subject(struct agent *a, const char *name)
{
	struct revoke_subject f = { name, "" };
	unsigned n = 0;

	while (sessions_each(a->sessions, name, revoke_subject_each, &f) == TSR_CONFLICT)
		n += session_end_sid(a->sessions, f.sid);
	return n;
}

void
revoke_admin(struct agent *a, const struct http_request *r, const struct asker *who)
{
	static const char *const allowed[] = { "subject", "credential", "all", NULL };
	const char *subject, *credential;
	unsigned ended;
	json_t *o;
	int all = 0, code;

	if (admin_may_change(a, r, who) != TSR_OK || body_read(r, allowed, &o) != TSR_OK)
		return;
	subject = json_string_value(json_object_get(o, "subject"));
	credential = json_string_value(json_object_get(o, "credential"));
	if (body_flag(r, o, "all", &all) == TSR_OK) {
		if (json_object_size(o) != 1 || (subject == NULL && credential == NULL && !all))
			problem_invalid(r->conn, "either \"subject\" or \"credential\" is a text, or \"all\" is true");
		else {
			ended = all ? revoke_everything(a) : subject != NULL ? revoke_subject(a, subject) :
			    session_end_credential(a->sessions, credential);
			audit_event_revoked(a, r->caller, subject, credential, NULL);
			/* sessions of another start of the agent may have left some */
			if (!all && ((code = opaque_end(a, subject, credential)) != TSR_OK ||
			    (code = ssh_revoke(a, subject != NULL ? SSH_OF_SUBJECT : SSH_OF_CREDENTIAL,
			    subject != NULL ? subject : credential)) != TSR_OK))
				problem(r->conn, code, NULL);
			else
				revoke_answer(a, r, ended, !all);
		}
	}
	json_decref(o);
}
