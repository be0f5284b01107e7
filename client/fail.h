/*
 * fail.h - why a command failed, kept until main() says it once: as a sentence
 * on standard error, or as the one JSON document on standard output.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef CLIENT_FAIL_H
#define CLIENT_FAIL_H

#include <jansson.h>

#define FAIL_CODE_MAX	48	/* bytes of an error code, with NUL */
#define FAIL_TEXT_MAX	768	/* bytes of a sentence, with NUL */

/* Exit statuses of the command, documented in tessera(1). */
enum fail_status {
	FAIL_NONE = 0,
	FAIL_FAILED = 1,
	FAIL_USAGE = 2,
	FAIL_UNREACHABLE = 3,
	FAIL_AUTH = 4,		/* authentication failed or needed */
	FAIL_DENIED = 5,	/* by policy */
	FAIL_NOT_FOUND = 6,
	FAIL_CANCELLED = 7,	/* or timed out */
	FAIL_LOCKED = 8,	/* or rate limited */
	FAIL_CONFLICT = 9
};

struct failure {
	char code[FAIL_CODE_MAX];	/* "" while nothing failed */
	char text[FAIL_TEXT_MAX];	/* as it came: escaped when it is shown */
	json_t *answer;			/* the agent's whole error answer, or NULL */
};

/* The exit status of an error code of the interface; FAIL_FAILED for one that
 * is not known. */
int fail_status(const char *code);

/* Record a failure in place of an earlier one.  Returns the code's status. */
int fail_set(struct failure *f, const char *code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Record the agent's error answer (RFC 6749 section 5.2).  Takes the
 * reference to answer, which may be NULL: then it was not understood. */
int fail_answer(struct failure *f, int http_status, json_t *answer);

/* A member of the recorded answer, NULL where there is none. */
const char *fail_member(const struct failure *f, const char *name);

void fail_clear(struct failure *f);

/* The document {"error","error_description", members of the answer}: a new
 * reference, NULL when memory is out. */
json_t *fail_document(const struct failure *f);

#endif
