/*
 * agent_rig.h - the life of a whole agent inside this process: daemon.c with
 * everything below it, a store on a memory file system, a name service that the
 * target plays, a rehearsal's clock, and helpers behind a socket that the target
 * holds.  Only the sandbox and the endless loop are left out.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef TESTS_FUZZ_AGENT_RIG_H
#define TESTS_FUZZ_AGENT_RIG_H

#include "agent/agent.h"

#define AGENT_RIG_MODULE	"m"
#define AGENT_RIG_SERIAL	"1"
#define AGENT_RIG_LABEL		"card"

/* the sockets' paths */
extern char agent_rig_api[108], agent_rig_admin[108], agent_rig_ssh[108];
extern int agent_rig_helpers;				/* listens for the agent */
extern struct credential agent_rig_credential;		/* root's, of a key that nobody has */
extern uint8_t agent_rig_other[PROTO_SPKI_MAX];		/* another such key, as long, not enrolled */

/* Once a process. */
void agent_rig_start(void);

/* One agent from start to end, on the same store as every other: begin() is
 * called before it starts, drive() once it serves (a agent that could not be
 * started: never).  1 where it served. */
int agent_rig_life(void (*begin)(void), void (*drive)(struct agent *a));

/* Let the agent do all that it can now / what is due ms later. */
void agent_rig_turn(struct agent *a);
void agent_rig_pass(struct agent *a, uint64_t ms);

/* From here on name questions wait (or not) until they are answered: as they should be,
 * or with another code. */
void agent_rig_names_wait(int wait);
void agent_rig_names_answer(int code);

#endif
