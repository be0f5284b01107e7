/*
 * uri.c - see uri.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/uri.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/escape.h"
#include "base/hex.h"
#include "include/tessera.h"

#define URI_MAX	2048	/* bytes of a whole URI */

/* pk11-res-avail and unreserved of RFC 7512 section 2.3. */
static int
uri_plain(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	    (c != '\0' && strchr("-._~:[]@!$'()*+,=&", c) != NULL);
}

/* Undo percent-encoding of in[0..n). */
static int
uri_decode(const char *in, size_t n, uint8_t *out, size_t size, size_t *len)
{
	size_t i, o = 0;
	int hi, lo;

	for (i = 0; i < n; i++) {
		if (o == size)
			return TSR_INVALID;
		if (in[i] == '%') {
			if (i + 2 >= n || (hi = hex_digit(in[i + 1])) < 0 || (lo = hex_digit(in[i + 2])) < 0)
				return TSR_INVALID;
			out[o++] = (uint8_t)(hi << 4 | lo);
			i += 2;
		} else if (uri_plain(in[i])) {
			out[o++] = (uint8_t)in[i];
		} else {
			return TSR_INVALID;
		}
	}
	*len = o;
	return TSR_OK;
}

static int
uri_text(const char *in, size_t n, char *out, int *seen)
{
	uint8_t text[URI_TEXT_MAX - 1];
	size_t len;

	if ((*seen)++ || uri_decode(in, n, text, sizeof(text), &len) != TSR_OK ||
	    len == 0 || !escape_is_text(text, len))
		return TSR_INVALID;
	memcpy(out, text, len);
	out[len] = '\0';
	return TSR_OK;
}

enum uri_name { URI_TOKEN, URI_MANUFACTURER, URI_MODEL, URI_SERIAL, URI_OBJECT, URI_ID, URI_TYPE, URI_NAMES };

static const char *const names[URI_NAMES] = {
	"token", "manufacturer", "model", "serial", "object", "id", "type"
};

static int
uri_is(const char *value, size_t n, const char *word)
{
	return n == strlen(word) && memcmp(value, word, n) == 0;
}

static int
uri_attribute(struct uri *u, enum uri_name name, const char *value, size_t n, int seen[URI_NAMES])
{
	switch (name) {
	case URI_TOKEN:
		return uri_text(value, n, u->token, &seen[name]);
	case URI_MANUFACTURER:
		return uri_text(value, n, u->manufacturer, &seen[name]);
	case URI_MODEL:
		return uri_text(value, n, u->model, &seen[name]);
	case URI_SERIAL:
		return uri_text(value, n, u->serial, &seen[name]);
	case URI_OBJECT:
		return uri_text(value, n, u->object, &seen[name]);
	case URI_ID:
		u->has_id = 1;
		return n == 0 || seen[name]++ ? TSR_INVALID :
		    uri_decode(value, n, u->id, sizeof(u->id), &u->id_len);
	case URI_TYPE:	/* a key pair is meant, by whichever half it was named */
		return !seen[name]++ && (uri_is(value, n, "cert") || uri_is(value, n, "private") ||
		    uri_is(value, n, "public")) ? TSR_OK : TSR_INVALID;
	case URI_NAMES:
		break;
	}
	return TSR_INVALID;
}

static int
uri_part(struct uri *u, const char *part, size_t n, int seen[URI_NAMES], char *err, size_t err_size)
{
	char shown[96];
	const char *eq = memchr(part, '=', n);
	size_t i, len = eq != NULL ? (size_t)(eq - part) : n;

	for (i = 0; eq != NULL && i < URI_NAMES; i++)
		if (strlen(names[i]) == len && memcmp(names[i], part, len) == 0)
			break;
	if (eq == NULL || i == URI_NAMES) {
		(void)snprintf(err, err_size, "\"%s\" is not one of token, manufacturer, model, "
		    "serial, object, id, type", escape_text(shown, sizeof(shown), part, len));
		return TSR_INVALID;
	}
	if (uri_attribute(u, (enum uri_name)i, eq + 1, n - len - 1, seen) != TSR_OK) {
		(void)snprintf(err, err_size, "the value of \"%s\" is malformed or given twice", names[i]);
		return TSR_INVALID;
	}
	return TSR_OK;
}

int
uri_parse(const char *text, struct uri *u, char *err, size_t err_size)
{
	int seen[URI_NAMES] = { 0 };
	struct uri tmp;
	size_t n;

	memset(&tmp, 0, sizeof(tmp));
	if (strncmp(text, "pkcs11:", 7) != 0 || strlen(text) > URI_MAX) {
		(void)snprintf(err, err_size, "a device is named by a URI that begins with \"pkcs11:\"");
		return TSR_INVALID;
	}
	for (text += 7;; text += n + 1) {
		n = strcspn(text, ";?");
		if (text[n] == '?') {
			(void)snprintf(err, err_size, "the part after \"?\" (PINs, module paths) is not accepted");
			return TSR_INVALID;
		}
		if (uri_part(&tmp, text, n, seen, err, err_size) != TSR_OK)
			return TSR_INVALID;
		if (text[n] == '\0')
			break;
	}
	*u = tmp;
	return TSR_OK;
}

static int
uri_put(struct buf *out, const char *name, const void *value, size_t n, int *first)
{
	const uint8_t *v = value;
	size_t i;
	int r;

	if (n == 0)
		return TSR_OK;
	if ((r = buf_printf(out, "%s%s=", *first ? "" : ";", name)) != TSR_OK)
		return r;
	*first = 0;
	for (i = 0; i < n; i++) {
		/* an id is shown as hexadecimal throughout, as other tools do */
		if (value != NULL && strcmp(name, "id") != 0 && uri_plain((char)v[i]))
			r = buf_put_u8(out, v[i]);
		else
			r = buf_printf(out, "%%%02x", v[i]);
		if (r != TSR_OK)
			return r;
	}
	return TSR_OK;
}

int
uri_write(struct buf *out, const struct uri *u)
{
	int r, first = 1;

	if ((r = buf_put_cstr(out, "pkcs11:")) != TSR_OK ||
	    (r = uri_put(out, "token", u->token, strlen(u->token), &first)) != TSR_OK ||
	    (r = uri_put(out, "manufacturer", u->manufacturer, strlen(u->manufacturer), &first)) != TSR_OK ||
	    (r = uri_put(out, "model", u->model, strlen(u->model), &first)) != TSR_OK ||
	    (r = uri_put(out, "serial", u->serial, strlen(u->serial), &first)) != TSR_OK ||
	    (r = uri_put(out, "id", u->id, u->id_len, &first)) != TSR_OK)
		return r;
	return uri_put(out, "object", u->object, strlen(u->object), &first);
}
