/*
 * daemon_internal.h - what the files of the daemon share.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_DAEMON_INTERNAL_H
#define AGENT_DAEMON_INTERNAL_H

#include "agent/agent.h"
#include "agent/daemon.h"
#include "agent/listen.h"
#include "agent/timer.h"

#include <systemd/sd-event.h>

struct daemon {
	struct agent agent;
	struct daemon_options options;
	struct config *first;		/* until the first policy owns it */
	struct listeners listeners;
	struct audit_file *audit_file;	/* until the audit log owns it */
	struct policy *next;		/* being resolved */
	int ready;
	int stopping;
	char kid[STORE_ID_LEN + 1];	/* of the active key, as last audited */
	char head[AUDIT_HEAD_TEXT];	/* of the audit log, to be told; "": none is */
	int keys_due;			/* keys_tick wrote: publish after the commit */
	struct timer expire, keys;
	sd_event_source *stop_timer;
};

/* --- daemon_batch.c; arg is the struct daemon --- */

/* What the loop does at the end of a batch: make it durable (TSR_OK, or no answer
 * leaves that says so), then let the answers go. */
int daemon_commit(void *arg);
void daemon_flush(void *arg, int committed);

/* The audit log tells of its head, and of whether it can be written. */
void daemon_audit_head(void *arg, const char *text);
void daemon_audit_failed(void *arg, int ok);

/* The server tells of callers whom it refused, and of each request that ended. */
void daemon_refused(void *arg, uid_t uid, const char *code);
void daemon_request_done(void *arg, const struct http_done *done);

/* --- daemon_policy.c --- */

/* What follows from the configuration in force: log level, seat, metrics' names. */
void daemon_settle(struct daemon *d, const struct config *c);

/* Limits of the sockets, with those refused who may have no door; helper is the
 * uid of the helpers. */
void daemon_limits(const struct daemon *d, const struct config *c, uid_t helper,
    struct door_limits *l);

/* A policy whose names are resolved comes into force (arg is the struct daemon). */
void daemon_policy_ready(void *arg, struct policy *p);

/* A user, group or unit of the configuration that there is not: to the log. */
void daemon_unknown_name(void *arg, const char *kind, const char *name);

/* Read the configuration again; an unfit one changes nothing. */
void daemon_reload(struct daemon *d);

#endif
