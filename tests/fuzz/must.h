/*
 * must.h - what every fuzz target that states something begins with.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef TESTS_FUZZ_MUST_H
#define TESTS_FUZZ_MUST_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Whatever the input is, this holds: the fuzzer keeps the input where it does not. */
static inline void
must(int truth)
{
	if (!truth)
		abort();
}

#endif
