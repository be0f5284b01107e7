/*
 * otpauth.c - fuzz target: otpauth URIs.  What is accepted is within the limits,
 * and written and read again it is the same token.
 *
 * SPDX-License-Identifier: ISC
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "oath/otpauth.h"
#include "tessera.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int
same(const struct otp *a, const struct otp *b)
{
	return a->kind == b->kind && a->hash == b->hash && a->digits == b->digits &&
	    (a->kind == OTP_HOTP ? a->counter == b->counter : a->period == b->period) &&
	    a->seed->size == b->seed->size &&
	    memcmp(a->seed->data, b->seed->data, a->seed->size) == 0 &&
	    strcmp(a->issuer, b->issuer) == 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct otp o, again;
	const char *why;
	struct buf b;

	if (otpauth_parse((const char *)data, size, &o, &why) != TSR_OK)
		return 0;
	buf_init(&b, (size_t)4 * OTPAUTH_MAX);
	if (otp_check(&o, &why) != TSR_OK || otpauth_put(&b, &o) != TSR_OK ||
	    otpauth_parse((const char *)b.data, b.len, &again, &why) != TSR_OK ||
	    !same(&o, &again))
		abort();
	otp_clear(&again);
	otp_clear(&o);
	buf_free(&b);
	return 0;
}
