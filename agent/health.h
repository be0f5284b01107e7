/*
 * health.h - GET /healthz: whether the agent can do its work, and which part of
 * it cannot.  For everybody, so nothing in it is of any user.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_HEALTH_H
#define AGENT_HEALTH_H

#include "agent/agent.h"
#include "base/buf.h"

struct health {
	const char *store;	/* "ok", "read-only", "full", "failing", or its verdict */
	const char *audit;	/* "ok", "failing" */
	const char *clock;	/* "ok", "jumped", "behind" */
	const char *keys;	/* "ok", "unpublished", "stale" */
	const char *ssh;	/* of the SSH CA: "ok", "unpublished", "stale" */
	const char *names;	/* "ok", "down" */
	int resting;		/* breakers that are open */
	int mints;		/* 0: no token can be given, for this reason: */
	int refusal;		/* TSR_STORE, TSR_CLOCK, TSR_UNCONFIRMED */
	int degraded;		/* something above is not as it should be */
};

/* Reads memory alone; the file system's word is that of the last health_look. */
void health_read(struct agent *a, struct health *out);

/* Ask the file system, and where writes fail, try one: its commit is the open
 * batch's.  For a timer. */
void health_look(struct agent *a);

/* Append "checks":{...}. */
int health_checks(struct buf *out, struct agent *a, const struct health *h);
/* Append "signing":{...}: the key that signs now. */
int health_signing(struct buf *out, struct agent *a);

/* 200, or 503 where no token can be given. */
void health_answer(struct agent *a, const struct http_request *r, const struct asker *who);

#endif
