/*
 * pubkey.h - a public key with its algorithm pinned, prepared for checking
 * signatures.  JSON Web Keys and SubjectPublicKeyInfos both end here.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef TOKEN_PUBKEY_H
#define TOKEN_PUBKEY_H

#include <stddef.h>
#include <stdint.h>

#include "base/proto.h"

#define PUBKEY_RSA_MIN	2048	/* bits of the modulus */
#define PUBKEY_RSA_MAX	512	/* bytes of the modulus */
#define PUBKEY_E_MAX	8	/* bytes of the exponent */

enum pubkey_kind { PUBKEY_P256 = 1, PUBKEY_P384, PUBKEY_RSA, PUBKEY_ED25519 };

/* The numbers of a key, big-endian, in memory that somebody else owns. */
struct pubkey_parts {
	enum pubkey_kind kind;
	const uint8_t *a;	/* x, n or the Ed25519 key */
	size_t a_len;
	const uint8_t *b;	/* y or e */
	size_t b_len;
};

/* The key is one that we accept: sizes, point on the curve, no small order,
 * RSA of 2048 to 4096 bits without leading zeros, e odd and over 1.
 * TSR_INVALID (not a key), TSR_KEY_UNUSABLE (too weak or too large),
 * TSR_CRYPTO. */
int pubkey_valid(const struct pubkey_parts *p);

/* Which algorithms a kind admits: bits 1 << enum proto_algorithm. */
uint32_t pubkey_algorithms(enum pubkey_kind kind);

struct pubkey;

/* Prepare; checks as pubkey_valid, but the order of an Ed25519 key, which
 * each verification refuses anyway.  TSR_BAD_ALGORITHM where the kind does not
 * admit alg.  *out is freed by pubkey_free. */
int pubkey_new(enum proto_algorithm alg, const struct pubkey_parts *p,
    struct pubkey **out);
void pubkey_free(struct pubkey **k);

/* Check sig over data; ECDSA as r || s.  One thread at a time for a key.
 * TSR_BAD_SIGNATURE, TSR_CRYPTO. */
int pubkey_verify(struct pubkey *k, const void *data, size_t n,
    const uint8_t *sig, size_t sig_len);

#endif
