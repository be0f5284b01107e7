/*
 * challenge.h - what a device signs: "tessera challenge v1" NUL, 32 random
 * bytes, SHA-256 of the context.  The context says what the signature is for,
 * so that one made for one request is worth nothing for another.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef TOKEN_CHALLENGE_H
#define TOKEN_CHALLENGE_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

#define CHALLENGE_NONCE_LEN	32
#define CHALLENGE_LEN		(21 + CHALLENGE_NONCE_LEN + 32)	/* bytes a device signs */
#define CHALLENGE_FIELD_MAX	1024		/* bytes of one field */
#define CHALLENGE_CONTEXT_MAX	10280	/* bytes of a context: ten of those with their lengths */

enum challenge_purpose {
	CHALLENGE_ENROL = 1,	/* a key is being enrolled */
	CHALLENGE_LOGIN = 2,	/* a device of this host */
	CHALLENGE_REMOTE = 3,	/* a device elsewhere, by /challenge */
	CHALLENGE_PRESENT = 4	/* a card is back, by its key that needs no PIN */
};

/* Texts are UTF-8 without control characters; NULL is encoded as "". */
struct challenge_context {
	enum challenge_purpose purpose;
	const char *issuer;
	const char *credential;		/* its id */
	const char *subject;
	const char *audience;
	const char *scope;
	const char *client_id;
	uint8_t reuse;			/* enum audience_reuse; 0 where there is none */
	const char *jkt;		/* thumbprint the token will be bound to */
	uint64_t expiry;		/* seconds of the epoch */
};

/* The texts of a decoded context. */
struct challenge_memory {
	char text[CHALLENGE_CONTEXT_MAX];
};

/* Append the ten fields in the order above, each a u32 length and its bytes;
 * purpose, reuse and expiry are 8 bytes, big-endian.  TSR_INVALID (a text that
 * is not, an unknown purpose), TSR_TOO_LARGE, TSR_NOMEM; on error nothing is
 * appended. */
int challenge_context_encode(struct buf *out, const struct challenge_context *c);

/* Read a context that came from an agent: everything challenge_context_encode
 * would not have written is TSR_INVALID or TSR_TOO_LARGE.  The texts of *c
 * live in *memory.  Outputs are written on success only (memory may be
 * scribbled on). */
int challenge_context_decode(const void *p, size_t n,
    struct challenge_memory *memory, struct challenge_context *c);

/* The bytes to be signed, for an encoded context.  TSR_CRYPTO. */
int challenge_bytes(uint8_t out[CHALLENGE_LEN],
    const uint8_t nonce[CHALLENGE_NONCE_LEN], const struct buf *context);

#endif
