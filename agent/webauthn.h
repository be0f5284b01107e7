/*
 * webauthn.h - what comes back from a key elsewhere: the JSON of WebAuthn level 3
 * section 5.1.8.1 (PublicKeyCredential.toJSON()), which a client without a browser
 * writes without client data.  Taken apart, nothing judged.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_WEBAUTHN_H
#define AGENT_WEBAUTHN_H

#include <jansson.h>

#include "agent/assertion.h"
#include "agent/clientdata.h"
#include "agent/store_fido.h"

#define WEBAUTHN_OBJECT_MAX	24576	/* bytes of an attestation object */
#define WEBAUTHN_HANDLE_MAX	64	/* bytes of a user handle (section 5.4.3) */

struct webauthn {
	uint8_t id[PROTO_FIDO_ID_MAX];	/* the key's name for the credential */
	size_t id_len;
	int browser;			/* 1: there is client data */
	uint8_t client[CLIENTDATA_MAX];
	size_t client_len;
	uint8_t handle[WEBAUTHN_HANDLE_MAX];
	size_t handle_len;		/* 0: none */
	/* of an assertion */
	uint8_t authdata[AUTHDATA_MAX];
	size_t authdata_len;
	uint8_t sig[ASSERTION_SIGNATURE_MAX];
	size_t sig_len;
	/* of a registration */
	uint8_t object[WEBAUTHN_OBJECT_MAX];
	size_t object_len;
	char transports[STORE_FIDO_TRANSPORTS];
};

/*
 * Read an assertion / a registration (which always has client data).  Members that
 * the standard knows and nobody here needs are let pass, others are refused; binary
 * ones are base64url in its one spelling.  On an error *what names the member that
 * is wrong: TSR_INVALID, TSR_NOMEM.  *out is for free().
 */
int webauthn_read_assertion(const json_t *o, struct webauthn **out, const char **what);
int webauthn_read_registration(const json_t *o, struct webauthn **out, const char **what);

#endif
