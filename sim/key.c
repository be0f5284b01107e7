/*
 * key.c - a virtual FIDO2 authenticator: its life, and which command is whose.
 * See key.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "sim/key.h"

#include <string.h>

#include <sodium.h>

#include "sim/key_attest.h"
#include "sim/key_cred.h"
#include "tessera.h"

static const struct key_settings key_defaults = {
	.touch = TOUCH_AUTO,
	.timeout = 30000,
	.keepalive = 100,
	.reset_window = 10000,
	.uv = UV_NONE,
	.protocols = 3,
	.ctap21 = true,
	.es256 = true,
	.eddsa = true,
	.hmac_secret = true,
	.resident = 32,
	.attestation = ATTEST_SELF,
	.aaguid = { 'T', 'E', 'S', 'S', 'E', 'R', 'A', '-', 'S', 'I', 'M', '-', 'K', 'E', 'Y', '1' },
	.counter = COUNTER_GROW,
};

int
key_init(struct key *k, const char *folder)
{
	int r;

	if (sodium_init() < 0)
		return TSR_CRYPTO;
	memset(k, 0, sizeof(*k));
	k->set = key_defaults;
	k->store.folder = -1;
	if ((r = key_store_open(folder, &k->store)) != TSR_OK)
		return r;
	if ((r = key_power_up(k)) != TSR_OK)
		key_free(k);
	return r;
}

void
key_free(struct key *k)
{
	key_pin_free(&k->pin);
	key_attest_free(&k->attest);
	key_store_close(&k->store);
}

int
key_power_up(struct key *k)
{
	k->next.n = 0;
	k->list.n = k->list.i = 0;
	k->touched = false;
	k->powered = k->now;
	return key_pin_power_up(&k->pin);
}

/* authenticatorReset (6.6): soon after it was plugged in, and with a touch. */
static int
key_reset(struct key *k)
{
	int r;

	if (k->set.reset_window > 0 && k->now - k->powered > k->set.reset_window)
		return CTAP_NOT_ALLOWED;
	if ((r = key_need_touch(k)) != CTAP_OK)
		return r;
	key_store_reset(&k->store);
	if (key_store_save(&k->store) != TSR_OK || key_pin_power_up(&k->pin) != TSR_OK)
		return CTAP_OTHER;
	k->next.n = 0;
	k->list.n = k->list.i = 0;
	return CTAP_OK;
}

/* A status that a fault puts in the place of the command, or 0. */
static int
key_false_status(struct key *k)
{
	unsigned value = k->fault.value;

	if (key_fault_fires(&k->fault, FAULT_STATUS))
		return (int)value;
	if (key_fault_fires(&k->fault, FAULT_TIME_OUT))
		return CTAP_USER_ACTION_TIMEOUT;
	if (key_fault_fires(&k->fault, FAULT_CANCEL))
		return CTAP_KEEPALIVE_CANCEL;
	return CTAP_OK;
}

static int
key_command(struct key *k, uint8_t command, const struct cbor *q, struct cbor_out *out)
{
	bool manage = k->set.ctap21 && k->set.resident > 0;

	switch (command) {
	case CTAP_GET_INFO:
		return key_info(k, out);
	case CTAP_RESET:
		return key_reset(k);
	case CTAP_GET_NEXT_ASSERTION:
		return key_assert_next(k, out);
	case CTAP_SELECTION:
		return k->set.ctap21 ? key_need_touch(k) : CTAP_INVALID_COMMAND;
	case CTAP_MAKE_CREDENTIAL:
		return q == NULL ? CTAP_MISSING_PARAMETER : key_make(k, q, out);
	case CTAP_GET_ASSERTION:
		return q == NULL ? CTAP_MISSING_PARAMETER : key_assert(k, q, out);
	case CTAP_CLIENT_PIN:
		return q == NULL ? CTAP_MISSING_PARAMETER : key_client_pin(k, q, out);
	case CTAP_CREDENTIAL_MANAGEMENT:
	case CTAP_CREDENTIAL_MANAGEMENT_PREVIEW:
		if (!manage)
			return CTAP_INVALID_COMMAND;
		return q == NULL ? CTAP_MISSING_PARAMETER : key_manage(k, q, out);
	default:
		return CTAP_INVALID_COMMAND;
	}
}

int
key_request(struct key *k, const uint8_t *p, size_t n, struct cbor_out *out)
{
	struct cbor q;
	int r;

	if (n == 0)
		return CTAP_INVALID_LENGTH;
	if ((r = key_false_status(k)) != CTAP_OK)
		return r;
	if (n > 1 && cbor_parse(p + 1, n - 1, &q) != TSR_OK)
		return CTAP_INVALID_CBOR;
	if (n > 1 && q.kind != CBOR_MAP)
		return CTAP_UNEXPECTED_TYPE;
	r = key_command(k, p[0], n > 1 ? &q : NULL, out);
	return r == CTAP_OK && out->error != TSR_OK ? CTAP_OTHER : r;
}
