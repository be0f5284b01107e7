/*
 * http_form.c - see http_form.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/http_form.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "base/hex.h"
#include "tessera.h"

/* Decode one name or value to *to and move *to behind its NUL. */
static int
form_decode(const char *in, size_t n, char **to)
{
	char *p = *to;
	size_t i;
	int hi, lo;

	for (i = 0; i < n; i++) {
		if (in[i] == '%') {
			if (n - i < 3 || (hi = hex_digit(in[i + 1])) < 0 ||
			    (lo = hex_digit(in[i + 2])) < 0)
				return TSR_INVALID;
			*p++ = (char)(hi * 16 + lo);
			i += 2;
		} else if (in[i] == '+') {
			*p++ = ' ';
		} else if (in[i] > ' ' && in[i] < 0x7f) {
			*p++ = in[i];
		} else {
			return TSR_INVALID;	/* RFC 6749 B: the rest comes encoded */
		}
	}
	if (!escape_is_text(*to, (size_t)(p - *to)))
		return TSR_INVALID;
	*p++ = '\0';
	*to = p;
	return TSR_OK;
}

static int
form_pair(const char *in, size_t n, struct form *f, char **to)
{
	const char *eq;
	char *name, *value;
	size_t i, name_n;
	int r;

	if ((eq = memchr(in, '=', n)) == NULL || eq == in)
		return TSR_INVALID;
	if (f->n == FORM_FIELDS_MAX)
		return TSR_TOO_LARGE;
	name_n = (size_t)(eq - in);
	name = *to;
	if ((r = form_decode(in, name_n, to)) != TSR_OK)
		return r;
	value = *to;
	if ((r = form_decode(eq + 1, n - name_n - 1, to)) != TSR_OK)
		return r;
	for (i = 0; i < f->n; i++)
		if (strcmp(f->field[i].name, name) == 0)
			return TSR_INVALID;
	f->field[f->n].name = name;
	f->field[f->n].value = value;
	f->n++;
	return TSR_OK;
}

int
form_parse(const char *in, size_t n, struct form *out)
{
	struct form f;
	const char *amp;
	char *to;
	size_t at, len;
	int r = TSR_OK;

	memset(&f, 0, sizeof(f));
	if (n > FORM_MAX)
		return TSR_TOO_LARGE;
	if (n > 0) {
		/* Each pair loses its "=" and "&" and gains two NULs. */
		f.size = n + 1;
		if ((f.memory = malloc(f.size)) == NULL)
			return TSR_NOMEM;
		to = f.memory;
		for (at = 0; at <= n && r == TSR_OK; at += len + 1) {
			amp = at < n ? memchr(in + at, '&', n - at) : NULL;
			len = amp == NULL ? n - at : (size_t)(amp - in) - at;
			r = form_pair(in + at, len, &f, &to);
		}
	}
	if (r != TSR_OK) {
		form_free(&f);
		return r;
	}
	*out = f;
	return TSR_OK;
}

void
form_free(struct form *f)
{
	if (f->memory != NULL)
		sodium_memzero(f->memory, f->size);
	free(f->memory);
	memset(f, 0, sizeof(*f));
}

const char *
form_get(const struct form *f, const char *name)
{
	size_t i;

	for (i = 0; i < f->n; i++)
		if (strcmp(f->field[i].name, name) == 0)
			return f->field[i].value[0] == '\0' ? NULL : f->field[i].value;
	return NULL;
}
