/*
 * sshd.c - see sshd.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "client/sshd.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/escape.h"
#include "client/collect.h"
#include "tessera.h"

#define SSHD_PRIVSEP	"/run/sshd"	/* Debian's; there while its unit runs */

/* sshd -T: its whole configuration as it is read now.  0, or 1 with what it said. */
static int
sshd_run(struct buf *out)
{
	static char program[] = SSHD_PROGRAM, option[] = "-T";
	char *const argv[] = { program, option, NULL };
	int status = -1;

	buf_reset(out);
	if (collect_verdict(argv, out, &status) != TSR_OK || buf_put_u8(out, 0) != TSR_OK)
		return 1;
	return status != 0;
}

int
sshd_ask(struct buf *out, int make)
{
	int wrong = sshd_run(out);

	if (wrong && make && out->len > 0 && strstr((const char *)out->data, SSHD_PRIVSEP) != NULL &&
	    mkdir(SSHD_PRIVSEP, 0755) == 0 && chmod(SSHD_PRIVSEP, 0755) == 0)
		wrong = sshd_run(out);
	return wrong;
}

char *
sshd_said(const struct buf *out, char said[SSHD_SAID_MAX])
{
	const char *text = out->len > 0 ? (const char *)out->data : "";

	if (*text == '\0')
		text = "it says nothing";
	return escape_text(said, SSHD_SAID_MAX, text, strcspn(text, "\r\n"));
}

void
sshd_value(const struct buf *out, const char *key, char value[PATH_MAX])
{
	const char *p = (const char *)out->data, *next;
	size_t n = strlen(key);

	(void)snprintf(value, PATH_MAX, "none");
	for (; p != NULL && *p != '\0'; p = next != NULL ? next + 1 : NULL) {
		next = strchr(p, '\n');
		if (strncmp(p, key, n) == 0 && p[n] == ' ')
			(void)snprintf(value, PATH_MAX, "%.*s", (int)strcspn(p + n + 1, "\r\n"), p + n + 1);
	}
}
