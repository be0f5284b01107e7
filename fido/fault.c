/*
 * fault.c - why a key did not do it.  See fault.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "fido/fault.h"

#include <stdarg.h>
#include <stdio.h>

#include <fido.h>

#include "base/proto.h"
#include "tessera.h"

static const struct {
	int err;
	int code;
	const char *text;
} rows[] = {
	{ FIDO_ERR_INVALID_COMMAND, TSR_UNSUPPORTED, "the key does not know this command" },
	{ FIDO_ERR_TIMEOUT, TSR_DEVICE_FAILED, "the key lost a part of the request" },
	{ FIDO_ERR_CHANNEL_BUSY, TSR_DEVICE_BUSY, "the key is at work for another request" },
	{ FIDO_ERR_CREDENTIAL_EXCLUDED, TSR_CONFLICT, "this key is enrolled already" },
	{ FIDO_ERR_UNSUPPORTED_ALGORITHM, TSR_KEY_UNUSABLE, "the key has none of the algorithms" },
	{ FIDO_ERR_OPERATION_DENIED, TSR_CANCELLED, "it was refused at the key" },
	{ FIDO_ERR_KEY_STORE_FULL, TSR_TOO_LARGE, "the key has no room for another resident credential" },
	{ FIDO_ERR_LIMIT_EXCEEDED, TSR_TOO_LARGE, "the request is larger than the key takes" },
	{ FIDO_ERR_REQUEST_TOO_LARGE, TSR_TOO_LARGE, "the request is larger than the key takes" },
	{ FIDO_ERR_UNSUPPORTED_OPTION, TSR_UNSUPPORTED, "the key cannot do what was asked for" },
	{ FIDO_ERR_INVALID_OPTION, TSR_UNSUPPORTED, "the key cannot do what was asked for" },
	{ FIDO_ERR_KEEPALIVE_CANCEL, TSR_CANCELLED, "it was cancelled" },
	{ FIDO_ERR_NO_CREDENTIALS, TSR_NOT_FOUND, "the key holds none of the credentials" },
	{ FIDO_ERR_INVALID_CREDENTIAL, TSR_NOT_FOUND, "the key holds none of the credentials" },
	{ FIDO_ERR_USER_ACTION_TIMEOUT, TSR_TIMEOUT, "nobody touched the key in time" },
	{ FIDO_ERR_ACTION_TIMEOUT, TSR_TIMEOUT, "nobody touched the key in time" },
	{ FIDO_ERR_NOT_ALLOWED, TSR_DENIED, "the key does not allow this" },
	{ FIDO_ERR_PIN_INVALID, TSR_PIN_WRONG, "wrong PIN" },
	{ FIDO_ERR_PIN_AUTH_INVALID, TSR_PIN_WRONG, "the key did not accept the PIN" },
	{ FIDO_ERR_PIN_BLOCKED, TSR_PIN_LOCKED,
	    "no PIN tries are left: the key has to be reset, which removes its credentials" },
	{ FIDO_ERR_PIN_AUTH_BLOCKED, TSR_DEVICE_REPLUG,
	    "too many wrong PINs in a row: unplug the key and plug it in again" },
	{ FIDO_ERR_PIN_NOT_SET, TSR_PIN_UNSET, "the key has no PIN yet" },
	{ FIDO_ERR_PIN_REQUIRED, TSR_PIN_REQUIRED, "the key wants its PIN" },
	{ FIDO_ERR_PIN_POLICY_VIOLATION, TSR_PIN_LENGTH, "the key does not take this as its new PIN" },
	{ FIDO_ERR_PIN_TOKEN_EXPIRED, TSR_PIN_REQUIRED, "the key wants its PIN again" },
	{ FIDO_ERR_UNAUTHORIZED_PERM, TSR_DENIED, "the key does not allow this" },
	{ FIDO_ERR_UV_BLOCKED, TSR_PIN_REQUIRED,
	    "the key's own verification is blocked after too many tries: it wants its PIN" },
	{ FIDO_ERR_UV_INVALID, TSR_PIN_WRONG, "the key did not recognise its user" },
	{ FIDO_ERR_UP_REQUIRED, TSR_UNSUPPORTED, "the key does not answer without a touch" },
	{ FIDO_ERR_TX, TSR_DEVICE_FAILED, "the key took no request" },
	{ FIDO_ERR_RX, TSR_DEVICE_FAILED, "the key broke its protocol or did not answer" },
	{ FIDO_ERR_RX_NOT_CBOR, TSR_DEVICE_FAILED, "the key broke its protocol" },
	{ FIDO_ERR_RX_INVALID_CBOR, TSR_DEVICE_FAILED, "the key's answer is malformed" },
	{ FIDO_ERR_INVALID_CBOR, TSR_DEVICE_FAILED, "the key's answer is malformed" },
	{ FIDO_ERR_CBOR_UNEXPECTED_TYPE, TSR_DEVICE_FAILED, "the key's answer is malformed" },
	{ FIDO_ERR_INTERNAL, TSR_DEVICE_FAILED, "the key's answer cannot be used" },
};

#define N_ROWS	(sizeof(rows) / sizeof(rows[0]))

void
fault_clear(struct fault *f)
{
	f->tries = PROTO_TRIES_UNKNOWN;
	f->detail[0] = '\0';
}

int
fault_set(struct fault *f, int code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(f->detail, sizeof(f->detail), fmt, ap);
	va_end(ap);
	return code;
}

int
fault_fold(int err)
{
	size_t i;

	if (err == FIDO_OK)
		return TSR_OK;
	for (i = 0; i < N_ROWS; i++)
		if (rows[i].err == err)
			return rows[i].code;
	return TSR_DEVICE_FAILED;
}

int
fault_fido(struct fault *f, int err)
{
	size_t i;

	for (i = 0; i < N_ROWS; i++)
		if (rows[i].err == err)
			return fault_set(f, rows[i].code, "%s", rows[i].text);
	if (err != FIDO_OK)
		(void)fault_set(f, TSR_DEVICE_FAILED, "the key failed with status 0x%02x",
		    (unsigned)err & 0xffu);
	return fault_fold(err);
}

int
fault_transport(int err)
{
	return err < 0 || err == FIDO_ERR_CHANNEL_BUSY || err == FIDO_ERR_TIMEOUT ||
	    err == FIDO_ERR_INVALID_SEQ || err == FIDO_ERR_INVALID_LENGTH ||
	    err == FIDO_ERR_INVALID_CHANNEL;
}
