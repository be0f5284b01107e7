/*
 * fido_turn.h - one request at a time has the FIDO2 keys: what the person touches
 * then is that request's, and nobody else's.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_FIDO_TURN_H
#define AGENT_FIDO_TURN_H

#include <sys/types.h>

#include "agent/link.h"
#include "agent/timer.h"

#define FIDO_TURN_WAIT_MS	120000	/* behind others, before a request is given up */
#define FIDO_TURN_REST_MS	500	/* for a finger that is on its way to a key gone dark */

struct fido_turn;

/* Who has the keys, and who waits for them. */
struct fido_turns {
	struct timers *timers;
	struct link waiting;		/* in order of arrival */
	struct fido_turn *has;		/* NULL: nobody */
	struct timer timer;		/* the next one begins from the loop */
	uid_t last;			/* whose turn it was last */
	uint64_t rest_ms;		/* clock_boot_ms(): none begins before */
};

/* Embedded in what waits.  Zeroed memory waits for nothing. */
struct fido_turn {
	struct link link;
	struct fido_turns *turns;	/* NULL: neither waits nor has it */
	uid_t uid;			/* for whom */
	int login;			/* a touch of the same user's makes it needless */
	struct timer timer;
	/* From the loop, once: TSR_OK, the keys are its own until fido_turn_end();
	 * TSR_LOGIN_REQUIRED, a touch of the same user's was spent on another request
	 * while it waited; TSR_DEVICE_BUSY, it waited for too long. */
	void (*go)(void *arg, int code);
	void *arg;
};

void fido_turns_init(struct fido_turns *ts, struct timers *timers);
void fido_turns_end(struct fido_turns *ts);

/* Wait; t's uid, login, go and arg are set.  Nobody gets two turns in a row while
 * others wait.  TSR_NOMEM. */
int fido_turn_wait(struct fido_turns *ts, struct fido_turn *t);
/* Give up the turn or the place. */
void fido_turn_end(struct fido_turn *t);

/* A touch that was announced was given up: nobody's turn begins for a while, so that
 * one which comes too late is not the next request's. */
void fido_turns_rest(struct fido_turns *ts);

/* t has proved its user: what he waits for besides does not get another touch of
 * its own.  It is told after the batch. */
void fido_turn_spent(struct fido_turn *t);

#endif
