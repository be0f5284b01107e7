/*
 * cmd_device.c - device list, device show.
 *
 * SPDX-License-Identifier: ISC
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "client/api.h"
#include "client/command.h"
#include "client/output.h"

#define DEVICE_URI_MAX	2048	/* bytes of a URI that is shown */
#define COLUMNS(t)	(sizeof(t) / sizeof((t)[0]))

static const struct output_column device_columns[] = {
	{ "DEVICE", "id", 0 }, { "LABEL", "label", 0 }, { "SERIAL", "serial", 0 },
	{ "KIND", "kind", 0 }, { "MODULE", "module", 0 }, { "MANUFACTURER", "manufacturer", 0 },
	{ "MODEL", "model", 0 }, { "READER", "reader|node", 0 }, { "PIN", "pin", 0 }, { "STATE", "state", 0 },
};

/* A module that failed hides its devices: say so beside the list. */
static void
device_errors(const json_t *answer)
{
	const json_t *errors = json_object_get(answer, "errors"), *e;
	char module[OUTPUT_TEXT_MAX], text[OUTPUT_TEXT_MAX];
	size_t i;

	(void)fflush(stdout);
	for (i = 0; i < json_array_size(errors); i++) {
		e = json_array_get(errors, i);
		(void)fprintf(stderr, "%stessera:%s %s: %s\n",
		    output_colour(STDERR_FILENO, OUTPUT_YELLOW), output_colour(STDERR_FILENO, OUTPUT_PLAIN),
		    output_source(e, module, sizeof(module)),
		    output_member(e, "error_description", text, sizeof(text)));
	}
}

/* A URI to be pasted into a shell: between quotes, with none inside, whatever
 * the token's label says. */
static void
device_uri(const json_t *key)
{
	char uri[DEVICE_URI_MAX];
	const char *p = output_member(key, "uri", uri, sizeof(uri));

	(void)fputs("    '", stdout);
	for (; *p != '\0'; p++) {
		if (*p == '\'')
			(void)fputs("%27", stdout);
		else
			(void)putchar(*p);
	}
	(void)fputs("'\n", stdout);
}

static int
device_is_key(const json_t *device)
{
	const char *kind = json_string_value(json_object_get(device, "kind"));

	return kind != NULL && strcmp(kind, "fido") == 0;
}

/* The URIs are to be copied whole: on lines of their own. */
static void
device_keys(const json_t *device)
{
	const json_t *keys = json_object_get(device, "keys"), *k;
	char a[OUTPUT_TEXT_MAX], b[OUTPUT_TEXT_MAX], d[OUTPUT_TEXT_MAX];
	size_t i;

	if (device_is_key(device)) {
		(void)printf("%s%s%s (security key, %s)\n  enrol it by \"tessera enroll fido\"\n",
		    output_colour(STDOUT_FILENO, OUTPUT_BOLD), output_member(device, "label", a, sizeof(a)),
		    output_colour(STDOUT_FILENO, OUTPUT_PLAIN), output_member(device, "node", b, sizeof(b)));
		return;
	}
	(void)printf("%s%s%s (serial %s, module %s)\n", output_colour(STDOUT_FILENO, OUTPUT_BOLD),
	    output_member(device, "label", a, sizeof(a)), output_colour(STDOUT_FILENO, OUTPUT_PLAIN),
	    output_member(device, "serial", b, sizeof(b)), output_member(device, "module", d, sizeof(d)));
	if (json_array_size(keys) == 0)
		(void)printf("  no keys\n");
	for (i = 0; i < json_array_size(keys); i++) {
		k = json_array_get(keys, i);
		(void)printf("  key %s \"%s\": %s%s%s\n", output_member(k, "id", a, sizeof(a)),
		    output_member(k, "label", b, sizeof(b)), output_member(k, "algorithms", d, sizeof(d)),
		    json_is_true(json_object_get(k, "certificate")) ? ", with a certificate" : "",
		    json_is_true(json_object_get(k, "always_authenticate")) ? ", PIN at each use" : "");
		if (json_is_string(json_object_get(k, "enrolled")))
			(void)printf("    enrolled as %s\n", output_member(k, "enrolled", a, sizeof(a)));
		device_uri(k);
	}
}

/* None, and a module that failed may hide some.  Takes answer. */
static int
device_hidden(struct client *c, json_t *answer)
{
	const json_t *e = json_array_get(json_object_get(answer, "errors"), 0);
	char module[OUTPUT_TEXT_MAX], text[OUTPUT_TEXT_MAX];
	int status;

	status = fail_set(&c->failure, "failed", "no device is seen, but %s failed: %s",
	    output_source(e, module, sizeof(module)),
	    output_member(e, "error_description", text, sizeof(text)));
	c->failure.answer = answer;
	return status;
}

int
cmd_device_list(struct client *c)
{
	json_t *answer = NULL, *devices;
	int keys = c->opt[OPT_KEYS] != NULL, status;
	size_t i;

	status = keys ? api_get(c, REACH_ADMIN, "/admin/devices", &answer) :
	    api_get(c, REACH_API, "/devices", &answer);
	if (status != FAIL_NONE)
		return status;
	devices = json_object_get(answer, "devices");
	if (json_array_size(devices) == 0 && json_array_size(json_object_get(answer, "errors")) > 0)
		return device_hidden(c, answer);
	if (c->opt[OPT_JSON] != NULL)
		output_json(answer);
	else if (!keys || json_array_size(devices) == 0)
		output_table(devices, device_columns, COLUMNS(device_columns), "No devices are connected.");
	else for (i = 0; i < json_array_size(devices); i++)
		device_keys(json_array_get(devices, i));
	if (c->opt[OPT_JSON] == NULL)
		device_errors(answer);
	json_decref(answer);
	return FAIL_NONE;
}

/* --- one of them --- */

static const struct output_column device_details[] = {
	{ "device", "id", 0 }, { "label", "label", 0 }, { "kind", "kind", 0 },
	{ "manufacturer", "manufacturer", 0 }, { "model", "model", 0 }, { "serial", "serial", 0 },
	{ "module", "module", 0 }, { "reader", "reader", 0 }, { "node", "node", 0 },
	{ "state", "state", 0 }, { "AAGUID", "aaguid", 0 }, { "versions", "versions", 0 },
	{ "transports", "transports", 0 }, { "algorithms", "algorithms", 0 }, { "options", "options", 0 },
};

/* The state of its PIN in words, with what to do about it. */
static const struct {
	const char *pin, *card, *key;
} device_pins[] = {
	{ "ok", "in order", "set" },
	{ "low", "a wrong one was entered, few tries may be left", "set" },
	{ "final", "one try left", "set" },
	{ "locked", "locked: \"tessera device pin unblock\" with its PUK",
	  "locked: the key has to be reset (\"fido2-token -R\"), which removes its credentials" },
	{ "unset", "not set", "not set: \"tessera device pin set\"" },
	{ "none", "none", "none: the key takes none" },
};

static const char *
device_pin_text(const json_t *device)
{
	const char *pin = json_string_value(json_object_get(device, "pin"));
	size_t i;

	for (i = 0; pin != NULL && i < COLUMNS(device_pins); i++)
		if (strcmp(pin, device_pins[i].pin) == 0)
			return device_is_key(device) ? device_pins[i].key : device_pins[i].card;
	return "not known";
}

static void
device_count(const json_t *device, const char *head, const char *member, const char *what)
{
	const json_t *v = json_object_get(device, member);

	if (json_is_integer(v))
		(void)printf("%-13s %lld %s\n", head, (long long)json_integer_value(v), what);
}

static void
device_show(const json_t *device)
{
	output_block(device, device_details, COLUMNS(device_details));
	(void)printf("%-13s %s%s\n", "PIN:", device_pin_text(device),
	    json_is_true(json_object_get(device, "pin_change_required")) ? ", to be changed before it is used" :
	    "");
	device_count(device, "PIN tries:", "pin_tries", "left");
	if (json_is_true(json_object_get(device, "uv_set")))
		device_count(device, "UV tries:", "uv_tries", "left of the key's own verification");
	device_count(device, "resident:", "resident_left", "more credentials can be kept on the key");
}

int
cmd_device_show(struct client *c)
{
	const json_t *devices, *device = NULL;
	json_t *answer = NULL;
	const char *id;
	int status;
	size_t i;

	if ((status = api_get(c, REACH_API, "/devices", &answer)) != FAIL_NONE)
		return status;
	devices = json_object_get(answer, "devices");
	for (i = 0; i < json_array_size(devices) && device == NULL; i++) {
		id = json_string_value(json_object_get(json_array_get(devices, i), "id"));
		if (id != NULL && strcmp(id, c->word[0]) == 0)
			device = json_array_get(devices, i);
	}
	if (device == NULL) {
		if (c->opt[OPT_JSON] == NULL)
			device_errors(answer);
		status = fail_set(&c->failure, "device_not_found",
		    "no device that is connected has this id: \"tessera device list\" shows what is there");
	} else if (c->opt[OPT_JSON] != NULL)
		output_json(device);
	else
		device_show(device);
	json_decref(answer);
	return status;
}
