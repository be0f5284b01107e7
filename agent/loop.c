/*
 * loop.c - see loop.h.
 *
 * One sd-event source a client would cost a third of the requests a second:
 * sd-event moves every source through its priority queues.  The nested set
 * costs one source whatever the number of clients.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/loop.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "agent/clock.h"
#include "agent/metrics.h"
#include "base/buf.h"
#include "tessera.h"

#define LOOP_BATCH_MAX		256	/* ready sockets a batch */
#define LOOP_BATCH_US		2000	/* microseconds a batch */
#define LOOP_BATCH_LONG_US	20000	/* the same where commits cost more than their batches */
#define LOOP_BATCH_COMMITS	8	/* times what its commit took: the disk gets a ninth of the time */
#define LOOP_ACCURACY_US	1000	/* of the timer */
#define LOOP_RETRY_US		100000	/* a wait where the timer or the wake could not be set */
#define LOOP_REHEARSAL_MS	5	/* between looks at a rehearsal's clock */
#define LOOP_FAR_MS		(UINT64_MAX / 2000u)	/* a deadline beyond is none */

struct loop {
	sd_event *event;
	sd_event_source *sockets, *timer, *wake;
	int epoll;
	struct timers *timers;
	struct loop_batch batch;
	struct loop_task *tasks, **tasks_end;
	uint64_t armed_ms;		/* the timer source's time, UINT64_MAX while off */
	int in_batch;
	uint64_t commit_us;		/* what the last batch's end took */
	int wake_failed;		/* the wake source is to be enabled still */
	int timer_failed;		/* the timer source is to be set still */
	int n_ready, at;		/* ready[at..n_ready) is still to be delivered */
	struct epoll_event ready[LOOP_BATCH_MAX];
};

static void
loop_enable_wake(struct loop *l)
{
	l->wake_failed = sd_event_source_set_enabled(l->wake, SD_EVENT_ONESHOT) < 0;
}

/* Before each wait: set the timer source to the earliest deadline.  It is left early rather than
 * moved later: most deadlines never come, and a dispatch for nothing is cheaper
 * than a timerfd_settime a request. */
static int
loop_arm(sd_event_source *s, void *arg)
{
	struct loop *l = arg;
	uint64_t next;

	(void)s;
	if (l->wake_failed)	/* what waits for it would wait for somebody to knock */
		loop_enable_wake(l);
	next = clock_is_rehearsal() ? clock_work_us() / 1000u + LOOP_REHEARSAL_MS :
	    timers_next(l->timers);
	l->timer_failed = 0;
	if (next >= l->armed_ms || next > LOOP_FAR_MS)
		return 0;
	l->timer_failed = sd_event_source_set_time(l->timer, next * 1000u) < 0 ||
	    sd_event_source_set_enabled(l->timer, SD_EVENT_ONESHOT) < 0;
	if (!l->timer_failed)
		l->armed_ms = next;
	return 0;
}

static void
loop_end_batch(struct loop *l)
{
	uint64_t begun = clock_work_us();
	int committed;

	/* What flush brings about (a client is gone, another is told) belongs to
	 * the next batch: loop_wake must work from here on. */
	l->in_batch = 0;
	metrics.batches++;
	committed = l->batch.commit == NULL ? TSR_OK : l->batch.commit(l->batch.arg);
	l->commit_us = clock_work_us() - begun;
	if (l->batch.flush != NULL)
		l->batch.flush(l->batch.arg, committed);
}

/* How long a batch may be: where a commit is slow, what is ready already gains
 * more from sharing it than it loses by waiting for its neighbours. */
static uint64_t
loop_batch_us(const struct loop *l)
{
	uint64_t want = LOOP_BATCH_COMMITS * l->commit_us;

	if (want < LOOP_BATCH_US)
		return LOOP_BATCH_US;
	return want < LOOP_BATCH_LONG_US ? want : LOOP_BATCH_LONG_US;
}

static int
loop_on_sockets(sd_event_source *s, int fd, uint32_t revents, void *arg)
{
	struct loop *l = arg;
	struct loop_watch *w;
	uint64_t begun;

	(void)s;
	(void)fd;
	(void)revents;
	l->at = 0;
	l->n_ready = epoll_wait(l->epoll, l->ready, LOOP_BATCH_MAX, 0);
	l->in_batch = 1;
	begun = clock_work_us();
	while (l->at < l->n_ready) {
		w = l->ready[l->at].data.ptr;
		l->at++;
		if (w != NULL)
			w->ready(w, l->ready[l->at - 1].events);
		if (l->at < l->n_ready && clock_work_us() - begun >= loop_batch_us(l)) {
			loop_end_batch(l);
			l->in_batch = 1;
			begun = clock_work_us();
		}
	}
	loop_end_batch(l);
	l->n_ready = 0;
	return 0;
}

static int
loop_on_timer(sd_event_source *s, uint64_t usec, void *arg)
{
	struct loop *l = arg;

	(void)s;
	(void)usec;
	l->armed_ms = UINT64_MAX;
	l->in_batch = 1;
	timers_run(l->timers, clock_boot_ms());
	loop_end_batch(l);
	return 0;
}

static int
loop_on_wake(sd_event_source *s, void *arg)
{
	struct loop *l = arg;
	struct loop_task *t;
	size_t n;

	(void)s;
	l->in_batch = 1;
	/* A task that comes back (the next pipelined request) waits its turn. */
	for (n = 0, t = l->tasks; t != NULL; t = t->next)
		n++;
	for (; n > 0 && (t = l->tasks) != NULL; n--) {
		if ((l->tasks = t->next) == NULL)
			l->tasks_end = &l->tasks;
		t->queued = 0;
		t->run(t);
	}
	loop_end_batch(l);
	if (l->tasks != NULL)
		loop_wake(l);
	return 0;
}

static int
loop_sources(struct loop *l)
{
	/* Rehearsals poll the page by real time. */
	clockid_t clock = clock_is_rehearsal() ? CLOCK_MONOTONIC : CLOCK_BOOTTIME;

	if (sd_event_new(&l->event) < 0 ||
	    (l->epoll = epoll_create1(EPOLL_CLOEXEC)) == -1 ||
	    sd_event_add_io(l->event, &l->sockets, l->epoll, EPOLLIN, loop_on_sockets, l) < 0 ||
	    sd_event_source_set_prepare(l->sockets, loop_arm) < 0 ||
	    sd_event_add_time(l->event, &l->timer, clock, 0, LOOP_ACCURACY_US, loop_on_timer, l) < 0 ||
	    sd_event_add_defer(l->event, &l->wake, loop_on_wake, l) < 0 ||
	    sd_event_source_set_enabled(l->timer, SD_EVENT_OFF) < 0 ||
	    sd_event_source_set_enabled(l->wake, SD_EVENT_OFF) < 0)
		return TSR_SYSTEM;
	return TSR_OK;
}

int
loop_new(struct loop **out)
{
	struct loop *l;
	int r;

	if ((l = calloc(1, sizeof(*l))) == NULL)
		return TSR_NOMEM;
	l->epoll = -1;
	l->armed_ms = UINT64_MAX;
	l->tasks_end = &l->tasks;
	if ((r = timers_new(&l->timers)) != TSR_OK || (r = loop_sources(l)) != TSR_OK) {
		loop_free(&l);
		return r;
	}
	*out = l;
	return TSR_OK;
}

void
loop_free(struct loop **lp)
{
	struct loop *l;

	if (lp == NULL || (l = *lp) == NULL)
		return;
	sd_event_source_disable_unref(l->wake);
	sd_event_source_disable_unref(l->timer);
	sd_event_source_disable_unref(l->sockets);
	sd_event_unref(l->event);
	if (l->epoll != -1)
		(void)close(l->epoll);
	timers_free(&l->timers);
	free(l);
	*lp = NULL;
}

struct timers *
loop_timers(struct loop *l)
{
	return l->timers;
}

sd_event *
loop_event(struct loop *l)
{
	return l->event;
}

void
loop_set_batch(struct loop *l, const struct loop_batch *b)
{
	l->batch = *b;
}

static int
loop_ctl(struct loop *l, int op, struct loop_watch *w, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data = { .ptr = w } };

	return epoll_ctl(l->epoll, op, w->fd, &ev) == 0 ? TSR_OK : TSR_SYSTEM;
}

int
loop_add(struct loop *l, struct loop_watch *w, uint32_t events)
{
	return loop_ctl(l, EPOLL_CTL_ADD, w, events);
}

int
loop_mod(struct loop *l, struct loop_watch *w, uint32_t events)
{
	return loop_ctl(l, EPOLL_CTL_MOD, w, events);
}

int
loop_send(struct loop *l, struct loop_watch *w, struct buf *out)
{
	ssize_t n;

	while (out->len > 0) {
		n = send(w->fd, out->data, out->len, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return loop_mod(l, w, EPOLLIN | EPOLLOUT);
		if (n < 0)
			return TSR_CLOSED;
		buf_consume(out, (size_t)n);
	}
	return loop_mod(l, w, EPOLLIN);
}

void
loop_del(struct loop *l, struct loop_watch *w)
{
	int i;

	(void)loop_ctl(l, EPOLL_CTL_DEL, w, 0);
	for (i = l->at; i < l->n_ready; i++)
		if (l->ready[i].data.ptr == w)
			l->ready[i].data.ptr = NULL;
}

void
loop_defer(struct loop *l, struct loop_task *t)
{
	if (t->queued)
		return;
	t->queued = 1;
	t->next = NULL;
	*l->tasks_end = t;
	l->tasks_end = &t->next;
	loop_enable_wake(l);
}

void
loop_cancel(struct loop *l, struct loop_task *t)
{
	struct loop_task **p;

	if (!t->queued)
		return;
	for (p = &l->tasks; *p != NULL; p = &(*p)->next)
		if (*p == t) {
			if ((*p = t->next) == NULL)
				l->tasks_end = p;
			break;
		}
	t->queued = 0;
}

void
loop_wake(struct loop *l)
{
	if (!l->in_batch)
		loop_enable_wake(l);
}

/* One turn; what could not be set for want of memory is tried again in a while,
 * though nobody knocks.  1 when the loop has ended. */
static int
loop_turn(struct loop *l)
{
	int r;

	if ((r = sd_event_prepare(l->event)) == 0)
		r = sd_event_wait(l->event, l->timer_failed || l->wake_failed ? LOOP_RETRY_US :
		    UINT64_MAX);
	if (r > 0)
		r = sd_event_dispatch(l->event);
	if (r < 0)
		return r;
	return sd_event_get_state(l->event) == SD_EVENT_FINISHED;
}

int
loop_run(struct loop *l)
{
	int r, code = 0;

	while ((r = loop_turn(l)) == 0)
		;
	return r < 0 || sd_event_get_exit_code(l->event, &code) < 0 ? TSR_SYSTEM : code;
}

void
loop_stop(struct loop *l, int code)
{
	(void)sd_event_exit(l->event, code);
}
