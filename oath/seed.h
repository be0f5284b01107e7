/*
 * seed.h - the shared secret of a token as text: base32 (RFC 4648 section 6)
 * and hexadecimal.
 *
 * People type these from paper: upper and lower case are the same, and spaces
 * and hyphens between groups are passed over.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef OATH_SEED_H
#define OATH_SEED_H

#include <stddef.h>

#include "base/buf.h"
#include "base/secret.h"

/* Read HOTP_SEED_MIN to HOTP_SEED_MAX bytes.  base32 may be padded with "="
 * to a multiple of eight characters; its unused bits are zero.  TSR_INVALID for
 * text that is not such, TSR_TOO_LARGE for a longer seed, TSR_DENIED for one
 * that is shorter than 128 bits (RFC 4226 R6), TSR_NOMEM. */
int seed_base32(const char *text, size_t n, struct secret **out);
int seed_hex(const char *text, size_t n, struct secret **out);

/* Append it as base32 without padding, in upper case.  TSR_NOMEM, TSR_TOO_LARGE. */
int seed_put_base32(struct buf *out, const struct secret *seed);

#endif
