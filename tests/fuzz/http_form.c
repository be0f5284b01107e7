/*
 * http_form.c - any bytes as a form.  What is accepted has names once, text
 * only, and says the same when encoded and read again.
 *
 * SPDX-License-Identifier: ISC
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "agent/http_form.h"
#include "base/escape.h"
#include "tessera.h"
#include "tests/fuzz/must.h"
#include "tests/fuzz/scarce.h"

static char *
encode(char *to, const char *s)
{
	static const char hex[] = "0123456789ABCDEF";

	for (; *s != '\0'; s++) {
		*to++ = '%';
		*to++ = hex[(unsigned char)*s >> 4];
		*to++ = hex[(unsigned char)*s & 15];
	}
	return to;
}

/* Every byte of every field as %XX must be the same form. */
static void
again(const struct form *f, size_t size)
{
	struct form g;
	char *text, *to;
	size_t i;

	if ((text = malloc(3 * size + 1)) == NULL)
		return;
	for (to = text, i = 0; i < f->n; i++) {
		if (i > 0)
			*to++ = '&';
		to = encode(to, f->field[i].name);
		*to++ = '=';
		to = encode(to, f->field[i].value);
	}
	if ((size_t)(to - text) <= FORM_MAX) {
		if (form_parse(text, (size_t)(to - text), &g) != TSR_OK) {
			must(scarce_hit());
			free(text);
			return;
		}
		must(g.n == f->n);
		for (i = 0; i < f->n; i++)
			must(strcmp(f->field[i].name, g.field[i].name) == 0 &&
			    strcmp(f->field[i].value, g.field[i].value) == 0);
		form_free(&g);
	}
	free(text);
}

static void
run(const uint8_t *data, size_t size)
{
	struct form f;
	char *in;
	size_t i, k;
	int r;

	if ((in = calloc(1, size == 0 ? 1 : size)) == NULL)
		return;
	if (size > 0)
		memcpy(in, data, size);
	r = form_parse(in, size, &f);
	free(in);	/* the form has its own memory */
	if (r != TSR_OK) {
		must(r == TSR_INVALID || r == TSR_TOO_LARGE || (r == TSR_NOMEM && scarce_hit()));
		return;
	}
	must(f.n <= FORM_FIELDS_MAX);
	for (i = 0; i < f.n; i++) {
		must(f.field[i].name[0] != '\0');
		must(escape_is_text(f.field[i].name, strlen(f.field[i].name)));
		must(escape_is_text(f.field[i].value, strlen(f.field[i].value)));
		must(f.field[i].value[0] == '\0' ?
		    form_get(&f, f.field[i].name) == NULL :
		    form_get(&f, f.field[i].name) == f.field[i].value);
		for (k = 0; k < i; k++)
			must(strcmp(f.field[i].name, f.field[k].name) != 0);
	}
	again(&f, size);
	form_free(&f);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	scarce_run(run, data, size);
	return 0;
}
