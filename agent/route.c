/*
 * route.c - see route.h.  One table: method, path, who may be there, and the
 * handler.  Paths are compared literally; "*" stands for one id.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/route.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/admin.h"
#include "agent/admin_keys.h"
#include "agent/admin_state.h"
#include "agent/agent.h"
#include "agent/api.h"
#include "agent/enrol.h"
#include "agent/enrolled.h"
#include "agent/enrol_webauthn.h"
#include "agent/grant.h"
#include "agent/health.h"
#include "agent/import.h"
#include "agent/leaving.h"
#include "agent/metrics.h"
#include "agent/metrics_text.h"
#include "agent/misuse.h"
#include "agent/pin_change.h"
#include "agent/problem.h"
#include "agent/recovery.h"
#include "agent/revoke.h"
#include "agent/ssh_api.h"
#include "agent/status.h"
#include "include/tessera.h"

typedef void (*route_handler)(struct agent *a, const struct http_request *r, const struct asker *who);
typedef void (*route_id_handler)(struct agent *a, const struct http_request *r,
    const struct asker *who, const char *id);

static const struct route {
	enum http_socket socket;
	enum http_method method;
	const char *path;
	int query;			/* may have one */
	route_handler handler;		/* exactly one of the two */
	route_id_handler id_handler;
} routes[] = {
	{ HTTP_API, HTTP_POST, "/token", 0, grant_token, NULL },
	{ HTTP_API, HTTP_POST, "/challenge", 0, grant_challenge, NULL },
	{ HTTP_API, HTTP_POST, "/introspect", 0, api_introspect, NULL },
	{ HTTP_API, HTTP_GET, "/verify", 1, api_verify, NULL },
	{ HTTP_API, HTTP_POST, "/revoke", 0, revoke_token, NULL },
	{ HTTP_API, HTTP_POST, "/session", 0, grant_session, NULL },
	{ HTTP_API, HTTP_GET, "/session", 0, api_session_get, NULL },
	{ HTTP_API, HTTP_DELETE, "/session", 0, api_session_delete, NULL },
	{ HTTP_API, HTTP_DELETE, "/session/*", 0, NULL, revoke_own },
	{ HTTP_API, HTTP_GET, "/devices", 0, api_devices, NULL },
	{ HTTP_API, HTTP_POST, "/devices/*/pin", 0, NULL, pin_change },
	{ HTTP_API, HTTP_GET, "/credentials", 0, api_credentials, NULL },
	{ HTTP_API, HTTP_POST, "/credentials", 0, enrol_own, NULL },
	{ HTTP_API, HTTP_POST, "/credentials/*/disable", 0, NULL, api_credential_disable },
	{ HTTP_API, HTTP_POST, "/credentials/*/confirm", 0, NULL, enrol_own_confirm },
	{ HTTP_API, HTTP_GET, "/enrolled", 1, enrolled_answer, NULL },
	{ HTTP_API, HTTP_GET, "/events", 1, api_events, NULL },
	{ HTTP_API, HTTP_POST, "/prompt/*", 0, NULL, api_prompt },
	{ HTTP_API, HTTP_GET, "/healthz", 0, health_answer, NULL },
	{ HTTP_API, HTTP_GET, "/metrics", 0, metrics_answer, NULL },
	{ HTTP_API, HTTP_POST, "/ssh/certificate", 0, ssh_certificate, NULL },
	{ HTTP_API, HTTP_GET, "/ssh/certificates", 0, ssh_certificates, NULL },
	{ HTTP_API, HTTP_GET, "/ssh/ca", 0, ssh_show_ca, NULL },
	{ HTTP_API, HTTP_GET, "/ssh/krl", 0, ssh_show_krl, NULL },
	{ HTTP_API, HTTP_GET, "/.well-known/jwks.json", 0, api_jwks, NULL },
	{ HTTP_API, HTTP_GET, "/.well-known/oauth-authorization-server", 0, api_metadata, NULL },
	{ HTTP_ADMIN, HTTP_GET, "/healthz", 0, health_answer, NULL },
	{ HTTP_ADMIN, HTTP_GET, "/admin/status", 0, status_answer, NULL },
	{ HTTP_ADMIN, HTTP_GET, "/admin/devices", 0, admin_devices, NULL },
	{ HTTP_ADMIN, HTTP_POST, "/admin/recovery-codes", 0, recovery_list, NULL },
	{ HTTP_ADMIN, HTTP_POST, "/admin/credentials/*/replace", 0, NULL, recovery_replace },
	{ HTTP_ADMIN, HTTP_POST, "/admin/imports", 0, import_begin, NULL },
	{ HTTP_ADMIN, HTTP_POST, "/admin/imports/*", 0, NULL, import_rows },
	{ HTTP_ADMIN, HTTP_POST, "/admin/imports/*/commit", 0, NULL, import_commit },
	{ HTTP_ADMIN, HTTP_DELETE, "/admin/imports/*", 0, NULL, import_end },
	{ HTTP_ADMIN, HTTP_GET, "/admin/credentials", 1, admin_credentials, NULL },
	{ HTTP_ADMIN, HTTP_POST, "/admin/credentials", 0, admin_enrol, NULL },
	{ HTTP_ADMIN, HTTP_POST, "/admin/enrolment-codes", 0, admin_code, NULL },
	{ HTTP_ADMIN, HTTP_GET, "/admin/clock", 0, admin_clock, NULL },
	{ HTTP_ADMIN, HTTP_POST, "/admin/clock", 0, admin_clock_accept, NULL },
	{ HTTP_ADMIN, HTTP_GET, "/admin/keys", 0, admin_keys, NULL },
	{ HTTP_ADMIN, HTTP_POST, "/admin/keys/rotate", 0, admin_keys_rotate, NULL },
	{ HTTP_ADMIN, HTTP_GET, "/admin/ssh/certificates", 1, admin_ssh_certificates, NULL },
	{ HTTP_ADMIN, HTTP_POST, "/admin/ssh/ca", 0, admin_ssh_ca, NULL },
	{ HTTP_ADMIN, HTTP_POST, "/admin/ssh/revoke", 0, admin_ssh_revoke, NULL },
	{ HTTP_ADMIN, HTTP_GET, "/admin/store", 0, admin_store, NULL },
	{ HTTP_ADMIN, HTTP_POST, "/admin/store/check", 0, admin_store_check, NULL },
	{ HTTP_ADMIN, HTTP_POST, "/admin/store/backup", 0, admin_store_backup, NULL },
	{ HTTP_ADMIN, HTTP_POST, "/admin/store/confirm", 0, admin_store_confirm, NULL },
	{ HTTP_ADMIN, HTTP_GET, "/admin/sessions", 1, revoke_sessions, NULL },
	{ HTTP_ADMIN, HTTP_POST, "/admin/sessions/*/revoke", 0, NULL, revoke_session },
	{ HTTP_ADMIN, HTTP_POST, "/admin/revoke", 0, revoke_admin, NULL },
	{ HTTP_ADMIN, HTTP_GET, "/admin/credentials/*", 0, NULL, admin_credential },
	{ HTTP_ADMIN, HTTP_POST, "/admin/credentials/*/confirm", 0, NULL, admin_enrol_confirm },
	{ HTTP_ADMIN, HTTP_POST, "/admin/credentials/*/resync", 0, NULL, admin_credential_resync },
	{ HTTP_ADMIN, HTTP_POST, "/admin/credentials/*/disable", 0, NULL, admin_credential_disable },
	{ HTTP_ADMIN, HTTP_POST, "/admin/credentials/*/enable", 0, NULL, admin_credential_enable },
	{ HTTP_ADMIN, HTTP_POST, "/admin/credentials/*/remove", 0, NULL, admin_credential_remove }
};

_Static_assert(METRICS_ROUTES + sizeof(routes) / sizeof(routes[0]) <= METRICS_ENDPOINTS,
    "METRICS_ENDPOINTS");

#define ROUTE_ID_MAX	64	/* bytes of an id in a path, with NUL */

/* Does path match?  The part under "*" goes to id. */
static int
route_matches(const char *pattern, const struct http_text *path, char id[ROUTE_ID_MAX])
{
	const char *star = strchr(pattern, '*');
	size_t before, after, n;

	if (star == NULL)
		return path->n == strlen(pattern) && memcmp(path->p, pattern, path->n) == 0;
	before = (size_t)(star - pattern);
	after = strlen(star + 1);
	if (path->n <= before + after || memcmp(path->p, pattern, before) != 0 ||
	    memcmp(path->p + path->n - after, star + 1, after) != 0)
		return 0;
	n = path->n - before - after;
	if (n >= ROUTE_ID_MAX || memchr(path->p + before, '/', n) != NULL)
		return 0;
	memcpy(id, path->p + before, n);
	id[n] = '\0';
	return 1;
}

/* By the caller's own rate alone. */
static int
route_too_many(struct agent *a, const struct http_request *r, unsigned endpoint)
{
	char members[64];
	uint32_t wait_s = 0;

	if (misuse_admit(a, r->caller->uid, endpoint, &wait_s) == TSR_OK)
		return 0;
	(void)snprintf(members, sizeof(members), ",\"retry_after\":%u", wait_s);
	problem_with(r->conn, TSR_SLOW_DOWN, members, "too many requests in a minute");
	return 1;
}

static void
route_answer(struct agent *a, const struct http_request *r, const struct asker *who)
{
	char id[ROUTE_ID_MAX];
	const struct route *t;
	size_t i;
	int other_method = 0;

	for (i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
		t = &routes[i];
		if (t->socket != r->socket || !route_matches(t->path, &r->head.path, id))
			continue;
		if (t->method != r->head.method) {
			other_method = 1;
			continue;
		}
		http_set_endpoint(r->conn, METRICS_ROUTES + (unsigned)i);
		if (route_too_many(a, r, METRICS_ROUTES + (unsigned)i))
			;	/* answered */
		else if (!t->query && r->head.query.p != NULL)
			problem_invalid(r->conn, "this endpoint has no query");
		else if (t->handler != NULL)
			t->handler(a, r, who);
		else
			t->id_handler(a, r, who, id);
		return;
	}
	if (other_method)
		http_error(r->conn, 405, "invalid_request", "this endpoint has another method");
	else
		http_error(r->conn, 404, "not_found", "there is no such endpoint");
}

/* A request whose caller's name is being looked up. */
struct route_wait {
	struct agent *agent;
	const struct http_request *request;
	unsigned ticket;
	int *answered;			/* set where the look-up ends inside its call */
	struct asker who;
};

static void
route_gone(void *arg)
{
	struct route_wait *w = arg;

	names_cancel(w->agent->names, w->ticket);
	free(w);
}

static void
route_named(void *arg, int code, uid_t uid, gid_t gid, const char *name)
{
	struct route_wait *w = arg;

	(void)uid;
	(void)gid;
	if (w->answered != NULL)
		*w->answered = 1;
	if (code == TSR_OK)
		(void)snprintf(w->who.name, sizeof(w->who.name), "%s", name);
	if (code == TSR_OK || code == TSR_NOT_FOUND)
		route_answer(w->agent, w->request, &w->who);
	else
		problem(w->request->conn, TSR_UNAVAILABLE, "the name service does not answer");
	free(w);
}

/* Everything on the admin socket is for administrators. */
void
route_request(void *arg, const struct http_request *r)
{
	struct agent *a = arg;
	struct route_wait *w;
	unsigned ticket = 0;
	int code, answered = 0;

	if (a->policy == NULL) {	/* its names are being looked up still */
		problem(r->conn, TSR_UNAVAILABLE, "the agent is starting");
		return;
	}
	leaving_look(a->leaving);
	if (r->socket == HTTP_ADMIN && admin_may_read(a, r) != TSR_OK)
		return;
	if ((w = calloc(1, sizeof(*w))) == NULL) {
		problem(r->conn, TSR_NOMEM, NULL);
		return;
	}
	w->agent = a;
	w->request = r;
	w->who.caller = r->caller;
	w->answered = &answered;
	code = names_name_of(a->names, r->caller->uid, route_named, w, &ticket);
	if (answered)		/* as nearly always: the cache knew, w is gone */
		return;
	if (code != TSR_OK) {
		route_named(w, code, r->caller->uid, (gid_t)-1, NULL);
		return;
	}
	w->answered = NULL;
	w->ticket = ticket;
	http_park(r->conn, route_gone, w);
}

unsigned
route_count(void)
{
	return METRICS_ROUTES + sizeof(routes) / sizeof(routes[0]);
}

void
route_describe(unsigned endpoint, const char **socket, const char **method, const char **path)
{
	const struct route *t;

	*socket = *method = "";
	*path = endpoint == METRICS_MALFORMED ? "malformed" : "unknown";
	if (endpoint < METRICS_ROUTES || endpoint >= route_count())
		return;
	t = &routes[endpoint - METRICS_ROUTES];
	*socket = t->socket == HTTP_ADMIN ? "admin" : "api";
	*method = t->method == HTTP_GET ? "GET" : t->method == HTTP_POST ? "POST" : "DELETE";
	*path = t->path;
}
