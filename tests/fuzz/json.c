/*
 * json.c - fuzz target: strict JSON, and that what json_quote writes is read
 * back as it was.
 *
 * SPDX-License-Identifier: ISC
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tessera.h"
#include "token/json.h"

#define INPUT_MAX	16384	/* bytes */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
quote_and_read(const char *text)
{
	char *json;
	json_t *o = NULL;
	size_t n = 0, max = 6 * strlen(text) + 16;
	struct buf b;
	int r;

	if ((json = malloc(max)) == NULL)
		return;
	memcpy(json, "{\"a\":", 5);
	r = json_quote(json + 5, max - 6, text, &n);
	buf_init(&b, max);
	if (json_put_string(&b, text) != r ||
	    (r == TSR_OK && (b.len != n || memcmp(b.data, json + 5, n) != 0)))
		abort();	/* the two writers must agree */
	buf_reset(&b);
	if (json_put_member(&b, "a", text) == TSR_OK &&
	    (b.len != n + 5 || memcmp(b.data + 5, json + 5, n) != 0))
		abort();
	buf_free(&b);
	if (r == TSR_OK) {
		json[5 + n] = '}';
		if (json_read_object(json, n + 6, 1, &o) != TSR_OK ||
		    strcmp(json_string_value(json_object_get(o, "a")), text) != 0)
			abort();
		json_decref(o);
	}
	free(json);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	json_t *o = NULL;
	char *text;

	if (size > INPUT_MAX || (text = malloc(size + 1)) == NULL)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	if (json_read_object((const char *)data, size, 16, &o) == TSR_OK) {
		if (!json_is_object(o))
			abort();
		json_decref(o);
	}
	quote_and_read(text);
	free(text);
	return 0;
}
