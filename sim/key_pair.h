/*
 * key_pair.h - the virtual key's key pairs: P-256 and Ed25519, made from a
 * seed so that none has to be stored.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef SIM_KEY_PAIR_H
#define SIM_KEY_PAIR_H

#include <stddef.h>
#include <stdint.h>

#include <openssl/evp.h>

#include "sim/cbor.h"
#include "sim/cbor_out.h"

#define KEY_PAIR_SEED	32		/* bytes */
#define KEY_PAIR_SIG	80		/* bytes of a signature at most */

struct key_pair {
	int alg;			/* COSE_ES256 or COSE_EDDSA */
	EVP_PKEY *pkey;
};

/* The pair of that seed; or a fresh P-256 pair.  Freed by key_pair_free, which
 * takes an empty one.  TSR_CRYPTO, TSR_UNSUPPORTED. */
int key_pair_derive(int alg, const uint8_t seed[KEY_PAIR_SEED], struct key_pair *out);
int key_pair_random(struct key_pair *out);
void key_pair_free(struct key_pair *k);

/* ES256 in DER, EdDSA in 64 bytes.  TSR_CRYPTO. */
int key_pair_sign(const struct key_pair *k, const void *p, size_t n, uint8_t sig[KEY_PAIR_SIG],
    size_t *len);

/* The public key as a COSE_Key (RFC 9052 section 7) that says it is for alg:
 * its own, or COSE_ECDH.  TSR_CRYPTO. */
int key_pair_cose(const struct key_pair *k, int alg, struct cbor_out *o);

/* The x coordinate of ECDH with the public key in that COSE_Key.
 * TSR_INVALID where it is no P-256 point. */
int key_pair_agree(const struct key_pair *k, const struct cbor *cose, uint8_t z[32]);

#endif
