/*
 * key_fault.h - one fault that a virtual key shall commit.
 *
 * Written NAME[:VALUE][@N][+]: at the first occasion from the N-th message on
 * (counted from when it was set, INIT and CANCEL too; 1 if not given), once or
 * with "+" each time.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef SIM_KEY_FAULT_H
#define SIM_KEY_FAULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum key_fault_kind {
	FAULT_NONE,
	/* the CBOR of a reply */
	FAULT_CBOR_TRUNCATED, FAULT_CBOR_GARBAGE, FAULT_CBOR_DEEP, FAULT_CBOR_DUPLICATE,
	FAULT_CBOR_INDEFINITE, FAULT_CBOR_UNSORTED,
	/* its content */
	FAULT_BAD_SIGNATURE, FAULT_WRONG_RP, FAULT_CREDENTIAL_COUNT, FAULT_UP_CLEAR,
	FAULT_UV_CLEAR, FAULT_FLAGS_JUNK, FAULT_COUNTER_BACK, FAULT_STATUS, FAULT_TIME_OUT,
	FAULT_CANCEL,
	/* its framing */
	FAULT_BAD_SEQUENCE, FAULT_HUGE_LENGTH, FAULT_WRONG_CHANNEL, FAULT_WRONG_COMMAND,
	FAULT_NO_RESPONSE, FAULT_SHORT_REPORT, FAULT_BAD_NONCE,
	/* the plug */
	FAULT_UNPLUG, FAULT_UNPLUG_WAITING, FAULT_UNPLUG_MID_REPLY
};

struct key_fault {
	enum key_fault_kind kind;
	bool always;
	unsigned value;			/* of FAULT_STATUS */
	uint32_t after;			/* messages still to pass by */
};

/* Read what shall happen.  TSR_INVALID. */
int key_fault_set(struct key_fault *f, const char *text);

/* The name of a kind, never NULL. */
const char *key_fault_name(enum key_fault_kind kind);

/* A message has come. */
void key_fault_message(struct key_fault *f);

/* Whether this fault happens now; one that is to happen once is over then. */
bool key_fault_fires(struct key_fault *f, enum key_fault_kind kind);

#endif
