/*
 * secret.c - bytes that must not leak.  See secret.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "base/secret.h"

#include <stdlib.h>
#include <string.h>

#include <sodium.h>
#include <stdatomic.h>

#define SECRET_SMALL	64	/* bytes: a seed */
#define SECRET_KEPT	4	/* wiped, for the next of the same size */

/* What a caller's struct secret begins. */
struct kept {
	struct secret secret;	/* its size may be lowered */
	size_t size;		/* as it was asked for */
};

/* Guard pages and locks cost nine system calls, which a seed would pay for each
 * code that is checked. */
static struct kept *kept[SECRET_KEPT];
static atomic_flag kept_lock = ATOMIC_FLAG_INIT;

/* A kept one of that size, or NULL: nobody waits for another thread. */
static struct kept *
secret_take(size_t size)
{
	struct kept *k = NULL;
	size_t i;

	if (atomic_flag_test_and_set(&kept_lock))
		return NULL;
	for (i = 0; i < SECRET_KEPT && k == NULL; i++)
		if (kept[i] != NULL && kept[i]->size == size) {
			k = kept[i];
			kept[i] = NULL;
		}
	atomic_flag_clear(&kept_lock);
	if (k != NULL)
		k->secret.size = size;
	return k;
}

/* What has to go: itself, or in turn one of a size that nobody asks for. */
static struct kept *
secret_keep(struct kept *k)
{
	static unsigned turn;
	struct kept *out;
	size_t i;

	if (k->size > SECRET_SMALL || atomic_flag_test_and_set(&kept_lock))
		return k;
	for (i = 0; i < SECRET_KEPT && kept[i] != NULL; i++)
		;
	if (i == SECRET_KEPT)
		i = turn++ % SECRET_KEPT;
	out = kept[i];
	kept[i] = k;
	atomic_flag_clear(&kept_lock);
	return out;
}

struct secret *
secret_new(size_t size)
{
	struct kept *k;

	/* sodium_malloc() needs it, and it costs next to nothing again. */
	if (size == SIZE_MAX || sodium_init() < 0)
		return NULL;
	if ((k = secret_take(size)) != NULL)
		return &k->secret;
	if ((k = calloc(1, sizeof(*k))) == NULL)
		return NULL;
	if ((k->secret.data = sodium_malloc(size + 1)) == NULL) {
		free(k);
		return NULL;
	}
	memset(k->secret.data, 0, size + 1);	/* sodium_malloc() fills with 0xdb */
	k->secret.size = k->size = size;
	return &k->secret;
}

struct secret *
secret_from(const void *p, size_t size)
{
	struct secret *s;

	if ((s = secret_new(size)) != NULL && size > 0)
		memcpy(s->data, p, size);
	return s;
}

void
secret_free(struct secret **s)
{
	struct kept *k;

	if (s == NULL || *s == NULL)
		return;
	k = (struct kept *)(void *)*s;	/* its first member */
	*s = NULL;
	sodium_memzero(k->secret.data, k->size + 1);	/* all of it, whatever its size says now */
	if ((k = secret_keep(k)) == NULL)
		return;
	sodium_free(k->secret.data);
	free(k);
}
