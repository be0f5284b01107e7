/*
 * json.c - strict JSON.  See json.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "token/json.h"

#include <math.h>
#include <sodium.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tessera.h"
#include "token/doc.h"

/* --- from what doc.c read to jansson's values --- */

static int json_value(const struct doc *d, const struct doc_node *v, json_t **out);

static int
json_of_string(const struct doc *d, const struct doc_node *v, json_t **out)
{
	char *text;
	size_t n;
	int r;

	if ((text = malloc((size_t)v->len + 1)) == NULL)
		return TSR_NOMEM;
	if ((r = doc_text(d, v, text, (size_t)v->len + 1, &n)) == TSR_OK &&
	    (*out = json_stringn_nocheck(text, n)) == NULL)	/* checked by doc.c */
		r = TSR_NOMEM;
	sodium_memzero(text, (size_t)v->len + 1);
	free(text);
	return r;
}

static int
json_of_real(const struct doc *d, const struct doc_node *v, json_t **out)
{
	char *text;
	double number;

	if ((text = strndup(d->text + v->at, v->len)) == NULL)
		return TSR_NOMEM;
	number = strtod(text, NULL);
	free(text);
	if (!isfinite(number))
		return TSR_INVALID;
	return (*out = json_real(number)) == NULL ? TSR_NOMEM : TSR_OK;
}

static int
json_of_array(const struct doc *d, const struct doc_node *v, json_t *a)
{
	const struct doc_node *one;
	json_t *value;
	int r;

	for (one = doc_first(d, v); one != NULL; one = doc_next(d, one)) {
		if ((r = json_value(d, one, &value)) != TSR_OK)
			return r;
		if (json_array_append_new(a, value) != 0)
			return TSR_NOMEM;
	}
	return TSR_OK;
}

static int
json_of_object(const struct doc *d, const struct doc_node *v, json_t *o)
{
	const struct doc_node *name;
	json_t *key, *value = NULL;
	int r;

	for (name = doc_first(d, v); name != NULL; name = doc_next(d, name)) {
		if ((r = json_of_string(d, name, &key)) != TSR_OK)
			return r;
		if ((r = json_value(d, name + 1, &value)) == TSR_OK &&
		    json_object_set_new_nocheck(o, json_string_value(key), value) != 0)
			r = TSR_NOMEM;
		json_decref(key);
		if (r != TSR_OK)
			return r;
	}
	return TSR_OK;
}

static int
json_value(const struct doc *d, const struct doc_node *v, json_t **out)
{
	json_t *j = NULL;
	int64_t number;
	int r = TSR_OK;

	if (doc_is(v, DOC_STRING))
		r = json_of_string(d, v, &j);
	else if (doc_is(v, DOC_REAL))
		r = json_of_real(d, v, &j);
	else if (doc_is(v, DOC_INTEGER))
		j = doc_integer(d, v, &number) == TSR_OK ? json_integer(number) : NULL;
	else if (doc_is(v, DOC_NULL))
		j = json_null();
	else if (doc_is(v, DOC_TRUE) || doc_is(v, DOC_FALSE))
		j = json_boolean(doc_is(v, DOC_TRUE));
	else if ((j = doc_is(v, DOC_OBJECT) ? json_object() : json_array()) != NULL)
		r = doc_is(v, DOC_OBJECT) ? json_of_object(d, v, j) : json_of_array(d, v, j);
	if (r != TSR_OK) {
		json_decref(j);
		return r;
	}
	*out = j;
	return j == NULL ? TSR_NOMEM : TSR_OK;
}

/* jansson's own parser is not used: where an allocation fails while it reads a
 * string, it goes on without the rest of it and reads and writes beyond. */
int
json_read_object(const char *text, size_t n, unsigned depth, json_t **out)
{
	struct doc_node *nodes;
	struct doc d;
	size_t i, max = 1;
	int r;

	if (n > DOC_TEXT_MAX)
		return TSR_TOO_LARGE;
	if ((r = doc_depth(text, n, depth)) != TSR_OK)
		return r;
	for (i = 0; i < n; i++)		/* no value without one of these before it */
		max += text[i] == '{' || text[i] == '[' || text[i] == ',' || text[i] == ':';
	if ((nodes = calloc(max, sizeof(*nodes))) == NULL)
		return TSR_NOMEM;
	if ((r = doc_parse(&d, nodes, max, text, n, depth)) == TSR_OK)
		r = json_value(&d, &nodes[0], out);
	free(nodes);
	return r;
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
