/*
 * challenge.c - fuzz target: a context that is accepted has one spelling.
 *
 * SPDX-License-Identifier: ISC
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tessera.h"
#include "token/challenge.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct challenge_memory m;
	struct challenge_context c;
	struct buf b;

	if (challenge_context_decode(data, size, &m, &c) != TSR_OK)
		return 0;
	buf_init(&b, CHALLENGE_CONTEXT_MAX);
	if (challenge_context_encode(&b, &c) != TSR_OK || b.len != size ||
	    memcmp(b.data, data, size) != 0)
		abort();
	buf_free(&b);
	return 0;
}
