/*
 * epochs.h - which tokens are dead, in memory and in the public file by which
 * verifiers refuse them without asking anyone.  The file's form: token/epochs.h.
 *
 * What is in memory counts; the file follows at once.  Where it cannot be
 * written it is given up (its head says so, or else its heart stops), so that every
 * verifier refuses everything until a whole new file could be written.  It is written by
 * pwrite alone: a file that somebody cut is no fault of ours to die of.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_EPOCHS_H
#define AGENT_EPOCHS_H

#include <stddef.h>
#include <stdint.h>

#include "agent/timer.h"
#include "token/epochs.h"
#include "token/jwt.h"

#define EPOCHS_NAME	"epochs"
#define EPOCHS_LIFE_S	3660	/* s: no token lives longer than 3600, plus a second's rounding and slack */

struct epochs;

struct epochs_start {
	const char *folder;	/* the public one, ours */
	int64_t stored;		/* the global epoch as the store has it, 0 none */
	int64_t latest;		/* the latest time believed: no token has a later iat */
	int issued;		/* tokens may have been issued before: the store is not new */
};

/* Take over the file of this boot's last agent, or make one; where tokens were
 * issued whose fate is not known (no file, another boot's, one that was half
 * written) they are all dead.  TSR_SYSTEM with errno, TSR_NOMEM. */
int epochs_open(const struct epochs_start *s, struct epochs **out);
void epochs_free(struct epochs **e);

/* From now on the heart beats, every EPOCHS_BEAT_MS.  TSR_NOMEM. */
int epochs_begin(struct epochs *e, struct timers *ts);

/* Every token of this sid is dead / every token issued until then is, and it
 * never goes back.  Both hold here in any case; TSR_SYSTEM where verifiers
 * cannot be told but by the heart that stops, TSR_INVALID for no sid. */
int epochs_kill(struct epochs *e, const char *sid);
int epochs_raise(struct epochs *e, int64_t epoch);

/* Many at once: the file is written as a whole at the end.  TSR_SYSTEM. */
void epochs_gather(struct epochs *e);
int epochs_gathered(struct epochs *e);

/* The file of public keys was written for the nth time: verifiers read it again. */
int epochs_keys(struct epochs *e, uint64_t nth);

/* Is a token dead whose signature and claims are good? */
int epochs_dead(const struct epochs *e, const struct jwt_claims *c);
/* Was that sid killed, not longer ago than its tokens could live? */
int epochs_sid_dead(const struct epochs *e, const char *sid);

/* The seconds from now (of the epoch) until a token may be issued that is not
 * dead from the first: 0 nearly always. */
int64_t epochs_wait(const struct epochs *e, int64_t now);

struct epochs_state {
	int64_t epoch;
	size_t dead;		/* sids */
	int failing;		/* the file could not be written */
};
void epochs_state(const struct epochs *e, struct epochs_state *out);

#endif
