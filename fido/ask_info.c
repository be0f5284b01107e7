/*
 * ask_info.c - what a key can do, and its PIN.  See ask.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include <string.h>

#include "fido/ask.h"
#include "tessera.h"

#define VERSIONS_MAX	128	/* bytes, with NUL */
#define PIN_BYTES_MIN	4	/* CTAP 2.1 section 6.5.1 */
#define PIN_BYTES_MAX	63

static const struct {
	const char *name;
	uint32_t there, on;	/* flags where it is there, and on */
} options[] = {
	{ "rk", 0, PROTO_FIDO_KEY_RESIDENT },
	{ "clientPin", PROTO_FIDO_KEY_PIN, PROTO_FIDO_KEY_PIN_SET },
	{ "uv", PROTO_FIDO_KEY_UV, PROTO_FIDO_KEY_UV_SET },
	{ "alwaysUv", 0, PROTO_FIDO_KEY_ALWAYS_UV },
	{ "makeCredUvNotRqd", 0, PROTO_FIDO_KEY_MAKE_NO_UV },
};

static uint32_t
info_flags(const struct key *k)
{
	uint32_t flags = 0;
	size_t i;
	int on;

	for (i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		if ((on = key_option(k, options[i].name)) != -1)
			flags |= options[i].there | (on ? options[i].on : 0);
	return flags | (fido_cbor_info_new_pin_required(k->info) ? PROTO_FIDO_KEY_PIN_CHANGE : 0);
}

/* ES256 where it does not say: CTAP 2.0 has no list. */
static uint32_t
info_algorithms(const struct key *k)
{
	size_t i, n = fido_cbor_info_algorithm_count(k->info);
	uint32_t found = 0;
	int cose;

	for (i = 0; i < n; i++) {
		cose = fido_cbor_info_algorithm_cose(k->info, i);
		found |= cose == COSE_ES256 ? 1u << PROTO_ECDSA_P256_SHA256 :
		    cose == COSE_EDDSA ? 1u << PROTO_ED25519 : 0;
	}
	return n > 0 ? found : 1u << PROTO_ECDSA_P256_SHA256;
}

static uint32_t
info_tries(struct key *k, int there, int (*get)(fido_dev_t *, int *))
{
	int n = -1;

	return there && get(k->dev, &n) == FIDO_OK && n >= 0 ? (uint32_t)n : PROTO_TRIES_UNKNOWN;
}

int
ask_info(struct ask *a)
{
	struct key *k = &a->key;
	const struct key_place *p = k->place;
	char versions[VERSIONS_MAX], transports[ASK_TRANSPORTS_MAX];
	int64_t left = fido_cbor_info_rk_remaining(k->info);
	struct proto_value v[11] = {
		proto_text(p->device), proto_text(p->manufacturer), proto_text(p->product),
		proto_bytes(fido_cbor_info_aaguid_ptr(k->info), fido_cbor_info_aaguid_len(k->info)),
	};

	ask_words(versions, sizeof(versions), fido_cbor_info_versions_ptr(k->info),
	    fido_cbor_info_versions_len(k->info));
	ask_words(transports, sizeof(transports), fido_cbor_info_transports_ptr(k->info),
	    fido_cbor_info_transports_len(k->info));
	v[4] = proto_text(versions);
	v[5] = proto_text(transports);
	v[6].u32 = info_flags(k);
	v[7].u32 = info_tries(k, fido_dev_has_pin(k->dev), fido_dev_get_retry_count);
	v[8].u32 = info_tries(k, fido_dev_has_uv(k->dev), fido_dev_get_uv_retry_count);
	v[9].u32 = left < 0 || left >= PROTO_TRIES_UNKNOWN ? PROTO_TRIES_UNKNOWN : (uint32_t)left;
	v[10].u32 = info_algorithms(k);
	return ask_say(a, PROTO_FIDO_KEY, v, 11);
}

/* Of UTF-8: CTAP counts code points. */
static uint64_t
info_characters(const struct secret *pin)
{
	uint64_t n = 0;
	size_t i;

	for (i = 0; i < pin->size; i++)
		n += (pin->data[i] & 0xc0) != 0x80;
	return n;
}

int
ask_pin(struct ask *a)
{
	const struct secret *new = a->q->new_pin;
	uint64_t least = fido_cbor_info_minpinlen(a->key.info);
	const char *old = request_has_pin(a->q) ? (const char *)a->q->pin->data : NULL;
	int err, set = fido_dev_has_pin(a->key.dev);

	if (!fido_dev_supports_pin(a->key.dev))
		return fault_set(&a->fault, TSR_UNSUPPORTED, "the key has no PIN and takes none");
	if (set && old == NULL)
		return ask_fault(a, FIDO_ERR_PIN_REQUIRED);
	if (!set && old != NULL)
		return fault_set(&a->fault, TSR_PIN_UNSET, "the key has no PIN yet: set one");
	if (new->size < PIN_BYTES_MIN || new->size > PIN_BYTES_MAX)
		return fault_set(&a->fault, TSR_PIN_LENGTH, "a PIN of a FIDO2 key has %d to %d bytes",
		    PIN_BYTES_MIN, PIN_BYTES_MAX);
	if (info_characters(new) < least)	/* else a right old one would be spent on it */
		return fault_set(&a->fault, TSR_PIN_LENGTH, "the key takes a new PIN of at least %u characters",
		    (unsigned)least);
	if ((err = fido_dev_set_pin(a->key.dev, (const char *)new->data, old)) != FIDO_OK)
		return ask_fault(a, err);
	return ask_say(a, PROTO_DONE, NULL, 0);
}
