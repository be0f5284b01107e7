/*
 * ssh_conn.h - connections that speak the protocol of SSH agents (RFC 9987), seen
 * by those who answer: a length of four bytes, a type, what belongs to it.
 *
 * A message is handed to the server's handler once it is whole.  The handler
 * answers at once, or parks the message and answers later.  Answers leave after the
 * batch's commit (loop.h).  One message at a time a connection: the next is looked
 * at after the answer was taken over by the kernel.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_SSH_CONN_H
#define AGENT_SSH_CONN_H

#include <stddef.h>
#include <stdint.h>

#include "agent/caller.h"
#include "agent/door.h"
#include "agent/loop.h"

#define SSH_MESSAGE_MAX	262144	/* bytes of a message; a longer one ends the connection */
#define SSH_KEPT_MAX	65536	/* of one that is looked at: a longer one is read, forgotten, and fails */
#define SSH_MESSAGE_MS	30000	/* a message whole, counted from its first byte */
#define SSH_WRITE_MS	10000	/* an answer taken by the client */
#define SSH_ANSWER_MAX	65536	/* bytes of an answer */

#define SSH_FAILURE	5
#define SSH_SUCCESS	6

struct ssh_server;
struct ssh_conn;

/* Valid, with all that it points to, until the answer is given or gone() is called. */
struct ssh_message {
	struct ssh_conn *conn;
	const struct caller *caller;
	uint8_t type;
	const uint8_t *p;		/* what follows the type */
	size_t n;
};

/* handler must answer or park before it returns (else: SSH_FAILURE).  door outlives
 * the server; who is let in is its affair.  TSR_NOMEM.  ssh_server_free calls gone()
 * of all that is parked; neither it nor ssh_server_drain may be called from within
 * handler or gone. */
int ssh_server_new(struct loop *l, struct door *door,
    void (*handler)(void *arg, const struct ssh_message *m), void *arg, struct ssh_server **out);
void ssh_server_free(struct ssh_server **s);

/* Accept on a listening socket (ours to close from now on, also on error).  Errors
 * as door_listen. */
int ssh_server_listen(struct ssh_server *s, int fd);
/* The door is closed: idle connections end now, the others after the answer. */
void ssh_server_drain(struct ssh_server *s);

/* For struct loop_batch.flush: write what the batch answered. */
void ssh_server_flush(struct ssh_server *s, int committed);

/* Answer with a message: its type and what follows.  To be called once a message; a
 * second call is ignored.  Never frees the connection.  wrote: the answer reports
 * what the batch's commit makes durable; if that fails, SSH_FAILURE leaves. */
void ssh_answer(struct ssh_conn *c, const void *p, size_t n, int wrote);
/* The same with a type alone. */
void ssh_answer_type(struct ssh_conn *c, uint8_t type);

/* Keep the message for a later ssh_answer.  gone() is called once if the client goes
 * away (also half-closed) or the server ends before that; after it the connection
 * must not be used.  Who parks a message that is parked already takes it over. */
void ssh_park(struct ssh_conn *c, void (*gone)(void *arg), void *arg);

/* What the handler remembers of the connection: memory of malloc(3) that is freed
 * with it; NULL at first. */
void *ssh_memory(const struct ssh_conn *c);
void ssh_remember(struct ssh_conn *c, void *memory);

#endif
