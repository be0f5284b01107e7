/*
 * code.c - see code.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "client/code.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/secret.h"
#include "client/prompter.h"
#include "tessera.h"

#define CODE_LINE_MAX	64	/* bytes of what may be typed, with NUL */
#define CODE_SHORTEST	6	/* digits */
#define CODE_LONGEST	8

/* --- from where --- */

/* The number that an option gives. */
static int
code_descriptor(struct client *c, enum option_id option, const char *name, int *out)
{
	const char *text = c->opt[option];
	char *end;
	long n;

	errno = 0;
	n = strtol(text, &end, 10);
	if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 || n > 65535 ||
	    fcntl((int)n, F_GETFD) == -1)
		return fail_set(&c->failure, "usage",
		    "--%s wants the number of an open descriptor", name);
	*out = (int)n;
	return FAIL_NONE;
}

static int
code_open(struct client *c, int *fd)
{
	if (c->opt[OPT_OTP_FD] != NULL)
		return code_descriptor(c, OPT_OTP_FD, "otp-fd", fd);
	if ((*fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC)) == -1)
		return fail_set(&c->failure, "login_required",
		    "a code is needed and there is no terminal to ask for it; run the command in a terminal, or use --otp-fd N");
	return FAIL_NONE;
}

static void
code_close(const struct client *c, int fd)
{
	if (c->opt[OPT_OTP_FD] == NULL)
		(void)close(fd);
}

static void
code_say(const struct client *c, int fd, const char *text)
{
	if (c->opt[OPT_OTP_FD] == NULL)
		(void)!write(fd, text, strlen(text));	/* a terminal that hung up ends in read() */
}

/* One line, byte by byte: what follows belongs to somebody else.  TSR_CANCELLED
 * at the end, TSR_TOO_LARGE. */
static int
code_line(int fd, char out[CODE_LINE_MAX])
{
	size_t n = 0;
	int whole = 1;
	ssize_t got;
	char ch;

	for (;;) {
		do
			got = read(fd, &ch, 1);
		while (got == -1 && errno == EINTR);
		if (got == -1 || (got == 0 && n == 0))
			return TSR_CANCELLED;
		if (got == 0 || ch == '\n')
			break;
		if (n == CODE_LINE_MAX - 1)
			whole = 0;
		else
			out[n++] = ch;
	}
	out[n] = '\0';
	return whole ? TSR_OK : TSR_TOO_LARGE;
}

/* --- what it is --- */

static int
code_digits(const char *s, size_t n)
{
	return n >= CODE_SHORTEST && n <= CODE_LONGEST && strspn(s, "0123456789") == n;
}

/* A one-time code of groups: judged by the agent. */
static int
code_groups(const char *s, size_t n)
{
	return n >= 16 && strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") == n;
}

static int
code_take(enum code_kind kind, const char *line, char out[CODE_MAX])
{
	char text[CODE_LINE_MAX];
	size_t n = 0;

	for (; *line != '\0'; line++)
		if (*line != ' ' && *line != '\t' && *line != '\r')
			text[n++] = *line;
	text[n] = '\0';
	if (n >= CODE_MAX || !(code_digits(text, n) || (kind == CODE_ANY && code_groups(text, n)))) {
		sodium_memzero(text, sizeof(text));
		return TSR_INVALID;
	}
	memcpy(out, text, n + 1);
	sodium_memzero(text, sizeof(text));
	return TSR_OK;
}

int
code_again(const struct client *c)
{
	return c->opt[OPT_OTP_FD] == NULL;
}

int
code_ask(struct client *c, enum code_kind kind, const char *question, char out[CODE_MAX])
{
	char line[CODE_LINE_MAX];
	int fd = -1, status, r, tries;

	if ((status = code_open(c, &fd)) != FAIL_NONE)
		return status;
	for (tries = 0, r = TSR_INVALID; r == TSR_INVALID && tries < CODE_TRIES; tries++) {
		if (tries > 0)
			code_say(c, fd, "That is no code: it has 6 to 8 digits.\n");
		code_say(c, fd, question);
		code_say(c, fd, ": ");
		if ((r = code_line(fd, line)) == TSR_OK)
			r = code_take(kind, line, out);
		else if (r == TSR_TOO_LARGE)
			r = TSR_INVALID;
		sodium_memzero(line, sizeof(line));
		if (!code_again(c))
			break;
	}
	code_close(c, fd);
	if (r == TSR_OK)
		return FAIL_NONE;
	return r == TSR_CANCELLED ? fail_set(&c->failure, "cancelled", "no code was given") :
	    fail_set(&c->failure, "usage", "that is no code: it has 6 to 8 digits");
}

int
code_wanted(struct client *c, int *otp)
{
	const char *method = c->opt[OPT_METHOD];

	if (method != NULL && strcmp(method, "otp") != 0 && strcmp(method, "device") != 0)
		return fail_set(&c->failure, "usage", "--method wants device or otp");
	*otp = c->opt[OPT_OTP] != NULL || c->opt[OPT_OTP_FD] != NULL ||
	    (method != NULL && strcmp(method, "otp") == 0);
	if (*otp && (c->opt[OPT_DEVICE] != NULL || (method != NULL && strcmp(method, "device") == 0)))
		return fail_set(&c->failure, "usage", "a device shows no code: either it, or --otp");
	return FAIL_NONE;
}

int
code_try(struct client *c, int (*send)(struct client *c, const char *code, void *arg), void *arg)
{
	char code[CODE_MAX];
	int status, tries;

	for (tries = 1;; tries++) {
		if ((status = code_ask(c, CODE_ANY, "Code", code)) != FAIL_NONE)
			return status;
		status = send(c, code, arg);
		sodium_memzero(code, sizeof(code));
		if (status == FAIL_NONE || tries == CODE_TRIES || !code_again(c) ||
		    strcmp(c->failure.code, "invalid_grant") != 0)
			return status;
		(void)fprintf(stderr, "That code was not accepted; each is good once, wait for the next.\n");
		fail_clear(&c->failure);
	}
}

/* --- a secret --- */

int
code_secret(struct client *c, enum option_id option, size_t max, struct secret **out)
{
	struct secret *s;
	size_t n = 0;
	ssize_t got = 1;
	int fd = -1, status;

	if ((status = code_descriptor(c, option, "secret-fd", &fd)) != FAIL_NONE)
		return status;
	if ((s = secret_new(max + 2)) == NULL)
		return fail_set(&c->failure, "failed", "%s", tsr_strerror(TSR_NOMEM));
	while (n < max + 2 && got > 0) {
		do
			got = read(fd, s->data + n, max + 2 - n);
		while (got == -1 && errno == EINTR);
		n += got > 0 ? (size_t)got : 0;
	}
	while (n > 0 && (s->data[n - 1] == '\n' || s->data[n - 1] == '\r'))
		n--;
	if (got == -1 || n == 0 || n > max) {
		secret_free(&s);
		return fail_set(&c->failure, "usage", got == -1 ? "--secret-fd cannot be read: %s" :
		    n == 0 ? "--secret-fd gave nothing%.0s" : "the secret is too long%.0s", strerror(errno));
	}
	s->data[n] = '\0';
	s->size = n;
	*out = s;
	return FAIL_NONE;
}
