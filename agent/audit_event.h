/*
 * audit_event.h - the events of the audit log, each as one call.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_AUDIT_EVENT_H
#define AGENT_AUDIT_EVENT_H

#include "agent/agent.h"
#include "agent/caller.h"
#include "agent/http.h"
#include "agent/mint.h"
#include "agent/ssh_about.h"
#include "agent/store_token.h"
#include "token/jwt.h"

/* A proof of the subject was accepted with c for the audience (NULL or "": a
 * session), asked for by a login helper with these words or, NULL, by himself;
 * pin_default: with a PIN of new tokens.  TSR_STORE: it must not count. */
int audit_event_proof(struct agent *a, const struct caller *by, const struct login_said *said,
    const struct credential *c, const char *audience, int pin_default);
/* One failed; the refusal that conn will be answered is not counted besides. */
void audit_event_proof_failed(struct agent *a, struct http_conn *conn, const struct login_said *said,
    int code, const char *subject, uid_t uid, const char *credential, const char *audience);

/* The same where no HTTP request waits for it. */
void audit_event_proof_missed(struct agent *a, const struct caller *by, const struct login_said *said,
    int code, const char *subject, uid_t uid, const char *credential, const char *audience);

/* An SSH signature leaves, by a session.  TSR_STORE: it must not. */
int audit_event_ssh_signature(struct agent *a, const struct caller *by, const struct session *s,
    const char *audience, const struct ssh_about *about);

/* A token leaves; durable: what else is stored of it waits.  TSR_STORE: it must not. */
int audit_event_mint(struct agent *a, const struct caller *by, const struct mint_subject *s,
    const struct jwt_claims *j, int durable);

/* An SSH certificate is issued, to by (NULL: the agent renews one of its own), for
 * that audience.  TSR_STORE: it must not be. */
struct ssh_cert_record;
int audit_event_ssh(struct agent *a, const struct caller *by, const char *audience,
    const struct ssh_cert_record *c);

/* Those of a subject, or with NULL the one of that serial, were revoked by the caller. */
int audit_event_ssh_revoked(struct agent *a, const struct caller *by, const char *subject,
    uint64_t serial);

/* What happened to a stored token or family: "token-revoked", "family-ended".
 * TSR_STORE: it must not. */
int audit_event_token(struct agent *a, const struct caller *by, const char *event,
    const struct store_token *t);

/* "misuse" of what is uid's (misuse.h). */
void audit_event_misuse(struct agent *a, const struct caller *by, const char *kind, uid_t uid,
    const char *subject, const char *audience, const char *detail);

/* The end of an enrolment that came to its proof; code TSR_OK: c is stored. */
int audit_event_enrol(struct agent *a, struct http_conn *conn, int code, const struct credential *c,
    int pin_default);

/* The PIN of a token or a FIDO2 key was changed, unblocked or set by the caller
 * ("pin-changed", "pin-unblocked", "pin-set"), or was not.  TSR_STORE: it must not be said to have been. */
int audit_event_pin(struct agent *a, struct http_conn *conn, const char *event, int code,
    const char *device, const char *label);

/* "credential-disabled" and so on. */
int audit_event_credential(struct agent *a, const struct caller *by, const char *event,
    const struct credential *c, int force);

/* A FIDO2 key's counter went back, so its credential is suspended: "clone".
 * TSR_STORE. */
int audit_event_clone(struct agent *a, const struct caller *by, const struct credential *c);

/* "code-made" for uid; "code-spent" by him, or not with code. */
int audit_event_code_made(struct agent *a, const struct caller *by, const char *subject, uid_t uid);
int audit_event_code_spent(struct agent *a, struct http_conn *conn, int code);

/* Tokens were revoked by the caller: those of a session, a credential, a subject,
 * or (all NULL) of everybody.  What it says has happened. */
void audit_event_revoked(struct agent *a, const struct caller *by, const char *subject,
    const char *credential, const char *sid);

void audit_event_session_ended(struct agent *a, const struct session *s);

/* After a restart of the agent its device proved that it is still there. */
void audit_event_session_restored(struct agent *a, const struct session *s);

/* With why: a word. */
void audit_event_session_locked(struct agent *a, const struct session *s, const char *reason);

/* "recovery-codes-made", "credential-replaced": a code for who lost his token. */
int audit_event_recovery(struct agent *a, const struct caller *by, const char *event,
    const char *subject, uid_t uid, const char *credential);

/* That many credentials were stored by an import. */
int audit_event_import(struct agent *a, const struct caller *by, size_t n);

/* What an administrator did to the agent: "clock-accepted", "store-confirmed",
 * "store-copied", "rotation-begun", "keys-replaced", "ssh-ca-prepared", "ssh-ca-rotated",
 * "ssh-ca-replaced", "ssh-ca-retired".  TSR_STORE: it must not happen,
 * or not be said to have. */
int audit_event_admin(struct agent *a, const struct caller *by, const char *event);

/* "start", "stop", "reload", "key-rotated": of the agent itself. */
void audit_event_agent(struct agent *a, const char *event, const char *verdict, const char *detail);

#endif
