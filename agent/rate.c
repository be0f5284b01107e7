/*
 * rate.c - see rate.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/rate.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "include/tessera.h"

#define RATE_WAYS	8	/* keys that share a place */
#define RATE_PLACES	(RATE_KEYS / RATE_WAYS)

struct rate {
	struct rate_key key;		/* kind 0: nothing */
	uint64_t begun_ms;		/* of the window under way */
	uint64_t told_ms;		/* a burst, 0 never */
	uint32_t now, before;		/* counted in it, and in the one before */
};

struct rates {
	uint8_t hash_key[crypto_shorthash_KEYBYTES];
	struct rate rate[RATE_PLACES][RATE_WAYS];
};

int
rates_new(struct rates **out)
{
	struct rates *r;

	if ((r = calloc(1, sizeof(*r))) == NULL)
		return TSR_NOMEM;
	randombytes_buf(r->hash_key, sizeof(r->hash_key));
	*out = r;
	return TSR_OK;
}

void
rates_free(struct rates **r)
{
	free(*r);
	*r = NULL;
}

static struct rate *
rate_find(struct rates *r, const struct rate_key *k)
{
	uint8_t h[crypto_shorthash_BYTES];
	struct rate *way, *oldest;
	uint32_t place;
	size_t i;

	(void)crypto_shorthash(h, (const uint8_t *)k, sizeof(*k), r->hash_key);
	memcpy(&place, h, sizeof(place));
	oldest = way = r->rate[place % RATE_PLACES];
	for (i = 0; i < RATE_WAYS; i++, way++) {
		if (memcmp(&way->key, k, sizeof(*k)) == 0)
			return way;
		if (way->key.kind == 0 || (oldest->key.kind != 0 && way->begun_ms < oldest->begun_ms))
			oldest = way;
	}
	memset(oldest, 0, sizeof(*oldest));
	oldest->key = *k;
	return oldest;
}

/* Bring the windows up to date: how many there were in the last minute, if those
 * of the window before came evenly. */
static uint64_t
rate_slide(struct rate *t, uint64_t now_ms)
{
	uint64_t past = now_ms - t->begun_ms;

	if (t->begun_ms == 0 || past >= (uint64_t)2 * RATE_WINDOW_MS) {
		t->begun_ms = now_ms != 0 ? now_ms : 1;
		t->now = t->before = 0;
		past = 0;
	} else if (past >= RATE_WINDOW_MS) {
		t->begun_ms += RATE_WINDOW_MS;
		t->before = t->now;
		t->now = 0;
		past -= RATE_WINDOW_MS;
	}
	return t->now + t->before * (RATE_WINDOW_MS - past) / RATE_WINDOW_MS;
}

int
rate_admit(struct rates *r, const struct rate_key *k, uint32_t limit, uint64_t now_ms,
    uint32_t *wait_s)
{
	struct rate *t = rate_find(r, k);

	if (rate_slide(t, now_ms) >= limit) {
		*wait_s = (uint32_t)((t->begun_ms + RATE_WINDOW_MS - now_ms) / 1000) + 1;
		return TSR_SLOW_DOWN;
	}
	t->now++;
	return TSR_OK;
}

int
rate_burst(struct rates *r, const struct rate_key *k, uint32_t limit, uint64_t now_ms)
{
	struct rate *t = rate_find(r, k);

	if (rate_slide(t, now_ms) < limit) {
		t->now++;
		return 0;
	}
	t->now += t->now < UINT32_MAX ? 1 : 0;
	if (t->told_ms != 0 && now_ms - t->told_ms < RATE_WINDOW_MS)
		return 0;
	t->told_ms = now_ms;
	return 1;
}
