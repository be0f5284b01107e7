/*
 * diag.c - CBOR written as text.  See diag.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "diag.h"

#define STRING_MAX	1024

static const char *diag_item(struct cbor_out *o, const char *p);

static const char *
diag_skip(const char *p)
{
	return p + strspn(p, " ,:\n\t");
}

/* How many items stand before that bracket. */
static size_t
diag_count(const char *p, char end)
{
	struct cbor_out o;
	size_t n = 0;

	cbor_out_init(&o, 65536);
	for (p = diag_skip(p); *p != end; p = diag_skip(p), n++)
		p = diag_item(&o, p);
	cbor_out_free(&o);
	return n;
}

static const char *
diag_bytes(struct cbor_out *o, const char *p)
{
	uint8_t b[STRING_MAX];
	char digits[3] = "";
	size_t n = 0;

	for (; *p != '\''; p += 2) {
		assert_true(p[0] != '\0' && p[1] != '\0' && n < sizeof(b));
		memcpy(digits, p, 2);
		b[n++] = (uint8_t)strtoul(digits, NULL, 16);
	}
	cbor_out_bytes(o, b, n);
	return p + 1;
}

static const char *
diag_text(struct cbor_out *o, const char *p)
{
	const char *end = strchr(p, '"');
	char s[STRING_MAX];

	assert_non_null(end);
	assert_true((size_t)(end - p) < sizeof(s));
	memcpy(s, p, (size_t)(end - p));
	s[end - p] = '\0';
	cbor_out_text(o, s);
	return end + 1;
}

static const char *
diag_number(struct cbor_out *o, const char *p)
{
	uint8_t b[STRING_MAX];
	char *end;
	long v;

	v = strtol(p, &end, 10);
	if (end == p)
		fail_msg("what is %s?", p);
	if (*end != '*') {
		cbor_out_int(o, v);
		return end;
	}
	assert_true(v >= 0 && (size_t)v <= sizeof(b));
	memset(b, (int)strtoul(end + 1, &end, 16), (size_t)v);
	cbor_out_bytes(o, b, (size_t)v);
	return end;
}

static const char *
diag_item(struct cbor_out *o, const char *p)
{
	char end;

	if (*p == '{' || *p == '[') {
		end = *p == '{' ? '}' : ']';
		p++;
		if (end == '}')
			cbor_out_map(o, diag_count(p, end) / 2);
		else
			cbor_out_array(o, diag_count(p, end));
		for (p = diag_skip(p); *p != end; p = diag_skip(p))
			p = diag_item(o, p);
		return p + 1;
	}
	if (strncmp(p, "h'", 2) == 0)
		return diag_bytes(o, p + 2);
	if (*p == '"')
		return diag_text(o, p + 1);
	if (strncmp(p, "true", 4) == 0 || strncmp(p, "false", 5) == 0) {
		cbor_out_bool(o, *p == 't');
		return p + (*p == 't' ? 4 : 5);
	}
	return diag_number(o, p);
}

void
diag(struct cbor_out *o, const char *text)
{
	const char *end = diag_item(o, diag_skip(text));

	assert_int_equal(*diag_skip(end), '\0');
	assert_int_equal(o->error, 0);
}
