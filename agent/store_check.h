/*
 * store_check.h - is the store as it was written, and what happens if not.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_STORE_CHECK_H
#define AGENT_STORE_CHECK_H

#include <stdint.h>

#include "agent/store.h"

#define STORE_CHECK_ROWS	24	/* rows of a slice: well under 1 ms */
#define STORE_CHECK_SHOWN	16	/* damaged rows told by name */

enum store_verdict {
	STORE_GOOD = 0,
	STORE_ALTERED,		/* rows are not those that were written */
	STORE_ROLLED_BACK,	/* older than its anchor says */
	STORE_RESTORED		/* from a backup, on purpose */
};

const char *store_verdict_name(enum store_verdict v);

/* What is known against the store; while it is not STORE_GOOD no token may be
 * minted. */
enum store_verdict store_verdict(const struct store *st);
/* Commits so far. */
uint64_t store_generation(const struct store *st);

struct store_found {
	uint64_t rows, damaged;
	int whole;			/* 1: the sum over all rows is right */
	struct {
		const char *table;
		int64_t row;
	} shown[STORE_CHECK_SHOWN];	/* the first damaged ones */
};

/* Begin to look at every row (anew, where a look is under way). */
int store_check_begin(struct store *st);
/* A slice of it.  TSR_AGAIN: there is more, or a batch is open; TSR_OK: *out
 * has the outcome; TSR_INVALID: none is under way (the store failed meanwhile:
 * begin again); TSR_STORE. */
int store_check_step(struct store *st, struct store_found *out);

/*
 * Take the verdict down: every active credential whose row is as it was written
 * is suspended, and the verdict stands until store_confirm, in one durable step
 * of its own (not inside a batch).  at_least: the generation goes on above it.
 * TSR_OK also where a verdict stands already.
 */
int store_suspect(struct store *st, enum store_verdict v, uint64_t at_least);

/*
 * An administrator confirms the store as it is: credentials that were suspended
 * for the verdict are active again, credentials whose rows are damaged are
 * dropped (*dropped), damaged values of meta too, and the rest is tagged anew,
 * in one durable step.  TSR_CONFLICT where nothing is to be confirmed;
 * TSR_CORRUPT where a signing key is damaged: then only a backup helps.
 */
int store_confirm(struct store *st, unsigned *dropped);

#endif
