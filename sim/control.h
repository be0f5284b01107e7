/*
 * control.h - the control socket of a virtual device: a Unix stream socket of
 * mode 0600, one line of words a command, one line an answer, "ok ..." or
 * "error ...".  A connection may send one command after another.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef SIM_CONTROL_H
#define SIM_CONTROL_H

#include <poll.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

#define CONTROL_LINE_MAX	4096		/* bytes of a command, with its newline */
#define CONTROL_WORDS_MAX	16		/* of a command */
#define CONTROL_ANSWER_MAX	65536		/* bytes of an answer, with its newline */
#define CONTROL_CONNS_MAX	16		/* at a time; more wait in the backlog */
#define CONTROL_POLL_MAX	(CONTROL_CONNS_MAX + 1)
#define CONTROL_LATER		1		/* the answer comes by control_answer */

struct control;

/* A command has come: word[0..n), n is at least 1.  Returns TSR_OK with what
 * follows "ok" in answer (may be empty), a negative TSR_* with the complaint
 * in answer (may be empty), or CONTROL_LATER having kept ticket. */
typedef int (*control_fn)(void *arg, int n, char **word, uint64_t ticket, struct buf *answer);

/* Listen at path.  A socket that nobody listens on any more is replaced.
 * TSR_CONFLICT where somebody does; TSR_TOO_LARGE for a path beyond sun_path;
 * TSR_NOMEM; TSR_SYSTEM with errno. */
int control_open(const char *path, control_fn fn, void *arg, struct control **out);

/* Close all and remove the socket; *c may be NULL. */
void control_close(struct control **c);

/* Fill p with what to poll for; how many, at most CONTROL_POLL_MAX.  Then hand
 * the same n entries to control_serve: it never blocks. */
size_t control_poll(const struct control *c, struct pollfd *p);
void control_serve(struct control *c, const struct pollfd *p, size_t n);

/* The answer that was put off.  r and text as a control_fn's; text may be NULL.
 * Nothing happens where the asker has gone. */
void control_answer(struct control *c, uint64_t ticket, int r, const char *text);

/* 1 while somebody still waits for the answer that was put off. */
int control_asked(const struct control *c, uint64_t ticket);

/* For a client: send line (without newline) to the socket at path and have the
 * answer without its newline, terminated, in answer.  timeout_ms < 0 waits for
 * ever.  TSR_UNREACHABLE with errno, TSR_CLOSED, TSR_TIMEOUT, TSR_TOO_LARGE. */
int control_call(const char *path, const char *line, int timeout_ms, char *answer, size_t size);

#endif
