/*
 * store_token.h - tokens that are looked up: opaque access tokens, and families
 * of refresh tokens.  Kept by keyed hashes; nothing here opens anything.
 *
 * A family is one row from its first token to its end: `hash` is of what all its
 * tokens share, `newest` of the only one that is good.  Its times are of the
 * boot-time clock and hold in their boot alone.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_STORE_TOKEN_H
#define AGENT_STORE_TOKEN_H

#include <stdint.h>

#include "agent/otp_throttle.h"
#include "agent/store.h"

#define STORE_TOKEN_HASH	32	/* bytes */
#define STORE_TOKEN_OPAQUE_MAX	1024	/* live opaque access tokens of one uid */
#define STORE_TOKEN_REFRESH_MAX	256	/* live families of one uid */
#define STORE_TOKEN_SWEEP	256	/* rows that one sweep takes out */

enum store_token_kind { TOKEN_OPAQUE = 1, TOKEN_REFRESH };

struct store_token {
	enum store_token_kind kind;
	uint8_t hash[STORE_TOKEN_HASH];		/* of the token / of the family */
	uint8_t newest[STORE_TOKEN_HASH];	/* TOKEN_REFRESH */
	int has_family;
	uint8_t family[STORE_TOKEN_HASH];	/* TOKEN_OPAQUE: the family it came with */
	char subject[256];
	uid_t uid;				/* who may use it */
	char sid[STORE_ID_LEN + 1];
	char credential[STORE_ID_LEN + 1];	/* "" for a service */
	char audience[256], client[256];
	char scope[512];
	char jkt[48];				/* thumbprint of the key it is bound to, or "" */
	char jti[STORE_ID_LEN + 1];		/* TOKEN_OPAQUE */
	int acr;				/* enum acr; 0: nobody was proved */
	int64_t auth_time;			/* s of the epoch, 0 never */
	int64_t made;				/* s of the epoch: the token, a family's newest one */
	int64_t idle;				/* TOKEN_REFRESH: ms, good until then unless it is used */
	int64_t ends;				/* s of the epoch / TOKEN_REFRESH: ms */
	uint8_t boot[OTP_BOOT_LEN];		/* TOKEN_REFRESH: the boot that idle and ends are of */
};

/* The key of the hashes; make: drawn and stored in this request where there is
 * none yet.  TSR_NOT_FOUND. */
int store_token_key(struct store *st, int make, struct secret **out);

/* now is what `ends` is compared with.  TSR_SLOW_DOWN: the uid has as many live
 * ones as it may; TSR_INVALID. */
int store_token_add(struct store *st, const struct store_token *t, int64_t now);

/* TSR_NOT_FOUND; TSR_CORRUPT for a row that was altered. */
int store_token_get(struct store *st, enum store_token_kind kind,
    const uint8_t hash[STORE_TOKEN_HASH], struct store_token *out);

/* Rotation, one conditional statement: newest becomes next only while it is what
 * t says, and t's time is not over.  t has the new idle and made.  TSR_CONFLICT. */
int store_token_spend(struct store *st, const struct store_token *t,
    const uint8_t next[STORE_TOKEN_HASH], int64_t now_ms);

/* End one: an opaque token, or a family with the opaque tokens that came with it.
 * *n (may be NULL) is how many rows went. */
int store_token_end(struct store *st, const uint8_t hash[STORE_TOKEN_HASH], int *n);
/* End all of a session, of a user, of a credential, of everybody. */
int store_token_end_session(struct store *st, const char *sid, int *n);
int store_token_end_subject(struct store *st, const char *subject, int *n);
int store_token_end_credential(struct store *st, const char *credential, int *n);
int store_token_end_all(struct store *st, int *n);
/* The families of a session go on under another sid; its opaque tokens end. */
int store_token_move_session(struct store *st, const char *sid, const char *to);

/* Each sid that has any; each() must not write. */
int store_token_sids(struct store *st, void (*each)(void *arg, const char *sid), void *arg);

/* Does the session, the user have any?  Is there one to be taken out?  TSR_OK,
 * TSR_NOT_FOUND. */
int store_token_of_session(struct store *st, const char *sid);
int store_token_of_subject(struct store *st, const char *subject);
int store_token_due(struct store *st, int64_t wall, int64_t boot_ms,
    const uint8_t boot[OTP_BOOT_LEN], int other_boots);

/* Take out up to STORE_TOKEN_SWEEP opaque tokens and as many families whose time
 * is over, and with other_boots as many of another boot.  *n is how many. */
int store_token_sweep(struct store *st, int64_t wall, int64_t boot_ms,
    const uint8_t boot[OTP_BOOT_LEN], int other_boots, int *n);

#endif
