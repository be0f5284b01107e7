/*
 * token_help.h - keys of the standards' examples and hand-made tokens.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef TESTS_TOKEN_HELP_H
#define TESTS_TOKEN_HELP_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "token/jwt.h"

#define HELP_NOW	1800000000
#define HELP_ISS	"https://desk7.example/tessera"
#define HELP_AUD	"vpn"
#define HELP_KID_ED	"kPrK_qmx"	/* RFC 8037 appendix A.3 */
#define HELP_KID_ES	"oKIywvGU"	/* of the key of RFC 7515 appendix A.3 */

#define HELP_HEAD_ED	"{\"alg\":\"EdDSA\",\"typ\":\"at+jwt\",\"kid\":\"" HELP_KID_ED "\"}"
#define HELP_HEAD_ES	"{\"alg\":\"ES256\",\"typ\":\"at+jwt\",\"kid\":\"" HELP_KID_ES "\"}"
/* All claims that must be there. */
#define HELP_CLAIMS	"{\"iss\":\"" HELP_ISS "\",\"sub\":\"alice\",\"aud\":\"vpn\"," \
	"\"exp\":1800000300,\"iat\":1800000000,\"jti\":\"j1\",\"client_id\":\"uid:1000\"}"

/* RFC 8037 A.1, RFC 7515 A.3: the private keys, and both public ones as a set. */
struct jws_key *help_key_ed(void);
struct jws_key *help_key_es(void);
void help_set(struct jwk_set *s);

/* A secret from base64url. */
struct secret *help_secret(const char *b64);

/* header.payload.signature with the key, from JSON texts; NUL-terminated. */
void help_sign(struct buf *out, struct jws_key *k, const char *header, const char *payload);

/* header.payload alone, and then ".signature" from bytes. */
void help_unsigned(struct buf *out, const char *header, const char *payload);
void help_append(struct buf *out, const uint8_t *sig, size_t n);

/* What a verifier demands at HELP_NOW. */
struct jwt_expect help_expect(const struct jwk_set *s);

/* The name of an error code, for messages. */
const char *help_code(int code);

/* A small seeded generator (xorshift64*), the same everywhere. */
uint64_t help_random(uint64_t *state);

/* The seed: $TESSERA_SEED, else a fixed one; printed. */
uint64_t help_seed(void);

#endif
