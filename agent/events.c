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
	struct events_process of;
	uid_t from;			/* who is counted, as by door.h */
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
	uid_t uid = s->of.uid;

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
	uid_t from = who->uid;
	struct stream *s;
	unsigned n = 0;

	if (who->uid == 0)		/* sudo's is its user's */
		(void)caller_user_slice(who, &from);
	for (s = e->streams; s != NULL; s = s->next)
		n += s->from == from;
	if (n >= (from == 0 ? EVENTS_STREAMS_ROOT : EVENTS_STREAMS_PER_UID))
		return TSR_SLOW_DOWN;
	if ((s = calloc(1, sizeof(*s))) == NULL)
		return TSR_NOMEM;
	s->events = e;
	s->conn = c;
	s->of = events_process(who);
	s->from = from;
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
		if (s->of.uid == uid)
			return 1;
	return 0;
}

void
events_send(struct events *e, uid_t uid, const char *name, const char *json, size_t n)
{
	struct stream *s, *next;

	for (s = e->streams; s != NULL; s = next) {
		next = s->next;
		if (s->of.uid == uid)
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

struct events_process
events_process(const struct caller *c)
{
	return (struct events_process){ c->uid, c->pid, c->start_time };
}

static int
events_of(const struct stream *s, const struct events_process *p)
{
	return s->of.pid == p->pid && s->of.start_time == p->start_time && s->of.uid == p->uid;
}

void
events_send_about(struct events *e, uid_t uid, const struct events_process *by,
    enum events_answerer answerer, const char *name, const char *json, size_t n)
{
	struct stream *s, *next;

	for (s = e->streams; s != NULL; s = next) {
		next = s->next;
		if (events_of(s, by) || (s->of.uid == uid &&
		    (answerer != EVENTS_HELPER || s->kind == EVENTS_WATCHER)))
			http_stream_event(s->conn, name, json, n);
	}
}

enum events_answerer
events_answerer(const struct events *e, const struct events_about *about)
{
	struct events_process by = events_process(about->requester);
	const struct stream *s;

	if (about->answerer != EVENTS_LOOK)
		return about->answerer;
	for (s = e->streams; s != NULL && about->said != NULL; s = s->next)
		if (s->kind != EVENTS_WATCHER && events_of(s, &by))
			return EVENTS_HELPER;
	return EVENTS_SUBJECT;
}

static int
events_answers(const struct stream *s, const struct events_about *about,
    enum events_answerer answerer)
{
	struct events_process by = events_process(about->requester);

	if (s->kind == EVENTS_WATCHER)
		return 0;
	if (answerer == EVENTS_HELPER)
		return events_of(s, &by);
	return s->of.uid == about->uid && (s->kind != EVENTS_SELF || events_of(s, &by));
}

int
events_route_seat(const struct events *e, const struct events_about *about, enum config_seat rule)
{
	enum events_answerer answerer = events_answerer(e, about);
	const struct stream *s;

	for (s = e->streams; s != NULL; s = s->next)
		if (events_answers(s, about, answerer) && seat_has(rule, http_caller(s->conn),
		    answerer == EVENTS_HELPER ? about->said : NULL))
			return 1;
	return 0;
}

int
events_route(const struct events *e, const struct events_about *about, const struct caller *by)
{
	enum events_answerer answerer = events_answerer(e, about);
	struct events_process of = { 0, 0, 0 };
	const struct stream *s;

	if (by != NULL)
		of = events_process(by);
	for (s = e->streams; s != NULL; s = s->next)
		if (events_answers(s, about, answerer) && (by == NULL || events_of(s, &of)))
			return 1;
	return 0;
}
