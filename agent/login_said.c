/*
 * login_said.c - see login_said.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/login_said.h"

#include <string.h>

#include "include/tessera.h"
#include "token/json.h"

int
login_said_put(struct login_said *s, const char *name, const char *text)
{
	const struct {
		const char *name;
		char *to;
		size_t size;
	} room[] = {
		{ "service", s->service, sizeof(s->service) },
		{ "tty", s->tty, sizeof(s->tty) },
		{ "rhost", s->rhost, sizeof(s->rhost) }
	};
	size_t i, n = text != NULL ? strlen(text) : 0;

	for (i = 0; i < sizeof(room) / sizeof(room[0]); i++) {
		if (strcmp(room[i].name, name) != 0)
			continue;
		if (n >= room[i].size)
			return TSR_TOO_LARGE;
		memcpy(room[i].to, text != NULL ? text : "", n + 1);
		return TSR_OK;
	}
	return TSR_NOT_FOUND;
}

int
login_said_read(const struct form *f, struct login_said *out, const char **which)
{
	static const char *const name[] = { "service", "tty", "rhost" };
	struct login_said said = { .greeter = 0 };
	size_t i;

	for (i = 0; i < sizeof(name) / sizeof(name[0]); i++)
		if (login_said_put(&said, name[i], form_get(f, name[i])) != TSR_OK) {
			*which = name[i];
			return TSR_TOO_LARGE;
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
