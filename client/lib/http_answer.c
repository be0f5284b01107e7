/*
 * http_answer.c - the head of an answer.  See http_answer.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "client/lib/http_answer.h"

#include <string.h>
#include <strings.h>

#include "tessera.h"

/* What the headers said, and how often. */
struct heads {
	int lengths, types, lines;
};

/* RFC 9110 5.6.2 */
static int
http_answer_is_token(const char *s, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (s[i] <= ' ' || s[i] >= 0x7f || strchr("()<>@,;:\\\"/[]?={}", s[i]) != NULL)
			return 0;
	return n > 0;
}

/* RFC 9110 5.5: visible characters, blanks and tabs. */
static int
http_answer_is_value(const char *s, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (((unsigned char)s[i] < ' ' && s[i] != '\t') || s[i] == 0x7f)
			return 0;
	return 1;
}

static int
http_answer_length(const char *s, size_t n, size_t *out)
{
	size_t i, v = 0;

	if (n == 0 || n > 9)
		return TSR_INVALID;
	for (i = 0; i < n; i++) {
		if (s[i] < '0' || s[i] > '9')
			return TSR_INVALID;
		v = v * 10 + (size_t)(s[i] - '0');
	}
	if (v > HTTP_ANSWER_BODY_MAX)
		return TSR_TOO_LARGE;
	*out = v;
	return TSR_OK;
}

/* "HTTP/1.1 200 reason" */
static int
http_answer_status(const char *line, size_t n, struct http_answer *a)
{
	if (n < 12 || memcmp(line, "HTTP/1.1 ", 9) != 0 || (n > 12 && line[12] != ' '))
		return TSR_INVALID;
	if (line[9] < '2' || line[9] > '5' || line[10] < '0' || line[10] > '9' ||
	    line[11] < '0' || line[11] > '9' || !http_answer_is_value(line + 12, n - 12))
		return TSR_INVALID;
	a->status = (line[9] - '0') * 100 + (line[10] - '0') * 10 + (line[11] - '0');
	return TSR_OK;
}

static int
http_answer_is_type(const char *value, size_t n, const char *type)
{
	size_t len = strlen(type);

	return n >= len && strncasecmp(value, type, len) == 0 &&
	    (n == len || value[len] == ';' || value[len] == ' ');
}

static int
http_answer_header(const char *line, size_t n, struct heads *h, struct http_answer *a)
{
	const char *colon, *value;
	size_t name_len, len;

	if ((colon = memchr(line, ':', n)) == NULL || ++h->lines > HTTP_ANSWER_LINES_MAX)
		return TSR_INVALID;
	name_len = (size_t)(colon - line);
	value = colon + 1;
	len = n - name_len - 1;
	for (; len > 0 && (*value == ' ' || *value == '\t'); value++)
		len--;
	while (len > 0 && (value[len - 1] == ' ' || value[len - 1] == '\t'))
		len--;
	if (!http_answer_is_token(line, name_len) || !http_answer_is_value(value, len))
		return TSR_INVALID;
	if (name_len == 14 && strncasecmp(line, "Content-Length", 14) == 0)
		return h->lengths++ > 0 ? TSR_INVALID : http_answer_length(value, len, &a->length);
	if (name_len == 17 && strncasecmp(line, "Transfer-Encoding", 17) == 0)
		return TSR_INVALID;
	if (name_len == 12 && strncasecmp(line, "Content-Type", 12) == 0) {
		if (h->types++ > 0)
			return TSR_INVALID;
		a->json = http_answer_is_type(value, len, "application/json");
		a->stream = http_answer_is_type(value, len, "text/event-stream");
	}
	return TSR_OK;
}

int
http_answer_parse(const char *in, size_t n, struct http_answer *out)
{
	struct http_answer a;
	struct heads h;
	const char *line = in, *end, *last;
	size_t limit = n < HTTP_ANSWER_HEAD_MAX ? n : HTTP_ANSWER_HEAD_MAX;
	int r;

	memset(&a, 0, sizeof(a));
	memset(&h, 0, sizeof(h));
	last = in + limit;
	for (;;) {
		end = line < last ? memchr(line, '\n', (size_t)(last - line)) : NULL;
		if (end == NULL)
			return n >= HTTP_ANSWER_HEAD_MAX ? TSR_TOO_LARGE : TSR_AGAIN;
		if (end == line || end[-1] != '\r')
			return TSR_INVALID;	/* bare LF */
		if (end - 1 == line)
			break;
		if (line == in)
			r = http_answer_status(line, (size_t)(end - 1 - line), &a);
		else
			r = http_answer_header(line, (size_t)(end - 1 - line), &h, &a);
		if (r != TSR_OK)
			return r;
		line = end + 1;
	}
	if (a.status == 0 || (h.lengths == 0) != (a.stream || a.status == 204))
		return TSR_INVALID;
	a.head_len = (size_t)(end + 1 - in);
	*out = a;
	return TSR_OK;
}
