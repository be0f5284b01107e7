/*
 * assertion.h - judging what a FIDO2 key answered (WebAuthn level 3 section 7.2
 * and 7.1), by what was pinned when its credential was enrolled.  Nothing that
 * the key's host side says of it counts.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_ASSERTION_H
#define AGENT_ASSERTION_H

#include <stddef.h>
#include <stdint.h>

#include "agent/authdata.h"

#define ASSERTION_HASH_LEN	32	/* bytes: SHA-256 of the client data */
#define ASSERTION_SIGNATURE_MAX	128	/* bytes */

/* What is wrong, for the audit log and the person. */
enum assertion_fault {
	ASSERTION_GOOD = 0,
	ASSERTION_MALFORMED,		/* the authenticator data is not such */
	ASSERTION_RP,			/* for another relying party */
	ASSERTION_PRESENCE,		/* nobody touched it */
	ASSERTION_VERIFICATION,		/* the person was not verified, and had to be */
	ASSERTION_COUNTER,		/* the counter did not grow: a clone? */
	ASSERTION_SIGNATURE,
	ASSERTION_CREDENTIAL		/* a new credential where none is due, or the reverse */
};
const char *assertion_fault_text(enum assertion_fault f);

struct assertion_policy {
	const char *rp_id;
	const uint8_t *spki;		/* DER, of the credential */
	size_t spki_len;
	enum proto_algorithm algorithm;	/* pinned */
	int presence;			/* 1: UP is demanded; 0: a silent look */
	int verification;		/* 1: UV is demanded */
	uint32_t counter;		/* the last one seen */
};

/* What a good one says. */
struct assertion_found {
	uint32_t counter;
	int verified;			/* UV was set */
};

/*
 * Is it the credential's signature over this client data, for this relying party,
 * as the policy demands?  sig is DER for ES256, 64 bytes for EdDSA.  TSR_OK;
 * TSR_DENIED for a good signature that does not do, TSR_BAD_SIGNATURE else, and
 * *fault says why; TSR_NOMEM, TSR_CRYPTO.  The counter (7.2 step 22) is looked at
 * last, and only of what was signed well: ASSERTION_COUNTER tells of a clone and
 * not of noise.
 */
int assertion_judge(const struct assertion_policy *p, const uint8_t hash[ASSERTION_HASH_LEN],
    const uint8_t *authdata, size_t authdata_len, const uint8_t *sig, size_t sig_len,
    struct assertion_found *out, enum assertion_fault *fault);

/* The hash that a native credential signs: SHA-256 of the challenge. */
void assertion_client_hash(const uint8_t *challenge, size_t n, uint8_t out[ASSERTION_HASH_LEN]);

#endif
