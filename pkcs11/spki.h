/*
 * spki.h - public keys of a token as SubjectPublicKeyInfo (RFC 5280 section
 * 4.1.2.7), made from PKCS #11 attributes or taken from a certificate.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef PKCS11_SPKI_H
#define PKCS11_SPKI_H

#include <stddef.h>
#include <stdint.h>

#include <openssl/x509.h>

#include "base/proto.h"

#define SPKI_RSA_BITS_MIN	2048
#define SPKI_MODULUS_MAX	1024	/* bytes: 8192 bits */
#define SPKI_EXPONENT_MAX	8	/* bytes */
#define SPKI_EC_PARAMS_MAX	64	/* bytes of CKA_EC_PARAMS */
#define SPKI_EC_POINT_MAX	128	/* bytes of CKA_EC_POINT */

struct spki {
	uint32_t algorithms;		/* bits, 1 << enum proto_algorithm: what the key could do */
	size_t len;
	uint8_t der[PROTO_SPKI_MAX];
};

/* From CKA_EC_PARAMS and CKA_EC_POINT of a CKK_EC key (RFC 5480: P-256, P-384)
 * or a CKK_EC_EDWARDS one (RFC 8410: Ed25519).  The point may be wrapped in an
 * OCTET STRING (PKCS #11 2.40 section 2.3.3) or, as some modules have it, bare.
 * TSR_KEY_UNUSABLE for another curve, another form, a point off the curve. */
int spki_from_ec(const uint8_t *params, size_t params_len, const uint8_t *point,
    size_t point_len, struct spki *out);

/* From CKA_MODULUS and CKA_PUBLIC_EXPONENT, big-endian (RFC 3279 section
 * 2.3.1).  TSR_KEY_UNUSABLE under 2048 bits, over 8192, for an even number or
 * an exponent of 1. */
int spki_from_rsa(const uint8_t *modulus, size_t modulus_len, const uint8_t *exponent,
    size_t exponent_len, struct spki *out);

/* The key that a certificate is about; TSR_KEY_UNUSABLE as above. */
int spki_from_certificate(X509 *certificate, struct spki *out);

#endif
