/*
 * jwt.h - JWT access tokens (RFC 9068) made and checked (RFC 8725).
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef TOKEN_JWT_H
#define TOKEN_JWT_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "token/jwk.h"
#include "token/jws.h"

#define JWT_MAX			8192	/* bytes of a whole token */
#define JWT_DEPTH_MAX		16		/* nesting of JSON */
#define JWT_TEXT_MAX		256		/* bytes of one text claim, with NUL */
#define JWT_SCOPE_MAX		512		/* bytes, with NUL */
#define JWT_AMR_MAX		4
#define JWT_HEADER_MAX		2048		/* bytes of a decoded header */
#define JWT_PAYLOAD_MAX		6144	/* bytes of decoded claims */
#define JWT_NUMBER_MAX		(INT64_C(1) << 53)	/* of a time: what every JSON reader holds exactly */

/* The claims that we put in and read, all of them (design: nothing else). */
struct jwt_claims {
	char iss[JWT_TEXT_MAX], sub[JWT_TEXT_MAX], aud[JWT_TEXT_MAX];
	char client_id[JWT_TEXT_MAX], jti[64], sid[64];
	char scope[JWT_SCOPE_MAX];
	char acr[32];
	char amr[JWT_AMR_MAX][16];
	size_t n_amr;
	int64_t exp, iat, nbf, auth_time;	/* seconds of the epoch */
	char jkt[48];				/* cnf.jkt, "" where not bound */
};

/* Append the signed token to out: header {"alg","typ":"at+jwt","kid"}, claims
 * in RFC 9068's order; "" claims are left out, as are amr where n_amr is 0, nbf
 * and auth_time where 0.  Strings are escaped as JSON.  Allocates nothing but
 * out's memory.  TSR_INVALID where iss, sub, aud, exp, iat, jti or client_id is
 * missing, a time is out of range or a text is not UTF-8; TSR_TOO_LARGE beyond
 * JWT_MAX.  On error nothing is appended. */
int jwt_mint(struct buf *out, struct jws_key *k, const struct jwt_claims *c);

/* What a verifier demands. */
struct jwt_expect {
	const struct jwk_set *keys;
	struct jws_verifier *verifier;	/* NULL, or prepared keys, taken instead */
	const char *iss;		/* equal, byte by byte */
	const char *aud;		/* NULL: any one (the caller checks) */
	int64_t now;			/* seconds of the epoch */
	int64_t leeway;			/* s, for nbf and iat only; exp has none */
	int64_t max_lifetime;		/* s, exp - iat at most */
};

/*
 * Check a token and give its claims.  Every refusal has its own code:
 * TSR_INVALID (shape, JSON, duplicate members, crit, b64, no kid, not UTF-8,
 * numbers that no integer holds), TSR_TOO_LARGE, TSR_BAD_TYPE,
 * TSR_BAD_ALGORITHM, TSR_UNKNOWN_KEY, TSR_BAD_SIGNATURE, TSR_BAD_ISSUER,
 * TSR_BAD_AUDIENCE, TSR_EXPIRED (exp <= now), TSR_NOT_YET_VALID (nbf or iat
 * ahead), TSR_BAD_CLAIM (absent, another kind, not an integer of 0 to 2^53, a
 * lifetime beyond the maximum, a cnf that is not jkt alone).
 *
 * The signature is checked before any claim is.  jku, x5u, x5c, jwk never
 * choose a key.  An aud array that holds ours is fine; c->aud is then ours.
 * Where want->aud is NULL an array must have one member, since the caller sees
 * one.  *c is written on success only.
 */
int jwt_check(const char *token, size_t n, const struct jwt_expect *want,
    struct jwt_claims *c);

/* The same; *by is the key that signed it, one of the set's. */
int jwt_check_by(const char *token, size_t n, const struct jwt_expect *want,
    struct jwt_claims *c, const struct jwk **by);

/* The claims alone, of a token whose signature was checked before: issuer,
 * audience, times as above.  want's keys are not looked at. */
int jwt_judge(const struct jwt_expect *want, const struct jwt_claims *c);

#endif
