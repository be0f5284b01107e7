/*
 * hmac.h - HMAC (RFC 2104) with one key over many short messages.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef OATH_HMAC_H
#define OATH_HMAC_H

#include <stddef.h>
#include <stdint.h>

#define HMAC_SIZE_MAX	64	/* bytes of the longest result */

enum hmac_hash { HMAC_SHA1 = 1, HMAC_SHA256 = 2, HMAC_SHA512 = 3 };

struct hmac;

/* A keyed state.  key is not kept; what is derived from it is wiped by
 * hmac_free, which takes NULL in *h.  TSR_UNSUPPORTED for another hash,
 * TSR_NOMEM, TSR_CRYPTO. */
int hmac_new(enum hmac_hash hash, const uint8_t *key, size_t key_len, struct hmac **out);
void hmac_free(struct hmac **h);

/* The result's bytes: 20, 32 or 64. */
size_t hmac_size(enum hmac_hash hash);

/* One message; may be called again and again.  TSR_CRYPTO. */
int hmac_of(struct hmac *h, const void *message, size_t n, uint8_t out[HMAC_SIZE_MAX]);

#endif
