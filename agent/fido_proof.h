/*
 * fido_proof.h - one proof with a FIDO2 key: whose turn it is, which key that is
 * plugged in holds one of the credentials, its PIN where the person has to be
 * verified, a touch that was announced, the verdict.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_FIDO_PROOF_H
#define AGENT_FIDO_PROOF_H

#include "agent/fido.h"
#include "base/secret.h"
#include "token/challenge.h"

#define FIDO_PROOF_CHALLENGE_S	60	/* a challenge's life, in its context */

struct fido_proof;

/* What is proved.  All pointers but pin live until done() or fido_proof_cancel(). */
struct fido_proof_ask {
	struct credential *const *candidate;	/* of kind "fido", of one subject, best first */
	size_t n;
	const struct caller *requester;
	const struct login_said *said;		/* by the login helper that asks, NULL */
	uid_t prompter;				/* whose listeners are told and asked */
	const char *purpose;			/* "login": what they are shown */
	struct challenge_context context;	/* credential and expiry are filled in here */
	struct secret *pin;			/* taken by fido_proof_start; NULL: ask */
	const struct ssh_about *about;		/* what it is for, to be shown; NULL */
};

/*
 * TSR_OK: the key of c, one of the candidates, signed this very challenge, and its
 * counter is stored in this batch.  TSR_LOGIN_REQUIRED: while this one waited a
 * touch of the same user's was spent on another request: it is to be judged by the
 * session that came of it.  Else c is the one that was tried, NULL where it did not
 * come to that; number is the tries left, for TSR_SLOW_DOWN the seconds to wait.
 */
typedef void (*fido_proof_done)(void *arg, int code, const struct credential *c, uint32_t number,
    const char *detail);

/* done() is called once and never from inside.  On an error at once nothing was
 * started; ask->pin was taken (and wiped) in every case. */
int fido_proof_start(struct fido *f, struct fido_proof_ask *ask, fido_proof_done done, void *arg,
    struct fido_proof **out);

/* The key blinks no more; done() is not called.  *p may be NULL. */
void fido_proof_cancel(struct fido_proof **p);

#endif
