/*
 * request.h - what a worker was asked, with every field in a form to use.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef FIDO_REQUEST_H
#define FIDO_REQUEST_H

#include <stddef.h>
#include <stdint.h>

#include "base/frame.h"
#include "base/proto.h"
#include "base/secret.h"

#define REQUEST_TEXT_MAX	257	/* bytes of a text, with NUL */

struct request_id {
	const uint8_t *p;		/* into the frame */
	size_t n;
};

struct request {
	uint16_t type;			/* enum proto_type */
	uint32_t id;
	uint64_t end;			/* ms, CLOCK_MONOTONIC */
	int several;			/* other keys are asked the same */
	char device[REQUEST_TEXT_MAX], rp_id[REQUEST_TEXT_MAX], rp_name[REQUEST_TEXT_MAX];
	char user_name[REQUEST_TEXT_MAX];
	uint8_t user_id[PROTO_FIDO_USER_MAX];
	size_t user_id_len;
	uint8_t hash[PROTO_FIDO_HASH_LEN];
	uint32_t algorithms, flags;
	struct request_id ids[PROTO_FIDO_IDS_MAX];	/* exclude, allow */
	size_t n_ids;
	struct secret *pin, *new_pin;	/* terminated; size without that; 0: none */
};

/* Fill r from a frame of the agent's, which must outlive it.  Freed by
 * request_free, also on error.  TSR_INVALID, TSR_UNSUPPORTED, TSR_NOMEM. */
int request_read(struct request *r, const struct frame *f);
void request_free(struct request *r);

/* Is there a PIN to send? */
int request_has_pin(const struct request *r);

#endif
