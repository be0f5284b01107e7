/*
 * totp.c - time steps.  See totp.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "oath/totp.h"

#include "tessera.h"

#define TOTP_DRIFT_MAX	(INT64_C(1) << 40)	/* steps; far beyond any clock */

int
totp_step(const struct totp *t, int64_t now, uint64_t *step)
{
	if (t->period < TOTP_PERIOD_MIN || t->period > TOTP_PERIOD_MAX || now < t->start)
		return TSR_INVALID;
	*step = ((uint64_t)now - (uint64_t)t->start) / t->period;
	return TSR_OK;
}

uint32_t
totp_left(const struct totp *t, int64_t now)
{
	uint64_t step;

	if (totp_step(t, now, &step) != TSR_OK)
		return 0;
	return t->period - (uint32_t)(((uint64_t)now - (uint64_t)t->start) % t->period);
}

int
totp_window(uint64_t step, int64_t drift, uint32_t back, uint32_t ahead, int64_t watermark,
    struct hotp_window *out)
{
	int64_t first, last;

	if (step > INT64_MAX / 2 || drift > TOTP_DRIFT_MAX || drift < -TOTP_DRIFT_MAX ||
	    watermark < -1 || watermark == INT64_MAX ||
	    (uint64_t)back + 1 + ahead > HOTP_WINDOW_MAX)
		return TSR_INVALID;
	first = (int64_t)step + drift - (int64_t)back;
	last = (int64_t)step + drift + (int64_t)ahead;
	if (last < 0)
		return TSR_INVALID;
	if (first < 0)
		first = 0;
	out->first = (uint64_t)first;
	out->count = (uint32_t)(last - first + 1);
	out->least = (uint64_t)(watermark + 1);
	return TSR_OK;
}
