/*
 * keeper.c - forward frames between the agent and a worker, and kill the
 * worker in time.  See keeper.h.
 *
 * One poll loop, one request at a time.  A whole frame of the agent's waits in
 * from_agent until the request before it is answered; nothing is read beyond
 * it, so that the socket holds back an agent that sends too much.
 *
 * SPDX-License-Identifier: ISC
 */
#include "base/keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <sodium.h>

#include "base/buf.h"
#include "base/frame.h"
#include "base/proto.h"
#include "base/spawn.h"
#include "tessera.h"

#define FRAME_MAX	((size_t)FRAME_HEAD + FRAME_BODY_MAX)	/* bytes */
#define OUT_MAX		(2 * FRAME_MAX)		/* bytes that wait for one peer */
#define DEFAULT_MS	10000u			/* where a request gives no deadline */
#define LONGEST_MS	120000u			/* whatever a request asks for */
#define FLUSH_MS	1000u			/* for the last words to the agent */
#define REPLIES_MAX	1024u			/* frames that answer one request */
#define MODULE_MAX	256u			/* bytes of a module's name */
#define DETAIL_MAX	96u			/* bytes of an error's detail */

/* Which replies a request may get: any number of "each", then "last". */
static const struct {
	uint16_t request, each, last;
} answers[] = {
	{ PROTO_OPEN, 0, PROTO_DONE },
	{ PROTO_TOKENS, PROTO_TOKEN, PROTO_DONE },
	{ PROTO_KEYS, PROTO_KEY, PROTO_DONE },
	{ PROTO_PROVE, 0, PROTO_SIGNATURE },
	{ PROTO_TRIES, 0, PROTO_PIN },
	{ PROTO_PIN_CHANGE, 0, PROTO_DONE },
	{ PROTO_PIN_UNBLOCK, 0, PROTO_DONE },
	{ PROTO_PRESENT, 0, PROTO_SIGNATURE },
	{ PROTO_NAME_OF, 0, PROTO_USER },
	{ PROTO_UID_OF, 0, PROTO_USER },
	{ PROTO_GID_OF, 0, PROTO_GROUP },
	{ PROTO_FIDO_LIST, PROTO_FIDO_KEY, PROTO_DONE },
	{ PROTO_FIDO_MAKE, PROTO_FIDO_TOUCH, PROTO_FIDO_MADE },
	{ PROTO_FIDO_ASSERT, PROTO_FIDO_TOUCH, PROTO_FIDO_ASSERTED },
	{ PROTO_FIDO_LOOK, PROTO_FIDO_FOUND, PROTO_DONE },
	{ PROTO_FIDO_SELECT, PROTO_FIDO_TOUCH, PROTO_DONE },
	{ PROTO_FIDO_PIN, 0, PROTO_DONE },
};

enum keeper_reply { REPLY_FALSE, REPLY_MORE, REPLY_LAST };

struct keeper {
	keeper_resolve resolve;
	void *arg;

	int fd;				/* the agent */
	struct buf from_agent;
	struct buf to_agent;
	uint64_t read_at;		/* ms, when from_agent last grew */

	pid_t pid;			/* the worker and leader of its group; -1 before PROTO_OPEN */
	int pidfd;
	int sock;
	unsigned grace_ms;
	struct buf from_worker;
	struct buf to_worker;
	int opened;			/* the worker said PROTO_DONE to PROTO_OPEN */

	int busy;			/* a request is under way: */
	uint32_t id;
	uint16_t type;
	uint32_t replies;
	uint64_t deadline;		/* ms, CLOCK_MONOTONIC */
};

static uint64_t
keeper_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/* Send what waits, as far as the socket takes it.  TSR_CLOSED, TSR_SYSTEM. */
static int
keeper_flush(int fd, struct buf *b)
{
	ssize_t n;

	while (b->len > 0) {
		n = send(fd, b->data, b->len, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1 && errno == EAGAIN)
			return TSR_OK;
		if (n == -1)
			return errno == EPIPE || errno == ECONNRESET ? TSR_CLOSED : TSR_SYSTEM;
		buf_consume(b, (size_t)n);
	}
	return TSR_OK;
}

/* Take what is there, up to one frame of the largest size. */
static int
keeper_read(int fd, struct buf *b)
{
	ssize_t n;
	int r;

	if (b->len == b->max)
		return TSR_OK;
	if ((r = buf_reserve(b, b->max - b->len)) != TSR_OK)
		return r;
	do {
		n = recv(fd, b->data + b->len, b->max - b->len, MSG_DONTWAIT);
	} while (n == -1 && errno == EINTR);
	if (n == 0 || (n == -1 && errno == ECONNRESET))
		return TSR_CLOSED;
	if (n == -1)
		return errno == EAGAIN ? TSR_OK : TSR_SYSTEM;
	buf_added(b, (size_t)n);
	return TSR_OK;
}

/* TSR_AGAIN while the first frame is not whole; other errors for a false head. */
static int
keeper_peek(const struct buf *b, struct frame *f, size_t *used)
{
	size_t need;

	return frame_decode(b->data, b->len, f, used, &need);
}

/* Let a worker that wants it tidy up its device. */
static void
keeper_wait(const struct keeper *k)
{
	struct pollfd p = { .fd = k->pidfd, .events = POLLIN };
	uint64_t end = keeper_now() + k->grace_ms, now;

	if (k->grace_ms == 0 || k->sock == -1 || shutdown(k->sock, SHUT_RDWR) == -1)
		return;
	while ((now = keeper_now()) < end)
		if (poll(&p, 1, (int)(end - now)) != -1 || errno != EINTR)
			return;
}

/* Send the signal alone: what hangs in a device may take long to go. */
static void
keeper_kill(const struct keeper *k)
{
	if (k->pid == -1)
		return;
	keeper_wait(k);
	kill(-k->pid, SIGKILL);
	kill(k->pid, SIGKILL);
}

/* The worker's wait status; 0 where there is none. */
static int
keeper_reap(struct keeper *k)
{
	int status = 0;

	if (k->pid == -1)
		return 0;
	while (waitpid(k->pid, &status, 0) == -1)
		if (errno != EINTR) {
			status = 0;
			break;
		}
	k->pid = -1;
	return status;
}

/* Put PROTO_ERROR for the request under way into to_agent. */
static int
keeper_answer(struct keeper *k, int code, const char *detail)
{
	const struct proto_value v[3] = {
		{ .u32 = (uint32_t)-code },
		{ .u32 = PROTO_TRIES_UNKNOWN },
		{ .p = (const uint8_t *)detail, .n = strlen(detail) },
	};

	k->busy = 0;
	return proto_encode(&k->to_agent, PROTO_ERROR, k->id, 0, v, 3);
}

/* The end: the worker is killed and the request under way gets its answer.
 * Returns code, for the caller to return. */
static int
keeper_fail(struct keeper *k, int code, const char *detail)
{
	keeper_kill(k);
	if (k->busy)
		(void)keeper_answer(k, code, detail);
	return code;
}

/* The end too, where the worker went first. */
static int
keeper_died(struct keeper *k)
{
	char detail[DETAIL_MAX];
	int status;

	keeper_kill(k);
	status = keeper_reap(k);
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)
		snprintf(detail, sizeof(detail), "the worker was killed by its system call filter");
	else if (WIFSIGNALED(status))
		snprintf(detail, sizeof(detail), "the worker died of signal %d", WTERMSIG(status));
	else
		snprintf(detail, sizeof(detail), "the worker ended with status %d",
		    WEXITSTATUS(status));
	return keeper_fail(k, TSR_HELPER, detail);
}

/* PROTO_OPEN: start the worker for that module. */
static int
keeper_start(struct keeper *k, const struct proto_value *module)
{
	struct keeper_worker w = { NULL, NULL, NULL, 0 };
	char name[MODULE_MAX + 1];
	int r;

	if (module->n > MODULE_MAX)
		return keeper_fail(k, TSR_INVALID, "the module's name is too long");
	if (module->n > 0)
		memcpy(name, module->p, module->n);
	name[module->n] = '\0';
	if ((r = k->resolve(k->arg, name, &w)) != TSR_OK)
		return keeper_fail(k, r, "no such module is configured");
	k->grace_ms = w.grace_ms;
	if (spawn_helper(w.path, w.argv, w.env, &k->pid, &k->pidfd, &k->sock) != TSR_OK)
		return keeper_fail(k, TSR_HELPER, "the worker could not be started");
	return TSR_OK;
}

/* Check the agent's frame and hand it to the worker, which is idle. */
static int
keeper_request(struct keeper *k, struct frame *f)
{
	struct proto_value v[PROTO_FIELDS_MAX];
	uint64_t now = keeper_now();
	uint32_t ms = f->deadline_ms != 0 ? f->deadline_ms : DEFAULT_MS;
	size_t count;
	int r;

	k->busy = 1;
	k->id = f->id;
	k->type = f->type;
	k->replies = 0;
	k->deadline = k->read_at + (ms < LONGEST_MS ? ms : LONGEST_MS);
	if (proto_decode(f, PROTO_FROM_AGENT, v, &count) != TSR_OK)
		return keeper_fail(k, TSR_INVALID, "malformed request");
	if ((f->type == PROTO_OPEN) != (k->pid == -1))
		return keeper_fail(k, TSR_INVALID, "the module is named first and once");
	if (now >= k->deadline)		/* while the one before it ran: the worker is sound */
		return keeper_answer(k, TSR_TIMEOUT, "no time was left");
	if (f->type == PROTO_OPEN && (r = keeper_start(k, &v[0])) != TSR_OK)
		return r;
	f->deadline_ms = (uint32_t)(k->deadline - now);
	if ((r = frame_encode(&k->to_worker, f)) != TSR_OK)
		return keeper_fail(k, r, "out of memory");
	return TSR_OK;
}

/* Start the next request if its frame is whole. */
static int
keeper_next(struct keeper *k)
{
	struct frame f;
	size_t used;
	int r;

	r = keeper_peek(&k->from_agent, &f, &used);
	if (r == TSR_AGAIN)
		return TSR_OK;
	if (r != TSR_OK)		/* no id to answer to */
		return keeper_fail(k, TSR_INVALID, "");
	r = keeper_request(k, &f);
	buf_consume(&k->from_agent, used);
	return r;
}

/* What this frame of the worker's is to the request under way. */
static enum keeper_reply
keeper_judge(const struct keeper *k, const struct frame *f)
{
	struct proto_value v[PROTO_FIELDS_MAX];
	size_t count, i;

	if (!k->busy || f->id != k->id || k->replies >= REPLIES_MAX ||
	    proto_decode(f, PROTO_FROM_HELPER, v, &count) != TSR_OK)
		return REPLY_FALSE;
	if (f->type == PROTO_ERROR)
		return REPLY_LAST;
	for (i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		if (answers[i].request != k->type)
			continue;
		if (f->type == answers[i].last)
			return REPLY_LAST;
		if (answers[i].each != 0 && f->type == answers[i].each)
			return REPLY_MORE;
	}
	return REPLY_FALSE;
}

/* Forward the worker's next frame.  TSR_AGAIN when none is whole. */
static int
keeper_reply(struct keeper *k)
{
	struct frame f;
	enum keeper_reply kind;
	size_t used;
	int r, failed = TSR_OK;

	if (k->from_worker.len == 0)
		return TSR_AGAIN;
	if (!k->busy)
		return keeper_fail(k, TSR_HELPER, "");
	if ((r = keeper_peek(&k->from_worker, &f, &used)) == TSR_AGAIN)
		return TSR_AGAIN;
	if (r != TSR_OK || (kind = keeper_judge(k, &f)) == REPLY_FALSE)
		return keeper_fail(k, TSR_HELPER, "the worker sent a false frame");
	k->replies++;
	f.deadline_ms = 0;
	if ((r = frame_encode(&k->to_agent, &f)) != TSR_OK)
		return keeper_fail(k, r, "out of memory");
	if (kind == REPLY_LAST) {
		k->busy = 0;
		if (f.type != PROTO_ERROR)
			k->opened = 1;
		else if (!k->opened)
			failed = TSR_MODULE;
	}
	buf_consume(&k->from_worker, used);
	if (failed != TSR_OK)
		return keeper_fail(k, failed, "");
	return keeper_flush(k->fd, &k->to_agent);
}

/* Everything that can be done without waiting. */
static int
keeper_work(struct keeper *k)
{
	int r;

	for (;;) {
		if ((r = keeper_flush(k->fd, &k->to_agent)) != TSR_OK)
			return r;
		/* A worker that is gone shows on its pidfd or by its silence. */
		if (k->sock != -1)
			(void)keeper_flush(k->sock, &k->to_worker);
		if (k->busy && keeper_now() >= k->deadline)
			return keeper_fail(k, TSR_TIMEOUT, "the worker was too slow");
		if (k->to_agent.len > 0)
			return TSR_OK;
		if ((r = keeper_reply(k)) == TSR_OK)
			continue;
		if (r != TSR_AGAIN)
			return r;
		if (k->busy || k->from_agent.len == 0)
			return TSR_OK;
		if ((r = keeper_next(k)) != TSR_OK)
			return r;
		if (k->to_agent.len == 0) {	/* handed on, or not whole yet */
			if (k->sock != -1)
				(void)keeper_flush(k->sock, &k->to_worker);
			return TSR_OK;
		}
	}
}

static int
keeper_poll(const struct keeper *k, struct pollfd p[3])
{
	uint64_t now;
	struct frame f;
	size_t used;
	int timeout = -1, blocked = k->to_agent.len > 0;

	p[0].fd = k->fd;
	p[0].events = POLLRDHUP;
	if (keeper_peek(&k->from_agent, &f, &used) == TSR_AGAIN)
		p[0].events |= POLLIN;
	if (blocked)
		p[0].events |= POLLOUT;
	/* An agent that does not read holds the worker back. */
	p[1].fd = blocked ? -1 : k->sock;
	p[1].events = POLLIN;
	if (k->to_worker.len > 0)
		p[1].events |= POLLOUT;
	p[2].fd = blocked ? -1 : k->pidfd;
	p[2].events = POLLIN;
	if (k->busy) {
		now = keeper_now();
		timeout = k->deadline > now ? (int)(k->deadline - now) : 0;
	}
	p[0].revents = p[1].revents = p[2].revents = 0;
	if (poll(p, 3, timeout) == -1 && errno != EINTR)
		return TSR_SYSTEM;
	return TSR_OK;
}

/* Serve until something ends it; TSR_CLOSED when the agent did. */
static int
keeper_loop(struct keeper *k)
{
	struct pollfd p[3];
	int r;

	for (;;) {
		if ((r = keeper_poll(k, p)) != TSR_OK)
			return r;
		if (p[0].revents & (POLLRDHUP | POLLHUP | POLLERR | POLLNVAL))
			return TSR_CLOSED;
		if (p[0].revents & POLLIN) {
			if ((r = keeper_read(k->fd, &k->from_agent)) != TSR_OK)
				return r;
			k->read_at = keeper_now();
		}
		if (p[1].revents & POLLIN)
			r = keeper_read(k->sock, &k->from_worker);
		else if ((p[1].revents & (POLLHUP | POLLERR)) || (p[2].revents & POLLIN))
			r = TSR_CLOSED;
		if (r == TSR_CLOSED)
			return keeper_died(k);
		if (r != TSR_OK)
			return keeper_fail(k, r, "out of memory");
		if ((r = keeper_work(k)) != TSR_OK)
			return r;
	}
}

/* The last words, for as long as an agent that lives needs to take them. */
static void
keeper_drain(struct keeper *k)
{
	struct pollfd p = { .fd = k->fd, .events = POLLOUT };
	uint64_t end = keeper_now() + FLUSH_MS, now;

	while (keeper_flush(k->fd, &k->to_agent) == TSR_OK && k->to_agent.len > 0 &&
	    (now = keeper_now()) < end) {
		if (poll(&p, 1, (int)(end - now)) == -1 && errno != EINTR)
			return;
	}
}

int
keeper_serve(int fd, keeper_resolve resolve, void *arg,
    const struct sandbox_path *extra, size_t n)
{
	struct keeper k = { .resolve = resolve, .arg = arg, .fd = fd,
	    .pid = -1, .pidfd = -1, .sock = -1 };
	int flags, r;

	if ((flags = fcntl(fd, F_GETFL)) == -1 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) == -1)
		return TSR_SYSTEM;
	if ((r = sandbox_enter(SANDBOX_KEEPER, extra, n)) != TSR_OK)
		return r;
	buf_init(&k.from_agent, FRAME_MAX);
	buf_init(&k.from_worker, FRAME_MAX);
	buf_init(&k.to_agent, OUT_MAX);
	buf_init(&k.to_worker, OUT_MAX);
	r = keeper_loop(&k);
	keeper_kill(&k);
	if (r != TSR_CLOSED)
		keeper_drain(&k);
	keeper_reap(&k);
	if (k.sock != -1)
		close(k.sock);
	if (k.pidfd != -1)
		close(k.pidfd);
	buf_free(&k.from_agent);
	buf_free(&k.from_worker);
	buf_free(&k.to_agent);
	buf_free(&k.to_worker);
	return r == TSR_CLOSED ? TSR_OK : r;
}
