/*
 * otp.c - one disconnected token.  See otp.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "oath/otp.h"

#include <sodium.h>
#include <string.h>
#include <strings.h>

#include "oath/totp.h"
#include "tessera.h"

void
otp_init(struct otp *o)
{
	memset(o, 0, sizeof(*o));
	o->kind = OTP_TOTP;
	o->hash = HMAC_SHA1;
	o->digits = 6;
	o->period = 30;
}

void
otp_clear(struct otp *o)
{
	secret_free(&o->seed);
	otp_init(o);
}

const char *
otp_hash_name(enum hmac_hash hash)
{
	switch (hash) {
	case HMAC_SHA256:
		return "SHA256";
	case HMAC_SHA512:
		return "SHA512";
	case HMAC_SHA1:
	default:
		return "SHA1";
	}
}

int
otp_hash_parse(const char *text, size_t n, enum hmac_hash *out)
{
	static const enum hmac_hash all[] = { HMAC_SHA1, HMAC_SHA256, HMAC_SHA512 };
	const char *name;
	size_t i;

	if (n > 5 && strncasecmp(text, "HMAC-", 5) == 0) {
		text += 5;
		n -= 5;
	}
	if (n < 4 || strncasecmp(text, "SHA", 3) != 0)
		return TSR_INVALID;
	i = text[3] == '-' ? 4 : 3;
	text += i;
	n -= i;
	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		name = otp_hash_name(all[i]) + 3;
		if (strlen(name) == n && memcmp(name, text, n) == 0) {
			*out = all[i];
			return TSR_OK;
		}
	}
	return TSR_INVALID;
}

int
otp_number(const char *text, size_t n, uint64_t max, uint64_t *out)
{
	uint64_t v = 0, d;
	size_t i;

	if (n == 0)
		return TSR_INVALID;
	for (i = 0; i < n; i++) {
		if (text[i] < '0' || text[i] > '9')
			return TSR_INVALID;
		d = (uint64_t)(text[i] - '0');
		if (v > (max - d) / 10 || d > max)
			return TSR_INVALID;
		v = v * 10 + d;
	}
	*out = v;
	return TSR_OK;
}

int
otp_check(const struct otp *o, const char **why)
{
	*why = NULL;
	if (o->seed == NULL)
		*why = "there is no secret";
	else if (o->seed->size < HOTP_SEED_MIN)
		*why = "the secret is shorter than 128 bits";
	else if (o->seed->size > HOTP_SEED_MAX)
		*why = "the secret is longer than 128 bytes";
	else if (o->digits < HOTP_DIGITS_MIN || o->digits > HOTP_DIGITS_MAX)
		*why = "a code has 6, 7 or 8 digits";
	else if (hmac_size(o->hash) == 0)
		*why = "the algorithm is SHA1, SHA256 or SHA512";
	else if (o->kind != OTP_TOTP && o->kind != OTP_HOTP)
		*why = "a token is of type totp or hotp";
	else if (o->kind == OTP_TOTP &&
	    (o->period < TOTP_PERIOD_MIN || o->period > TOTP_PERIOD_MAX))
		*why = "the period is 1 to 3600 seconds";
	else if (o->kind == OTP_HOTP && o->counter > INT64_MAX)
		*why = "the counter is too large";
	return *why == NULL ? TSR_OK : TSR_INVALID;
}

void
otp_key(const struct otp *o, struct hotp *out)
{
	out->hash = o->hash;
	out->digits = o->digits;
	out->seed = o->seed == NULL ? NULL : o->seed->data;
	out->seed_len = o->seed == NULL ? 0 : o->seed->size;
}
