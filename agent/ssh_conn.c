/*
 * ssh_conn.c - see ssh_conn.h.
 *
 * A connection is freed by ssh_close alone, which is called from the loop only
 * (its own ready, its timer, the flush, an eviction), never from the functions that
 * handlers call: those mark it and leave it to the flush.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/ssh_conn.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/clock.h"
#include "agent/metrics.h"
#include "base/buf.h"
#include "tessera.h"

#define SSH_SHARE	2	/* at most one of so many connections of a uid comes by ssh.sock */
#define SSH_IN_MAX	(4 + SSH_KEPT_MAX + DOOR_READ_MAX)	/* bytes read ahead */

enum ssh_state {
	SSH_READING,		/* a message, or idle where nothing has come yet */
	SSH_HANDLING,		/* inside the handler */
	SSH_PARKED,		/* the handler will answer later */
	SSH_ANSWERED,		/* waits for the batch's commit */
	SSH_WRITING		/* the client takes the answer */
};

struct ssh_conn {
	struct loop_watch watch;
	struct ssh_server *server;
	struct door_guest guest;
	struct link to_flush;		/* ssh_server.answered */
	struct link to_resume;		/* ssh_server.resume */
	struct timer timer;
	uint32_t interest;		/* EPOLL bits asked for */
	enum ssh_state state;
	int wrote;			/* the answer depends on the batch's commit */
	int broken;			/* to be closed by the flush */
	struct buf in;			/* what was read and not yet consumed */
	size_t need;			/* bytes of in that make the message whole, 0: not known */
	size_t skip;			/* bytes to come of one that is too long to be looked at */
	struct buf out;
	struct ssh_message message;
	void *memory;
	void (*gone)(void *arg);
	void *gone_arg;
	struct caller caller;
};

struct ssh_server {
	struct loop *loop;
	struct door *door;
	struct door_host host;
	void (*handler)(void *arg, const struct ssh_message *m);
	void *arg;
	int draining;
	struct link answered;		/* connections with something for the flush */
	struct link resume;		/* connections with pipelined bytes */
	struct loop_task resume_task;
};

static void
ssh_close(struct ssh_conn *c)
{
	struct ssh_server *s = c->server;
	void (*gone)(void *arg) = c->gone;
	void *arg = c->gone_arg;

	metrics.connections[METRICS_SSH]--;
	link_remove(&c->to_flush);
	link_remove(&c->to_resume);
	timer_disarm(loop_timers(s->loop), &c->timer);
	loop_del(s->loop, &c->watch);
	(void)close(c->watch.fd);
	door_leave(s->door, &c->guest);
	caller_clear(&c->caller);
	buf_free(&c->in);
	buf_free(&c->out);
	free(c->memory);
	free(c);
	if (gone != NULL)
		gone(arg);
}

static void
ssh_left(struct door_guest *g)
{
	ssh_close(LINK_OF(g, struct ssh_conn, guest));
}

static enum door_use
ssh_use(struct door_guest *g)
{
	const struct ssh_conn *c = LINK_OF(g, struct ssh_conn, guest);

	if (c->state == SSH_HANDLING || c->state == SSH_ANSWERED)
		return DOOR_BUSY;
	if (c->state != SSH_READING)
		return DOOR_WAITING;
	return c->in.len == 0 && c->skip == 0 ? DOOR_IDLE : DOOR_READING;
}

/* Its time is over. */
static void
ssh_late(void *arg)
{
	ssh_close(arg);
}

static int
ssh_deadline(struct ssh_conn *c, uint64_t ms)
{
	return timer_arm(loop_timers(c->server->loop), &c->timer, clock_boot_ms() + ms, ssh_late, c);
}

static int
ssh_interest(struct ssh_conn *c, uint32_t events)
{
	int r;

	if (c->interest == events)
		return TSR_OK;
	if ((r = loop_mod(c->server->loop, &c->watch, events)) == TSR_OK)
		c->interest = events;
	return r;
}

/* --- answers --- */

/* Put the connection on the flush list. */
static void
ssh_mark(struct ssh_conn *c)
{
	if (link_empty(&c->to_flush))
		link_append(&c->server->answered, &c->to_flush);
	loop_wake(c->server->loop);
}

static void
ssh_put(struct ssh_conn *c, const void *p, size_t n)
{
	buf_reset(&c->out);
	if (n > SSH_ANSWER_MAX || buf_put_string(&c->out, p, n) != TSR_OK)
		c->broken = 1;
}

void
ssh_answer(struct ssh_conn *c, const void *p, size_t n, int wrote)
{
	if (c->state != SSH_HANDLING && c->state != SSH_PARKED)
		return;
	c->gone = NULL;
	c->state = SSH_ANSWERED;
	c->wrote = wrote;
	ssh_put(c, p, n);
	ssh_mark(c);
}

void
ssh_answer_type(struct ssh_conn *c, uint8_t type)
{
	ssh_answer(c, &type, 1, 0);
}

void
ssh_park(struct ssh_conn *c, void (*gone)(void *arg), void *arg)
{
	if (c->state != SSH_HANDLING && c->state != SSH_PARKED)
		return;
	c->state = SSH_PARKED;
	c->gone = gone;
	c->gone_arg = arg;
}

void *
ssh_memory(const struct ssh_conn *c)
{
	return c->memory;
}

void
ssh_remember(struct ssh_conn *c, void *memory)
{
	if (c->memory != memory)
		free(c->memory);
	c->memory = memory;
}

/* --- reading --- */

/* The length of the next message; TSR_INVALID. */
static int
ssh_length(struct ssh_conn *c)
{
	struct reader r;
	uint32_t n;

	reader_init(&r, c->in.data, c->in.len);
	if (c->need != 0 || reader_u32(&r, &n) != TSR_OK)
		return TSR_OK;
	if (n == 0 || n > SSH_MESSAGE_MAX)
		return TSR_INVALID;
	c->need = 4 + (size_t)n;
	return TSR_OK;
}

/* A whole message goes to the handler, one that is too long is forgotten and fails.
 * May close. */
static void
ssh_parse(struct ssh_conn *c)
{
	if (ssh_length(c) != TSR_OK) {
		ssh_close(c);
		return;
	}
	if (c->need > 4 + SSH_KEPT_MAX && c->in.len < c->need) {
		c->skip = c->need - c->in.len;
		c->need = 0;
		buf_free(&c->in);
		return;
	}
	if (c->need == 0 || c->in.len < c->need)
		return;
	timer_disarm(loop_timers(c->server->loop), &c->timer);
	c->state = SSH_HANDLING;
	c->message.type = c->in.data[4];
	c->message.p = c->in.data + 5;
	c->message.n = c->need - 5;
	if (c->need <= 4 + SSH_KEPT_MAX)
		c->server->handler(c->server->arg, &c->message);
	if (c->state == SSH_HANDLING)
		ssh_answer_type(c, SSH_FAILURE);
}

/* The n bytes in scratch belong to one that is too long, as far as it goes. */
static size_t
ssh_skip(struct ssh_conn *c, size_t n)
{
	size_t gone = n < c->skip ? n : c->skip;

	if (gone == 0)
		return 0;
	c->skip -= gone;
	if (c->skip > 0)
		return gone;
	timer_disarm(loop_timers(c->server->loop), &c->timer);
	c->state = SSH_HANDLING;
	ssh_answer_type(c, SSH_FAILURE);
	return gone;
}

static void
ssh_read(struct ssh_conn *c)
{
	struct door *d = c->server->door;
	size_t skipped;
	ssize_t n;
	int r;

	if ((n = door_recv(d, c->watch.fd, &c->caller)) == 0)
		return;
	if (n < 0) {
		ssh_close(c);
		return;
	}
	skipped = ssh_skip(c, (size_t)n);
	r = buf_put(&c->in, d->scratch + skipped, (size_t)n - skipped);
	sodium_memzero(d->scratch, (size_t)n);
	if (r == TSR_OK && c->state == SSH_READING && c->skip == 0 && c->timer.pos == 0)
		r = ssh_deadline(c, SSH_MESSAGE_MS);
	if (r != TSR_OK)
		ssh_close(c);
	else if (c->state == SSH_READING && c->skip == 0)
		ssh_parse(c);
}

static void
ssh_ready(struct loop_watch *w, uint32_t events)
{
	struct ssh_conn *c = LINK_OF(w, struct ssh_conn, watch);

	if ((events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) {
		ssh_close(c);		/* half closed is closed */
		return;
	}
	if ((events & EPOLLOUT) != 0 && c->state == SSH_WRITING)
		ssh_mark(c);		/* the flush writes */
	else if ((events & EPOLLIN) != 0 && c->state == SSH_READING)
		ssh_read(c);
	else if ((events & EPOLLIN) != 0 &&
	    ssh_interest(c, c->interest & ~(uint32_t)EPOLLIN) != TSR_OK)
		ssh_close(c);		/* the next message waits for this one's answer */
}

/* The answer has left: the next message. */
static void
ssh_written(struct ssh_conn *c)
{
	buf_free(&c->out);
	if (c->need == c->in.len)
		buf_free(&c->in);
	else
		buf_consume(&c->in, c->need);
	c->need = 0;
	c->state = SSH_READING;
	timer_disarm(loop_timers(c->server->loop), &c->timer);
	door_rest(&c->guest);
	if ((c->server->draining && c->in.len == 0) ||
	    ssh_interest(c, EPOLLIN | EPOLLRDHUP) != TSR_OK ||
	    (c->in.len > 0 && ssh_deadline(c, SSH_MESSAGE_MS) != TSR_OK)) {
		ssh_close(c);
		return;
	}
	if (c->in.len > 0) {
		link_append(&c->server->resume, &c->to_resume);
		loop_defer(c->server->loop, &c->server->resume_task);
	}
}

/* Write what waits and go on from there.  May close. */
static void
ssh_flush(struct ssh_conn *c, int committed)
{
	static const uint8_t failure = SSH_FAILURE;
	ssize_t n;

	if (c->state == SSH_ANSWERED && c->wrote && committed != TSR_OK)
		ssh_put(c, &failure, 1);
	if (c->broken) {
		ssh_close(c);
		return;
	}
	n = send(c->watch.fd, c->out.data, c->out.len, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n == -1 && errno != EAGAIN && errno != EINTR) {
		ssh_close(c);
		return;
	}
	if (n == (ssize_t)c->out.len) {
		ssh_written(c);
		return;
	}
	if (n > 0)
		buf_consume(&c->out, (size_t)n);
	/* Counted from the first try: a client that takes a little now and then
	 * gains nothing. */
	if (ssh_interest(c, EPOLLOUT | EPOLLRDHUP) != TSR_OK ||
	    (c->state == SSH_ANSWERED && ssh_deadline(c, SSH_WRITE_MS) != TSR_OK))
		ssh_close(c);
	else
		c->state = SSH_WRITING;
}

/* --- the server --- */

/* Another host, to which the agent is forwarded, has its user's ssh open as many as it
 * likes: the rest is for him, who may want to end his session. */
static int
ssh_has_room(const struct door *d, const struct door_uid *u)
{
	struct link *l;
	uint32_t n = 0;

	for (l = u->guests.next; l != &u->guests; l = l->next)
		n += LINK_OF(l, struct door_guest, of_uid)->close == ssh_left;
	return n < (d->limits.connections_per_uid + SSH_SHARE - 1) / SSH_SHARE;
}

static int
ssh_admit(void *arg, int kind, int fd, const struct caller *caller, struct door_uid *u)
{
	struct ssh_server *s = arg;
	struct ssh_conn *c;

	(void)kind;
	if (!ssh_has_room(s->door, u)) {
		door_refusal(s->door, u->uid, "too_many_connections");
		metrics.refused[METRICS_REFUSED_FULL]++;
		return TSR_UNAVAILABLE;
	}
	if ((c = calloc(1, sizeof(*c))) == NULL)
		return TSR_NOMEM;
	c->server = s;
	c->guest.use = ssh_use;
	c->guest.close = ssh_left;
	c->watch.fd = fd;
	c->watch.ready = ssh_ready;
	c->interest = EPOLLIN | EPOLLRDHUP;
	c->state = SSH_READING;
	c->caller = *caller;
	c->message.conn = c;
	c->message.caller = &c->caller;
	buf_init(&c->in, SSH_IN_MAX);
	buf_init(&c->out, 4 + SSH_ANSWER_MAX);
	link_init(&c->to_flush);
	link_init(&c->to_resume);
	if (loop_add(s->loop, &c->watch, c->interest) != TSR_OK) {
		free(c);
		return TSR_SYSTEM;
	}
	door_enter(s->door, &c->guest, u);
	metrics.accepted[METRICS_SSH]++;
	metrics.connections[METRICS_SSH]++;
	return TSR_OK;
}

static void
ssh_resume(struct loop_task *t)
{
	struct ssh_server *s = LINK_OF(t, struct ssh_server, resume_task);
	struct ssh_conn *c;
	struct link todo, *l;

	link_take(&todo, &s->resume);
	while ((l = todo.next) != &todo) {
		link_remove(l);
		c = LINK_OF(l, struct ssh_conn, to_resume);
		if (c->state == SSH_READING)
			ssh_parse(c);
	}
}

void
ssh_server_flush(struct ssh_server *s, int committed)
{
	struct link todo, *l;

	/* What gone() answers in here is for the next commit. */
	link_take(&todo, &s->answered);
	while ((l = todo.next) != &todo) {
		link_remove(l);
		ssh_flush(LINK_OF(l, struct ssh_conn, to_flush), committed);
	}
}

int
ssh_server_new(struct loop *l, struct door *door,
    void (*handler)(void *arg, const struct ssh_message *m), void *arg, struct ssh_server **out)
{
	struct ssh_server *s;

	if ((s = calloc(1, sizeof(*s))) == NULL)
		return TSR_NOMEM;
	s->loop = l;
	s->door = door;
	s->host = (struct door_host){ ssh_admit, NULL, s };
	s->handler = handler;
	s->arg = arg;
	s->resume_task.run = ssh_resume;
	link_init(&s->answered);
	link_init(&s->resume);
	*out = s;
	return TSR_OK;
}

int
ssh_server_listen(struct ssh_server *s, int fd)
{
	return door_listen(s->door, fd, &s->host, 0);
}

static int
ssh_over(struct door_guest *g)
{
	return ssh_use(g) == DOOR_IDLE;
}

void
ssh_server_drain(struct ssh_server *s)
{
	s->draining = 1;
	door_close(s->door, ssh_left, ssh_over);
}

void
ssh_server_free(struct ssh_server **sp)
{
	struct ssh_server *s;

	if (sp == NULL || (s = *sp) == NULL)
		return;
	door_stop_listening(s->door);
	door_close(s->door, ssh_left, NULL);
	loop_cancel(s->loop, &s->resume_task);
	free(s);
	*sp = NULL;
}
