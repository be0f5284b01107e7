/*
 * jwk.c - fuzz target: keys and sets.  What is accepted is written and read
 * again as the same key.
 *
 * SPDX-License-Identifier: ISC
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tessera.h"
#include "token/jwk.h"

/* struct jwk is cleared before it is filled: equal keys are equal bytes. */
/* NOLINTBEGIN(bugprone-suspicious-memory-comparison,cert-exp42-c,cert-flp37-c) */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int
same_set(const struct jwk_set *a, const struct jwk_set *b)
{
	size_t i;

	for (i = 0; i < a->n && a->n == b->n; i++)
		if (memcmp(&a->key[i], &b->key[i], sizeof(a->key[i])) != 0)
			return 0;
	return a->n == b->n;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct jwk_set set, again;
	struct jwk k, same;
	enum jwk_alg alg;
	struct buf b;

	buf_init(&b, (size_t)2 * JWK_SET_BYTES_MAX);
	if (jwk_parse((const char *)data, size, &k) == TSR_OK &&
	    (jwk_alg_parse(jwk_alg_name(k.alg), &alg) != TSR_OK || alg != k.alg || jwk_write(&b, &k) != TSR_OK ||
	    jwk_parse((const char *)b.data, b.len, &same) != TSR_OK ||
	    memcmp(&k, &same, sizeof(k)) != 0))
		abort();
	buf_reset(&b);
	if (jwk_set_parse((const char *)data, size, &set) == TSR_OK &&
	    (jwk_set_write(&b, &set) != TSR_OK ||
	    jwk_set_parse((const char *)b.data, b.len, &again) != TSR_OK ||
	    !same_set(&set, &again)))
		abort();
	buf_free(&b);
	return 0;
}
/* NOLINTEND(bugprone-suspicious-memory-comparison,cert-exp42-c,cert-flp37-c) */
