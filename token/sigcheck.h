/*
 * sigcheck.h - checking what a device signed, with the key and the algorithm
 * that were pinned at enrolment.
 *
 * A key is its DER SubjectPublicKeyInfo; see spki.h for which are accepted.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef TOKEN_SIGCHECK_H
#define TOKEN_SIGCHECK_H

#include <stddef.h>
#include <stdint.h>

#include "base/proto.h"

#define SIGCHECK_ID_LEN	32

struct pubkey;

/* Prepare a key for pubkey_verify, which checks with exactly that algorithm.
 * It may take longer than the check itself: who waits for a signature prepares
 * meanwhile.  TSR_BAD_ALGORITHM where the key is of another kind; TSR_INVALID,
 * TSR_KEY_UNUSABLE, TSR_TOO_LARGE for the key as sigcheck_algorithms; TSR_NOMEM,
 * TSR_CRYPTO.  *out is freed by pubkey_free. */
int sigcheck_prepare(enum proto_algorithm alg, const uint8_t *spki, size_t spki_len,
    struct pubkey **out);

/*
 * Check sig over data with exactly that algorithm: ECDSA as raw r || s with
 * SHA-256; RSA-PSS with SHA-256, MGF1-SHA-256 and a salt of 32 bytes; PKCS #1
 * v1.5 with SHA-256; pure Ed25519.  TSR_BAD_SIGNATURE, else as
 * sigcheck_prepare.
 */
int sigcheck_verify(enum proto_algorithm alg, const uint8_t *spki, size_t spki_len,
    const void *data, size_t n, const uint8_t *sig, size_t sig_len);

/* Which algorithms a key admits, as bits 1 << enum proto_algorithm.  The key
 * is checked in full.  TSR_INVALID (malformed, off the curve, small order),
 * TSR_KEY_UNUSABLE (RSA under 2048 or over 4096 bits, e = 1 or even, another
 * kind or curve), TSR_TOO_LARGE (over PROTO_SPKI_MAX). */
int sigcheck_algorithms(const uint8_t *spki, size_t spki_len, uint32_t *mask);

/* The name of a key: SHA-256 of its SubjectPublicKeyInfo, which has one
 * spelling only.  Errors as sigcheck_algorithms. */
int sigcheck_spki_id(const uint8_t *spki, size_t spki_len,
    uint8_t out[SIGCHECK_ID_LEN]);

#endif
