/*
 * http_rig.h - a small server made of the production files, in a process of
 * its own with a clock page, and a client that looks at single bytes.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef TESTS_HTTP_RIG_H
#define TESTS_HTTP_RIG_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "agent/clock.h"
#include "agent/http.h"

#define RIG_WAIT_MS	10000	/* a test gives up */

/* What the server's process tells and is told. */
struct rig_shared {
	uint32_t handled, gone, batches, connections;
	int32_t commit;			/* what the next commits return */
	uint32_t events;		/* bytes sent to a stream */
};

struct rig {
	pid_t pid;
	char dir[64], path[108];
	struct clock_page *clock;
	struct rig_shared *shared;
};

/*
 * The handler's paths: /echo (body, or its query), /wrote (answer that depends on
 * the commit), /big (HTTP_ANSWER_MAX bytes), /park (kept), /release (answers
 * all parked), /late (answers all parked from gone()), /none (no answer),
 * /twice (two answers), /whoami (uid), /events (stream), /tell (an event of the
 * body to all streams), /flood (events until a stream is closed), /drain.
 */
void rig_start(struct rig *r, const struct door_limits *limits, int max_fds);
/* SIGTERM: the server must end with status 0 (leaks are an error). */
void rig_stop(struct rig *r);
/* Until what was sent so far is read, and the timers that are due have run. */
void rig_settle(struct rig *r);
void rig_advance(struct rig *r, uint64_t ms);	/* and settle */
/* Wait until the shared counter reaches want. */
void rig_wait(const uint32_t *counter, uint32_t want);
size_t rig_fds(const struct rig *r);

int rig_connect(const struct rig *r);
void rig_send(int fd, const char *text);
void rig_send_n(int fd, const void *p, size_t n);
/* Read one whole answer (by Content-Length) into out; its status. */
int rig_answer(int fd, char *out, size_t size);
/* One request and its answer. */
int rig_ask(int fd, const char *path, const char *body, char *out, size_t size);
/* Read until the other side closes; the bytes before that (cut at size). */
size_t rig_closed(int fd, char *out, size_t size);
/* 1 while nothing has come and the connection stands. */
int rig_quiet(int fd);
/* Run fn in a child under a uid; it must return 0. */
void rig_as(uid_t uid, int (*fn)(void *arg), void *arg);

#endif
