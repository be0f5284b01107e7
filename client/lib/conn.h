/*
 * conn.h - the inside of a client: its request, the events beside it, the
 * answers to prompts.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef CLIENT_LIB_CONN_H
#define CLIENT_LIB_CONN_H

#include "client/lib/exchange.h"
#include "client/lib/stream.h"
#include "tessera.h"

#define CONN_REPLIES_MAX	8	/* answers to prompts that wait to be sent */
#define CONN_ID_MAX		65	/* bytes of a prompt's id, with NUL */
#define CONN_PIN_BODY_MAX	2048	/* bytes of an answer */

enum conn_state {
	CONN_IDLE,
	CONN_LISTENING,		/* a prompter's stream is being opened */
	CONN_ASKING		/* the request is with the agent */
};

/* What the request is: those of tessera.h and one more. */
#define CONN_PROMPT	((int)TSR_SESSION_LOGOUT + 1)

struct conn_reply {
	char id[CONN_ID_MAX];
	struct buf body;
};

struct tsr_client {
	struct dial dial;
	int set, retry;			/* epoll, and the timer in it for a full backlog */
	tsr_prompt_fn *prompter;
	void *arg;
	enum conn_state state;
	int what;			/* enum tsr_operation, CONN_PROMPT */
	enum tsr_proof proof;		/* which will do; a session's is tried once */
	struct exchange ask, tell;
	struct stream hear;
	struct buf fresh;		/* the form of the device grant */
	struct conn_reply reply[CONN_REPLIES_MAX];
	size_t n_replies;
	int telling;			/* reply[0] is with the agent */
	struct fault fault;
	struct tsr_token *token;	/* results that nobody took yet */
	struct tsr_sessions *sessions;
	int ended;			/* -1 none */
};

/* The answer to the request, as the result of its kind.  TSR_OK, or the fault. */
int result_take(struct tsr_client *c, const struct http_answer *a);

/* Let go what nobody took. */
void result_drop(struct tsr_client *c);

/* Take the events that have come: questions go to the prompter.  A stream that
 * ended is let go: the answer to the request says what follows from that. */
void prompt_hear(struct tsr_client *c);

/* Send the answers that wait. */
void prompt_tell(struct tsr_client *c);

/* Forget them. */
void prompt_drop(struct tsr_client *c);

#endif
