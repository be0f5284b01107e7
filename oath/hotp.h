/*
 * hotp.h - HOTP (RFC 4226), with SHA-1, SHA-256 or SHA-512 as in RFC 6238 1.2:
 * one code, and the search for a code among a run of counters.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef OATH_HOTP_H
#define OATH_HOTP_H

#include <stddef.h>
#include <stdint.h>

#include "oath/hmac.h"

#define HOTP_DIGITS_MIN	6	/* RFC 4226 R4 */
#define HOTP_DIGITS_MAX	8
#define HOTP_SEED_MIN	16	/* bytes: 128 bits, RFC 4226 R6 */
#define HOTP_SEED_MAX	128	/* bytes: the block of SHA-512 */
#define HOTP_WINDOW_MAX	2048	/* counters looked at in one search */

/* seed is the caller's and outlives the call. */
struct hotp {
	enum hmac_hash hash;
	unsigned digits;	/* HOTP_DIGITS_MIN to HOTP_DIGITS_MAX */
	const uint8_t *seed;
	size_t seed_len;	/* bytes, HOTP_SEED_MIN to HOTP_SEED_MAX */
};

/* The code of one counter (RFC 4226 5.3).  TSR_INVALID where h is outside its
 * limits, TSR_UNSUPPORTED for another hash, TSR_NOMEM, TSR_CRYPTO. */
int hotp_code(const struct hotp *h, uint64_t counter, uint32_t *code);

/* digits characters with leading zeros, terminated. */
void hotp_text(char out[HOTP_DIGITS_MAX + 1], unsigned digits, uint32_t code);

/* Exactly digits of '0' to '9' and nothing else.  TSR_INVALID. */
int hotp_parse(const char *text, size_t n, unsigned digits, uint32_t *code);

/* A run of counters: first, first + 1, … count of them.  It does not go beyond
 * the last counter there is. */
struct hotp_window {
	uint64_t first;
	uint32_t count;		/* 1 to HOTP_WINDOW_MAX */
	uint64_t least;		/* matches below it do not count: they were spent */
};

/*
 * The first counter of the window, not below least, whose code it is.  All
 * codes of the window are made and compared, whatever is found: the time tells
 * neither whether nor where.  TSR_NOT_FOUND; otherwise as hotp_code.
 */
int hotp_find(const struct hotp *h, const struct hotp_window *w, uint32_t code,
    uint64_t *counter);

/* The same for two codes of counters that follow each other, with the counter of
 * the second: resynchronisation (RFC 4226 7.4). */
int hotp_find_pair(const struct hotp *h, const struct hotp_window *w, uint32_t code,
    uint32_t next, uint64_t *counter);

#endif
