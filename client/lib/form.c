/*
 * form.c - bodies of requests.  See form.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "client/lib/form.h"

#include <stdio.h>
#include <string.h>

#include "tessera.h"
#include "token/json_text.h"

int
form_put(struct buf *form, const char *name, const char *value)
{
	static const char hex[] = "0123456789ABCDEF", plain[] = "-._*";
	const unsigned char *p;
	int r;

	if ((form->len > 0 && (r = buf_put_u8(form, '&')) != 0) ||
	    (r = buf_put_cstr(form, name)) != 0 || (r = buf_put_u8(form, '=')) != 0)
		return r;
	for (p = (const unsigned char *)value; *p != '\0'; p++) {
		if ((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') ||
		    (*p >= '0' && *p <= '9') || strchr(plain, *p) != NULL)
			r = buf_put_u8(form, *p);
		else if (*p == ' ')
			r = buf_put_u8(form, '+');
		else if ((r = buf_put_u8(form, '%')) == 0 &&
		    (r = buf_put_u8(form, (uint8_t)hex[*p >> 4])) == 0)
			r = buf_put_u8(form, (uint8_t)hex[*p & 15]);
		if (r != 0)
			return r;
	}
	return TSR_OK;
}

int
form_query(char *out, size_t size, const char *path, const char *name, const char *value)
{
	struct buf b;
	int n, r = TSR_OK;

	buf_init(&b, size);
	if (value != NULL)
		r = form_put(&b, name, value);
	n = snprintf(out, size, "%s%s%.*s", path, value != NULL ? "?" : "", (int)b.len, (const char *)b.data);
	buf_free(&b);
	if (r != TSR_OK)
		return r;
	return n < 0 || (size_t)n >= size ? TSR_TOO_LARGE : TSR_OK;
}

int
form_json_put(struct buf *body, const char *name, const char *value)
{
	int r;

	if ((r = buf_put_u8(body, body->len == 0 ? '{' : ',')) != 0 ||
	    (r = json_put_string(body, name)) != 0 || (r = buf_put_u8(body, ':')) != 0)
		return r;
	return json_put_string(body, value);
}

int
form_is_token(const char *s)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	    "0123456789-._~+/";
	size_t n;

	if (s == NULL || (n = strspn(s, alphabet)) == 0)
		return 0;
	return s[n + strspn(s + n, "=")] == '\0';
}
