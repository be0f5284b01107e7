/*
 * metrics.c - see metrics.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/metrics.h"

#include <stdio.h>
#include <string.h>

#include "tessera.h"

struct metrics metrics;

static const struct {
	uint64_t us;
	const char *seconds;	/* the shortest text of that number, always with a point */
} bounds[METRICS_BUCKETS - 1] = {
	{ 100, "0.0001" }, { 250, "0.00025" }, { 500, "0.0005" },
	{ 1000, "0.001" }, { 2500, "0.0025" }, { 5000, "0.005" },
	{ 10000, "0.01" }, { 25000, "0.025" }, { 50000, "0.05" },
	{ 100000, "0.1" }, { 500000, "0.5" }, { 1000000, "1.0" },
	{ 5000000, "5.0" }, { 15000000, "15.0" }, { 60000000, "60.0" }
};

static const struct {
	int code;
	const char *name;
} proofs[] = {
	{ TSR_OK, "ok" },
	{ TSR_BAD_SIGNATURE, "bad_signature" },
	{ TSR_BAD_ALGORITHM, "bad_algorithm" },
	{ TSR_BAD_GRANT, "bad_code" },
	{ TSR_BREAKER, "resting" },
	{ TSR_CANCELLED, "cancelled" },
	{ TSR_DEVICE_BUSY, "device_busy" },
	{ TSR_DEVICE_NOT_FOUND, "device_not_found" },
	{ TSR_DEVICE_REMOVED, "device_removed" },
	{ TSR_HELPER, "helper_died" },
	{ TSR_KEY_UNUSABLE, "key_unusable" },
	{ TSR_MODULE, "module_failed" },
	{ TSR_NO_PROMPTER, "no_prompter" },
	{ TSR_PIN_SEAT, "pin_seat" },
	{ TSR_NOMEM, "out_of_memory" },
	{ TSR_NOT_FOUND, "key_not_found" },
	{ TSR_PIN_LENGTH, "pin_length" },
	{ TSR_PIN_LOCKED, "pin_locked" },
	{ TSR_PIN_REQUIRED, "pin_required" },
	{ TSR_PIN_WRONG, "pin_wrong" },
	{ TSR_SLOW_DOWN, "slow_down" },
	{ TSR_STEP_UP_REQUIRED, "too_weak" },
	{ TSR_TIMEOUT, "timeout" },
	{ TSR_UNSUPPORTED, "unsupported" },
	{ TSR_SYSTEM, "other" }		/* and all that is not in this list */
};

void
metrics_start(uint64_t boot_ms, int64_t wall)
{
	memset(&metrics, 0, sizeof(metrics));
	metrics.started_ms = boot_ms;
	metrics.started = wall;
}

void
metrics_observe(struct metrics_histogram *h, uint64_t us)
{
	unsigned i;

	for (i = 0; i < METRICS_BUCKETS - 1 && us > bounds[i].us; i++)
		;
	h->bucket[i]++;
	h->sum_us += us;
}

const char *
metrics_bound(unsigned bucket)
{
	return bucket < METRICS_BUCKETS - 1 ? bounds[bucket].seconds : "+Inf";
}

void
metrics_request(unsigned endpoint, int status, uint64_t us, int waited)
{
	unsigned class = status < 100 || status > 599 ? 0 : (unsigned)status / 100;

	metrics.requests[endpoint < METRICS_ENDPOINTS ? endpoint : METRICS_UNKNOWN][class]++;
	metrics_observe(waited ? &metrics.waited : &metrics.at_once, us);
}

/* Its counters; NULL beyond the limit.  Most tokens are for the audience of the
 * one before. */
static struct metrics_audience *
metrics_find(const char *name)
{
	static unsigned last;
	unsigned i;

	if (last < metrics.n_audiences && strcmp(metrics.audience[last].name, name) == 0)
		return &metrics.audience[last];
	for (i = 0; i < metrics.n_audiences; i++)
		if (strcmp(metrics.audience[i].name, name) == 0) {
			last = i;
			return &metrics.audience[i];
		}
	return NULL;
}

void
metrics_audience(const char *name)
{
	struct metrics_audience *a;

	if (metrics.n_audiences == METRICS_AUDIENCES || strlen(name) >= METRICS_NAME_MAX ||
	    metrics_find(name) != NULL)
		return;
	a = &metrics.audience[metrics.n_audiences++];
	(void)snprintf(a->name, sizeof(a->name), "%s", name);
}

void
metrics_token(const char *audience, enum metrics_grant grant)
{
	struct metrics_audience *a = metrics_find(audience);

	if (a != NULL)
		a->minted[grant]++;
	else
		metrics.other[grant]++;
}

const char *
metrics_proof_name(int code)
{
	size_t i;

	for (i = 0; i < sizeof(proofs) / sizeof(proofs[0]); i++)
		if (proofs[i].code == code)
			return proofs[i].name;
	return NULL;
}

void
metrics_proof(int code)
{
	if (metrics_proof_name(code) == NULL || code > 0 || -code >= METRICS_CODES)
		code = TSR_SYSTEM;
	metrics.proofs[-code]++;
}

const char *
metrics_misuse_name(enum metrics_misuse what)
{
	static const char *const names[METRICS_MISUSES] = {
		"token-burst", "use-burst", "refresh-reuse", "refresh-stolen", "clone"
	};

	return names[what];
}
