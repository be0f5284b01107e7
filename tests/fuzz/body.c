/*
 * body.c - any bytes as a JSON request body.  Each call either hands over what
 * was asked for or has answered the request with an error, once.
 *
 * SPDX-License-Identifier: ISC
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/body.h"
#include "agent/http_conn.h"
#include "base/escape.h"
#include "include/tessera.h"
#include "tests/fuzz/must.h"
#include "tests/fuzz/scarce.h"
#include "token/json.h"

/* The request was answered with an error that is JSON, or was it not? */
static int
answered(struct http_conn *c)
{
	const char *body;
	json_t *o;
	int status, r;

	if (c->state == CONN_PARKED)
		return 0;
	if (scarce_hit())		/* perhaps there was none for the answer: the connection ends */
		return 1;
	must(c->state == CONN_ANSWERED && !c->broken);
	if (buf_put_u8(&c->out, 0) != TSR_OK) {
		must(scarce_hit());
		return 1;
	}
	must(sscanf((const char *)c->out.data, "HTTP/1.1 %d ", &status) == 1 && status >= 400);
	must((body = strstr((const char *)c->out.data, "\r\n\r\n")) != NULL);
	r = json_read_object(body + 4, strlen(body + 4), 4, &o);
	must(r == TSR_OK || scarce_hit());
	if (r == TSR_OK)
		json_decref(o);
	return 1;
}

static void
members(struct http_conn *c, const json_t *o)
{
	const char *text = NULL;
	int64_t number = -1;
	int flag = -1, r;

	if ((r = body_text(&c->request, o, "device", &text)) == TSR_OK)
		must(text == NULL || escape_is_text(text, strlen(text)));
	must((r != TSR_OK) == answered(c));
	if (r != TSR_OK)
		return;
	if ((r = body_flag(&c->request, o, "force", &flag)) == TSR_OK)
		must(flag == 0 || flag == 1);
	must((r != TSR_OK) == answered(c));
	if (r != TSR_OK)
		return;
	if ((r = body_number(&c->request, o, "count", 0, 1000, &number)) == TSR_OK)
		must(number >= -1 && number <= 1000);
	must((r != TSR_OK) == answered(c));
}

static struct http_server server;

static void
check(const uint8_t *data, size_t size)
{
	static const char *const types[] = {
		"application/json", "application/json; charset=utf-8", "Application/JSON", "text/plain", NULL
	};
	static const char *const allowed[] = { "device", "force", "label", "count", NULL };
	char peeked[8];
	struct http_conn c;
	const char *type;
	char *body;
	json_t *o = NULL;
	int r;

	if (size == 0 || size - 1 > HTTP_BODY_MAX || (body = malloc(size)) == NULL)
		return;
	memcpy(body, data + 1, size - 1);	/* no NUL behind it */
	type = types[data[0] % 5];
	memset(&c, 0, sizeof(c));
	c.server = &server;
	c.state = CONN_PARKED;
	link_init(&c.to_flush);
	c.request.conn = &c;
	c.request.body = body;
	c.request.head.content_length = size - 1;
	c.request.head.content_type.p = type;
	c.request.head.content_type.n = type != NULL ? strlen(type) : 0;
	if (body_peek(&c.request, "label", peeked, sizeof(peeked)) == TSR_OK)
		must(strlen(peeked) < sizeof(peeked));
	must(!answered(&c));
	r = body_read(&c.request, allowed, &o);
	must((r == TSR_OK) == (o != NULL) && (r != TSR_OK) == answered(&c));
	if (o != NULL)
		members(&c, o);
	body_free(o);
	link_remove(&c.to_flush);
	buf_free(&c.out);
	free(body);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (server.loop == NULL) {
		json_wipe_memory();
		link_init(&server.answered);
		must(loop_new(&server.loop) == TSR_OK);
	}
	scarce_run(check, data, size);
	return 0;
}
