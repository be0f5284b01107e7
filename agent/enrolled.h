/*
 * enrolled.h - GET /enrolled?subject=NAME: did he ever have a credential?
 *
 * For login helpers, who have to tell a user who has nothing yet from one whose
 * card is at home, and for everybody about himself.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_ENROLLED_H
#define AGENT_ENROLLED_H

#include "agent/agent.h"

/* {"enrolled":true} or false; unauthorized_client about anybody else, and about who
 * does not exist; an error where the store is not to be believed. */
void enrolled_answer(struct agent *a, const struct http_request *r, const struct asker *who);

#endif
