/*
 * card_fault.h - faults that a virtual card shows on demand.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef SIM_CARD_FAULT_H
#define SIM_CARD_FAULT_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

#define FAULT_RULES	8	/* of each kind at a time */

enum fault_kind {
	FAULT_TRUNCATED,	/* the first half, without a status word */
	FAULT_LONG,		/* 4 KB more than there is */
	FAULT_GARBAGE,		/* random bytes, as many */
	FAULT_LENGTH,		/* the first element says that it is longer than it is */
	FAULT_EMPTY,		/* the status word alone */
	FAULT_RANDOM		/* one answer in four is changed somewhere, and each signature is
				 * no longer one */
};

struct fault_rule {
	int ins;		/* or TRACE_ANY */
	unsigned long left;	/* times; 0: free */
	int value;		/* a status word, or an enum fault_kind */
};

struct faults {
	struct fault_rule word[FAULT_RULES];
	struct fault_rule malformed[FAULT_RULES];
	unsigned long changed;	/* answers that were malformed */
};

/* "truncated", "too-long", "garbage", "tlv-length", "empty", "random".
 * TSR_INVALID. */
int fault_kind(const char *name, int *out);

/* In place of a rule for the same instruction; times 0 ends it.
 * TSR_TOO_LARGE. */
int fault_set(struct fault_rule *rules, int ins, int value, unsigned long times);

/* The value that is due for a command, whose rule is used up by one.
 * TSR_NOT_FOUND. */
int fault_take(struct fault_rule *rules, uint8_t ins, int *value);

/* Change the answer (with its status word) to a command.  TSR_NOMEM. */
int fault_apply(struct faults *f, enum fault_kind kind, uint8_t ins, struct buf *answer);

#endif
