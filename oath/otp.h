/*
 * otp.h - what is known of one disconnected token: from an otpauth URI, from a
 * row of a vendor's table, or from the command line.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef OATH_OTP_H
#define OATH_OTP_H

#include <stdint.h>

#include "base/secret.h"
#include "oath/hotp.h"

#define OTP_NAME_MAX	128	/* bytes of an issuer, an account, a serial number */

enum otp_kind { OTP_HOTP = 1, OTP_TOTP = 2 };

struct otp {
	enum otp_kind kind;
	enum hmac_hash hash;
	unsigned digits;
	uint32_t period;		/* s; TOTP only */
	int64_t start;			/* T0, s since the epoch; TOTP only */
	uint64_t counter;		/* the next one; HOTP only */
	struct secret *seed;
	char issuer[OTP_NAME_MAX + 1];	/* text without control characters, or "" */
	char account[OTP_NAME_MAX + 1];
	char serial[OTP_NAME_MAX + 1];
};

/* TOTP, SHA-1, 6 digits, 30 s: what is meant where nothing is said.  No seed. */
void otp_init(struct otp *o);
/* Wipe the seed, clear all. */
void otp_clear(struct otp *o);

/* The name in otpauth URIs: "SHA1", "SHA256", "SHA512"; a constant. */
const char *otp_hash_name(enum hmac_hash hash);
/* The same read, in any case, with "SHA-1" and "HMAC-SHA-1" too.  TSR_INVALID. */
int otp_hash_parse(const char *text, size_t n, enum hmac_hash *out);

/* A decimal number without sign, at most max.  TSR_INVALID. */
int otp_number(const char *text, size_t n, uint64_t max, uint64_t *out);

/* Is it within the limits of hotp.h and totp.h?  TSR_INVALID, and *why becomes a
 * constant sentence. */
int otp_check(const struct otp *o, const char **why);

/* The key for hotp.h; it points into o. */
void otp_key(const struct otp *o, struct hotp *out);

#endif
