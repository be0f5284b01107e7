/*
 * fido_spare.h - helpers for FIDO2 keys that run before they are needed.
 *
 * One operation takes one helper, and the start of one takes longer than a key.  A
 * login has two: which key holds a credential, and its signature.  So two wait,
 * from the first operation on; each is replaced once it was used.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_FIDO_SPARE_H
#define AGENT_FIDO_SPARE_H

#include "agent/fido_call.h"
#include "agent/timer.h"

#define FIDO_SPARES	2	/* connections */
#define FIDO_SPARE_MS	50	/* after an operation began: the next one may follow at once */

struct fido_spare {
	struct fido_call *call;		/* NULL: none */
};

struct fido_spares {
	struct loop *loop;
	const struct helpers_options *options;
	struct fido_spare spare[FIDO_SPARES];
	struct timer timer;		/* they are replaced */
};

/* o outlives s. */
void fido_spares_init(struct fido_spares *s, struct loop *l, const struct helpers_options *o);
void fido_spares_end(struct fido_spares *s);

/* fido_call_start() with one that waits, where there is one. */
int fido_spares_ask(struct fido_spares *s, uint16_t type, const struct proto_value *values, size_t n,
    uint32_t deadline_ms, const struct fido_call_client *client, struct fido_call **out);

/* They have read a configuration that is not in force any more. */
void fido_spares_renew(struct fido_spares *s);

#endif
