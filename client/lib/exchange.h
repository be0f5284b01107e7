/*
 * exchange.h - one request at a time on a connection that is made when it is
 * needed and kept for the next.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef CLIENT_LIB_EXCHANGE_H
#define CLIENT_LIB_EXCHANGE_H

#include <sys/types.h>

#include "client/lib/fault.h"
#include "client/lib/http_client.h"

#define EXCHANGE_TARGET_MAX	128	/* bytes of a target, with NUL */

/* Where to connect. */
struct dial {
	char path[SOCKET_PATH_MAX];
	unsigned flags;			/* SOCKET_* */
};

struct exchange {
	const struct dial *dial;
	int set;			/* an epoll descriptor that watches it, or -1 */
	struct http_client *hc;		/* NULL while not connected */
	pid_t pid;			/* that connected: a child of it must not go on */
	const char *method, *type;
	char target[EXCHANGE_TARGET_MAX];
	struct buf body;
	int reused;			/* the connection served a request before */
	int dialing;			/* the agent's backlog is full: try again soon */
	int watched;			/* events that `set` has for it, 0 for none */
};

void exchange_init(struct exchange *x, const struct dial *dial, int set);
void exchange_free(struct exchange *x);

/* Ask; x->body was filled before, type is NULL where there is none.  With fresh
 * the connection is a new one: what takes long must not be sent twice. */
int exchange_begin(struct exchange *x, const char *method, const char *target, const char *type,
    int fresh);

/* Go on without waiting.  TSR_OK: *a, and the body is http_client_body's of
 * x->hc.  TSR_AGAIN; else the fault is recorded and the connection closed.  A
 * kept connection that the agent had closed meanwhile is made anew, once. */
int exchange_step(struct exchange *x, struct http_answer *a, struct fault *f);

/* Have `set` watch it, or not. */
void exchange_watch(struct exchange *x, int on);

/* Close the connection. */
void exchange_drop(struct exchange *x);

#endif
