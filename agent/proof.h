/*
 * proof.h - one challenge-response with a PKCS#11 token: ask for the PIN where
 * it was not given, draw a challenge, have it signed, check the signature here.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_PROOF_H
#define AGENT_PROOF_H

#include <stdint.h>

#include "agent/helper.h"
#include "agent/prompt.h"
#include "agent/store.h"
#include "base/secret.h"
#include "token/challenge.h"

#define PROOF_MS		15000	/* login (10 s) and signature (5 s) */
#define PROOF_CHALLENGE_S	60	/* a challenge's life, in its context */
#define PROOF_TRIES		2	/* PINs asked for in one request: a third could be a card's last */

struct proofs;
struct proof;

/* What is proved.  All pointers but pin live until done() or proof_cancel(). */
struct proof_ask {
	const struct credential *credential;	/* its key, token and pinned algorithm */
	const struct caller *requester;
	uid_t prompter;				/* whose prompters are asked */
	const char *purpose;			/* "login", "enrol": what they show */
	struct challenge_context context;	/* expiry is filled in here */
	struct secret *pin;			/* taken by proof_start; NULL: ask */
	int silent;				/* by a key that needs no PIN: nobody is asked */
	uint32_t flags;				/* the token's, PROTO_TOKEN_*: tries left */
};

/* code TSR_OK: the key of that credential signed this very challenge. */
typedef void (*proof_done)(void *arg, int code, uint32_t tries_left, const char *detail);

int proofs_new(struct helpers *hs, struct prompts *ps, struct proofs **out);
void proofs_free(struct proofs **p);

/* The token was taken out: every proof with it ends with TSR_DEVICE_REMOVED. */
void proofs_removed(struct proofs *ps, const char *module, const char *serial, const char *label);

/* How many are under way. */
size_t proofs_count(const struct proofs *p);

/* done() is called once and never from inside.  On an error at once nothing was
 * started; ask->pin was taken (and wiped) in every case. */
int proof_start(struct proofs *ps, struct proof_ask *ask, proof_done done, void *arg,
    struct proof **out);

/* done() is not called.  *p may be NULL. */
void proof_cancel(struct proof **p);

#endif
