/*
 * events.c - see events.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/events.h"

#include <stdlib.h>
#include <string.h>

#include "agent/clock.h"
#include "agent/seat.h"
#include "include/tessera.h"

struct stream {
	struct stream *next;
	struct events *events;
	struct http_conn *conn;
	uid_t uid;
	pid_t pid;
	uint64_t start_time;
	enum events_prompter kind;
};

/* One that waits for the commit. */
struct held {
	struct held *next;
	uid_t uid;
	const char *name;
	size_t n;
	char json[];
};

struct events {
	struct loop *loop;
	struct held *held, **held_end;
	unsigned n_held;
	struct stream *streams;
	struct timer ping;
	void (*left)(void *arg, uid_t uid);
	void *arg;
};

static void
events_ping(void *arg)
{
	struct events *e = arg;
	struct stream *s, *next;

	for (s = e->streams; s != NULL; s = next) {
		next = s->next;
		http_stream_event(s->conn, "ping", "{}", 2);
	}
	if (e->streams != NULL)
		(void)timer_arm(loop_timers(e->loop), &e->ping, clock_boot_ms() + EVENTS_PING_MS,
		    events_ping, e);
}

int
events_new(struct loop *l, void (*left)(void *arg, uid_t uid), void *arg, struct events **out)
{
	struct events *e;

	if ((e = calloc(1, sizeof(*e))) == NULL)
		return TSR_NOMEM;
	e->loop = l;
	e->held_end = &e->held;
	e->left = left;
	e->arg = arg;
	*out = e;
	return TSR_OK;
}

void
events_free(struct events **e)
{
	struct stream *s;

	if (*e == NULL)
		return;
	timer_disarm(loop_timers((*e)->loop), &(*e)->ping);
	events_settle(*e, 0);
	while ((s = (*e)->streams) != NULL) {
		(*e)->streams = s->next;
		free(s);
	}
	free(*e);
	*e = NULL;
}

static void
events_gone(void *arg)
{
	struct stream *s = arg, **at;
	struct events *e = s->events;
	uid_t uid = s->uid;

	for (at = &e->streams; *at != s; at = &(*at)->next)
		;
	*at = s->next;
	free(s);
	e->left(e->arg, uid);
}

int
events_listen(struct events *e, struct http_conn *c, enum events_prompter kind)
{
	const struct caller *who = http_caller(c);
	struct stream *s;
	unsigned n = 0;

	for (s = e->streams; s != NULL; s = s->next)
		n += s->uid == who->uid;
	if (n >= EVENTS_STREAMS_PER_UID)
		return TSR_SLOW_DOWN;
	if ((s = calloc(1, sizeof(*s))) == NULL)
		return TSR_NOMEM;
	s->events = e;
	s->conn = c;
	s->uid = who->uid;
	s->pid = who->pid;
	s->start_time = who->start_time;
	s->kind = kind;
	s->next = e->streams;
	e->streams = s;
	if (s->next == NULL)
		(void)timer_arm(loop_timers(e->loop), &e->ping, clock_boot_ms() + EVENTS_PING_MS,
		    events_ping, e);
	http_stream(c, events_gone, s);
	http_stream_event(c, "ready", "{}", 2);
	return TSR_OK;
}

int
events_listening(const struct events *e, uid_t uid)
{
	const struct stream *s;

	for (s = e->streams; s != NULL; s = s->next)
		if (s->uid == uid)
			return 1;
	return 0;
}

void
events_send(struct events *e, uid_t uid, const char *name, const char *json, size_t n)
{
	struct stream *s, *next;

	for (s = e->streams; s != NULL; s = next) {
		next = s->next;
		if (s->uid == uid)
			http_stream_event(s->conn, name, json, n);
	}
}

void
events_send_all(struct events *e, const char *name, const char *json, size_t n)
{
	struct stream *s, *next;

	for (s = e->streams; s != NULL; s = next) {
		next = s->next;
		http_stream_event(s->conn, name, json, n);
	}
}

void
events_hold(struct events *e, uid_t uid, const char *name, const char *json, size_t n)
{
	struct held *h;

	if (e->streams == NULL || e->n_held == EVENTS_HELD ||
	    (h = malloc(sizeof(*h) + n)) == NULL)
		return;
	h->next = NULL;
	h->uid = uid;
	h->name = name;
	h->n = n;
	memcpy(h->json, json, n);
	*e->held_end = h;
	e->held_end = &h->next;
	e->n_held++;
}

void
events_settle(struct events *e, int committed)
{
	struct held *h;

	while ((h = e->held) != NULL) {
		e->held = h->next;
		if (committed && h->uid == EVENTS_EVERYBODY)
			events_send_all(e, h->name, h->json, h->n);
		else if (committed)
			events_send(e, h->uid, h->name, h->json, h->n);
		free(h);
	}
	e->held_end = &e->held;
	e->n_held = 0;
}

static int
events_same_process(const struct stream *s, const struct caller *c)
{
	return s->pid == c->pid && s->start_time == c->start_time && s->uid == c->uid;
}

static int
events_answers(const struct stream *s, uid_t uid, const struct caller *requester)
{
	return s->uid == uid && s->kind != EVENTS_WATCHER &&
	    (s->kind != EVENTS_SELF || events_same_process(s, requester));
}

int
events_route_seat(const struct events *e, uid_t uid, const struct caller *requester,
    enum config_seat rule)
{
	const struct stream *s;

	for (s = e->streams; s != NULL; s = s->next)
		if (events_answers(s, uid, requester) && seat_has(rule, http_caller(s->conn)))
			return 1;
	return 0;
}

int
events_route(const struct events *e, uid_t uid, const struct caller *requester, const struct caller *by)
{
	const struct stream *s;

	for (s = e->streams; s != NULL; s = s->next)
		if (events_answers(s, uid, requester) && (by == NULL || events_same_process(s, by)))
			return 1;
	return 0;
}
