/*
 * hotp.c - HOTP.  See hotp.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "oath/hotp.h"

#include <sodium.h>

#include "tessera.h"

static const uint32_t hotp_modulus[HOTP_DIGITS_MAX + 1] = {
	[6] = 1000000, [7] = 10000000, [8] = 100000000
};

static int
hotp_open(const struct hotp *h, struct hmac **out)
{
	if (h->digits < HOTP_DIGITS_MIN || h->digits > HOTP_DIGITS_MAX ||
	    h->seed_len < HOTP_SEED_MIN || h->seed_len > HOTP_SEED_MAX)
		return TSR_INVALID;
	return hmac_new(h->hash, h->seed, h->seed_len, out);
}

/* RFC 4226 5.3; the offset is a nibble, so it stays within the shortest hash. */
static int
hotp_one(const struct hotp *h, struct hmac *mac, uint64_t counter, uint32_t *code)
{
	uint8_t message[8], hash[HMAC_SIZE_MAX];
	const uint8_t *p;
	int i, r;

	for (i = 0; i < 8; i++)
		message[i] = (uint8_t)(counter >> (56 - 8 * i));
	if ((r = hmac_of(mac, message, sizeof(message), hash)) != TSR_OK)
		return r;
	p = hash + (hash[hmac_size(h->hash) - 1] & 0x0f);
	*code = (((uint32_t)p[0] & 0x7f) << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 |
	    p[3]) % hotp_modulus[h->digits];
	sodium_memzero(hash, sizeof(hash));
	return TSR_OK;
}

int
hotp_code(const struct hotp *h, uint64_t counter, uint32_t *code)
{
	struct hmac *mac = NULL;
	int r;

	if ((r = hotp_open(h, &mac)) != TSR_OK)
		return r;
	r = hotp_one(h, mac, counter, code);
	hmac_free(&mac);
	return r;
}

void
hotp_text(char out[HOTP_DIGITS_MAX + 1], unsigned digits, uint32_t code)
{
	unsigned i;

	for (i = digits; i > 0; i--, code /= 10)
		out[i - 1] = (char)('0' + code % 10);
	out[digits] = '\0';
}

int
hotp_parse(const char *text, size_t n, unsigned digits, uint32_t *code)
{
	uint32_t v = 0;
	size_t i;

	if (digits < HOTP_DIGITS_MIN || digits > HOTP_DIGITS_MAX || n != digits)
		return TSR_INVALID;
	for (i = 0; i < n; i++) {
		if (text[i] < '0' || text[i] > '9')
			return TSR_INVALID;
		v = v * 10 + (uint32_t)(text[i] - '0');
	}
	*code = v;
	return TSR_OK;
}

/* All ones where a == b, else 0: without a branch. */
static uint64_t
hotp_equal(uint64_t a, uint64_t b)
{
	uint64_t d = a ^ b;

	return ((d | (0 - d)) >> 63) - 1;
}

/* All ones where a < b, else 0. */
static uint64_t
hotp_below(uint64_t a, uint64_t b)
{
	return 0 - (((~a & b) | ((~a | b) & (a - b))) >> 63);
}

/* What a search has seen so far. */
struct search {
	uint64_t found;		/* all ones once there was a match */
	uint64_t at;
};

static void
search_note(struct search *s, uint64_t match, uint64_t counter)
{
	uint64_t take = match & ~s->found;

	s->at |= counter & take;
	s->found |= match;
}

static int
hotp_window_check(const struct hotp_window *w, uint32_t *count)
{
	uint64_t room = UINT64_MAX - w->first;

	if (w->count < 1 || w->count > HOTP_WINDOW_MAX)
		return TSR_INVALID;
	*count = room < w->count - 1 ? (uint32_t)room + 1 : w->count;
	return TSR_OK;
}

int
hotp_find(const struct hotp *h, const struct hotp_window *w, uint32_t code, uint64_t *counter)
{
	struct search s = { 0, 0 };
	struct hmac *mac = NULL;
	uint32_t i, count, c = 0;
	int r;

	if ((r = hotp_window_check(w, &count)) != TSR_OK ||
	    (r = hotp_open(h, &mac)) != TSR_OK)
		return r;
	for (i = 0; i < count && (r = hotp_one(h, mac, w->first + i, &c)) == TSR_OK; i++)
		search_note(&s, hotp_equal(c, code) & ~hotp_below(w->first + i, w->least),
		    w->first + i);
	hmac_free(&mac);
	if (r != TSR_OK)
		return r;
	if (s.found == 0)
		return TSR_NOT_FOUND;
	*counter = s.at;
	return TSR_OK;
}

int
hotp_find_pair(const struct hotp *h, const struct hotp_window *w, uint32_t code, uint32_t next,
    uint64_t *counter)
{
	struct search s = { 0, 0 };
	struct hmac *mac = NULL;
	uint64_t before = 0;	/* did the counter before this one have the first code? */
	uint32_t i, count, c = 0;
	int r;

	if ((r = hotp_window_check(w, &count)) != TSR_OK ||
	    (r = hotp_open(h, &mac)) != TSR_OK)
		return r;
	for (i = 0; i < count && (r = hotp_one(h, mac, w->first + i, &c)) == TSR_OK; i++) {
		search_note(&s, before & hotp_equal(c, next), w->first + i);
		before = hotp_equal(c, code) & ~hotp_below(w->first + i, w->least);
	}
	hmac_free(&mac);
	if (r != TSR_OK)
		return r;
	if (s.found == 0)
		return TSR_NOT_FOUND;
	*counter = s.at;
	return TSR_OK;
}
