/*
 * fido_end.c - see fido_end.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "tests/fuzz/fido_end.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/authdata.h"
#include "agent/store_fido.h"
#include "base/proto.h"
#include "include/tessera.h"
#include "tests/agent/clock_rig.h"

#define RP	"tessera:localhost"
#define DEVICE	"hidraw0-1"
#define ID_LEN	16

static const uint8_t id[ID_LEN] = { 0x1d, 1, 2, 3 };
static uint8_t public[crypto_sign_PUBLICKEYBYTES], private[crypto_sign_SECRETKEYBYTES];
static uint32_t counter;

static void
make_key(void)
{
	static const uint8_t seed[crypto_sign_SEEDBYTES] = { 2, 7, 1, 8 };

	if (crypto_sign_seed_keypair(public, private, seed) != 0)
		abort();
	counter = 7;
}

void
fido_end_enrol(struct store *st)
{
	static const uint8_t head[12] = { 0x30, 0x2a, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 3, 0x21, 0 };
	static struct credential c;
	struct fido_record r = { .cred_id_len = ID_LEN, .counter = 7, .native = 1 };

	make_key();
	memset(&c, 0, sizeof(c));
	(void)snprintf(c.id, sizeof(c.id), "BAAAAAAAAAAAAAAAAAAAAA");
	(void)snprintf(c.kind, sizeof(c.kind), "fido");
	(void)snprintf(c.subject, sizeof(c.subject), "root");
	(void)snprintf(c.label, sizeof(c.label), "key");
	(void)snprintf(c.token_label, sizeof(c.token_label), "Key");
	c.algorithm = PROTO_ED25519;
	memcpy(c.spki, head, sizeof(head));
	memcpy(c.spki + sizeof(head), public, sizeof(public));
	c.spki_len = sizeof(head) + sizeof(public);
	c.acr = ACR_HARDWARE;
	c.state = CREDENTIAL_ACTIVE;
	c.created = CLOCK_RIG_WALL;
	memcpy(r.credential, c.id, sizeof(r.credential));
	memcpy(r.cred_id, id, ID_LEN);
	(void)snprintf(r.rp_id, sizeof(r.rp_id), RP);
	if (store_begin(st) != TSR_OK || store_credential_add(st, &c) != TSR_OK ||
	    store_fido_add(st, &r) != TSR_OK || store_keep(st) != TSR_OK || store_commit(st) != TSR_OK)
		abort();
}

static void
say(const struct frame *asked, struct buf *out, uint16_t type, const struct proto_value *v, size_t n)
{
	(void)proto_encode(out, type, asked->id, 0, v, n);
}

static size_t
data_make(uint8_t out[AUTHDATA_MAX], uint8_t flags)
{
	counter++;
	crypto_hash_sha256(out, (const uint8_t *)RP, strlen(RP));
	out[32] = flags;
	out[33] = out[34] = 0;
	out[35] = (uint8_t)(counter >> 8);
	out[36] = (uint8_t)counter;
	return 37;
}

static void
say_made(const struct frame *asked, struct buf *out)
{
	static const uint8_t cose[] = { 0xa4, 1, 1, 3, 0x27, 0x20, 6, 0x21, 0x58, 0x20 };
	uint8_t data[AUTHDATA_MAX], point[crypto_sign_PUBLICKEYBYTES], none[crypto_sign_SECRETKEYBYTES];
	struct proto_value v[5];
	size_t n = data_make(data, AUTHDATA_UP | AUTHDATA_AT);

	(void)crypto_sign_seed_keypair(point, none, public);	/* another key than the first */
	memset(data + n, 0, 16);
	data[n + 16] = 0;
	data[n + 17] = ID_LEN;
	memset(data + n + 18, 0x2e, ID_LEN);
	n += 18 + ID_LEN;
	memcpy(data + n, cose, sizeof(cose));
	memcpy(data + n + sizeof(cose), point, sizeof(point));
	n += sizeof(cose) + crypto_sign_PUBLICKEYBYTES;
	v[0] = proto_text(DEVICE);
	v[1] = proto_bytes(data, n);
	v[2] = proto_text("none");
	v[3] = proto_bytes("\xa0", 1);
	v[4] = proto_text("usb");
	say(asked, out, PROTO_FIDO_MADE, v, 5);
}

static void
say_asserted(const struct frame *asked, const struct proto_value *hash, struct buf *out)
{
	uint8_t data[AUTHDATA_MAX], sig[crypto_sign_BYTES];
	struct proto_value v[5];
	size_t n = data_make(data, AUTHDATA_UP);

	memcpy(data + n, hash->p, hash->n);
	(void)crypto_sign_detached(sig, NULL, data, n + hash->n, private);
	v[0] = proto_text(DEVICE);
	v[1] = proto_bytes(id, ID_LEN);
	v[2] = proto_bytes(data, n);
	v[3] = proto_bytes(sig, sizeof(sig));
	v[4] = proto_bytes(NULL, 0);
	say(asked, out, PROTO_FIDO_ASSERTED, v, 5);
}

int
fido_end_answer(const struct frame *asked, struct buf *out)
{
	struct proto_value v[PROTO_FIELDS_MAX], key[11] = {
		proto_text(DEVICE), proto_text("Maker"), proto_text("Key"), proto_bytes(public, 16), proto_text("FIDO_2_1"), proto_text("usb"),
		{ .u32 = PROTO_FIDO_KEY_PIN | PROTO_FIDO_KEY_PIN_SET }, { .u32 = 8 }, { .u32 = 0 },
		{ .u32 = 25 }, { .u32 = 1u << PROTO_ED25519 }
	}, found[2] = { proto_text(DEVICE), proto_bytes(id, ID_LEN) }, touch[2] = { proto_text(DEVICE), { .u32 = 0 } };
	size_t n;

	if (proto_decode(asked, PROTO_FROM_AGENT, v, &n) != TSR_OK)
		abort();
	switch (asked->type) {
	case PROTO_FIDO_LIST:
		say(asked, out, PROTO_FIDO_KEY, key, 11);
		break;
	case PROTO_FIDO_LOOK:
		say(asked, out, PROTO_FIDO_FOUND, found, 2);
		break;
	case PROTO_FIDO_MAKE:
		say(asked, out, PROTO_FIDO_TOUCH, touch, 2);
		say_made(asked, out);
		return 0;
	case PROTO_FIDO_ASSERT:
		say(asked, out, PROTO_FIDO_TOUCH, touch, 2);
		say_asserted(asked, &v[2], out);
		return 1;
	case PROTO_FIDO_SELECT:
	case PROTO_FIDO_PIN:
		break;
	default:
		return 0;
	}
	say(asked, out, PROTO_DONE, NULL, 0);
	return 0;
}
