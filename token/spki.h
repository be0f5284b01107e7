/*
 * spki.h - reading a SubjectPublicKeyInfo (RFC 5280 section 4.1.2.7) of the
 * kinds that devices have: RSA (RFC 3279 section 2.3.1), P-256 and P-384 by
 * name and uncompressed (RFC 5480), Ed25519 (RFC 8410).
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef TOKEN_SPKI_H
#define TOKEN_SPKI_H

#include <stddef.h>
#include <stdint.h>

#include "token/pubkey.h"

/* Strict DER: each key has exactly one spelling, so that its bytes name it.
 * *out points into der.  The numbers are not checked: pubkey_valid does.
 * TSR_INVALID (not such DER), TSR_KEY_UNUSABLE (another kind of key, another
 * curve, a compressed point), TSR_TOO_LARGE (over PROTO_SPKI_MAX). */
int spki_parse(const uint8_t *der, size_t n, struct pubkey_parts *out);

#endif
