/*
 * cache.h - tokens whose signature was checked before, by a keyed hash.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef CLIENT_LIB_CACHE_H
#define CLIENT_LIB_CACHE_H

#include "token/jwk.h"
#include "token/jwt.h"

#define CACHE_MAX	4096	/* tokens: 9 MB */

struct cache;

/* For n tokens, a newer one may displace an older one.  TSR_NOMEM,
 * TSR_TOO_LARGE, TSR_CRYPTO.  cache_free takes NULL in *c. */
int cache_new(size_t n, struct cache **out);
void cache_free(struct cache **c);

/* The token's name in this cache. */
#define CACHE_HASH_LEN	32
void cache_hash(const struct cache *c, const char *token, size_t n, uint8_t out[CACHE_HASH_LEN]);

/* The claims of a token that was put, or NULL. */
const struct jwt_claims *cache_find(const struct cache *c, const uint8_t hash[CACHE_HASH_LEN]);

/* key is the place in the set of the one that signed it. */
void cache_put(struct cache *c, const uint8_t hash[CACHE_HASH_LEN], const struct jwt_claims *claims,
    size_t key);

/* The set was replaced: forget the tokens of keys that the new one does not
 * have, byte for byte. */
void cache_rekey(struct cache *c, const struct jwk_set *was, const struct jwk_set *is);

#endif
