/*
 * http_server.c - who is let in, and when answers leave.  See http.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/clock.h"
#include "agent/http_conn.h"
#include "agent/metrics.h"
#include "tessera.h"

#define ACCEPT_MAX	64	/* connections accepted a round, so that requests get their turn */
#define ACCEPT_REST_MS	100	/* without accepting when descriptors or memory are out */

#ifndef SO_PASSPIDFD
#define SO_PASSPIDFD	76	/* Linux 6.5 */
#endif

/* The uid's record, made where there is none; NULL when memory is out. */
static struct http_uid *
server_uid(struct http_server *s, uid_t uid)
{
	struct link *l;
	struct http_uid *u;

	for (l = s->uids.next; l != &s->uids; l = l->next)
		if ((u = LINK_OF(l, struct http_uid, link))->uid == uid)
			return u;
	if ((u = calloc(1, sizeof(*u))) == NULL)
		return NULL;
	u->uid = uid;
	link_init(&u->link);
	link_init(&u->conns);
	link_append(&s->uids, &u->link);
	return u;
}

static void
server_uid_done(struct http_uid *u)
{
	if (u->n > 0)
		return;
	link_remove(&u->link);
	free(u);
}

void
server_left(struct http_server *s, struct http_uid *u)
{
	u->n--;
	s->n--;
	server_uid_done(u);
}

/* The connection that a uid can spare best: its oldest idle one, else its
 * oldest that has not sent a request, else the oldest. */
static struct http_conn *
server_spare(struct http_uid *u)
{
	struct http_conn *c, *reading = NULL, *any = NULL;
	struct link *l;

	for (l = u->conns.next; l != &u->conns; l = l->next) {
		c = LINK_OF(l, struct http_conn, of_uid);
		if (c->state == CONN_READING && c->in.len == 0 && !c->fresh)
			return c;
		if (reading == NULL && (c->state == CONN_READING || c->state == CONN_LINGER))
			reading = c;
		if (any == NULL && c->state != CONN_HANDLING && c->state != CONN_ANSWERED)
			any = c;
	}
	return reading != NULL ? reading : any;
}

/* Close one connection of whoever has the most, where that is more than the
 * newcomer would have. */
static int
server_make_room(struct http_server *s, uint32_t newcomer_has)
{
	struct http_uid *u, *most = NULL;
	struct http_conn *c;
	struct link *l;

	for (l = s->uids.next; l != &s->uids; l = l->next) {
		u = LINK_OF(l, struct http_uid, link);
		if (most == NULL || u->n > most->n)
			most = u;
	}
	if (most == NULL || most->n <= newcomer_has + 1 || (c = server_spare(most)) == NULL)
		return TSR_UNAVAILABLE;
	conn_close(c);
	return TSR_OK;
}

static int
server_refused(const struct http_server *s, uid_t uid)
{
	size_t i;

	for (i = 0; i < s->limits.n_refuse; i++)
		if (s->limits.refuse[i] == uid)
			return 1;
	return 0;
}

/* 503 to a connection that will not be one. */
static void
server_turn_away(struct http_server *s, int fd)
{
	/* What the client has sent already is taken, or close would reset it. */
	if (recv(fd, s->scratch, sizeof(s->scratch), MSG_DONTWAIT) > 0)
		sodium_memzero(s->scratch, sizeof(s->scratch));
	(void)send(fd, conn_full, strlen(conn_full), MSG_DONTWAIT | MSG_NOSIGNAL);
}

void
server_refusal(struct http_server *s, uid_t uid, const char *code)
{
	if (s->refused != NULL)
		s->refused(s->refused_arg, uid, code);
}

void
http_server_on_refused(struct http_server *s,
    void (*refused)(void *arg, uid_t uid, const char *code), void *arg)
{
	s->refused = refused;
	s->refused_arg = arg;
}

static void
server_accept_again(void *arg)
{
	struct http_server *s = arg;
	size_t i;

	/* A listener left behind would be one for ever. */
	for (i = 0; i < s->n_listeners; i++)
		if (loop_mod(s->loop, &s->listener[i].watch, EPOLLIN) != TSR_OK) {
			(void)timer_arm(loop_timers(s->loop), &s->pause, clock_boot_ms() + ACCEPT_REST_MS,
			    server_accept_again, s);
			return;
		}
	s->paused = 0;
}

/* Out of descriptors or memory: the listeners stay ready, so look away for a
 * moment, and let the largest user pay. */
static void
server_pause(struct http_server *s)
{
	size_t i;

	if (timer_arm(loop_timers(s->loop), &s->pause, clock_boot_ms() + ACCEPT_REST_MS,
	    server_accept_again, s) != TSR_OK)
		return;
	s->paused = 1;
	for (i = 0; i < s->n_listeners; i++)
		(void)loop_mod(s->loop, &s->listener[i].watch, 0);
	(void)server_make_room(s, 0);
}

/* The limits, then the caller; TSR_OK: fd belongs to a connection now. */
static int
server_admit_uid(struct http_server *s, int fd, enum http_socket kind, struct http_uid *u)
{
	struct caller caller;
	struct http_conn *c = NULL;
	int on = 1, r;

	if (u->n >= s->limits.connections_per_uid ||
	    (s->n >= s->limits.connections && server_make_room(s, u->n) != TSR_OK)) {
		server_refusal(s, u->uid, "too_many_connections");
		metrics.refused[METRICS_REFUSED_FULL]++;
		server_turn_away(s, fd);
		return TSR_UNAVAILABLE;
	}
	if (setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) != 0)
		return TSR_SYSTEM;
	if ((r = caller_read(fd, s->limits.use_pidfd, &caller)) != TSR_OK) {
		metrics.refused[r == TSR_SYSTEM || r == TSR_NOMEM ? METRICS_REFUSED_RESOURCES :
		    METRICS_REFUSED_CALLER]++;
		if (r == TSR_SYSTEM || r == TSR_NOMEM) {
			server_turn_away(s, fd);
			server_pause(s);
		}
		return r;
	}
	if (caller.uid != u->uid)
		r = TSR_DENIED;
	else
		r = conn_new(s, fd, kind, &caller, u, &c);
	if (r != TSR_OK) {
		caller_clear(&caller);
		return r;
	}
	u->n++;
	s->n++;
	return TSR_OK;
}

/* Uids for which there is no door. */
static int
server_turned(struct http_server *s, uid_t uid)
{
	if (!server_refused(s, uid))
		return 0;
	server_refusal(s, uid, "refused_uid");
	return 1;
}

static void
server_admit(struct http_server *s, int fd, enum http_socket kind)
{
	struct http_uid *u;
	struct ucred peer;
	socklen_t len = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0 || len != sizeof(peer) ||
	    server_turned(s, peer.uid) || (u = server_uid(s, peer.uid)) == NULL) {
		metrics.refused[METRICS_REFUSED_UID]++;
		(void)close(fd);
		return;
	}
	if (server_admit_uid(s, fd, kind, u) != TSR_OK) {
		(void)close(fd);
		server_uid_done(u);
	}
}

static void
listener_ready(struct loop_watch *w, uint32_t events)
{
	struct http_listener *l = LINK_OF(w, struct http_listener, watch);
	struct http_server *s = l->server;
	int fd, i;

	(void)events;
	for (i = 0; i < ACCEPT_MAX && !s->paused; i++) {
		fd = accept4(w->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd != -1)
			server_admit(s, fd, l->kind);
		else if (errno == EAGAIN)
			return;
		else if (errno != ECONNABORTED && errno != EINTR) {
			metrics.refused[METRICS_REFUSED_RESOURCES]++;
			server_pause(s);
		}
	}
}

static void
server_resume(struct loop_task *t)
{
	struct http_server *s = LINK_OF(t, struct http_server, resume_task);
	struct link todo, *l;

	link_take(&todo, &s->resume);
	while ((l = todo.next) != &todo) {
		link_remove(l);
		conn_resume(LINK_OF(l, struct http_conn, to_resume));
	}
}

void
http_server_flush(struct http_server *s, int committed)
{
	struct link todo, *l;
	uint64_t now;

	if (link_empty(&s->answered))
		return;
	now = clock_boot_ms();
	/* What gone() answers in here is for the next commit. */
	link_take(&todo, &s->answered);
	while ((l = todo.next) != &todo) {
		link_remove(l);
		conn_flush(LINK_OF(l, struct http_conn, to_flush), committed, now);
	}
}

int
http_server_new(struct loop *l, const struct http_limits *limits,
    void (*handler)(void *arg, const struct http_request *r), void *arg,
    struct http_server **out)
{
	struct http_server *s;

	if ((s = calloc(1, sizeof(*s))) == NULL)
		return TSR_NOMEM;
	s->loop = l;
	s->limits = *limits;
	s->handler = handler;
	s->arg = arg;
	s->resume_task.run = server_resume;
	link_init(&s->uids);
	link_init(&s->answered);
	link_init(&s->resume);
	*out = s;
	return TSR_OK;
}

int
http_server_listen(struct http_server *s, int fd, enum http_socket kind)
{
	struct http_listener *l;
	int on = 1, off = 0, r = TSR_TOO_LARGE;

	if (s->n_listeners == HTTP_LISTEN_MAX)
		goto out;
	/* Accepted sockets inherit it, so what is sent before accept bears its
	 * sender's credentials too.  Other control data would push them out. */
	r = TSR_SYSTEM;
	if (setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) != 0 ||
	    fcntl(fd, F_SETFL, O_NONBLOCK) != 0)
		goto out;
	(void)setsockopt(fd, SOL_SOCKET, SO_PASSSEC, &off, sizeof(off));
	(void)setsockopt(fd, SOL_SOCKET, SO_PASSPIDFD, &off, sizeof(off));
	l = &s->listener[s->n_listeners];
	l->watch.fd = fd;
	l->watch.ready = listener_ready;
	l->server = s;
	l->kind = kind;
	if ((r = loop_add(s->loop, &l->watch, s->paused ? 0 : EPOLLIN)) != TSR_OK)
		goto out;
	s->n_listeners++;
	fd = -1;
 out:
	if (fd != -1)
		(void)close(fd);
	return r;
}

void
http_server_observe(struct http_server *s, void (*done)(void *arg, const struct http_done *d),
    void *arg)
{
	s->done = done;
	s->done_arg = arg;
}

uint32_t
http_server_count(const struct http_server *s)
{
	return s->n;
}

static void
server_stop_listening(struct http_server *s)
{
	size_t i;

	for (i = 0; i < s->n_listeners; i++) {
		loop_del(s->loop, &s->listener[i].watch);
		(void)close(s->listener[i].watch.fd);
	}
	s->n_listeners = 0;
	timer_disarm(loop_timers(s->loop), &s->pause);
}

/* Is there nothing to wait for? */
static int
server_conn_over(const struct http_conn *c)
{
	return c->state == CONN_STREAM || c->state == CONN_LINGER ||
	    (c->state == CONN_READING && c->in.len == 0);
}

/* gone() may answer others but closes none, so that a list of all to close,
 * made first, stays true. */
static void
server_close_all(struct http_server *s, int (*which)(const struct http_conn *c))
{
	struct link todo, *l, *m;
	struct http_conn *c;

	link_init(&todo);
	for (l = s->uids.next; l != &s->uids; l = l->next)
		for (m = LINK_OF(l, struct http_uid, link)->conns.next;
		    m != &LINK_OF(l, struct http_uid, link)->conns; m = m->next) {
			c = LINK_OF(m, struct http_conn, of_uid);
			if (which != NULL && !which(c))
				continue;
			link_remove(&c->to_resume);
			link_append(&todo, &c->to_resume);
		}
	while ((l = todo.next) != &todo)
		conn_close(LINK_OF(l, struct http_conn, to_resume));
}

void
http_server_drain(struct http_server *s)
{
	s->draining = 1;
	server_stop_listening(s);
	server_close_all(s, server_conn_over);
}

void
http_server_free(struct http_server **sp)
{
	struct http_server *s;

	if (sp == NULL || (s = *sp) == NULL)
		return;
	server_stop_listening(s);
	server_close_all(s, NULL);
	loop_cancel(s->loop, &s->resume_task);
	sodium_memzero(s->scratch, sizeof(s->scratch));
	free(s);
	*sp = NULL;
}
