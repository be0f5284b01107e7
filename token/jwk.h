/*
 * jwk.h - public keys as JSON Web Keys (RFC 7517, 7518, 8037) and key sets.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef TOKEN_JWK_H
#define TOKEN_JWK_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "token/doc.h"
#include "token/pubkey.h"

enum jwk_alg { JWK_EDDSA = 1, JWK_ES256 = 2, JWK_RS256 = 3 };

#define JWK_KID_LEN		8	/* characters: first 8 of the RFC 7638 thumbprint, base64url */
#define JWK_KID_MAX		64	/* characters of a kid in a set that others made */
#define JWK_RSA_MAX		PUBKEY_RSA_MAX	/* bytes of an RSA modulus */
#define JWK_SET_MAX		16	/* keys in a set */
#define JWK_SET_BYTES_MAX	65536
#define JWK_BYTES_MAX		16384	/* of one key, certificates included */
#define JWK_DEPTH_MAX		16	/* nesting of JSON */

const char *jwk_alg_name(enum jwk_alg alg);		/* "EdDSA" ... */
int jwk_alg_parse(const char *name, enum jwk_alg *alg);	/* exact case; TSR_BAD_ALGORITHM */

/* A public verification key.  The algorithm belongs to the key (RFC 8725 3.1). */
struct jwk {
	enum jwk_alg alg;
	char kid[JWK_KID_MAX + 1];
	union {
		uint8_t ed25519[32];			/* JWK_EDDSA: x */
		struct { uint8_t x[32], y[32]; } p256;	/* JWK_ES256 */
		struct {				/* JWK_RS256, 2048 bits or more */
			uint8_t n[JWK_RSA_MAX], e[8];
			size_t n_len, e_len;
		} rsa;
	} u;
};

struct jwk_set {
	struct jwk key[JWK_SET_MAX];
	size_t n;
};

/* The members RFC 7638 requires, then "alg", "use":"sig", "kid": one compact
 * JSON object.  Never a private member: struct jwk has none. */
int jwk_write(struct buf *out, const struct jwk *k);
int jwk_set_write(struct buf *out, const struct jwk_set *s);	/* {"keys":[...]} */

/* Fill k->kid from the key's own RFC 7638 thumbprint. */
int jwk_set_kid(struct jwk *k);
/* The whole SHA-256 thumbprint (RFC 7638 section 3). */
int jwk_thumbprint(const struct jwk *k, uint8_t out[32]);

/* Read one key / a set.  Refused as TSR_INVALID: duplicate members, private
 * members (of any kind of key), points off the curve, small-order Ed25519
 * points, numbers with leading zeros or of another length, kid too long or
 * twice; as TSR_KEY_UNUSABLE: RSA under 2048 bits, e = 1 or even; as
 * TSR_TOO_LARGE: beyond the limits above, or with hundreds of members.  A kty, crv or alg that we do not
 * have, "use" other than sig and "key_ops" without verify are TSR_UNSUPPORTED
 * for one key; in a set such a key is skipped (RFC 7517 section 5) and so
 * never verifies anything.  A key without kid gets its thumbprint's. */
int jwk_parse(const char *json, size_t n, struct jwk *k);
int jwk_set_parse(const char *json, size_t n, struct jwk_set *s);
/* jwk_parse of what is parsed already: the jwk member of a DPoP header. */
int jwk_read(const struct doc *d, const struct doc_node *o, struct jwk *k);

/* The key with that kid, or NULL. */
const struct jwk *jwk_find(const struct jwk_set *s, const char *kid);

/* The key as what pubkey_new takes, pointing into *k; the kind's algorithm. */
void jwk_parts(const struct jwk *k, struct pubkey_parts *p,
    enum proto_algorithm *alg);

#endif
