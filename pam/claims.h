/*
 * claims.h - whom a token speaks of.
 *
 * Nothing is verified here: the agent that gave the token, or judged it, was
 * reached over its own socket, and its word is what counts.  What is looked at is
 * that its word is about this login.  (To ask the agent a second time would make
 * every login module a configured verifier, and prove nothing that the first
 * answer did not; to check the signature would bring libcrypto into login
 * managers.)
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef PAM_CLAIMS_H
#define PAM_CLAIMS_H

#include "client/lib/record.h"

#define CLAIMS_TOKEN_MAX	8192	/* bytes of a token */

/* TSR_OK where "sub" is that user and "aud" that audience, "iss" is there and is
 * not the issuer of a user's own agent (ISSUER/user/UID), and no key is needed
 * beside it ("cnf").  TSR_DENIED where not, TSR_BAD_ISSUER. */
int claims_fit(const struct record *r, const char *user, const char *audience);

/* The same of a JWT's payload; TSR_INVALID for what is none, TSR_NOMEM. */
int claims_of_jwt(const char *token, const char *user, const char *audience);

#endif
