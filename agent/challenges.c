/*
 * challenges.c - see challenges.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/challenges.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "agent/clock.h"
#include "include/tessera.h"

struct place {
	struct challenge_held *held;	/* NULL: free */
	uint64_t ends_ms;
};

struct challenges {
	struct place place[CHALLENGES_MAX];
};

int
challenges_new(struct challenges **out)
{
	return (*out = calloc(1, sizeof(**out))) == NULL ? TSR_NOMEM : TSR_OK;
}

/* Whoever waits for it is told last: it may come back here. */
static void
place_clear(struct place *pl, int drop)
{
	struct challenge_held *h = pl->held;

	memset(pl, 0, sizeof(*pl));
	if (h != NULL && drop)
		h->drop(h->of);
	if (h != NULL)
		sodium_memzero(h, sizeof(*h));
	free(h);
}

void
challenges_free(struct challenges **cs)
{
	size_t i;

	if (*cs == NULL)
		return;
	for (i = 0; i < CHALLENGES_MAX; i++)
		place_clear(&(*cs)->place[i], 1);
	free(*cs);
	*cs = NULL;
}

static void
challenges_expire(struct challenges *cs)
{
	uint64_t now = clock_boot_ms();
	size_t i;

	for (i = 0; i < CHALLENGES_MAX; i++)
		if (cs->place[i].held != NULL && cs->place[i].ends_ms <= now)
			place_clear(&cs->place[i], 1);
}

int
challenge_draw(const struct buf *context, uint8_t nonce[CHALLENGE_NONCE_LEN],
    uint8_t out[CHALLENGE_LEN])
{
	randombytes_buf(nonce, CHALLENGE_NONCE_LEN);
	return challenge_bytes(out, nonce, context);
}

int
challenge_make(const struct challenge_context *c, uint8_t out[CHALLENGE_LEN])
{
	uint8_t nonce[CHALLENGE_NONCE_LEN];
	struct buf context;
	int r;

	buf_init(&context, CHALLENGE_CONTEXT_MAX);
	if ((r = challenge_context_encode(&context, c)) == TSR_OK)
		r = challenge_draw(&context, nonce, out);
	buf_free(&context);
	return r;
}

/* One more of that user and source? */
static int
challenges_admit(const struct challenges *cs, const struct challenge_held *h)
{
	unsigned both = 0, others = 0, source = 0;
	char own[CALLER_SOURCE_MAX];
	const struct challenge_held *o;
	size_t i;

	caller_source_uid(h->uid, own);
	for (i = 0; i < CHALLENGES_MAX; i++) {
		if ((o = cs->place[i].held) == NULL)
			continue;
		both += o->uid == h->uid && strcmp(o->source, h->source) == 0;
		others += o->uid == h->uid && strcmp(o->source, own) != 0;
		source += strcmp(o->source, h->source) == 0;
	}
	return both < CHALLENGES_USER && source < CHALLENGES_SOURCE &&
	    (others < CHALLENGES_OTHERS || strcmp(h->source, own) == 0);
}

int
challenge_add(struct challenges *cs, const struct challenge_held *h)
{
	struct place *unused = NULL;
	size_t i;

	challenges_expire(cs);
	for (i = 0; i < CHALLENGES_MAX && unused == NULL; i++)
		if (cs->place[i].held == NULL)
			unused = &cs->place[i];
	if (unused == NULL || !challenges_admit(cs, h))
		return TSR_SLOW_DOWN;
	if ((unused->held = malloc(sizeof(*h))) == NULL)
		return TSR_NOMEM;
	*unused->held = *h;
	unused->ends_ms = clock_boot_ms() + (uint64_t)h->life_s * 1000;
	return TSR_OK;
}

static struct place *
challenges_find(struct challenges *cs, const char *id, uid_t by, enum challenge_purpose purpose,
    int admin)
{
	const struct challenge_held *h;
	size_t i;

	challenges_expire(cs);
	for (i = 0; i < CHALLENGES_MAX; i++)
		if ((h = cs->place[i].held) != NULL && h->by == by && h->purpose == purpose &&
		    h->admin == admin && strcmp(h->id, id) == 0)
			return &cs->place[i];
	return NULL;
}

int
challenge_waits(struct challenges *cs, const char *id, uid_t by, enum challenge_purpose purpose,
    int admin)
{
	return challenges_find(cs, id, by, purpose, admin) != NULL;
}

int
challenge_take(struct challenges *cs, const char *id, uid_t by, enum challenge_purpose purpose,
    int admin, struct challenge_held *out)
{
	struct place *pl;

	if ((pl = challenges_find(cs, id, by, purpose, admin)) == NULL)
		return TSR_BAD_GRANT;
	*out = *pl->held;
	place_clear(pl, 0);
	return TSR_OK;
}
