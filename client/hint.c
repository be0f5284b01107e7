/*
 * hint.c - what a refusal was about, and what to do then.
 *
 * SPDX-License-Identifier: ISC
 */
#include "client/hint.h"

#include <stdio.h>
#include <string.h>

/* Of a failure `code` where the option was given; its value goes between the two. */
static const struct hint {
	const char *code;
	enum option_id option;
	int value;		/* 1: the value is shown */
	const char *before, *after;
} hints[] = {
	{ "unauthorized_client", OPT_AUDIENCE, 1, ": ", "; root sees why by \"tessera config explain\"" },
	{ "unauthorized_client", OPT_PRINCIPAL, 1, ": ", "; root sees whose it is by \"tessera config explain\"" },
	{ "invalid_scope", OPT_SCOPE, 1, ": ", "" },
	{ "login_required", OPT_NO_PROMPT, 0, "; without --no-prompt you are asked", "" },
	{ "step_up_required", OPT_NO_PROMPT, 0, "; without --no-prompt you are asked", "" },
	{ "device_removed", OPT_NO_PROMPT, 0, "; put it back, or prove yourself without --no-prompt", "" },
};

void
hint_add(struct client *c)
{
	char *text = c->failure.text;
	const struct hint *h;
	size_t i, at = strlen(text);

	for (i = 0; i < sizeof(hints) / sizeof(hints[0]); i++) {
		h = &hints[i];
		if (strcmp(c->failure.code, h->code) != 0 || c->opt[h->option] == NULL)
			continue;
		if (c->n_many > 1 && h->value)	/* which of them? */
			continue;
		(void)snprintf(text + at, sizeof(c->failure.text) - at, "%s%s%s%s%s", h->before,
		    h->value ? "\"" : "", h->value ? c->opt[h->option] : "", h->value ? "\"" : "",
		    h->after);
		return;
	}
}

void
hint_value(struct client *c, const char *value)
{
	size_t at = strlen(c->failure.text);

	(void)snprintf(c->failure.text + at, sizeof(c->failure.text) - at, ": \"%s\"", value);
}
