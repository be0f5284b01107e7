/*
 * seal.h - secrets at rest: XChaCha20-Poly1305 (libsodium) under the store
 * key, with the record they belong to as associated data, so that a sealed
 * value opens nowhere but in its own row.
 *
 * Form: version 1 (one byte), nonce (24), ciphertext, tag (16).
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_SEAL_H
#define AGENT_SEAL_H

#include <stddef.h>
#include <stdint.h>

#include "base/secret.h"

#define SEAL_OVERHEAD	(1 + 24 + 16)	/* bytes more than the secret */
#define SEAL_NAME_MAX	64		/* characters of purpose, and of id */
#define SEAL_MAX	4096		/* bytes of a secret */

/* The sealing key, derived from the 32 bytes of the store key (crypto_kdf), so
 * that the store key itself is used for nothing else.  TSR_INVALID for another
 * size, TSR_NOMEM.  *out is freed by secret_free. */
int seal_key(const struct secret *store_key, struct secret **out);

/* Seal n bytes of p for the record id of the table purpose; out takes
 * n + SEAL_OVERHEAD bytes.  TSR_TOO_LARGE, TSR_CRYPTO. */
int seal_make(const struct secret *key, const char *purpose, const char *id,
    const void *p, size_t n, uint8_t *out);

/* The reverse.  TSR_CORRUPT where key, record or any byte is another. */
int seal_open(const struct secret *key, const char *purpose, const char *id,
    const void *p, size_t n, struct secret **out);

#endif
