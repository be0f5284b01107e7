/*
 * http_answer.h - the head of an HTTP answer, read as strictly as the agent
 * writes it (RFC 9112: HTTP/1.1, CRLF only, no folding, no chunks).
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef CLIENT_LIB_HTTP_ANSWER_H
#define CLIENT_LIB_HTTP_ANSWER_H

#include <stddef.h>

#define HTTP_ANSWER_HEAD_MAX	(8 * 1024)	/* bytes of status line and headers */
#define HTTP_ANSWER_LINES_MAX	32		/* headers */
#define HTTP_ANSWER_BODY_MAX	(256 * 1024)	/* bytes of a body */

struct http_answer {
	int status;		/* 200 to 599 */
	int stream;		/* 1: text/event-stream, the body has no end */
	int json;		/* 1: application/json */
	size_t head_len;	/* bytes of the head with its empty line */
	size_t length;		/* Content-Length, 0 for a stream */
};

/* Look at in[0..n).  TSR_AGAIN while the head is not whole; TSR_INVALID for
 * anything but a well-formed head with exactly one Content-Length (none where
 * it is a stream or status 204) and at most one Content-Type; TSR_TOO_LARGE. */
int http_answer_parse(const char *in, size_t n, struct http_answer *a);

#endif
