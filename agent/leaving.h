/*
 * leaving.h - sessions are locked when their user leaves: when his last login
 * session on this machine ends, when the machine is put to sleep; each where
 * the configuration in force says so.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_LEAVING_H
#define AGENT_LEAVING_H

#include "agent/agent.h"

struct leaving;

/* a's loop and sessions are there.  TSR_NOMEM, TSR_SYSTEM. */
int leaving_new(struct agent *a, struct leaving **out);
void leaving_free(struct leaving **l);

/* Before anything is judged by a session, and now and then: whether the machine
 * slept since the last call. */
void leaving_look(struct leaving *l);

#endif
