/*
 * wire.h - requests and replies on Unix sockets, as different services frame
 * them.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef BENCH_WIRE_H
#define BENCH_WIRE_H

#include <stddef.h>

#define WIRE_MAX	16384	/* bytes of a request, and of a reply */

enum wire_framing {
	WIRE_HTTP,	/* Content-Length; status 200 is success */
	WIRE_SSH,	/* a 32 bit length; SSH_AGENT_SIGN_RESPONSE is success */
	WIRE_END,	/* the reply ends with the connection; "success" within */
	WIRE_FIXED,	/* a length agreed on */
};

struct wire {
	enum wire_framing framing;
	const char *path;		/* an abstract name begins with '@' */
	char request[WIRE_MAX];
	size_t request_len, reply_len;	/* reply_len for WIRE_FIXED */
};

/* The request from a file; ends the program where it cannot be read. */
void wire_load(struct wire *w, const char *file);

/* A connected blocking socket; ends the program. */
int wire_dial(const char *path);

/* A listening socket; ends the program. */
int wire_listen(const char *path);

/* Send the request; ends the program where not all of it can be sent. */
void wire_send(const struct wire *w, int fd);

/* Is the reply whole?  1 and 0; -1 for one that is not a success.  over: the
 * connection has ended. */
int wire_whole(const struct wire *w, char *reply, size_t n, int over);

/* Send the request and wait for its reply; ends the program where it is no
 * success. */
void wire_ask(const struct wire *w, int fd);

#endif
