/*
 * introspect.h - what a token says to who may know: nobody but a verifier of its
 * audience learns that a token is good.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_INTROSPECT_H
#define AGENT_INTROSPECT_H

#include "agent/agent.h"
#include "token/jwt.h"

/* Is the token, of either form, good now, and the caller a verifier of its
 * audience?  1 with what it says; its use is counted (misuse.h). */
int introspect_token(struct agent *a, const struct http_request *r, const char *token,
    struct jwt_claims *c);

#endif
