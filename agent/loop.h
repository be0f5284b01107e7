/*
 * loop.h - the one event loop of tesserad.
 *
 * Every socket (listeners, clients, helpers, the names worker) sits in one
 * epoll set that is a single sd-event source.  A dispatch handles all that
 * is ready, then runs the batch's commit, then its flush: answers leave after
 * what they say is durable.  A batch closes at 256 ready sockets or
 * 2 ms, or later where its commit takes long itself, at most 20 ms.
 * Signals, the watchdog and the one timer are sd-event's own sources.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_LOOP_H
#define AGENT_LOOP_H

#include <stdint.h>
#include <systemd/sd-event.h>

#include "agent/timer.h"

struct buf;
struct loop;

/* Embedded in what is watched; events are EPOLL* bits. */
struct loop_watch {
	int fd;
	void (*ready)(struct loop_watch *w, uint32_t events);
};

/* Called at the end of every batch and after timers ran. */
struct loop_batch {
	int (*commit)(void *arg);		/* TSR_OK, or the answers that wrote must not say so */
	void (*flush)(void *arg, int committed);	/* committed: what commit returned */
	void *arg;
};

/* After clock_rehearse, where there is one.  TSR_NOMEM, TSR_SYSTEM. */
int loop_new(struct loop **out);
void loop_free(struct loop **l);

struct timers *loop_timers(struct loop *l);
sd_event *loop_event(struct loop *l);
void loop_set_batch(struct loop *l, const struct loop_batch *b);

/* Watch w->fd, level-triggered.  TSR_SYSTEM.  Delete before the fd is closed.
 * A watch may be removed (and its memory freed) inside any ready
 * callback: events of the same batch for it are then not delivered. */
int loop_add(struct loop *l, struct loop_watch *w, uint32_t events);
int loop_mod(struct loop *l, struct loop_watch *w, uint32_t events);
void loop_del(struct loop *l, struct loop_watch *w);

/* Send out on a socket that is watched for EPOLLIN, without waiting.  What it does
 * not take stays in out, and EPOLLOUT is watched for, too, until another call has
 * sent it.  TSR_CLOSED, TSR_SYSTEM. */
int loop_send(struct loop *l, struct loop_watch *w, struct buf *out);

/* Work for the beginning of the next batch, which then comes at once.  A task
 * queued twice runs once; cancelling one that is not queued does nothing. */
struct loop_task {
	void (*run)(struct loop_task *t);
	struct loop_task *next;
	int queued;
};

void loop_defer(struct loop *l, struct loop_task *t);
void loop_cancel(struct loop *l, struct loop_task *t);

/* Make sure that a batch (its commit and flush) follows soon.  For whoever
 * leaves work for the batch's end from another sd-event source. */
void loop_wake(struct loop *l);

/* Run until loop_stop; returns its code, or TSR_SYSTEM.  In a rehearsal timers
 * are looked at every 5 ms. */
int loop_run(struct loop *l);
void loop_stop(struct loop *l, int code);

#endif
