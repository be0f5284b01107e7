/*
 * cmd_status.c - status: the agent, the sessions and the devices in one
 * screen.
 *
 * SPDX-License-Identifier: ISC
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/escape.h"
#include "client/api.h"
#include "client/command.h"
#include "client/output.h"
#include "tessera.h"

/* One part of the document; what cannot be had stands there as its error. */
static void
status_part(struct client *c, json_t *doc, enum reach_socket which, const char *name,
    const char *target, const char *member)
{
	json_t *answer = NULL, *part;

	if (api_get(c, which, target, &answer) == FAIL_NONE)
		part = member != NULL ? json_incref(json_object_get(answer, member)) : json_incref(answer);
	else
		part = fail_document(&c->failure);
	fail_clear(&c->failure);
	(void)json_object_set_new(doc, name, part != NULL ? part : json_null());
	json_decref(answer);
}

static void
status_sessions(const json_t *doc)
{
	const json_t *sessions = json_object_get(doc, "sessions"), *s;
	char label[OUTPUT_TEXT_MAX], acr[OUTPUT_TEXT_MAX], left[64];
	size_t i, n = json_array_size(sessions);

	(void)printf("sessions: %s\n", n == 0 ? "none; \"tessera login\" opens one" : "");
	for (i = 0; i < n; i++) {
		s = json_array_get(sessions, i);
		(void)printf("  \"%s\" (%s), %s%s\n", output_member(s, "label", label, sizeof(label)),
		    output_member(s, "acr", acr, sizeof(acr)),
		    json_is_true(json_object_get(s, "locked")) ? "locked, ends in " : "ends in ",
		    output_span(json_integer_value(json_object_get(s, "expires")) - time(NULL), left, sizeof(left)));
	}
}

static void
status_devices(const json_t *doc)
{
	const json_t *devices = json_object_get(json_object_get(doc, "devices"), "devices");
	const json_t *errors = json_object_get(json_object_get(doc, "devices"), "errors"), *e;
	char a[OUTPUT_TEXT_MAX], b[OUTPUT_TEXT_MAX], pin[OUTPUT_TEXT_MAX];
	size_t i, n = json_array_size(devices);

	(void)printf("devices:  %s\n", n == 0 ? "none connected" : "");
	for (i = 0; i < n; i++) {
		e = json_array_get(devices, i);
		(void)output_member(e, "pin", pin, sizeof(pin));
		(void)printf("  \"%s\", %s %s%s\n", output_member(e, "label", a, sizeof(a)),
		    json_object_get(e, "serial") != NULL ? "serial" : "security key",
		    output_member(e, json_object_get(e, "serial") != NULL ? "serial" : "node", b, sizeof(b)),
		    strcmp(pin, "low") == 0 ? ", a wrong PIN was entered before, few tries may be left" :
		    strcmp(pin, "final") == 0 ? ", one PIN try left" :
		    strcmp(pin, "locked") != 0 ? "" : json_object_get(e, "serial") != NULL ?
		    ", PIN locked: unblock it with its PUK" : ", PIN locked: it has to be reset");
	}
	for (i = 0; i < json_array_size(errors); i++) {
		e = json_array_get(errors, i);
		(void)printf("  %s: %s\n", output_source(e, a, sizeof(a)),
		    output_member(e, "error_description", b, sizeof(b)));
	}
}

/* --- the agent itself --- */

static void
status_agent(const json_t *doc)
{
	char a[OUTPUT_TEXT_MAX], b[OUTPUT_TEXT_MAX], up[64] = "";
	const json_t *uptime = json_object_get(doc, "uptime");

	(void)printf("agent:    %s, ", output_member(doc, "status", a, sizeof(a)));
	(void)printf("version %s", output_member(doc, "version", a, sizeof(a)));
	if (uptime != NULL)
		(void)printf(", up %s", output_span(json_integer_value(uptime), up, sizeof(up)));
	(void)printf("\nsockets:  %s", output_member(doc, "socket", a, sizeof(a)));
	if (json_object_get(doc, "admin_socket") != NULL)
		(void)printf(", %s", output_member(doc, "admin_socket", a, sizeof(a)));
	(void)printf("\nissuer:   %s\n", output_member(doc, "metadata.issuer", a, sizeof(a)));
	if (json_object_get(doc, "checks") == NULL)
		return;		/* an older agent */
	(void)printf("store:    %s", output_member(doc, "checks.store", a, sizeof(a)));
	if (json_is_object(json_object_get(doc, "admin")))
		(void)printf(", %s", output_value(json_object_get(json_object_get(
		    json_object_get(doc, "admin"), "store"), "url"), b, sizeof(b)));
	(void)putchar('\n');
}

static void
status_signing(const json_t *doc)
{
	const json_t *s = json_object_get(doc, "signing"), *rotates = json_object_get(s, "rotates");
	char kid[OUTPUT_TEXT_MAX], alg[OUTPUT_TEXT_MAX], span[64];

	if (s == NULL)
		return;
	(void)printf("signing:  key %s (%s), %s old, ", output_member(s, "kid", kid, sizeof(kid)),
	    output_member(s, "algorithm", alg, sizeof(alg)),
	    output_span(json_integer_value(json_object_get(s, "age")), span, sizeof(span)));
	if (!json_is_integer(rotates))
		(void)printf("not replaced by schedule\n");
	else
		(void)printf("replaced in %s\n", output_span(json_integer_value(rotates) -
		    json_integer_value(json_object_get(s, "activated")) -
		    json_integer_value(json_object_get(s, "age")), span, sizeof(span)));
}

/* What an administrator sees besides. */
static void
status_admin(const json_t *admin)
{
	const json_t *list, *e;
	char a[OUTPUT_TEXT_MAX], b[OUTPUT_TEXT_MAX];
	size_t i;

	if (!json_is_object(admin))
		return;
	(void)printf("load:     sessions %s, ", output_member(admin, "sessions", a, sizeof(a)));
	(void)printf("prompts %s, ", output_member(admin, "prompts", a, sizeof(a)));
	(void)printf("connections %s of ", output_member(admin, "connections.api", a, sizeof(a)));
	(void)printf("%s\n", output_member(admin, "connections.limit", a, sizeof(a)));
	list = json_object_get(admin, "helpers");
	(void)printf("helpers:  %s\n", json_array_size(list) == 0 ? "no module is configured" : "");
	for (i = 0; i < json_array_size(list); i++) {
		e = json_array_get(list, i);
		(void)printf("  module %s: %s idle, ", output_member(e, "module", a, sizeof(a)),
		    output_member(e, "idle", b, sizeof(b)));
		(void)printf("%s busy\n", output_member(e, "busy", a, sizeof(a)));
	}
	(void)printf("watchers: readers %s, ", output_member(admin, "watcher", a, sizeof(a)));
	(void)printf("keys %s\n", output_member(admin, "fido_watcher", a, sizeof(a)));
	list = json_object_get(admin, "breakers");
	(void)printf("breakers: %s\n", json_array_size(list) == 0 ? "none open" : "");
	for (i = 0; i < json_array_size(list); i++) {
		e = json_array_get(list, i);
		(void)printf("  module %s, token \"%s\"", output_member(e, "module", a, sizeof(a)),
		    output_member(e, "label", b, sizeof(b)));
		(void)printf(" (serial %s) rests for %s s", output_member(e, "serial", a, sizeof(a)),
		    output_member(e, "retry_after", b, sizeof(b)));
		(void)printf(" after %s deaths of its helper\n", output_member(e, "deaths", a, sizeof(a)));
	}
}

/* Checks that are not "ok", for who is no administrator. */
static void
status_checks(json_t *checks, const char *prefix)
{
	char name[OUTPUT_TEXT_MAX], state[OUTPUT_TEXT_MAX];
	const char *key;
	json_t *v;
	void *at;

	for (at = json_object_iter(checks); at != NULL; at = json_object_iter_next(checks, at)) {
		key = json_object_iter_key(at);
		v = json_object_iter_value(at);
		if (json_is_object(v)) {
			status_checks(v, "module ");
			continue;
		}
		if (!json_is_string(v) || strcmp(json_string_value(v), "ok") == 0)
			continue;
		(void)printf("  %s%s: %s\n", prefix,
		    escape_text(name, sizeof(name), key, strlen(key)),
		    output_value(v, state, sizeof(state)));
	}
}

static void
status_alarms(const json_t *doc)
{
	const json_t *alarms = json_object_get(json_object_get(doc, "admin"), "alarms"), *e;
	char a[OUTPUT_TEXT_MAX], b[OUTPUT_TEXT_MAX];
	size_t i;
	int degraded;

	if (json_object_get(doc, "checks") == NULL)
		return;
	(void)printf("alarms:   ");
	if (!json_is_array(alarms)) {
		degraded = strcmp(output_member(doc, "status", a, sizeof(a)), "ok") != 0;
		(void)printf("%s\n", degraded ? "" : "none");
		if (degraded)
			status_checks(json_object_get(doc, "checks"), "");
		return;
	}
	(void)printf("%s\n", json_array_size(alarms) == 0 ? "none" : "");
	for (i = 0; i < json_array_size(alarms); i++) {
		e = json_array_get(alarms, i);
		(void)printf("  %s: %s\n", output_member(e, "alarm", a, sizeof(a)),
		    output_member(e, "text", b, sizeof(b)));
	}
}

/* The answer of /healthz; 503 with its checks is one, too. */
static int
status_health(struct client *c, json_t **health, int *status)
{
	*status = api_get(c, REACH_API, "/healthz", health);
	if (*status == FAIL_NONE)
		return FAIL_NONE;
	if (c->failure.answer == NULL || json_object_get(c->failure.answer, "checks") == NULL)
		return *status;
	*health = json_incref(c->failure.answer);
	fail_clear(&c->failure);
	*status = FAIL_FAILED;
	return FAIL_NONE;
}

static json_t *
status_document(struct client *c, const json_t *health)
{
	static const char *const members[] = { "status", "version", "uptime", "checks", "signing" };
	char path[SOCKET_PATH_MAX];
	json_t *doc, *v;
	size_t i;

	(void)reach_path(c, REACH_API, path);
	if ((doc = json_pack("{s:s*}", "socket", path)) == NULL && (doc = json_object()) == NULL)
		return NULL;
	for (i = 0; i < sizeof(members) / sizeof(members[0]); i++)
		if ((v = json_object_get(health, members[i])) != NULL)
			(void)json_object_set(doc, members[i], v);
	status_part(c, doc, REACH_API, "metadata", "/.well-known/oauth-authorization-server", NULL);
	status_part(c, doc, REACH_API, "sessions", "/session", "sessions");
	status_part(c, doc, REACH_API, "devices", "/devices", NULL);
	if (!reach_possible(c, REACH_ADMIN))
		return doc;
	(void)reach_path(c, REACH_ADMIN, path);
	(void)json_object_set_new(doc, "admin_socket", json_string(path));
	status_part(c, doc, REACH_ADMIN, "admin", "/admin/status", NULL);
	if (json_object_get(json_object_get(doc, "admin"), "error") != NULL)
		(void)json_object_del(doc, "admin");	/* not one, or an older agent */
	return doc;
}

int
cmd_status(struct client *c)
{
	json_t *doc, *health = NULL;
	int status, r;

	if ((r = status_health(c, &health, &status)) != FAIL_NONE)
		return r;
	doc = status_document(c, health);
	json_decref(health);
	if (doc == NULL)
		return fail_set(&c->failure, "failed", "%s", tsr_strerror(TSR_NOMEM));
	if (c->opt[OPT_JSON] != NULL)
		output_json(doc);
	else {
		status_agent(doc);
		status_signing(doc);
		status_sessions(doc);
		status_devices(doc);
		status_admin(json_object_get(doc, "admin"));
		status_alarms(doc);
	}
	json_decref(doc);
	return status;
}
