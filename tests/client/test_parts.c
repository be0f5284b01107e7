/*
 * test_parts.c - the pure parts of the command line: heads of answers, event
 * streams, questions, forms, lengths of time.
 *
 * SPDX-License-Identifier: ISC
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "client/api.h"
#include "client/ask.h"
#include "client/fail.h"
#include "client/lib/http_answer.h"
#include "client/span.h"
#include "client/lib/sse.h"
#include "tessera.h"

#define J	"Content-Type: application/json\r\n"

static const struct answer_row {
	const char *name, *text;
	int code, status, json, stream;
	size_t length;
} answers[] = {
	{ "200 with a body", "HTTP/1.1 200 OK\r\n" J "Content-Length: 2\r\n\r\n{}", 0, 200, 1, 0, 2 },
	{ "no reason", "HTTP/1.1 404\r\n" J "Content-Length: 0\r\n\r\n", 0, 404, 1, 0, 0 },
	{ "names in any case, blanks around", "HTTP/1.1 200 OK\r\ncontent-TYPE:\t APPLICATION/json \r\ncontent-length:2\r\n\r\n", 0, 200, 1, 0, 2 },
	{ "type with a parameter", "HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: 2\r\n\r\n", 0, 200, 1, 0, 2 },
	{ "a stream", "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n", 0, 200, 0, 1, 0 },
	{ "204", "HTTP/1.1 204 No Content\r\n\r\n", 0, 204, 0, 0, 0 },
	{ "incomplete", "HTTP/1.1 200 OK\r\nConte", TSR_AGAIN, 0, 0, 0, 0 },
	{ "nothing", "", TSR_AGAIN, 0, 0, 0, 0 },
	{ "another type that begins the same (RFC 9110 8.3)", "HTTP/1.1 200 OK\r\nContent-Type: application/jsonp\r\nContent-Length: 2\r\n\r\n", 0, 200, 0, 0, 2 },
	{ "HTTP/1.0 (RFC 9112 2.3)", "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", TSR_INVALID, 0, 0, 0, 0 },
	{ "lower case", "http/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", TSR_INVALID, 0, 0, 0, 0 },
	{ "status of four digits (RFC 9110 15)", "HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n", TSR_INVALID, 0, 0, 0, 0 },
	{ "status 100", "HTTP/1.1 100 Continue\r\nContent-Length: 0\r\n\r\n", TSR_INVALID, 0, 0, 0, 0 },
	{ "status 600", "HTTP/1.1 600 X\r\nContent-Length: 0\r\n\r\n", TSR_INVALID, 0, 0, 0, 0 },
	{ "bare LF (RFC 9112 2.2)", "HTTP/1.1 200 OK\nContent-Length: 0\n\n", TSR_INVALID, 0, 0, 0, 0 },
	{ "empty first line", "\r\n\r\n", TSR_INVALID, 0, 0, 0, 0 },
	{ "folded (RFC 9112 5.2)", "HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 0\r\n\r\n", TSR_INVALID, 0, 0, 0, 0 },
	{ "blank before the colon (RFC 9112 5.1)", "HTTP/1.1 200 OK\r\nContent-Length : 0\r\n\r\n", TSR_INVALID, 0, 0, 0, 0 },
	{ "no colon", "HTTP/1.1 200 OK\r\nContent-Length\r\n\r\n", TSR_INVALID, 0, 0, 0, 0 },
	{ "empty name", "HTTP/1.1 200 OK\r\n: a\r\nContent-Length: 0\r\n\r\n", TSR_INVALID, 0, 0, 0, 0 },
	{ "length twice (RFC 9112 6.3)", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nContent-Length: 0\r\n\r\n", TSR_INVALID, 0, 0, 0, 0 },
	{ "length with a sign", "HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\n", TSR_INVALID, 0, 0, 0, 0 },
	{ "length empty", "HTTP/1.1 200 OK\r\nContent-Length: \r\n\r\n", TSR_INVALID, 0, 0, 0, 0 },
	{ "length of 20 digits", "HTTP/1.1 200 OK\r\nContent-Length: 00000000000000000001\r\n\r\n", TSR_INVALID, 0, 0, 0, 0 },
	{ "length beyond the limit", "HTTP/1.1 200 OK\r\nContent-Length: 262145\r\n\r\n", TSR_TOO_LARGE, 0, 0, 0, 0 },
	{ "no length", "HTTP/1.1 200 OK\r\n" J "\r\n", TSR_INVALID, 0, 0, 0, 0 },
	{ "a stream with a length", "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: 1\r\n\r\n", TSR_INVALID, 0, 0, 0, 0 },
	{ "chunked (RFC 9112 6.1)", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", TSR_INVALID, 0, 0, 0, 0 },
	{ "type twice", "HTTP/1.1 200 OK\r\n" J J "Content-Length: 0\r\n\r\n", TSR_INVALID, 0, 0, 0, 0 },
	{ "control character in a value", "HTTP/1.1 200 OK\r\nX: \x01\r\nContent-Length: 0\r\n\r\n", TSR_INVALID, 0, 0, 0, 0 },
};

/* In memory of exactly that size, for the sanitizer. */
static int
parse_exact(const char *text, size_t n, struct http_answer *a)
{
	char *copy = malloc(n > 0 ? n : 1);
	int r;

	assert_non_null(copy);
	memcpy(copy, text, n);
	r = http_answer_parse(copy, n, a);
	free(copy);
	return r;
}

static void
test_answers(void **state)
{
	const struct answer_row *row;
	struct http_answer a;
	size_t i, n;
	int r;

	(void)state;
	for (i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		row = &answers[i];
		memset(&a, 0, sizeof(a));
		n = strlen(row->text);
		r = parse_exact(row->text, n, &a);
		if (r != row->code)
			fail_msg("%s: %d", row->name, r);
		if (a.status != row->status || a.json != row->json || a.stream != row->stream ||
		    a.length != row->length)
			fail_msg("%s: wrong answer", row->name);
		/* No beginning of a good head is refused or taken for whole. */
		for (n = a.head_len; r == 0 && n-- > 0;)
			if (parse_exact(row->text, n, &a) != TSR_AGAIN)
				fail_msg("%s: cut at %zu", row->name, n);
	}
}

static void
test_answer_limits(void **state)
{
	static char big[HTTP_ANSWER_HEAD_MAX + 100];
	static const char head[] = "HTTP/1.1 200 OK\r\nX: ";
	struct http_answer a;

	(void)state;
	memset(big, 'a', sizeof(big));
	memcpy(big, head, sizeof(head) - 1);
	assert_int_equal(http_answer_parse(big, HTTP_ANSWER_HEAD_MAX - 1, &a), TSR_AGAIN);
	assert_int_equal(http_answer_parse(big, HTTP_ANSWER_HEAD_MAX, &a), TSR_TOO_LARGE);
	assert_int_equal(http_answer_parse(big, sizeof(big), &a), TSR_TOO_LARGE);
}

static const struct sse_row {
	const char *name, *text;
	int code;
	const char *event, *data;
	size_t used;
} events[] = {
	{ "an event", "event: ready\ndata: {}\n\n", 0, "ready", "{}", 23 },
	{ "CRLF", "event: ready\r\ndata: {}\r\n\r\n", 0, "ready", "{}", 26 },
	{ "comments before", ":\n: x\n\nevent: a\ndata: 1\n\n", 0, "a", "1", 25 },
	{ "no blank after the colon", "event:a\ndata:1\n\n", 0, "a", "1", 16 },
	{ "data first, no name", "data: 1\n\nevent: b\n", 0, "", "1", 9 },
	{ "other fields are passed over", "id: 7\nretry: 9\nevent: a\nnonsense\ndata: 1\n\n", 0, "a", "1", 42 },
	{ "a name without data dispatches nothing", "event: a\n\nevent: b\ndata: 1\n\n", 0, "b", "1", 28 },
	{ "only comments", ":\n:\n", TSR_AGAIN, NULL, NULL, 4 },
	{ "half an event", ":\nevent: a\ndata: 1\n", TSR_AGAIN, NULL, NULL, 2 },
	{ "half a line", "event: a", TSR_AGAIN, NULL, NULL, 0 },
	{ "nothing", "", TSR_AGAIN, NULL, NULL, 0 },
	{ "data twice", "event: a\ndata: 1\ndata: 2\n\n", TSR_INVALID, NULL, NULL, 0 },
	{ "name twice", "event: a\nevent: b\ndata: 1\n\n", TSR_INVALID, NULL, NULL, 0 },
	{ "name too long", "event: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\ndata: 1\n\n", TSR_INVALID, NULL, NULL, 0 },
};

static void
test_events(void **state)
{
	const struct sse_row *row;
	struct sse_event e;
	size_t i, used;
	int r;

	(void)state;
	for (i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
		row = &events[i];
		used = 0;
		r = sse_parse(row->text, strlen(row->text), &e, &used);
		if (r != row->code || (r != TSR_INVALID && used != row->used))
			fail_msg("%s: %d, %zu used", row->name, r, used);
		if (r != TSR_OK)
			continue;
		assert_string_equal(e.name, row->event);
		assert_int_equal(e.data_len, strlen(row->data));
		assert_memory_equal(e.data, row->data, e.data_len);
	}
}

static void
test_event_limit(void **state)
{
	static char big[SSE_EVENT_MAX + 10];
	static const char head[] = "data: ";
	struct sse_event e;
	size_t used;

	(void)state;
	memset(big, 'a', sizeof(big));
	memcpy(big, head, sizeof(head) - 1);
	assert_int_equal(sse_parse(big, SSE_EVENT_MAX, &e, &used), TSR_AGAIN);
	assert_int_equal(sse_parse(big, SSE_EVENT_MAX + 1, &e, &used), TSR_TOO_LARGE);
}

static const struct ask_row {
	const char *name, *json;
	int code;
	const char *complaint;
	int tries, seconds;
} asks[] = {
	{ "all members", "{\"prompt\":\"p1\",\"purpose\":\"login\",\"tries_left\":3,\"retry\":false,\"seconds_left\":9.5}", 0, "", 3, 9 },
	{ "the least", "{\"prompt\":\"aZ0-_\"}", 0, "", -1, 0 },
	{ "retry", "{\"prompt\":\"p\",\"retry\":true,\"tries_left\":2}", 0, "wrong PIN, 2 tries left", 2, 0 },
	{ "retry, one left", "{\"prompt\":\"p\",\"retry\":true,\"tries_left\":1}", 0, "wrong PIN, 1 try left", 1, 0 },
	{ "retry, not known", "{\"prompt\":\"p\",\"retry\":true,\"tries_left\":null}", 0, "wrong PIN", -1, 0 },
	{ "retry, low", "{\"prompt\":\"p\",\"retry\":true,\"tries_left\":null,\"pin\":\"low\"}", 0, "wrong PIN, few tries may be left", -1, 0 },
	{ "low", "{\"prompt\":\"p\",\"tries_left\":null,\"pin\":\"low\"}", 0, "a wrong PIN was entered before, few tries may be left", -1, 0 },
	{ "final", "{\"prompt\":\"p\",\"tries_left\":1,\"pin\":\"final\"}", 0, "1 try left before the token locks itself", 1, 0 },
	{ "in order", "{\"prompt\":\"p\",\"tries_left\":null,\"pin\":\"ok\"}", 0, "", -1, 0 },
	{ "few", "{\"prompt\":\"p\",\"tries_left\":1}", 0, "1 try left before the token locks itself", 1, 0 },
	{ "no id", "{\"purpose\":\"login\"}", TSR_INVALID, NULL, 0, 0 },
	{ "empty id", "{\"prompt\":\"\"}", TSR_INVALID, NULL, 0, 0 },
	{ "id with a slash", "{\"prompt\":\"../x\"}", TSR_INVALID, NULL, 0, 0 },
	{ "id with a newline", "{\"prompt\":\"a\\nb\"}", TSR_INVALID, NULL, 0, 0 },
	{ "id too long", "{\"prompt\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}", TSR_INVALID, NULL, 0, 0 },
	{ "negative tries", "{\"prompt\":\"p\",\"tries_left\":-1}", TSR_INVALID, NULL, 0, 0 },
};

static void
test_asks(void **state)
{
	struct ask a;
	char text[ASK_TEXT_MAX];
	json_t *doc;
	size_t i;
	int r;

	(void)state;
	for (i = 0; i < sizeof(asks) / sizeof(asks[0]); i++) {
		doc = json_loads(asks[i].json, 0, NULL);
		assert_non_null(doc);
		r = ask_parse(doc, 1, &a);
		json_decref(doc);
		if (r != asks[i].code)
			fail_msg("%s: %d", asks[i].name, r);
		if (r != TSR_OK)
			continue;
		assert_string_equal(ask_complaint(&a, text, sizeof(text)), asks[i].complaint);
		assert_int_equal(a.tries_left, asks[i].tries);
		assert_int_equal(a.seconds_left, asks[i].seconds);
		assert_true(strlen(ask_text(&a, text, sizeof(text))) > 0);
	}
}

static void
test_forms(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 200);
	assert_int_equal(form_put(&b, "a", "x y"), TSR_OK);
	assert_int_equal(form_put(&b, "b", "&=+%/\xc3\xbc-._*~"), TSR_OK);
	assert_int_equal(b.len, strlen("a=x+y&b=%26%3D%2B%25%2F%C3%BC-._*%7E"));
	assert_memory_equal(b.data, "a=x+y&b=%26%3D%2B%25%2F%C3%BC-._*%7E", b.len);
	buf_free(&b);
	buf_init(&b, 4);
	assert_int_equal(form_put(&b, "name", "value"), TSR_TOO_LARGE);
	buf_free(&b);
}

static void
test_tokens(void **state)
{
	static const struct {
		const char *text;
		int is;
	} rows[] = {
		{ "eyJ.eyJ.abc-_", 1 }, { "a==", 1 }, { "a~+/.", 1 }, { "", 0 }, { "=", 0 }, { "a=b", 0 },
		{ "a b", 0 }, { "a\r\nX: y", 0 }, { "\xc3\xbc", 0 }, { NULL, 0 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(form_is_token(rows[i].text), rows[i].is);
}

static void
test_spans(void **state)
{
	static const struct {
		const char *text;
		int code;
		uint32_t seconds;
	} rows[] = {
		{ "0", 0, 0 }, { "90", 0, 90 }, { "90s", 0, 90 }, { "5m", 0, 300 }, { "8h", 0, 28800 }, { "30d", 0, 2592000 },
		{ "4294967295", 0, UINT32_MAX }, { "4294967296", TSR_INVALID, 0 }, { "99999999999999999999999", TSR_INVALID, 0 },
		{ "50000d", TSR_INVALID, 0 }, { "", TSR_INVALID, 0 }, { "m", TSR_INVALID, 0 }, { "5 m", TSR_INVALID, 0 },
		{ "5mm", TSR_INVALID, 0 }, { "5w", TSR_INVALID, 0 }, { "-5", TSR_INVALID, 0 }, { "1.5h", TSR_INVALID, 0 },
	};
	uint32_t seconds;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		seconds = 0;
		if (span_parse(rows[i].text, &seconds) != rows[i].code || seconds != rows[i].seconds)
			fail_msg("\"%s\": %u", rows[i].text, seconds);
	}
}

static void
test_failures(void **state)
{
	struct failure f;
	json_t *doc;

	(void)state;
	memset(&f, 0, sizeof(f));
	assert_int_equal(fail_set(&f, "usage", "a \xff b"), FAIL_USAGE);
	doc = fail_document(&f);
	assert_string_equal(json_string_value(json_object_get(doc, "error_description")), "a \\xff b");
	json_decref(doc);
	assert_int_equal(fail_answer(&f, 401, json_pack("{s:s, s:i}", "error", "pin_required", "tries_left", 2)), FAIL_AUTH);
	doc = fail_document(&f);
	assert_int_equal(json_integer_value(json_object_get(doc, "tries_left")), 2);
	json_decref(doc);
	assert_int_equal(fail_answer(&f, 500, NULL), FAIL_FAILED);
	assert_string_equal(f.code, "malformed_answer");
	fail_clear(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_answer_limits),
		cmocka_unit_test(test_events),
		cmocka_unit_test(test_event_limit),
		cmocka_unit_test(test_asks),
		cmocka_unit_test(test_forms),
		cmocka_unit_test(test_tokens),
		cmocka_unit_test(test_spans),
		cmocka_unit_test(test_failures),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
