/*
 * jwt_claims.h - the claims of a token out of its payload, by two ways that
 * must agree: any JSON, and the form that jwt_mint writes more quickly.  Used
 * by jwt_check alone.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef TOKEN_JWT_CLAIMS_H
#define TOKEN_JWT_CLAIMS_H

#include <stddef.h>
#include <stdint.h>

#include "token/jwt.h"

/* Read and check the kind of each claim; whose they are and when they hold is
 * not judged.  Of an aud array c->aud is the member equal to aud, or the only
 * one where aud is NULL (RFC 7519 section 4.1.3).  TSR_INVALID, TSR_TOO_LARGE,
 * TSR_BAD_CLAIM, TSR_BAD_AUDIENCE.  *c is written on success only. */
int jwt_claims_read(const char *json, size_t n, const char *aud,
    struct jwt_claims *c);

/* The same for a payload in the plain form: no whitespace, no escapes, ASCII,
 * only the claims that jwt_mint writes, aud a string.  1 where it is and *c is
 * what jwt_claims_read gives; 0 where jwt_claims_read must decide (*c may be
 * scribbled on). */
int jwt_claims_plain(const char *json, size_t n, struct jwt_claims *c);

#endif
