/*
 * prompter.c - which prompter, and what all have in common.  See prompter.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "client/prompter.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "tessera.h"

#define PINENTRY_DEFAULT	"pinentry"

/* The number of an open descriptor that can be read.  The text is never
 * repeated: somebody may have written the PIN in its place. */
static int
prompter_number(const char *text, int *fd)
{
	char *end;
	long n;
	int flags;

	if (text[0] < '0' || text[0] > '9' || strlen(text) > 4)
		return TSR_INVALID;
	n = strtol(text, &end, 10);
	if (*end != '\0' || (flags = fcntl((int)n, F_GETFL)) == -1 || (flags & O_ACCMODE) == O_WRONLY)
		return TSR_INVALID;
	*fd = (int)n;
	return TSR_OK;
}

static int
prompter_make(struct client *c, enum prompter_wish wish, struct prompter *p)
{
	const char *number = c->opt[OPT_PIN_FD], *program = c->opt[OPT_PINENTRY];
	int fd = -1;

	if (number != NULL) {
		if (prompter_number(number, &fd) != TSR_OK)
			return fail_set(&c->failure, "usage",
			    "--pin-fd wants the number of a descriptor that is open for reading, such as 3 with 3</file");
		return prompter_descriptor(p, fd) == TSR_OK ? FAIL_NONE :
		    fail_set(&c->failure, "failed", "%s", tsr_strerror(TSR_NOMEM));
	}
	if (program != NULL || wish == PROMPTER_PINENTRY) {
		if (program == NULL || *program == '\0')
			program = PINENTRY_DEFAULT;
		return prompter_pinentry(c, p, program) == TSR_OK ? FAIL_NONE :
		    fail_status(c->failure.code);
	}
	(void)prompter_terminal(p);
	if (p->kind == NULL && wish == PROMPTER_TERMINAL)
		return fail_set(&c->failure, "usage",
		    "there is no terminal to ask on; use --prompt=pinentry");
	return FAIL_NONE;
}

int
prompter_new(struct client *c, enum prompter_wish wish, struct prompter **out)
{
	struct prompter *p;
	int status;

	if ((p = calloc(1, sizeof(*p))) == NULL)
		return fail_set(&c->failure, "failed", "%s", tsr_strerror(TSR_NOMEM));
	p->fd = -1;
	status = prompter_make(c, wish, p);
	if (status != FAIL_NONE || p->kind == NULL) {
		free(p);
		return status;
	}
	*out = p;
	return FAIL_NONE;
}

void
prompter_free(struct prompter **p)
{
	if (*p == NULL)
		return;
	(*p)->kind->free(*p);
	free(*p);
	*p = NULL;
}

int
prompter_begin(struct prompter *p, const struct ask *a)
{
	int r;

	p->why = NULL;
	if ((r = p->kind->begin(p, a)) != TSR_OK)
		return r;
	p->asked++;
	p->before = *a;
	return TSR_OK;
}

int
prompter_read(struct prompter *p, struct secret **pin)
{
	return p->kind->read(p, pin);
}

void
prompter_end(struct prompter *p, const char *why)
{
	p->kind->end(p, why);
}

int
prompter_is_pin(const struct secret *s)
{
	return s->size > 0 && s->size <= PROMPTER_PIN_MAX && escape_is_text(s->data, s->size);
}
