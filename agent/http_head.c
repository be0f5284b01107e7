/*
 * http_head.c - see http_head.h.
 *
 * Lines are judged as they come: a head that can never become whole (a bare
 * line feed, say) is refused at once and not at its deadline.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/http_head.h"

#include <string.h>
#include <strings.h>

#define CONTENT_LENGTH_DIGITS	6

/* What a byte may be part of. */
#define IS_TOKEN	1u	/* RFC 9110 5.6.2 tchar */
#define IS_PATH		2u	/* RFC 3986 unreserved, and "/" */
#define IS_QUERY	4u	/* RFC 3986 query, "%" checked apart */
#define IS_VALUE	8u	/* VCHAR, SP, HTAB, obs-text */
#define IS_OURS		16u	/* the same in ASCII: fields we read */

static unsigned
head_class(unsigned char c)
{
	unsigned k = 0;
	int alnum, unreserved;

	alnum = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
	unreserved = alnum || (c != '\0' && strchr("-._~", c) != NULL);
	if (alnum || (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL))
		k |= IS_TOKEN;
	if (unreserved || c == '/')
		k |= IS_PATH;
	if (unreserved || (c != '\0' && strchr("!$&'()*+,;=:@/?%", c) != NULL))
		k |= IS_QUERY;
	if (c == '\t' || (c >= ' ' && c != 0x7f))
		k |= IS_VALUE;
	if (c == '\t' || (c >= ' ' && c < 0x7f))
		k |= IS_OURS;
	return k;
}

static unsigned char head_table[256];

/* The length of the run of bytes of a class. */
static size_t
head_span(const char *p, size_t n, unsigned class)
{
	size_t i;

	if (head_table['A'] == 0)
		for (i = 0; i < 256; i++)
			head_table[i] = (unsigned char)head_class((unsigned char)i);
	for (i = 0; i < n && (head_table[(unsigned char)p[i]] & class) != 0; i++)
		continue;
	return i;
}

static int
head_is(const char *p, size_t n, const char *name)
{
	return n == strlen(name) && strncasecmp(p, name, n) == 0;
}

static int
head_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'F') || (c >= 'a' && c <= 'f');
}

/* No segment "." or "..", no empty one: a path means what it says. */
static int
head_path(const char *p, size_t n, struct http_text *path)
{
	size_t at, end;

	if (n == 0 || p[0] != '/' || head_span(p, n, IS_PATH) != n)
		return -400;
	for (at = 1; n > 1 && at <= n; at = end + 1) {
		for (end = at; end < n && p[end] != '/'; end++)
			continue;
		if (end == at || (end - at == 1 && p[at] == '.') ||
		    (end - at == 2 && p[at] == '.' && p[at + 1] == '.'))
			return -400;
	}
	path->p = p;
	path->n = n;
	return 0;
}

static int
head_query(const char *p, size_t n, struct http_text *query)
{
	size_t i;

	if (head_span(p, n, IS_QUERY) != n)
		return -400;
	for (i = 0; i < n; i++)
		if (p[i] == '%' && (n - i < 3 || !head_hex(p[i + 1]) || !head_hex(p[i + 2]) ||
		    (p[i + 1] == '0' && p[i + 2] == '0')))
			return -400;
	query->p = p;
	query->n = n;
	return 0;
}

static int
head_method(const char *p, size_t n, enum http_method *method)
{
	if (n == 3 && memcmp(p, "GET", 3) == 0)
		*method = HTTP_GET;
	else if (n == 4 && memcmp(p, "POST", 4) == 0)
		*method = HTTP_POST;
	else if (n == 6 && memcmp(p, "DELETE", 6) == 0)
		*method = HTTP_DELETE;
	else
		return -501;
	return 0;
}

static int
head_version(const char *p, size_t n)
{
	if (n == 8 && memcmp(p, "HTTP/1.1", 8) == 0)
		return 0;
	if (n == 8 && memcmp(p, "HTTP/", 5) == 0 && p[5] >= '0' && p[5] <= '9' && p[6] == '.' &&
	    p[7] >= '0' && p[7] <= '9')
		return -505;
	return -400;
}

/* RFC 9112 section 3: method SP request-target SP HTTP-version. */
static int
head_request_line(const char *p, size_t n, struct http_head *h)
{
	const char *target, *version, *query;
	size_t method_n, target_n, path_n;
	int r;

	method_n = head_span(p, n, IS_TOKEN);
	if (method_n == 0 || method_n == n || p[method_n] != ' ')
		return -400;
	target = p + method_n + 1;
	if ((version = memchr(target, ' ', n - method_n - 1)) == NULL)
		return -400;
	target_n = (size_t)(version - target);
	version++;
	path_n = target_n;
	if ((query = memchr(target, '?', target_n)) != NULL)
		path_n = (size_t)(query - target);
	if ((r = head_version(version, n - (size_t)(version - p))) != 0 ||
	    (r = head_path(target, path_n, &h->path)) != 0 ||
	    (query != NULL && (r = head_query(query + 1, target_n - path_n - 1, &h->query)) != 0))
		return r;
	return head_method(p, method_n, &h->method);
}

static int
head_content_length(const char *p, size_t n, struct http_head *h)
{
	size_t i, v;

	if (h->has_content_length || n == 0)
		return -400;
	for (v = 0, i = 0; i < n; i++) {
		if (p[i] < '0' || p[i] > '9')
			return -400;
		if (i < CONTENT_LENGTH_DIGITS)
			v = v * 10 + (size_t)(p[i] - '0');
	}
	if (n > CONTENT_LENGTH_DIGITS || v > HTTP_BODY_MAX)
		return -413;
	h->content_length = v;
	h->has_content_length = 1;
	return 0;
}

/* RFC 9110 7.6.1: a list of tokens. */
static int
head_connection(const char *p, size_t n, struct http_head *h)
{
	size_t at, len;

	for (at = 0; at < n; at += len) {
		len = head_span(p + at, n - at, IS_TOKEN);
		if (head_is(p + at, len, "close"))
			h->close = 1;
		if (len == 0) {
			if (p[at] != ',' && p[at] != ' ' && p[at] != '\t')
				return -400;
			len = 1;
		}
	}
	return 0;
}

/* A field that may stand once. */
static int
head_once(const char *p, size_t n, struct http_text *t)
{
	if (t->p != NULL || head_span(p, n, IS_OURS) != n)
		return -400;
	t->p = p;
	t->n = n;
	return 0;
}

static int
head_host(const char *p, size_t n, struct http_head *h)
{
	/* RFC 3986 host and port: what a query may hold, and IPv6 brackets. */
	size_t i;

	for (i = 0; i < n; i++)
		if (p[i] == '/' || p[i] == '?' || p[i] == '@' ||
		    (head_span(p + i, 1, IS_QUERY) == 0 && p[i] != '[' && p[i] != ']'))
			return -400;
	return head_once(p, n, &h->host);
}

static int
head_field(const char *name, size_t n, const char *value, size_t vn, struct http_head *h)
{
	switch (n) {
	case 4:
		if (head_is(name, n, "Host"))
			return head_host(value, vn, h);
		if (head_is(name, n, "DPoP"))
			return head_once(value, vn, &h->dpop);
		break;
	case 6:
		if (head_is(name, n, "Expect"))
			return -417;
		if (head_is(name, n, "Accept") && h->accept.p == NULL)
			return head_once(value, vn, &h->accept);
		break;
	case 7:
		if (head_is(name, n, "Upgrade"))
			return -400;
		break;
	case 10:
		if (head_is(name, n, "Connection"))
			return head_connection(value, vn, h);
		break;
	case 12:
		if (head_is(name, n, "Content-Type"))
			return head_once(value, vn, &h->content_type);
		break;
	case 13:
		if (head_is(name, n, "Authorization"))
			return head_once(value, vn, &h->authorization);
		break;
	case 14:
		if (head_is(name, n, "Content-Length"))
			return head_content_length(value, vn, h);
		break;
	case 17:
		if (head_is(name, n, "Transfer-Encoding"))
			return -501;
		break;
	default:
		break;
	}
	return 0;
}

/* RFC 9112 section 5: field-name ":" OWS field-value OWS. */
static int
head_field_line(const char *p, size_t n, struct http_head *h)
{
	const char *value;
	size_t name_n, value_n;

	name_n = head_span(p, n, IS_TOKEN);
	if (name_n == 0 || name_n == n || p[name_n] != ':')
		return -400;
	value = p + name_n + 1;
	value_n = n - name_n - 1;
	if (head_span(value, value_n, IS_VALUE) != value_n)
		return -400;
	for (; value_n > 0 && (*value == ' ' || *value == '\t'); value_n--)
		value++;
	while (value_n > 0 && (value[value_n - 1] == ' ' || value[value_n - 1] == '\t'))
		value_n--;
	return head_field(p, name_n, value, value_n, h);
}

/* The beginning of a line that is not whole: can it still become good? */
static int
head_partial(const char *p, size_t n, size_t before)
{
	size_t i;

	i = head_span(p, n, IS_VALUE);
	if (i < n && !(i == n - 1 && p[i] == '\r'))
		return -400;
	if (before + n >= HTTP_HEAD_MAX)
		return -431;
	return 0;
}

int
http_head_parse(const char *in, size_t n, struct http_head *out)
{
	struct http_head h;
	const char *lf;
	size_t at, len, lines;
	int r;

	memset(&h, 0, sizeof(h));
	if (n > HTTP_HEAD_MAX)
		n = HTTP_HEAD_MAX;	/* what is beyond can be of the body only */
	for (at = 0, lines = 0;; at += len + 2, lines++) {
		if (at == n || (lf = memchr(in + at, '\n', n - at)) == NULL)
			return head_partial(in + at, n - at, at);
		if (lf == in + at || lf[-1] != '\r')
			return -400;
		len = (size_t)(lf - in) - at - 1;
		if (len == 0 && lines > 0)
			break;
		if (lines > HTTP_FIELDS_MAX)
			return -431;
		r = lines == 0 ? head_request_line(in, len, &h) :
		    head_field_line(in + at, len, &h);
		if (r != 0)
			return r;
	}
	if (h.host.p == NULL)
		return -400;
	*out = h;
	return (int)(at + 2);
}
