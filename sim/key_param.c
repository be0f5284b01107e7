/*
 * key_param.c - parameters of a request, and the token that goes with them.
 * See key.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include <string.h>

#include "sim/key.h"
#include "tessera.h"

int
key_param_bytes(const struct cbor *q, int64_t name, bool required, struct key_span *out)
{
	struct cbor item;

	out->p = NULL;
	out->n = 0;
	if (cbor_find(q, name, &item) != TSR_OK)
		return required ? CTAP_MISSING_PARAMETER : CTAP_OK;
	if (item.kind != CBOR_BYTES)
		return CTAP_UNEXPECTED_TYPE;
	out->p = item.p;
	out->n = item.n;
	return CTAP_OK;
}

int
key_param_int(const struct cbor *q, int64_t name, bool required, int64_t *out)
{
	struct cbor item;

	if (cbor_find(q, name, &item) != TSR_OK)
		return required ? CTAP_MISSING_PARAMETER : CTAP_OK;
	return cbor_int(&item, out) == TSR_OK ? CTAP_OK : CTAP_UNEXPECTED_TYPE;
}

int
key_param_map(const struct cbor *q, int64_t name, bool required, struct cbor *out)
{
	memset(out, 0, sizeof(*out));
	if (cbor_find(q, name, out) != TSR_OK)
		return required ? CTAP_MISSING_PARAMETER : CTAP_OK;
	return out->kind == CBOR_MAP ? CTAP_OK : CTAP_UNEXPECTED_TYPE;
}

int
key_param_text(const struct cbor *map, const char *name, bool required, char *out, size_t size)
{
	struct cbor item;

	out[0] = '\0';
	if (cbor_find_text(map, name, &item) != TSR_OK)
		return required ? CTAP_MISSING_PARAMETER : CTAP_OK;
	if (item.kind != CBOR_TEXT)
		return CTAP_UNEXPECTED_TYPE;
	if (item.n >= size || memchr(item.p, '\0', item.n) != NULL)
		return CTAP_INVALID_LENGTH;
	memcpy(out, item.p, item.n);
	out[item.n] = '\0';
	return CTAP_OK;
}

int
key_param_option(const struct cbor *options, const char *name, bool *out)
{
	struct cbor item;

	if (cbor_find_text(options, name, &item) != TSR_OK)
		return CTAP_OK;
	return cbor_bool(&item, out) == TSR_OK ? CTAP_OK : CTAP_UNEXPECTED_TYPE;
}

int
key_param_protocol(const struct key *k, const struct cbor *q, int64_t name, int *out)
{
	int64_t v;
	int r;

	if ((r = key_param_int(q, name, true, &v)) != CTAP_OK)
		return r;
	if (v < 1 || v > KEY_PIN_PROTOCOLS || (k->set.protocols & 1U << (v - 1)) == 0)
		return CTAP_INVALID_PARAMETER;
	*out = (int)v;
	return CTAP_OK;
}

bool
key_guarded(const struct key *k)
{
	return k->store.s.pin_set || k->set.uv >= UV_OK;
}

int
key_need_touch(const struct key *k)
{
	if (!k->touched)
		return CTAP_WAIT;
	return k->set.touch == TOUCH_DENY ? CTAP_OPERATION_DENIED : CTAP_OK;
}

int
key_verify_user(struct key *k)
{
	int r;

	if (k->set.uv < UV_OK)
		return CTAP_INVALID_OPTION;
	if (k->store.s.uv_tries == 0)
		return CTAP_UV_BLOCKED;
	if ((r = key_need_touch(k)) != CTAP_OK)
		return r;
	if (k->set.uv == UV_FAIL) {
		k->store.s.uv_tries--;
		if (key_store_save(&k->store) != TSR_OK)
			return CTAP_OTHER;
		return k->store.s.uv_tries == 0 ? CTAP_UV_BLOCKED : CTAP_UV_INVALID;
	}
	k->store.s.uv_tries = KEY_UV_TRIES;
	return CTAP_OK;
}

int
key_check_token(struct key *k, const struct cbor *q, int64_t auth, int64_t protocol,
    const uint8_t *p, size_t n, unsigned permission, const uint8_t rp[32], bool *uv)
{
	struct key_pin *pin = &k->pin;
	struct key_span a;
	int r, which;

	if ((r = key_param_bytes(q, auth, false, &a)) != CTAP_OK || a.p == NULL)
		return r;
	if (a.n == 0) {			/* how a platform asks which key is meant */
		if ((r = key_need_touch(k)) != CTAP_OK)
			return r;
		return k->store.s.pin_set ? CTAP_PIN_INVALID : CTAP_PIN_NOT_SET;
	}
	if ((r = key_param_protocol(k, q, protocol, &which)) != CTAP_OK)
		return r;
	if (pin->protocol != which || !key_pin_verify(which, pin->token, p, n, a.p, a.n) ||
	    (pin->permissions & permission) == 0)
		return CTAP_PIN_AUTH_INVALID;
	if (pin->bound && (rp == NULL || memcmp(pin->rp, rp, sizeof(pin->rp)) != 0))
		return CTAP_PIN_AUTH_INVALID;
	if (!pin->bound && rp != NULL && permission != CTAP_MAY_MANAGE) {
		memcpy(pin->rp, rp, sizeof(pin->rp));
		pin->bound = true;
	}
	*uv = true;
	return CTAP_OK;
}
