/*
 * daemon_batch.c - the end of a batch of the loop: one commit for what it
 * changed and the audit lines about it, then the answers.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/daemon_internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agent/audit_event.h"
#include "agent/clock.h"
#include "agent/enrol_code.h"
#include "agent/journal.h"
#include "agent/kept.h"
#include "agent/metrics.h"
#include "agent/opaque.h"
#include "agent/route.h"
#include "agent/ssh_conn.h"
#include "agent/ssh_revoke.h"
#include "agent/ssh_sign.h"
#include "agent/ssh_user.h"
#include "agent/watch.h"
#include "base/log.h"
#include "include/tessera.h"

static void
daemon_publish(struct daemon *d)
{
	int changed = keys_changed(d->agent.keys);
	const char *kid;

	d->keys_due = 0;
	if (keys_published(d->agent.keys) != TSR_OK)
		log_line(LOG_ERROR, "the public key file cannot be written");
	if (changed && !keys_changed(d->agent.keys))
		events_send_all(d->agent.events, "keys-changed", "{}", 2);
	(void)epochs_keys(d->agent.epochs, keys_written(d->agent.keys));	/* it says itself */
	kid = keys_active_kid(d->agent.keys);
	if (strcmp(kid, d->kid) != 0)
		audit_event_agent(&d->agent, "key-rotated", NULL, NULL);
	(void)snprintf(d->kid, sizeof(d->kid), "%s", kid);
}

/* One commit makes durable what the batch changed and the audit lines about
 * it: there is never the one without the other. */
static int
daemon_durable(struct daemon *d)
{
	struct store *st = d->agent.store;
	const void *lines;
	size_t n;
	int r;

	if ((r = audit_commit(d->agent.audit, &lines, &n)) == TSR_OK && n > 0) {
		store_undo(st);		/* a request that did not end */
		if ((r = store_begin(st)) == TSR_OK && (r = store_audit_put(st, lines, n)) == TSR_OK)
			r = store_keep(st);
	}
	if (r != TSR_OK)
		store_abandon(st);
	else if ((r = store_commit(st)) != TSR_OK)
		log_line(LOG_ERROR, "the store cannot be written: %s", tsr_strerror(r));
	audit_committed(d->agent.audit, r);
	return r;
}

/* The journal gets the store's generation with it, which counts from a commit
 * on: a head that comes while a batch is open waits for its end. */
static void
daemon_tell_head(struct daemon *d)
{
	int r = TSR_SYSTEM;

	if (d->head[0] == '\0')
		return;
	if (log_is_journal() && (r = journal_send(d->agent.store, d->head)) == TSR_INVALID)
		return;
	if (r != TSR_OK)
		log_line(LOG_NOTICE, "audit head %s", d->head);
	d->head[0] = '\0';
}

void
daemon_audit_head(void *arg, const char *text)
{
	struct daemon *d = arg;

	(void)snprintf(d->head, sizeof(d->head), "%s", text);
	daemon_tell_head(d);
}

int
daemon_commit(void *arg)
{
	struct daemon *d = arg;
	uint64_t begun;
	int r;

	/* what cannot be written now comes with the next */
	(void)opaque_end_sessions(&d->agent);
	ssh_end_sessions(&d->agent);
	(void)kept_flush(d->agent.kept);
	begun = store_dirty(d->agent.store) ? clock_work_us() : 0;
	r = daemon_durable(d);
	if (begun != 0 && r == TSR_OK) {
		metrics_observe(&metrics.commit, clock_work_us() - begun);
		watch_committed(d->agent.watch);
	}
	opaque_settle(&d->agent, r == TSR_OK);
	ssh_settle(&d->agent, r == TSR_OK);
	kept_settle(d->agent.kept, r == TSR_OK);
	session_settle(d->agent.sessions, r == TSR_OK);
	events_settle(d->agent.events, r == TSR_OK);
	enrol_codes_settle(d->agent.codes, r == TSR_OK);
	ssh_users_settle(&d->agent, r == TSR_OK);
	if (r == TSR_OK)
		ssh_sign_settle(&d->agent);
	if (d->keys_due || (begun != 0 && keys_changed(d->agent.keys)))
		daemon_publish(d);
	daemon_tell_head(d);
	return r;
}

void
daemon_audit_failed(void *arg, int ok)
{
	(void)arg;
	if (ok)
		log_line(LOG_NOTICE, "the audit log is written again");
	else
		log_line(LOG_ERROR, "the audit log cannot be written, no token leaves until it can: %s",
		    strerror(errno));
}

void
daemon_refused(void *arg, uid_t uid, const char *code)
{
	struct daemon *d = arg;

	audit_refused(d->agent.audit, uid, code);
}

void
daemon_flush(void *arg, int committed)
{
	struct daemon *d = arg;

	http_server_flush(d->agent.http, committed);
	ssh_server_flush(d->agent.ssh, committed);
	if (d->stopping && http_server_count(d->agent.http) == 0)
		loop_stop(d->agent.loop, 0);
}

/* Who, what, and what came of it; never what was in it. */
void
daemon_request_done(void *arg, const struct http_done *done)
{
	const char *socket, *method, *path;

	(void)arg;
	metrics_request(done->endpoint, done->status, done->us, done->waited);
	if (log_level_now() < LOG_DETAIL || (done->status < 400 && log_level_now() < LOG_TRACE))
		return;
	route_describe(done->endpoint, &socket, &method, &path);
	log_line(done->status < 400 ? LOG_TRACE : LOG_DETAIL, "%s%s%s of uid %u: %d, %llu us",
	    method, method[0] != '\0' ? " " : "", path, done->request->caller->uid, done->status,
	    (unsigned long long)done->us);
}
