/*
 * grant_wait.h - requests for a token in the second of a global revocation: a
 * token of that second would be dead from the first.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_GRANT_WAIT_H
#define AGENT_GRANT_WAIT_H

#include "agent/agent.h"

#define GRANT_WAIT_S	2	/* longer than this nobody waits */

/* 1 where the request may not be answered yet: it is parked, and then given to
 * grant_token again, or was refused. */
int grant_waits(struct agent *a, const struct http_request *r, const struct asker *who);

#endif
