/*
 * prompt_tty.c - the PIN from the controlling terminal, echo off.  Signals are
 * the caller's: it ends the question before it follows one.
 *
 * SPDX-License-Identifier: ISC
 */
#include "client/prompter.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "client/output.h"
#include "tessera.h"

struct prompt_tty {
	int tty;
	int quiet;		/* echo is off: was is what to put back */
	int open;		/* a question stands */
	int confirm;		/* the number that is waited for, 0 none */
	int pad;		/* there is no PIN to come after it */
	char name[ASK_NAME_MAX];	/* what is asked for */
	struct termios was;
};

static void
prompt_tty_say(const struct prompt_tty *s, const char *text)
{
	size_t n = strlen(text);
	ssize_t w;

	while (n > 0) {
		if ((w = write(s->tty, text, n)) == -1) {
			if (errno == EINTR)
				continue;
			return;		/* a terminal that hung up ends in read() */
		}
		text += w;
		n -= (size_t)w;
	}
}

static void
prompt_tty_loud(struct prompt_tty *s)
{
	if (s->quiet)
		(void)tcsetattr(s->tty, TCSAFLUSH, &s->was);
	s->quiet = 0;
}

static int
prompt_tty_quiet(struct prompt_tty *s)
{
	struct termios t;

	if (s->quiet)		/* since the number was asked for: was is kept */
		return tcflush(s->tty, TCIFLUSH) == 0 ? TSR_OK : TSR_SYSTEM;
	if (tcgetattr(s->tty, &s->was) != 0)
		return TSR_SYSTEM;
	t = s->was;
	t.c_lflag &= ~(tcflag_t)(ECHO | ECHOE | ECHOK | ECHONL);
	t.c_lflag |= ICANON | ISIG;
	/* What was typed before the question was not meant for it. */
	if (tcsetattr(s->tty, TCSAFLUSH, &t) != 0)
		return TSR_SYSTEM;
	s->quiet = 1;
	return TSR_OK;
}

static int
prompt_tty_pin(struct prompt_tty *s)
{
	if (prompt_tty_quiet(s) != TSR_OK)
		return TSR_SYSTEM;
	prompt_tty_say(s, s->name);
	prompt_tty_say(s, ": ");
	return TSR_OK;
}

/* Few tries: the number first.  Out of habit it is the PIN that gets typed, so
 * this is not shown either. */
static int
prompt_tty_confirm(struct prompt_tty *s)
{
	char text[ASK_LINE_MAX], last[48] = "the last try";

	if (prompt_tty_quiet(s) != TSR_OK)
		return TSR_SYSTEM;
	if (s->confirm > 1)
		(void)snprintf(last, sizeof(last), "one of the last %d tries", s->confirm);
	(void)snprintf(text, sizeof(text), "This spends %s. Type the number of tries left (%d), not the "
	    "%s, to go on (Ctrl-C ends): ", last, s->confirm, s->name);
	prompt_tty_say(s, text);
	return TSR_OK;
}

static int
prompt_tty_ask(struct prompter *p, const struct ask *a)
{
	struct prompt_tty *s = p->state;
	int r = TSR_OK;

	s->confirm = a->confirm;
	s->pad = a->pad;
	(void)snprintf(s->name, sizeof(s->name), "%s", a->name);
	s->open = 1;
	p->fd = s->tty;
	if (s->confirm > 0)
		r = prompt_tty_confirm(s);
	else if (a->pad)
		p->fd = -1;		/* nothing is typed here */
	else
		r = prompt_tty_pin(s);
	return r;
}

static int
prompt_tty_begin(struct prompter *p, const struct ask *a)
{
	struct prompt_tty *s = p->state;
	char text[ASK_TEXT_MAX], complaint[ASK_LINE_MAX], all[2 * ASK_TEXT_MAX];

	(void)ask_complaint(a, complaint, sizeof(complaint));
	if (!a->retry || strcmp(a->device, p->before.device) != 0 ||
	    strcmp(a->whom, p->before.whom) != 0 || strcmp(a->about, p->before.about) != 0 || strcmp(a->who, p->before.who) != 0) {
		(void)snprintf(all, sizeof(all), "%s\n", ask_text(a, text, sizeof(text)));
		prompt_tty_say(s, all);
	}
	if (complaint[0] != '\0') {
		(void)snprintf(all, sizeof(all), "%s%s%s\n", output_colour(s->tty, OUTPUT_RED),
		    complaint, output_colour(s->tty, OUTPUT_PLAIN));
		prompt_tty_say(s, all);
	}
	return prompt_tty_ask(p, a);
}

/* A line that is or is not the number. */
static int
prompt_tty_confirmed(struct prompter *p, const struct secret *line)
{
	struct prompt_tty *s = p->state;
	char number[16];

	(void)snprintf(number, sizeof(number), "%d", s->confirm);
	prompt_tty_say(s, "\n");	/* the one typed was not shown */
	if (strcmp((const char *)line->data, number) != 0)
		return prompt_tty_confirm(s) == TSR_OK ? TSR_AGAIN : TSR_SYSTEM;
	s->confirm = 0;
	if (s->pad)
		return TSR_OK;
	return prompt_tty_pin(s) == TSR_OK ? TSR_AGAIN : TSR_SYSTEM;
}

/* The terminal gives whole lines (ICANON). */
static int
prompt_tty_read(struct prompter *p, struct secret **out)
{
	struct prompt_tty *s = p->state;
	struct secret *pin;
	ssize_t n;
	int r = TSR_AGAIN;

	if ((pin = secret_new(PROMPTER_PIN_MAX + 1)) == NULL)
		return TSR_NOMEM;
	n = read(s->tty, pin->data, pin->size);
	if (n == -1) {
		r = errno == EINTR || errno == EAGAIN ? TSR_AGAIN : TSR_CANCELLED;
		goto out;
	}
	if (n == 0) {
		r = TSR_CANCELLED;	/* Ctrl-D */
		goto out;
	}
	if (pin->data[n - 1] == '\n')
		n--;
	else
		(void)tcflush(s->tty, TCIFLUSH);
	pin->data[n] = '\0';
	pin->size = (size_t)n;
	if (s->confirm > 0) {
		r = prompt_tty_confirmed(p, pin);
		goto out;
	}
	if (!prompter_is_pin(pin)) {
		prompt_tty_say(s, n == 0 ? "\n" : "\nNo PIN has such characters or is that long.\n");
		prompt_tty_say(s, s->name);
		prompt_tty_say(s, n == 0 ? " (Ctrl-C ends): " : ": ");
		goto out;
	}
	*out = pin;
	pin = NULL;
	r = TSR_OK;
 out:
	secret_free(&pin);
	return r;
}

static void
prompt_tty_end(struct prompter *p, const char *why)
{
	struct prompt_tty *s = p->state;

	if (!s->open)
		return;
	s->open = 0;
	if (s->quiet || s->confirm > 0)
		prompt_tty_say(s, "\n");
	prompt_tty_loud(s);
	if (why != NULL) {
		prompt_tty_say(s, why);
		prompt_tty_say(s, "\n");
	}
	p->fd = -1;
}

static void
prompt_tty_free(struct prompter *p)
{
	struct prompt_tty *s = p->state;

	prompt_tty_end(p, NULL);
	(void)close(s->tty);
	free(s);
}

static const struct prompter_kind prompt_tty_kind = {
	prompt_tty_begin, prompt_tty_read, prompt_tty_end, prompt_tty_free
};

int
prompter_terminal(struct prompter *p)
{
	struct prompt_tty *s;
	int fd;

	if ((fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC)) == -1)
		return TSR_NOT_FOUND;
	if ((s = calloc(1, sizeof(*s))) == NULL) {
		(void)close(fd);
		return TSR_NOMEM;
	}
	s->tty = fd;
	p->kind = &prompt_tty_kind;
	p->state = s;
	return TSR_OK;
}
