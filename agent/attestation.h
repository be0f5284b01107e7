/*
 * attestation.h - what a FIDO2 key says of its make when a credential is made
 * (WebAuthn level 3 section 7.1 and 8.2: "none" and "packed").
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_ATTESTATION_H
#define AGENT_ATTESTATION_H

#include "agent/assertion.h"

#define ATTESTATION_CHAIN_MAX	4	/* certificates */
#define ATTESTATION_CERT_MAX	4096	/* bytes of one */
#define ATTESTATION_ROOTS_MAX	64

/* How much is known of the key's make, in order of strength. */
enum attestation {
	ATTESTATION_NONE = 0,	/* it says nothing */
	ATTESTATION_SELF,	/* the new key signed for itself */
	ATTESTATION_UNTRUSTED,	/* a maker signed whom we do not know */
	ATTESTATION_TRUSTED	/* a maker whose root is configured */
};
const char *attestation_name(enum attestation a);

/* Roots of makers. */
struct attestation_roots;
/* PEM text with one certificate or more, added to *r, which is made where it is
 * NULL.  TSR_INVALID where a certificate cannot be read or is not a CA's,
 * TSR_TOO_LARGE beyond ATTESTATION_ROOTS_MAX, TSR_NOMEM. */
int attestation_roots_add(struct attestation_roots **r, const char *pem, size_t n);
void attestation_roots_free(struct attestation_roots **r);

struct attestation_statement {
	int packed;			/* 0: "none", and nothing else is set */
	enum proto_algorithm algorithm;	/* of the signature */
	const uint8_t *sig;
	size_t sig_len;
	const uint8_t *cert[ATTESTATION_CHAIN_MAX];	/* DER, the key's own first */
	size_t cert_len[ATTESTATION_CHAIN_MAX];
	size_t n_certs;			/* 0: self attestation */
};

/* What was registered; points into the authenticator data. */
struct attestation_found {
	struct authdata data;
	enum attestation kind;
};

/*
 * Judge a registration by the policy (its key and counter do not count): the
 * relying party, UP and UV as demanded, a credential that is there and whose
 * algorithm is the policy's or any where that is 0, the statement's signature,
 * and for a chain the demands of 8.2.1 (version 3, no CA, an AAGUID that matches)
 * and one of the roots at `now` (s of the epoch).  TSR_OK; TSR_DENIED and
 * TSR_BAD_SIGNATURE with *fault; TSR_NOMEM, TSR_CRYPTO.
 */
int attestation_judge(const struct assertion_policy *p, const uint8_t hash[ASSERTION_HASH_LEN],
    const uint8_t *authdata, size_t authdata_len, const struct attestation_statement *s,
    const struct attestation_roots *roots, int64_t now, struct attestation_found *out,
    enum assertion_fault *fault);

#endif
