/*
 * health.c - see health.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/health.h"

#include <string.h>

#include "agent/clock.h"
#include "agent/clock_guard.h"
#include "agent/metrics.h"
#include "agent/problem.h"
#include "agent/ssh_ca.h"
#include "agent/watch.h"
#include "include/tessera.h"
#include "token/json.h"

#define HEALTH_MAX	65536	/* bytes of an answer */
#define HEALTH_MODULES	256	/* modules that are told of */

void
health_look(struct agent *a)
{
	a->store_room = store_room(a->store);
	if (store_failing(a->store))
		(void)store_try(a->store);
}

static int
health_rest(void *arg, const struct helper_rest *r)
{
	(void)r;
	(*(int *)arg)++;
	return TSR_OK;
}

void
health_read(struct agent *a, struct health *out)
{
	struct keys_state k;
	struct ssh_ca_state ssh;
	struct clock_report clock;

	watch_clock(a->watch, &clock);
	keys_state(a->keys, &k);
	ssh_ca_state(a->ssh_ca, &ssh);
	memset(out, 0, sizeof(*out));
	out->audit = audit_ready(a->audit) == TSR_OK ? "ok" : "failing";
	out->refusal = store_failing(a->store) ? TSR_STORE : watch_mint(a->watch);
	out->clock = clock.state == CLOCK_TRUSTED ? "ok" : clock_state_name(clock.state);
	out->store = out->refusal == TSR_STORE ? "failing" : store_verdict(a->store) != STORE_GOOD ?
	    store_verdict_name(store_verdict(a->store)) : a->store_room != NULL ? a->store_room : "ok";
	if (out->refusal == TSR_OK && audit_ready(a->audit) != TSR_OK)
		out->refusal = TSR_STORE;
	out->mints = out->refusal == TSR_OK;
	out->keys = k.stale ? "stale" : k.unpublished ? "unpublished" : "ok";
	out->ssh = ssh.stale ? "stale" : ssh.unpublished ? "unpublished" : "ok";
	out->names = names_working(a->names) ? "ok" : "down";
	(void)helpers_resting(a->helpers, health_rest, &out->resting);
	out->degraded = strcmp(out->store, "ok") != 0 || strcmp(out->audit, "ok") != 0 ||
	    strcmp(out->clock, "ok") != 0 || strcmp(out->keys, "ok") != 0 || strcmp(out->ssh, "ok") != 0 ||
	    strcmp(out->names, "ok") != 0 || out->resting > 0;
}

int
health_checks(struct buf *out, struct agent *a, const struct health *h)
{
	const struct config *c = policy_config(a->policy);
	struct helper_counts n;
	size_t i;
	int r;

	if ((r = buf_printf(out, "\"checks\":{\"store\":\"%s\",\"audit\":\"%s\",\"clock\":\"%s\","
	    "\"keys\":\"%s\",\"ssh\":\"%s\",\"names\":\"%s\",\"helpers\":{", h->store, h->audit, h->clock, h->keys,
	    h->ssh, h->names)) != TSR_OK)
		return r;
	for (i = 0; i < c->n_modules && i < HEALTH_MODULES; i++) {
		helpers_count(a->helpers, c->modules[i].name, &n);
		if ((r = buf_put_cstr(out, i > 0 ? "," : "")) != TSR_OK ||
		    (r = json_put_string(out, c->modules[i].name)) != TSR_OK ||
		    (r = buf_put_cstr(out, n.resting > 0 ? ":\"resting\"" : ":\"ok\"")) != TSR_OK)
			return r;
	}
	return buf_put_cstr(out, "}}");
}

int
health_signing(struct buf *out, struct agent *a)
{
	struct keys_state k;
	int64_t age;
	int r;

	keys_state(a->keys, &k);
	age = clock_wall() - k.activated;
	if ((r = buf_printf(out, "\"signing\":{\"kid\":\"%s\",\"algorithm\":\"%s\",\"activated\":%lld,"
	    "\"age\":%lld,\"rotates\":", k.kid, k.algorithm, (long long)k.activated,
	    (long long)(age > 0 ? age : 0))) != TSR_OK)
		return r;
	return k.rotates == 0 ? buf_put_cstr(out, "null}") :
	    buf_printf(out, "%lld}", (long long)k.rotates);
}

static int
health_json(struct buf *out, struct agent *a, const struct health *h)
{
	int r;

	if ((r = buf_printf(out, "{\"status\":\"%s\",\"version\":\"" TESSERA_VERSION "\","
	    "\"uptime\":%llu,", h->degraded ? "degraded" : "ok",
	    (unsigned long long)(clock_boot_ms() - metrics.started_ms) / 1000)) != TSR_OK ||
	    (r = health_checks(out, a, h)) != TSR_OK ||
	    (r = buf_put_cstr(out, ",")) != TSR_OK ||
	    (r = health_signing(out, a)) != TSR_OK)
		return r;
	if (!h->mints && ((r = buf_printf(out, ",\"error\":\"%s\",\"error_description\":",
	    problem_name(h->refusal))) != TSR_OK || (r = json_put_string(out,
	    strcmp(h->store, "failing") == 0 ? "the store cannot be written: no token is given" :
	    h->refusal == TSR_STORE ? "the audit log cannot be written: no token is given" :
	    tsr_strerror(h->refusal))) != TSR_OK))
		return r;
	return buf_put_cstr(out, "}");
}

void
health_answer(struct agent *a, const struct http_request *r, const struct asker *who)
{
	struct health h;
	struct buf b;
	int code;

	(void)who;
	health_read(a, &h);
	buf_init(&b, HEALTH_MAX);
	if ((code = health_json(&b, a, &h)) == TSR_OK)
		http_answer(r->conn, h.mints ? 200 : 503, NULL, b.data, b.len, 0);
	else
		problem(r->conn, code, NULL);
	buf_free(&b);
}
