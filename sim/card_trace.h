/*
 * card_trace.h - which commands a virtual card has seen: counts, the latest of
 * them without their data, and who waits for one.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef SIM_CARD_TRACE_H
#define SIM_CARD_TRACE_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

#define TRACE_KEPT	256	/* commands that the log remembers */
#define TRACE_WAITERS	16	/* at a time */
#define TRACE_ANY	(-1)	/* every instruction */

struct trace {
	uint64_t total, count[256];	/* by instruction */
	struct trace_entry {
		uint8_t head[4];	/* CLA INS P1 P2 */
		uint8_t has_sw;
		uint16_t sw;
	} kept[TRACE_KEPT];		/* the one numbered n (from 0) at n % TRACE_KEPT */
	struct trace_waiter {
		uint64_t ticket;	/* of the control socket; 0: free */
		int ins;
		uint64_t at;		/* the count that is waited for */
	} waiter[TRACE_WAITERS];
};

/* An instruction by name, "any", or two hexadecimal digits.  TSR_INVALID. */
int trace_ins(const char *word, int *out);

uint64_t trace_count(const struct trace *t, int ins);

/* A command has come; its answer's status word is told afterwards. */
void trace_command(struct trace *t, const uint8_t *apdu, size_t n);
void trace_answered(struct trace *t, uint16_t sw);

/* Remember who waits until count(ins) is at.  TSR_TOO_LARGE. */
int trace_wait(struct trace *t, uint64_t ticket, int ins, uint64_t at);

/* The ticket of a waiter whose command has come, who is forgotten; or 0. */
uint64_t trace_due(struct trace *t);

/* Append the latest commands, oldest first: "00a40400=9000 00200080=63c2 ..."; "-"
 * for a status word that was never sent. */
int trace_log(const struct trace *t, struct buf *out);

#endif
