/*
 * sse.h - the agent's event stream (WHATWG HTML, "Server-sent events"), the
 * part of it that the agent writes: event and data lines, comments.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef CLIENT_LIB_SSE_H
#define CLIENT_LIB_SSE_H

#include <stddef.h>

#define SSE_NAME_MAX	64		/* bytes of an event's name, with NUL */
#define SSE_EVENT_MAX	(32 * 1024)	/* bytes of an event with its lines */

struct sse_event {
	char name[SSE_NAME_MAX];
	const char *data;	/* into the memory that was read: one data line */
	size_t data_len;
};

/* Look for a whole event in in[0..n).  TSR_OK: *used bytes belong to it (and
 * to comments before it).  TSR_AGAIN: *used bytes were comments, more must
 * come.  TSR_INVALID for several data lines, a name twice or too long, other
 * fields are passed over; TSR_TOO_LARGE. */
int sse_parse(const char *in, size_t n, struct sse_event *e, size_t *used);

#endif
