/*
 * opaque.h - tokens that mean nothing by themselves: their text, their keyed
 * hash, and their end.
 *
 * An access token is OPAQUE_ACCESS and 256 random bits.  A refresh token is
 * OPAQUE_REFRESH, 128 random bits that all tokens of its family share, and 256
 * of its own: so one that was rotated away is known for what it was, without a
 * row for each.  The prefixes are for programs that look for leaked secrets.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_OPAQUE_H
#define AGENT_OPAQUE_H

#include "agent/agent.h"
#include "agent/store_token.h"

#define OPAQUE_ACCESS	"tsr_at_"
#define OPAQUE_REFRESH	"tsr_rt_"
#define OPAQUE_FAMILY	16	/* bytes that a family shares */
#define OPAQUE_OWN	32	/* random bytes of each token */
#define OPAQUE_TEXT_MAX	(7 + 64 + 1)	/* bytes of either, with NUL */
#define OPAQUE_GONE_MAX	1024	/* sids that are no more and whose tokens wait for the next commit */

struct opaques;

int opaques_new(struct opaques **out);		/* TSR_NOMEM */
void opaques_free(struct opaques **o);

/* The key of the hashes, ours; make: drawn where there is none yet, within a
 * request.  TSR_NOT_FOUND, TSR_STORE. */
int opaque_key(struct agent *a, int make, struct secret **key);

/* A token as it was presented. */
struct opaque {
	enum store_token_kind kind;
	uint8_t hash[STORE_TOKEN_HASH];		/* TOKEN_OPAQUE: its own; TOKEN_REFRESH: the family's */
	uint8_t own[STORE_TOKEN_HASH];		/* TOKEN_REFRESH: its own */
	uint8_t family[OPAQUE_FAMILY];		/* TOKEN_REFRESH: to be wiped */
};

/* Read a presented text.  TSR_INVALID: neither kind; TSR_NOT_FOUND: no token was
 * ever given. */
int opaque_read(struct agent *a, const char *text, struct opaque *out);

/* Draw a token within a request: its text, to be wiped, and its hashes.  family:
 * that of the token it takes the place of, NULL for a new one (or kind
 * TOKEN_OPAQUE). */
int opaque_make(struct agent *a, enum store_token_kind kind, const uint8_t *family,
    char text[OPAQUE_TEXT_MAX], struct opaque *out);

/* RFC 7009: who holds it ends it.  The caller owns the token (its uid and, for a
 * service, its client): it, or the whole family, is gone with the next commit.
 * TSR_NOT_FOUND: it is nobody's, or another's, and stays as it is; TSR_STORE. */
int opaque_revoke(struct agent *a, const struct caller *by, const char *text);

/* In a request of its own: all of a subject, of a credential, or with both NULL of
 * everybody, sessions known or not.  TSR_STORE. */
int opaque_end(struct agent *a, const char *subject, const char *credential);

/* The session ended: what it left behind ends with the next commit. */
void opaque_session_ended(struct agent *a, const char *sid);
/* It was locked and goes on as `to`: so do its families, with the next commit.
 * Its access tokens end. */
void opaque_session_moved(struct agent *a, const char *sid, const char *to);
/* Between the two: what a family of that sid has as its own, NULL where it ends. */
const char *opaque_sid_now(const struct agent *a, const char *sid);
/* Before a commit / after it (ok or not): the rows follow. */
int opaque_end_sessions(struct agent *a);
void opaque_settle(struct agent *a, int committed);

/* Take out some of those whose time is over. */
void opaque_sweep(struct agent *a);

#endif
