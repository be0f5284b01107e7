/*
 * login_said.c - see login_said.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/login_said.h"

#include <stdio.h>
#include <string.h>

#include "include/tessera.h"
#include "token/json.h"

int
login_said_read(const struct form *f, struct login_said *out, const char **which)
{
	struct login_said said = { "", "", "" };
	const struct {
		const char *name;
		char *to;
		size_t size;
	} text[] = {
		{ "service", said.service, sizeof(said.service) },
		{ "tty", said.tty, sizeof(said.tty) },
		{ "rhost", said.rhost, sizeof(said.rhost) }
	};
	const char *value;
	size_t i, n;

	for (i = 0; i < sizeof(text) / sizeof(text[0]); i++) {
		if ((value = form_get(f, text[i].name)) == NULL)
			continue;
		if ((n = strlen(value)) >= text[i].size) {
			*which = text[i].name;
			return TSR_TOO_LARGE;
		}
		memcpy(text[i].to, value, n + 1);
	}
	*out = said;
	return TSR_OK;
}

int
login_said_json(struct buf *b, const struct login_said *s)
{
	int r;

	if (s->service[0] != '\0' && (r = json_put_member(b, "service", s->service)) != TSR_OK)
		return r;
	if (s->tty[0] != '\0' && (r = json_put_member(b, "tty", s->tty)) != TSR_OK)
		return r;
	return s->rhost[0] != '\0' ? json_put_member(b, "rhost", s->rhost) : TSR_OK;
}
