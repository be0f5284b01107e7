/*
 * ask.h - what a person is asked: the agent's pin-needed event.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef CLIENT_ASK_H
#define CLIENT_ASK_H

#include <jansson.h>
#include <stddef.h>

#define ASK_ID_MAX	65	/* bytes of a prompt's id, with NUL */
#define ASK_NAME_MAX	16	/* bytes of what is asked for, with NUL */
#define ASK_LINE_MAX	384	/* bytes of a shown name, with NUL */
#define ASK_TEXT_MAX	2048	/* bytes of the whole question, with NUL */

/* All text is escaped, ready to be shown. */
struct ask {
	char id[ASK_ID_MAX];		/* letters, digits, "-" and "_" only */
	char what[ASK_LINE_MAX];	/* "login", "enrol", "pin-change", "pin-unblock", "pin-set" */
	char device[ASK_LINE_MAX];
	char credential[ASK_LINE_MAX];	/* "" where there is none */
	char whom[ASK_LINE_MAX];	/* audience and scope, "" where there is none */
	char about[ASK_LINE_MAX];	/* what an SSH signature is for, "" where it is none */
	char who[ASK_LINE_MAX];		/* pid, uid, unit, and what it calls itself */
	int retry;			/* the PIN before was wrong */
	int low;			/* a wrong PIN was entered before */
	int tries_left;			/* -1: the token does not tell */
	int confirm;			/* tries left that the person has to repeat, 0 none */
	int pad;			/* it is entered at the reader */
	char name[ASK_NAME_MAX];	/* "PIN", "PUK", "New PIN", "New PIN again" */
	int least, most;		/* characters that it has, 0: not told */
	int seconds_left;		/* 0: not told */
};

/* Read the event's data.  self is our pid: its requests are "this command".
 * TSR_INVALID where the id is not one, or a member is of the wrong kind. */
int ask_parse(const json_t *event, long self, struct ask *a);

/* The question in a few lines, without the complaint and the prompt. */
char *ask_text(const struct ask *a, char *out, size_t size);

/* "wrong PIN, 1 try left", "1 try left before ...", "a wrong PIN was entered
 * before, ...", or "". */
char *ask_complaint(const struct ask *a, char *out, size_t size);

/* Whether id may stand in a path. */
int ask_is_id(const char *id);

#endif
