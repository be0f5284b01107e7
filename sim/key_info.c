/*
 * key_info.c - authenticatorGetInfo (CTAP 2.1 section 6.4).
 *
 * SPDX-License-Identifier: ISC
 */
#include "sim/key.h"
#include "sim/key_cred.h"
#include "tessera.h"

#define FIRMWARE	100		/* version of the virtual firmware */
#define MESSAGE_MAX	1200		/* bytes: maxMsgSize */
#define LIST_MAX	8		/* credentials in an allow list */
#define PIN_MIN		4		/* characters */

static void
key_info_option(struct cbor_out *o, const char *name, bool v)
{
	cbor_out_text(o, name);
	cbor_out_bool(o, v);
}

/* Shorter names first, then by letters: the canonical order. */
static void
key_info_options(const struct key *k, struct cbor_out *o)
{
	bool rk = k->set.resident > 0, uv = k->set.uv != UV_NONE, new = k->set.ctap21;

	cbor_out_int(o, 4);
	cbor_out_map(o, (size_t)4 + uv + (new ? 2U + rk : 0U));
	key_info_option(o, "rk", rk);
	key_info_option(o, "up", true);
	if (uv)
		key_info_option(o, "uv", k->set.uv != UV_UNSET);
	key_info_option(o, "plat", false);
	if (new && rk)
		key_info_option(o, "credMgmt", true);
	key_info_option(o, "clientPin", k->store.s.pin_set);
	if (new) {
		key_info_option(o, "pinUvAuthToken", true);
		key_info_option(o, "makeCredUvNotRqd", true);
	}
}

static void
key_info_algorithm(struct cbor_out *o, int alg)
{
	cbor_out_map(o, 2);
	cbor_out_text(o, "alg");
	cbor_out_int(o, alg);
	cbor_out_text(o, "type");
	cbor_out_text(o, "public-key");
}

/* What only 2.1 knows: members 7 to 10, 13, 14 and 20. */
static void
key_info_more(const struct key *k, struct cbor_out *o)
{
	size_t used = key_cred_residents(k), room = (size_t)k->set.resident;

	cbor_out_int(o, 7);
	cbor_out_int(o, LIST_MAX);
	cbor_out_int(o, 8);
	cbor_out_int(o, KEY_ID);
	cbor_out_int(o, 9);
	cbor_out_array(o, 1);
	cbor_out_text(o, "usb");
	cbor_out_int(o, 10);
	cbor_out_array(o, (size_t)k->set.es256 + k->set.eddsa);
	if (k->set.es256)
		key_info_algorithm(o, COSE_ES256);
	if (k->set.eddsa)
		key_info_algorithm(o, COSE_EDDSA);
	cbor_out_int(o, 13);
	cbor_out_int(o, PIN_MIN);
	cbor_out_int(o, 14);
	cbor_out_int(o, FIRMWARE);
	cbor_out_int(o, 20);
	cbor_out_int(o, (int64_t)(room > used ? room - used : 0));
}

int
key_info(const struct key *k, struct cbor_out *o)
{
	cbor_out_map(o, k->set.ctap21 ? 13 : 6);
	cbor_out_int(o, 1);
	cbor_out_array(o, k->set.ctap21 ? 2 : 1);
	cbor_out_text(o, "FIDO_2_0");
	if (k->set.ctap21)
		cbor_out_text(o, "FIDO_2_1");
	cbor_out_int(o, 2);
	cbor_out_array(o, (size_t)1 + k->set.hmac_secret);
	cbor_out_text(o, "credProtect");
	if (k->set.hmac_secret)
		cbor_out_text(o, "hmac-secret");
	cbor_out_int(o, 3);
	cbor_out_bytes(o, k->set.aaguid, sizeof(k->set.aaguid));
	key_info_options(k, o);
	cbor_out_int(o, 5);
	cbor_out_int(o, MESSAGE_MAX);
	cbor_out_int(o, 6);
	cbor_out_array(o, k->set.protocols == 3 ? 2 : 1);
	if ((k->set.protocols & 2) != 0)
		cbor_out_int(o, 2);			/* the one preferred comes first */
	if ((k->set.protocols & 1) != 0)
		cbor_out_int(o, 1);
	if (k->set.ctap21)
		key_info_more(k, o);
	return CTAP_OK;
}
