/*
 * ssh_about.c - see ssh_about.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/ssh_about.h"

#include <stdio.h>
#include <string.h>

#include "base/escape.h"
#include "include/tessera.h"
#include "token/json_text.h"

#define SSH_ABOUT_CUT	33	/* bytes of a name in the audit log, with NUL; JSON may double them */

int
ssh_about_json(struct buf *b, const struct ssh_about *a)
{
	int r;

	if (a == NULL)
		return TSR_OK;
	if (a->name[0] != '\0')
		return json_put_member(b, "namespace", a->name);
	if ((r = buf_put_cstr(b, ",\"destination\":{\"host_key\":")) != TSR_OK ||
	    (r = json_put_string(b, a->host)) != TSR_OK ||
	    (r = json_put_member(b, "user", a->user)) != TSR_OK)
		return r;
	return buf_printf(b, ",\"forwarded\":%s}", a->forwarded ? "true" : "false");
}

void
ssh_about_short(const struct ssh_about *a, char out[SSH_ABOUT_MEMBERS])
{
	char cut[SSH_ABOUT_CUT];
	struct buf b;
	int r;

	out[0] = '\0';
	buf_init(&b, SSH_ABOUT_MEMBERS - 1);
	if (a->name[0] != '\0') {
		(void)escape_text(cut, sizeof(cut), a->name, strlen(a->name));
		r = json_put_member(&b, "namespace", cut);
	} else {
		(void)escape_text(cut, sizeof(cut), a->user, strlen(a->user));
		if ((r = json_put_member(&b, "host_key", a->host)) == TSR_OK)
			r = json_put_member(&b, "user", cut);
	}
	if (r == TSR_OK)
		(void)snprintf(out, SSH_ABOUT_MEMBERS, "%.*s", (int)b.len, (const char *)b.data);
	buf_free(&b);
}
