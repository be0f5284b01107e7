/*
 * talk.c - see talk.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "pam/talk.h"

#include <security/pam_ext.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"

const char *
talk_name(const char *name, char out[ATTEMPT_NAME_MAX])
{
	return escape_text(out, ATTEMPT_NAME_MAX, name, strlen(name));
}

void
talk_wipe(char **answer)
{
	if (*answer != NULL)
		explicit_bzero(*answer, strlen(*answer));
	free(*answer);
	*answer = NULL;
}

static void __attribute__((format(printf, 3, 0)))
talk_line(struct attempt *at, int style, const char *fmt, va_list ap)
{
	char line[TALK_LINE_MAX], *answer = NULL;

	/* sudo is always silent: what a person has to do is said all the same */
	if (style == PAM_ERROR_MSG && ((unsigned)at->flags & PAM_SILENT) != 0)
		return;
	(void)vsnprintf(line, sizeof(line), fmt, ap);
	(void)pam_prompt(at->pamh, style, &answer, "%s", line);
	talk_wipe(&answer);
}

void
talk_info(struct attempt *at, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	talk_line(at, PAM_TEXT_INFO, fmt, ap);
	va_end(ap);
}

void
talk_error(struct attempt *at, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	talk_line(at, PAM_ERROR_MSG, fmt, ap);
	va_end(ap);
}

int
talk_ask(struct attempt *at, int echo, char **out, const char *fmt, ...)
{
	char line[TALK_LINE_MAX], *answer = NULL;
	va_list ap;
	int r;

	va_start(ap, fmt);
	(void)vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	r = pam_prompt(at->pamh, echo ? PAM_PROMPT_ECHO_ON : PAM_PROMPT_ECHO_OFF, &answer, "%s", line);
	if (r == PAM_SUCCESS && answer != NULL) {
		*out = answer;
		return PAM_SUCCESS;
	}
	talk_wipe(&answer);
	/* a conversation of another program's: what it says is not ours to hand on */
	at->talk = r == PAM_ABORT ? r : r == PAM_CONV_AGAIN ? PAM_INCOMPLETE : PAM_CONV_ERR;
	return at->talk;
}
