/*
 * proto.h - the helper protocol: one table names every message, its fields
 * and who may send it.  Bodies are the fields in the table's order, nothing
 * after them, nothing nested.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef BASE_PROTO_H
#define BASE_PROTO_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/frame.h"

enum proto_type {
	/* agent to helper */
	PROTO_OPEN = 1,		/* module: first on every connection */
	PROTO_TOKENS = 2,	/* list tokens: PROTO_TOKEN* then PROTO_DONE */
	PROTO_KEYS = 3,		/* serial label: keys of one token: PROTO_KEY* then PROTO_DONE */
	PROTO_PROVE = 4,	/* serial label id algorithm pin challenge confirmed: PROTO_SIGNATURE */
	PROTO_NAME_OF = 5,	/* uid: PROTO_USER */
	PROTO_UID_OF = 6,	/* name: PROTO_USER */
	PROTO_GID_OF = 7,	/* group name: PROTO_GROUP */
	PROTO_TRIES = 8,	/* serial label: what a PIN may be, PROTO_PIN; no try is spent */
	PROTO_PIN_CHANGE = 9,	/* serial label pin new confirmed: PROTO_DONE */
	PROTO_PIN_UNBLOCK = 10,	/* serial label puk new confirmed: PROTO_DONE */
	PROTO_WATCH = 16,	/* tell of readers or devices from now on: first and only on its connection */
	PROTO_PRESENT = 17,	/* serial label id algorithm challenge: PROTO_SIGNATURE without a PIN */
	/* to tessera-fido, one operation a connection; device "" is all that are
	 * plugged in */
	PROTO_FIDO_LIST = 20,	/* PROTO_FIDO_KEY* then PROTO_DONE */
	PROTO_FIDO_MAKE = 21,	/* device rp_id rp_name user_id user_name hash algorithms exclude
				 * flags pin: PROTO_FIDO_TOUCH* then PROTO_FIDO_MADE */
	PROTO_FIDO_ASSERT = 22,	/* device rp_id hash allow flags pin: PROTO_FIDO_TOUCH* then
				 * PROTO_FIDO_ASSERTED */
	PROTO_FIDO_LOOK = 23,	/* device rp_id allow: nobody is asked; PROTO_FIDO_FOUND* then
				 * PROTO_DONE */
	PROTO_FIDO_SELECT = 24,	/* which one is touched: PROTO_FIDO_TOUCH* then PROTO_DONE */
	PROTO_FIDO_PIN = 25,	/* device old new: set (old "") or change its PIN: PROTO_DONE */

	/* helper to agent */
	PROTO_DONE = 32,	/* the request is answered in full */
	PROTO_ERROR = 33,	/* code tries_left detail: it failed; code is a TSR_* without its sign */
	PROTO_TOKEN = 34,	/* serial label manufacturer model flags reader */
	PROTO_KEY = 35,		/* id label algorithms spki certificate flags */
	PROTO_SIGNATURE = 36,	/* signature */
	PROTO_USER = 37,	/* uid gid name */
	PROTO_GROUP = 38,	/* gid */
	PROTO_PIN = 39,		/* tries_left least most flags */
	/* in answer to PROTO_WATCH, without end: the service; where it is
	 * available each reader or device and PROTO_DONE; then what changes */
	PROTO_SERVICE = 48,	/* available detail: changes can be seen, or not and why */
	PROTO_READER = 49,	/* name slot state count atr: a reader as it is now */
	PROTO_FIDO_KEY = 52,	/* device manufacturer product aaguid versions transports flags
				 * pin_tries uv_tries resident_left algorithms */
	PROTO_FIDO_MADE = 53,	/* device authdata format statement transports */
	PROTO_FIDO_ASSERTED = 54,	/* device credential authdata signature user_id */
	PROTO_FIDO_TOUCH = 55,	/* device state */
	PROTO_FIDO_FOUND = 56,	/* device credential: it holds this one */
	PROTO_FIDO_PLUGGED = 57,	/* device manufacturer product */
	PROTO_FIDO_UNPLUGGED = 58	/* device */
};

enum proto_side { PROTO_FROM_AGENT = 1, PROTO_FROM_HELPER = 2 };

enum proto_kind { PROTO_U32, PROTO_BYTES, PROTO_TEXT };	/* TEXT: UTF-8, no control characters */

#define PROTO_FIELDS_MAX	11
#define PROTO_PIN_MAX		255	/* bytes of a PIN */
#define PROTO_CHALLENGE_MAX	256	/* bytes a device is asked to sign */
#define PROTO_SPKI_MAX		2048
#define PROTO_CERT_MAX		16384
#define PROTO_SIGNATURE_MAX	1024
#define PROTO_TRIES_UNKNOWN	0xffffffffu	/* tries_left where the token does not tell */

#define PROTO_TRIES_FEW		2	/* so many tries left or fewer are a person's alone to spend */

/* What is confirmed is the number of tries left that a person was shown and
 * repeated, 0 where nobody was: no helper spends one of the last
 * PROTO_TRIES_FEW without it. */

/* Bits of PROTO_TOKEN flags. */
#define PROTO_TOKEN_LOGIN_REQUIRED	1u
#define PROTO_TOKEN_PROTECTED_PATH	2u	/* PIN pad */
#define PROTO_TOKEN_PIN_COUNT_LOW	4u
#define PROTO_TOKEN_PIN_FINAL_TRY	8u
#define PROTO_TOKEN_PIN_LOCKED		16u
#define PROTO_TOKEN_REMOVABLE		32u	/* CKF_REMOVABLE_DEVICE of its slot */
/* Bits of PROTO_KEY flags. */
#define PROTO_KEY_ALWAYS_AUTHENTICATE	1u
#define PROTO_KEY_NO_PIN		2u	/* its private half is seen without a PIN: PIV's 9E */

/* PROTO_TOKEN's reader is its slot's description (PKCS#11 2.40 section 3.2: 64
 * bytes), which OpenSC fills with the beginning of the reader's name;
 * PROTO_READER's slot is that same beginning.  count goes up (mod 2^16) with
 * each insertion and removal, as long as one pcscd runs.
 * Bits of PROTO_READER state. */
#define PROTO_READER_PRESENT		1u	/* there is a card */
#define PROTO_READER_EXCLUSIVE		2u	/* one program holds it */
#define PROTO_READER_IN_USE		4u
#define PROTO_READER_MUTE		8u	/* the card does not answer */
#define PROTO_READER_CONTACTLESS	16u
#define PROTO_READER_UNAVAILABLE	32u	/* the reader does not answer */
#define PROTO_READER_GONE		64u	/* the reader itself was taken away */
#define PROTO_ATR_MAX			33	/* ISO 7816-3 section 8.2.1 */

/* FIDO2 keys (CTAP 2.1, WebAuthn level 3).  A device's name is that of its node
 * and is good until it is unplugged: a key that is plugged in again has another.
 * exclude and allow are credential ids, each with its u32 length before it.
 * statement is the attestation statement's CBOR map as the key sent it.
 * Unless the device is named a PIN goes only where one key alone comes into
 * question: TSR_CONFLICT otherwise. */
#define PROTO_FIDO_ID_MAX		512	/* bytes of a credential id */
#define PROTO_FIDO_IDS_MAX		64	/* ids in a list */
#define PROTO_FIDO_IDS_BYTES		33024	/* all of them with their lengths */
#define PROTO_FIDO_HASH_LEN		32	/* bytes of hash: SHA-256 of the client data */
#define PROTO_FIDO_AAGUID_LEN		16
#define PROTO_FIDO_USER_MAX		64	/* bytes of a user_id */
#define PROTO_FIDO_RP_MAX		253	/* bytes of an rp_id */
#define PROTO_FIDO_AUTHDATA_MAX		4096
#define PROTO_FIDO_STATEMENT_MAX	17408	/* four certificates of 4,096 bytes */
#define PROTO_FIDO_KEYS_MAX		64	/* keys plugged in; further ones are not used */
/* Bits of flags of PROTO_FIDO_MAKE and PROTO_FIDO_ASSERT.  Without UV and
 * UV_PREFERRED the person is not verified unless the key insists. */
#define PROTO_FIDO_RESIDENT		1u	/* make: kept on the key */
#define PROTO_FIDO_UV			2u	/* by PIN or the key's own means, or not at all */
#define PROTO_FIDO_UV_PREFERRED		4u	/* where the key can and no question is left */
#define PROTO_FIDO_SILENT		8u	/* assert: nobody is asked for a touch */
/* Bits of PROTO_FIDO_KEY flags, most of getInfo's options (CTAP 2.1 section 6.4). */
#define PROTO_FIDO_KEY_RESIDENT		1u	/* rk */
#define PROTO_FIDO_KEY_PIN		2u	/* it can have a PIN */
#define PROTO_FIDO_KEY_PIN_SET		4u
#define PROTO_FIDO_KEY_UV		8u	/* it can verify by itself */
#define PROTO_FIDO_KEY_UV_SET		16u	/* and is set up for it */
#define PROTO_FIDO_KEY_ALWAYS_UV	32u
#define PROTO_FIDO_KEY_MAKE_NO_UV	64u	/* makes credentials without its PIN */
#define PROTO_FIDO_KEY_PIN_CHANGE	128u	/* its PIN has to be changed first */
#define PROTO_FIDO_KEY_BUSY		256u	/* another program holds it: nothing else is known */
#define PROTO_FIDO_KEY_FAILED		512u	/* it does not answer as a FIDO2 key does */
/* PROTO_FIDO_TOUCH state. */
#define PROTO_FIDO_WAITS		0u	/* it blinks from now on */
#define PROTO_FIDO_TOUCHED		1u	/* it was touched: what follows is its answer */

/* How a device signs: pinned at enrolment.  Numbers are stored and sent.
 * PROTO_KEY's algorithms is a bit mask: 1 << value. */
enum proto_algorithm {
	PROTO_ECDSA_P256_SHA256 = 1,	/* raw r || s, 64 bytes */
	PROTO_ECDSA_P384_SHA256 = 2,	/* raw r || s, 96 bytes */
	PROTO_RSA_PSS_SHA256 = 3,	/* RFC 8017 8.1, salt 32 bytes, MGF1-SHA256 */
	PROTO_RSA_PKCS1_SHA256 = 4,	/* RFC 8017 8.2 */
	PROTO_ED25519 = 5		/* RFC 8032 pure, by CKM_EDDSA */
};

struct proto_field {
	const char *name;
	enum proto_kind kind;
	uint32_t max;		/* bytes; for PROTO_U32 the largest value */
};

struct proto_message {
	uint16_t type;
	const char *name;
	enum proto_side from;
	struct proto_field field[PROTO_FIELDS_MAX];	/* ends at name == NULL */
};

/* The row of a type, or NULL. */
const struct proto_message *proto_lookup(uint16_t type);

/* One field's value: u32, or bytes that somebody else owns. */
struct proto_value {
	uint32_t u32;
	const uint8_t *p;
	size_t n;
};

/* The value of a field; what they point to stays its owner's. */
struct proto_value proto_u32(uint32_t v);
struct proto_value proto_bytes(const void *p, size_t n);
struct proto_value proto_text(const char *s);

/* Append a whole frame.  values are in the table's order and as many as the
 * message has fields.  TSR_INVALID where a value breaks the table (the same
 * checks as proto_decode). */
int proto_encode(struct buf *out, uint16_t type, uint32_t id,
    uint32_t deadline_ms, const struct proto_value *values, size_t count);

/* Check a received frame against the table: known type, right sender, every
 * field within its maximum, text that is text, nothing left over.  values
 * point into the frame's body.  *count is set.  TSR_INVALID otherwise. */
int proto_decode(const struct frame *f, enum proto_side from,
    struct proto_value values[PROTO_FIELDS_MAX], size_t *count);

#endif
