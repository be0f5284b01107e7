/*
 * rate.h - how often something happened in the last minute.
 *
 * A table of fixed size.  What was counted longest ago makes room, among the
 * few that share its place by a hash that nobody outside can predict.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_RATE_H
#define AGENT_RATE_H

#include <stdint.h>
#include <sys/types.h>

#define RATE_WINDOW_MS	60000	/* sliding: the last minute */
#define RATE_KEYS	8192	/* things counted at the same time */

/* What is counted: of which kind, whose, and which of his. */
struct rate_key {
	uint32_t kind;
	uint32_t uid;
	uint64_t what;
};

enum rate_kind { RATE_REQUEST = 1, RATE_TOKEN, RATE_USE, RATE_TOLD };

struct rates;

int rates_new(struct rates **out);		/* TSR_NOMEM */
void rates_free(struct rates **r);

/* One more, unless that makes more than limit in the last minute: then *wait_s is
 * when to come back, and nothing is counted.  TSR_OK, TSR_SLOW_DOWN. */
int rate_admit(struct rates *r, const struct rate_key *k, uint32_t limit, uint64_t now_ms,
    uint32_t *wait_s);

/* One more, whatever it makes.  1 where it is the first beyond limit for a whole
 * window: somebody should be told. */
int rate_burst(struct rates *r, const struct rate_key *k, uint32_t limit, uint64_t now_ms);

#endif
