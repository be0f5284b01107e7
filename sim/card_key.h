/*
 * card_key.h - the private keys of a PIV card (SP 800-78-4): RSA 2048, P-256
 * and P-384, by the algorithm identifiers of its table 6-2.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef SIM_CARD_KEY_H
#define SIM_CARD_KEY_H

#include <stddef.h>
#include <stdint.h>

#include <openssl/evp.h>

#include "base/buf.h"

enum card_alg { ALG_RSA2048 = 0x07, ALG_P256 = 0x11, ALG_P384 = 0x14 };

#define CARD_KEY_DER_MAX	2048	/* bytes of a private key's DER */

/* "p256", "p384", "rsa2048".  TSR_INVALID. */
int card_key_alg(const char *name, uint8_t *out);
const char *card_key_name(uint8_t alg);

/* A new key, freed by EVP_PKEY_free.  TSR_UNSUPPORTED, TSR_CRYPTO. */
int card_key_generate(uint8_t alg, EVP_PKEY **out);

/* PKCS #8, unencrypted.  TSR_CRYPTO, TSR_CORRUPT for what is not a key of that
 * algorithm. */
int card_key_encode(const EVP_PKEY *key, struct buf *out);
int card_key_decode(uint8_t alg, const uint8_t *der, size_t n, EVP_PKEY **out);

/* Append the elements of a public key template 7F49 (SP 800-73-4 part 2,
 * 3.3.2). */
int card_key_public(const EVP_PKEY *key, uint8_t alg, struct buf *out);

/* Append the answer to a challenge: RSA of a padded block, ECDSA of a hash
 * (DER); and the shared secret with an uncompressed point.  TSR_INVALID for
 * input that is not of this kind. */
int card_key_sign(EVP_PKEY *key, uint8_t alg, const uint8_t *in, size_t n, struct buf *out);
int card_key_agree(EVP_PKEY *key, uint8_t alg, const uint8_t *point, size_t n, struct buf *out);

#endif
