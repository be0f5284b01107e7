/*
 * http_conn.c - a connection's life: read, hand over, write, rest.  See
 * http_conn.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/http_conn.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/clock.h"
#include "agent/metrics.h"
#include "tessera.h"

#define CONN_IN_MAX	(HTTP_HEAD_MAX + HTTP_BODY_MAX + HTTP_READ_MAX)	/* bytes read ahead */
#define CONN_LINGER_READS	16	/* reads a round from a client that was refused */

static void conn_on_timer(void *arg);

/* The timer is moved only to come earlier; one that fires early is set anew.
 * So a busy connection costs the heap nothing. */
static int
conn_deadline(struct http_conn *c, uint64_t due)
{
	c->deadline = due;
	if (due == UINT64_MAX || (c->timer.pos != 0 && c->timer.due_ms <= due))
		return TSR_OK;
	return timer_arm(loop_timers(c->server->loop), &c->timer, due, conn_on_timer, c);
}

static int
conn_interest(struct http_conn *c, uint32_t events)
{
	int r;

	if (c->interest == events)
		return TSR_OK;
	if ((r = loop_mod(c->server->loop, &c->watch, events)) == TSR_OK)
		c->interest = events;
	return r;
}

void
conn_count(struct http_conn *c, int status)
{
	struct http_done d = { .request = &c->request, .endpoint = c->endpoint, .status = status,
	    .waited = (int)c->waited };

	if (c->counted || c->server->done == NULL)
		return;
	c->counted = 1;
	if (c->begun_us != 0)	/* 0: it never was whole */
		d.us = clock_work_us() - c->begun_us;
	c->server->done(c->server->done_arg, &d);
}

/* The request is over: forget it. */
static void
conn_forget_request(struct http_conn *c)
{
	if (c->need != 0) {
		if (c->need == c->in.len)
			buf_free(&c->in);
		else
			buf_consume(&c->in, c->need);
		c->need = 0;
	}
	c->audited = 0;
	sodium_memzero(&c->request.head, sizeof(c->request.head));
	c->request.body = NULL;
}

void
conn_close(struct http_conn *c)
{
	struct http_server *s = c->server;
	void (*gone)(void *arg) = c->gone;
	void *arg = c->gone_arg;

	if (c->state == CONN_PARKED || c->state == CONN_ANSWERED)
		conn_count(c, 0);
	metrics.connections[c->request.socket == HTTP_ADMIN ? METRICS_ADMIN : METRICS_API]--;
	link_remove(&c->to_flush);
	link_remove(&c->to_resume);
	timer_disarm(loop_timers(s->loop), &c->timer);
	loop_del(s->loop, &c->watch);
	(void)close(c->watch.fd);
	door_leave(&s->door, &c->guest);
	caller_clear(&c->caller);
	buf_free(&c->in);
	buf_free(&c->out);
	free(c);
	if (gone != NULL)
		gone(arg);
}

void
conn_left(struct door_guest *g)
{
	conn_close(LINK_OF(g, struct http_conn, guest));
}

static enum door_use
conn_use(struct door_guest *g)
{
	const struct http_conn *c = LINK_OF(g, struct http_conn, guest);

	if (c->state == CONN_HANDLING || c->state == CONN_ANSWERED)
		return DOOR_BUSY;
	if (c->state == CONN_READING && c->in.len == 0 && !c->fresh)
		return DOOR_IDLE;
	return c->state == CONN_READING || c->state == CONN_LINGER ? DOOR_READING : DOOR_WAITING;
}

/* A whole request goes to the handler, a false one is refused. */
static void
conn_parse(struct http_conn *c)
{
	int n;

	if (c->in.len < c->need)
		return;
	/* Parsed again where it came in pieces: the buffer may have moved. */
	n = http_head_parse((const char *)c->in.data, c->in.len, &c->request.head);
	if (n == 0)
		return;
	if (n < 0) {
		conn_refuse(c, -n);
		return;
	}
	c->need = (size_t)n + c->request.head.content_length;
	if (c->in.len < c->need)
		return;
	c->request.body = (const char *)c->in.data + n;
	c->fresh = 0;
	c->waited = c->counted = 0;
	c->endpoint = METRICS_UNKNOWN;
	c->begun_us = clock_work_us();
	c->state = CONN_HANDLING;
	c->server->handler(c->server->arg, &c->request);
	if (c->state == CONN_HANDLING)
		http_error(c, 500, "server_error", "nobody answered");
}

void
conn_resume(struct http_conn *c)
{
	if (c->state != CONN_READING)
		return;
	conn_parse(c);
	if (c->state == CONN_READING &&
	    conn_deadline(c, clock_boot_ms() + HTTP_REQUEST_MS) != TSR_OK)
		conn_close(c);
}

static void
conn_read(struct http_conn *c)
{
	uint64_t due;
	ssize_t n;
	int r, first;

	n = door_recv(&c->server->door, c->watch.fd, &c->caller);
	if (n == 0)
		return;
	if (n < 0) {
		conn_close(c);
		return;
	}
	first = c->in.len == 0;
	r = buf_put(&c->in, c->server->door.scratch, (size_t)n);
	sodium_memzero(c->server->door.scratch, (size_t)n);
	if (r != TSR_OK) {
		conn_close(c);
		return;
	}
	conn_parse(c);
	if (c->state != CONN_READING || !first || c->fresh)
		return;
	due = clock_boot_ms() + HTTP_REQUEST_MS;
	if (conn_deadline(c, due) != TSR_OK)
		conn_close(c);
}

/* Read and forget, for a while, so that a refusal is not lost to a reset. */
static void
conn_linger(struct http_conn *c)
{
	ssize_t n = 0;
	int i;

	for (i = 0; i < CONN_LINGER_READS; i++)
		if ((n = recv(c->watch.fd, c->server->door.scratch, HTTP_READ_MAX, MSG_DONTWAIT)) <= 0)
			break;
	sodium_memzero(c->server->door.scratch, HTTP_READ_MAX);
	if (n == 0 || (n == -1 && errno != EAGAIN && errno != EINTR))
		conn_close(c);
}

static void
conn_ready(struct loop_watch *w, uint32_t events)
{
	struct http_conn *c = LINK_OF(w, struct http_conn, watch);

	if ((events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) {
		conn_close(c);	/* half closed is closed */
		return;
	}
	if ((events & EPOLLOUT) != 0 && (c->state == CONN_WRITING || c->state == CONN_STREAM)) {
		conn_mark(c);	/* the flush writes */
		return;
	}
	if ((events & EPOLLIN) == 0)
		return;
	if (c->state == CONN_READING)
		conn_read(c);
	else if (c->state == CONN_LINGER)
		conn_linger(c);
	else if (conn_interest(c, c->interest & ~(uint32_t)EPOLLIN) != TSR_OK)
		conn_close(c);	/* the next request waits for this one's answer */
}

static void
conn_on_timer(void *arg)
{
	struct http_conn *c = arg;

	if (c->deadline == UINT64_MAX)
		return;
	if (clock_boot_ms() < c->deadline) {
		if (conn_deadline(c, c->deadline) != TSR_OK)
			conn_close(c);
		return;
	}
	if (c->state == CONN_READING && c->in.len > 0)
		conn_refuse(c, 408);
	else
		conn_close(c);
}

/* The answer has left: the next request, or the end. */
static void
conn_written(struct http_conn *c, uint64_t now)
{
	buf_free(&c->out);
	if (c->state == CONN_STREAM) {
		conn_forget_request(c);
		buf_free(&c->in);
		c->deadline = UINT64_MAX;
		if (conn_interest(c, EPOLLRDHUP) != TSR_OK)
			conn_close(c);
		return;
	}
	if (c->refused) {
		buf_free(&c->in);
		c->state = CONN_LINGER;
		if (shutdown(c->watch.fd, SHUT_WR) != 0 ||
		    conn_interest(c, EPOLLIN | EPOLLRDHUP) != TSR_OK ||
		    conn_deadline(c, now + HTTP_LINGER_MS) != TSR_OK)
			conn_close(c);
		return;
	}
	conn_forget_request(c);
	if (c->close) {
		conn_close(c);
		return;
	}
	c->state = CONN_READING;
	door_rest(&c->guest);
	if (conn_interest(c, EPOLLIN | EPOLLRDHUP) != TSR_OK ||
	    conn_deadline(c, now + HTTP_IDLE_MS) != TSR_OK) {
		conn_close(c);
		return;
	}
	if (c->in.len > 0) {
		link_append(&c->server->resume, &c->to_resume);
		loop_defer(c->server->loop, &c->server->resume_task);
	}
}

void
conn_flush(struct http_conn *c, int committed, uint64_t now)
{
	ssize_t n;
	int writing = c->state == CONN_WRITING ||
	    (c->state == CONN_STREAM && c->deadline != UINT64_MAX);

	if (c->state == CONN_ANSWERED && c->wrote && committed != TSR_OK) {
		conn_retract(c);
		link_remove(&c->to_flush);
	}
	if (c->state == CONN_ANSWERED)
		conn_count(c, c->status);
	if (c->broken) {
		conn_close(c);
		return;
	}
	n = c->out.len == 0 ? 0 :
	    send(c->watch.fd, c->out.data, c->out.len, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n == -1 && errno != EAGAIN && errno != EINTR) {
		conn_close(c);
		return;
	}
	if (n == (ssize_t)c->out.len) {
		conn_written(c, now);
		return;
	}
	if (n > 0)
		buf_consume(&c->out, (size_t)n);
	if (c->state == CONN_ANSWERED)
		c->state = CONN_WRITING;
	/* Counted from the first try: a client that takes a little now and then
	 * gains nothing. */
	if (conn_interest(c, EPOLLOUT | EPOLLRDHUP) != TSR_OK ||
	    (!writing && conn_deadline(c, now + HTTP_WRITE_MS) != TSR_OK))
		conn_close(c);
}

int
conn_new(struct http_server *s, int fd, enum http_socket kind,
    const struct caller *caller, struct door_uid *uid)
{
	struct http_conn *c;

	if ((c = calloc(1, sizeof(*c))) == NULL)
		return TSR_NOMEM;
	c->server = s;
	c->guest.use = conn_use;
	c->guest.close = conn_left;
	c->watch.fd = fd;
	c->watch.ready = conn_ready;
	c->interest = EPOLLIN | EPOLLRDHUP;
	c->state = CONN_READING;
	c->fresh = 1;
	c->caller = *caller;
	c->request.conn = c;
	c->request.socket = kind;
	c->request.caller = &c->caller;
	buf_init(&c->in, CONN_IN_MAX);
	buf_init(&c->out, HTTP_ANSWER_MAX);
	link_init(&c->to_flush);
	link_init(&c->to_resume);
	if (loop_add(s->loop, &c->watch, c->interest) != TSR_OK) {
		free(c);
		return TSR_SYSTEM;
	}
	if (conn_deadline(c, clock_boot_ms() + HTTP_REQUEST_MS) != TSR_OK) {
		loop_del(s->loop, &c->watch);
		free(c);
		return TSR_NOMEM;
	}
	door_enter(&s->door, &c->guest, uid);
	metrics.accepted[kind == HTTP_ADMIN ? METRICS_ADMIN : METRICS_API]++;
	metrics.connections[kind == HTTP_ADMIN ? METRICS_ADMIN : METRICS_API]++;
	return TSR_OK;
}
