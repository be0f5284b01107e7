/*
 * token_cache.c - see token_cache.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/token_cache.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "agent/store.h"
#include "base/hash.h"
#include "include/tessera.h"

#define CACHE_NAME	32	/* bytes of a key's hash */

struct cached {
	uint8_t name[CACHE_NAME];
	char sid[STORE_ID_LEN + 1];
	int64_t exp;
	char *token;			/* NULL: nothing here */
};

struct token_cache {
	uint8_t key[32];		/* nobody outside chooses who shares a place */
	struct cached cached[TOKEN_CACHE_MAX];
};

int
token_cache_new(struct token_cache **out)
{
	struct token_cache *c;

	if ((c = calloc(1, sizeof(*c))) == NULL)
		return TSR_NOMEM;
	randombytes_buf(c->key, sizeof(c->key));
	*out = c;
	return TSR_OK;
}

static void
cached_drop(struct cached *e)
{
	if (e->token != NULL)
		sodium_memzero(e->token, strlen(e->token));
	free(e->token);
	e->token = NULL;
}

void
token_cache_clear(struct token_cache *c)
{
	size_t i;

	for (i = 0; i < TOKEN_CACHE_MAX; i++)
		cached_drop(&c->cached[i]);
}

void
token_cache_free(struct token_cache **c)
{
	if (*c == NULL)
		return;
	token_cache_clear(*c);
	free(*c);
	*c = NULL;
}

static struct cached *
cached_place(struct token_cache *c, const struct token_cache_key *k, uint8_t name[CACHE_NAME])
{
	const struct hash_part parts[] = {
		{ &k->uid, sizeof(k->uid) }, { &k->auth_time, sizeof(k->auth_time) },
		{ &k->policy, sizeof(k->policy) }, { k->client, strlen(k->client) + 1 },
		{ k->audience, strlen(k->audience) + 1 }, { k->scope, strlen(k->scope) + 1 },
		{ k->sid, strlen(k->sid) + 1 }, { k->kid, strlen(k->kid) + 1 }
	};
	uint32_t place;

	if (hash_parts(name, CACHE_NAME, c->key, sizeof(c->key), parts,
	    sizeof(parts) / sizeof(parts[0])) != TSR_OK)
		return NULL;
	memcpy(&place, name, sizeof(place));
	return &c->cached[place % TOKEN_CACHE_MAX];
}

const char *
token_cache_get(struct token_cache *c, const struct token_cache_key *k, int64_t now,
    uint32_t min_valid, int64_t *exp)
{
	uint8_t name[CACHE_NAME];
	const struct cached *e = cached_place(c, k, name);

	if (e == NULL || e->token == NULL || memcmp(e->name, name, CACHE_NAME) != 0 ||
	    e->exp <= now || e->exp - now < (int64_t)min_valid)
		return NULL;
	*exp = e->exp;
	return e->token;
}

void
token_cache_put(struct token_cache *c, const struct token_cache_key *k, const char *token,
    int64_t exp)
{
	uint8_t name[CACHE_NAME];
	struct cached *e = cached_place(c, k, name);

	if (e == NULL)
		return;
	cached_drop(e);
	if ((e->token = strdup(token)) == NULL)
		return;
	memcpy(e->name, name, CACHE_NAME);
	(void)strncpy(e->sid, k->sid, STORE_ID_LEN);
	e->exp = exp;
}

void
token_cache_expire(struct token_cache *c, int64_t now)
{
	size_t i;

	for (i = 0; i < TOKEN_CACHE_MAX; i++)
		if (c->cached[i].token != NULL && c->cached[i].exp <= now)
			cached_drop(&c->cached[i]);
}

void
token_cache_forget(struct token_cache *c, const char *sid)
{
	size_t i;

	for (i = 0; i < TOKEN_CACHE_MAX; i++)
		if (c->cached[i].token != NULL && strcmp(c->cached[i].sid, sid) == 0)
			cached_drop(&c->cached[i]);
}
