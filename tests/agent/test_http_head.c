/*
 * test_http_head.c - the strict HTTP head: what is taken, what is refused.
 *
 * SPDX-License-Identifier: ISC
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/http_head.h"
#include "tests/agent/head_rows.h"

static const struct good {
	const char *name, *text;
	enum http_method method;
	const char *path, *query, *host, *type, *authorization, *dpop, *accept;
	size_t length;
	int has_length, close;
} good[] = {
	{ "the least", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", HTTP_GET, "/", NULL, "a",
	    NULL, NULL, NULL, NULL, 0, 0, 0 },
	{ "an empty Host", "GET /a HTTP/1.1\r\nHost:\r\n\r\n", HTTP_GET, "/a", NULL, "",
	    NULL, NULL, NULL, NULL, 0, 0, 0 },
	{ "a Host with brackets and port", "DELETE /session HTTP/1.1\r\nHost: [::1]:80\r\n\r\n",
	    HTTP_DELETE, "/session", NULL, "[::1]:80", NULL, NULL, NULL, NULL, 0, 0, 0 },
	{ "as curl sends it", "POST /token HTTP/1.1\r\nHost: localhost\r\nUser-Agent: curl/7.88.1\r\n"
	    "Accept: */*\r\nContent-Length: 12\r\n"
	    "Content-Type: application/x-www-form-urlencoded\r\n\r\n",
	    HTTP_POST, "/token", NULL, "localhost", "application/x-www-form-urlencoded", NULL, NULL,
	    "*/*", 12, 1, 0 },
	{ "a path with dots and tilde", "GET /.well-known/jwks.json HTTP/1.1\r\nHost: a\r\n\r\n",
	    HTTP_GET, "/.well-known/jwks.json", NULL, "a", NULL, NULL, NULL, NULL, 0, 0, 0 },
	{ "dots inside a segment", "GET /a..b/...c HTTP/1.1\r\nHost: a\r\n\r\n",
	    HTTP_GET, "/a..b/...c", NULL, "a", NULL, NULL, NULL, NULL, 0, 0, 0 },
	{ "a query", "GET /events?prompter=self&x=%41/?:@ HTTP/1.1\r\nHost: a\r\n\r\n",
	    HTTP_GET, "/events", "prompter=self&x=%41/?:@", "a", NULL, NULL, NULL, NULL, 0, 0, 0 },
	{ "an empty query", "GET /a? HTTP/1.1\r\nHost: a\r\n\r\n", HTTP_GET, "/a", "", "a",
	    NULL, NULL, NULL, NULL, 0, 0, 0 },
	{ "9110 5.1 names in any case", "GET /a HTTP/1.1\r\nhOST: a\r\nAUTHORIZATION: Bearer x\r\n"
	    "dpop: p\r\n\r\n", HTTP_GET, "/a", NULL, "a", NULL, "Bearer x", "p", NULL, 0, 0, 0 },
	{ "9112 5 blanks around a value", "GET /a HTTP/1.1\r\nHost: \t a \t\r\n\r\n", HTTP_GET, "/a",
	    NULL, "a", NULL, NULL, NULL, NULL, 0, 0, 0 },
	{ "9110 7.6.1 Connection: close", "GET /a HTTP/1.1\r\nHost: a\r\nConnection: Close\r\n\r\n",
	    HTTP_GET, "/a", NULL, "a", NULL, NULL, NULL, NULL, 0, 0, 1 },
	{ "9110 7.6.1 close in a list", "GET /a HTTP/1.1\r\nHost: a\r\nConnection: te , close\r\n\r\n",
	    HTTP_GET, "/a", NULL, "a", NULL, NULL, NULL, NULL, 0, 0, 1 },
	{ "9110 7.6.1 keep-alive, and a token that holds close",
	    "GET /a HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, closer\r\n\r\n",
	    HTTP_GET, "/a", NULL, "a", NULL, NULL, NULL, NULL, 0, 0, 0 },
	{ "the largest body", "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 65536\r\n\r\n",
	    HTTP_POST, "/a", NULL, "a", NULL, NULL, NULL, NULL, 65536, 1, 0 },
	{ "no body by length", "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n",
	    HTTP_POST, "/a", NULL, "a", NULL, NULL, NULL, NULL, 0, 1, 0 },
	{ "fields of others may be anything printable",
	    "GET /a HTTP/1.1\r\nHost: a\r\nCookie: \xc3\xa9=1\r\nX-Long:\r\n\r\n",
	    HTTP_GET, "/a", NULL, "a", NULL, NULL, NULL, NULL, 0, 0, 0 },
	{ "two Accepts: the first", "GET /a HTTP/1.1\r\nHost: a\r\nAccept: a/b\r\nAccept: c/d\r\n\r\n",
	    HTTP_GET, "/a", NULL, "a", NULL, NULL, NULL, "a/b", 0, 0, 0 },
};

static void
same_text(const struct http_text *t, const char *want)
{
	if (want == NULL) {
		assert_null(t->p);
		return;
	}
	assert_non_null(t->p);
	assert_int_equal(t->n, strlen(want));
	assert_memory_equal(t->p, want, t->n);
}

/* Memory of exactly n bytes, so that a byte read beyond is seen. */
static int
parse(const char *text, size_t n, struct http_head *h)
{
	char *p = malloc(n == 0 ? 1 : n);
	int r;

	assert_non_null(p);
	memcpy(p, text, n);
	r = http_head_parse(p, n, h);
	if (r > 0)		/* texts point into p: the caller wants them in text */
		r = http_head_parse(text, n, h);
	free(p);
	return r;
}

static void
test_good(void **state)
{
	struct http_head h, untouched;
	size_t i, cut, n;
	int r;

	(void)state;
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		n = strlen(good[i].text);
		memset(&untouched, 0x5a, sizeof(untouched));
		for (cut = 0; cut < n; cut++) {
			h = untouched;
			if (parse(good[i].text, cut, &h) != 0)
				fail_msg("%s: not whole at %zu of %zu", good[i].name, cut, n);
			assert_memory_equal(&h, &untouched, sizeof(h));
		}
		if ((r = parse(good[i].text, n, &h)) != (int)n)
			fail_msg("%s: %d", good[i].name, r);
		assert_int_equal(h.method, good[i].method);
		same_text(&h.path, good[i].path);
		same_text(&h.query, good[i].query);
		same_text(&h.host, good[i].host);
		same_text(&h.content_type, good[i].type);
		same_text(&h.authorization, good[i].authorization);
		same_text(&h.dpop, good[i].dpop);
		same_text(&h.accept, good[i].accept);
		assert_int_equal(h.content_length, good[i].length);
		assert_int_equal(h.has_content_length, good[i].has_length);
		assert_int_equal(h.close, good[i].close);
	}
}

static void
test_refused(void **state)
{
	struct http_head h;
	size_t i, cut;
	int r;

	(void)state;
	assert_true(HEAD_ROWS >= 31);
	for (i = 0; i < HEAD_ROWS; i++) {
		if ((r = parse(head_rows[i].text, head_rows[i].n, &h)) != -head_rows[i].status)
			fail_msg("%s: %d, not %d", head_rows[i].name, r, -head_rows[i].status);
		/* In pieces the verdict comes early or with the last byte, never as a 2xx. */
		for (cut = 0; cut < head_rows[i].n; cut++)
			if (parse(head_rows[i].text, cut, &h) > 0)
				fail_msg("%s: accepted at %zu", head_rows[i].name, cut);
	}
}

/* A head of exactly n bytes with so many fields. */
static char *
make_head(size_t n, size_t fields)
{
	static const char begin[] = "GET / HTTP/1.1\r\nHost: a\r\n";
	char *p = malloc(n + 1), *at = p;
	size_t i;

	assert_non_null(p);
	at += sprintf(at, "%s", begin);
	for (i = 1; i + 1 < fields; i++)
		at += sprintf(at, "X: y\r\n");
	at += sprintf(at, "X: ");
	memset(at, 'y', n - 4 - (size_t)(at - p));
	memcpy(p + n - 4, "\r\n\r\n", 4);
	return p;
}

static void
test_limits(void **state)
{
	static const struct row {
		const char *name;
		size_t n, fields;
		int want;
	} rows[] = {
		{ "the longest head", HTTP_HEAD_MAX, 2, HTTP_HEAD_MAX },
		{ "one byte more", HTTP_HEAD_MAX + 1, 2, -431 },
		{ "far too long", 4 * HTTP_HEAD_MAX, 2, -431 },
		{ "the most fields", 1000, HTTP_FIELDS_MAX, 1000 },
		{ "one field more", 1000, HTTP_FIELDS_MAX + 1, -431 },
	};
	struct http_head h;
	char *p;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		p = make_head(rows[i].n, rows[i].fields);
		if (parse(p, rows[i].n, &h) != rows[i].want)
			fail_msg("%s", rows[i].name);
		/* Without its end: too long is known as soon as the limit is reached. */
		assert_int_equal(parse(p, rows[i].n - 4, &h),
		    rows[i].n - 4 >= HTTP_HEAD_MAX ? -431 : 0);
		free(p);
	}
}

static void
test_every_byte(void **state)
{
	static const char text[] = "GET /a?b=c HTTP/1.1\r\nHost: a\r\nDPoP: p\r\n\r\n";
	char changed[sizeof(text)];
	struct http_head h;
	size_t at;
	int byte, r;

	(void)state;
	/* Whatever one byte becomes: a known status, or a head with a Host. */
	for (at = 0; at < sizeof(text) - 1; at++)
		for (byte = 0; byte < 256; byte++) {
			memcpy(changed, text, sizeof(text));
			changed[at] = (char)byte;
			r = parse(changed, sizeof(text) - 1, &h);
			assert_true(r == 0 || r == -400 || r == -501 || r == -505 || r == -417 ||
			    (r > 0 && h.host.p != NULL && h.path.p != NULL));
			if (byte < 0x20 && byte != '\t' && text[at] != byte)
				assert_true(r <= 0);
		}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_every_byte),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
