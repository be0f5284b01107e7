/*
 * helper.h - the PKCS#11 helpers, seen from the agent: a pool of connections,
 * each to a process of its own that serves one token and one subject.
 *
 * A helper is believed nothing: its frames are checked against the protocol's
 * table, what it signs is checked by the caller, and it is replaced at the
 * first false word.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_HELPER_H
#define AGENT_HELPER_H

#include <stdint.h>
#include <sys/types.h>

#include "agent/loop.h"
#include "base/proto.h"

#define HELPERS_MAX		32	/* processes, spares among them */
#define HELPER_WAITING_MAX	1024	/* requests that wait for a helper */
#define HELPER_IDLE_MS		60000	/* a helper nobody asks ends after that */
#define HELPER_OPEN_MS		10000	/* loading a module */
#define HELPER_GRACE_MS		500	/* beyond a request's deadline: then the agent hangs up */
#define HELPER_DEATHS		5	/* in a row, before a token rests */
#define HELPER_REST_MS		60000
#define HELPER_REPLIES_MAX	64	/* tokens or keys in one answer */

struct helpers;
struct helper_call;

/* Whom a helper serves.  serial and label "" and subject (uid_t)-1: listing. */
struct helper_target {
	const char *module, *serial, *label;
	uid_t subject;
};

struct helper_client {
	/* One PROTO_TOKEN, PROTO_KEY or PROTO_SIGNATURE of the answer. */
	void (*part)(void *arg, uint16_t type, const struct proto_value *v);
	/* The end, called once and never from inside helper_request: TSR_OK, or
	 * what failed with the helper's detail (text, "" where none). */
	void (*done)(void *arg, int code, uint32_t tries_left, const char *detail);
	void *arg;
};

struct helpers_options {
	const char *program;		/* to fork, or NULL */
	const char *config_file;
	int user_mode;
	const char *socket;		/* to connect to where program is NULL */
	int watch;			/* it is the watcher: watcher.h */
};

/* The pool as it is now: for those who show it. */
struct helper_counts {
	unsigned opening, idle, busy;	/* processes */
	unsigned resting;		/* breakers that are open */
};
/* Of one module. */
void helpers_count(const struct helpers *hs, const char *module, struct helper_counts *out);
/* Requests that wait for a helper. */
size_t helpers_waiting(const struct helpers *hs);
/* Each token or, with serial and label "", module that rests. */
struct helper_rest {
	const char *module, *serial, *label;
	unsigned deaths;		/* in a row */
	uint64_t left_ms;
};
/* each() returns TSR_OK to go on, anything else is handed back. */
int helpers_resting(const struct helpers *hs,
    int (*each)(void *arg, const struct helper_rest *r), void *arg);

/* Start (or reach) one process; *sock is the caller's.  For watcher.c, too. */
int helper_process(const struct helpers_options *o, int *sock);

int helpers_new(struct loop *l, const struct helpers_options *o, struct helpers **out);
void helpers_free(struct helpers **hs);

/* Let all idle helpers go (after a reload); those at work end afterwards. */
void helpers_renew(struct helpers *hs);

/* Send one request.  values as in proto.h's table; they are copied, and the copy
 * is wiped once sent.  TSR_BREAKER while the token rests, TSR_SLOW_DOWN beyond
 * HELPER_WAITING_MAX, TSR_INVALID, TSR_NOMEM. */
int helper_request(struct helpers *hs, const struct helper_target *t, uint16_t type,
    const struct proto_value *values, size_t n, uint32_t deadline_ms,
    const struct helper_client *client, struct helper_call **out);

/* done() is not called.  A helper already at work on it is ended; not so one that
 * lists, which serves everybody: whoever comes and goes would keep it from all
 * others.  *c may be NULL. */
void helper_cancel(struct helper_call **c);

#endif
