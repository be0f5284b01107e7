/*
 * race.h - one operation on several keys at once: a child process for each, of
 * which the first to be touched wins and the others are told to let go.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef FIDO_RACE_H
#define FIDO_RACE_H

#include <stddef.h>

#include "fido/key.h"
#include "fido/request.h"

struct race {
	const struct request *q;
	int quit;			/* its end stops everything */
	/* A frame from the child for that key, PROTO_ERROR too; once for each where
	 * it ends without a word (TSR_DEVICE_FAILED).  1: that was it. */
	int (*said)(void *arg, const struct key_place *place, uint16_t type,
	    const struct proto_value *v, size_t n);
	void *arg;
};

/*
 * Run q on the n keys and hand over what they say until said() returns 1 or all
 * have ended.  No child is left, and no key waits for anything, when it returns.
 * TSR_OK; TSR_TIMEOUT at q->end, TSR_CLOSED where quit ended or SIGTERM came;
 * TSR_NOMEM, TSR_SYSTEM.
 */
int race_run(const struct race *r, const struct key_place *const *place, size_t n);

#endif
