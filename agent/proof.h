/*
 * proof.h - one challenge-response with a PKCS#11 token: ask for the PIN where
 * it was not given, draw a challenge, have it signed, check the signature here.
 * Every PIN goes by the guard (pin_guard.h), one at a time to a token.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_PROOF_H
#define AGENT_PROOF_H

#include <stdint.h>

#include "agent/helper.h"
#include "agent/pin_guard.h"
#include "agent/prompt.h"
#include "agent/store.h"
#include "base/secret.h"
#include "token/challenge.h"

#define PROOF_MS		15000	/* login (10 s) and signature (5 s) */
#define PROOF_CHALLENGE_S	60	/* a challenge's life, in its context */
#define PROOF_TRIES_MS		5000	/* to tell how many tries are left */
#define PROOF_PAD_MS		60000	/* a person is to enter the PIN at the reader, besides */
#define PROOF_TRIES		2	/* PINs asked for in one request: a third could be a card's last */

struct proofs;
struct proof;

/* What is proved.  All pointers but pin live until done() or proof_cancel(). */
struct proof_ask {
	const struct credential *credential;	/* its key, token and pinned algorithm */
	const struct caller *requester;
	const struct login_said *said;		/* by the login helper that asks, NULL */
	uid_t prompter;				/* whose prompters are asked */
	const char *purpose;			/* "login", "enrol": what they show */
	struct challenge_context context;	/* expiry is filled in here */
	struct secret *pin;			/* taken by proof_start; NULL: ask */
	const struct ssh_about *about;		/* what it is for, to be shown; NULL */
	int silent;				/* by a key that needs no PIN: nobody is asked */
	int unlimited;				/* the module never locks a PIN (pin-tries) */
	int *pin_default;			/* set to 1 where the PIN was right, and is one of new tokens; NULL */
};

/* code TSR_OK: the key of that credential signed this very challenge.
 * tries_left is, for TSR_SLOW_DOWN, the seconds to wait. */
typedef void (*proof_done)(void *arg, int code, uint32_t tries_left, const char *detail);

/* What proofs go by; all of it outlives them. */
struct proof_parts {
	struct timers *timers;
	struct helpers *helpers;
	struct events *events;
	struct prompts *prompts;
	struct pin_guard *guard;
	const enum config_seat *seat;	/* may change */
};

int proofs_new(const struct proof_parts *parts, struct proofs **out);
void proofs_free(struct proofs **p);

/* The token is free: who waits for it is next. */
void proofs_turn(struct proofs *p, const struct pin_of *of);

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
