/*
 * scarce.h - allocations of our own code (and of what is linked into the target
 * with it) that fail.  The target is linked with tessera_scarce.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef TESTS_FUZZ_SCARCE_H
#define TESTS_FUZZ_SCARCE_H

#include <stddef.h>
#include <stdint.h>

/* Allocation number first from now on fails (0: none does), and the n - 1 after it. */
void scarce_begin(unsigned first, unsigned n);
/* Memory is there again; 1 where any allocation failed since scarce_begin. */
int scarce_end(void);
/* Did any fail so far? */
int scarce_hit(void);

/*
 * Run a target's whole check of an input with all memory, then again while
 * allocations fail: under libFuzzer one of those that it made, or that one and
 * all that follow, by the input's bytes; in a replay each of them in turn.
 * check() must take a refusal for want of memory where scarce_hit() says so.
 */
void scarce_run(void (*check)(const uint8_t *data, size_t size), const uint8_t *data, size_t size);

#endif
