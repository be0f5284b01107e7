/*
 * audit_key.h - the first key of the audit log at rest: the file audit.key in
 * the state folder, sealed under a key that is derived from the store key for
 * this alone (so that an agent that is running can wipe it: nothing else that
 * it keeps in memory opens the past).
 *
 * Form: version 1 (one byte), nonce (24), the key (32) and tag (16),
 * XChaCha20-Poly1305 with "tessera audit key 1" as associated data.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef BASE_AUDIT_KEY_H
#define BASE_AUDIT_KEY_H

#include <stdint.h>

#include "base/audit_chain.h"
#include "base/secret.h"

#define AUDIT_KEY_FILE	(1 + 24 + AUDIT_KEY + 16)	/* bytes */

/* TSR_INVALID for a store key of another size, TSR_NOMEM, TSR_CRYPTO. */
int audit_key_seal(const struct secret *store_key, const struct secret *first,
    uint8_t out[AUDIT_KEY_FILE]);

/* TSR_CORRUPT where the store key or any byte is another. */
int audit_key_open(const struct secret *store_key, const uint8_t in[AUDIT_KEY_FILE],
    struct secret **first);

#endif
