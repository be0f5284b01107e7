/*
 * ssh_fingerprint.c - the fingerprint of ssh_key.h, by itself: who shows one needs
 * no libcrypto for it.
 *
 * SPDX-License-Identifier: ISC
 */
#include "token/ssh_key.h"

#include <sodium.h>
#include <string.h>

#include "tessera.h"

int
ssh_key_fingerprint(const void *blob, size_t n, char out[SSH_FINGERPRINT_MAX])
{
	char text[sodium_base64_ENCODED_LEN(crypto_hash_sha256_BYTES,
	    sodium_base64_VARIANT_ORIGINAL_NO_PADDING)];
	uint8_t hash[crypto_hash_sha256_BYTES];

	if (crypto_hash_sha256(hash, blob, n) != 0)
		return TSR_CRYPTO;
	(void)sodium_bin2base64(text, sizeof(text), hash, sizeof(hash),
	    sodium_base64_VARIANT_ORIGINAL_NO_PADDING);
	(void)snprintf(out, SSH_FINGERPRINT_MAX, "SHA256:%s", text);
	return TSR_OK;
}
