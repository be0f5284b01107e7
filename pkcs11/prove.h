/*
 * prove.h - one proof: login with the PIN given for it, one signature, logout.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef PKCS11_PROVE_H
#define PKCS11_PROVE_H

#include <stddef.h>
#include <stdint.h>

#include "base/proto.h"
#include "base/secret.h"
#include "pkcs11/session.h"

struct prove_request {
	const char *serial, *label;	/* of the token, as listed */
	const uint8_t *id;		/* CKA_ID */
	size_t id_len;
	uint32_t algorithm;		/* enum proto_algorithm */
	const struct secret *pin;	/* size 0: none */
	const uint8_t *challenge;
	size_t challenge_len;
	uint32_t confirmed;		/* tries left that a person confirmed, 0 none */
};

struct prove_signature {
	uint8_t bytes[PROTO_SIGNATURE_MAX];
	size_t len;
};

/*
 * Sign the challenge.  The token is logged out afterwards whatever happens; a
 * token that cannot be logged out makes the proof fail and s->must_end be set.
 * Warm, this is C_GetTokenInfo, C_Login, C_SignInit, C_Sign, C_Logout, and
 * finding the key again where the module forgets it at logout, and for a PIV
 * card the reading of its tries.  A token with few of them is tried only where
 * that number was confirmed: see pin_may_try.
 */
int prove(struct session *s, const struct prove_request *q, struct prove_signature *out,
    struct fault *f);

#endif
