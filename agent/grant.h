/*
 * grant.h - POST /token, POST /session and POST /challenge.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_GRANT_H
#define AGENT_GRANT_H

#include "agent/agent.h"

void grant_token(struct agent *a, const struct http_request *r, const struct asker *who);
void grant_challenge(struct agent *a, const struct http_request *r, const struct asker *who);
void grant_session(struct agent *a, const struct http_request *r, const struct asker *who);

#endif
