/*
 * ecdsa.h - ECDSA signatures as r || s (RFC 7518 section 3.4, PKCS#11) and as
 * the DER that OpenSSL speaks (RFC 3279 section 2.2.3), for P-256 and P-384.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef TOKEN_ECDSA_H
#define TOKEN_ECDSA_H

#include <stddef.h>
#include <stdint.h>

#define ECDSA_P256	32	/* bytes of r, of s, of a coordinate */
#define ECDSA_P384	48
#define ECDSA_DER_MAX	104	/* bytes: header 2, and twice 2 + 1 + 48 */

/* 1 where 1 <= s < n, the order of the curve with that size. */
int ecdsa_scalar_ok(size_t size, const uint8_t *s);

/* r || s, 2 * size bytes, to DER; *len is how many.  TSR_BAD_SIGNATURE where
 * the length is another or r or s is out of range. */
int ecdsa_to_der(uint8_t der[ECDSA_DER_MAX], size_t *len, size_t size,
    const uint8_t *raw, size_t raw_len);

/* DER to r || s, 2 * size bytes.  Strict; TSR_BAD_SIGNATURE. */
int ecdsa_from_der(uint8_t *raw, size_t size, const uint8_t *der, size_t n);

#endif
