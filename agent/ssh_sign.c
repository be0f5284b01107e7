/*
 * ssh_sign.c - see ssh_sign.h.  Everything is parsed, then everything is checked,
 * then something happens.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/ssh_sign.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/audit_event.h"
#include "agent/clock.h"
#include "agent/login.h"
#include "agent/metrics.h"
#include "agent/misuse.h"
#include "agent/pending.h"
#include "agent/problem.h"
#include "agent/proved.h"
#include "agent/rate.h"
#include "agent/seat.h"
#include "agent/ssh_about.h"
#include "agent/ssh_binds.h"
#include "agent/ssh_issue.h"
#include "agent/ssh_user.h"
#include "agent/watch.h"
#include "base/escape.h"
#include "base/log.h"
#include "include/tessera.h"
#include "token/utf8.h"

#define SSH_SIGN_RESPONSE	14	/* SSH_AGENT_SIGN_RESPONSE */
#define SSH_SIGN_EVENT_MAX	4096	/* bytes of an event */
#define SSH_SIGN_TOLD	30	/* refusals that a user's listeners are told of in a minute */

/* One signature that is asked for.  The audience is kept by name: a reload may
 * replace the policy while somebody looks for his card. */
struct ssh_sign {
	struct link link;		/* agent.ssh_waiting, while it waits for a proof */
	struct agent *agent;
	struct ssh_conn *conn;
	const struct caller *caller;
	const struct ssh_message *message;	/* while it stands */
	char subject[NAMES_NAME_MAX];
	char audience[SESSION_AUDIENCE_LEN];
	uint64_t generation;		/* of the policy that admitted it */
	struct ssh_about about;
	const uint8_t *data;		/* to be signed: the connection's while the message stands */
	size_t n;
	struct pending pending;
	struct login *login;
};

static void
ssh_sign_free(struct ssh_sign *s)
{
	if (s->link.next != NULL)
		link_remove(&s->link);
	login_cancel(&s->login);
	pending_end(&s->pending);
	free(s);
}

static void
ssh_sign_gone(void *arg)
{
	ssh_sign_free(arg);
}

/* --- what is told of it --- */

/* "ssh-signature" or "ssh-refused" with why. */
static void
ssh_sign_tell(struct agent *a, const struct caller *c, const char *event, const char *why,
    const struct ssh_about *about, int held)
{
	const struct events_about who = { .uid = c->uid, .requester = c };
	struct buf b;

	if (!events_listening(a->events, c->uid))	/* who asks takes looks into /proc */
		return;
	buf_init(&b, SSH_SIGN_EVENT_MAX);
	if (buf_printf(&b, "{\"result\":\"%s\"", why) == TSR_OK && ssh_about_json(&b, about) == TSR_OK &&
	    prompt_requester_json(&b, &who) == TSR_OK && buf_put_cstr(&b, "}") == TSR_OK)
		(held ? events_hold : events_send)(a->events, c->uid, event, (const char *)b.data, b.len);
	buf_free(&b);
}

/* Who asks without end drowns no listener, one that waits for a PIN least of all: it
 * would be taken for gone. */
static int
ssh_sign_told(struct agent *a, uid_t uid)
{
	struct rate_key k = { RATE_TOLD, uid, METRICS_MISUSES };	/* behind misuse's own */
	uint32_t wait_s;

	return rate_admit(a->rates, &k, SSH_SIGN_TOLD, clock_boot_ms(), &wait_s) == TSR_OK;
}

/* why lives for ever; about may be NULL. */
static void
ssh_sign_refuse(struct agent *a, const struct ssh_message *m, const char *why,
    const struct ssh_about *about)
{
	metrics.ssh[METRICS_SSH_REFUSED]++;
	audit_refused(a->audit, m->caller->uid, why);
	log_line(LOG_DETAIL, "an SSH signature for uid %u is refused: %s", m->caller->uid, why);
	if (about != NULL && ssh_sign_told(a, m->caller->uid))
		ssh_sign_tell(a, m->caller, "ssh-refused", why, about, 0);
	ssh_answer_type(m->conn, SSH_FAILURE);
}

/* --- what is asked --- */

/* Is that blob the user's key, or a certificate over it? */
static int
ssh_sign_key(const struct ssh_user *u, const uint8_t *p, size_t n, const struct buf **cert)
{
	const struct buf *const known[] = { &u->blob, &u->cert, &u->before };
	size_t i;

	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (n > 0 && known[i]->len == n && memcmp(known[i]->data, p, n) == 0) {
			*cert = i == 0 ? &u->cert : known[i];
			return 1;
		}
	return 0;
}

struct ssh_sign_asked {
	const uint8_t *key, *data;
	size_t key_n, n;
	uint32_t flags;			/* of RSA signatures: ours is none */
};

static int
ssh_sign_read(const struct ssh_message *m, struct ssh_sign_asked *out)
{
	struct reader r;

	reader_init(&r, m->p, m->n);
	if (reader_string(&r, SSH_KEPT_MAX, &out->key, &out->key_n) != TSR_OK ||
	    reader_string(&r, SSH_KEPT_MAX, &out->data, &out->n) != TSR_OK ||
	    reader_u32(&r, &out->flags) != TSR_OK)
		return TSR_INVALID;
	return reader_end(&r);
}

/* A text as it is, where it is one: who shows it escapes it. */
static void
ssh_sign_text(char *out, size_t size, const char *text)
{
	size_t n = strlen(text), i, len;

	for (i = 0; i < n && (len = utf8_len(text + i, n - i)) > 0; i += len)
		;
	if (i == n)
		escape_cut(out, size, text, n);
	else
		(void)escape_text(out, size, text, n);
}

static void
ssh_sign_describe(const struct ssh_signed *s, const struct ssh_binds *b, const struct ssh_bound *last,
    struct ssh_about *out)
{
	memset(out, 0, sizeof(*out));
	if (s->kind == SSH_SIGNED_FILE) {
		ssh_sign_text(out->name, sizeof(out->name), s->name);
		return;
	}
	ssh_sign_text(out->user, sizeof(out->user), s->user);
	if (last != NULL) {
		(void)snprintf(out->host, sizeof(out->host), "%s", last->host);
		out->forwarded = b->n > 1;
	}
}

/* Everything about the message and its connection; NULL: go on.  A key made for name
 * alone: the number may have been somebody else's. */
static const char *
ssh_sign_unfit(struct agent *a, const struct ssh_message *m, const char *name,
    struct ssh_sign_asked *asked, struct ssh_about *about)
{
	const struct ssh_binds *b = ssh_memory(m->conn);
	const struct ssh_user *u = ssh_user_of(a, m->caller->uid);
	const struct ssh_bound *last;
	const struct buf *cert;
	const char *why;
	struct ssh_signed s;

	if (ssh_sign_read(m, asked) != TSR_OK)
		return "ssh_malformed";
	if (u == NULL || strcmp(u->name, name) != 0 || !ssh_sign_key(u, asked->key, asked->key_n, &cert))
		return "ssh_other_key";
	if (ssh_signed_read(asked->data, asked->n, u->blob.data, u->blob.len, cert->data, cert->len,
	    &s) != TSR_OK)
		return "ssh_not_signable";
	ssh_sign_describe(&s, b, b != NULL && b->n > 0 ? &b->bound[b->n - 1] : NULL, about);
	if (ssh_binds_judge(b, &s, policy_config(a->policy), &last, &why) != TSR_OK)
		return why;
	return NULL;
}

/* --- the signature --- */

/* The one place where it is made; s was judged to be good for it.  fresh: its proof
 * becomes durable with this batch. */
static int
ssh_sign_make(const struct ssh_sign *q, const struct session *s, int fresh)
{
	struct agent *a = q->agent;
	const struct ssh_user *u = ssh_user_of(a, q->caller->uid);
	struct buf sig, out;
	int r;

	buf_init(&sig, SSH_KEY_MAX);
	buf_init(&out, SSH_ANSWER_MAX);
	if (u == NULL || !caller_alive(q->caller))
		r = TSR_CLOSED;
	else if ((r = audit_ready(a->audit)) == TSR_OK &&
	    (r = ssh_user_sign(u, q->data, q->n, &sig)) == TSR_OK &&
	    (r = buf_put_u8(&out, SSH_SIGN_RESPONSE)) == TSR_OK &&
	    (r = buf_put_string(&out, sig.data, sig.len)) == TSR_OK &&
	    (r = audit_event_ssh_signature(a, q->caller, s, q->audience, &q->about)) == TSR_OK) {
		metrics.ssh[fresh ? METRICS_SSH_PROOF : METRICS_SSH_SESSION]++;
		misuse_token(a, q->caller, q->caller->uid, q->subject, q->audience);
		ssh_sign_tell(a, q->caller, "ssh-signature", fresh ? "proof" : "session", &q->about, fresh);
		ssh_answer(q->conn, out.data, out.len, fresh);
	}
	buf_free(&out);
	buf_free(&sig);
	return r;
}

/* The audience as it is now.  The policy may have changed since it was admitted: then
 * everything is judged again. */
static int
ssh_sign_judge(const struct ssh_sign *q, const struct config_audience **aud)
{
	struct ssh_sign_asked asked;
	struct ssh_about about;

	*aud = ssh_audience(q->agent, q->caller);
	if (*aud == NULL || strcmp((*aud)->name, q->audience) != 0 ||
	    (policy_local_only(*aud) && !seat_near(q->agent->seat, q->caller, NULL)))
		return TSR_DENIED;
	if (q->generation == policy_generation(q->agent->policy))
		return TSR_OK;
	return ssh_sign_unfit(q->agent, q->message, q->subject, &asked, &about) == NULL ? TSR_OK : TSR_DENIED;
}

/* By a session that is there. */
static int
ssh_sign_by_session(const struct ssh_sign *q)
{
	struct agent *a = q->agent;
	const struct config_audience *aud = NULL;
	const struct session *s = NULL;
	int r;

	if ((r = ssh_sign_judge(q, &aud)) != TSR_OK)
		return r;
	if (q->about.forwarded)		/* the host between asks: somebody sees where to */
		return TSR_LOGIN_REQUIRED;
	if (store_failing(a->store))	/* nothing could be recorded: nothing is given */
		return TSR_STORE;
	if ((r = session_good_for(a->sessions, q->caller->uid, q->subject, aud, UINT32_MAX,
	    &s)) != TSR_OK)
		return r;
	return ssh_sign_make(q, s, 0);
}

/* By the proof that was made for it. */
static int
ssh_sign_by_proof(const struct ssh_sign *q, const struct credential *c, int pin_default)
{
	struct agent *a = q->agent;
	const struct config_audience *aud = NULL;
	const struct session *s = NULL;
	int r;

	if ((r = ssh_sign_judge(q, &aud)) != TSR_OK)
		return r;
	if (c->acr < aud->acr)
		return TSR_DENIED;
	if (!caller_alive(q->caller))
		return TSR_CLOSED;
	if ((r = audit_ready(a->audit)) != TSR_OK ||
	    (r = proved_record(a, q->caller, NULL, c, q->audience, pin_default)) != TSR_OK ||
	    (r = proved_session(a, q->caller, c, q->audience, 0, &s)) != TSR_OK)
		return r;
	proved_tell(a, q->caller->uid, s->sid, c->id);
	return ssh_sign_make(q, s, 1);
}

/* Its end without a signature. */
static void
ssh_sign_fail(const struct ssh_sign *q, int code, const char *detail)
{
	metrics.ssh[METRICS_SSH_REFUSED]++;
	log_line(LOG_DETAIL, "no SSH signature for uid %u: %s", q->caller->uid,
	    detail[0] != '\0' ? detail : tsr_strerror(code));
	if (ssh_sign_told(q->agent, q->caller->uid))
		ssh_sign_tell(q->agent, q->caller, "ssh-refused", problem_name(code), &q->about, 0);
	ssh_answer_type(q->conn, SSH_FAILURE);
}

static void
ssh_sign_proved(void *arg, int code, const struct credential *c, const char *members,
    const char *detail)
{
	struct ssh_sign *q = arg;
	int r;

	q->login = NULL;
	if (code == TSR_OK)
		r = ssh_sign_by_proof(q, c, members[0] != '\0');
	else if (code == TSR_LOGIN_REQUIRED)	/* the touch was another request's */
		r = code = ssh_sign_by_session(q);
	else
		r = code;
	if (code != TSR_OK || r == TSR_DENIED)
		audit_event_proof_missed(q->agent, q->caller, NULL, r, q->subject, q->caller->uid,
		    c != NULL ? c->id : NULL, q->audience);
	if (r != TSR_OK)
		ssh_sign_fail(q, r, detail);
	ssh_sign_free(q);
}

/* A fresh proof; whoever is asked for it sees where to it goes. */
static void
ssh_sign_prove(struct ssh_sign *q, const struct config_audience *aud)
{
	struct login_ask ask = {
		.subject = q->subject, .uid = q->caller->uid, .requester = q->caller,
		.acr = aud->acr, .audience = q->audience, .reuse = aud->reuse, .about = &q->about
	};
	struct agent *a = q->agent;
	char detail[256];
	int r;

	detail[0] = '\0';
	ssh_park(q->conn, ssh_sign_gone, q);
	if ((r = pending_begin(&a->pending, &q->pending, q->caller->uid, q->caller->uid,
	    policy_config(a->policy)->limits.pending_per_uid)) == TSR_OK)
		r = login_start(a, &ask, ssh_sign_proved, q, detail, &q->login);
	if (r == TSR_OK) {
		link_append(&a->ssh_waiting, &q->link);
		return;
	}
	ssh_sign_fail(q, r, detail);
	ssh_sign_free(q);
}

void
ssh_sign_settle(struct agent *a)
{
	struct ssh_sign *q;
	struct link *l, *next;

	/* Nothing that is ended here ends another. */
	for (l = a->ssh_waiting.next; l != &a->ssh_waiting; l = next) {
		next = l->next;
		q = LINK_OF(l, struct ssh_sign, link);
		if (ssh_sign_by_session(q) == TSR_OK)
			ssh_sign_free(q);
	}
}

void
ssh_sign_request(struct agent *a, const struct ssh_message *m, const char *name)
{
	const struct config_audience *aud = ssh_audience(a, m->caller);
	struct ssh_sign_asked asked;
	struct ssh_sign *q;
	const char *why;
	uid_t only;
	int r;

	if (aud == NULL || name[0] == '\0' || policy_login_helper(a->policy, m->caller, &only)) {
		ssh_sign_refuse(a, m, "ssh_no_key", NULL);
		return;
	}
	if ((q = calloc(1, sizeof(*q))) == NULL) {
		ssh_answer_type(m->conn, SSH_FAILURE);
		return;
	}
	if ((why = ssh_sign_unfit(a, m, name, &asked, &q->about)) != NULL ||
	    (watch_mint(a->watch) != TSR_OK && (why = "ssh_clock") != NULL)) {
		ssh_sign_refuse(a, m, why, q->about.user[0] != '\0' || q->about.name[0] != '\0' ?
		    &q->about : NULL);
		free(q);
		return;
	}
	q->agent = a;
	q->conn = m->conn;
	q->caller = m->caller;
	q->message = m;
	q->data = asked.data;
	q->n = asked.n;
	q->generation = policy_generation(a->policy);
	(void)snprintf(q->subject, sizeof(q->subject), "%s", name);
	(void)snprintf(q->audience, sizeof(q->audience), "%s", aud->name);
	if ((r = ssh_sign_by_session(q)) == TSR_LOGIN_REQUIRED || r == TSR_STEP_UP_REQUIRED ||
	    r == TSR_DEVICE_REMOVED) {
		ssh_sign_prove(q, aud);
		return;
	}
	if (r != TSR_OK)
		ssh_sign_fail(q, r, "");
	ssh_sign_free(q);
}
