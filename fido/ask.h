/*
 * ask.h - one operation on one key, in a process of its own: what it has to say
 * goes to a stream as frames of base/proto.h.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef FIDO_ASK_H
#define FIDO_ASK_H

#include "fido/key.h"
#include "fido/request.h"

#define ASK_TRANSPORTS_MAX	64	/* bytes, with NUL */

struct ask {
	const struct request *q;
	struct key key;
	int fd;				/* where the frames go */
	struct fault fault;		/* why it failed */
};

/*
 * Do what is asked on that key and write what comes of it: PROTO_FIDO_TOUCH as
 * it happens, then one of PROTO_FIDO_KEY, _MADE, _ASSERTED, _FOUND, PROTO_DONE
 * and PROTO_ERROR.  The key waits for nothing more when it returns.
 */
void ask_run(const struct request *q, const struct key_place *place, int fd);

/* The operations.  TSR_OK after their last frame; else ask->fault. */
int ask_info(struct ask *a);
int ask_make(struct ask *a);
int ask_assert(struct ask *a);
int ask_look(struct ask *a);
int ask_select(struct ask *a);
int ask_pin(struct ask *a);

/* A frame; TSR_DEVICE_FAILED where what the key said does not fit into it. */
int ask_say(struct ask *a, enum proto_type type, const struct proto_value *v, size_t n);
/* Words with blanks between them, those that are text and fit. */
void ask_words(char *out, size_t size, char *const *word, size_t n);
int ask_touch(struct ask *a, uint32_t state);

/* key_fault() into a->fault; with the tries that are left, where it is about a
 * PIN. */
int ask_fault(struct ask *a, int err);

/*
 * Which of the request's ids the key holds, by an assertion without a touch; with
 * no ids the one that it keeps for the relying party.  TSR_NOT_FOUND.  *out points
 * into the request, or, without ids, into a->found's memory.
 */
int ask_find(struct ask *a, struct request_id *out);

/* How many of the ids, from the first, the key takes in one list. */
size_t ask_batch(const struct ask *a, const struct request_id *ids, size_t n);

/* How the person is verified: *uv as libfido2 takes it, *pin NULL or the PIN.
 * TSR_PIN_REQUIRED, TSR_PIN_UNSET, TSR_UNSUPPORTED. */
int ask_verification(struct ask *a, int make, fido_opt_t *uv, const char **pin);

#endif
