/*
 * mint.h - the one place where an access token is made.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_MINT_H
#define AGENT_MINT_H

#include "agent/agent.h"
#include "agent/store_token.h"
#include "base/buf.h"
#include "token/jwt.h"

#define MINT_CLIENT_MAX	(CALLER_UNIT_MAX + 8)	/* bytes of a client_id, with NUL */

/* client_id is computed: "unit:NAME" where the audience admits the caller's
 * system unit, else "uid:N". */
void mint_client_id(const struct config_audience *a, const struct caller *c,
    char out[MINT_CLIENT_MAX]);

/* "uid:N": whoever has no unit. */
void mint_client_uid(uid_t uid, char out[MINT_CLIENT_MAX]);

/* Of whom a token speaks: a session's user, or a service, of whom nothing was
 * proved. */
struct mint_subject {
	const char *subject, *sid;
	const char *credential;		/* "" none */
	uid_t uid;			/* whose events and limits it is */
	enum acr acr;			/* 0: nobody was proved */
	int64_t auth_time;		/* s of the epoch */
	uint64_t refresh_ends_ms;	/* boot-time clock: no refresh token outlives it; 0: none is given */
	int unsettled;			/* its proof has yet to become durable */
};

/* What kind of token was asked for. */
struct mint_wish {
	enum token_format format;	/* 0: the audience's */
	int refresh;			/* and a refresh token */
};

struct mint {
	const struct config_audience *audience;
	const struct mint_subject *subject;
	const char *scope;
	struct mint_wish wish;
	const struct caller *caller;
	const struct store_token *family;	/* NULL, or that of the refresh token to be spent for it */
	const uint8_t *family_id;		/* OPAQUE_FAMILY bytes of it */
	char text[JWT_MAX + 1];			/* out: the access token; to be wiped */
	int64_t exp;				/* out */
};

/* Of a session: the proof that paid for this audience bounds its refresh tokens. */
void mint_of_session(const struct session *s, const struct config_audience *aud,
    struct mint_subject *out);

/* Append {"access_token":...} (RFC 6749 section 5.1) and tell the subject's
 * listeners.  Reads again that the caller lives, and that clock and store are to
 * be believed (TSR_CLOCK, TSR_UNCONFIRMED), and that the second of a global
 * revocation is over (TSR_UNAVAILABLE).  An opaque or a refresh token is
 * stored, a spent one replaced, in a request of its own: the answer waits for the
 * commit.  TSR_CONFLICT: the refresh token was spent before.  TSR_SLOW_DOWN: the
 * uid has too many.  TSR_CLOSED, TSR_TOO_LARGE, TSR_NOMEM, TSR_CRYPTO, TSR_STORE
 * while the store or the audit log takes nothing. */
int mint_token(struct agent *a, struct mint *m, struct buf *out);
/* The answer alone, of a token that was minted before. */
int mint_again(const char *token, int64_t left, const char *scope, struct buf *out);

/* The same for a session that was judged good for the audience; wish may be NULL. */
int mint_answer(struct agent *a, const struct config_audience *aud, const struct session *s,
    const char *scope, const struct caller *c, struct buf *out);
int mint_wished(struct agent *a, const struct config_audience *aud, const struct session *s,
    const char *scope, const struct mint_wish *wish, const struct caller *c, struct buf *out);

#endif
