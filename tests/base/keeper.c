/*
 * keeper.c - the keeper between us, as the agent, and workers of every kind.
 *
 * SPDX-License-Identifier: ISC
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/frame.h"
#include "base/keeper.h"
#include "base/proto.h"
#include "tessera.h"

#define PATIENCE_MS	20000	/* for what comes at once on an idle machine */
#define LATE_MS		2000	/* that an answer may be late on a busy one */
#define ROOMY		10000u	/* ms, a deadline that does not matter */

static char worker[] = KEEPER_WORKER;

struct agent {
	int fd;
	pid_t pid;		/* the keeper */
	struct buf in;
};

static uint64_t
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/* The module's name is the worker's mode. */
static int
resolve(void *arg, const char *module, struct keeper_worker *w)
{
	static char nowhere[] = "/nonexistent/worker";
	static char mode[64];
	static char *argv[] = { worker, mode, NULL };

	(void)arg;
	if (strcmp(module, "unknown") == 0)
		return TSR_NOT_FOUND;
	snprintf(mode, sizeof(mode), "%s", module);
	w->path = strcmp(module, "absent") == 0 ? nowhere : worker;
	w->argv = argv;
	w->env = NULL;
	return TSR_OK;
}

static void
agent_begin(struct agent *a)
{
	const struct sandbox_path paths[] = { { worker, SANDBOX_EXEC } };
	int pair[2], r, small = 4096;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	/* Small, so that long answers have to wait for us. */
	setsockopt(pair[1], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
	if ((a->pid = fork()) == 0) {
		close(pair[0]);
		r = keeper_serve(pair[1], resolve, NULL, paths, 1);
		_exit(-r);
	}
	assert_true(a->pid > 0);
	close(pair[1]);
	a->fd = pair[0];
	buf_init(&a->in, FRAME_HEAD + FRAME_BODY_MAX);
}

/* The keeper ends with that code, and nobody that it started is left: those
 * without a parent are ours to reap. */
static void
agent_end(struct agent *a, int code)
{
	int status = 0;
	pid_t pid;

	assert_int_equal(waitpid(a->pid, &status, 0), a->pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(-WEXITSTATUS(status), code);
	while ((pid = waitpid(-1, &status, 0)) > 0)	/* hangs if one lives */
		assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	assert_int_equal(errno, ECHILD);
	if (a->fd != -1)
		close(a->fd);
	buf_free(&a->in);
}

static void
ask(struct agent *a, uint16_t type, uint32_t id, uint32_t ms)
{
	const struct proto_value prove[7] = {
		{ .p = (const uint8_t *)"1", .n = 1 }, { .p = (const uint8_t *)"l", .n = 1 },
		{ .p = (const uint8_t *)"\1", .n = 1 }, { .u32 = PROTO_ECDSA_P256_SHA256 },
		{ .p = (const uint8_t *)"1234", .n = 4 }, { .p = (const uint8_t *)"c", .n = 1 }, { .u32 = 0 } };
	struct buf out;

	buf_init(&out, FRAME_HEAD + FRAME_BODY_MAX);
	assert_int_equal(proto_encode(&out, type, id, ms, prove,
	    type == PROTO_PROVE ? 7 : type == PROTO_KEYS ? 2 : 0), TSR_OK);
	assert_int_equal(send(a->fd, out.data, out.len, MSG_NOSIGNAL), out.len);
	buf_free(&out);
}

static void
ask_open(struct agent *a, uint32_t id, const char *module, uint32_t ms)
{
	const struct proto_value name = { .p = (const uint8_t *)module, .n = strlen(module) };
	struct buf out;

	buf_init(&out, FRAME_HEAD + FRAME_BODY_MAX);
	assert_int_equal(proto_encode(&out, PROTO_OPEN, id, ms, &name, 1), TSR_OK);
	assert_int_equal(send(a->fd, out.data, out.len, MSG_NOSIGNAL), out.len);
	buf_free(&out);
}

/* The next frame; v and f point into a->in. */
static int
hear(struct agent *a, struct frame *f, struct proto_value *v)
{
	struct pollfd p = { .fd = a->fd, .events = POLLIN };
	size_t n;
	int r;

	assert_int_equal(poll(&p, 1, PATIENCE_MS), 1);
	if ((r = frame_recv(a->fd, &a->in, f)) != TSR_OK)
		return r;
	assert_int_equal(f->deadline_ms, 0);
	assert_int_equal(proto_decode(f, PROTO_FROM_HELPER, v, &n), TSR_OK);
	return TSR_OK;
}

static void
hear_type(struct agent *a, uint16_t type, uint32_t id)
{
	struct proto_value v[PROTO_FIELDS_MAX];
	struct frame f;

	assert_int_equal(hear(a, &f, v), TSR_OK);
	assert_int_equal(f.type, type);
	assert_int_equal(f.id, id);
}

static void
hear_error(struct agent *a, uint32_t id, int code, const char *detail)
{
	struct proto_value v[PROTO_FIELDS_MAX];
	struct frame f;

	assert_int_equal(hear(a, &f, v), TSR_OK);
	assert_int_equal(f.type, PROTO_ERROR);
	assert_int_equal(f.id, id);
	assert_int_equal(-(int)v[0].u32, code);
	if (detail != NULL) {
		assert_int_equal(v[2].n, strlen(detail));
		assert_memory_equal(v[2].p, detail, v[2].n);
	}
}

static void
hear_end(struct agent *a)
{
	struct proto_value v[PROTO_FIELDS_MAX];
	struct frame f;

	assert_int_equal(hear(a, &f, v), TSR_CLOSED);
}

/* The number that a worker gave as a token's serial. */
static long
hear_number(struct agent *a, uint32_t id)
{
	struct proto_value v[PROTO_FIELDS_MAX];
	struct frame f;
	char text[32];

	assert_int_equal(hear(a, &f, v), TSR_OK);
	assert_int_equal(f.type, PROTO_TOKEN);
	assert_int_equal(f.id, id);
	assert_true(v[0].n < sizeof(text));
	memcpy(text, v[0].p, v[0].n);
	text[v[0].n] = '\0';
	return strtol(text, NULL, 10);
}

static void
test_serves(void **state)
{
	struct agent a;
	long left;
	uint32_t id;

	(void)state;
	agent_begin(&a);
	ask_open(&a, 1, "good", ROOMY);
	hear_type(&a, PROTO_DONE, 1);
	for (id = 2; id < 200; id += 4) {
		ask(&a, PROTO_TOKENS, id, 5000);
		left = hear_number(&a, id);		/* what is left of the deadline */
		assert_true(left > 0 && left <= 5000);
		hear_type(&a, PROTO_TOKEN, id);
		hear_type(&a, PROTO_DONE, id);
		ask(&a, PROTO_KEYS, id + 1, ROOMY);
		hear_type(&a, PROTO_KEY, id + 1);
		hear_type(&a, PROTO_DONE, id + 1);
		ask(&a, PROTO_PROVE, id + 2, ROOMY);
		hear_type(&a, PROTO_SIGNATURE, id + 2);
	}
	ask(&a, PROTO_TOKENS, 0xffffffff, 0);		/* the default deadline */
	left = hear_number(&a, 0xffffffff);
	assert_true(left > 5000 && left <= 10000);
	hear_type(&a, PROTO_TOKEN, 0xffffffff);
	hear_type(&a, PROTO_DONE, 0xffffffff);
	ask(&a, PROTO_TOKENS, 7, 0xffffffff);		/* the longest */
	left = hear_number(&a, 7);
	assert_true(left > 110000 && left <= 120000);
	close(a.fd);
	a.fd = -1;
	agent_end(&a, TSR_OK);
}

static void
test_passes_errors(void **state)
{
	struct agent a;

	(void)state;
	agent_begin(&a);
	ask_open(&a, 1, "pin-wrong", ROOMY);
	hear_type(&a, PROTO_DONE, 1);
	ask(&a, PROTO_PROVE, 2, ROOMY);
	hear_error(&a, 2, TSR_PIN_WRONG, "");
	ask(&a, PROTO_PROVE, 3, ROOMY);			/* the worker lives on */
	hear_error(&a, 3, TSR_PIN_WRONG, "");
	close(a.fd);
	a.fd = -1;
	agent_end(&a, TSR_OK);
}

/* Bad workers: each ends in the right error, in time, and is gone. */
static void
test_bad_workers(void **state)
{
	static const struct row {
		const char *name, *module;
		uint32_t ms;
		int tokens;		/* PROTO_TOKEN frames before the end */
		int code;
		const char *detail;
	} rows[] = {
		{ "hangs", "hang", 60, 0, TSR_TIMEOUT, "the worker was too slow" },
		{ "hangs for longer", "hang", 200, 0, TSR_TIMEOUT, NULL },
		{ "spins", "spin", 60, 0, TSR_TIMEOUT, NULL },
		{ "half a frame, then hangs", "half-hang", 60, 0, TSR_TIMEOUT, NULL },
		{ "forks and hangs", "fork", 100, 2, TSR_TIMEOUT, NULL },
		{ "aborts", "abort", ROOMY, 0, TSR_HELPER, "the worker died of signal 6" },
		{ "exits", "exit", ROOMY, 0, TSR_HELPER, "the worker ended with status 0" },
		{ "half a frame, then exits", "half-exit", ROOMY, 0, TSR_HELPER,
		    "the worker ended with status 7" },
		{ "mounts", "mount", ROOMY, 0, TSR_HELPER,
		    "the worker was killed by its system call filter" },
		{ "exits, a child holds the socket", "fork-exit", ROOMY, 0, TSR_HELPER,
		    "the worker ended with status 5" },
		{ "rubbish", "rubbish", ROOMY, 0, TSR_HELPER, "the worker sent a false frame" },
		{ "oversized", "oversized", ROOMY, 0, TSR_HELPER, "the worker sent a false frame" },
		{ "foreign id", "foreign-id", ROOMY, 0, TSR_HELPER, NULL },
		{ "wrong type", "wrong-type", ROOMY, 0, TSR_HELPER, NULL },
		{ "the request itself", "echo", ROOMY, 0, TSR_HELPER, NULL },
		{ "a byte too many", "trailing", ROOMY, 0, TSR_HELPER, NULL },
		{ "endless answer", "flood", ROOMY, 1024, TSR_HELPER, NULL },
	};
	struct agent a;
	uint64_t start, took;
	size_t i;
	int n;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		print_message("%s\n", rows[i].name);
		agent_begin(&a);
		ask_open(&a, 1, rows[i].module, ROOMY);
		hear_type(&a, PROTO_DONE, 1);
		start = now_ms();
		ask(&a, PROTO_TOKENS, 2, rows[i].ms);
		for (n = 0; n < rows[i].tokens; n++)
			hear_type(&a, PROTO_TOKEN, 2);
		hear_error(&a, 2, rows[i].code, rows[i].detail);
		took = now_ms() - start;
		if (rows[i].code == TSR_TIMEOUT)
			assert_in_range(took, rows[i].ms - 1, rows[i].ms + LATE_MS);
		else
			assert_true(took < rows[i].ms);
		hear_end(&a);
		agent_end(&a, rows[i].code);
	}
}

static void
test_open_fails(void **state)
{
	static const struct row {
		const char *name, *module;
		uint32_t ms;
		int code, returns;
		const char *detail;
	} rows[] = {
		{ "hangs", "hang-open", 60, TSR_TIMEOUT, TSR_TIMEOUT, NULL },
		{ "the worker refuses", "refuse", ROOMY, TSR_CONFIG, TSR_MODULE, "no such file" },
		{ "answers with a token", "token-to-open", ROOMY, TSR_HELPER, TSR_HELPER, NULL },
		{ "not configured", "unknown", ROOMY, TSR_NOT_FOUND, TSR_NOT_FOUND,
		    "no such module is configured" },
		{ "no such program", "absent", ROOMY, TSR_HELPER, TSR_HELPER,
		    "the worker could not be started" },
		{ "ends at once", "no-such-mode", ROOMY, TSR_HELPER, TSR_HELPER,
		    "the worker ended with status 2" },
	};
	struct agent a;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		print_message("%s\n", rows[i].name);
		agent_begin(&a);
		ask_open(&a, 9, rows[i].module, rows[i].ms);
		hear_error(&a, 9, rows[i].code, rows[i].detail);
		hear_end(&a);
		agent_end(&a, rows[i].returns);
	}
}

static void
test_false_requests(void **state)
{
	static const uint8_t unknown[] = { 0, 0, 0, 12, 0, 0, 0, 5, 0, 0, 0, 0, 0, 31, 0, 0 };
	static const uint8_t helpers[] = { 0, 0, 0, 12, 0, 0, 0, 5, 0, 0, 0, 0, 0, 32, 0, 0 };
	static const uint8_t trailing[] = { 0, 0, 0, 13, 0, 0, 0, 5, 0, 0, 0, 0, 0, 2, 0, 0, 0 };
	static const uint8_t tokens[] = { 0, 0, 0, 12, 0, 0, 0, 5, 0, 0, 0, 0, 0, 2, 0, 0 };
	static const uint8_t open_good[] = { 0, 0, 0, 20, 0, 0, 0, 5, 0, 0, 0, 0, 0, 1, 0, 0,
		0, 0, 0, 4, 'g', 'o', 'o', 'd' };
	static const uint8_t open_control[] = { 0, 0, 0, 20, 0, 0, 0, 5, 0, 0, 0, 0, 0, 1, 0, 0,
		0, 0, 0, 4, 'g', 0, 'o', 'd' };
	static const uint8_t false_zero[] = { 0, 0, 0, 12, 0, 0, 0, 5, 0, 0, 0, 0, 0, 2, 0, 1 };
	static const uint8_t huge[] = { 0xff, 0xff, 0xff, 0xff };
	static const uint8_t tiny[] = { 0, 0, 0, 11 };
	static const struct row {
		const char *name;
		int opened;
		const uint8_t *p;
		size_t n;
		int answered;	/* with id 5; a false head has none */
	} rows[] = {
		{ "request before open", 0, tokens, sizeof(tokens), 1 },
		{ "second open", 1, open_good, sizeof(open_good), 1 },
		{ "module with a NUL", 0, open_control, sizeof(open_control), 1 },
		{ "unknown type", 1, unknown, sizeof(unknown), 1 },
		{ "a helper's type", 1, helpers, sizeof(helpers), 1 },
		{ "a byte too many", 1, trailing, sizeof(trailing), 1 },
		{ "false zero", 1, false_zero, sizeof(false_zero), 0 },
		{ "huge length", 1, huge, sizeof(huge), 0 },
		{ "tiny length", 0, tiny, sizeof(tiny), 0 },
	};
	struct agent a;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		print_message("%s\n", rows[i].name);
		agent_begin(&a);
		if (rows[i].opened) {
			ask_open(&a, 1, "good", ROOMY);
			hear_type(&a, PROTO_DONE, 1);
		}
		assert_int_equal(send(a.fd, rows[i].p, rows[i].n, 0), rows[i].n);
		if (rows[i].answered)
			hear_error(&a, 5, TSR_INVALID, NULL);
		hear_end(&a);
		agent_end(&a, TSR_INVALID);
	}
}

/* The answer passes, what follows it does not. */
static void
test_out_of_turn(void **state)
{
	struct agent a;

	(void)state;
	agent_begin(&a);
	ask_open(&a, 1, "talks-on", ROOMY);
	hear_type(&a, PROTO_DONE, 1);
	hear_end(&a);
	agent_end(&a, TSR_HELPER);
}

/* Sent at once, run in order, each with the time that it has. */
static void
test_in_order(void **state)
{
	struct agent a;

	(void)state;
	agent_begin(&a);
	ask_open(&a, 1, "slow", ROOMY);
	ask(&a, PROTO_TOKENS, 2, ROOMY);
	ask(&a, PROTO_KEYS, 3, ROOMY);
	hear_type(&a, PROTO_DONE, 1);
	hear_type(&a, PROTO_TOKEN, 2);
	hear_type(&a, PROTO_TOKEN, 2);
	hear_type(&a, PROTO_DONE, 2);
	hear_type(&a, PROTO_KEY, 3);
	hear_type(&a, PROTO_DONE, 3);
	ask(&a, PROTO_TOKENS, 4, ROOMY);
	ask(&a, PROTO_PROVE, 5, 20);		/* over while 4 runs: the worker is sound */
	ask(&a, PROTO_PROVE, 6, ROOMY);
	hear_type(&a, PROTO_TOKEN, 4);
	hear_type(&a, PROTO_TOKEN, 4);
	hear_type(&a, PROTO_DONE, 4);
	hear_error(&a, 5, TSR_TIMEOUT, "no time was left");
	hear_type(&a, PROTO_SIGNATURE, 6);
	close(a.fd);
	a.fd = -1;
	agent_end(&a, TSR_OK);
}

/* More than the sockets hold, while we do not read. */
static void
test_slow_reader(void **state)
{
	struct pollfd p;
	struct agent a;
	int i;

	(void)state;
	agent_begin(&a);
	ask_open(&a, 1, "many", ROOMY);
	hear_type(&a, PROTO_DONE, 1);
	ask(&a, PROTO_TOKENS, 2, ROOMY);
	p.fd = a.fd;
	p.events = POLLIN;
	assert_int_equal(poll(&p, 1, PATIENCE_MS), 1);
	for (i = 0; i < 1000; i++)
		assert_int_equal(hear_number(&a, 2), i);
	hear_type(&a, PROTO_DONE, 2);
	close(a.fd);
	a.fd = -1;
	agent_end(&a, TSR_OK);
}

/* We never read: the deadline holds all the same. */
static void
test_no_reader(void **state)
{
	struct agent a;

	(void)state;
	agent_begin(&a);
	ask_open(&a, 1, "many", ROOMY);
	hear_type(&a, PROTO_DONE, 1);
	ask(&a, PROTO_TOKENS, 2, 100);
	agent_end(&a, TSR_TIMEOUT);
}

/* The agent's end closes in the middle of a request without a near deadline. */
static void
test_agent_leaves(void **state)
{
	static const struct row {
		const char *name;
		int how;		/* -1: close */
	} rows[] = {
		{ "closes", -1 }, { "shuts down its writing side", SHUT_WR },
	};
	struct agent a;
	uint64_t start;
	size_t i;
	pid_t main_pid, child;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		print_message("%s\n", rows[i].name);
		agent_begin(&a);
		ask_open(&a, 1, "fork", ROOMY);
		hear_type(&a, PROTO_DONE, 1);
		ask(&a, PROTO_TOKENS, 2, 100000);
		main_pid = (pid_t)hear_number(&a, 2);
		child = (pid_t)hear_number(&a, 2);
		assert_int_equal(kill(main_pid, 0), 0);
		assert_int_equal(kill(child, 0), 0);
		start = now_ms();
		if (rows[i].how == -1) {
			close(a.fd);
			a.fd = -1;
		} else {
			shutdown(a.fd, rows[i].how);
		}
		agent_end(&a, TSR_OK);
		assert_true(now_ms() - start < PATIENCE_MS);
		assert_int_equal(kill(main_pid, 0), -1);
		assert_int_equal(kill(child, 0), -1);
	}
}

/* The keeper is killed: its worker goes with it. */
static void
test_keeper_dies(void **state)
{
	struct agent a;
	int status, killed = 0;

	(void)state;
	agent_begin(&a);
	ask_open(&a, 1, "hang", ROOMY);
	hear_type(&a, PROTO_DONE, 1);
	ask(&a, PROTO_TOKENS, 2, 100000);
	kill(a.pid, SIGKILL);
	assert_int_equal(waitpid(a.pid, &status, 0), a.pid);
	hear_end(&a);
	while (waitpid(-1, &status, 0) > 0)	/* earlier ones' children may be among them */
		killed |= WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
	assert_int_equal(errno, ECHILD);
	assert_true(killed);
	close(a.fd);
	buf_free(&a.in);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_serves),
		cmocka_unit_test(test_passes_errors),
		cmocka_unit_test(test_bad_workers),
		cmocka_unit_test(test_open_fails),
		cmocka_unit_test(test_false_requests),
		cmocka_unit_test(test_out_of_turn),
		cmocka_unit_test(test_in_order),
		cmocka_unit_test(test_slow_reader),
		cmocka_unit_test(test_no_reader),
		cmocka_unit_test(test_agent_leaves),
		cmocka_unit_test(test_keeper_dies),
	};

	signal(SIGPIPE, SIG_IGN);
	if (prctl(PR_SET_CHILD_SUBREAPER, 1) == -1)	/* orphans become ours */
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
