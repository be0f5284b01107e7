/*
 * head_rows.h - heads that must be refused, for every test that sends some.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef TESTS_HEAD_ROWS_H
#define TESTS_HEAD_ROWS_H

#include <stddef.h>

struct head_row {
	const char *name;	/* with the clause */
	int status;		/* the refusal's */
	const char *text;
	size_t n;
};

#define HEAD(s)	s, sizeof(s) - 1
#define OK_LINE	"GET /healthz HTTP/1.1\r\n"
#define HOST	"Host: localhost\r\n"

static const struct head_row head_rows[] = {
	/* RFC 9112 2.2: lines */
	{ "9112 2.2 bare LF after the request line", 400, HEAD("GET / HTTP/1.1\n" HOST "\r\n") },
	{ "9112 2.2 bare LF after a field", 400, HEAD(OK_LINE "Host: localhost\n\r\n") },
	{ "9112 2.2 bare LF as the last line", 400, HEAD(OK_LINE HOST "\n") },
	{ "9112 2.2 bare LF everywhere", 400, HEAD("GET / HTTP/1.1\nHost: localhost\n\n") },
	{ "9112 2.2 bare CR in a value", 400, HEAD(OK_LINE HOST "X: a\rb\r\n\r\n") },
	{ "9112 2.2 bare CR in the request line", 400, HEAD("GET /\r HTTP/1.1\r\n" HOST "\r\n") },
	{ "9112 2.2 CR CR LF", 400, HEAD(OK_LINE "Host: localhost\r\r\n\r\n") },
	{ "9112 2.2 an empty line in front", 400, HEAD("\r\n" OK_LINE HOST "\r\n") },
	{ "9112 2.2 a blank before the first field", 400, HEAD(OK_LINE " " HOST "\r\n") },
	/* RFC 9112 3: request line */
	{ "9112 3 no version (HTTP/0.9)", 400, HEAD("GET /\r\n") },
	{ "9112 3 two blanks", 400, HEAD("GET  / HTTP/1.1\r\n" HOST "\r\n") },
	{ "9112 3 a tab for a blank", 400, HEAD("GET\t/ HTTP/1.1\r\n" HOST "\r\n") },
	{ "9112 3 a blank at the end", 400, HEAD("GET / HTTP/1.1 \r\n" HOST "\r\n") },
	{ "9112 3 a blank in the path", 400, HEAD("GET /a b HTTP/1.1\r\n" HOST "\r\n") },
	{ "9112 3 empty request line", 400, HEAD(" \r\n" HOST "\r\n") },
	{ "9112 3.1 a method that is no token", 400, HEAD("G@T / HTTP/1.1\r\n" HOST "\r\n") },
	{ "9110 9.1 unknown method", 501, HEAD("BREW / HTTP/1.1\r\n" HOST "\r\n") },
	{ "9110 9.1 method in lower case", 501, HEAD("get / HTTP/1.1\r\n" HOST "\r\n") },
	{ "9112 3.2.2 absolute form", 400, HEAD("GET http://localhost/ HTTP/1.1\r\n" HOST "\r\n") },
	{ "9112 3.2.3 authority form", 400, HEAD("CONNECT localhost:1 HTTP/1.1\r\n" HOST "\r\n") },
	{ "9112 3.2.4 asterisk form", 400, HEAD("OPTIONS * HTTP/1.1\r\n" HOST "\r\n") },
	{ "9112 2.3 HTTP/1.0", 505, HEAD("GET / HTTP/1.0\r\n" HOST "\r\n") },
	{ "9112 2.3 HTTP/2.0", 505, HEAD("GET / HTTP/2.0\r\n" HOST "\r\n") },
	{ "9112 2.3 HTTP/1.10", 400, HEAD("GET / HTTP/1.10\r\n" HOST "\r\n") },
	{ "9112 2.3 version in lower case", 400, HEAD("GET / http/1.1\r\n" HOST "\r\n") },
	/* the path means what it says */
	{ "NUL in the path", 400, HEAD("GET /\0 HTTP/1.1\r\n" HOST "\r\n") },
	{ "DEL in the path", 400, HEAD("GET /\x7f HTTP/1.1\r\n" HOST "\r\n") },
	{ "%00 in the path", 400, HEAD("GET /a%00 HTTP/1.1\r\n" HOST "\r\n") },
	{ "an encoded slash", 400, HEAD("GET /admin%2fcredentials HTTP/1.1\r\n" HOST "\r\n") },
	{ "any percent in the path", 400, HEAD("GET /%61 HTTP/1.1\r\n" HOST "\r\n") },
	{ ".. as a segment", 400, HEAD("GET /a/../b HTTP/1.1\r\n" HOST "\r\n") },
	{ ".. as the last segment", 400, HEAD("GET /a/.. HTTP/1.1\r\n" HOST "\r\n") },
	{ ". as a segment", 400, HEAD("GET /./a HTTP/1.1\r\n" HOST "\r\n") },
	{ "an empty segment", 400, HEAD("GET //a HTTP/1.1\r\n" HOST "\r\n") },
	{ "a slash at the end", 400, HEAD("GET /a/ HTTP/1.1\r\n" HOST "\r\n") },
	{ "a backslash", 400, HEAD("GET /a\\b HTTP/1.1\r\n" HOST "\r\n") },
	{ "a fragment", 400, HEAD("GET /a#b HTTP/1.1\r\n" HOST "\r\n") },
	{ "a byte beyond ASCII in the path", 400, HEAD("GET /\xc3\xa9 HTTP/1.1\r\n" HOST "\r\n") },
	{ "%00 in the query", 400, HEAD("GET /a?b=%00 HTTP/1.1\r\n" HOST "\r\n") },
	{ "half a percent escape in the query", 400, HEAD("GET /a?b=%4 HTTP/1.1\r\n" HOST "\r\n") },
	{ "a false percent escape in the query", 400, HEAD("GET /a?b=%zz HTTP/1.1\r\n" HOST "\r\n") },
	{ "a fragment after the query", 400, HEAD("GET /a?b=c#d HTTP/1.1\r\n" HOST "\r\n") },
	/* RFC 9112 5: fields */
	{ "9112 5.1 a blank before the colon", 400, HEAD(OK_LINE "Host : localhost\r\n\r\n") },
	{ "9112 5.1 an empty name", 400, HEAD(OK_LINE HOST ": a\r\n\r\n") },
	{ "9112 5.1 no colon", 400, HEAD(OK_LINE HOST "Authorization\r\n\r\n") },
	{ "9112 5.1 a name that is no token", 400, HEAD(OK_LINE HOST "X(y): a\r\n\r\n") },
	{ "9112 5.1 NUL in a name", 400, HEAD(OK_LINE HOST "X\0: a\r\n\r\n") },
	{ "9112 5.2 a folded line", 400, HEAD(OK_LINE HOST "X: a\r\n b\r\n\r\n") },
	{ "9112 5.2 a folded line that looks like a field", 400,
	    HEAD(OK_LINE HOST "X: a\r\n\tAuthorization: b\r\n\r\n") },
	{ "9110 5.5 NUL in a value", 400, HEAD(OK_LINE HOST "X: a\0b\r\n\r\n") },
	{ "9110 5.5 a control character in a value", 400, HEAD(OK_LINE HOST "X: a\x01\r\n\r\n") },
	{ "9110 5.5 DEL in a value", 400, HEAD(OK_LINE HOST "X: a\x7f\r\n\r\n") },
	{ "9110 5.5 obs-text in Authorization", 400, HEAD(OK_LINE HOST "Authorization: \xe9\r\n\r\n") },
	/* each at most once */
	{ "9112 3.2 no Host", 400, HEAD(OK_LINE "\r\n") },
	{ "9112 3.2 two Hosts", 400, HEAD(OK_LINE HOST HOST "\r\n") },
	{ "9112 3.2 two Hosts in other case", 400, HEAD(OK_LINE HOST "HOST: x\r\n\r\n") },
	{ "9112 3.2 a Host with a path", 400, HEAD(OK_LINE "Host: a/b\r\n\r\n") },
	{ "9112 3.2 a Host with a user", 400, HEAD(OK_LINE "Host: a@b\r\n\r\n") },
	{ "9112 3.2 a Host with a blank", 400, HEAD(OK_LINE "Host: a b\r\n\r\n") },
	{ "two Content-Lengths alike", 400, HEAD("POST /a HTTP/1.1\r\n" HOST
	    "Content-Length: 1\r\nContent-Length: 1\r\n\r\na") },
	{ "9112 6.3 two Content-Lengths apart", 400, HEAD("POST /a HTTP/1.1\r\n" HOST
	    "Content-Length: 1\r\nContent-Length: 2\r\n\r\na") },
	{ "two Content-Types", 400, HEAD(OK_LINE HOST "Content-Type: a/b\r\nContent-Type: a/b\r\n\r\n") },
	{ "two Authorizations", 400, HEAD(OK_LINE HOST
	    "Authorization: Bearer a\r\nauthorization: Bearer b\r\n\r\n") },
	{ "9449 4.3 two DPoP fields", 400, HEAD(OK_LINE HOST "DPoP: a\r\nDPoP: a\r\n\r\n") },
	/* RFC 9112 6: the body's length */
	{ "9112 6.3 a list in Content-Length", 400, HEAD(OK_LINE HOST "Content-Length: 1, 1\r\n\r\na") },
	{ "9112 6.3 a signed Content-Length", 400, HEAD(OK_LINE HOST "Content-Length: +1\r\n\r\na") },
	{ "9112 6.3 a negative Content-Length", 400, HEAD(OK_LINE HOST "Content-Length: -1\r\n\r\na") },
	{ "9112 6.3 a hexadecimal Content-Length", 400, HEAD(OK_LINE HOST "Content-Length: 0x1\r\n\r\na") },
	{ "9112 6.3 an empty Content-Length", 400, HEAD(OK_LINE HOST "Content-Length:\r\n\r\n") },
	{ "9112 6.3 a blank inside Content-Length", 400, HEAD(OK_LINE HOST "Content-Length: 1 1\r\n\r\n") },
	{ "a body over 64 KiB", 413, HEAD(OK_LINE HOST "Content-Length: 65537\r\n\r\n") },
	{ "a Content-Length that would wrap", 413, HEAD(OK_LINE HOST
	    "Content-Length: 18446744073709551617\r\n\r\n") },
	{ "9112 6.1 a chunked body", 501, HEAD("POST /a HTTP/1.1\r\n" HOST
	    "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n") },
	{ "9112 6.3 Content-Length with Transfer-Encoding", 501, HEAD("POST /a HTTP/1.1\r\n" HOST
	    "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n") },
	{ "9112 6.1 Transfer-Encoding: identity", 501, HEAD(OK_LINE HOST
	    "Transfer-Encoding: identity\r\n\r\n") },
	{ "9110 10.1.1 Expect", 417, HEAD("POST /a HTTP/1.1\r\n" HOST
	    "Content-Length: 1\r\nExpect: 100-continue\r\n\r\na") },
	{ "9110 7.8 Upgrade", 400, HEAD(OK_LINE HOST "Upgrade: websocket\r\n\r\n") },
	{ "9110 7.6.1 a Connection that is no list of tokens", 400, HEAD(OK_LINE HOST
	    "Connection: close;\r\n\r\n") },
	{ "9113 3.4 the HTTP/2 preface", 505, HEAD("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n") },
	{ "a TLS hello", 400, HEAD("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03") },
};

#define HEAD_ROWS	(sizeof(head_rows) / sizeof(head_rows[0]))

#endif
