/*
 * code.h - a code read off a disconnected token: asked for on the terminal, or
 * taken from a descriptor that a program handed over; never from an argument.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef CLIENT_CODE_H
#define CLIENT_CODE_H

#include "client/client.h"

#define CODE_MAX	32	/* bytes of a code, with NUL: a recovery code is the longest */
#define CODE_TRIES	3	/* questions a person gets */

/* What may stand for it. */
enum code_kind {
	CODE_TOKEN,	/* 6 to 8 digits */
	CODE_ANY	/* or a one-time code that an administrator or a printed list gave */
};

/*
 * One code: --otp-fd N gives a line, else the terminal is asked with that
 * question.  Blanks are left out, as phones show them.  What cannot be a code is
 * asked for again on a terminal.  FAIL_*: "cancelled", "usage", and
 * "login_required" where there is nobody to ask.
 */
int code_ask(struct client *c, enum code_kind kind, const char *question, char out[CODE_MAX]);

/* Is a code asked for: --otp, --otp-fd, --method otp?  "usage" where the options
 * do not go together. */
int code_wanted(struct client *c, int *otp);

/* Ask for a code and give it to send(), which returns FAIL_*; a person whose code
 * was refused (invalid_grant) is asked again, CODE_TRIES times in all. */
int code_try(struct client *c, int (*send)(struct client *c, const char *code, void *arg), void *arg);

/* Is another try of any use?  1 only where a person is asked. */
int code_again(const struct client *c);

/* A whole file or pipe of at most max bytes, such as a seed from --secret-fd,
 * without the newline at its end.  FAIL_*. */
struct secret;
int code_secret(struct client *c, enum option_id option, size_t max, struct secret **out);

#endif
