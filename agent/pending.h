/*
 * pending.h - how many requests wait for a device for whose sake: one user
 * cannot fill the queues that all share.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_PENDING_H
#define AGENT_PENDING_H

#include <stdint.h>
#include <sys/types.h>

#include "agent/link.h"

/* Embedded in what waits.  Zeroed memory waits for nothing. */
struct pending {
	struct link link;
	uid_t uid, from;
};

/* Put p on the list, for uid, asked for by `from`: himself, or the login helper's
 * user.  TSR_SLOW_DOWN where max of his are there from the same: his programs do not
 * shut the login screen. */
int pending_begin(struct link *list, struct pending *p, uid_t uid, uid_t from, uint32_t max);
void pending_end(struct pending *p);

#endif
