/*
 * cmd_status.c - status: the agent, the sessions and the devices in one
 * screen.
 *
 * SPDX-License-Identifier: ISC
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "client/api.h"
#include "client/command.h"
#include "client/output.h"

/* One part of the document; what cannot be had stands there as its error. */
static void
status_part(struct client *c, json_t *doc, const char *name, const char *target, const char *member)
{
	json_t *answer = NULL, *part;

	if (api_get(c, REACH_API, target, &answer) == FAIL_NONE)
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
		(void)printf("  \"%s\", serial %s%s\n", output_member(e, "label", a, sizeof(a)),
		    output_member(e, "serial", b, sizeof(b)),
		    strcmp(pin, "low") == 0 ? ", few PIN tries left" :
		    strcmp(pin, "final") == 0 ? ", one PIN try left" :
		    strcmp(pin, "locked") == 0 ? ", PIN locked: unblock it with its PUK" : "");
	}
	for (i = 0; i < json_array_size(errors); i++) {
		e = json_array_get(errors, i);
		(void)printf("  module %s: %s\n", output_member(e, "module", a, sizeof(a)),
		    output_member(e, "error_description", b, sizeof(b)));
	}
}

int
cmd_status(struct client *c)
{
	json_t *doc = NULL, *health = NULL;
	char path[SOCKET_PATH_MAX], text[OUTPUT_TEXT_MAX];
	int status;

	if ((status = api_get(c, REACH_API, "/healthz", &health)) != FAIL_NONE)
		return status;
	(void)reach_path(c, REACH_API, path);	/* it was found just now */
	if ((doc = json_pack("{s:s*, s:O*, s:O*}", "socket", path,
	    "status", json_object_get(health, "status"),
	    "version", json_object_get(health, "version"))) == NULL)
		doc = json_object();
	json_decref(health);
	status_part(c, doc, "metadata", "/.well-known/oauth-authorization-server", NULL);
	status_part(c, doc, "sessions", "/session", "sessions");
	status_part(c, doc, "devices", "/devices", NULL);
	if (c->opt[OPT_JSON] != NULL)
		output_json(doc);
	else {
		(void)printf("agent:    %s, ", output_member(doc, "status", text, sizeof(text)));
		(void)printf("version %s\n", output_member(doc, "version", text, sizeof(text)));
		(void)printf("socket:   %s\n", output_member(doc, "socket", text, sizeof(text)));
		(void)printf("issuer:   %s\n", output_member(doc, "metadata.issuer", text, sizeof(text)));
		status_sessions(doc);
		status_devices(doc);
	}
	json_decref(doc);
	return FAIL_NONE;
}
