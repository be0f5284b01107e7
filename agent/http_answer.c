/*
 * http_answer.c - answers, errors and events, as bytes.  See http.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "agent/http_conn.h"
#include "agent/metrics.h"
#include "base/escape.h"
#include "tessera.h"

#define ERROR_TEXT_MAX	512	/* bytes of an error's description */
#define ANSWER_JSON	"application/json"
#define HEAD_ROOM	256	/* bytes of an answer's own head lines */

#define FULL_BODY "{\"error\":\"temporarily_unavailable\"," \
    "\"error_description\":\"there are too many connections\"}"

_Static_assert(sizeof(FULL_BODY) - 1 == 88, "Content-Length of conn_full");

const char conn_full[] =
    "HTTP/1.1 503 Service Unavailable\r\n"
    "Content-Type: application/json\r\n"
    "Cache-Control: no-store\r\n"
    "Content-Length: 88\r\n"
    "Connection: close\r\n"
    "\r\n"
    FULL_BODY;

static const struct {
	int status;
	const char *line;
} statuses[] = {
	{ 200, "200 OK" },
	{ 201, "201 Created" },
	{ 202, "202 Accepted" },
	{ 204, "204 No Content" },
	{ 400, "400 Bad Request" },
	{ 401, "401 Unauthorized" },
	{ 403, "403 Forbidden" },
	{ 404, "404 Not Found" },
	{ 405, "405 Method Not Allowed" },
	{ 408, "408 Request Timeout" },
	{ 409, "409 Conflict" },
	{ 411, "411 Length Required" },
	{ 413, "413 Content Too Large" },
	{ 415, "415 Unsupported Media Type" },
	{ 417, "417 Expectation Failed" },
	{ 422, "422 Unprocessable Content" },
	{ 423, "423 Locked" },
	{ 429, "429 Too Many Requests" },
	{ 431, "431 Request Header Fields Too Large" },
	{ 500, "500 Internal Server Error" },
	{ 501, "501 Not Implemented" },
	{ 502, "502 Bad Gateway" },
	{ 503, "503 Service Unavailable" },
	{ 504, "504 Gateway Timeout" },
	{ 505, "505 HTTP Version Not Supported" },
};

static const char *
answer_status(int status)
{
	size_t i;

	for (i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++)
		if (statuses[i].status == status)
			return statuses[i].line;
	return answer_status(500);
}

void
conn_mark(struct http_conn *c)
{
	if (link_empty(&c->to_flush))
		link_append(&c->server->answered, &c->to_flush);
	loop_wake(c->server->loop);
}

static int
answer_put(struct buf *b, int status, const char *type, const char *extra, const void *body,
    size_t n, int close)
{
	char length[64];
	int r;

	buf_init(b, HTTP_ANSWER_MAX + HTTP_STREAM_MAX);
	(void)snprintf(length, sizeof(length), "Content-Length: %zu\r\n", n);
	if (status == 204)
		length[0] = '\0';	/* RFC 9110 8.6 */
	if ((r = buf_reserve(b, HEAD_ROOM + n)) != TSR_OK ||
	    (r = buf_put_cstr(b, "HTTP/1.1 ")) != TSR_OK ||
	    (r = buf_put_cstr(b, answer_status(status))) != TSR_OK ||
	    (r = buf_put_cstr(b, n == 0 ? "" : "\r\nContent-Type: ")) != TSR_OK ||
	    (r = buf_put_cstr(b, n == 0 ? "" : type)) != TSR_OK ||
	    (r = buf_put_cstr(b, "\r\n")) != TSR_OK ||
	    (r = buf_put_cstr(b, "Cache-Control: no-store\r\n")) != TSR_OK ||
	    (r = buf_put_cstr(b, length)) != TSR_OK ||
	    (r = buf_put_cstr(b, extra == NULL ? "" : extra)) != TSR_OK ||
	    (r = buf_put_cstr(b, close ? "Connection: close\r\n\r\n" : "\r\n")) != TSR_OK)
		return r;
	return n == 0 ? TSR_OK : buf_put(b, body, n);
}

/* Give the answer to the flush, whatever the state that led to it. */
static void
answer_set(struct http_conn *c, int status, const char *type, const char *extra, const void *body,
    size_t n)
{
	buf_free(&c->out);
	if (n > HTTP_ANSWER_MAX ||
	    answer_put(&c->out, status, type, extra, body, n, (int)c->close) != TSR_OK)
		c->broken = 1;
	c->state = CONN_ANSWERED;
	c->status = status;
	c->gone = NULL;
	c->deadline = UINT64_MAX;
	conn_mark(c);
}

static void
answer_typed(struct http_conn *c, int status, const char *type, const char *extra,
    const void *body, size_t n, int wrote)
{
	if (c->state != CONN_HANDLING && c->state != CONN_PARKED)
		return;
	if (c->request.head.close || c->server->draining)
		c->close = 1;
	c->wrote = wrote != 0;
	answer_set(c, status, type, extra, body, body == NULL ? 0 : n);
}

void
http_answer(struct http_conn *c, int status, const char *extra,
    const void *body, size_t n, int wrote)
{
	answer_typed(c, status, ANSWER_JSON, extra, body, n, wrote);
}

void
http_answer_as(struct http_conn *c, int status, const char *type, const void *body, size_t n)
{
	answer_typed(c, status, type, NULL, body, n, 0);
}

/* The JSON of an error; false where it does not fit. */
static int
answer_error(char *out, size_t size, const char *code, const char *text)
{
	char shown[ERROR_TEXT_MAX];
	size_t at;
	const char *p;
	int n;

	(void)escape_text(shown, sizeof(shown), text, strlen(text));
	n = snprintf(out, size, "{\"error\":\"%s\",\"error_description\":\"", code);
	if (n < 0)
		return 0;
	at = (size_t)n;
	for (p = shown; *p != '\0' && at + 5 < size; p++) {
		if (*p == '"' || *p == '\\')
			out[at++] = '\\';
		out[at++] = *p;
	}
	if (*p != '\0' || at + 3 > size)
		return 0;
	memcpy(out + at, "\"}", 3);
	return 1;
}

static void
answer_error_set(struct http_conn *c, int status, const char *code, const char *text)
{
	char json[2 * ERROR_TEXT_MAX + 128];

	if (!answer_error(json, sizeof(json), code, text))
		(void)snprintf(json, sizeof(json), "{\"error\":\"server_error\"}");
	answer_set(c, status, ANSWER_JSON, NULL, json, strlen(json));
}

void
http_error(struct http_conn *c, int status, const char *code, const char *fmt, ...)
{
	char text[ERROR_TEXT_MAX];
	va_list ap;

	if (c->state != CONN_HANDLING && c->state != CONN_PARKED)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (c->request.head.close || c->server->draining)
		c->close = 1;
	c->wrote = 0;
	http_refused(c, code);
	answer_error_set(c, status, code, text);
}

void
conn_refuse(struct http_conn *c, int status)
{
	c->close = 1;
	c->refused = 1;
	c->wrote = 0;
	http_refused(c, status == 408 ? "timeout" : "invalid_request");
	c->endpoint = METRICS_MALFORMED;
	c->begun_us = 0;
	c->waited = c->counted = 0;
	answer_error_set(c, status, status == 408 ? "timeout" : "invalid_request",
	    status == 408 ? "the request was not whole in time" :
	    status == 413 ? "the body is too large" :
	    status == 431 ? "the head is too large" :
	    status == 501 ? "the method is unknown, or the body has a transfer encoding: "
	    "GET, POST and DELETE are known, and bodies of a Content-Length" : "this is not the HTTP/1.1 spoken here");
}

void
conn_retract(struct http_conn *c)
{
	c->wrote = 0;
	answer_error_set(c, 503, "temporarily_unavailable", "the store cannot be written");
}

void
http_park(struct http_conn *c, void (*gone)(void *arg), void *arg)
{
	if (c->state != CONN_HANDLING && c->state != CONN_PARKED)
		return;
	c->state = CONN_PARKED;
	c->waited = 1;
	c->deadline = UINT64_MAX;
	c->gone = gone;
	c->gone_arg = arg;
}

void
http_stream(struct http_conn *c, void (*gone)(void *arg), void *arg)
{
	static const char head[] =
	    "HTTP/1.1 200 OK\r\n"
	    "Content-Type: text/event-stream\r\n"
	    "Cache-Control: no-store\r\n"
	    "Connection: close\r\n"
	    "\r\n";

	if (c->state != CONN_HANDLING && c->state != CONN_PARKED)
		return;
	conn_count(c, 200);
	c->state = CONN_STREAM;
	c->deadline = UINT64_MAX;
	c->gone = gone;
	c->gone_arg = arg;
	buf_free(&c->out);
	buf_init(&c->out, HTTP_STREAM_MAX);
	if (c->server->draining || buf_put(&c->out, head, sizeof(head) - 1) != TSR_OK)
		c->broken = 1;
	conn_mark(c);
}

void
http_stream_event(struct http_conn *c, const char *name, const char *data, size_t n)
{
	if (c->state != CONN_STREAM || strpbrk(name, "\r\n") != NULL ||
	    memchr(data, '\n', n) != NULL || memchr(data, '\r', n) != NULL)
		return;
	if (c->broken || buf_put_cstr(&c->out, "event: ") != TSR_OK ||
	    buf_put_cstr(&c->out, name) != TSR_OK ||
	    buf_put_cstr(&c->out, "\ndata: ") != TSR_OK ||
	    buf_put(&c->out, data, n) != TSR_OK || buf_put_cstr(&c->out, "\n\n") != TSR_OK)
		c->broken = 1;	/* too far behind: half an event is not sent either */
	conn_mark(c);
}

void
http_audited(struct http_conn *c)
{
	c->audited = 1;
}

void
http_refused(struct http_conn *c, const char *code)
{
	if (!c->audited)
		door_refusal(&c->server->door, c->caller.uid, code);
	c->audited = 1;
}

void
http_set_endpoint(struct http_conn *c, unsigned endpoint)
{
	c->endpoint = endpoint;
}

const struct caller *
http_caller(const struct http_conn *c)
{
	return &c->caller;
}
