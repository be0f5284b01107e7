/*
 * status.c - see status.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/status.h"

#include <string.h>

#include "agent/clock.h"
#include "agent/fido.h"
#include "agent/health.h"
#include "agent/metrics.h"
#include "agent/plug_act.h"
#include "agent/presence_act.h"
#include "agent/problem.h"
#include "agent/proof.h"
#include "base/log.h"
#include "include/tessera.h"
#include "token/json.h"

#define STATUS_MODULES	256	/* modules that are told of */

static const char *
status_level(void)
{
	switch (log_level_now()) {
	case LOG_ERROR:
		return "error";
	case LOG_WARN:
		return "warn";
	case LOG_NOTICE:
		return "notice";
	case LOG_DETAIL:
		return "detail";
	case LOG_TRACE:
		return "trace";
	}
	return "notice";
}

static int
status_head(struct buf *b, struct agent *a, const struct health *h)
{
	const struct config *c = policy_config(a->policy);
	int r;

	if ((r = buf_printf(b, "{\"status\":\"%s\",\"version\":\"" TESSERA_VERSION "\",\"mode\":\"%s\","
	    "\"rehearsal\":%s,\"started\":%lld,\"uptime\":%llu,\"log_level\":\"%s\"",
	    h->degraded ? "degraded" : "ok", a->mode == CONFIG_USER ? "user" : "system",
	    clock_is_rehearsal() ? "true" : "false", (long long)metrics.started,
	    (unsigned long long)(clock_boot_ms() - metrics.started_ms) / 1000, status_level())) != TSR_OK ||
	    (r = json_put_member(b, "issuer", a->issuer)) != TSR_OK ||
	    (r = json_put_member(b, "configuration", c->file)) != TSR_OK ||
	    (r = buf_printf(b, ",\"reloads\":%llu,\"reloads_failed\":%llu,",
	    (unsigned long long)metrics.reloads, (unsigned long long)metrics.reloads_failed)) != TSR_OK ||
	    (r = health_checks(b, a, h)) != TSR_OK ||
	    (r = buf_put_cstr(b, ",")) != TSR_OK ||
	    (r = health_signing(b, a)) != TSR_OK)
		return r;
	return buf_put_cstr(b, ",\"store\":{\"writes\":");
}

static int
status_numbers(struct buf *b, struct agent *a, const struct health *h)
{
	const struct config *c = policy_config(a->policy);
	int r;

	if ((r = buf_printf(b, "%s,\"failures\":%llu", h->mints ? "true" : "false",
	    (unsigned long long)store_failures(a->store))) != TSR_OK ||
	    (r = json_put_member(b, "url", c->store)) != TSR_OK)
		return r;
	return buf_printf(b, "},\"sessions\":%zu,\"prompts\":%zu,\"proofs\":%zu,\"waiting\":%zu,"
	    "\"connections\":{\"api\":%llu,\"admin\":%llu,\"ssh\":%llu,\"limit\":%u,\"refused\":%llu}",
	    sessions_count(a->sessions), prompts_count(a->prompts), proofs_count(a->proofs) + a->fido->proofs,
	    helpers_waiting(a->helpers), (unsigned long long)metrics.connections[METRICS_API],
	    (unsigned long long)metrics.connections[METRICS_ADMIN],
	    (unsigned long long)metrics.connections[METRICS_SSH], c->limits.connections,
	    (unsigned long long)metrics.refused[METRICS_REFUSED_FULL]);
}

static int
status_helpers(struct buf *b, struct agent *a)
{
	const struct config *c = policy_config(a->policy);
	struct helper_counts n;
	const char *detail;
	size_t i;
	int r;

	if ((r = buf_put_cstr(b, ",\"helpers\":[")) != TSR_OK)
		return r;
	for (i = 0; i < c->n_modules && i < STATUS_MODULES; i++) {
		helpers_count(a->helpers, c->modules[i].name, &n);
		if ((r = buf_put_cstr(b, i > 0 ? ",{\"module\":" : "{\"module\":")) != TSR_OK ||
		    (r = json_put_string(b, c->modules[i].name)) != TSR_OK ||
		    (r = buf_printf(b, ",\"opening\":%u,\"idle\":%u,\"busy\":%u,\"resting\":%u}",
		    n.opening, n.idle, n.busy, n.resting)) != TSR_OK)
			return r;
	}
	return buf_printf(b, "],\"watcher\":\"%s\",\"fido_watcher\":\"%s\",\"helper_deaths\":%llu",
	    presence_act_state(a->presence, &detail), plug_act_state(a->plugs, &detail),
	    (unsigned long long)metrics.helper_deaths);
}

struct status_list {
	struct buf *out;
	int n;
};

static int
status_breaker(void *arg, const struct helper_rest *rest)
{
	struct status_list *l = arg;
	int r;

	if ((r = buf_put_cstr(l->out, l->n++ > 0 ? ",{\"module\":" : "{\"module\":")) != TSR_OK ||
	    (r = json_put_string(l->out, rest->module)) != TSR_OK ||
	    (r = json_put_member(l->out, "serial", rest->serial)) != TSR_OK ||
	    (r = json_put_member(l->out, "label", rest->label)) != TSR_OK)
		return r;
	return buf_printf(l->out, ",\"deaths\":%u,\"retry_after\":%llu}", rest->deaths,
	    (unsigned long long)(rest->left_ms + 999) / 1000);
}

static int
status_alarm(struct status_list *l, const char *alarm, const char *state, const char *text)
{
	if (strcmp(state, "ok") == 0)
		return TSR_OK;
	return buf_printf(l->out, "%s{\"alarm\":\"%s\",\"state\":\"%s\",\"text\":\"%s\"}",
	    l->n++ > 0 ? "," : "", alarm, state, text);
}

/* What somebody should look at, each with what to do. */
static int
status_alarms(struct buf *b, const struct health *h)
{
	struct status_list l = { b, 0 };
	const char *store = strcmp(h->store, "failing") == 0 ?
	    "the store cannot be written and no token is given: look at its disk and the log" :
	    h->refusal == TSR_UNCONFIRMED ? "the store was altered or put back, all credentials are "
	    "suspended and no token is given: look at them, then tessera store confirm" :
	    strcmp(h->store, "full") == 0 ? "the store's disk is full: make room" :
	    "the store's folder cannot be written: look at its mode and how it is mounted";
	int r;

	if ((r = buf_put_cstr(b, "],\"alarms\":[")) != TSR_OK ||
	    (r = status_alarm(&l, "store", h->store, store)) != TSR_OK ||
	    (r = status_alarm(&l, "audit", h->audit, "the audit log cannot be written and no token is "
	    "given: look at its disk and the log")) != TSR_OK ||
	    (r = status_alarm(&l, "clock", h->clock, "the clock jumped and no token is given: have it "
	    "synchronised, or run tessera clock accept")) != TSR_OK ||
	    (r = status_alarm(&l, "keys", h->keys, strcmp(h->keys, "stale") == 0 ?
	    "the signing keys cannot be read from the store" :
	    "the public keys cannot be written: verifiers may miss the next one")) != TSR_OK ||
	    (r = status_alarm(&l, "ssh", h->ssh, strcmp(h->ssh, "stale") == 0 ?
	    "the keys of the SSH CA cannot be read from the store: restore a backup" :
	    "the SSH CA's public files cannot be written: servers do not learn what is revoked")) != TSR_OK ||
	    (r = status_alarm(&l, "names", h->names,
	    "the name service worker does not run: look at the log")) != TSR_OK ||
	    (r = status_alarm(&l, "helpers", h->resting > 0 ? "resting" : "ok",
	    "a token killed its helper again and again and rests for a minute")) != TSR_OK)
		return r;
	return buf_put_cstr(b, "]}");
}

void
status_answer(struct agent *a, const struct http_request *r, const struct asker *who)
{
	struct health h;
	struct buf b;
	struct status_list l = { &b, 0 };
	int code;

	(void)who;
	health_read(a, &h);
	buf_init(&b, HTTP_ANSWER_MAX);
	if ((code = status_head(&b, a, &h)) == TSR_OK &&
	    (code = status_numbers(&b, a, &h)) == TSR_OK &&
	    (code = status_helpers(&b, a)) == TSR_OK &&
	    (code = buf_put_cstr(&b, ",\"breakers\":[")) == TSR_OK &&
	    (code = helpers_resting(a->helpers, status_breaker, &l)) == TSR_OK &&
	    (code = status_alarms(&b, &h)) == TSR_OK)
		http_answer(r->conn, 200, NULL, b.data, b.len, 0);
	else
		problem(r->conn, code, NULL);
	buf_free(&b);
}
