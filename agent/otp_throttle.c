/*
 * otp_throttle.c - see otp_throttle.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/otp_throttle.h"

#include <sodium.h>
#include <string.h>

#include "base/buf.h"
#include "include/tessera.h"

#define THROTTLE_FORM	1	/* version of the bytes in the store */

void
otp_source(const char *name, size_t n, uint8_t out[OTP_SOURCE_LEN])
{
	(void)crypto_generichash(out, OTP_SOURCE_LEN, (const uint8_t *)name, n, NULL, 0);
}

/* --- delays --- */

/* Seconds after that many failures. */
static uint64_t
throttle_delay(uint32_t failures)
{
	uint64_t delay = OTP_DELAY_FIRST;

	if (failures < OTP_FREE)
		return 0;
	for (; failures > OTP_FREE && delay < OTP_DELAY_MAX; failures--)
		delay *= 2;
	return delay < OTP_DELAY_MAX ? delay : OTP_DELAY_MAX;
}

/* Another boot's clock says nothing: the whole delay counts from the start. */
static uint64_t
throttle_until(const struct otp_throttle *t, const struct otp_budget *b, const struct otp_now *now)
{
	return memcmp(t->boot, now->boot, OTP_BOOT_LEN) == 0 ? b->until :
	    now->started_s + throttle_delay(b->failures);
}

static int
throttle_recent(const struct otp_known *k, const struct otp_now *now)
{
	/* one from the future was right under a clock that was set back since */
	return k->succeeded > now->wall || now->wall - k->succeeded <= OTP_KNOWN_S;
}

/* The index of the source's own budget, or -1. */
static int
throttle_find(const struct otp_throttle *t, const struct otp_now *now)
{
	unsigned i;

	for (i = 0; i < t->n_known; i++)
		if (memcmp(t->known[i].source, now->source, OTP_SOURCE_LEN) == 0 &&
		    throttle_recent(&t->known[i], now))
			return (int)i;
	return -1;
}

int
otp_rests(const struct otp_throttle *t)
{
	return t->failures >= OTP_FAILURES_MAX;
}

uint64_t
otp_wait(const struct otp_throttle *t, const struct otp_now *now)
{
	int at = throttle_find(t, now);
	uint64_t until = throttle_until(t, at < 0 ? &t->strangers : &t->known[at].budget, now);

	return until > now->boot_s ? until - now->boot_s : 0;
}

/* From here on the delays are on this boot's clock. */
static void
throttle_settle(struct otp_throttle *t, const struct otp_now *now)
{
	unsigned i;

	t->strangers.until = throttle_until(t, &t->strangers, now);
	for (i = 0; i < t->n_known; i++)
		t->known[i].budget.until = throttle_until(t, &t->known[i].budget, now);
	memcpy(t->boot, now->boot, OTP_BOOT_LEN);
}

void
otp_failed(struct otp_throttle *t, const struct otp_now *now)
{
	int at = throttle_find(t, now);
	struct otp_budget *b = at < 0 ? &t->strangers : &t->known[at].budget;

	throttle_settle(t, now);
	if (t->failures < OTP_FAILURES_MAX)
		t->failures++;
	if (b->failures < OTP_FAILURES_MAX)
		b->failures++;
	if (b->failures >= OTP_FREE)
		b->until = now->boot_s + throttle_delay(b->failures);
}

/* What a budget's failures added to the credential's goes with them. */
static void
throttle_clear(struct otp_throttle *t, struct otp_budget *b)
{
	t->failures -= b->failures < t->failures ? b->failures : t->failures;
	b->failures = 0;
	b->until = 0;
}

void
otp_succeeded(struct otp_throttle *t, const struct otp_now *now)
{
	struct otp_known mine = { .succeeded = now->wall };
	int at = throttle_find(t, now);
	unsigned i, n = 0;

	throttle_settle(t, now);
	memcpy(mine.source, now->source, OTP_SOURCE_LEN);
	throttle_clear(t, at < 0 ? &t->strangers : &t->known[at].budget);
	/* to the front; what is not recent, and the last beyond the limit, goes */
	for (i = 0; i < t->n_known; i++)
		if (memcmp(t->known[i].source, now->source, OTP_SOURCE_LEN) != 0 &&
		    throttle_recent(&t->known[i], now) && n < OTP_KNOWN_MAX - 1)
			t->known[n++] = t->known[i];
	memmove(&t->known[1], &t->known[0], n * sizeof(t->known[0]));
	t->known[0] = mine;
	t->n_known = n + 1;
}

void
otp_forgive(struct otp_throttle *t)
{
	unsigned i;

	t->failures = 0;
	memset(&t->strangers, 0, sizeof(t->strangers));
	for (i = 0; i < t->n_known; i++)
		memset(&t->known[i].budget, 0, sizeof(t->known[i].budget));
}

/* --- in the store --- */

static uint8_t *
put(uint8_t *p, uint64_t v, unsigned bytes)
{
	while (bytes-- > 0)
		*p++ = (uint8_t)(v >> (8 * bytes));
	return p;
}

static uint8_t *
put_budget(uint8_t *p, const struct otp_budget *b)
{
	return put(put(p, b->failures, 4), b->until, 8);
}

void
otp_throttle_put(const struct otp_throttle *t, uint8_t out[OTP_THROTTLE_LEN])
{
	uint8_t *p = out;
	unsigned i;

	memset(out, 0, OTP_THROTTLE_LEN);
	p = put(put(p, THROTTLE_FORM, 1), t->failures, 4);
	memcpy(p, t->boot, OTP_BOOT_LEN);
	p = put(put_budget(p + OTP_BOOT_LEN, &t->strangers), t->n_known, 1);
	for (i = 0; i < t->n_known; i++) {
		memcpy(p, t->known[i].source, OTP_SOURCE_LEN);
		p = put(p + OTP_SOURCE_LEN, (uint64_t)t->known[i].succeeded, 8);
		p = put_budget(p, &t->known[i].budget);
	}
}

static int
get_budget(struct reader *r, struct otp_budget *b)
{
	if (reader_u32(r, &b->failures) != TSR_OK || reader_u64(r, &b->until) != TSR_OK ||
	    b->failures > OTP_FAILURES_MAX)
		return TSR_CORRUPT;
	return TSR_OK;
}

static int
get_known(struct reader *r, struct otp_known *k)
{
	uint64_t succeeded;

	if (reader_bytes(r, k->source, OTP_SOURCE_LEN) != TSR_OK ||
	    reader_u64(r, &succeeded) != TSR_OK || succeeded > INT64_MAX)
		return TSR_CORRUPT;
	k->succeeded = (int64_t)succeeded;
	return get_budget(r, &k->budget);
}

int
otp_throttle_get(const uint8_t *p, size_t n, struct otp_throttle *out)
{
	struct otp_throttle t;
	struct reader r;
	uint8_t form, known;
	unsigned i;

	memset(&t, 0, sizeof(t));
	reader_init(&r, p, n);
	if (n != OTP_THROTTLE_LEN || reader_u8(&r, &form) != TSR_OK || form != THROTTLE_FORM ||
	    reader_u32(&r, &t.failures) != TSR_OK || t.failures > OTP_FAILURES_MAX ||
	    reader_bytes(&r, t.boot, OTP_BOOT_LEN) != TSR_OK ||
	    get_budget(&r, &t.strangers) != TSR_OK ||
	    reader_u8(&r, &known) != TSR_OK || known > OTP_KNOWN_MAX)
		return TSR_CORRUPT;
	t.n_known = known;
	for (i = 0; i < t.n_known; i++)
		if (get_known(&r, &t.known[i]) != TSR_OK)
			return TSR_CORRUPT;
	*out = t;
	return TSR_OK;
}
