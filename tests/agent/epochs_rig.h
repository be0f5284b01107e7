/*
 * epochs_rig.h - a folder with keys, tokens by them, and the file of dead ones as
 * the agent writes it.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef TESTS_EPOCHS_RIG_H
#define TESTS_EPOCHS_RIG_H

#include "agent/epochs.h"
#include "tessera.h"
#include "token/jwt.h"

#define EPOCHS_RIG_TOKENS	64	/* four of one second, each with a sid of its own */
#define EPOCHS_RIG_NOW		1800000100

struct epochs_rig {
	char folder[64], file[80], keys[80];
	struct timers *timers;
	struct epochs *epochs;
	int64_t stored;
	struct jwt_claims claims[EPOCHS_RIG_TOKENS];
	char sid[EPOCHS_RIG_TOKENS][EPOCHS_SID_LEN + 1];
	char token[EPOCHS_RIG_TOKENS][1024];
};

/* Everything new; nothing is dead. */
void epochs_rig_new(struct epochs_rig *g);
void epochs_rig_free(struct epochs_rig *g);

/* The agent ends as it stands, and another one starts: tokens were issued until
 * latest. */
void epochs_rig_restart(struct epochs_rig *g, int64_t latest);

/* The next heartbeat, now. */
void epochs_rig_beat(struct epochs_rig *g);

/* Other keys take the place of those that the tokens are by. */
void epochs_rig_other_keys(struct epochs_rig *g);

struct tsr_verifier *epochs_rig_verifier(const struct epochs_rig *g);
int epochs_rig_verify(struct tsr_verifier *v, const struct epochs_rig *g, size_t token);

#endif
