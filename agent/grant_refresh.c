/*
 * grant_refresh.c - the refresh_token grant (RFC 6749 section 6, RFC 9700 section
 * 4.14): a token is spent by its use and the next one is given.  One that was
 * spent before ends its whole family: of two who hold it one is a thief.
 *
 * SPDX-License-Identifier: ISC
 */
#include <sodium.h>
#include <string.h>

#include "agent/audit_event.h"
#include "agent/clock.h"
#include "agent/grant_internal.h"
#include "agent/metrics.h"
#include "agent/mint.h"
#include "agent/misuse.h"
#include "agent/opaque.h"
#include "agent/problem.h"
#include "agent/seat.h"
#include "include/tessera.h"

struct refresh {
	struct agent *agent;
	const struct http_request *request;
	const struct asker *who;
	struct opaque token;		/* as it was presented */
	struct store_token row;		/* its family */
	const struct config_audience *audience;
	struct buf scope;		/* granted, NUL-terminated */
	struct mint_wish wish;
};

/* Whose it is and whether it is still good.  TSR_CONFLICT: it was rotated away. */
static int
refresh_find(struct refresh *f, const char *text)
{
	const struct caller *c = f->request->caller;
	int64_t now_ms = (int64_t)clock_boot_ms();
	int r;

	if ((r = opaque_read(f->agent, text, &f->token)) != TSR_OK)
		return r == TSR_STORE ? r : TSR_BAD_GRANT;
	if (f->token.kind != TOKEN_REFRESH)
		return TSR_BAD_GRANT;
	if ((r = store_token_get(f->agent->store, TOKEN_REFRESH, f->token.hash, &f->row)) != TSR_OK)
		return r == TSR_NOT_FOUND || r == TSR_CORRUPT ? TSR_BAD_GRANT : r;
	if (f->row.uid != c->uid || strcmp(f->row.subject, f->who->name) != 0) {
		misuse_tell(f->agent, c, METRICS_MISUSE_STOLEN, f->row.uid, f->row.subject,
		    f->row.audience, "a refresh token came from another user");
		return TSR_BAD_GRANT;
	}
	if (f->row.jkt[0] != '\0')	/* bound to a key, of which no proof came with it */
		return TSR_BAD_GRANT;
	if (memcmp(f->row.boot, f->agent->boot_id, sizeof(f->row.boot)) != 0 ||
	    f->row.idle <= now_ms || f->row.ends <= now_ms)
		return TSR_BAD_GRANT;
	return sodium_memcmp(f->row.newest, f->token.own, sizeof(f->row.newest)) != 0 ?
	    TSR_CONFLICT : TSR_OK;
}

/* The policy as it is now, and nothing beyond what the family was given. */
static int
refresh_allowed(struct refresh *f, const struct form *form)
{
	const char *audience = form_get(form, "audience"), *scope = form_get(form, "scope");
	char client[MINT_CLIENT_MAX];
	struct agent *a = f->agent;
	int r;

	if (audience != NULL && strcmp(audience, f->row.audience) != 0)
		return TSR_BAD_GRANT;
	f->audience = policy_audience(a->policy, f->row.audience);
	if (f->audience == NULL || !f->audience->refresh || f->audience->class != CLASS_INTERACTIVE ||
	    policy_may_ask(a->policy, f->audience, f->request->caller) != TSR_OK ||
	    (policy_local_only(f->audience) && !seat_near(a->seat, f->request->caller, NULL)))
		return TSR_DENIED;
	mint_client_id(f->audience, f->request->caller, client);
	if (strcmp(client, f->row.client) != 0)	/* RFC 6749 section 6: to whom it was given */
		return TSR_BAD_GRANT;
	if (scope != NULL && !policy_scope_within(scope, f->row.scope))
		return TSR_BAD_SCOPE;
	if ((r = policy_scope(f->audience, scope != NULL ? scope : f->row.scope, &f->scope)) != TSR_OK)
		return r;
	return buf_put_u8(&f->scope, 0);
}

/* Its session and its credential: what ends them ends the family too, but what
 * only rests may wake up again, so that nothing is spent then. */
static int
refresh_alive(struct refresh *f)
{
	int anywhere = f->audience->presence == PRESENCE_PROOF, r;
	const char *sid = opaque_sid_now(f->agent, f->row.sid);
	struct credential *c = NULL;
	const struct session *s;
	struct epochs_state e;

	epochs_state(f->agent->epochs, &e);
	if (f->row.made <= e.epoch || sid == NULL || epochs_sid_dead(f->agent->epochs, sid))
		return TSR_BAD_GRANT;
	if (sid != f->row.sid)		/* its session's is another one since */
		memcpy(f->row.sid, sid, sizeof(f->row.sid));
	s = session_find(f->agent->sessions, f->row.uid, f->row.sid);
	if (f->row.acr < (int)f->audience->acr)
		return TSR_STEP_UP_REQUIRED;
	if (s == NULL && !anywhere)	/* the agent began anew since */
		return TSR_LOGIN_REQUIRED;
	if (s != NULL && !session_present(s, f->audience))
		return s->locked ? TSR_LOGIN_REQUIRED : TSR_DEVICE_REMOVED;
	if ((r = store_credential_get(f->agent->store, f->row.credential, &c)) == TSR_OK &&
	    (c->state != CREDENTIAL_ACTIVE || c->uid != f->row.uid))
		r = TSR_BAD_GRANT;
	credential_free(&c);
	return r == TSR_NOT_FOUND ? TSR_BAD_GRANT : r;
}

/* The end of the family, with whatever came of it that can be found. */
static int
refresh_reused(struct refresh *f)
{
	struct agent *a = f->agent;
	int r;

	misuse_tell(a, f->request->caller, METRICS_MISUSE_REUSE, f->row.uid, f->row.subject,
	    f->row.audience, "a refresh token that was spent came back: its family ends");
	if ((r = store_begin(a->store)) != TSR_OK)
		return r;
	if ((r = store_token_end(a->store, f->row.hash, NULL)) == TSR_OK)
		r = audit_event_token(a, f->request->caller, "family-ended", &f->row);
	if (r == TSR_OK)
		r = store_keep(a->store);
	else
		store_undo(a->store);
	return r == TSR_OK ? TSR_BAD_GRANT : r;
}

static int
refresh_mint(struct refresh *f, struct buf *out)
{
	struct mint_subject subject = {
		.subject = f->row.subject, .sid = f->row.sid, .credential = f->row.credential,
		.uid = f->row.uid, .acr = (enum acr)f->row.acr, .auth_time = f->row.auth_time
	};
	struct mint m;
	int r;

	memset(&m, 0, sizeof(m));
	m.audience = f->audience;
	m.subject = &subject;
	m.scope = (const char *)f->scope.data;
	m.wish = f->wish;
	m.caller = f->request->caller;
	m.family = &f->row;
	m.family_id = f->token.family;
	r = mint_token(f->agent, &m, out);
	sodium_memzero(m.text, sizeof(m.text));
	return r;
}

static void
refresh_run(struct refresh *f, const struct form *form, const char *text)
{
	struct http_conn *conn = f->request->conn;
	struct buf out;
	int r;

	buf_init(&out, HTTP_ANSWER_MAX);
	if ((r = refresh_find(f, text)) == TSR_OK && (r = refresh_allowed(f, form)) == TSR_OK &&
	    (r = refresh_alive(f)) == TSR_OK)
		r = refresh_mint(f, &out);
	if (r == TSR_CONFLICT)
		r = refresh_reused(f);
	if (r == TSR_OK) {
		metrics_token(f->audience->name, METRICS_REFRESH);
		http_answer(conn, 200, NULL, out.data, out.len, 1);
	} else if (r == TSR_BAD_GRANT)
		problem(conn, r, "this refresh token is not good, or not for what was asked");
	else if (r == TSR_BAD_SCOPE)
		problem(conn, r, "\"scope\" names something that the token was not given for");
	else
		grant_problem(conn, r, f->audience, "", "");
	buf_free(&out);
}

void
grant_from_refresh(struct agent *a, const struct http_request *r, const struct asker *who,
    const struct form *form)
{
	const char *text = form_get(form, "refresh_token");
	struct refresh f;

	memset(&f, 0, sizeof(f));
	f.agent = a;
	f.request = r;
	f.who = who;
	buf_init(&f.scope, GRANT_SCOPE_MAX);
	if (text == NULL)
		problem_invalid(r->conn, "\"refresh_token\" is missing");
	else if (grant_wish(r, form, NULL, &f.wish) == TSR_OK)
		refresh_run(&f, form, text);
	buf_free(&f.scope);
	sodium_memzero(&f, sizeof(f));
}
