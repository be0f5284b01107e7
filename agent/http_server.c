/*
 * http_server.c - when answers leave.  See http.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include <sodium.h>
#include <stdlib.h>

#include "agent/clock.h"
#include "agent/http_conn.h"
#include "tessera.h"

/* --- the door's host --- */

static int
server_admit(void *arg, int kind, int fd, const struct caller *caller, struct door_uid *u)
{
	return conn_new(arg, fd, (enum http_socket)kind, caller, u);
}

void
http_server_on_refused(struct http_server *s,
    void (*refused)(void *arg, uid_t uid, const char *code), void *arg)
{
	s->door.refused = refused;
	s->door.refused_arg = arg;
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
http_server_new(struct loop *l, const struct door_limits *limits,
    void (*handler)(void *arg, const struct http_request *r), void *arg,
    struct http_server **out)
{
	struct http_server *s;

	if ((s = calloc(1, sizeof(*s))) == NULL)
		return TSR_NOMEM;
	s->loop = l;
	door_init(&s->door, l, limits);
	s->host = (struct door_host){ server_admit, conn_full, s };
	s->handler = handler;
	s->arg = arg;
	s->resume_task.run = server_resume;
	link_init(&s->answered);
	link_init(&s->resume);
	*out = s;
	return TSR_OK;
}

int
http_server_listen(struct http_server *s, int fd, enum http_socket kind)
{
	return door_listen(&s->door, fd, &s->host, (int)kind);
}

struct door *
http_server_door(struct http_server *s)
{
	return &s->door;
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
	return s->door.n;
}

/* Is there nothing to wait for? */
static int
server_conn_over(struct door_guest *g)
{
	const struct http_conn *c = LINK_OF(g, struct http_conn, guest);

	return c->state == CONN_STREAM || c->state == CONN_LINGER ||
	    (c->state == CONN_READING && c->in.len == 0);
}

void
http_server_drain(struct http_server *s)
{
	s->draining = 1;
	door_stop_listening(&s->door);
	door_close(&s->door, conn_left, server_conn_over);
}

void
http_server_free(struct http_server **sp)
{
	struct http_server *s;

	if (sp == NULL || (s = *sp) == NULL)
		return;
	door_stop_listening(&s->door);
	door_close(&s->door, conn_left, NULL);
	loop_cancel(s->loop, &s->resume_task);
	sodium_memzero(s->door.scratch, sizeof(s->door.scratch));
	free(s);
	*sp = NULL;
}
