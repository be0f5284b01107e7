/*
 * pin_guard.c - see pin_guard.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/pin_guard.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/proto.h"
#include "include/tessera.h"

#define GUARD_NAME_MAX	132	/* bytes of a serial number or label, with NUL */
#define GUARD_HASH_LEN	16

struct guard_token {
	char serial[GUARD_NAME_MAX], label[GUARD_NAME_MAX];
	int puk;
	int busy;			/* a try is under way, with the PIN of: */
	int has_trying;
	uint8_t trying[GUARD_HASH_LEN];
	int refused;			/* one was, since the last right one */
	uint8_t hash[PIN_GUARD_REFUSED_MAX][GUARD_HASH_LEN];
	unsigned n;			/* of them */
	uint64_t wait_ms;		/* the last wait of those from elsewhere, 0 none yet */
	uint64_t until_ms;		/* its end */
};

struct pin_guard {
	uint8_t key[crypto_generichash_KEYBYTES];	/* of this process alone */
	struct guard_token token[PIN_GUARD_TOKENS_MAX];
	size_t n;
};

int
pin_guard_new(struct pin_guard **out)
{
	struct pin_guard *g;

	if ((g = calloc(1, sizeof(*g))) == NULL)
		return TSR_NOMEM;
	randombytes_buf(g->key, sizeof(g->key));
	*out = g;
	return TSR_OK;
}

void
pin_guard_free(struct pin_guard **g)
{
	if (*g == NULL)
		return;
	sodium_memzero(*g, sizeof(**g));
	free(*g);
	*g = NULL;
}

/* Its place, g->n where it has none. */
static size_t
guard_place(const struct pin_guard *g, const struct pin_of *of)
{
	size_t i;

	for (i = 0; i < g->n; i++)
		if (g->token[i].puk == of->puk && strcmp(g->token[i].serial, of->serial) == 0 &&
		    strcmp(g->token[i].label, of->label) == 0)
			break;
	return i;
}

static const struct guard_token *
guard_find(const struct pin_guard *g, const struct pin_of *of)
{
	size_t i = guard_place(g, of);

	return i < g->n ? &g->token[i] : NULL;
}

/* What is known of the token may have been lost meanwhile: nothing is made. */
static struct guard_token *
guard_known(struct pin_guard *g, const struct pin_of *of)
{
	size_t i = guard_place(g, of);

	return i < g->n ? &g->token[i] : NULL;
}

/* The token's place; where all are taken, that of one that is idle and whose
 * wait ended first.  NULL: all are at work. */
static struct guard_token *
guard_make(struct pin_guard *g, const struct pin_of *of)
{
	struct guard_token *t = guard_known(g, of);
	size_t i;

	if (t != NULL)
		return t;
	if (g->n < PIN_GUARD_TOKENS_MAX)
		t = &g->token[g->n++];
	else for (i = 0; i < g->n; i++)
		if (!g->token[i].busy && (t == NULL || g->token[i].until_ms < t->until_ms))
			t = &g->token[i];
	if (t == NULL)
		return NULL;
	memset(t, 0, sizeof(*t));
	(void)snprintf(t->serial, sizeof(t->serial), "%s", of->serial);
	(void)snprintf(t->label, sizeof(t->label), "%s", of->label);
	t->puk = of->puk;
	return t;
}

static void
guard_hash(const struct pin_guard *g, const struct secret *pin, uint8_t out[GUARD_HASH_LEN])
{
	(void)crypto_generichash(out, GUARD_HASH_LEN, pin->data, pin->size, g->key, sizeof(g->key));
}

int
pin_guard_wary(const struct pin_guard *g, const struct pin_of *of)
{
	const struct guard_token *t = guard_find(g, of);

	return t != NULL && t->refused && !of->unlimited;
}

uint32_t
pin_guard_confirm(const struct pin_guard *g, const struct pin_of *of, uint32_t tries)
{
	if (of->unlimited)
		return 0;
	if (tries == PROTO_TRIES_UNKNOWN)
		return pin_guard_wary(g, of) ? PROTO_TRIES_FEW : 0;
	return tries <= PROTO_TRIES_FEW ? tries : 0;
}

int
pin_guard_may(const struct pin_guard *g, const struct pin_of *of, enum pin_place place,
    uint32_t tries, uint32_t confirmed, uint64_t now_ms, uint32_t *wait_s)
{
	const struct guard_token *t = guard_find(g, of);
	uint32_t few = pin_guard_confirm(g, of, tries);

	if (tries == 0)
		return TSR_PIN_LOCKED;
	if (place != PIN_AT_SEAT && t != NULL && now_ms < t->until_ms) {
		*wait_s = (uint32_t)((t->until_ms - now_ms + 999) / 1000);
		return TSR_SLOW_DOWN;
	}
	if (few > 0 && place != PIN_AT_SEAT)
		return TSR_PIN_SEAT;
	return few > 0 && confirmed != few ? TSR_PIN_REQUIRED : TSR_OK;
}

static int
guard_is_known(const struct guard_token *t, const uint8_t hash[GUARD_HASH_LEN])
{
	unsigned i;
	int known = 0;

	for (i = 0; i < t->n; i++)
		known |= sodium_memcmp(t->hash[i], hash, GUARD_HASH_LEN) == 0;
	return known;
}

int
pin_guard_knows(const struct pin_guard *g, const struct pin_of *of, const struct secret *pin)
{
	const struct guard_token *t = guard_find(g, of);
	uint8_t hash[GUARD_HASH_LEN];
	int known;

	if (t == NULL)
		return 0;
	guard_hash(g, pin, hash);
	known = guard_is_known(t, hash);
	sodium_memzero(hash, sizeof(hash));
	return known;
}

int
pin_guard_begin(struct pin_guard *g, const struct pin_of *of, const struct secret *pin)
{
	struct guard_token *t = guard_make(g, of);

	if (t == NULL || t->busy)
		return TSR_DEVICE_BUSY;
	t->busy = 1;
	t->has_trying = pin != NULL;
	if (pin != NULL)
		guard_hash(g, pin, t->trying);
	return TSR_OK;
}

/* The newest is first, and the oldest goes. */
static void
guard_remember(struct guard_token *t)
{
	if (guard_is_known(t, t->trying))
		return;
	memmove(t->hash[1], t->hash[0], sizeof(t->hash) - GUARD_HASH_LEN);
	memcpy(t->hash[0], t->trying, GUARD_HASH_LEN);
	if (t->n < PIN_GUARD_REFUSED_MAX)
		t->n++;
}

/* The end of a try. */
static void
guard_end(struct guard_token *t)
{
	t->busy = 0;
	t->has_trying = 0;
	sodium_memzero(t->trying, sizeof(t->trying));
}

void
pin_guard_refused(struct pin_guard *g, const struct pin_of *of, enum pin_place place,
    int told, uint64_t now_ms)
{
	struct guard_token *t = guard_make(g, of);

	if (t == NULL)
		return;
	t->refused = 1;
	if (told && t->has_trying)
		guard_remember(t);
	guard_end(t);
	if (place == PIN_AT_SEAT)
		return;
	if (t->wait_ms == 0 || now_ms >= t->until_ms + PIN_GUARD_CALM_MS)
		t->wait_ms = PIN_GUARD_WAIT_MS;
	else
		t->wait_ms = 2 * t->wait_ms < PIN_GUARD_LONGEST_MS ? 2 * t->wait_ms :
		    PIN_GUARD_LONGEST_MS;
	t->until_ms = now_ms + t->wait_ms;
}

void
pin_guard_accepted(struct pin_guard *g, const struct pin_of *of)
{
	struct guard_token *t = guard_known(g, of);

	if (t == NULL)
		return;
	guard_end(t);
	t->refused = 0;
}

void
pin_guard_unspent(struct pin_guard *g, const struct pin_of *of)
{
	struct guard_token *t = guard_known(g, of);

	if (t != NULL)
		guard_end(t);
}

void
pin_guard_changed(struct pin_guard *g, const struct pin_of *of)
{
	struct guard_token *t = guard_known(g, of);

	if (t == NULL)
		return;
	sodium_memzero(t->hash, sizeof(t->hash));
	t->n = 0;
	t->refused = 0;
}

void
pin_guard_pulled(struct pin_guard *g, const char *serial, const char *label)
{
	struct pin_of of = { serial, label, 0, 0 };

	pin_guard_changed(g, &of);
	of.puk = 1;
	pin_guard_changed(g, &of);
}

int
pin_guard_is_default(const struct secret *pin)
{
	/* PIV and OpenPGP; PIV's PUK and some vendors; SmartCard-HSM; others */
	static const char *const defaults[] = {
		"123456", "12345678", "648219", "1234567890", "0000", "1234", "000000", "00000000"
	};
	size_t i;
	int is = 0;

	for (i = 0; i < sizeof(defaults) / sizeof(defaults[0]); i++)
		if (strlen(defaults[i]) == pin->size)
			is |= sodium_memcmp(defaults[i], pin->data, pin->size) == 0;
	return is;
}
