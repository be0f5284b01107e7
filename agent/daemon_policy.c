/*
 * daemon_policy.c - the configuration taken into force, at the start and again
 * when it is read anew.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/daemon_internal.h"

#include <stdio.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "agent/audit_event.h"
#include "agent/daemon_open.h"
#include "agent/fido.h"
#include "agent/kept.h"
#include "agent/metrics.h"
#include "agent/plug_act.h"
#include "agent/presence_act.h"
#include "agent/ssh_revoke.h"
#include "agent/watch.h"
#include "base/log.h"
#include "include/tessera.h"

void
daemon_settle(struct daemon *d, const struct config *c)
{
	enum log_level level = (enum log_level)c->log_level;
	size_t i;

	d->agent.seat = c->seat;
	log_set_level(d->options.verbose && level < LOG_DETAIL ? LOG_DETAIL : level);
	for (i = 0; i < c->n_audiences; i++)
		metrics_audience(c->audiences[i].name);
}

void
daemon_unknown_name(void *arg, const char *kind, const char *name)
{
	(void)arg;
	log_line(LOG_WARN, "there is no %s \"%s\": it matches nobody", kind, name);
}

void
daemon_limits(const struct daemon *d, const struct config *c, uid_t helper, struct door_limits *l)
{
	memset(l, 0, sizeof(*l));
	l->connections = c->limits.connections;
	l->connections_per_uid = c->limits.connections_per_uid;
	l->use_pidfd = 1;
	if (d->options.mode == CONFIG_USER)
		return;
	/* An evil card's exploit finds no door here. */
	l->refuse[l->n_refuse++] = getuid();
	if (helper != getuid())
		l->refuse[l->n_refuse++] = helper;
}

void
daemon_policy_ready(void *arg, struct policy *p)
{
	struct daemon *d = arg;
	struct policy *old = d->agent.policy;
	char err[512] = "the makers of FIDO2 keys cannot be read";

	d->agent.policy = p;
	d->next = NULL;
	daemon_settle(d, policy_config(p));
	if (fido_roots(d->agent.fido, policy_config(p), err, sizeof(err)) != TSR_OK)
		log_line(LOG_ERROR, "%s", err);
	ssh_sweep(&d->agent);
	if (old != NULL) {
		metrics.reloads++;
		policy_free(&old);
		helpers_renew(d->agent.helpers);
		fido_spares_renew(&d->agent.fido->spares);
		presence_act_renew(d->agent.presence);
		plug_act_renew(d->agent.plugs);
		audit_limits(d->agent.audit, daemon_audit_size(policy_config(p)), policy_config(p)->audit.keep);
		audit_event_agent(&d->agent, "reload", NULL, NULL);
		log_line(LOG_NOTICE, "configuration read again");
	}
	if (!d->ready) {
		kept_start(d->agent.kept);
		presence_act_start(d->agent.presence);
		plug_act_start(d->agent.plugs);
		log_line(LOG_NOTICE, "ready, issuer %s", d->agent.issuer);
	}
	d->ready = 1;
	(void)sd_notify(0, "READY=1\nSTATUS=serving");
}

/* Either may be NULL. */
static int
daemon_differ(const char *was, const char *is)
{
	return was == NULL || is == NULL ? was != is : strcmp(was, is) != 0;
}

/* Settings that only a restart changes. */
static void
daemon_warn_fixed(const struct config *was, const struct config *is)
{
	if (daemon_differ(was->issuer, is->issuer) || daemon_differ(was->store, is->store) ||
	    daemon_differ(was->store_key, is->store_key) || daemon_differ(was->anchor, is->anchor) ||
	    daemon_differ(was->state_dir, is->state_dir) ||
	    daemon_differ(was->socket_dir, is->socket_dir) ||
	    daemon_differ(was->public_dir, is->public_dir) ||
	    daemon_differ(was->libexec_dir, is->libexec_dir) ||
	    daemon_differ(was->helper_user, is->helper_user) ||
	    daemon_differ(was->helper_socket, is->helper_socket) ||
	    daemon_differ(was->watch_socket, is->watch_socket) ||
	    daemon_differ(was->fido.socket, is->fido.socket) || was->pcsc.watch != is->pcsc.watch ||
	    daemon_differ(was->fido.watch_socket, is->fido.watch_socket) ||
	    was->fido.watch != is->fido.watch ||
	    daemon_differ(was->admin_group, is->admin_group) ||
	    daemon_differ(was->signing.algorithm, is->signing.algorithm) ||
	    was->signing.rotate != is->signing.rotate ||
	    was->limits.connections != is->limits.connections ||
	    was->limits.connections_per_uid != is->limits.connections_per_uid)
		log_line(LOG_WARN, "issuer, store, its key and anchor, folders, signing, connection limits, "
		    "helper settings and the group of the administrators' socket take effect at the "
		    "next start");
}

void
daemon_reload(struct daemon *d)
{
	struct config *c = NULL;
	char err[1024];
	uint64_t now;

	/* the service manager's own clock, also in a rehearsal */
	if (sd_event_now(loop_event(d->agent.loop), CLOCK_MONOTONIC, &now) >= 0)
		(void)sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%llu", (unsigned long long)now);
	if (d->next != NULL)
		policy_free(&d->next);
	if (config_load(d->options.config_file, d->options.mode, &c, err, sizeof(err)) != TSR_OK) {
		metrics.reloads_failed++;
		log_line(LOG_ERROR, "the configuration stays as it was: %s", err);
		audit_event_agent(&d->agent, "reload", "invalid_config", err);
		loop_wake(d->agent.loop);
		(void)sd_notify(0, "READY=1");
		return;
	}
	if (d->agent.policy != NULL)
		daemon_warn_fixed(policy_config(d->agent.policy), c);
	if (policy_new(c, d->agent.names, daemon_policy_ready, d, daemon_unknown_name,
	    &d->next) != TSR_OK) {
		log_line(LOG_ERROR, "the configuration stays as it was: out of memory");
		(void)sd_notify(0, "READY=1");
	}
	loop_wake(d->agent.loop);
}
