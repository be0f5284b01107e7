/*
 * http_client.h - one HTTP/1.1 connection to the agent, driven by poll.
 *
 * Everything sent and received may hold a secret: the buffers wipe.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef CLIENT_LIB_HTTP_CLIENT_H
#define CLIENT_LIB_HTTP_CLIENT_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "client/lib/http_answer.h"

struct http_client;

struct http_request {
	const char *method, *target;
	const char *type;	/* Content-Type, NULL where there is no body */
	const void *body;
	size_t body_len;
	const char *bearer;	/* a token for Authorization (RFC 6750 2.1), or NULL */
};

/* fd is non-blocking and the client's from now on, also on error. */
int http_client_new(int fd, struct http_client **out);
void http_client_free(struct http_client **c);	/* closes */

/* Queue a request; nothing is sent yet.  TSR_TOO_LARGE, TSR_NOMEM. */
int http_client_start(struct http_client *c, const struct http_request *rq);

/* Send and receive what goes without waiting.  TSR_OK: *a is the answer (for
 * a stream: its head).  TSR_AGAIN: poll for http_client_events().  TSR_CLOSED:
 * the agent went away; TSR_INVALID, TSR_TOO_LARGE: not an answer; TSR_SYSTEM. */
int http_client_step(struct http_client *c, struct http_answer *a);
int http_client_fd(const struct http_client *c);
short http_client_events(const struct http_client *c);

/* Step until done or deadline_ms (http_client_now()): then TSR_TIMEOUT. */
int http_client_finish(struct http_client *c, uint64_t deadline_ms, struct http_answer *a);

/* What came after the head: of an answer its body, of a stream what
 * http_client_step() has read of it so far.  Dies with the next call. */
const char *http_client_body(const struct http_client *c, size_t *n);

/* A stream: read more (TSR_OK, TSR_AGAIN, TSR_CLOSED, TSR_TOO_LARGE) and drop
 * what was used. */
int http_client_more(struct http_client *c);
void http_client_used(struct http_client *c, size_t n);

/* Milliseconds of CLOCK_BOOTTIME. */
uint64_t http_client_now(void);

#endif
