/*
 * stream.h - the agent's events.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef CLIENT_LIB_STREAM_H
#define CLIENT_LIB_STREAM_H

#include "client/lib/exchange.h"
#include "client/lib/record.h"
#include "client/lib/sse.h"
#include "tessera.h"

enum stream_state { STREAM_SHUT, STREAM_ASKED, STREAM_GREETED, STREAM_OPEN };

struct stream {
	struct exchange x;
	enum stream_state state;
};

struct tsr_event {
	char name[SSE_NAME_MAX];
	struct record record;
};

void stream_init(struct stream *s, const struct dial *dial, int set);
void stream_free(struct stream *s);
void stream_shut(struct stream *s);

/* Ask for the events. */
int stream_begin(struct stream *s, enum tsr_listen what);

/* Go on until the stream's first event has come: what is posted after it finds
 * its prompter.  TSR_OK, TSR_AGAIN, or the fault. */
int stream_step(struct stream *s, struct fault *f);

/* The next event that has come, reading what is there.  TSR_OK, TSR_AGAIN,
 * TSR_CLOSED, TSR_INVALID, TSR_NOMEM, TSR_TOO_LARGE.  Freed by tsr_event_free. */
int stream_next(struct stream *s, struct tsr_event **out);

#endif
