/*
 * helper_internal.h - what helper.c (who serves whom) and helper_conn.c (one
 * connection's bytes) know of each other.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_HELPER_INTERNAL_H
#define AGENT_HELPER_INTERNAL_H

#include "agent/helper.h"
#include "base/buf.h"

#define HELPER_BREAKERS_MAX	64	/* tokens whose deaths are counted */
#define HELPER_NAME_MAX		129	/* bytes of a module, serial or label, with NUL */

/* A token and whom it is used for; the listing target has empty names. */
struct helper_key {
	char module[HELPER_NAME_MAX], serial[HELPER_NAME_MAX], label[HELPER_NAME_MAX];
	uid_t subject;
};

enum helper_state {
	HELPER_OPENING,		/* PROTO_OPEN sent, module loading */
	HELPER_IDLE,
	HELPER_BUSY,
	HELPER_DEAD		/* hung up, to be freed */
};

struct helper {
	struct loop_watch watch;	/* first: the loop hands us this */
	struct helper *next;
	struct helpers *pool;
	enum helper_state state;
	int spare;			/* serves nobody yet */
	int stale;			/* of an earlier configuration: not used again */
	struct helper_key key;		/* module always, the rest unless spare */
	struct helper_call *call;	/* while HELPER_BUSY */
	struct buf in, out;
	struct timer timer;		/* opening, busy or idle deadline */
	uint32_t id;			/* of the request under way */
	unsigned parts;			/* of its answer so far */
};

struct helper_call {
	struct helper_call *next;	/* in the pool's queue */
	struct helpers *pool;
	struct helper *helper;		/* who is at it, or NULL while waiting */
	struct helper_key key;
	uint16_t type;
	uint32_t deadline_ms;
	struct buf frame;		/* encoded with id 0 */
	struct timer timer;		/* while waiting */
	struct helper_client client;
};

/* A token that kills its helpers, or a module ("" and "") that does. */
struct breaker {
	char module[HELPER_NAME_MAX], serial[HELPER_NAME_MAX], label[HELPER_NAME_MAX];
	unsigned deaths;		/* in a row */
	uint64_t rests_until_ms;
};

struct helpers {
	struct loop *loop;
	struct helpers_options options;
	char *program, *config_file, *socket;
	struct helper *list;
	size_t n;
	struct helper_call *waiting;	/* in order of arrival */
	size_t n_waiting;
	struct breaker breaker[HELPER_BREAKERS_MAX];
};

/* helper_conn.c: start a process for the module and send PROTO_OPEN; send a
 * call's frame; hang up and free. */
int helper_conn_start(struct helpers *hs, struct loop *l, const struct helpers_options *o,
    const char *module, struct helper **out);
int helper_conn_send(struct helper *h, struct helper_call *c);
void helper_conn_free(struct helper *h);

/* helper.c, called by helper_conn.c: the module is loaded; a part of the
 * answer; the end of the request under way; the connection is over (code says
 * how the request, if there was one, failed).  After helper_ended h is gone. */
void helper_opened(struct helper *h);
void helper_finished(struct helper *h, int code, uint32_t tries_left, const char *detail);
void helper_ended(struct helper *h, int code, const char *detail);
struct loop *helper_loop(struct helper *h);

#endif
