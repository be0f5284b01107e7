/*
 * metrics.h - what tesserad counts while it works: plain numbers, written by
 * the one thread of the loop, read by GET /metrics (metrics_text.h).
 *
 * Nothing here names a person, a device or a token.  Every set of labels is
 * bounded: the endpoints of the routes' table, the first METRICS_AUDIENCES
 * audiences of the configuration, lists of words in this file.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_METRICS_H
#define AGENT_METRICS_H

#include <stdint.h>

#define METRICS_ENDPOINTS	96	/* numbers of endpoints */
#define METRICS_AUDIENCES	64	/* audiences told apart; the others are one together */
#define METRICS_NAME_MAX	129	/* bytes of an audience's name, with NUL */
#define METRICS_BUCKETS		16	/* of a histogram, the last without a bound */
#define METRICS_CODES		72	/* result codes of a proof: 0 to -(METRICS_CODES - 1) */

/* What is counted where no route was found; routes begin at METRICS_ROUTES. */
enum metrics_endpoint { METRICS_MALFORMED, METRICS_UNKNOWN, METRICS_ROUTES };
/* The class of a status, 1 to 5; 0: the client left before it was answered. */
#define METRICS_CLASSES	6
enum metrics_grant {
	METRICS_DEVICE, METRICS_OTP, METRICS_ASSERTION, METRICS_SESSION, METRICS_REFRESH, METRICS_SERVICE,
	METRICS_GRANTS
};
enum metrics_prompt {
	METRICS_PROMPT_ANSWERED, METRICS_PROMPT_CANCELLED, METRICS_PROMPT_TIMEOUT,
	METRICS_PROMPT_NO_PROMPTER, METRICS_PROMPT_ABANDONED, METRICS_PROMPTS
};
/* Why a connection was not let in, or was ended for what it was. */
enum metrics_refusal {
	METRICS_REFUSED_UID,		/* the agent's own or the helpers' user */
	METRICS_REFUSED_FULL,		/* connections, of all or of the uid */
	METRICS_REFUSED_CALLER,		/* the kernel says nothing good of it */
	METRICS_REFUSED_RESOURCES,	/* descriptors or memory are out */
	METRICS_REFUSED_SENDER,		/* somebody else wrote, or sent more than bytes */
	METRICS_REFUSALS
};
/* What honest programs do not do: misuse.h. */
enum metrics_misuse {
	METRICS_MISUSE_TOKENS,		/* tokens asked for in a burst */
	METRICS_MISUSE_USES,		/* one token used in a burst */
	METRICS_MISUSE_REUSE,		/* a refresh token that was rotated away came back */
	METRICS_MISUSE_STOLEN,		/* a refresh token came from another user than its own */
	METRICS_MISUSE_CLONE,		/* a key's counter went back */
	METRICS_MISUSES
};
/* What ssh.sock did: keys listed, signatures by a live session, by a fresh proof, and
 * those that it refused. */
enum metrics_ssh {
	METRICS_SSH_LISTED, METRICS_SSH_SESSION, METRICS_SSH_PROOF, METRICS_SSH_REFUSED, METRICS_SSHS
};
enum metrics_socket { METRICS_API, METRICS_ADMIN, METRICS_SSH, METRICS_SOCKETS };

struct metrics_histogram {
	uint64_t bucket[METRICS_BUCKETS];	/* not cumulative */
	uint64_t sum_us;
};

struct metrics_audience {
	char name[METRICS_NAME_MAX];
	uint64_t minted[METRICS_GRANTS];
};

struct metrics {
	uint64_t started_ms;		/* clock_boot_ms() */
	int64_t started;		/* seconds of the epoch */
	uint64_t requests[METRICS_ENDPOINTS][METRICS_CLASSES];
	struct metrics_histogram at_once, waited;	/* answered in the batch / parked */
	struct metrics_audience audience[METRICS_AUDIENCES];
	unsigned n_audiences;
	uint64_t other[METRICS_GRANTS];	/* minted for audiences beyond */
	uint64_t proofs[METRICS_CODES], proofs_abandoned;
	struct metrics_histogram device;	/* a helper's part of a proof */
	uint64_t prompts[METRICS_PROMPTS];
	uint64_t helpers_started, helper_deaths, breakers_opened;
	uint64_t accepted[METRICS_SOCKETS], connections[METRICS_SOCKETS];
	uint64_t refused[METRICS_REFUSALS];
	uint64_t misuse[METRICS_MISUSES];
	uint64_t ssh_certificates[2];	/* issued for keys of the user's own / that the agent holds */
	uint64_t ssh[METRICS_SSHS];
	uint64_t cached;		/* tokens given again by min_valid */
	uint64_t batches;
	struct metrics_histogram commit;
	uint64_t names_hits, names_misses, names_starts;
	uint64_t reloads, reloads_failed;
};

extern struct metrics metrics;

/* Begin to count: at these times (clock.h) everything is 0. */
void metrics_start(uint64_t boot_ms, int64_t wall);

void metrics_observe(struct metrics_histogram *h, uint64_t us);
/* The bound of a bucket as OpenMetrics writes it in seconds: "0.001", "+Inf". */
const char *metrics_bound(unsigned bucket);

/* A request that was answered with status (0: not any more) after us. */
void metrics_request(unsigned endpoint, int status, uint64_t us, int waited);

/* Make an audience known, so that it is shown before its first token. */
void metrics_audience(const char *name);
void metrics_token(const char *audience, enum metrics_grant grant);

/* "token-burst", "use-burst", "refresh-reuse", "refresh-stolen", "clone". */
const char *metrics_misuse_name(enum metrics_misuse what);

/* A proof that ended with a TSR_* code. */
void metrics_proof(int code);
/* The word for a code, NULL for one that no proof ends with. */
const char *metrics_proof_name(int code);

#endif
