/*
 * http_head.h - a strict subset of HTTP/1.1 (RFC 9112): request line and
 * header fields.  Pure: bytes in, struct out.
 *
 * Refused with 400 (or the status named): bare LF or CR, NUL, obs-fold,
 * control characters, whitespace before the colon, an empty line in front, a
 * request target that is not an absolute path of unreserved characters (no
 * "%", no segment "", "." or "..", no "#"; a query after "?" has RFC 3986's set,
 * without "%00"), another version than HTTP/1.1 (505), no Host or two,
 * Transfer-Encoding (501), two of Content-Length, Content-Type, Authorization
 * or DPoP, one of these not in ASCII, a Content-Length of anything but digits,
 * Expect (417), Upgrade, over 64 fields or 8 KiB (431), a body over 64 KiB
 * (413), an unknown method (501).
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_HTTP_HEAD_H
#define AGENT_HTTP_HEAD_H

#include <stddef.h>

#define HTTP_HEAD_MAX	8192	/* bytes of request line and fields */
#define HTTP_FIELDS_MAX	64
#define HTTP_BODY_MAX	65536	/* bytes */

enum http_method { HTTP_GET = 1, HTTP_POST, HTTP_DELETE };

struct http_text {		/* into the buffer that was parsed; p NULL where absent */
	const char *p;
	size_t n;
};

struct http_head {
	enum http_method method;
	struct http_text path, query;		/* query without "?" */
	struct http_text host, content_type, authorization, dpop, accept;
	size_t content_length;
	int has_content_length;
	int close;				/* Connection: close */
};

/* Parse in[0..n).  Returns the length of the head with its empty line, 0 while
 * it is not whole, or the negative HTTP status to refuse it with (also before
 * it is whole).  *h is written only where a length is returned. */
int http_head_parse(const char *in, size_t n, struct http_head *h);

#endif
