/*
 * test_json.c - what strict JSON refuses, and quoting.
 *
 * SPDX-License-Identifier: ISC
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tessera.h"
#include "token/doc.h"
#include "token/json.h"

#define COUNT(t)	(sizeof(t) / sizeof((t)[0]))

static const struct row {
	const char *name, *text;
	int code;
} rows[] = {
	{ "empty object", "{}", TSR_OK },
	{ "whitespace around", " \t\r\n{ } \n", TSR_OK },
	{ "nested to the limit", "{\"a\":[[{}]]}", TSR_OK },
	{ "brackets in strings do not nest", "{\"[[[[[[\":\"{{{{\\\"{{\"}", TSR_OK },
	{ "surrogate pair", "{\"a\":\"\\ud83d\\udd11\"}", TSR_OK },
	{ "one level too deep", "{\"a\":[[{\"b\":[]}]]}", TSR_TOO_LARGE },
	{ "deep and never closed", "{\"a\":[[[[[[[[", TSR_TOO_LARGE },
	{ "nothing", "", TSR_INVALID },
	{ "whitespace alone", "  ", TSR_INVALID },
	{ "array", "[]", TSR_INVALID },
	{ "string", "\"a\"", TSR_INVALID },
	{ "number", "1", TSR_INVALID },
	{ "null", "null", TSR_INVALID },
	{ "duplicate", "{\"a\":1,\"a\":1}", TSR_INVALID },
	{ "duplicate by escape", "{\"a\":1,\"\\u0061\":1}", TSR_INVALID },
	{ "duplicate inside", "{\"x\":{\"a\":1,\"a\":1}}", TSR_INVALID },
	{ "NUL in a name", "{\"a\\u0000b\":1}", TSR_INVALID },
	{ "NUL in a value", "{\"a\":\"\\u0000\"}", TSR_INVALID },
	{ "lone high surrogate", "{\"a\":\"\\ud800\"}", TSR_INVALID },
	{ "lone low surrogate", "{\"a\":\"\\udc00\"}", TSR_INVALID },
	{ "high surrogate twice", "{\"a\":\"\\ud800\\ud800\"}", TSR_INVALID },
	{ "trailing bytes", "{}x", TSR_INVALID },
	{ "two objects", "{}{}", TSR_INVALID },
	{ "closed too often", "{}}", TSR_INVALID },
	{ "closed first", "]", TSR_INVALID },
	{ "crossed brackets", "{\"a\":[}]", TSR_INVALID },
	{ "trailing comma", "{\"a\":1,}", TSR_INVALID },
	{ "single quotes", "{'a':1}", TSR_INVALID },
	{ "name without quotes", "{a:1}", TSR_INVALID },
	{ "comment", "{}/**/", TSR_INVALID },
	{ "BOM", "\xef\xbb\xbf{}", TSR_INVALID },
	{ "UTF-16", "{\0\"\0a", TSR_INVALID },
	{ "Latin-1", "{\"a\":\"\xe9\"}", TSR_INVALID },
	{ "overlong", "{\"a\":\"\xc0\x80\"}", TSR_INVALID },
	{ "raw newline", "{\"a\":\"\n\"}", TSR_INVALID },
	{ "unknown escape", "{\"a\":\"\\x41\"}", TSR_INVALID },
	{ "string never closed", "{\"a\":\"b", TSR_INVALID },
	{ "string ends in a backslash", "{\"a\":\"\\", TSR_INVALID },
	{ "1e400", "{\"a\":1e400}", TSR_INVALID },
	{ "2^63", "{\"a\":9223372036854775808}", TSR_INVALID },
	{ "leading zero", "{\"a\":01}", TSR_INVALID },
	{ "no digit after the point", "{\"a\":1.}", TSR_INVALID },
	{ "Infinity", "{\"a\":Infinity}", TSR_INVALID }
};

static void
test_read(void **state)
{
	struct doc_node nodes[32];
	struct doc d;
	json_t *untouched = json_true(), *o;
	size_t i;
	int r, bare;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		o = untouched;
		/* from memory of that very size, so that ASan sees a read beyond */
		size_t n = strlen(rows[i].text);
		char *copy = malloc(n == 0 ? 1 : n);

		assert_non_null(copy);
		memcpy(copy, rows[i].text, n);
		r = json_read_object(copy, n, 4, &o);
		bare = doc_parse(&d, nodes, COUNT(nodes), copy, n, 4);
		free(copy);
		if (bare != rows[i].code)
			fail_msg("%s, without a library: %d, due %d", rows[i].name, bare, rows[i].code);
		if (r != rows[i].code)
			fail_msg("%s: %d, due %d", rows[i].name, r, rows[i].code);
		if (r == TSR_OK)
			json_decref(o);
		else
			assert_ptr_equal(o, untouched);
	}
	assert_int_equal(json_read_object("{\"a\":\"\0\"}", 9, 4, &o), TSR_INVALID);
	assert_int_equal(json_read_object("{}\0", 3, 4, &o), TSR_INVALID);
	assert_int_equal(json_read_object("{\"a\":1\0}", 8, 4, &o), TSR_INVALID);
	assert_int_equal(doc_parse(&d, nodes, COUNT(nodes), "{\"a\":1\0}", 8, 4), TSR_INVALID);
	assert_int_equal(doc_parse(&d, nodes, 3, "{\"a\":1}", 7, 4), TSR_OK);
	assert_int_equal(doc_parse(&d, nodes, 2, "{\"a\":1}", 7, 4), TSR_TOO_LARGE);
}

static const struct quoted {
	const char *name, *text, *json;
} quoted[] = {
	{ "empty", "", "\"\"" },
	{ "plain", "alice", "\"alice\"" },
	{ "quote and backslash", "a\"b\\c", "\"a\\\"b\\\\c\"" },
	{ "slash stays", "a/b", "\"a/b\"" },
	{ "controls", "\x01\t\n\x1f", "\"\\u0001\\u0009\\u000a\\u001f\"" },
	{ "DEL stays", "\x7f", "\"\x7f\"" },
	{ "UTF-8 of two, three and four", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x94\x91",
	  "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x94\x91\"" },
	{ "the ends of UTF-8", "\xc2\x80\xdf\xbf\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf\xf0\x90\x80\x80\xf4\x8f\xbf\xbf",
	  "\"\xc2\x80\xdf\xbf\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf\xf0\x90\x80\x80\xf4\x8f\xbf\xbf\"" }
};

static void
test_quote(void **state)
{
	struct buf b;
	char text[100];
	size_t i, n;

	(void)state;
	for (i = 0; i < COUNT(quoted); i++) {
		print_message("%s\n", quoted[i].name);
		n = strlen(quoted[i].json);
		buf_init(&b, 100);
		assert_int_equal(json_put_string(&b, quoted[i].text), TSR_OK);
		assert_int_equal(b.len, n);
		assert_memory_equal(b.data, quoted[i].json, n);
		assert_int_equal(json_quote(text, n, quoted[i].text, &n), TSR_OK);
		assert_int_equal(b.len, n);
		assert_memory_equal(text, quoted[i].json, n);
		assert_int_equal(json_quote(text, n - 1, quoted[i].text, &n), TSR_TOO_LARGE);
		buf_free(&b);
	}
}

static void
test_quote_refusals(void **state)
{
	static const char *const bad[] = { "\x80", "\xc3", "\xc3\x28", "\xc1\xbf",
	    "\xe0\x9f\xbf", "\xed\xa0\x80", "\xe2\x82", "\xf0\x8f\xbf\xbf",
	    "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff", "\xf0\x9f\x94" };
	char text[100], many[600];
	struct buf b;
	size_t i, n = 5;

	(void)state;
	buf_init(&b, 20);
	assert_int_equal(buf_put_u8(&b, 'k'), TSR_OK);
	for (i = 0; i < COUNT(bad); i++) {
		assert_int_equal(json_put_string(&b, bad[i]), TSR_INVALID);
		assert_int_equal(json_quote(text, sizeof(text), bad[i], &n), TSR_INVALID);
	}
	assert_int_equal(json_put_string(&b, "\x01\x01\x01"), TSR_TOO_LARGE);
	assert_int_equal(json_quote(text, 1, "", &n), TSR_TOO_LARGE);
	assert_int_equal(json_put_member(&b, "m", "\xff"), TSR_INVALID);
	assert_int_equal(json_put_member(&b, "m", "a text that does not fit"), TSR_TOO_LARGE);
	assert_int_equal(b.len, 1);
	assert_int_equal(n, 5);
	assert_int_equal(json_put_member(&b, "m", "x\""), TSR_OK);
	assert_int_equal(b.len, 11);
	assert_memory_equal(b.data, "k,\"m\":\"x\\\"\"", 11);
	buf_free(&b);

	memset(many, 2, sizeof(many) - 1);
	many[sizeof(many) - 1] = '\0';
	buf_init(&b, 6 * sizeof(many));
	assert_int_equal(json_put_string(&b, many), TSR_OK);
	assert_int_equal(b.len, 6 * (sizeof(many) - 1) + 2);
	buf_free(&b);
}

/* The same table with jansson on our allocator. */
static void
test_wiped_memory(void **state)
{
	json_wipe_memory();
	test_read(state);
}

/* Each name is held against all before it: a limit keeps that short. */
static void
test_members(void **state)
{
	json_t *o = NULL;
	struct buf b;
	unsigned n, i;

	(void)state;
	buf_init(&b, 65536);
	for (n = DOC_MEMBERS_MAX; n <= DOC_MEMBERS_MAX + 1; n++) {
		buf_reset(&b);
		for (i = 0; i < n; i++)
			assert_int_equal(buf_printf(&b, "%s\"%x\":0", i == 0 ? "{" : ",", i), TSR_OK);
		assert_int_equal(buf_put_cstr(&b, "}"), TSR_OK);
		assert_int_equal(json_read_object((char *)b.data, b.len, 1, &o),
		    n == DOC_MEMBERS_MAX ? TSR_OK : TSR_TOO_LARGE);
	}
	assert_int_equal(json_object_size(o), DOC_MEMBERS_MAX);
	json_decref(o);
	buf_free(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_quote),
		cmocka_unit_test(test_quote_refusals),
		cmocka_unit_test(test_members),
		cmocka_unit_test(test_wiped_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
