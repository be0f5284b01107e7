/*
 * http_head.c - any bytes as the head of a request.  What is accepted must be
 * what it claims: whole, of allowed bytes, and the same however it was cut.
 *
 * SPDX-License-Identifier: ISC
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "agent/http_head.h"
#include "tests/fuzz/must.h"
#include "tests/fuzz/scarce.h"

static void
inside(const struct http_text *t, const char *in, size_t n)
{
	size_t i;

	if (t->p == NULL)
		return;
	must(t->p >= in && t->n <= n && (size_t)(t->p - in) <= n - t->n);
	for (i = 0; i < t->n; i++)
		must(t->p[i] == '\t' || (t->p[i] >= ' ' && t->p[i] < 0x7f));
}

static void
check(const struct http_head *h, const char *in, size_t n)
{
	size_t i;

	must(n <= HTTP_HEAD_MAX && memcmp(in + n - 4, "\r\n\r\n", 4) == 0);
	must(h->method == HTTP_GET || h->method == HTTP_POST || h->method == HTTP_DELETE);
	must(h->path.p != NULL && h->path.n > 0 && h->path.p[0] == '/' && h->host.p != NULL);
	must(h->content_length <= HTTP_BODY_MAX && (h->has_content_length || h->content_length == 0));
	inside(&h->path, in, n);
	inside(&h->query, in, n);
	inside(&h->host, in, n);
	inside(&h->content_type, in, n);
	inside(&h->authorization, in, n);
	inside(&h->dpop, in, n);
	inside(&h->accept, in, n);
	must(memmem(h->path.p, h->path.n, "/..", 3) == NULL || h->path.n > 3);
	must(memmem(h->path.p, h->path.n, "//", 2) == NULL && memchr(h->path.p, '%', h->path.n) == NULL);
	for (i = 0; i < n; i++) {
		must(in[i] != '\0');
		if (in[i] == '\n')
			must(i > 0 && in[i - 1] == '\r');
		if (in[i] == '\r')
			must(in[i + 1] == '\n');
	}
}

static void
run(const uint8_t *data, size_t size)
{
	static const int statuses[] = { -400, -413, -417, -431, -501, -505 };
	struct http_head h, cut;
	char *in;
	size_t i;
	int n, r;

	if ((in = calloc(1, size == 0 ? 1 : size)) == NULL)
		return;
	if (size > 0)
		memcpy(in, data, size);
	n = http_head_parse(in, size, &h);
	if (n > 0) {
		must((size_t)n <= size);
		check(&h, in, (size_t)n);
		must(http_head_parse(in, (size_t)n, &cut) == n);
		must(memcmp(&h, &cut, sizeof(h)) == 0);
		must(http_head_parse(in, (size_t)n - 1, &cut) == 0);
		must(http_head_parse(in, (size_t)n / 2, &cut) == 0);
	} else if (n < 0) {
		for (r = 0, i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++)
			r |= n == statuses[i];
		must(r);
		/* In pieces it is not accepted either. */
		must(http_head_parse(in, size / 2, &cut) <= 0);
	}
	free(in);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	scarce_run(run, data, size);
	return 0;
}
