/*
 * talk.h - the conversation: lines for the person, and what he types.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef PAM_TALK_H
#define PAM_TALK_H

#include "pam/attempt.h"

#define TALK_LINE_MAX	512	/* bytes of a line, with NUL */

/* A line, what to do / what went wrong; nothing of it comes from outside unescaped.
 * One that cannot be shown is nobody's fault.  With PAM_SILENT only the first is. */
void talk_info(struct attempt *at, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void talk_error(struct attempt *at, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* A question, with or without echo.  PAM_SUCCESS with *out, which talk_wipe frees;
 * else how the conversation ended, which is kept in at->talk: never PAM_SUCCESS. */
int talk_ask(struct attempt *at, int echo, char **out, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
void talk_wipe(char **answer);

/* A name from outside, for a line. */
const char *talk_name(const char *name, char out[ATTEMPT_NAME_MAX]);

#endif
