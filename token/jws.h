/*
 * jws.h - signing and checking compact JWS (RFC 7515) with Ed25519
 * (RFC 8037, libsodium), ECDSA P-256 and RSA (RFC 7518, OpenSSL).
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef TOKEN_JWS_H
#define TOKEN_JWS_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/secret.h"
#include "token/jwk.h"

#define JWS_SIGNATURE_LEN	64	/* bytes, of EdDSA and ES256 both */

/* A private signing key with its prepared context.  An ES256 key serves one
 * thread at a time, an EdDSA key any number. */
struct jws_key;

/* A new random key / one from its private bytes: Ed25519 seed or P-256 scalar,
 * 32 bytes both.  *out is freed by jws_key_free.  TSR_BAD_ALGORITHM for
 * JWK_RS256 (those live in tokens only), TSR_INVALID, TSR_NOMEM, TSR_CRYPTO. */
int jws_key_generate(enum jwk_alg alg, struct jws_key **out);
int jws_key_load(enum jwk_alg alg, const struct secret *priv, struct jws_key **out);
void jws_key_free(struct jws_key **k);

/* The private bytes, to be sealed; freed by the caller. */
int jws_key_private(const struct jws_key *k, struct secret **out);
/* The public half with its kid. */
const struct jwk *jws_key_public(const struct jws_key *k);
/* The encoded header {"alg","typ":"at+jwt","kid"} without its dot, made once. */
const char *jws_key_head(const struct jws_key *k, size_t *len);

/* The bare signature over data.  TSR_CRYPTO. */
int jws_key_sign(struct jws_key *k, const void *data, size_t n,
    uint8_t sig[JWS_SIGNATURE_LEN]);

#define JWS_HEAD_MAX		640	/* characters: a kid of 64 controls, escaped */

/* The encoded header of an access token under that key; *len characters, not
 * terminated.  TSR_INVALID, TSR_BAD_ALGORITHM. */
int jws_head(const struct jwk *k, char out[JWS_HEAD_MAX], size_t *len);

/* Append header.payload.signature.  header is JSON that the caller made.
 * On error nothing is appended. */
int jws_sign(struct buf *out, struct jws_key *k, const char *header,
    size_t header_len, const char *payload, size_t payload_len);

/* Check sig over data with exactly the key's algorithm.  ES256 signatures are
 * 64 bytes r || s, 1 <= r, s < n.  Ed25519: S < L, no small-order A.
 * TSR_BAD_SIGNATURE; TSR_INVALID or TSR_KEY_UNUSABLE where *k is no key. */
int jws_verify(const struct jwk *k, const void *data, size_t n,
    const uint8_t *sig, size_t sig_len);

/* The keys of a set, each prepared once, with the header that jwt_mint writes
 * under it: saves 20 us of an ES256 check.  Serves one thread at a time. */
struct jws_verifier;

/* Copies the set.  *out is freed by jws_verifier_free.  Errors as jws_verify. */
int jws_verifier_new(const struct jwk_set *s, struct jws_verifier **out);
void jws_verifier_free(struct jws_verifier **v);

/* The set that was copied. */
const struct jwk_set *jws_verifier_keys(const struct jws_verifier *v);

/* The key whose jws_head() these characters are, or NULL. */
const struct jwk *jws_verifier_find(const struct jws_verifier *v,
    const char *head, size_t len);

/* jws_verify by k, which is one of jws_verifier_keys(). */
int jws_verifier_check(struct jws_verifier *v, const struct jwk *k,
    const void *data, size_t n, const uint8_t *sig, size_t sig_len);

#endif
