/*
 * client_answer.c - what an agent (or who took its place) sends to the command
 * line: the head of an answer, the events after it, the question in them.
 *
 * SPDX-License-Identifier: ISC
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "client/ask.h"
#include "client/lib/http_answer.h"
#include "client/lib/sse.h"
#include "tessera.h"
#include "token/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *in, size_t n);

static void
fuzz_ask(const struct sse_event *e)
{
	char text[ASK_TEXT_MAX];
	struct ask a;
	json_t *doc = NULL;

	if (json_read_object(e->data, e->data_len, 8, &doc) == TSR_OK && ask_parse(doc, 1, &a) == TSR_OK) {
		(void)ask_text(&a, text, sizeof(text));
		(void)ask_complaint(&a, text, sizeof(text));
		if (!ask_is_id(a.id))
			abort();
	}
	json_decref(doc);
}

int
LLVMFuzzerTestOneInput(const uint8_t *in, size_t n)
{
	const char *p = (const char *)in;
	struct http_answer a;
	struct sse_event e;
	size_t used;

	if (http_answer_parse(p, n, &a) == TSR_OK) {
		if (a.head_len > n || a.length > HTTP_ANSWER_BODY_MAX || a.status < 200)
			abort();
		p += a.head_len;
		n -= a.head_len;
	}
	while (n > 0 && sse_parse(p, n, &e, &used) == TSR_OK) {
		if (used == 0 || used > n || e.data < p || e.data + e.data_len > p + n)
			abort();
		fuzz_ask(&e);
		p += used;
		n -= used;
	}
	return 0;
}
