/*
 * totp.h - time steps of TOTP (RFC 6238): the counters that hotp.h takes.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef OATH_TOTP_H
#define OATH_TOTP_H

#include <stdint.h>

#include "oath/hotp.h"

#define TOTP_PERIOD_MIN	1	/* s */
#define TOTP_PERIOD_MAX	3600	/* s: a code that lives longer is a password */

struct totp {
	uint32_t period;	/* s a step lasts: X of RFC 6238 4.1 */
	int64_t start;		/* s since the epoch at which step 0 begins: T0 */
};

/* The step at a time (s since the epoch).  TSR_INVALID where the period is
 * outside its limits or the time is before the start. */
int totp_step(const struct totp *t, int64_t now, uint64_t *step);

/* Seconds until the step of that time is over; 0 where totp_step refuses. */
uint32_t totp_left(const struct totp *t, int64_t now);

/*
 * The window of steps around a token's own idea of the time: step + drift, and
 * so many to either side, never below step 0.  least becomes watermark + 1
 * (watermark -1: nothing was spent yet).  TSR_INVALID where back + 1 + ahead is
 * more than HOTP_WINDOW_MAX or where the whole window lies before step 0.
 */
int totp_window(uint64_t step, int64_t drift, uint32_t back, uint32_t ahead, int64_t watermark,
    struct hotp_window *out);

#endif
