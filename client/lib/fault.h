/*
 * fault.h - why something failed: what tsr_error_* tell.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef CLIENT_LIB_FAULT_H
#define CLIENT_LIB_FAULT_H

#include <stddef.h>

#include "client/lib/http_client.h"
#include "client/lib/socket.h"

#define FAULT_NAME_MAX	48	/* bytes of a name, with NUL */
#define FAULT_TEXT_MAX	512	/* bytes of a sentence, with NUL */

struct fault {
	int code;			/* TSR_OK while nothing failed */
	char name[FAULT_NAME_MAX];	/* "" then */
	char text[FAULT_TEXT_MAX];
	int retry_after, tries_left;	/* -1 not told */
};

void fault_clear(struct fault *f);

/* Each records and returns the code. */
int fault_set(struct fault *f, int code, const char *name, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* A code of a connection, or any other of this library: its name and line. */
int fault_code(struct fault *f, int code);

/* socket_dial() said TSR_UNREACHABLE or TSR_UNTRUSTED. */
int fault_dial(struct fault *f, int code, const char *path, const struct socket_fault *why);

/* The agent's error answer (RFC 6749 section 5.2); TSR_INVALID where it is
 * none. */
int fault_answer(struct fault *f, const struct http_client *hc, const struct http_answer *a);

/* The code of a name; TSR_UNAVAILABLE for one that is not known. */
int fault_named(const char *name);

#endif
