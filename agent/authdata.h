/*
 * authdata.h - the authenticator data that a FIDO2 key signs (WebAuthn level 3
 * section 6.1).
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_AUTHDATA_H
#define AGENT_AUTHDATA_H

#include <stddef.h>
#include <stdint.h>

#include "base/proto.h"

#define AUTHDATA_UP	0x01u	/* a person was present */
#define AUTHDATA_UV	0x04u	/* and was verified */
#define AUTHDATA_BE	0x08u	/* may be backed up */
#define AUTHDATA_BS	0x10u	/* is backed up */
#define AUTHDATA_AT	0x40u	/* has a new credential */
#define AUTHDATA_ED	0x80u	/* has extensions */

#define AUTHDATA_FLAGS	(AUTHDATA_UP | AUTHDATA_UV | AUTHDATA_BE | AUTHDATA_BS | AUTHDATA_AT | \
    AUTHDATA_ED)	/* the others are reserved */

#define AUTHDATA_RP_LEN		32	/* bytes: SHA-256 of the rp id */
#define AUTHDATA_AAGUID_LEN	16
#define AUTHDATA_ID_MAX		512	/* bytes of a credential id we keep */
#define AUTHDATA_SPKI_MAX	96	/* bytes of a key of those below */
#define AUTHDATA_MAX		4096	/* bytes of the whole */

/* Points into what was read. */
struct authdata {
	const uint8_t *rp;		/* AUTHDATA_RP_LEN bytes */
	uint8_t flags;
	uint32_t counter;
	/* only where flags has AUTHDATA_AT */
	const uint8_t *aaguid;
	const uint8_t *id;
	size_t id_len;
	enum proto_algorithm algorithm;	/* PROTO_ECDSA_P256_SHA256 or PROTO_ED25519 */
	uint8_t spki[AUTHDATA_SPKI_MAX];	/* DER, as sigcheck.h takes it */
	size_t spki_len;
};

/*
 * Read it all: TSR_INVALID where it is cut short, has bytes too many, flags
 * without what they announce or the reverse, reserved ones, BS without BE, CBOR
 * that is not canonical, a key that is not COSE's ES256 or EdDSA in its only
 * spelling (RFC 9053, CTAP 2.1 section 8).  Whether the point is on the curve is
 * sigcheck.h's.
 */
int authdata_read(const uint8_t *p, size_t n, struct authdata *out);

#endif
