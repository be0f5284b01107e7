/*
 * daemon.c - see daemon.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/daemon_internal.h"

#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "agent/audit_event.h"
#include "agent/challenges.h"
#include "agent/clock.h"
#include "agent/confine.h"
#include "agent/daemon_open.h"
#include "agent/enrol_code.h"
#include "agent/fido.h"
#include "agent/import.h"
#include "agent/opaque.h"
#include "agent/otp_pending.h"
#include "agent/health.h"
#include "agent/listen.h"
#include "agent/kept.h"
#include "agent/leaving.h"
#include "agent/metrics.h"
#include "agent/plug_act.h"
#include "agent/presence_act.h"
#include "agent/revoke.h"
#include "agent/proof.h"
#include "agent/rate.h"
#include "agent/route.h"
#include "agent/ssh_agent.h"
#include "agent/ssh_ca.h"
#include "agent/ssh_revoke.h"
#include "agent/ssh_user.h"
#include "agent/token_cache.h"
#include "agent/watch.h"
#include "base/log.h"
#include "include/tessera.h"

#define DAEMON_EXPIRE_MS	10000	/* sessions past their end are looked for */
#define DAEMON_KEYS_MS		60000	/* the schedule of the signing keys */
#define DAEMON_FILES_OWN	128	/* descriptors beside those of clients */

/* --- what happens by itself --- */

static void
daemon_expire(void *arg)
{
	struct daemon *d = arg;

	leaving_look(d->agent.leaving);
	sessions_expire(d->agent.sessions);
	token_cache_expire(d->agent.cache, clock_wall());
	opaque_sweep(&d->agent);
	ssh_sweep(&d->agent);
	health_look(&d->agent);
	revoke_note(&d->agent);
	(void)timer_arm(loop_timers(d->agent.loop), &d->expire, clock_boot_ms() + DAEMON_EXPIRE_MS,
	    daemon_expire, d);
}

static void
daemon_keys(void *arg)
{
	struct daemon *d = arg;

	/* By a clock that is not believed no key is retired. */
	if (watch_mint(d->agent.watch) == TSR_OK) {
		if (keys_tick(d->agent.keys, clock_wall()) != TSR_OK)
			log_line(LOG_ERROR, "the signing keys cannot be rotated");
		d->keys_due = 1;
	}
	(void)timer_arm(loop_timers(d->agent.loop), &d->keys, clock_boot_ms() + DAEMON_KEYS_MS,
	    daemon_keys, d);
}

static void
daemon_session_ended(void *arg, const struct session *s)
{
	struct daemon *d = arg;
	char json[64];
	int n = snprintf(json, sizeof(json), "{\"sid\":\"%s\"}", s->sid);

	/* of one whose proof did not become durable nobody has heard */
	(s->unsettled ? events_hold : events_send)(d->agent.events, s->uid, "session-ended", json,
	    (size_t)n);
	opaque_session_ended(&d->agent, s->sid);
	ssh_session_ended(&d->agent, s->sid);
	token_cache_forget(d->agent.cache, s->sid);
	(void)epochs_kill(d->agent.epochs, s->sid);	/* the end's */
	kept_gone(d->agent.kept, s);
	audit_event_session_ended(&d->agent, s);
}

static void
daemon_session_locked(void *arg, const struct session *s, const char *to, const char *reason)
{
	struct daemon *d = arg;
	char json[160];
	int n = snprintf(json, sizeof(json), "{\"sid\":\"%s\",\"credential\":\"%s\",\"reason\":\"%s\"}",
	    s->sid, s->credential, reason);

	(void)epochs_kill(d->agent.epochs, s->sid);	/* the lock's */
	kept_gone(d->agent.kept, s);
	ssh_session_ended(&d->agent, s->sid);
	token_cache_forget(d->agent.cache, s->sid);
	events_send(d->agent.events, s->uid, "session-locked", json, (size_t)n);
	if (s->left)			/* nothing of it wakes up again by itself */
		opaque_session_ended(&d->agent, s->sid);
	else
		opaque_session_moved(&d->agent, s->sid, to);
	audit_event_session_locked(&d->agent, s, reason);
}

static void
daemon_listener_left(void *arg, uid_t uid)
{
	struct daemon *d = arg;

	prompts_left(d->agent.prompts, uid);
}

/* --- signals --- */

static int
daemon_stop_over(sd_event_source *s, uint64_t usec, void *arg)
{
	struct daemon *d = arg;

	(void)s;
	(void)usec;
	loop_stop(d->agent.loop, 0);
	return 0;
}

static int
daemon_signal(sd_event_source *s, const struct signalfd_siginfo *si, void *arg)
{
	struct daemon *d = arg;

	(void)s;
	if (si->ssi_signo == SIGHUP) {
		daemon_reload(d);
		return 0;
	}
	if (d->stopping) {
		loop_stop(d->agent.loop, 0);
		return 0;
	}
	d->stopping = 1;
	(void)sd_notify(0, "STOPPING=1\nSTATUS=stopping");
	log_line(LOG_NOTICE, "stopping");
	http_server_drain(d->agent.http);
	ssh_server_drain(d->agent.ssh);
	/* real time, also in a rehearsal: nobody may have to push the clock to stop us */
	if (sd_event_add_time_relative(loop_event(d->agent.loop), &d->stop_timer, CLOCK_MONOTONIC,
	    (uint64_t)DAEMON_STOP_MS * 1000, 10000, daemon_stop_over, d) < 0)
		loop_stop(d->agent.loop, 0);
	loop_wake(d->agent.loop);
	return 0;
}

static int
daemon_signals(struct daemon *d)
{
	static const int signals[] = { SIGTERM, SIGINT, SIGHUP };
	sigset_t set;
	size_t i;

	/* Children are reaped by the kernel; their sockets tell when they end. */
	if (signal(SIGCHLD, SIG_IGN) == SIG_ERR ||
	    signal(SIGXFSZ, SIG_IGN) == SIG_ERR)	/* a write beyond a limit fails, like any other */
		return TSR_SYSTEM;
	(void)sigemptyset(&set);
	for (i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		(void)sigaddset(&set, signals[i]);
	if (sigprocmask(SIG_BLOCK, &set, NULL) == -1)
		return TSR_SYSTEM;
	for (i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		if (sd_event_add_signal(loop_event(d->agent.loop), NULL, signals[i], daemon_signal, d) < 0)
			return TSR_SYSTEM;
	return sd_event_set_watchdog(loop_event(d->agent.loop), 1) < 0 ? TSR_SYSTEM : TSR_OK;
}

/* --- putting it together --- */

/* Two descriptors a client: its socket and its process. */
static void
daemon_files(const struct config *c)
{
	rlim_t want = 2 * (rlim_t)c->limits.connections + DAEMON_FILES_OWN;
	struct rlimit l;

	if (getrlimit(RLIMIT_NOFILE, &l) == -1 || l.rlim_cur >= want)
		return;
	l.rlim_cur = l.rlim_max < want ? l.rlim_max : want;
	if (setrlimit(RLIMIT_NOFILE, &l) == -1 || l.rlim_cur < want)
		log_line(LOG_WARN, "limits.connections = %u takes %llu descriptors, but only %llu are "
		    "allowed: raise LimitNOFILE of the service", c->limits.connections,
		    (unsigned long long)want, (unsigned long long)l.rlim_cur);
}

static int
daemon_audit(struct daemon *d)
{
	struct audit_client client = { daemon_audit_head, daemon_audit_failed, d };
	struct audit_file *file = d->audit_file;

	d->audit_file = NULL;		/* the audit log's, also on an error */
	return audit_new(file, loop_timers(d->agent.loop), &client, &d->agent.audit);
}

static int
daemon_proofs(struct agent *a)
{
	struct proof_parts parts = {
		.timers = loop_timers(a->loop), .helpers = a->helpers, .events = a->events,
		.prompts = a->prompts, .guard = a->guard, .seat = &a->seat
	};

	return proofs_new(&parts, &a->proofs);
}

/* The parts that need nothing but memory and processes of our own. */
static int
daemon_parts(struct daemon *d, uid_t helper)
{
	struct agent *a = &d->agent;
	struct loop_batch batch = { daemon_commit, daemon_flush, d };
	struct door_limits limits;
	int r;

	daemon_files(d->first);
	daemon_limits(d, d->first, helper, &limits);
	if ((r = loop_new(&a->loop)) != TSR_OK || (r = daemon_audit(d)) != TSR_OK ||
	    (r = daemon_signals(d)) != TSR_OK ||
	    (r = http_server_new(a->loop, &limits, route_request, a, &a->http)) != TSR_OK ||
	    (r = names_new(a->loop, d->options.program, &a->names)) != TSR_OK ||
	    (r = events_new(a->loop, daemon_listener_left, d, &a->events)) != TSR_OK ||
	    (r = prompts_new(a->loop, a->events, &a->seat, &a->prompts)) != TSR_OK ||
	    (r = sessions_new(daemon_session_ended, d, &a->sessions)) != TSR_OK ||
	    (r = leaving_new(a, &a->leaving)) != TSR_OK || (r = kept_new(a, &a->kept)) != TSR_OK ||
	    (r = daemon_open_helpers(d->first, &d->options, a->loop, &a->helpers)) != TSR_OK ||
	    (r = pin_guard_new(&a->guard)) != TSR_OK || (r = daemon_proofs(a)) != TSR_OK ||
	    (r = daemon_open_presence(d->first, &d->options, a)) != TSR_OK ||
	    (r = daemon_open_fido(d->first, &d->options, a)) != TSR_OK ||
	    (r = enrol_codes_new(&a->codes)) != TSR_OK ||
	    (r = opaques_new(&a->opaques)) != TSR_OK || (r = rates_new(&a->rates)) != TSR_OK ||
	    (r = ssh_ends_new(&a->ssh_ends)) != TSR_OK || (r = token_cache_new(&a->cache)) != TSR_OK ||
	    (r = otp_pendings_new(&a->otp_pendings)) != TSR_OK ||
	    (r = ssh_server_new(a->loop, http_server_door(a->http), ssh_agent_message, a,
	    &a->ssh)) != TSR_OK || (r = ssh_users_new(a, d->first->public_dir, &a->ssh_users)) != TSR_OK ||
	    (r = challenges_new(&a->challenges)) != TSR_OK || (r = imports_new(&a->imports)) != TSR_OK)
		return r;
	sessions_on_lock(a->sessions, daemon_session_locked, d);
	http_server_on_refused(a->http, daemon_refused, d);
	loop_set_batch(a->loop, &batch);
	http_server_observe(a->http, daemon_request_done, d);
	return TSR_OK;
}

int
daemon_new(const struct daemon_options *o, struct config *config, struct daemon **out,
    char *err, size_t err_size)
{
	struct daemon *d;
	uid_t helper = (uid_t)-1;
	int r;

	(void)snprintf(err, err_size, "%s", "the parts of the agent cannot be set up");
	if ((d = calloc(1, sizeof(*d))) == NULL) {
		config_free(&config);
		return TSR_NOMEM;
	}
	metrics_start(clock_boot_ms(), clock_wall());
	clock_boot_id(d->agent.boot_id);
	randombytes_buf(d->agent.service_key, sizeof(d->agent.service_key));
	d->agent.started_s = clock_boot_ms() / 1000;
	d->options = *o;
	d->first = config;
	daemon_settle(d, config);
	d->listeners.api = d->listeners.admin = d->listeners.ssh = d->listeners.dir = -1;
	d->agent.mode = o->mode;
	link_init(&d->agent.pending);
	link_init(&d->agent.ssh_waiting);
	if ((r = daemon_open_issuer(config, o->mode, d->agent.issuer, err, err_size)) != TSR_OK ||
	    (r = daemon_open_helper_user(config, o->mode, &helper, err, err_size)) != TSR_OK ||
	    (r = daemon_open_store(config, &d->agent, &d->audit_file, err, err_size)) != TSR_OK ||
	    (r = daemon_open_sockets(config, o->mode, &d->listeners, err, err_size)) != TSR_OK ||
	    (r = daemon_parts(d, helper)) != TSR_OK) {
		daemon_free(&d);
		return r;
	}
	*out = d;
	return TSR_OK;
}

static int
daemon_serve(struct daemon *d)
{
	struct agent *a = &d->agent;
	struct config *c = d->first;
	int r, api = d->listeners.api, admin = d->listeners.admin, ssh = d->listeners.ssh;

	d->listeners.api = d->listeners.admin = d->listeners.ssh = -1;	/* the server's, also on an error */
	if ((r = http_server_listen(a->http, api, HTTP_API)) != TSR_OK)
		return r;
	if (ssh != -1 && (r = ssh_server_listen(a->ssh, ssh)) != TSR_OK)
		return r;
	if (admin != -1 && (r = http_server_listen(a->http, admin, HTTP_ADMIN)) != TSR_OK)
		return r;
	d->first = NULL;
	if ((r = policy_new(c, a->names, daemon_policy_ready, d, daemon_unknown_name, &d->next)) != TSR_OK)
		return r;
	if ((r = epochs_begin(a->epochs, loop_timers(a->loop))) != TSR_OK)
		return r;
	daemon_expire(d);
	daemon_keys(d);
	watch_start(a->watch);
	return TSR_OK;
}

int
daemon_run(struct daemon *d)
{
	int r;

	if ((r = confine_agent(d->first, &d->options)) != TSR_OK) {
		log_line(LOG_ERROR, "the sandbox cannot be entered: %s", tsr_strerror(r));
		return 1;
	}
	if ((r = daemon_serve(d)) != TSR_OK) {
		log_line(LOG_ERROR, "cannot serve: %s", tsr_strerror(r));
		return 1;
	}
	(void)snprintf(d->kid, sizeof(d->kid), "%s", keys_active_kid(d->agent.keys));
	audit_event_agent(&d->agent, "start", NULL, TESSERA_VERSION);
	r = loop_run(d->agent.loop);
	audit_event_agent(&d->agent, "stop", NULL, NULL);
	(void)daemon_commit(d);
	watch_stop(d->agent.watch);
	log_line(LOG_NOTICE, "stopped");
	return r < 0 ? 1 : r;
}

void
daemon_free(struct daemon **dp)
{
	struct daemon *d = *dp;

	if (d == NULL)
		return;
	ssh_server_free(&d->agent.ssh);		/* ends what is parked */
	http_server_free(&d->agent.http);
	ssh_users_free(&d->agent.ssh_users);
	leaving_free(&d->agent.leaving);
	kept_free(&d->agent.kept);
	presence_act_free(&d->agent.presence);
	plug_act_free(&d->agent.plugs);
	proofs_free(&d->agent.proofs);
	fido_free(&d->agent.fido);
	pin_guard_free(&d->agent.guard);
	token_cache_free(&d->agent.cache);
	rates_free(&d->agent.rates);
	opaques_free(&d->agent.opaques);
	ssh_ends_free(&d->agent.ssh_ends);
	otp_pendings_free(&d->agent.otp_pendings);
	challenges_free(&d->agent.challenges);
	imports_free(&d->agent.imports);
	enrol_codes_free(&d->agent.codes);
	prompts_free(&d->agent.prompts);
	helpers_free(&d->agent.helpers);
	sessions_free(&d->agent.sessions);
	events_free(&d->agent.events);
	policy_free(&d->next);
	policy_free(&d->agent.policy);
	names_free(&d->agent.names);
	listen_close(&d->listeners);
	audit_free(&d->agent.audit);
	audit_file_close(&d->audit_file);
	watch_free(&d->agent.watch);
	epochs_free(&d->agent.epochs);
	ssh_ca_free(&d->agent.ssh_ca);
	keys_free(&d->agent.keys);
	store_close(&d->agent.store);
	sd_event_source_unref(d->stop_timer);
	if (d->agent.loop != NULL) {
		timer_disarm(loop_timers(d->agent.loop), &d->expire);
		timer_disarm(loop_timers(d->agent.loop), &d->keys);
	}
	loop_free(&d->agent.loop);
	config_free(&d->first);
	free(d);
	*dp = NULL;
}
