/*
 * helper_rig.h - the agent's pool of helpers in a test's loop, and helpers that the
 * test plays itself behind a listening socket.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef TESTS_AGENT_HELPER_RIG_H
#define TESTS_AGENT_HELPER_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sys/types.h>

#include "agent/helper.h"

/* One request's end. */
struct helper_end {
	int parts, called, code;
	uint32_t tries_left;
	char detail[64];
};

/* The helper's end of a connection. */
struct helper_peer {
	int fd;
	uint32_t id;		/* of the last request */
	uint16_t type;
	uint32_t confirmed;	/* of the last PROTO_PROVE */
};

extern struct loop *helper_rig_loop;
extern struct helpers *helper_rig_pool;
extern char helper_rig_path[96];	/* of the socket that starts helpers */
extern int helper_rig_listener;

/* cmocka's setup and teardown. */
int helper_rig_setup(void **state);
int helper_rig_teardown(void **state);

/* Listen anew at helper_rig_path. */
void helper_rig_listen(void);

/* Let the loop do all that it can now / run it until e has come. */
void helper_rig_turn(void);
void helper_rig_wait(const struct helper_end *e);
/* A request's end, told to arg, a struct helper_end. */
void helper_rig_on_done(void *arg, int code, uint32_t tries_left, const char *detail);
/* A request to the pool: what helper_request says. */
int helper_rig_ask(uint16_t type, const char *serial, uid_t subject, struct helper_end *e,
    struct helper_call **c);
/* Does a new helper wait to be accepted? */
int helper_rig_started(void);

/* A helper that was started, with its module loaded. */
struct helper_peer helper_peer_open(void);
/* The next frame of the agent's, while its loop runs; it must be of this type. */
void helper_peer_read(struct helper_peer *p, uint16_t type);
/* Frames to the agent; done, error and signature answer the last request. */
void helper_peer_send(struct helper_peer *p, uint16_t type, uint32_t id,
    const struct proto_value *v, size_t n);
void helper_peer_done(struct helper_peer *p);
void helper_peer_error(struct helper_peer *p, int code);
void helper_peer_signature(struct helper_peer *p);
void helper_peer_token(struct helper_peer *p, uint32_t id);
/* Has the agent closed the connection, or does it soon? */
int helper_peer_hung_up(struct helper_peer *p);

#endif
