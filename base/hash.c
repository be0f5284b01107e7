/*
 * hash.c - see hash.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "base/hash.h"

#include <sodium.h>
#include <string.h>

#include "tessera.h"

int
hash_parts(uint8_t *out, size_t out_len, const uint8_t *key, size_t key_len,
    const struct hash_part *parts, size_t n)
{
	crypto_generichash_state st;
	uint8_t hash[crypto_generichash_BYTES_MAX];
	size_t i;
	int r = TSR_CRYPTO;

	if (out_len < crypto_generichash_BYTES_MIN || out_len > sizeof(hash) ||
	    crypto_generichash_init(&st, key, key_len, out_len) != 0)
		return r;
	for (i = 0; i < n; i++)
		if (crypto_generichash_update(&st, parts[i].p, parts[i].n) != 0)
			goto out;
	if (crypto_generichash_final(&st, hash, out_len) != 0)
		goto out;
	memcpy(out, hash, out_len);
	r = TSR_OK;
 out:
	sodium_memzero(&st, sizeof(st));
	sodium_memzero(hash, sizeof(hash));
	return r;
}
