/*
 * hash.h - keyed BLAKE2b over several parts, whose failure is told.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

struct hash_part {
	const void *p;
	size_t n;
};

/* out, of out_len bytes (16 to 64), is the hash of the parts one after another;
 * key may be NULL.  TSR_CRYPTO, and out is as it was. */
int hash_parts(uint8_t *out, size_t out_len, const uint8_t *key, size_t key_len,
    const struct hash_part *parts, size_t n);

#endif
