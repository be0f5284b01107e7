/*
 * cmd_device_pin.c - device pin set, device pin change, device pin unblock.
 *
 * SPDX-License-Identifier: ISC
 */
#include <stdio.h>
#include <string.h>

#include "client/ask.h"
#include "base/hex.h"
#include "client/command.h"
#include "client/output.h"
#include "client/proof.h"

#define DEVICE_VALUE_MAX	256	/* bytes of an attribute of a URI, decoded, with NUL */

/* RFC 7512 section 2.3: percent-decoded; 0 where it is not. */
static int
device_pin_decode(const char *in, size_t n, char out[DEVICE_VALUE_MAX])
{
	size_t i, at = 0;
	int hi, lo;

	for (i = 0; i < n && at < DEVICE_VALUE_MAX - 1; i++) {
		if (in[i] != '%') {
			out[at++] = in[i];
			continue;
		}
		if (n - i < 3 || (hi = hex_digit(in[i + 1])) < 0 || (lo = hex_digit(in[i + 2])) < 0)
			return 0;
		out[at++] = (char)(hi << 4 | lo);
		i += 2;
	}
	out[at] = '\0';
	return i == n;
}

/* One attribute of the URI: those of a key say nothing about its token. */
static int
device_pin_fits(const char *attribute, size_t n, const json_t *device)
{
	static const struct {
		const char *name, *member;
	} names[] = {
		{ "token", "label" }, { "serial", "serial" }, { "manufacturer", "manufacturer" },
		{ "model", "model" },
	};
	const char *equals = memchr(attribute, '=', n), *value;
	char wanted[DEVICE_VALUE_MAX];
	size_t i, len;

	if (equals == NULL)
		return 0;
	len = (size_t)(equals - attribute);
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strlen(names[i].name) != len || memcmp(names[i].name, attribute, len) != 0)
			continue;
		value = json_string_value(json_object_get(device, names[i].member));
		return value != NULL && device_pin_decode(equals + 1, n - len - 1, wanted) &&
		    strcmp(value, wanted) == 0;
	}
	return 1;
}

static int
device_pin_is(const char *uri, const json_t *device)
{
	const char *p = uri + strlen("pkcs11:");
	size_t n;

	for (; *p != '\0' && *p != '?'; p += n + (p[n] == ';')) {
		n = strcspn(p, ";?");
		if (n > 0 && !device_pin_fits(p, n, device))
			return 0;
	}
	return 1;
}

/* The id of the one device that is meant: FAIL_NONE, or why it is not one. */
static int
device_pin_find(struct client *c, char id[ASK_ID_MAX])
{
	const char *wanted = c->opt[OPT_URI], *one;
	const json_t *devices, *d;
	json_t *answer = NULL;
	size_t i, n = 0;
	int status;

	if ((status = api_get(c, REACH_API, "/devices", &answer)) != FAIL_NONE)
		return status;
	devices = json_object_get(answer, "devices");
	for (i = 0; i < json_array_size(devices); i++) {
		d = json_array_get(devices, i);
		one = json_string_value(json_object_get(d, "id"));
		if (one == NULL || !ask_is_id(one) || (strncmp(wanted, "pkcs11:", 7) == 0 ?
		    !device_pin_is(wanted, d) : strcmp(wanted, one) != 0))
			continue;
		(void)snprintf(id, ASK_ID_MAX, "%s", one);
		n++;
	}
	json_decref(answer);
	if (n == 0)
		return fail_set(&c->failure, "device_not_found",
		    "no device that is connected is called so: \"tessera device list\" shows what is there");
	if (n > 1)
		return fail_set(&c->failure, "usage", "%zu devices are called so: add \"serial\", or give an "
		    "id of \"tessera device list\"", n);
	return FAIL_NONE;
}

int
cmd_device_pin(struct client *c)
{
	struct http_request rq = { .method = "POST", .type = FORM_JSON_TYPE };
	char id[ASK_ID_MAX], target[ASK_ID_MAX + 32], body[64];
	json_t *answer = NULL;
	const char *did = strcmp(c->word[0], "set") == 0 ? "set" :
	    strcmp(c->word[0], "change") == 0 ? "changed" :
	    strcmp(c->word[0], "unblock") == 0 ? "unblocked, and the new one is set" : NULL;
	int status;

	if (did == NULL)
		return fail_set(&c->failure, "usage", "device pin wants set, change or unblock");
	if ((status = device_pin_find(c, id)) != FAIL_NONE)
		return status;
	(void)snprintf(target, sizeof(target), "/devices/%s/pin", id);
	(void)snprintf(body, sizeof(body), "{\"operation\":\"%s\"}", c->word[0]);
	rq.target = target;
	rq.body = body;
	rq.body_len = strlen(body);
	if ((status = proof_call(c, REACH_API, &rq, &answer)) != FAIL_NONE)
		return status;
	if (c->opt[OPT_JSON] != NULL)
		output_json(answer);
	else
		(void)printf("The PIN is %s.\n", did);
	output_pin_default(answer);
	json_decref(answer);
	return FAIL_NONE;
}
