/*
 * token_cache.h - JWTs that may be given again: those asked for with min_valid,
 * by caller, audience, scope and session.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_TOKEN_CACHE_H
#define AGENT_TOKEN_CACHE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define TOKEN_CACHE_MAX	1024	/* tokens kept; two that share a place push each other out */

struct token_cache;

/* What a token was asked for with.  All of it has to be the same. */
struct token_cache_key {
	uid_t uid;
	const char *client, *audience, *scope, *sid, *kid;
	int64_t auth_time;
	uint64_t policy;		/* its generation */
};

int token_cache_new(struct token_cache **out);	/* TSR_NOMEM */
void token_cache_free(struct token_cache **c);

/* A token that was put for it and lives min_valid s longer at least; NULL where
 * there is none.  Good until the next call. */
const char *token_cache_get(struct token_cache *c, const struct token_cache_key *k, int64_t now,
    uint32_t min_valid, int64_t *exp);

/* Where memory is out nothing is kept. */
void token_cache_put(struct token_cache *c, const struct token_cache_key *k, const char *token,
    int64_t exp);

/* Wipe those whose time is over / those of a session / all. */
void token_cache_expire(struct token_cache *c, int64_t now);
void token_cache_forget(struct token_cache *c, const char *sid);
void token_cache_clear(struct token_cache *c);

#endif
