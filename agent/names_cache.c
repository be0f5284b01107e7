/*
 * names_cache.c - see names_cache.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/names_cache.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "agent/link.h"
#include "tessera.h"

#define CACHE_BUCKETS	1024

struct names_entry {
	struct names_entry *next;	/* in its bucket */
	struct link age;		/* names_cache.oldest */
	struct names_key key;
	struct names_answer answer;
	uint64_t until_ms;
};

struct names_cache {
	struct names_entry *bucket[CACHE_BUCKETS];
	struct link oldest;
	size_t n;
	/* Names come from outside: without a secret the buckets could be aimed at. */
	unsigned char secret[crypto_shorthash_KEYBYTES];
};

int
names_cache_new(struct names_cache **out)
{
	struct names_cache *c;

	if ((c = calloc(1, sizeof(*c))) == NULL)
		return TSR_NOMEM;
	link_init(&c->oldest);
	crypto_shorthash_keygen(c->secret);
	*out = c;
	return TSR_OK;
}

static struct names_entry **
cache_bucket(struct names_cache *c, const struct names_key *k)
{
	unsigned char h[crypto_shorthash_BYTES], in[sizeof(k->kind) + sizeof(k->uid) + NAMES_NAME_MAX];

	memcpy(in, &k->kind, sizeof(k->kind));
	memcpy(in + sizeof(k->kind), &k->uid, sizeof(k->uid));
	memcpy(in + sizeof(k->kind) + sizeof(k->uid), k->name, NAMES_NAME_MAX);
	(void)crypto_shorthash(h, in, sizeof(in), c->secret);
	return &c->bucket[((unsigned)h[0] | (unsigned)h[1] << 8) % CACHE_BUCKETS];
}

static int
cache_same(const struct names_key *a, const struct names_key *b)
{
	return a->kind == b->kind && a->uid == b->uid &&
	    memcmp(a->name, b->name, NAMES_NAME_MAX) == 0;
}

static void
cache_drop(struct names_cache *c, struct names_entry *e)
{
	struct names_entry **p;

	for (p = cache_bucket(c, &e->key); *p != NULL; p = &(*p)->next)
		if (*p == e) {
			*p = e->next;	/* NOLINT(clang-analyzer-unix.Malloc): as in link.h */
			break;
		}
	link_remove(&e->age);
	free(e);
	c->n--;
}

static struct names_entry *
cache_find(struct names_cache *c, const struct names_key *k)
{
	struct names_entry *e;

	for (e = *cache_bucket(c, k); e != NULL; e = e->next)
		if (cache_same(&e->key, k))
			return e;
	return NULL;
}

const struct names_answer *
names_cache_get(struct names_cache *c, const struct names_key *k, uint64_t now_ms)
{
	struct names_entry *e;

	if ((e = cache_find(c, k)) == NULL)
		return NULL;
	if (now_ms < e->until_ms)
		return &e->answer;
	cache_drop(c, e);
	return NULL;
}

void
names_cache_put(struct names_cache *c, const struct names_key *k,
    const struct names_answer *a, uint64_t now_ms)
{
	struct names_entry *e, **bucket;

	if ((e = cache_find(c, k)) != NULL)
		cache_drop(c, e);
	if (c->n >= NAMES_CACHE_MAX)
		cache_drop(c, LINK_OF(c->oldest.next, struct names_entry, age));
	if ((e = calloc(1, sizeof(*e))) == NULL)
		return;
	e->key = *k;
	e->answer = *a;
	e->until_ms = now_ms + (a->code == TSR_OK ? NAMES_TTL_MS : NAMES_UNKNOWN_TTL_MS);
	link_init(&e->age);
	link_append(&c->oldest, &e->age);
	bucket = cache_bucket(c, k);
	e->next = *bucket;
	*bucket = e;
	c->n++;
}

void
names_cache_free(struct names_cache **cp)
{
	struct names_cache *c;

	if (cp == NULL || (c = *cp) == NULL)
		return;
	while (!link_empty(&c->oldest))
		cache_drop(c, LINK_OF(c->oldest.next, struct names_entry, age));
	free(c);
	*cp = NULL;
}
