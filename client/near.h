/*
 * near.h - which known word a mistyped one was meant to be.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef CLIENT_NEAR_H
#define CLIENT_NEAR_H

#include <stddef.h>

/* The best word so far; begin with { .typed = WORD }. */
struct near {
	const char *typed;
	const char *best;	/* NULL while none is near enough */
	size_t edits;		/* between typed and best */
};

/* Take word, which must outlive n, where it is the nearest so far: at most a
 * third of its letters differ. */
void near_offer(struct near *n, const char *word);

#endif
