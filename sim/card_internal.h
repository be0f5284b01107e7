/*
 * card_internal.h - what the files of the virtual PIV card share.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef SIM_CARD_INTERNAL_H
#define SIM_CARD_INTERNAL_H

#include <openssl/evp.h>

#include "sim/apdu.h"
#include "sim/card.h"
#include "sim/card_key.h"

#define CARD_PIN_BYTES		8	/* of a PIN or PUK with its padding */
#define CARD_TRIES		3	/* of a new card */
#define CARD_TRIES_MAX		15	/* a status word has four bits for them */
#define CARD_OBJECTS_MAX	40	/* data objects */
#define CARD_OBJECT_MAX		4096	/* bytes of one */
#define CARD_COMMAND_MAX	8192	/* bytes of a chain of commands */
#define CARD_OUTPUT_MAX		8192	/* bytes of what commands answer */
#define CARD_SLOTS		4
#define CARD_MANAGEMENT_MAX	32	/* bytes of the management key */
#define CARD_BLOCK_MAX		16	/* of its cipher */

#define TAG_DISCOVERY	0x7e
#define TAG_CHUID	0x5fc102
#define TAG_CCC		0x5fc107

#define REF_PIN		0x80
#define REF_PUK		0x81
#define REF_MANAGEMENT	0x9b
#define REF_SIGNATURE	0x9c
#define REF_CARD_AUTH	0x9e

struct card_pin {
	uint8_t value[CARD_PIN_BYTES];
	uint8_t tries, max;
};

struct card_object {
	uint32_t tag;
	struct buf value;
};

struct card_slot {
	uint8_t ref;			/* 9A, 9C, 9D, 9E */
	uint32_t cert_tag;
	uint8_t alg;			/* an enum card_alg, where key is */
	EVP_PKEY *key;			/* NULL: empty */
};

/* Lives in memory of sodium_malloc. */
struct card {
	int dirfd;			/* locked; -1 for a card without a folder */
	enum card_contact contact;
	struct card_pin pin, puk;
	uint8_t management_alg;		/* SP 800-78-4: 03, 08, 0A, 0C */
	uint8_t management[CARD_MANAGEMENT_MAX];
	struct card_object object[CARD_OBJECTS_MAX];
	size_t n_objects;
	struct card_slot slot[CARD_SLOTS];

	/* until the next reset */
	int selected, pin_verified, pin_fresh, admin;
	uint8_t challenge[CARD_BLOCK_MAX];
	size_t challenge_len;
	enum { CHALLENGE_NONE, CHALLENGE_WITNESS, CHALLENGE_PLAIN } challenge_kind;
	struct apdu chain;		/* the head of the chain, its data in chained */
	int chaining;
	struct buf chained, out;
	size_t out_at;			/* bytes of out that have gone */
};

/* A card without keys or objects, PIN and PUK as delivered. */
int card_blank(struct card **out);

/* Into and out of c->dirfd; see file.h. */
int card_store_pins(struct card *c);
int card_store_contents(struct card *c);
int card_store_load(struct card *c);

/* The object with that tag, or NULL; set replaces or makes it, and deletes it
 * where n is 0.  TSR_TOO_LARGE, TSR_NOMEM. */
const struct card_object *card_object(const struct card *c, uint32_t tag);
int card_object_set(struct card *c, uint32_t tag, const void *data, size_t n);
struct card_slot *card_slot(struct card *c, uint8_t ref);

/* 1 where a strict contactless card refuses what needs the contacts. */
int card_needs_contact(const struct card *c);

/* The commands: what they answer is appended to c->out, the status word is
 * returned. */
unsigned card_select(struct card *c, const struct apdu *a);
unsigned card_get_data(struct card *c, const struct apdu *a);
unsigned card_put_data(struct card *c, const struct apdu *a);
unsigned card_serial_number(struct card *c, const struct apdu *a);
unsigned card_version(struct card *c, const struct apdu *a);
unsigned card_verify(struct card *c, const struct apdu *a);
unsigned card_change_reference(struct card *c, const struct apdu *a);
unsigned card_reset_retry(struct card *c, const struct apdu *a);
unsigned card_authenticate(struct card *c, const struct apdu *a);
unsigned card_generate(struct card *c, const struct apdu *a);
unsigned card_management(struct card *c, uint8_t alg, const uint8_t *data, size_t n);
unsigned card_set_management(struct card *c, const struct apdu *a);

#endif
