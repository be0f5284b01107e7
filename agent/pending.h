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
	uid_t uid;
};

/* Put p on the list, for uid.  TSR_SLOW_DOWN where max of his are there. */
int pending_begin(struct link *list, struct pending *p, uid_t uid, uint32_t max);
void pending_end(struct pending *p);

#endif
