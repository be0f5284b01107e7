/*
 * escape.c - text made safe to show.  See escape.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "base/escape.h"

#include <stdint.h>
#include <string.h>

#define UNIT_MAX	16	/* bytes one character becomes: four times \xHH */

/* Characters that are not seen, or that move what is seen: the default
 * ignorable and bidirectional ones of the Unicode Character Database and the
 * line separators.  Ascending. */
static const struct {
	uint32_t first, last;
} unseen[] = {
	{ 0x00ad, 0x00ad }, { 0x034f, 0x034f }, { 0x061c, 0x061c },
	{ 0x115f, 0x1160 }, { 0x17b4, 0x17b5 }, { 0x180b, 0x180f },
	{ 0x200b, 0x200f }, { 0x2028, 0x202e }, { 0x2060, 0x206f },
	{ 0x3164, 0x3164 }, { 0xfe00, 0xfe0f }, { 0xfeff, 0xfeff },
	{ 0xffa0, 0xffa0 }, { 0xfff0, 0xfffb }, { 0x1bca0, 0x1bca3 },
	{ 0x1d173, 0x1d17a }, { 0xe0000, 0xe0fff },
};

/* The character at p by RFC 3629 section 4: its length in bytes, 0 where it
 * is not well-formed.  n is at least 1. */
static size_t
escape_decode(const uint8_t *p, size_t n, uint32_t *cp)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	uint32_t c = p[0];
	size_t i, len;

	if (c < 0x80) {
		*cp = c;
		return 1;
	}
	len = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : 2;
	if (c < 0xc2 || c > 0xf4 || n < len)
		return 0;
	c &= 0x7fu >> len;
	for (i = 1; i < len; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (p[i] & 0x3fu);
	}
	if (c < least[len] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	*cp = c;
	return len;
}

static int
escape_is_control(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0);
}

static int
escape_is_unseen(uint32_t c)
{
	size_t i;

	for (i = 0; i < sizeof(unseen) / sizeof(unseen[0]) && c >= unseen[i].first; i++)
		if (c <= unseen[i].last)
			return 1;
	return 0;
}

/* What the next character of in[0..n) is shown as: its bytes in unit, their
 * number in *shown; the bytes taken from in. */
static size_t
escape_unit(const uint8_t *in, size_t n, uint8_t unit[UNIT_MAX], size_t *shown)
{
	static const char hex[] = "0123456789abcdef";
	uint32_t c;
	size_t i, len;

	len = escape_decode(in, n, &c);
	if (len > 0 && c != '\\' && !escape_is_control(c) && !escape_is_unseen(c)) {
		memcpy(unit, in, len);
		*shown = len;
		return len;
	}
	if (len == 0)
		len = 1;	/* a stray byte; the next one may begin a character */
	for (i = 0; i < len; i++) {
		unit[4 * i] = '\\';
		unit[4 * i + 1] = 'x';
		unit[4 * i + 2] = (uint8_t)hex[in[i] >> 4];
		unit[4 * i + 3] = (uint8_t)hex[in[i] & 0xf];
	}
	*shown = 4 * len;
	return len;
}

char *
escape_text(char *out, size_t size, const void *in, size_t n)
{
	const uint8_t *p = in;
	uint8_t unit[UNIT_MAX];
	size_t at = 0, cut = 0, room, shown, taken;

	if (size == 0)
		return out;
	room = size - 1;
	while (n > 0) {
		if (at + 3 <= room)
			cut = at;	/* the dots would still fit here */
		taken = escape_unit(p, n, unit, &shown);
		if (shown > room - at) {
			shown = room < 3 ? room : 3;
			memset(out + cut, '.', shown);
			at = cut + shown;
			break;
		}
		memcpy(out + at, unit, shown);
		at += shown;
		p += taken;
		n -= taken;
	}
	out[at] = '\0';
	return out;
}

int
escape_is_text(const void *in, size_t n)
{
	const uint8_t *p = in;
	uint32_t c;
	size_t len;

	for (; n > 0; p += len, n -= len)
		if ((len = escape_decode(p, n, &c)) == 0 || escape_is_control(c))
			return 0;
	return 1;
}

void
escape_cut(char *out, size_t size, const void *in, size_t n)
{
	const uint8_t *p = in;

	if (n >= size)
		for (n = size - 1; n > 0 && (p[n] & 0xc0) == 0x80; n--)
			;	/* back to where the character that does not fit begins */
	if (n > 0)
		memcpy(out, p, n);
	out[n] = '\0';
}
