/*
 * json.c - strict JSON.  See json.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "token/json.h"

#include <sodium.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tessera.h"

#define JSON_PIECE	64	/* bytes quoted at a time into a buffer */
#define JSON_ESCAPE_MAX	6	/* characters one byte may become: \u001f */

/* Nesting is counted before jansson recurses into it. */
static int
json_depth(const char *text, size_t n, unsigned max)
{
	unsigned depth = 0;
	int quoted = 0;
	size_t i;

	for (i = 0; i < n; i++) {
		if (quoted) {
			if (text[i] == '\\')
				i++;
			else if (text[i] == '"')
				quoted = 0;
		} else if (text[i] == '"') {
			quoted = 1;
		} else if (text[i] == '{' || text[i] == '[') {
			if (++depth > max)
				return TSR_TOO_LARGE;
		} else if (text[i] == '}' || text[i] == ']') {
			if (depth-- == 0)
				return TSR_INVALID;
		}
	}
	return TSR_OK;
}

int
json_read_object(const char *text, size_t n, unsigned depth, json_t **out)
{
	json_error_t error;
	json_t *o;
	int r;

	if ((r = json_depth(text, n, depth)) != TSR_OK)
		return r;
	if ((o = json_loadb(text, n, JSON_REJECT_DUPLICATES, &error)) == NULL)
		return json_error_code(&error) == json_error_out_of_memory ?
		    TSR_NOMEM : TSR_INVALID;
	if (!json_is_object(o)) {
		json_decref(o);
		return TSR_INVALID;
	}
	*out = o;
	return TSR_OK;
}

/* Bytes of the multi-byte character at s, which ends with a NUL; 0 where it is
 * not well-formed (RFC 3629 section 4). */
static size_t
utf8_len(const uint8_t *s)
{
	uint8_t low = 0x80, high = 0xbf;
	size_t i, n;

	if (s[0] >= 0xc2 && s[0] <= 0xdf)
		n = 2;
	else if ((s[0] & 0xf0) == 0xe0)
		n = 3;
	else if (s[0] >= 0xf0 && s[0] <= 0xf4)
		n = 4;
	else
		return 0;
	if (s[0] == 0xe0)
		low = 0xa0;
	else if (s[0] == 0xed)
		high = 0x9f;
	else if (s[0] == 0xf0)
		low = 0x90;
	else if (s[0] == 0xf4)
		high = 0x8f;
	if (s[1] < low || s[1] > high)
		return 0;
	for (i = 2; i < n; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	return n;
}

/* *n is the length of s, *quoted what it becomes, without the quotes. */
static int
json_measure(const char *s, size_t *n, size_t *quoted)
{
	const uint8_t *p = (const uint8_t *)s;
	size_t i = 0, len = 0, m;

	while (p[i] != 0) {
		if (p[i] >= 0x80) {
			if ((m = utf8_len(p + i)) == 0)
				return TSR_INVALID;
			i += m;
			len += m;
			continue;
		}
		if (p[i] < 0x20)
			len += JSON_ESCAPE_MAX;
		else
			len += p[i] == '"' || p[i] == '\\' ? 2 : 1;
		i++;
	}
	*n = i;
	*quoted = len;
	return TSR_OK;
}

/* Returns how many characters n bytes became. */
static size_t
json_escape(char *out, const char *s, size_t n)
{
	static const char hex[] = "0123456789abcdef";
	char *o = out;
	size_t i;

	for (i = 0; i < n; i++) {
		if ((uint8_t)s[i] < 0x20) {
			o[0] = '\\';
			o[1] = 'u';
			o[2] = o[3] = '0';
			o[4] = hex[(uint8_t)s[i] >> 4];
			o[5] = hex[s[i] & 15];
			o += JSON_ESCAPE_MAX;
			continue;
		}
		if (s[i] == '"' || s[i] == '\\')
			*o++ = '\\';
		*o++ = s[i];
	}
	return (size_t)(o - out);
}

int
json_put_string(struct buf *out, const char *s)
{
	char text[JSON_PIECE * JSON_ESCAPE_MAX];
	size_t n, m, quoted;
	int r;

	if ((r = json_measure(s, &n, &quoted)) != TSR_OK ||
	    (r = buf_reserve(out, quoted + 2)) != TSR_OK ||
	    (r = buf_put_u8(out, '"')) != TSR_OK)
		return r;
	for (; n > 0; n -= m, s += m) {
		m = n < JSON_PIECE ? n : JSON_PIECE;
		if ((r = buf_put(out, text, json_escape(text, s, m))) != TSR_OK)
			return r;
	}
	return buf_put_u8(out, '"');
}

int
json_quote(char *out, size_t size, const char *s, size_t *len)
{
	size_t n, quoted;
	int r;

	if ((r = json_measure(s, &n, &quoted)) != TSR_OK)
		return r;
	if (size < 2 || quoted > size - 2)
		return TSR_TOO_LARGE;
	out[0] = '"';
	if (quoted == n)
		memcpy(out + 1, s, n);
	else
		(void)json_escape(out + 1, s, n);
	out[quoted + 1] = '"';
	*len = quoted + 2;
	return TSR_OK;
}

/* A block is preceded by its size, so that its free can wipe it. */
union json_block {
	size_t size;
	max_align_t align;
};

static void *
json_malloc(size_t n)
{
	union json_block *b;

	if (n > SIZE_MAX - sizeof(*b) || (b = malloc(sizeof(*b) + n)) == NULL)
		return NULL;
	b->size = n;
	return b + 1;
}

static void
json_free(void *p)
{
	union json_block *b = p;

	if (b == NULL)
		return;
	b--;
	sodium_memzero(b, sizeof(*b) + b->size);
	free(b);
}

void
json_wipe_memory(void)
{
	size_t seed;

	json_set_alloc_funcs(json_malloc, json_free);
	if (sodium_init() < 0)
		return;
	randombytes_buf(&seed, sizeof(seed));
	json_object_seed(seed | 1);	/* zero would make jansson draw its own */
}
