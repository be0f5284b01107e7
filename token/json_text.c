/*
 * json_text.c - writing JSON's strings.  See json_text.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "token/json_text.h"

#include <stdint.h>
#include <string.h>

#include "tessera.h"
#include "token/utf8.h"

#define JSON_PIECE	64	/* bytes quoted at a time into a buffer */
#define JSON_ESCAPE_MAX	6	/* characters one byte may become: \u001f */

/* *n is the length of s, *quoted what it becomes, without the quotes. */
static int
json_measure(const char *s, size_t *n, size_t *quoted)
{
	const uint8_t *p = (const uint8_t *)s;
	size_t i = 0, len = 0, m, size = strlen(s);

	while (p[i] != 0) {
		if (p[i] >= 0x80) {
			if ((m = utf8_len(s + i, size - i)) == 0)
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
json_put_member(struct buf *out, const char *name, const char *value)
{
	size_t had = out->len;
	int r;

	if ((r = buf_printf(out, ",\"%s\":", name)) != TSR_OK ||
	    (r = json_put_string(out, value)) != TSR_OK)
		out->len = had;
	return r;
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

int
json_add_members(struct buf *b, const char *members)
{
	if (members[0] == '\0')
		return TSR_OK;
	if (b->len == 0 || b->data[b->len - 1] != '}')
		return TSR_INVALID;
	b->len--;
	return buf_put_cstr(b, members) == TSR_OK ? buf_put_cstr(b, "}") : TSR_NOMEM;
}
