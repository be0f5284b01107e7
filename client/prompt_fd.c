/*
 * prompt_fd.c - the PIN from a descriptor that a program handed over: one
 * line a question.  A script must never spend a token's tries: after a PIN
 * that was refused no other is sent, and few tries are left to a person.
 *
 * SPDX-License-Identifier: ISC
 */
#include "client/prompter.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "tessera.h"

struct prompt_fd {
	int fd;
	struct secret *line;
	size_t n;
};

static int
prompt_fd_begin(struct prompter *p, const struct ask *a)
{
	struct prompt_fd *s = p->state;

	if (a->retry)
		p->why = "the PIN was refused, and a script may not try another";
	else if (a->confirm > 0)
		p->why = "the PIN has few tries left, which only a person may spend: run the command in a terminal";
	if (p->why != NULL)
		return TSR_CANCELLED;
	s->n = 0;
	if (a->pad)		/* the reader takes it */
		return TSR_OK;
	if (s->line == NULL && (s->line = secret_new(PROMPTER_PIN_MAX + 1)) == NULL)
		return TSR_NOMEM;
	p->fd = s->fd;
	return TSR_OK;
}

/* Byte by byte: what follows the line belongs to somebody else. */
static int
prompt_fd_read(struct prompter *p, struct secret **pin)
{
	struct prompt_fd *s = p->state;
	ssize_t n;

	do
		n = read(s->fd, s->line->data + s->n, 1);
	while (n == -1 && errno == EINTR);
	if (n == -1)
		return errno == EAGAIN ? TSR_AGAIN : TSR_SYSTEM;
	if (n == 1 && s->line->data[s->n] != '\n') {
		if (++s->n <= PROMPTER_PIN_MAX)
			return TSR_AGAIN;
		p->why = "what the descriptor gave is longer than a PIN";
		return TSR_CANCELLED;
	}
	s->line->data[s->n] = '\0';
	s->line->size = s->n;
	if (!prompter_is_pin(s->line)) {
		p->why = "the descriptor gave no PIN: no line is left, or it is empty or has "
		    "characters that no PIN has";
		return TSR_CANCELLED;
	}
	*pin = s->line;
	s->line = NULL;
	return TSR_OK;
}

static void
prompt_fd_end(struct prompter *p, const char *why)
{
	(void)why;
	p->fd = -1;
}

static void
prompt_fd_free(struct prompter *p)
{
	struct prompt_fd *s = p->state;

	secret_free(&s->line);
	free(s);
}

static const struct prompter_kind prompt_fd_kind = {
	prompt_fd_begin, prompt_fd_read, prompt_fd_end, prompt_fd_free
};

int
prompter_descriptor(struct prompter *p, int fd)
{
	struct prompt_fd *s;

	if ((s = calloc(1, sizeof(*s))) == NULL)
		return TSR_NOMEM;
	s->fd = fd;
	p->kind = &prompt_fd_kind;
	p->state = s;
	return TSR_OK;
}
