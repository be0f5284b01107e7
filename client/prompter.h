/*
 * prompter.h - whoever a PIN comes from: the terminal, a descriptor, or a
 * pinentry program.  Driven by poll: a question is put, and its answer is read
 * when the prompter's descriptor is ready.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef CLIENT_PROMPTER_H
#define CLIENT_PROMPTER_H

#include "base/secret.h"
#include "client/ask.h"
#include "client/client.h"

#define PROMPTER_PIN_MAX	255	/* bytes of a PIN */

struct prompter;

/* What a kind of prompter does.  The contracts are those below. */
struct prompter_kind {
	int (*begin)(struct prompter *p, const struct ask *a);
	int (*read)(struct prompter *p, struct secret **pin);
	void (*end)(struct prompter *p, const char *why);
	void (*free)(struct prompter *p);
};

struct prompter {
	const struct prompter_kind *kind;
	int fd;			/* to poll while a question stands */
	int asked;		/* questions put */
	struct ask before;	/* the question before this one */
	const char *why;	/* why it said no, NULL where it was the person's wish */
	void *state;
};

enum prompter_wish { PROMPTER_DEFAULT, PROMPTER_TERMINAL, PROMPTER_PINENTRY };

/* By --pin-fd and --pinentry, else the terminal.  *out stays NULL, with
 * FAIL_NONE, where there is no terminal: the agent may know another prompter.
 * FAIL_USAGE for an option that cannot be followed.  FAIL_*. */
int prompter_new(struct client *c, enum prompter_wish wish, struct prompter **out);
void prompter_free(struct prompter **p);

/* Put a question.  TSR_CANCELLED where it is not put (p->why says why); TSR_SYSTEM. */
int prompter_begin(struct prompter *p, const struct ask *a);

/* p->fd is ready: TSR_OK with the PIN (1 to 255 bytes of text), without one
 * where the reader takes it; TSR_AGAIN, TSR_CANCELLED, TSR_SYSTEM.  Tries that
 * are to be confirmed were. */
int prompter_read(struct prompter *p, struct secret **pin);

/* Take the question away, answered or not; why is a line for the person or
 * NULL.  Harmless where none stands. */
void prompter_end(struct prompter *p, const char *why);

/* A PIN as it may be sent: 1 to PROMPTER_PIN_MAX bytes of UTF-8 without
 * control characters. */
int prompter_is_pin(const struct secret *s);

/* Each kind's maker: TSR_NOT_FOUND where there is no terminal; TSR_SYSTEM with
 * the failure in c where there is no pinentry to be had. */
int prompter_terminal(struct prompter *p);
int prompter_descriptor(struct prompter *p, int fd);
int prompter_pinentry(struct client *c, struct prompter *p, const char *program);

#endif
