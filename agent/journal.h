/*
 * journal.h - what the machine's journal knows of us: each minute's audit head
 * and the generation of the store.  A log that was cut and a store that was put
 * back to an earlier day do not fit it, and neither can change it: only entries
 * count whose sender, as the journal itself saw it, had our uid, that are under a
 * MAC of the store's key, and that the journal got when they say.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_JOURNAL_H
#define AGENT_JOURNAL_H

#include <stdint.h>

#include "agent/store.h"
#include "base/audit_chain.h"

#define JOURNAL_MESSAGE_ID	"e5b5c7b6f0b14c3a9d1f6a2cb8b0a7d4"
#define JOURNAL_LOOK		64	/* last entries of this store that are believed */
#define JOURNAL_NOISE		16384	/* entries passed over that only look like it */
#define JOURNAL_ERR		256	/* bytes of a sentence, with NUL */

/* What the journal has of a store and its audit log. */
struct journal_seen {
	unsigned entries;		/* that were believed; 0: nothing is known */
	unsigned noise;			/* that were not */
	struct audit_head head;		/* the furthest; seq 0: none */
	int rolled_back;		/* the store is older than a note says */
	uint64_t at_least;		/* where its generation has to go on */
	char err[JOURNAL_ERR];		/* rolled_back: the sentence */
};

/* Send head ("SEQ:MAC") and the store's note (store_anchor.h), without waiting.
 * TSR_INVALID while a batch is open, TSR_STORE after a failure of the store,
 * TSR_SYSTEM where there is no journal or it takes nothing now. */
int journal_send(const struct store *st, const char *head);

/* What it has of st, from this uid.  For the start: the sandbox keeps the
 * journal's files out of reach.  TSR_SYSTEM where it cannot be opened; files
 * that this uid may not read are as if they were not there. */
int journal_look(const struct store *st, struct journal_seen *out);

#endif
