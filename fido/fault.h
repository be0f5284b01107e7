/*
 * fault.h - libfido2's codes folded into TSR_*, and what a failed request tells
 * the agent.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef FIDO_FAULT_H
#define FIDO_FAULT_H

#include <stdint.h>

#define FAULT_DETAIL_MAX	256	/* bytes of a detail, with NUL */

/* Why a request failed.  fault_clear() before use; the code is what the
 * functions return. */
struct fault {
	uint32_t tries;			/* tries left, PROTO_TRIES_UNKNOWN */
	char detail[FAULT_DETAIL_MAX];	/* UTF-8 without control characters */
};

void fault_clear(struct fault *f);

/* Say why and return code. */
int fault_set(struct fault *f, int code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* The TSR_* of a FIDO_ERR_* (CTAP 2.1 section 8.2, and libfido2's own): TSR_OK
 * for FIDO_OK alone; one that is not in the table is TSR_DEVICE_FAILED. */
int fault_fold(int err);

/* fault_set() with the sentence that goes with it; returns fault_fold(err). */
int fault_fido(struct fault *f, int err);

/* 1 where the key's channel is in doubt: cancel, close, open anew. */
int fault_transport(int err);

#endif
