/*
 * doc.c - fuzz target: the reader without a library accepts what jansson
 * accepts, refuses what it refuses, and reads the same values; so does what
 * json.c makes of it, also while memory is out.
 *
 * SPDX-License-Identifier: ISC
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tessera.h"
#include "tests/fuzz/scarce.h"
#include "token/doc.h"
#include "token/json.h"

#define DEPTH	16
#define NODES	4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require(int condition)
{
	if (!condition)
		abort();
}

static void compare(const struct doc *d, const struct doc_node *v, const json_t *j);

static void
compare_text(const struct doc *d, const struct doc_node *v, const char *s, size_t len)
{
	char *out = malloc(len + 1);
	size_t n = 0;

	require(out != NULL);
	require(doc_text(d, v, out, len + 1, &n) == TSR_OK && n == len && memcmp(out, s, n) == 0);
	require(doc_equal(d, v, s) && (len == 0 || doc_text(d, v, out, len, &n) == TSR_TOO_LARGE));
	free(out);
}

static void
compare_members(const struct doc *d, const struct doc_node *v, const json_t *j)
{
	const struct doc_node *name;
	const json_t *value;
	size_t n = 0;

	for (name = doc_first(d, v); name != NULL; name = doc_next(d, name), n++) {
		char *key = malloc(name->len + 1);

		require(key != NULL && doc_text(d, name, key, name->len + 1, NULL) == TSR_OK);
		value = json_object_get(j, key);
		require(value != NULL && doc_get(d, v, key) == name + 1);
		compare(d, name + 1, value);
		free(key);
	}
	require(n == json_object_size(j));
}

static void
compare(const struct doc *d, const struct doc_node *v, const json_t *j)
{
	const struct doc_node *one;
	int64_t number;
	size_t n = 0;

	switch (json_typeof(j)) {
	case JSON_OBJECT:
		require(doc_is(v, DOC_OBJECT) && v->count == json_object_size(j));
		compare_members(d, v, j);
		break;
	case JSON_ARRAY:
		require(doc_is(v, DOC_ARRAY) && v->count == json_array_size(j));
		for (one = doc_first(d, v); one != NULL; one = doc_next(d, one))
			compare(d, one, json_array_get(j, n++));
		require(n == json_array_size(j));
		break;
	case JSON_STRING:
		require(doc_is(v, DOC_STRING));
		compare_text(d, v, json_string_value(j), json_string_length(j));
		break;
	case JSON_INTEGER:
		require(doc_integer(d, v, &number) == TSR_OK && number == json_integer_value(j));
		break;
	case JSON_REAL:
		require(doc_is(v, DOC_REAL) && doc_integer(d, v, &number) == TSR_INVALID);
		break;
	case JSON_TRUE:
		require(doc_is(v, DOC_TRUE));
		break;
	case JSON_FALSE:
		require(doc_is(v, DOC_FALSE));
		break;
	case JSON_NULL:
		require(doc_is(v, DOC_NULL));
		break;
	}
}

/* What jansson says, with all memory: without, it is not fit to be asked. */
static int
jansson(const char *text, size_t n, json_t **out)
{
	json_error_t error;
	int r;

	if ((r = doc_depth(text, n, DEPTH)) != TSR_OK)
		return r;
	if (memchr(text, '\0', n) != NULL)	/* it passes over one behind a number */
		return TSR_INVALID;
	if ((*out = json_loadb(text, n, JSON_REJECT_DUPLICATES, &error)) == NULL)
		return json_error_code(&error) == json_error_numeric_overflow ? TSR_AGAIN : TSR_INVALID;
	if (json_is_object(*out))
		return TSR_OK;
	json_decref(*out);
	*out = NULL;
	return TSR_INVALID;
}

/* With every allocation, or without some. */
static void
read_object(const uint8_t *data, size_t size)
{
	json_t *o = NULL;
	int r;

	r = json_read_object((const char *)data, size, DEPTH, &o);
	if ((r == TSR_NOMEM && !scarce_hit()) || (r == TSR_OK) != json_is_object(o))
		abort();
	json_decref(o);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct doc_node nodes[NODES];
	static int started;
	struct doc d;
	json_t *o = NULL, *ours = NULL;
	int r, due, read;

	if (!started)
		json_wipe_memory();
	started = 1;
	due = jansson((const char *)data, size, &o);
	r = doc_parse(&d, nodes, NODES, (const char *)data, size, DEPTH);
	require(d.n <= NODES);
	if (r == TSR_OK && due == TSR_OK)
		compare(&d, &nodes[0], o);
	else	/* 1.8e308 is beyond a double, and only its digits say so: TSR_AGAIN */
		require(r == due || due == TSR_AGAIN || r == TSR_TOO_LARGE);
	read = json_read_object((const char *)data, size, DEPTH, &ours);
	require(read == (due == TSR_AGAIN ? TSR_INVALID : due) || read == TSR_TOO_LARGE);
	require((read == TSR_OK) == (ours != NULL) && (ours == NULL || json_equal(o, ours)));
	json_decref(o);
	json_decref(ours);
	scarce_run(read_object, data, size);
	return 0;
}
