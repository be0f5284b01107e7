/*
 * helper_state.c - the pool of helpers, looked at.  See helper.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/helper.h"

#include <string.h>

#include "agent/clock.h"
#include "agent/helper_internal.h"
#include "include/tessera.h"

static int
helper_rests(const struct breaker *b, uint64_t now_ms)
{
	return b->deaths >= HELPER_DEATHS && b->rests_until_ms > now_ms;
}

void
helpers_count(const struct helpers *hs, const char *module, struct helper_counts *out)
{
	const struct breaker *b;
	const struct helper *h;
	uint64_t now = clock_boot_ms();

	memset(out, 0, sizeof(*out));
	for (h = hs->list; h != NULL; h = h->next) {
		if (strcmp(h->key.module, module) != 0)
			continue;
		out->opening += h->state == HELPER_OPENING;
		out->idle += h->state == HELPER_IDLE;
		out->busy += h->state == HELPER_BUSY;
	}
	for (b = hs->breaker; b < hs->breaker + HELPER_BREAKERS_MAX; b++)
		out->resting += helper_rests(b, now) && strcmp(b->module, module) == 0;
}

size_t
helpers_waiting(const struct helpers *hs)
{
	return hs->n_waiting;
}

int
helpers_resting(const struct helpers *hs, int (*each)(void *arg, const struct helper_rest *r),
    void *arg)
{
	const struct breaker *b;
	struct helper_rest rest;
	uint64_t now = clock_boot_ms();
	int r;

	for (b = hs->breaker; b < hs->breaker + HELPER_BREAKERS_MAX; b++) {
		if (!helper_rests(b, now))
			continue;
		rest.module = b->module;
		rest.serial = b->serial;
		rest.label = b->label;
		rest.deaths = b->deaths;
		rest.left_ms = b->rests_until_ms - now;
		if ((r = each(arg, &rest)) != TSR_OK)
			return r;
	}
	return TSR_OK;
}
