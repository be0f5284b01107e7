/*
 * credential_state.c - see credential_state.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/credential_state.h"

#include <stdio.h>
#include <string.h>

#include "agent/audit_event.h"
#include "agent/credential_json.h"
#include "agent/login.h"
#include "agent/otp.h"
#include "agent/problem.h"
#include "agent/ssh_revoke.h"
#include "include/tessera.h"

struct credential_others {
	struct agent *agent;
	const struct credential *but;
	int found;
};

static int
credential_other(void *arg, const struct credential *c)
{
	struct credential_others *o = arg;

	if (strcmp(c->id, o->but->id) != 0 && (login_would_use(o->agent, c) ||
	    (credential_is_otp(c) && c->state == CREDENTIAL_ACTIVE)))
		o->found = 1;
	return TSR_OK;
}

/* TSR_DENIED where its subject has no other that a login would use. */
static int
credential_spare(struct agent *a, const struct credential *c)
{
	struct credential_others o = { a, c, 0 };
	int r = store_credential_each(a->store, c->subject, c->uid, credential_other, &o);

	return r != TSR_OK ? r : o.found ? TSR_OK : TSR_DENIED;
}

/* A token that rests after too many wrong codes is active, and works again. */
static int
credential_enable(struct store *st, const struct credential *c)
{
	int r;

	if (credential_is_otp(c) && (r = otp_forgive_one(st, c->id)) != TSR_OK)
		return r;
	if (credential_is_otp(c) && c->state == CREDENTIAL_ACTIVE)
		return TSR_OK;
	/* One that was suspended as a clone's. */
	if (credential_is_fido(c) && c->state == CREDENTIAL_SUSPENDED)
		return store_credential_set_state(st, c->id, CREDENTIAL_SUSPENDED, CREDENTIAL_ACTIVE);
	return store_credential_set_state(st, c->id, CREDENTIAL_DISABLED, CREDENTIAL_ACTIVE);
}

/* In the batch's transaction. */
static int
credential_apply(struct agent *a, const struct credential *c, enum credential_change what, int force)
{
	struct store *st = a->store;
	int r;

	if (what != CREDENTIAL_ENABLE && c->state == CREDENTIAL_ACTIVE && !force &&
	    (r = credential_spare(a, c)) != TSR_OK)
		return r;	/* the last: said in words by the caller */
	switch (what) {
	case CREDENTIAL_DISABLE:
		return store_credential_set_state(st, c->id, CREDENTIAL_ACTIVE, CREDENTIAL_DISABLED);
	case CREDENTIAL_ENABLE:
		return credential_enable(st, c);
	case CREDENTIAL_REMOVE:
		if ((r = store_card_remove(st, c->id)) != TSR_OK && r != TSR_NOT_FOUND)
			return r;
		return store_credential_remove(st, c->id);
	}
	return TSR_INVALID;
}

static const char *const change_name[] = {
	[CREDENTIAL_DISABLE] = "credential-disabled",
	[CREDENTIAL_ENABLE] = "credential-enabled",
	[CREDENTIAL_REMOVE] = "credential-removed"
};

static int
credential_answer(struct agent *a, const struct credential *c, enum credential_change what,
    struct buf *out)
{
	struct credential *now = NULL;
	int r;

	if (what == CREDENTIAL_REMOVE)
		return buf_put_cstr(out, "{}");
	if ((r = store_credential_get(a->store, c->id, &now)) == TSR_OK)
		r = credential_json(out, now);
	credential_free(&now);
	return r;
}

/* The answer before the line: who is told that it failed finds it as it was. */
static int
credential_write(struct agent *a, const struct caller *by, const struct credential *c,
    enum credential_change what, int force, struct buf *out)
{
	struct store *st = a->store;
	int r;

	if ((r = store_begin(st)) != TSR_OK)
		return r;
	if ((r = credential_apply(a, c, what, force)) != TSR_OK ||
	    (what != CREDENTIAL_ENABLE && (r = ssh_revoke_within(a, SSH_OF_CREDENTIAL, c->id)) != TSR_OK) ||
	    (r = credential_answer(a, c, what, out)) != TSR_OK ||
	    (r = audit_event_credential(a, by, change_name[what], c, force)) != TSR_OK) {
		store_undo(st);
		return r;
	}
	return store_keep(st);
}

static void
credential_tell(struct agent *a, const struct credential *c, enum credential_change what)
{
	char json[64];
	int n = snprintf(json, sizeof(json), "{\"id\":\"%s\"}", c->id);

	/* Sessions end even if the commit should fail: that is the safe side. */
	if (what != CREDENTIAL_ENABLE)
		(void)session_end_credential(a->sessions, c->id);
	events_hold(a->events, c->uid, change_name[what], json, (size_t)n);
}

void
credential_change(struct agent *a, struct http_conn *conn, const struct credential *c,
    enum credential_change what, int force)
{
	struct buf out;
	int r;

	buf_init(&out, HTTP_ANSWER_MAX);
	r = credential_write(a, http_caller(conn), c, what, force, &out);
	if (r == TSR_DENIED)
		problem(conn, TSR_CONFLICT, "this is the last usable credential of %s, who could "
		    "not log in any more: an administrator may %s it with --force", c->subject,
		    what == CREDENTIAL_DISABLE ? "disable" : "remove");
	else if (r == TSR_CONFLICT)
		problem(conn, TSR_CONFLICT, "the credential is %s", credential_state_name(c->state));
	else if (r != TSR_OK)
		problem(conn, r, NULL);
	else {
		credential_tell(a, c, what);
		http_answer(conn, 200, NULL, out.data, out.len, 1);
	}
	buf_free(&out);
}
