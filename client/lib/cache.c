/*
 * cache.c - tokens that were seen before.  See cache.h.
 *
 * The hash is keyed with random bytes, so that nobody can choose tokens that
 * displace one another, and 256 bits long: two tokens never meet.
 *
 * SPDX-License-Identifier: ISC
 */
#include "client/lib/cache.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "tessera.h"

struct entry {
	uint8_t hash[CACHE_HASH_LEN];
	size_t key;		/* place in the set, plus 1; 0: empty */
	struct jwt_claims claims;
};

struct cache {
	uint8_t secret[32];
	size_t n;
	struct entry entry[];
};

int
cache_new(size_t n, struct cache **out)
{
	struct cache *c;

	if (n == 0 || n > CACHE_MAX)
		return TSR_TOO_LARGE;
	if (sodium_init() < 0)
		return TSR_CRYPTO;
	if ((c = calloc(1, sizeof(*c) + n * sizeof(c->entry[0]))) == NULL)
		return TSR_NOMEM;
	randombytes_buf(c->secret, sizeof(c->secret));
	c->n = n;
	*out = c;
	return TSR_OK;
}

void
cache_free(struct cache **c)
{
	if (*c == NULL)
		return;
	sodium_memzero(*c, sizeof(**c));
	free(*c);
	*c = NULL;
}

void
cache_hash(const struct cache *c, const char *token, size_t n, uint8_t out[CACHE_HASH_LEN])
{
	(void)crypto_generichash(out, CACHE_HASH_LEN, (const unsigned char *)token, n, c->secret,
	    sizeof(c->secret));
}

static size_t
cache_place(const struct cache *c, const uint8_t hash[CACHE_HASH_LEN])
{
	uint32_t v;

	memcpy(&v, hash, sizeof(v));
	return v % c->n;
}

const struct jwt_claims *
cache_find(const struct cache *c, const uint8_t hash[CACHE_HASH_LEN])
{
	const struct entry *e = &c->entry[cache_place(c, hash)];

	return e->key != 0 && sodium_memcmp(e->hash, hash, CACHE_HASH_LEN) == 0 ? &e->claims : NULL;
}

void
cache_put(struct cache *c, const uint8_t hash[CACHE_HASH_LEN], const struct jwt_claims *claims,
    size_t key)
{
	struct entry *e = &c->entry[cache_place(c, hash)];

	memcpy(e->hash, hash, CACHE_HASH_LEN);
	e->claims = *claims;
	e->key = key + 1;
}

/* The key of the new set that is this very one, or NULL. */
static const struct jwk *
cache_same_key(const struct jwk_set *is, const struct jwk *old)
{
	const struct jwk *now = jwk_find(is, old->kid);
	uint8_t a[32], b[32];

	/* RFC 7638 hashes the kind and all the numbers; the kind is the algorithm */
	if (now == NULL || jwk_thumbprint(old, a) != TSR_OK || jwk_thumbprint(now, b) != TSR_OK)
		return NULL;
	return memcmp(a, b, sizeof(a)) == 0 ? now : NULL;
}

void
cache_rekey(struct cache *c, const struct jwk_set *was, const struct jwk_set *is)
{
	size_t place[JWK_SET_MAX + 1] = { 0 }, i;
	const struct jwk *now;

	for (i = 0; i < was->n && i < JWK_SET_MAX; i++)
		if ((now = cache_same_key(is, &was->key[i])) != NULL)
			place[i + 1] = (size_t)(now - is->key) + 1;
	for (i = 0; i < c->n; i++)
		c->entry[i].key = c->entry[i].key <= JWK_SET_MAX ? place[c->entry[i].key] : 0;
}
