/*
 * cmd_device.c - device list.
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
	{ "MODEL", "model", 0 }, { "READER", "reader", 0 }, { "PIN", "pin", 0 },
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
		(void)fprintf(stderr, "%stessera:%s module %s: %s\n",
		    output_colour(STDERR_FILENO, OUTPUT_YELLOW), output_colour(STDERR_FILENO, OUTPUT_PLAIN),
		    output_member(e, "module", module, sizeof(module)),
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

/* The URIs are to be copied whole: on lines of their own. */
static void
device_keys(const json_t *device)
{
	const json_t *keys = json_object_get(device, "keys"), *k;
	char a[OUTPUT_TEXT_MAX], b[OUTPUT_TEXT_MAX], d[OUTPUT_TEXT_MAX];
	size_t i;

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

	status = fail_set(&c->failure, "failed", "no device is seen, but module %s failed: %s",
	    output_member(e, "module", module, sizeof(module)),
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
