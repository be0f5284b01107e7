/*
 * b64.c - base64url without padding.  See b64.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "token/b64.h"

#include <sodium.h>

#include "tessera.h"

#define B64_PIECE	768	/* bytes encoded at a time into a buffer */

static const char b64_alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

#define XX	0xff

/* The value of each character; XX has bits that no value has. */
static const uint8_t b64_value[256] = {
	XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX,
	XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX,
	XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, 62, XX, XX,
	52, 53, 54, 55, 56, 57, 58, 59, 60, 61, XX, XX, XX, XX, XX, XX,
	XX,  0,  1,  2,  3,  4,  5,  6,  7,  8,  9, 10, 11, 12, 13, 14,
	15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, XX, XX, XX, XX, 63,
	XX, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40,
	41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, XX, XX, XX, XX, XX,
	XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX,
	XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX,
	XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX,
	XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX,
	XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX,
	XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX,
	XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX,
	XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX
};

size_t
b64_encode(char *out, const void *in, size_t n)
{
	const uint8_t *p = in;
	char *o = out;
	uint32_t v;

	for (; n >= 3; n -= 3, p += 3, o += 4) {
		v = (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];
		o[0] = b64_alphabet[v >> 18];
		o[1] = b64_alphabet[v >> 12 & 63];
		o[2] = b64_alphabet[v >> 6 & 63];
		o[3] = b64_alphabet[v & 63];
	}
	if (n > 0) {
		v = (uint32_t)p[0] << 16 | (n == 2 ? (uint32_t)p[1] << 8 : 0);
		*o++ = b64_alphabet[v >> 18];
		*o++ = b64_alphabet[v >> 12 & 63];
		if (n == 2)
			*o++ = b64_alphabet[v >> 6 & 63];
	}
	return (size_t)(o - out);
}

int
b64_put(struct buf *out, const void *in, size_t n)
{
	const uint8_t *p = in;
	char text[B64_LEN(B64_PIECE)];
	size_t m;
	int r;

	if (n > SIZE_MAX / 4 - 2)
		return TSR_TOO_LARGE;
	if ((r = buf_reserve(out, B64_LEN(n))) != TSR_OK)
		return r;
	for (; n > 0; n -= m, p += m) {
		m = n < B64_PIECE ? n : B64_PIECE;
		if ((r = buf_put(out, text, b64_encode(text, p, m))) != TSR_OK)
			break;
	}
	sodium_memzero(text, sizeof(text));
	return r;
}

/* The last two or three characters, whose unused bits must be zero: otherwise
 * one value would have several spellings. */
static int
b64_decode_tail(uint8_t *o, const uint8_t *p, size_t n)
{
	uint8_t a, b, c;

	a = b64_value[p[0]];
	b = b64_value[p[1]];
	c = n == 3 ? b64_value[p[2]] : 0;
	if (((a | b | c) & 0xc0) != 0 ||
	    (n == 2 ? b & 0x0f : c & 0x03) != 0)
		return TSR_INVALID;
	o[0] = (uint8_t)(a << 2 | b >> 4);
	if (n == 3)
		o[1] = (uint8_t)(b << 4 | c >> 2);
	return TSR_OK;
}

int
b64_decode(uint8_t *out, size_t size, const char *in, size_t n, size_t *out_len)
{
	const uint8_t *p = (const uint8_t *)in;
	uint8_t *o = out, a, b, c, d, seen = 0;
	size_t len;

	if (n % 4 == 1)
		return TSR_INVALID;
	len = n / 4 * 3 + (n % 4 == 0 ? 0 : n % 4 - 1);
	if (len > size)
		return TSR_TOO_LARGE;
	for (; n >= 4; n -= 4, p += 4, o += 3) {
		a = b64_value[p[0]];
		b = b64_value[p[1]];
		c = b64_value[p[2]];
		d = b64_value[p[3]];
		seen |= a | b | c | d;
		o[0] = (uint8_t)(a << 2 | b >> 4);
		o[1] = (uint8_t)(b << 4 | c >> 2);
		o[2] = (uint8_t)(c << 6 | d);
	}
	if ((seen & 0xc0) != 0 ||
	    (n > 0 && b64_decode_tail(o, p, n) != TSR_OK))
		return TSR_INVALID;
	*out_len = len;
	return TSR_OK;
}
