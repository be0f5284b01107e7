/*
 * status.h - GET /admin/status: the agent's state for administrators.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_STATUS_H
#define AGENT_STATUS_H

#include "agent/agent.h"

void status_answer(struct agent *a, const struct http_request *r, const struct asker *who);

#endif
