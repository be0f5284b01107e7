/*
 * metrics_text.c - see metrics_text.h.  The format is OpenMetrics 1.0.0: each
 * family once, its HELP and TYPE before its samples, counters end in _total,
 * "# EOF" last.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/metrics_text.h"

#include <string.h>
#include <unistd.h>

#include "agent/clock.h"
#include "agent/fido.h"
#include "agent/metrics.h"
#include "agent/problem.h"
#include "agent/ssh_ca.h"
#include "agent/proof.h"
#include "agent/route.h"
#include "base/escape.h"
#include "agent/ssh_user.h"
#include "include/tessera.h"

#define METRICS_MODULES	32	/* modules that are told of */

static const char *const sockets[METRICS_SOCKETS] = { "api", "admin", "ssh" };
static const char *const grants[METRICS_GRANTS] = {
	"device", "otp", "assertion", "session", "refresh", "service"
};
static const char *const classes[METRICS_CLASSES] = { "gone", "1xx", "2xx", "3xx", "4xx", "5xx" };

/* A newline has an escape of its own here: it alone is not escape_text's. */
static int
metrics_utf8(const char *value)
{
	size_t n;

	for (;; value += n + 1) {
		n = strcspn(value, "\n");
		if (!escape_is_text(value, n))
			return 0;
		if (value[n] == '\0')
			return 1;
	}
}

int
metrics_label(struct buf *out, const char *value)
{
	char text[4 * METRICS_NAME_MAX];
	const char *p;
	int r;

	if (!metrics_utf8(value))
		value = escape_text(text, sizeof(text), value, strlen(value));
	for (p = value; *p != '\0'; p++) {
		if (*p == '\n')
			r = buf_put_cstr(out, "\\n");
		else if (*p == '\\' || *p == '"')
			r = buf_printf(out, "\\%c", *p);
		else
			r = buf_put_u8(out, (uint8_t)*p);
		if (r != TSR_OK)
			return r;
	}
	return TSR_OK;
}

static int
metrics_family(struct buf *out, const char *name, const char *type, const char *unit,
    const char *help)
{
	int r;

	if ((r = buf_printf(out, "# TYPE tessera_%s %s\n", name, type)) != TSR_OK ||
	    (unit != NULL && (r = buf_printf(out, "# UNIT tessera_%s %s\n", name, unit)) != TSR_OK))
		return r;
	return buf_printf(out, "# HELP tessera_%s %s\n", name, help);
}

static int
metrics_counter(struct buf *out, const char *name, const char *help, uint64_t v)
{
	int r;

	if ((r = metrics_family(out, name, "counter", NULL, help)) != TSR_OK)
		return r;
	return buf_printf(out, "tessera_%s_total %llu\n", name, (unsigned long long)v);
}

static int
metrics_gauge(struct buf *out, const char *name, const char *unit, const char *help, long long v)
{
	int r;

	if ((r = metrics_family(out, name, "gauge", unit, help)) != TSR_OK)
		return r;
	return buf_printf(out, "tessera_%s %lld\n", name, v);
}

/* label: "" or "name=\"value\",". */
static int
metrics_buckets(struct buf *out, const char *name, const char *label,
    const struct metrics_histogram *h)
{
	unsigned long long n = 0;
	size_t len = strlen(label);
	unsigned i;
	int r;

	for (i = 0; i < METRICS_BUCKETS; i++) {
		n += h->bucket[i];
		if ((r = buf_printf(out, "tessera_%s_bucket{%sle=\"%s\"} %llu\n", name, label,
		    metrics_bound(i), n)) != TSR_OK)
			return r;
	}
	if (len == 0)
		return buf_printf(out, "tessera_%s_count %llu\ntessera_%s_sum %.6f\n", name, n, name,
		    (double)h->sum_us / 1e6);
	return buf_printf(out, "tessera_%s_count{%.*s} %llu\ntessera_%s_sum{%.*s} %.6f\n", name,
	    (int)len - 1, label, n, name, (int)len - 1, label, (double)h->sum_us / 1e6);
}

/* --- requests --- */

static int
metrics_request_line(struct buf *out, unsigned endpoint, unsigned class)
{
	const char *socket, *method, *path;

	route_describe(endpoint, &socket, &method, &path);
	return buf_printf(out, "tessera_requests_total{socket=\"%s\",method=\"%s\",endpoint=\"%s\","
	    "status=\"%s\"} %llu\n", socket, method, path, classes[class],
	    (unsigned long long)metrics.requests[endpoint][class]);
}

/* 2xx, 4xx and 5xx of each endpoint from the start on, the others once seen. */
static int
metrics_requests(struct buf *out)
{
	unsigned i, j;
	int r;

	if ((r = metrics_family(out, "requests", "counter", NULL,
	    "Requests by endpoint and class of the answer's status.")) != TSR_OK)
		return r;
	for (i = 0; i < route_count(); i++)
		for (j = 0; j < METRICS_CLASSES; j++)
			if ((j == 2 || j >= 4 || metrics.requests[i][j] > 0) &&
			    (r = metrics_request_line(out, i, j)) != TSR_OK)
				return r;
	if ((r = metrics_family(out, "request_duration_seconds", "histogram", "seconds",
	    "From a request's being whole to its answer; waited: a device or a person came in "
	    "between.")) != TSR_OK ||
	    (r = metrics_buckets(out, "request_duration_seconds", "waited=\"no\",",
	    &metrics.at_once)) != TSR_OK)
		return r;
	return metrics_buckets(out, "request_duration_seconds", "waited=\"yes\",", &metrics.waited);
}

/* --- tokens and proofs --- */

static int
metrics_token_line(struct buf *out, const char *audience, unsigned grant, uint64_t n)
{
	int r;

	if ((r = buf_put_cstr(out, "tessera_tokens_minted_total{audience=\"")) != TSR_OK ||
	    (r = metrics_label(out, audience)) != TSR_OK)
		return r;
	return buf_printf(out, "\",grant=\"%s\"} %llu\n", grants[grant], (unsigned long long)n);
}

static int
metrics_tokens(struct buf *out)
{
	const struct metrics_audience *a;
	unsigned i;
	int r;

	if ((r = metrics_family(out, "tokens_minted", "counter", NULL,
	    "Access tokens by audience and grant; audiences beyond a limit have an empty name together.")) != TSR_OK)
		return r;
	for (a = metrics.audience; a < metrics.audience + metrics.n_audiences; a++)
		for (i = 0; i < METRICS_GRANTS; i++)
			if ((r = metrics_token_line(out, a->name, i, a->minted[i])) != TSR_OK)
				return r;
	for (i = 0; i < METRICS_GRANTS; i++)
		if (metrics.other[i] > 0 &&
		    (r = metrics_token_line(out, "", i, metrics.other[i])) != TSR_OK)
			return r;
	return TSR_OK;
}

static int
metrics_misuses(struct buf *out)
{
	unsigned i;
	int r;

	if ((r = metrics_counter(out, "tokens_cached", "Tokens that were given again by min_valid.",
	    metrics.cached)) != TSR_OK ||
	    (r = metrics_family(out, "misuse", "counter", NULL,
	    "What honest programs do not do, by kind.")) != TSR_OK)
		return r;
	for (i = 0; i < METRICS_MISUSES; i++)
		if ((r = buf_printf(out, "tessera_misuse_total{kind=\"%s\"} %llu\n",
		    metrics_misuse_name((enum metrics_misuse)i),
		    (unsigned long long)metrics.misuse[i])) != TSR_OK)
			return r;
	return TSR_OK;
}

static int
metrics_proofs(struct buf *out)
{
	const char *name;
	int i, r;

	if ((r = metrics_family(out, "proofs", "counter", NULL,
	    "Proofs that were asked for, by how they ended.")) != TSR_OK)
		return r;
	for (i = 0; i < METRICS_CODES; i++)
		if ((name = metrics_proof_name(-i)) != NULL &&
		    (r = buf_printf(out, "tessera_proofs_total{result=\"%s\"} %llu\n", name,
		    (unsigned long long)metrics.proofs[i])) != TSR_OK)
			return r;
	if ((r = buf_printf(out, "tessera_proofs_total{result=\"abandoned\"} %llu\n",
	    (unsigned long long)metrics.proofs_abandoned)) != TSR_OK ||
	    (r = metrics_family(out, "device_duration_seconds", "histogram", "seconds",
	    "A helper's part of a proof: PIN and signature, without the person.")) != TSR_OK)
		return r;
	return metrics_buckets(out, "device_duration_seconds", "", &metrics.device);
}

static int
metrics_prompts(struct buf *out, struct agent *a)
{
	static const char *const outcomes[METRICS_PROMPTS] = {
		"answered", "cancelled", "timeout", "no_prompter", "abandoned"
	};
	unsigned i;
	int r;

	if ((r = metrics_gauge(out, "sessions_live", NULL, "Sessions of all users.",
	    (long long)sessions_count(a->sessions))) != TSR_OK ||
	    (r = metrics_gauge(out, "proofs_pending", NULL, "Proofs under way.",
	    (long long)(proofs_count(a->proofs) + a->fido->proofs))) != TSR_OK ||
	    (r = metrics_gauge(out, "prompts_open", NULL, "PIN prompts that wait for a person.",
	    (long long)prompts_count(a->prompts))) != TSR_OK ||
	    (r = metrics_family(out, "prompts", "counter", NULL,
	    "PIN prompts by how they ended.")) != TSR_OK)
		return r;
	for (i = 0; i < METRICS_PROMPTS; i++)
		if ((r = buf_printf(out, "tessera_prompts_total{outcome=\"%s\"} %llu\n", outcomes[i],
		    (unsigned long long)metrics.prompts[i])) != TSR_OK)
			return r;
	return TSR_OK;
}

/* --- helpers --- */

static int
metrics_helper_line(struct buf *out, const char *family, const char *module, const char *state,
    unsigned n)
{
	int r;

	if ((r = buf_printf(out, "tessera_%s{module=\"", family)) != TSR_OK ||
	    (r = metrics_label(out, module)) != TSR_OK)
		return r;
	if (state == NULL)
		return buf_printf(out, "\"} %u\n", n);
	return buf_printf(out, "\",state=\"%s\"} %u\n", state, n);
}

static int
metrics_helper_families(struct buf *out, struct agent *a)
{
	const struct config *c = policy_config(a->policy);
	struct helper_counts n;
	const char *m;
	size_t i;
	int r;

	if ((r = metrics_family(out, "helper_processes", "gauge", NULL,
	    "PKCS#11 helpers by module and state.")) != TSR_OK)
		return r;
	for (i = 0; i < c->n_modules && i < METRICS_MODULES; i++) {
		m = c->modules[i].name;
		helpers_count(a->helpers, m, &n);
		if ((r = metrics_helper_line(out, "helper_processes", m, "opening", n.opening)) != TSR_OK ||
		    (r = metrics_helper_line(out, "helper_processes", m, "idle", n.idle)) != TSR_OK ||
		    (r = metrics_helper_line(out, "helper_processes", m, "busy", n.busy)) != TSR_OK)
			return r;
	}
	if ((r = metrics_family(out, "breakers_open", "gauge", NULL,
	    "Tokens that rest because they killed their helpers, by module.")) != TSR_OK)
		return r;
	for (i = 0; i < c->n_modules && i < METRICS_MODULES; i++) {
		helpers_count(a->helpers, c->modules[i].name, &n);
		if ((r = metrics_helper_line(out, "breakers_open", c->modules[i].name, NULL,
		    n.resting)) != TSR_OK)
			return r;
	}
	return TSR_OK;
}

static int
metrics_helpers(struct buf *out, struct agent *a)
{
	int r;

	if ((r = metrics_helper_families(out, a)) != TSR_OK ||
	    (r = metrics_counter(out, "helpers_started", "Helper processes that were started.",
	    metrics.helpers_started)) != TSR_OK ||
	    (r = metrics_counter(out, "helper_deaths", "Helpers that died or hung at work.",
	    metrics.helper_deaths)) != TSR_OK ||
	    (r = metrics_counter(out, "breakers_opened", "Times that a token was laid to rest.",
	    metrics.breakers_opened)) != TSR_OK)
		return r;
	return metrics_gauge(out, "helper_requests_waiting", NULL,
	    "Requests that wait for a helper.", (long long)helpers_waiting(a->helpers));
}

/* --- connections --- */

static int
metrics_connections(struct buf *out)
{
	static const char *const reasons[METRICS_REFUSALS] = {
		"uid", "full", "caller", "resources", "sender"
	};
	unsigned i;
	int r;

	if ((r = metrics_family(out, "connections", "gauge", NULL,
	    "Open connections by socket.")) != TSR_OK)
		return r;
	for (i = 0; i < METRICS_SOCKETS; i++)
		if ((r = buf_printf(out, "tessera_connections{socket=\"%s\"} %llu\n", sockets[i],
		    (unsigned long long)metrics.connections[i])) != TSR_OK)
			return r;
	if ((r = metrics_family(out, "connections_accepted", "counter", NULL,
	    "Connections that were let in, by socket.")) != TSR_OK)
		return r;
	for (i = 0; i < METRICS_SOCKETS; i++)
		if ((r = buf_printf(out, "tessera_connections_accepted_total{socket=\"%s\"} %llu\n",
		    sockets[i], (unsigned long long)metrics.accepted[i])) != TSR_OK)
			return r;
	if ((r = metrics_family(out, "connections_refused", "counter", NULL,
	    "Connections that were turned away or ended, by reason.")) != TSR_OK)
		return r;
	for (i = 0; i < METRICS_REFUSALS; i++)
		if ((r = buf_printf(out, "tessera_connections_refused_total{reason=\"%s\"} %llu\n",
		    reasons[i], (unsigned long long)metrics.refused[i])) != TSR_OK)
			return r;
	return TSR_OK;
}

/* --- ssh.sock --- */

static int
metrics_ssh(struct buf *out, struct agent *a)
{
	static const char *const results[METRICS_SSHS] = { "", "session", "proof", "refused" };
	unsigned i;
	int r;

	if ((r = metrics_gauge(out, "ssh_keys", NULL, "Users whose SSH key is held.",
	    (long long)ssh_users_count(a->ssh_users))) != TSR_OK ||
	    (r = metrics_counter(out, "ssh_listings", "Lists of keys that ssh.sock answered.",
	    metrics.ssh[METRICS_SSH_LISTED])) != TSR_OK ||
	    (r = metrics_family(out, "ssh_signatures", "counter", NULL,
	    "SSH signatures that were asked for, by what came of it.")) != TSR_OK)
		return r;
	for (i = METRICS_SSH_SESSION; i < METRICS_SSHS; i++)
		if ((r = buf_printf(out, "tessera_ssh_signatures_total{result=\"%s\"} %llu\n", results[i],
		    (unsigned long long)metrics.ssh[i])) != TSR_OK)
			return r;
	return TSR_OK;
}

static int
metrics_ssh_ca(struct buf *out, struct agent *a)
{
	struct ssh_ca_state s;
	int r;

	ssh_ca_state(a->ssh_ca, &s);
	if ((r = metrics_family(out, "ssh_certificates", "counter", NULL,
	    "SSH certificates that were issued, by who holds the key.")) != TSR_OK ||
	    (r = buf_printf(out, "tessera_ssh_certificates_total{holder=\"user\"} %llu\n"
	    "tessera_ssh_certificates_total{holder=\"agent\"} %llu\n",
	    (unsigned long long)metrics.ssh_certificates[0],
	    (unsigned long long)metrics.ssh_certificates[1])) != TSR_OK)
		return r;
	return metrics_gauge(out, "ssh_ca_failing", NULL,
	    "1 while the SSH CA's keys cannot be read, or its files not be written.",
	    s.stale || s.unpublished);
}

/* --- the rest --- */

static int
metrics_store(struct buf *out, struct agent *a)
{
	int r;

	if ((r = metrics_counter(out, "batches", "Batches of the event loop.", metrics.batches)) != TSR_OK ||
	    (r = metrics_family(out, "commit_duration_seconds", "histogram", "seconds",
	    "Durable commits of the store.")) != TSR_OK ||
	    (r = metrics_buckets(out, "commit_duration_seconds", "", &metrics.commit)) != TSR_OK ||
	    (r = metrics_counter(out, "store_failures", "Commits that failed.",
	    store_failures(a->store))) != TSR_OK)
		return r;
	return metrics_gauge(out, "store_failing", NULL,
	    "1 while the store cannot be written and no token is given.", store_failing(a->store));
}

static int
metrics_names(struct buf *out)
{
	int r;

	if ((r = metrics_counter(out, "names_cache_hits", "User and group names that were known.",
	    metrics.names_hits)) != TSR_OK ||
	    (r = metrics_counter(out, "names_cache_misses", "Names that the worker was asked for.",
	    metrics.names_misses)) != TSR_OK)
		return r;
	return metrics_counter(out, "names_worker_starts", "Starts of the name service worker.",
	    metrics.names_starts);
}

static int
metrics_agent(struct buf *out, struct agent *a)
{
	struct keys_state k;
	int64_t age;
	int r;

	keys_state(a->keys, &k);
	age = clock_wall() - k.activated;
	if ((r = metrics_gauge(out, "signing_key_age_seconds", "seconds",
	    "Since the active signing key began to sign.", age > 0 ? age : 0)) != TSR_OK ||
	    (r = metrics_counter(out, "reloads", "Configurations that were read again.",
	    metrics.reloads)) != TSR_OK ||
	    (r = metrics_counter(out, "reload_failures", "Configurations that were refused.",
	    metrics.reloads_failed)) != TSR_OK ||
	    (r = metrics_gauge(out, "start_time_seconds", "seconds",
	    "When the agent started, since the Epoch.", metrics.started)) != TSR_OK ||
	    (r = metrics_gauge(out, "uptime_seconds", "seconds", "Since the agent started.",
	    (long long)((clock_boot_ms() - metrics.started_ms) / 1000))) != TSR_OK ||
	    (r = metrics_family(out, "build", "info", NULL, "This agent.")) != TSR_OK)
		return r;
	return buf_put_cstr(out, "tessera_build_info{version=\"" TESSERA_VERSION "\"} 1\n# EOF\n");
}

int
metrics_text(struct buf *out, struct agent *a)
{
	int r;

	if ((r = metrics_requests(out)) != TSR_OK || (r = metrics_tokens(out)) != TSR_OK ||
	    (r = metrics_misuses(out)) != TSR_OK ||
	    (r = metrics_proofs(out)) != TSR_OK || (r = metrics_prompts(out, a)) != TSR_OK ||
	    (r = metrics_helpers(out, a)) != TSR_OK || (r = metrics_connections(out)) != TSR_OK ||
	    (r = metrics_ssh(out, a)) != TSR_OK || (r = metrics_ssh_ca(out, a)) != TSR_OK ||
	    (r = metrics_store(out, a)) != TSR_OK || (r = metrics_names(out)) != TSR_OK)
		return r;
	return metrics_agent(out, a);
}

void
metrics_answer(struct agent *a, const struct http_request *r, const struct asker *who)
{
	struct buf b;
	int code;

	(void)who;
	if (policy_may_measure(a->policy, r->caller) != TSR_OK &&
	    !(a->mode == CONFIG_USER && r->caller->uid == getuid())) {
		problem(r->conn, TSR_DENIED, "the metrics are for administrators and those that the "
		    "configuration lists");
		return;
	}
	buf_init(&b, HTTP_ANSWER_MAX);
	if ((code = metrics_text(&b, a)) == TSR_OK)
		http_answer_as(r->conn, 200, METRICS_CONTENT_TYPE, b.data, b.len);
	else
		problem(r->conn, code, NULL);
	buf_free(&b);
}
