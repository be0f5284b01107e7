/*
 * login_said.h - what a login helper says of the login that it asks for.  The
 * kernel does not know it, and a helper that lies there could say that anybody was
 * proved: it is shown, and it narrows what is allowed.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_LOGIN_SAID_H
#define AGENT_LOGIN_SAID_H

#include "agent/http_form.h"
#include "base/buf.h"

#define LOGIN_SAID_TEXT	64	/* bytes of a service's or a terminal's name, with NUL */
#define LOGIN_SAID_HOST	256	/* of a host's name */

/* As PAM_SERVICE, PAM_TTY and PAM_RHOST are: "" where there is none. */
struct login_said {
	int greeter;		/* the configuration's word, not its own: policy_greeter() */
	char service[LOGIN_SAID_TEXT], tty[LOGIN_SAID_TEXT], rhost[LOGIN_SAID_HOST];
};

/* Read "service", "tty" and "rhost".  TSR_TOO_LARGE: one of them has no room, its
 * name is in *which then. */
int login_said_read(const struct form *f, struct login_said *out, const char **which);

/* One of them; text NULL is "".  TSR_TOO_LARGE, TSR_NOT_FOUND: none has that name. */
int login_said_put(struct login_said *s, const char *name, const char *text);

/* Append ,"service":"...", and "tty" and "rhost" where they are said. */
int login_said_json(struct buf *b, const struct login_said *s);

#endif
