/*
 * doctor_card.c - readers and cards as the agent's modules see them, and the
 * tries that their PINs have left.
 *
 * SPDX-License-Identifier: ISC
 */
#include "client/doctor.h"

#include <stdio.h>
#include <string.h>

#include "client/output.h"

#define CARD_JOURNAL	"journalctl -n 50 -u 'tessera-pkcs11@*' -u tesserad"

/* What mends a module that failed, by the agent's code for it. */
static const char *
card_mend(const char *code)
{
	if (strcmp(code, "device_busy") == 0)
		return "sudo tessera doctor";	/* names who has it */
	if (strcmp(code, "temporarily_unavailable") == 0)
		return "systemctl restart pcscd.socket pcscd.service";
	return CARD_JOURNAL;
}

/* Whether cards that are pulled are seen to be; administrators are told. */
static void
card_watcher(struct doctor *d)
{
	const char *state = json_string_value(json_object_get(d->admin, "watcher"));

	if (state == NULL || d->pcscd[0] == '\0' || d->config == NULL || !d->config->pcsc.watch)
		return;
	if (strcmp(state, "watching") == 0)
		doctor_say(d, DOCTOR_OK, NULL, "readers are watched");
	else if (strcmp(state, "off") == 0)
		doctor_say(d, DOCTOR_WARNING, doctor_command(d, "echo 'watch-socket = "
		    "\"/run/tessera/watch.sock\"' >>%s && systemctl enable --now tessera-pkcs11-watch.socket && "
		    "systemctl restart tesserad", d->config_file),
		    "readers are not watched: cards that are pulled are not noticed");
	else
		doctor_say(d, DOCTOR_WARNING, strcmp(state, "unavailable") == 0 ?
		    "systemctl restart pcscd.socket pcscd.service" : CARD_JOURNAL,
		    "readers are not watched now, the watcher is %s: sessions are locked after a while", state);
}

void
doctor_readers(struct doctor *d)
{
	const json_t *devices = json_object_get(d->devices, "devices"), *errors, *e;
	char a[OUTPUT_TEXT_MAX], b[OUTPUT_TEXT_MAX], m[OUTPUT_TEXT_MAX];
	size_t i, cards = 0;

	if (d->devices == NULL) {
		doctor_say(d, DOCTOR_SKIPPED, NULL, "the agent does not say what is plugged in");
		return;
	}
	for (i = 0; i < json_array_size(devices); i++) {
		e = json_array_get(devices, i);
		if (doctor_is_key(e))
			continue;
		cards++;
		doctor_say(d, DOCTOR_OK, NULL, "\"%s\", serial %s, by module %s",
		    output_member(e, "label", a, sizeof(a)), output_member(e, "serial", b, sizeof(b)),
		    output_member(e, "module", m, sizeof(m)));
	}
	errors = json_object_get(d->devices, "errors");
	for (i = 0; i < json_array_size(errors); i++) {
		e = json_array_get(errors, i);
		if (doctor_is_key(e))
			continue;
		cards++;
		(void)output_member(e, "error", a, sizeof(a));
		doctor_say(d, DOCTOR_FAILURE, card_mend(a), "module %s: %s (%s)",
		    output_member(e, "module", m, sizeof(m)),
		    output_member(e, "error_description", b, sizeof(b)), a);
	}
	card_watcher(d);
	if (cards == 0 && json_array_size(devices) > 0)		/* keys, then */
		doctor_say(d, DOCTOR_SKIPPED, NULL, "no card and no token is seen");
	else if (cards == 0)
		doctor_say(d, DOCTOR_WARNING, d->pcscd[0] != '\0' ? "opensc-tool --list-readers" : NULL,
		    "no card and no token is seen: is one put in?");
}

/* --- tries --- */

/* By the state of its PIN, which is all that a listing tells: 2 for few, -1 where
 * nothing is wrong. */
static int
card_tries(const json_t *e)
{
	const char *pin = json_string_value(json_object_get(e, "pin"));

	if (pin != NULL && strcmp(pin, "locked") == 0)
		return 0;
	if (pin != NULL && strcmp(pin, "final") == 0)
		return 1;
	return pin != NULL && strcmp(pin, "low") == 0 ? 2 : -1;
}

static void
card_tries_tell(struct doctor *d, const json_t *e)
{
	char label[OUTPUT_TEXT_MAX], id[OUTPUT_TEXT_MAX];
	int n = card_tries(e);

	(void)output_member(e, "label", label, sizeof(label));
	(void)output_member(e, "id", id, sizeof(id));
	if (n == 0)
		doctor_say(d, DOCTOR_FAILURE, doctor_command(d, "tessera device pin unblock --device %s", id),
		    "the PIN of \"%s\" is locked", label);
	else if (n == 1)
		doctor_say(d, DOCTOR_WARNING, doctor_command(d, "tessera login --device %s", id),
		    "\"%s\" has one try left; the right PIN brings the others back", label);
	else if (n == 2)
		doctor_say(d, DOCTOR_WARNING, doctor_command(d, "tessera login --device %s", id),
		    "a wrong PIN was entered for \"%s\", few tries may be left; the right PIN brings the others back", label);
	else
		doctor_say(d, DOCTOR_OK, NULL, "the PIN of \"%s\" is in order", label);
}

void
doctor_tries(struct doctor *d)
{
	const json_t *devices = json_object_get(d->devices, "devices");
	size_t i, n = 0;

	for (i = 0; i < json_array_size(devices); i++)
		if (!doctor_is_key(json_array_get(devices, i))) {
			card_tries_tell(d, json_array_get(devices, i));
			n++;
		}
	if (n == 0)
		doctor_say(d, DOCTOR_SKIPPED, NULL, "no token is seen");
}
