/*
 * events.h - who listens on GET /events, and who of them answers prompts.
 * Each listener gets the events of its own uid alone.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_EVENTS_H
#define AGENT_EVENTS_H

#include <stddef.h>
#include <sys/types.h>

#include "agent/caller.h"
#include "agent/http.h"
#include "agent/loop.h"
#include "base/config.h"

#define EVENTS_STREAMS_PER_UID	32	/* open streams */
#define EVENTS_HELD		4096	/* events of one batch that wait for its commit */
#define EVENTS_EVERYBODY	((uid_t)-1)
#define EVENTS_PING_MS		15000	/* a "ping" event when nothing else is said */

enum events_prompter {
	EVENTS_WATCHER,		/* answers nothing */
	EVENTS_SELF,		/* answers prompts of its own process's requests */
	EVENTS_ALL		/* answers all prompts of its uid */
};

struct events;

/* left() is told when a listener of uid went away. */
int events_new(struct loop *l, void (*left)(void *arg, uid_t uid), void *arg, struct events **out);
void events_free(struct events **e);

/* Make the connection a listener and say "ready".  TSR_SLOW_DOWN beyond
 * EVENTS_STREAMS_PER_UID, TSR_NOMEM; nothing was answered then. */
int events_listen(struct events *e, struct http_conn *c, enum events_prompter kind);

/* Does anybody listen for uid? */
int events_listening(const struct events *e, uid_t uid);

/* To every listener of uid, now: what it says holds whatever becomes of the
 * batch's commit.  json is one line. */
void events_send(struct events *e, uid_t uid, const char *name, const char *json, size_t n);

/* To everybody who listens. */
void events_send_all(struct events *e, const char *name, const char *json, size_t n);

/* To every listener of uid, or to everybody with EVENTS_EVERYBODY, once the batch
 * is durable: nobody is told of what did not happen.  name lives for ever.
 * Beyond EVENTS_HELD, and without memory, it is not told. */
void events_hold(struct events *e, uid_t uid, const char *name, const char *json, size_t n);

/* The batch was committed: send what was held, or (0) forget it. */
void events_settle(struct events *e, int committed);

/* Is there a listener of uid that answers prompts of requester's requests?  With
 * by not NULL: one that belongs to that very process. */
int events_route(const struct events *e, uid_t uid, const struct caller *requester,
    const struct caller *by);

/* The same, at the devices' seat (seat.h). */
int events_route_seat(const struct events *e, uid_t uid, const struct caller *requester,
    enum config_seat rule);

#endif
