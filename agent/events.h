/*
 * events.h - who listens on GET /events, and who of them answers prompts.
 * Each listener gets the events of its own uid alone; that of a login helper's process
 * those of its own requests besides.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_EVENTS_H
#define AGENT_EVENTS_H

#include <stddef.h>
#include <sys/types.h>

#include "agent/caller.h"
#include "agent/http.h"
#include "agent/login_said.h"
#include "agent/loop.h"
#include "base/config.h"

#define EVENTS_STREAMS_PER_UID	32	/* open streams, with those of what he runs as root */
#define EVENTS_STREAMS_ROOT	1024	/* of uid 0: each login that waits has one */
#define EVENTS_HELD		4096	/* events of one batch that wait for its commit */
#define EVENTS_EVERYBODY	((uid_t)-1)
#define EVENTS_PING_MS		15000	/* a "ping" event when nothing else is said */

enum events_prompter {
	EVENTS_WATCHER,		/* answers nothing */
	EVENTS_SELF,		/* answers prompts of its own process's requests */
	EVENTS_ALL		/* answers all prompts of its uid */
};

/* Who answers: found when it is first asked, and kept to while a prompt is shown. */
enum events_answerer {
	EVENTS_LOOK,
	EVENTS_SUBJECT,		/* the subject's prompters */
	EVENTS_HELPER		/* the login helper's own process */
};

/*
 * Whose request somebody is asked about.  The prompters are the uid's; where a login
 * helper's process (said not NULL) listens itself as a prompter, it alone is: it has
 * the person in front of it, and whoever else the subject is at shall not be talked
 * into another's login.  The uid's EVENTS_WATCHERs see it all the same.
 */
struct events_about {
	uid_t uid;			/* the subject's */
	const struct caller *requester;
	const struct login_said *said;	/* NULL: the requester is no login helper */
	enum events_answerer answerer;
};

/* A process, when its connection may be gone. */
struct events_process {
	uid_t uid;
	pid_t pid;
	uint64_t start_time;
};

struct events;

/* left() is told when a listener of uid went away. */
int events_new(struct loop *l, void (*left)(void *arg, uid_t uid), void *arg, struct events **out);
void events_free(struct events **e);

/* Make the connection a listener and say "ready".  TSR_SLOW_DOWN beyond
 * EVENTS_STREAMS_PER_UID or EVENTS_STREAMS_ROOT, TSR_NOMEM; nothing was answered then. */
int events_listen(struct events *e, struct http_conn *c, enum events_prompter kind);

/* Does anybody listen for uid? */
int events_listening(const struct events *e, uid_t uid);

/* To every listener of uid, now: what it says holds whatever becomes of the
 * batch's commit.  json is one line. */
void events_send(struct events *e, uid_t uid, const char *name, const char *json, size_t n);

/* The same to whoever sees a prompt of `by`'s request, or with EVENTS_LOOK a touch,
 * which nobody answers: the requester's own process, and those of uid, with
 * EVENTS_HELPER its watchers alone. */
void events_send_about(struct events *e, uid_t uid, const struct events_process *by,
    enum events_answerer answerer, const char *name, const char *json, size_t n);
struct events_process events_process(const struct caller *c);

/* To everybody who listens. */
void events_send_all(struct events *e, const char *name, const char *json, size_t n);

/* To every listener of uid, or to everybody with EVENTS_EVERYBODY, once the batch
 * is durable: nobody is told of what did not happen.  name lives for ever.
 * Beyond EVENTS_HELD, and without memory, it is not told. */
void events_hold(struct events *e, uid_t uid, const char *name, const char *json, size_t n);

/* The batch was committed: send what was held, or (0) forget it. */
void events_settle(struct events *e, int committed);

/* EVENTS_SUBJECT or EVENTS_HELPER. */
enum events_answerer events_answerer(const struct events *e, const struct events_about *about);

/* Is there a listener that answers prompts about that request?  With by not NULL: one
 * that belongs to that very process. */
int events_route(const struct events *e, const struct events_about *about,
    const struct caller *by);

/* The same, at the devices' seat (seat.h). */
int events_route_seat(const struct events *e, const struct events_about *about,
    enum config_seat rule);

#endif
