/*
 * attestation_read.h - the attestation statement as a key sends it (WebAuthn
 * level 3 section 8.2): CBOR taken apart, nothing judged.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_ATTESTATION_READ_H
#define AGENT_ATTESTATION_READ_H

#include "agent/attestation.h"

/*
 * format is "none" or "packed" (n bytes of it), map its statement; *out points into
 * map.  TSR_UNSUPPORTED for another format, TSR_INVALID for a map that is not
 * canonical CBOR, has members besides "alg", "sig" and "x5c" or lacks one, an
 * algorithm that is neither ES256 nor EdDSA, or certificates beyond the limits.
 */
int attestation_read(const void *format, size_t format_len, const uint8_t *map, size_t map_len,
    struct attestation_statement *out);

/* The parts of an attestation object, as a browser hands it on (WebAuthn level 3
 * section 6.5.4); they point into it. */
struct attestation_object {
	const uint8_t *format, *statement, *authdata;
	size_t format_len, statement_len, authdata_len;
};

/* TSR_INVALID where it is not canonical CBOR of a map with "fmt", "attStmt" and
 * "authData" and nothing else, or bytes follow. */
int attestation_object_read(const uint8_t *p, size_t n, struct attestation_object *out);

#endif
