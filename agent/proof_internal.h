/*
 * proof_internal.h - between proof.c, which checks what a token signed, and
 * proof_pin.c, which sees to the PIN that it takes.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_PROOF_INTERNAL_H
#define AGENT_PROOF_INTERNAL_H

#include "agent/pin_guard.h"
#include "agent/proof.h"
#include "agent/verdict.h"
#include "agent/timer.h"

#define PROOF_DETAIL_MAX	200	/* bytes of a sentence, with NUL */

struct proof {
	struct proof *next;
	struct proofs *proofs;
	struct proof_ask ask;		/* pin is NULL: it is held below */
	struct verdict verdict;
	uint8_t challenge[CHALLENGE_LEN];
	uint64_t sent_us;		/* clock_work_us() when the helper was asked */
	struct pubkey *key;		/* the credential's, once the challenge is out */
	struct helper_call *call;
	proof_done done;
	void *arg;

	/* proof_pin.c */
	struct pin_of of;
	struct secret *pin;		/* until it is sent; NULL with a PIN pad */
	enum pin_place place;		/* whence it came */
	uint32_t tries, confirmed;	/* left, as last told; as a person repeated */
	uint32_t least, most, flags;	/* of the token: PROTO_PIN */
	int asked;			/* PINs asked for so far */
	int trying;			/* the guard was told that a try began */
	int waiting;			/* another try on the token goes first */
	uint64_t wait_until_ms;
	int is_default;			/* the PIN is one of new tokens */
	struct prompt *prompt;
	struct timer timer;		/* of waiting, and of an end that comes from the loop */
	int late_code;
	uint32_t late_number;
	char late_detail[PROOF_DETAIL_MAX];
};

struct proofs {
	struct proof_parts parts;
	struct proof *list;		/* the newest first */
};

/* proof.c: the PIN is at hand (or the reader takes it): draw a challenge and
 * have it signed.  What came of it goes to proof_pin_answered(). */
int proof_send(struct proof *p);
/* The end. */
void proof_finish(struct proof *p, int code, uint32_t tries_left, const char *detail);

/* proof_pin.c: begin with the PIN of the request, or with asking for one. */
int proof_pin_begin(struct proof *p);
/* A token has answered; 1 where the person is asked once more. */
int proof_pin_answered(struct proof *p, int code, uint32_t tries_left);
/* p goes, whatever it was at: who waits for its token is next. */
void proof_pin_end(struct proof *p);

#endif
