/*
 * answerer.h - between the agent's pin-needed events and a prompter: one
 * question at a time, the others wait in line.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef CLIENT_ANSWERER_H
#define CLIENT_ANSWERER_H

#include "client/api.h"
#include "client/prompter.h"
#include "client/lib/sse.h"

#define ANSWERER_WAITING_MAX	8	/* questions in line; more are left to other prompters */

struct answerer {
	struct client *c;
	struct prompter *p;
	struct http_client *events;	/* GET /events, its head read */
	int asking;			/* line[0] is before the person */
	struct ask line[ANSWERER_WAITING_MAX];
	size_t n;
	char why[FAIL_TEXT_MAX];	/* why the last question was cancelled by us, or "" */
	struct ask last;		/* that question */
	uint64_t touch_until;		/* ms of http_client_now(): a key waits for its touch; 0: none does */
	unsigned touch_shown;		/* seconds left, as shown last */
};

/* Connect to GET /events with this process as a prompter ("self", "all") or
 * without (NULL), and wait for "ready".  *out is freed by http_client_free.
 * FAIL_*. */
int answerer_connect(struct client *c, const char *prompter, struct http_client **out);

/* The next event that has come: TSR_OK, TSR_AGAIN, TSR_CLOSED, TSR_INVALID.
 * *data is a new reference.  What was read is dropped by the next call. */
int answerer_next(struct http_client *events, char name[SSE_NAME_MAX], json_t **data);

/* Take note of an event: pin-needed is put or lined up, prompt-ended takes the
 * question away; a touch that this process's own request waits for is counted down
 * on standard error; others are nothing. */
void answerer_event(struct answerer *a, const char *name, const json_t *data);

/* A key of ours waits for its touch: show how long it still does.  The ms until that
 * changes, -1 where none waits. */
int answerer_touch(struct answerer *a);

/* The prompter's descriptor is ready: read and, when it is whole, send the
 * answer.  TSR_OK; TSR_CANCELLED when the person (or the prompter) said no:
 * the agent was told. */
int answerer_ready(struct answerer *a);

/* Cancel the question that stands, if one does. */
void answerer_cancel(struct answerer *a);

/* Take the question away / put it again, around a stop (SIGTSTP). */
void answerer_pause(struct answerer *a);
void answerer_resume(struct answerer *a);

/* What to poll, -1 while no question stands. */
int answerer_fd(const struct answerer *a);

/* All is over: the terminal is as it was. */
void answerer_end(struct answerer *a, const char *why);

#endif
