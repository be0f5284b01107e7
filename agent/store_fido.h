/*
 * store_fido.h - what the store keeps of a FIDO2 key beside its credential: how
 * it is asked, and the counter that tells of a clone.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_STORE_FIDO_H
#define AGENT_STORE_FIDO_H

#include <stdint.h>

#include "agent/attestation.h"
#include "agent/store.h"

#define STORE_FIDO_TRANSPORTS	65	/* bytes, with NUL */

struct fido_record {
	char credential[STORE_ID_LEN + 1];
	uint8_t cred_id[PROTO_FIDO_ID_MAX];	/* the key's name for it */
	size_t cred_id_len;
	char rp_id[PROTO_FIDO_RP_MAX + 1];	/* for which it was made */
	uint8_t aaguid[PROTO_FIDO_AAGUID_LEN];	/* the make of the key */
	uint32_t counter;			/* the last one seen */
	int verification;			/* 1: the person is verified each time */
	char transports[STORE_FIDO_TRANSPORTS];	/* "usb nfc", as the key says */
	enum attestation attestation;		/* what was known of its make */
	int resident;				/* 1: kept on the key */
	int native;				/* 1: it signs our challenge; 0: a browser's client data */
};

/* The credential is there already, in the same request.  TSR_CONFLICT where the
 * record or the key's id is, too; TSR_INVALID for a member out of its range. */
int store_fido_add(struct store *st, const struct fido_record *r);
/* TSR_NOT_FOUND; TSR_CORRUPT for a record that add would not have written. */
int store_fido_get(struct store *st, const char *credential, struct fido_record *out);

/*
 * A good assertion bore this counter: one conditional statement, which moves it
 * only upwards (or leaves it 0, of a key that does not count).  TSR_CONFLICT
 * where it does not grow, TSR_NOT_FOUND.
 */
int store_fido_count(struct store *st, const char *credential, uint32_t counter);

#endif
