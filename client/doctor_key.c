/*
 * doctor_key.c - FIDO2 keys as the agent's helper sees them: is one plugged in,
 * does it answer, what is the matter with its PIN.
 *
 * SPDX-License-Identifier: ISC
 */
#include "client/doctor.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "client/output.h"

#define KEY_JOURNAL	"journalctl -n 50 -u 'tessera-fido@*' -u tesserad"

int
doctor_is_key(const json_t *e)
{
	const char *kind = json_string_value(json_object_get(e, "kind"));

	return kind != NULL && strcmp(kind, "fido") == 0;
}

/* Can there be a helper at all?  Its socket is looked at with the others. */
static int
key_helper(struct doctor *d)
{
	const struct config *c = d->config;
	char program[PATH_MAX];

	if (c == NULL || c->fido.socket != NULL)
		return 1;
	if (c->helper_socket != NULL) {
		doctor_say(d, DOCTOR_SKIPPED, NULL, "security keys are not configured: see fido { socket } in "
		    "tessera.conf(5)");
		return 0;
	}
	(void)snprintf(program, sizeof(program), "%s/tessera-fido", c->libexec_dir);
	if (access(program, X_OK) == 0)
		return 1;
	doctor_say(d, DOCTOR_FAILURE, "cmake --install build/release", "%s cannot be run: no security key is "
	    "reached", program);
	return 0;
}

/* What is known of its PIN; keys that cannot be asked are told of before. */
static void
key_pin(struct doctor *d, const json_t *e, const char *label)
{
	const char *pin = json_string_value(json_object_get(e, "pin"));
	char id[OUTPUT_TEXT_MAX], node[OUTPUT_TEXT_MAX], tries[OUTPUT_TEXT_MAX];
	int required = d->config != NULL && d->config->fido.verification == VERIFY_REQUIRED;

	(void)output_member(e, "id", id, sizeof(id));
	(void)output_member(e, "node", node, sizeof(node));
	(void)output_member(e, "pin_tries", tries, sizeof(tries));
	if (pin == NULL)
		pin = "";
	if (strcmp(pin, "locked") == 0)
		doctor_say(d, DOCTOR_FAILURE, doctor_command(d, "fido2-token -R %s", node),
		    "the PIN of \"%s\" is locked: resetting the key, which removes every credential on it, and "
		    "enrolling it again is all that helps", label);
	else if (strcmp(pin, "low") == 0 || strcmp(pin, "final") == 0)
		doctor_say(d, DOCTOR_WARNING, doctor_command(d, "tessera device pin change --device %s", id),
		    "\"%s\" has %s PIN %s left; the right PIN brings the others back", label, tries,
		    strcmp(tries, "1") == 0 ? "try" : "tries");
	else if (json_is_true(json_object_get(e, "pin_change_required")))
		doctor_say(d, DOCTOR_WARNING, doctor_command(d, "tessera device pin change --device %s", id),
		    "\"%s\" wants its PIN changed before it is used", label);
	else if (strcmp(pin, "unset") == 0 && required && !json_is_true(json_object_get(e, "uv_set")))
		doctor_say(d, DOCTOR_WARNING, doctor_command(d, "tessera device pin set --device %s", id),
		    "\"%s\" has no PIN, and user-verification is \"required\"", label);
	else if (strcmp(pin, "ok") == 0)
		doctor_say(d, DOCTOR_OK, NULL, "\"%s\" at %s, PIN set, %s tries left", label, node, tries);
	else
		doctor_say(d, DOCTOR_OK, NULL, "\"%s\" at %s, without a PIN", label, node);
}

static void
key_tell(struct doctor *d, const json_t *e)
{
	const char *state = json_string_value(json_object_get(e, "state"));
	char label[OUTPUT_TEXT_MAX], node[OUTPUT_TEXT_MAX];

	(void)output_member(e, "label", label, sizeof(label));
	(void)output_member(e, "node", node, sizeof(node));
	if (state != NULL && strcmp(state, "busy") == 0)
		doctor_say(d, DOCTOR_WARNING, doctor_command(d, "fuser -v %s", node),
		    "\"%s\" at %s is in use: it waits for a touch, or another program holds it", label, node);
	else if (state != NULL && strcmp(state, "failed") == 0)
		doctor_say(d, DOCTOR_WARNING, doctor_command(d, "fido2-token -I %s", node),
		    "\"%s\" at %s does not answer as a FIDO2 key does", label, node);
	else
		key_pin(d, e, label);
}

void
doctor_keys(struct doctor *d)
{
	const json_t *devices = json_object_get(d->devices, "devices");
	const json_t *errors = json_object_get(d->devices, "errors");
	char text[OUTPUT_TEXT_MAX];
	size_t i, n = 0;

	if (d->devices == NULL) {
		doctor_say(d, DOCTOR_SKIPPED, NULL, "the agent does not say what is plugged in");
		return;
	}
	if (!key_helper(d))
		return;
	for (i = 0; i < json_array_size(errors); i++)
		if (doctor_is_key(json_array_get(errors, i))) {
			doctor_say(d, DOCTOR_FAILURE, KEY_JOURNAL, "%s",
			    output_member(json_array_get(errors, i), "error_description", text, sizeof(text)));
			n++;
		}
	for (i = 0; i < json_array_size(devices); i++)
		if (doctor_is_key(json_array_get(devices, i))) {
			key_tell(d, json_array_get(devices, i));
			n++;
		}
	if (n == 0)
		doctor_say(d, DOCTOR_SKIPPED, NULL, "no security key is plugged in, or none that the helpers may "
		    "open: see \"rights\"");
}
