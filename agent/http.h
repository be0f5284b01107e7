/*
 * http.h - connections that speak HTTP, seen by those who answer requests.
 *
 * A request is handed to the server's handler once it is whole.  The handler
 * answers at once (http_answer), or parks the request and answers later, or
 * turns the connection into a stream of events.  Answers leave after the
 * batch's commit (loop.h).  One request at a time a connection: the next is
 * parsed after the answer was taken over by the kernel.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_HTTP_H
#define AGENT_HTTP_H

#include <stddef.h>
#include <stdint.h>

#include "agent/caller.h"
#include "agent/door.h"
#include "agent/http_head.h"
#include "agent/loop.h"
#include "base/buf.h"

#define HTTP_REQUEST_MS		5000	/* a request whole, counted from its first byte (or from connecting) */
#define HTTP_IDLE_MS		60000	/* a kept connection between requests */
#define HTTP_WRITE_MS		10000	/* an answer (or the events waiting) taken by the client */
#define HTTP_LINGER_MS		1000	/* reading on after a refusal, so that it arrives */
#define HTTP_STREAM_MAX		65536	/* bytes of events a client may be behind */
#define HTTP_ANSWER_MAX		262144	/* bytes of an answer */

struct http_server;
struct http_conn;

enum http_socket { HTTP_API = 1, HTTP_ADMIN = 2 };

/* Valid, with all that it points to, until the answer is given (parked
 * requests too) or gone() is called. */
struct http_request {
	struct http_conn *conn;
	enum http_socket socket;	/* where it came in */
	const struct caller *caller;
	struct http_head head;
	const char *body;		/* head.content_length bytes, wiped after the answer */
};

/* Who is let in: door.h; a uid at its own limit is answered 503 and closed.
 * handler must answer, park or stream before it returns (else: 500).
 * TSR_NOMEM.  http_server_free calls gone() of all that is parked; neither it
 * nor http_server_drain may be called from within handler or gone. */
int http_server_new(struct loop *l, const struct door_limits *limits,
    void (*handler)(void *arg, const struct http_request *r), void *arg,
    struct http_server **out);
void http_server_free(struct http_server **s);

/* A request that is over. */
struct http_done {
	const struct http_request *request;	/* its caller and socket; the rest may be gone */
	unsigned endpoint;	/* as http_set_endpoint said, 0 where nobody did */
	int status;		/* what left, or 0: the client went away before */
	int waited;		/* it was parked */
	uint64_t us;		/* from its being whole to the commit that let its answer out */
};

/* Tell done() of each.  It must not touch the connection. */
void http_server_observe(struct http_server *s,
    void (*done)(void *arg, const struct http_done *d), void *arg);
/* For the handler: which endpoint this request is for. */
void http_set_endpoint(struct http_conn *c, unsigned endpoint);

/* Accept on a listening socket (ours to close from now on, also on error).  Errors as
 * door_listen. */
int http_server_listen(struct http_server *s, int fd, enum http_socket kind);
/* Its door, for other servers' connections: theirs are counted with its own, and
 * they are gone before it is. */
struct door *http_server_door(struct http_server *s);
/* Stop accepting; idle connections and streams end now, the others after the
 * answer under way.  http_server_count says how many are left behind the door. */
void http_server_drain(struct http_server *s);
uint32_t http_server_count(const struct http_server *s);

/* For struct loop_batch.flush: write what the batch answered. */
void http_server_flush(struct http_server *s, int committed);

/* Answer with a JSON body (NULL body: none).  To be called once a request; a
 * second call is ignored.  Never frees the connection.  Adds Cache-Control: no-store,
 * Content-Type, Content-Length.  extra: further whole header lines with CRLF,
 * or NULL.  body is copied.  wrote says that the answer reports something the
 * batch's commit makes durable: if the commit fails, a 503
 * temporarily_unavailable leaves instead. */
void http_answer(struct http_conn *c, int status, const char *extra,
    const void *body, size_t n, int wrote);

/* The same with another Content-Type than JSON's; nothing was written. */
void http_answer_as(struct http_conn *c, int status, const char *type, const void *body, size_t n);

/* {"error":code,"error_description":text} with the status; text is escaped. */
void http_error(struct http_conn *c, int status, const char *code, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* Keep the request for a later http_answer (or http_stream).  gone() is called once if the
 * client goes away (also half-closed) or the server ends before that; after it
 * the connection must not be used.  Who parks a request that is parked already
 * takes it over: the earlier gone() is forgotten. */
void http_park(struct http_conn *c, void (*gone)(void *arg), void *arg);

/* Turn the connection into text/event-stream; the request is wiped after the
 * handler has returned.  gone() as above, also when the server drains. */
void http_stream(struct http_conn *c, void (*gone)(void *arg), void *arg);
/* Send one event; name and data have no newline (else it is dropped).  A client further behind than
 * HTTP_STREAM_MAX is closed (gone() is called later, from the loop). */
void http_stream_event(struct http_conn *c, const char *name, const char *data, size_t n);

/* Who was refused what, before it could be known what he asked: told of every
 * answer that is an error and of connections that were turned away.  code is a
 * name that lives for ever, as in {"error":code}. */
void http_server_on_refused(struct http_server *s,
    void (*refused)(void *arg, uid_t uid, const char *code), void *arg);
/* Tell it of this request's refusal, once / never: it was told otherwise. */
void http_refused(struct http_conn *c, const char *code);
void http_audited(struct http_conn *c);

const struct caller *http_caller(const struct http_conn *c);

#endif
