/*
 * seed.c - seeds as text.  See seed.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "oath/seed.h"

#include <sodium.h>
#include <stdint.h>

#include "oath/hotp.h"
#include "tessera.h"

#define SEED_NONE	0xffu

static unsigned
seed_base32_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return (unsigned)(c - 'A');
	if (c >= 'a' && c <= 'z')
		return (unsigned)(c - 'a');
	if (c >= '2' && c <= '7')
		return (unsigned)(c - '2') + 26;
	return SEED_NONE;
}

static unsigned
seed_hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0');
	if (c >= 'A' && c <= 'F')
		return (unsigned)(c - 'A') + 10;
	if (c >= 'a' && c <= 'f')
		return (unsigned)(c - 'a') + 10;
	return SEED_NONE;
}

/* Groups of bits, the first one highest, become bytes. */
struct bits {
	uint8_t out[HOTP_SEED_MAX];
	size_t len;
	uint32_t held;		/* bits that make no byte yet */
	unsigned n_held;
	size_t characters;
};

static int
bits_add(struct bits *b, unsigned value, unsigned width)
{
	b->held = b->held << width | value;
	b->n_held += width;
	b->characters++;
	if (b->n_held < 8)
		return TSR_OK;
	if (b->len == sizeof(b->out))
		return TSR_TOO_LARGE;
	b->n_held -= 8;
	b->out[b->len++] = (uint8_t)(b->held >> b->n_held);
	b->held &= (1u << b->n_held) - 1;
	return TSR_OK;
}

/* The end of the text: what is over must be less than a character, and zero. */
static int
bits_finish(struct bits *b, unsigned width, struct secret **out)
{
	if (b->n_held >= width || b->held != 0)
		return TSR_INVALID;
	if (b->len < HOTP_SEED_MIN)
		return TSR_DENIED;
	return (*out = secret_from(b->out, b->len)) == NULL ? TSR_NOMEM : TSR_OK;
}

/* "=" to the end, as many as make the characters a multiple of eight. */
static int
seed_padding(const char *text, size_t n, size_t characters)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (text[i] != '=')
			return TSR_INVALID;
	return n < 8 && (characters + n) % 8 == 0 ? TSR_OK : TSR_INVALID;
}

int
seed_base32(const char *text, size_t n, struct secret **out)
{
	struct bits b = { .len = 0 };
	struct secret *s = NULL;
	unsigned v;
	size_t i;
	int r = TSR_OK;

	for (i = 0; i < n && text[i] != '=' && r == TSR_OK; i++) {
		if (text[i] == ' ' || text[i] == '-')
			continue;
		v = seed_base32_value(text[i]);
		r = v == SEED_NONE ? TSR_INVALID : bits_add(&b, v, 5);
	}
	if (r == TSR_OK && i < n)
		r = seed_padding(text + i, n - i, b.characters);
	if (r == TSR_OK && (r = bits_finish(&b, 5, &s)) == TSR_OK)
		*out = s;
	sodium_memzero(&b, sizeof(b));
	return r;
}

int
seed_hex(const char *text, size_t n, struct secret **out)
{
	struct bits b = { .len = 0 };
	struct secret *s = NULL;
	unsigned v;
	size_t i;
	int r = TSR_OK;

	for (i = 0; i < n && r == TSR_OK; i++) {
		if (text[i] == ' ' || text[i] == '-')
			continue;
		v = seed_hex_value(text[i]);
		r = v == SEED_NONE ? TSR_INVALID : bits_add(&b, v, 4);
	}
	if (r == TSR_OK && (r = b.n_held != 0 ? TSR_INVALID : bits_finish(&b, 4, &s)) == TSR_OK)
		*out = s;
	sodium_memzero(&b, sizeof(b));
	return r;
}

int
seed_put_base32(struct buf *out, const struct secret *seed)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
	uint32_t held = 0;
	unsigned n_held = 0;
	size_t i, was = out->len;
	int r = TSR_OK;

	for (i = 0; i < seed->size && r == TSR_OK; i++) {
		held = (held << 8 | seed->data[i]) & 0xfff;
		for (n_held += 8; n_held >= 5 && r == TSR_OK; n_held -= 5)
			r = buf_put_u8(out, (uint8_t)alphabet[held >> (n_held - 5) & 31]);
	}
	if (r == TSR_OK && n_held > 0)
		r = buf_put_u8(out, (uint8_t)alphabet[held << (5 - n_held) & 31]);
	if (r != TSR_OK)
		buf_cut(out, was);
	return r;
}
