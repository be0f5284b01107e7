/*
 * audit_event.c - see audit_event.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/audit_event.h"

#include <stdio.h>

#include "agent/problem.h"
#include "agent/store_ssh.h"
#include "include/tessera.h"

#define EVENT_PIN_DEFAULT	",\"pin_default\":true"

static struct audit_record
event_by(const char *event, const struct caller *by)
{
	struct audit_record rec = { .event = event };

	if (by == NULL)		/* nobody asked */
		return rec;
	rec.has_by = 1;
	rec.by = by->uid;
	rec.pid = by->pid;
	return rec;
}

static void
event_for(struct audit_record *rec, const char *subject, uid_t uid)
{
	rec->subject = subject;
	rec->has_uid = 1;
	rec->uid = uid;
}

static void
event_verdict(struct audit_record *rec, int code)
{
	rec->code = code;
	if (code != TSR_OK)
		rec->verdict = problem_name(code);
}

/* What a login helper says of the login, where one does. */
static void
event_said(struct audit_record *rec, const struct login_said *said)
{
	if (said == NULL)
		return;
	rec->service = said->service[0] != '\0' ? said->service : NULL;
	rec->tty = said->tty[0] != '\0' ? said->tty : NULL;
	rec->rhost = said->rhost[0] != '\0' ? said->rhost : NULL;
}

int
audit_event_proof(struct agent *a, const struct caller *by, const struct login_said *said,
    const struct credential *c, const char *audience, int pin_default)
{
	struct audit_record rec = event_by("proof", by);

	event_said(&rec, said);
	event_for(&rec, c->subject, c->uid);
	rec.credential = c->id;
	rec.audience = audience;
	rec.acr = acr_name(c->acr);
	rec.members = pin_default ? EVENT_PIN_DEFAULT : NULL;
	return audit_put(a->audit, &rec, 1);
}

void
audit_event_proof_failed(struct agent *a, struct http_conn *conn, const struct login_said *said,
    int code, const char *subject, uid_t uid, const char *credential, const char *audience)
{
	http_audited(conn);
	audit_event_proof_missed(a, http_caller(conn), said, code, subject, uid, credential, audience);
}

void
audit_event_proof_missed(struct agent *a, const struct caller *by, const struct login_said *said,
    int code, const char *subject, uid_t uid, const char *credential, const char *audience)
{
	struct audit_record rec = event_by("proof", by);

	event_said(&rec, said);
	event_for(&rec, subject, uid);
	event_verdict(&rec, code);
	rec.credential = credential;
	rec.audience = audience;
	audit_failed(a->audit, &rec);
}

int
audit_event_ssh_signature(struct agent *a, const struct caller *by, const struct session *s,
    const char *audience, const struct ssh_about *about)
{
	struct audit_record rec = event_by("ssh-signature", by);
	char members[SSH_ABOUT_MEMBERS];

	event_for(&rec, s->subject, s->uid);
	ssh_about_short(about, members);
	rec.credential = s->credential;
	rec.audience = audience;
	rec.acr = acr_name(s->acr);
	rec.sid = s->sid;
	rec.members = members;
	return audit_put(a->audit, &rec, 0);
}

int
audit_event_mint(struct agent *a, const struct caller *by, const struct mint_subject *s,
    const struct jwt_claims *j, int durable)
{
	struct audit_record rec = event_by("mint", by);

	event_for(&rec, s->subject, s->uid);
	rec.credential = s->credential[0] != '\0' ? s->credential : NULL;
	rec.audience = j->aud;
	rec.scope = j->scope;
	rec.client = j->client_id;
	rec.acr = j->acr[0] != '\0' ? j->acr : NULL;
	rec.sid = j->sid;
	rec.jti = j->jti;
	return audit_put(a->audit, &rec, durable);
}

int
audit_event_token(struct agent *a, const struct caller *by, const char *event,
    const struct store_token *t)
{
	struct audit_record rec = event_by(event, by);

	event_for(&rec, t->subject, t->uid);
	rec.audience = t->audience;
	rec.client = t->client;
	rec.sid = t->sid;
	rec.jti = t->jti[0] != '\0' ? t->jti : NULL;
	rec.detail = t->kind == TOKEN_OPAQUE ? "access token" : "refresh tokens";
	return audit_put(a->audit, &rec, 1);
}

int
audit_event_ssh(struct agent *a, const struct caller *by, const char *audience,
    const struct ssh_cert_record *c)
{
	struct audit_record rec = event_by("ssh-certificate", by);
	char members[128];

	event_for(&rec, c->subject, c->uid);
	rec.credential = c->credential;
	rec.sid = c->sid;
	rec.audience = audience;
	rec.kid = c->ca;
	rec.label = c->id;
	rec.detail = c->principals;
	(void)snprintf(members, sizeof(members), ",\"serial\":\"%016llx\",\"key\":\"%s\"",
	    (unsigned long long)c->serial, c->fingerprint);
	rec.members = members;
	return audit_put(a->audit, &rec, 1);
}

int
audit_event_ssh_revoked(struct agent *a, const struct caller *by, const char *subject, uint64_t serial)
{
	struct audit_record rec = event_by("ssh-revoked", by);
	char members[64];

	rec.subject = subject;
	(void)snprintf(members, sizeof(members), ",\"serial\":\"%016llx\"", (unsigned long long)serial);
	if (subject == NULL)
		rec.members = members;
	return audit_put(a->audit, &rec, 1);
}

void
audit_event_misuse(struct agent *a, const struct caller *by, const char *kind, uid_t uid,
    const char *subject, const char *audience, const char *detail)
{
	struct audit_record rec = event_by("misuse", by);

	event_for(&rec, subject, uid);
	rec.verdict = kind;
	rec.audience = audience;
	rec.detail = detail;
	(void)audit_put(a->audit, &rec, 0);
}

int
audit_event_enrol(struct agent *a, struct http_conn *conn, int code, const struct credential *c,
    int pin_default)
{
	static const char *const members[] = {
		NULL, ",\"vouched\":true", EVENT_PIN_DEFAULT, ",\"vouched\":true" EVENT_PIN_DEFAULT
	};
	struct audit_record rec = event_by("enrol", http_caller(conn));

	event_for(&rec, c->subject, c->uid);
	event_verdict(&rec, code);
	rec.credential = c->id;
	rec.label = c->label;
	rec.acr = acr_name(c->acr);
	rec.members = members[(c->vouched ? 1 : 0) + (pin_default ? 2 : 0)];
	if (code == TSR_OK)
		return audit_put(a->audit, &rec, 1);
	http_audited(conn);
	audit_failed(a->audit, &rec);
	return TSR_OK;
}

int
audit_event_pin(struct agent *a, struct http_conn *conn, const char *event, int code,
    const char *device, const char *label)
{
	struct audit_record rec = event_by(event, http_caller(conn));

	event_verdict(&rec, code);
	rec.detail = device;
	rec.label = label;
	if (code == TSR_OK)
		return audit_put(a->audit, &rec, 1);
	http_audited(conn);
	audit_failed(a->audit, &rec);
	return TSR_OK;
}

int
audit_event_credential(struct agent *a, const struct caller *by, const char *event,
    const struct credential *c, int force)
{
	struct audit_record rec = event_by(event, by);

	event_for(&rec, c->subject, c->uid);
	rec.credential = c->id;
	rec.members = force ? ",\"force\":true" : NULL;
	return audit_put(a->audit, &rec, 1);
}

int
audit_event_clone(struct agent *a, const struct caller *by, const struct credential *c)
{
	struct audit_record rec = event_by("clone", by);

	event_for(&rec, c->subject, c->uid);
	rec.credential = c->id;
	rec.label = c->label;
	rec.detail = "the counter of the key went back: possible clone";
	return audit_put(a->audit, &rec, 1);
}

int
audit_event_code_made(struct agent *a, const struct caller *by, const char *subject, uid_t uid)
{
	struct audit_record rec = event_by("code-made", by);

	event_for(&rec, subject, uid);
	return audit_put(a->audit, &rec, 1);
}

int
audit_event_code_spent(struct agent *a, struct http_conn *conn, int code)
{
	struct audit_record rec = event_by("code-spent", http_caller(conn));

	event_verdict(&rec, code);
	if (code == TSR_OK)
		return audit_put(a->audit, &rec, 1);
	http_audited(conn);
	audit_failed(a->audit, &rec);
	return TSR_OK;
}

int
audit_event_recovery(struct agent *a, const struct caller *by, const char *event,
    const char *subject, uid_t uid, const char *credential)
{
	struct audit_record rec = event_by(event, by);

	event_for(&rec, subject, uid);
	rec.credential = credential;
	return audit_put(a->audit, &rec, 1);
}

int
audit_event_import(struct agent *a, const struct caller *by, size_t n)
{
	struct audit_record rec = event_by("import", by);
	char members[48];

	(void)snprintf(members, sizeof(members), ",\"credentials\":%zu", n);
	rec.members = members;
	return audit_put(a->audit, &rec, 1);
}

int
audit_event_admin(struct agent *a, const struct caller *by, const char *event)
{
	struct audit_record rec = event_by(event, by);

	return audit_put(a->audit, &rec, 1);
}

void
audit_event_revoked(struct agent *a, const struct caller *by, const char *subject,
    const char *credential, const char *sid)
{
	struct audit_record rec = event_by("revoked", by);

	rec.subject = subject;
	rec.credential = credential;
	rec.sid = sid;
	if (subject == NULL && credential == NULL && sid == NULL)
		rec.detail = "every token";
	(void)audit_put(a->audit, &rec, 0);
}

void
audit_event_session_ended(struct agent *a, const struct session *s)
{
	struct audit_record rec = { .event = "session-ended" };

	event_for(&rec, s->subject, s->uid);
	rec.credential = s->credential;
	rec.sid = s->sid;
	(void)audit_put(a->audit, &rec, 0);
}

void
audit_event_session_restored(struct agent *a, const struct session *s)
{
	struct audit_record rec = { .event = "session-restored" };

	event_for(&rec, s->subject, s->uid);
	rec.credential = s->credential;
	rec.sid = s->sid;
	(void)audit_put(a->audit, &rec, 0);
}

void
audit_event_session_locked(struct agent *a, const struct session *s, const char *reason)
{
	struct audit_record rec = { .event = "session-locked", .detail = reason };

	event_for(&rec, s->subject, s->uid);
	rec.credential = s->credential;
	rec.sid = s->sid;
	(void)audit_put(a->audit, &rec, 0);
}

void
audit_event_agent(struct agent *a, const char *event, const char *verdict, const char *detail)
{
	struct audit_record rec = { .event = event, .verdict = verdict, .detail = detail };

	rec.kid = keys_active_kid(a->keys);
	(void)audit_put(a->audit, &rec, 0);
}
