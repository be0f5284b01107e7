/*
 * challenges.h - challenges that were given away and wait for their answer: of
 * devices that are not on this host, or of browsers.  Kept in memory, spent by the
 * first answer.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_CHALLENGES_H
#define AGENT_CHALLENGES_H

#include <stdint.h>
#include <sys/types.h>

#include "agent/caller_source.h"
#include "agent/store.h"
#include "token/challenge.h"

#define CHALLENGES_MAX		1024	/* of all users */
#define CHALLENGES_USER		8	/* for one user from one source */
#define CHALLENGES_OTHERS	64	/* for one user from all sources but himself */
#define CHALLENGES_SOURCE	128	/* from one source for all users */
#define CHALLENGE_PROOF_S	60	/* s one for a proof lives */
#define CHALLENGE_ENROL_S	300	/* s one for an enrolment lives: a person carries it to a browser */

/* Who may answer, and for what. */
struct challenge_held {
	char id[STORE_ID_LEN + 1];
	uid_t by;			/* who asked for it */
	uid_t uid;			/* for whom, and */
	char source[CALLER_SOURCE_MAX];	/* from where: counted */
	enum challenge_purpose purpose;
	int admin;			/* 1: on the admin socket */
	uint32_t life_s;
	uint8_t bytes[CHALLENGE_LEN];	/* what is to be signed */
	void *of;			/* what waits for it */
	void (*drop)(void *of);		/* where it is not taken: from any call, or challenges_free */
};

struct challenges;

int challenges_new(struct challenges **out);
void challenges_free(struct challenges **cs);

/* Draw one over an encoded context.  TSR_CRYPTO. */
int challenge_draw(const struct buf *context, uint8_t nonce[CHALLENGE_NONCE_LEN],
    uint8_t out[CHALLENGE_LEN]);

/* The same over a context that nobody is told: the nonce is gone.  Errors as
 * challenge_context_encode(), TSR_CRYPTO. */
int challenge_make(const struct challenge_context *c, uint8_t out[CHALLENGE_LEN]);

/* Keep it; `of` is taken.  One source uses up neither the user's own nor another
 * source's.  TSR_SLOW_DOWN beyond the limits, TSR_NOMEM: `of` is the caller's still. */
int challenge_add(struct challenges *cs, const struct challenge_held *h);

/* 1 where `by` may answer one of that id, purpose and socket. */
int challenge_waits(struct challenges *cs, const char *id, uid_t by,
    enum challenge_purpose purpose, int admin);

/* Spend it: *out is a copy, and what waits for it is the caller's.  TSR_BAD_GRANT
 * where there is none, it is over, it was answered, or it is not the caller's. */
int challenge_take(struct challenges *cs, const char *id, uid_t by,
    enum challenge_purpose purpose, int admin, struct challenge_held *out);

#endif
