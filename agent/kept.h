/*
 * kept.h - sessions outlive the agent: those whose device can prove by itself
 * that it is still there are written down, and come back when it does so after a
 * restart.  Not after a reboot, not later than KEPT_WAIT_MS after the start, and
 * not where they were locked, ended or revoked before.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_KEPT_H
#define AGENT_KEPT_H

#include "agent/agent.h"

#define KEPT_WAIT_MS	60000	/* for the devices of what was written down */
#define KEPT_MAX	1024	/* records that are read at the start; of more, the others are gone */
#define KEPT_CHANGES	512	/* of one batch; with more, all of them are gone */

struct kept;

int kept_new(struct agent *a, struct kept **out);	/* TSR_NOMEM */
void kept_free(struct kept **k);

/* After the first policy: read what there is. */
void kept_start(struct kept *k);

/* c proved s: write it down with the end of the batch, where its device can prove
 * itself. */
void kept_session(struct kept *k, const struct credential *c, const struct session *s);

/* That session is locked or over. */
void kept_gone(struct kept *k, const struct session *s);

/* The end of a batch, outside of store_begin..store_keep: write what changed.
 * What could not be written is tried again with the next; TSR_STORE, TSR_NOMEM. */
int kept_flush(struct kept *k);

/* After that, whether the batch was committed: what could not be written is gone. */
void kept_settle(struct kept *k, int committed);

/* A card is there: it is asked, where a session waits for it. */
void kept_card(struct kept *k, const struct device *d);

/* That credential proved, without its owner, that its device is there. */
void kept_credential(struct kept *k, const char *credential);

#endif
