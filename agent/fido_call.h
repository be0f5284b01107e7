/*
 * fido_call.h - one operation with FIDO2 keys: one connection to tessera-fido,
 * whose end takes back what a key still waits for.
 *
 * The helper is believed nothing: its frames are checked against the protocol's
 * table and the operation, and what keys sign is checked by the caller.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_FIDO_CALL_H
#define AGENT_FIDO_CALL_H

#include <stdint.h>

#include "agent/helper.h"
#include "agent/loop.h"
#include "base/proto.h"

#define FIDO_CALL_MODULE	"fido"	/* the name that PROTO_OPEN bears */
#define FIDO_CALL_PARTS_MAX	256	/* frames of one answer */
#define FIDO_CALL_OPEN_MS	10000	/* for the helper to start */
#define FIDO_CALL_GRACE_MS	2000	/* beyond the deadline: then we hang up */

struct fido_call;

struct fido_call_client {
	/* A frame of the answer but the last PROTO_DONE and PROTO_ERROR. */
	void (*part)(void *arg, uint16_t type, const struct proto_value *v);
	/* The end, called once and never from inside fido_call_start: TSR_OK, or
	 * what failed with the helper's detail (text, "" where none). */
	void (*done)(void *arg, int code, uint32_t tries_left, const char *detail);
	void *arg;
};

/* Ask.  values as in proto.h's table; they are copied, and the copy is wiped once
 * sent.  o outlives the call.  TSR_HELPER where there is no helper to be had,
 * TSR_INVALID, TSR_NOMEM. */
int fido_call_start(struct loop *l, const struct helpers_options *o, uint16_t type,
    const struct proto_value *values, size_t n, uint32_t deadline_ms,
    const struct fido_call_client *client, struct fido_call **out);

/*
 * The same in two steps.  fido_call_open() reaches a helper ahead of what it will be
 * asked: one that is ready answers without the time that its start takes.  Where it
 * ends before that, lost(arg) is called, once, and the call is gone.  fido_call_ask()
 * hands it the request; on an error, TSR_CLOSED where it has gone away among them,
 * nothing was asked and done() will not be called: the call is to be cancelled.
 */
int fido_call_open(struct loop *l, const struct helpers_options *o, void (*lost)(void *arg),
    void *arg, struct fido_call **out);
int fido_call_ask(struct fido_call *c, uint16_t type, const struct proto_value *values, size_t n,
    uint32_t deadline_ms, const struct fido_call_client *client);
/* Does the helper run by now? */
int fido_call_ready(const struct fido_call *c);

/* Hang up at once; done() is not called.  *c may be NULL. */
void fido_call_cancel(struct fido_call **c);

#endif
