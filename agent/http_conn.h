/*
 * http_conn.h - inside of http.h: one connection (http_conn.c), its answers
 * (http_answer.c) and the server that holds them all (http_server.c).
 *
 * A connection is freed by conn_close alone, which is called from the loop
 * only (its own ready, timers, the flush, an eviction), never from the
 * functions that handlers call: those mark it and leave it to the flush.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_HTTP_CONN_H
#define AGENT_HTTP_CONN_H

#include "agent/door.h"
#include "agent/http.h"
#include "agent/link.h"
#include "agent/timer.h"

#define HTTP_READ_MAX	DOOR_READ_MAX

enum conn_state {
	CONN_READING,		/* a request, or idle where nothing has come yet */
	CONN_HANDLING,		/* inside the handler */
	CONN_PARKED,		/* the handler will answer later */
	CONN_ANSWERED,		/* waits for the batch's commit */
	CONN_WRITING,		/* the client takes the answer */
	CONN_STREAM,		/* events */
	CONN_LINGER		/* refused: reads and forgets until the client has closed */
};

struct http_conn {
	struct loop_watch watch;
	struct http_server *server;
	struct door_guest guest;
	struct link to_flush;		/* http_server.answered */
	struct link to_resume;		/* http_server.resume */
	struct timer timer;		/* fires at deadline or, left early, before */
	uint64_t deadline;		/* ms; UINT64_MAX: none */
	uint32_t interest;		/* EPOLL bits asked for */
	enum conn_state state;
	unsigned fresh : 1;		/* no request yet: its time runs from accept */
	unsigned close : 1;		/* after this answer */
	unsigned refused : 1;		/* the answer refuses what was read */
	unsigned wrote : 1;		/* the answer depends on the batch's commit */
	unsigned audited : 1;		/* this request's refusal was told of */
	unsigned broken : 1;		/* to be closed by the flush */
	unsigned waited : 1;		/* the request was parked */
	unsigned counted : 1;		/* the observer has been told of it */
	unsigned endpoint;		/* the handler's number */
	int status;			/* of the answer */
	uint64_t begun_us;		/* when the request was whole */
	struct buf in;			/* what was read and not yet consumed */
	size_t need;			/* bytes of in that make the request whole, once known */
	struct buf out;
	struct http_request request;
	void (*gone)(void *arg);
	void *gone_arg;
	struct caller caller;
};

struct http_server {
	struct loop *loop;
	struct door door;
	struct door_host host;
	void (*handler)(void *arg, const struct http_request *r);
	void *arg;
	void (*done)(void *arg, const struct http_done *d);
	void *done_arg;
	int draining;
	struct link answered;		/* connections with something for the flush */
	struct link resume;		/* connections with pipelined bytes */
	struct loop_task resume_task;
};

/* http_conn.c */

/* A connection on an accepted socket; takes fd and caller over on success.
 * TSR_NOMEM, TSR_SYSTEM. */
int conn_new(struct http_server *s, int fd, enum http_socket kind,
    const struct caller *caller, struct door_uid *uid);
/* Leave every list, release all, then call gone(). */
void conn_close(struct http_conn *c);
void conn_left(struct door_guest *g);	/* the same, for the door */
/* Write what waits and go on from there.  May close. */
void conn_flush(struct http_conn *c, int committed, uint64_t now);
/* Tell the observer, once a request. */
void conn_count(struct http_conn *c, int status);
/* Parse what is in the buffer already.  May close. */
void conn_resume(struct http_conn *c);

/* http_answer.c */

/* Put the connection on the flush list. */
void conn_mark(struct http_conn *c);
/* Replace the answer that a failed commit made untrue. */
void conn_retract(struct http_conn *c);
/* Refuse what was read with a status; the connection ends after it. */
void conn_refuse(struct http_conn *c, int status);
/* {"error":...} for an accept that is turned away: a whole answer. */
extern const char conn_full[];

#endif
