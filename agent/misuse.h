/*
 * misuse.h - what honest programs do not do: each case is an event to the user,
 * a line of the audit log and a number, and where misuse.lock says so it locks
 * the user's sessions.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_MISUSE_H
#define AGENT_MISUSE_H

#include "agent/agent.h"
#include "agent/metrics.h"

/* Told of by the caller `by` (NULL: the agent saw it itself), about what uid owns
 * ((uid_t)-1: it is not known whose it is).  detail: words, or NULL. */
void misuse_tell(struct agent *a, const struct caller *by, enum metrics_misuse what, uid_t uid,
    const char *subject, const char *audience, const char *detail);

/* A token was given to uid for the audience: more than misuse.tokens-per-minute? */
void misuse_token(struct agent *a, const struct caller *by, uid_t uid, const char *subject,
    const char *audience);

/* A token was seen at a verifier: more often than misuse.uses-per-minute?  id is
 * its jti. */
void misuse_use(struct agent *a, const struct caller *by, uid_t uid, const char *subject,
    const char *audience, const char *id);

/* May uid send this endpoint a request now?  TSR_OK, TSR_SLOW_DOWN with *wait_s. */
int misuse_admit(struct agent *a, uid_t uid, unsigned endpoint, uint32_t *wait_s);

#endif
