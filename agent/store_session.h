/*
 * store_session.h - sessions that may come back after a restart of the agent:
 * those whose device can prove, without its owner, that it is still there.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_STORE_SESSION_H
#define AGENT_STORE_SESSION_H

#include <stdint.h>

#include "agent/clock.h"
#include "agent/store.h"

/* What the credential does not say itself. */
struct session_record {
	char sid[STORE_ID_LEN + 1];
	char credential[STORE_ID_LEN + 1];
	int64_t auth_time;		/* s of the epoch */
	uint64_t proved_ms, ends_ms;	/* boot-time clock */
	uint8_t boot[CLOCK_BOOT_LEN];	/* of that boot: in another it is none */
};

/* Add or replace the record of that credential, in the request that is open. */
int store_session_put(struct store *st, const struct session_record *r);

/* Remove one; TSR_OK where there is none, too.  sid NULL: all. */
int store_session_remove(struct store *st, const char *sid);

/* Each record, in no order; each() returns TSR_OK to go on. */
int store_session_each(struct store *st,
    int (*each)(void *arg, const struct session_record *r), void *arg);

#endif
