/*
 * login.h - proving a subject with one of the devices enrolled for him: choose
 * the credential, then the proof.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_LOGIN_H
#define AGENT_LOGIN_H

#include "agent/agent.h"
#include "agent/proof.h"

struct login;
struct ssh_about;

/* All texts live until done() or login_cancel(). */
struct login_ask {
	const char *subject;		/* user name */
	uid_t uid;			/* and number of the subject */
	const struct caller *requester;
	const struct login_said *said;	/* by the login helper that asks; NULL: it is none */
	const char *credential;		/* the id asked for, or NULL */
	const char *device;		/* the id asked for, or NULL */
	enum acr acr;			/* at least */
	const char *audience, *scope, *client_id;	/* NULL: a session alone */
	enum audience_reuse reuse;
	struct secret *pin;		/* taken by login_start; NULL: ask */
	const struct ssh_about *about;	/* what it is for, to be shown; NULL */
};

/* TSR_OK: c (valid until done returns) was proved; a FIDO2 key's counter is stored
 * in this batch.  TSR_LOGIN_REQUIRED: it waited for a touch that another request of
 * the same user's got: a session came of that.  Else nothing was, c is the
 * one that was tried, NULL where it did not come to that.  members are further
 * JSON members for the answer ("" or ",..."), LOGIN_PIN_DEFAULT after TSR_OK. */
typedef void (*login_done)(void *arg, int code, const struct credential *c,
    const char *members, const char *detail);

/* done() is called once and never from inside. On an error at once, detail
 * (256 bytes) and nothing was started.  TSR_DENIED: the audience is for local
 * sessions alone, and the requester is in none (seat_near()). */
int login_start(struct agent *a, struct login_ask *ask, login_done done, void *arg,
    char detail[256], struct login **out);
void login_cancel(struct login **l);

/* 1 where a login would consider c: active, and of a module that is configured. */
int login_would_use(const struct agent *a, const struct credential *c);

/* A member of the answer to a request whose proof took one of the PINs that
 * tokens have when they are new. */
#define LOGIN_PIN_DEFAULT	",\"pin_default\":true"

/* What problem_with() needs for a proof that failed. */
void login_failure(int code, uint32_t tries_left, char members[96]);

/* The sentence for a helper's detail: where that names a PKCS#11 call and what it
 * returned, it goes behind a sentence, in brackets.  "" for none.  what was
 * refused is "PIN" or "PUK"; tries_left, PROTO_TRIES_UNKNOWN or those of it, are
 * told with the refusal. */
void login_describe(int code, const char *what, uint32_t tries_left, const char *detail, char *out,
    size_t size);

#endif
