/*
 * race.c - several keys at once.  See race.h.
 *
 * A child that is told to end by SIGTERM takes back what its key waits for; one
 * that does not end by itself has no request under way, or hangs.
 *
 * SPDX-License-Identifier: ISC
 */
#include "fido/race.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/frame.h"
#include "fido/ask.h"
#include "tessera.h"

#define TERM_MS		150	/* that a child has to let its key go */

struct runner {
	pid_t pid;			/* -1: reaped */
	int fd;				/* -1: it has ended */
	const struct key_place *place;
	struct buf in;
	int spoke;			/* it said its last word */
};

struct field {
	const struct race *race;
	struct runner *runner;
	size_t n, running;
};

static _Noreturn void
race_child(struct field *f, const struct key_place *place, int fd, pid_t parent)
{
	size_t i;

	for (i = 0; i < f->n; i++)
		if (f->runner[i].fd != -1)
			(void)close(f->runner[i].fd);
	(void)close(f->race->quit);
	if (prctl(PR_SET_PDEATHSIG, SIGTERM) == -1 || getppid() != parent)
		_exit(1);
	ask_run(f->race->q, place, fd);
	_exit(0);
}

static int
race_start(struct field *f, struct runner *r, const struct key_place *place)
{
	pid_t parent = getpid();
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == -1)
		return TSR_SYSTEM;
	r->place = place;
	buf_init(&r->in, FRAME_HEAD + FRAME_BODY_MAX);
	if ((r->pid = fork()) == 0) {
		(void)close(pair[0]);
		race_child(f, place, pair[1], parent);
	}
	(void)close(pair[1]);
	if (r->pid == -1) {
		(void)close(pair[0]);
		return TSR_SYSTEM;
	}
	r->fd = pair[0];
	f->running++;
	return TSR_OK;
}

/* It ended.  1 where that is the end of the race. */
static int
race_gone(struct field *f, struct runner *r)
{
	static const char text[] = "the key's answer cannot be used";
	struct proto_value v[] = {
		{ .u32 = (uint32_t)-TSR_DEVICE_FAILED }, { .u32 = PROTO_TRIES_UNKNOWN },
		{ .p = (const uint8_t *)text, .n = sizeof(text) - 1 },
	};
	int status = 0;

	(void)close(r->fd);
	r->fd = -1;
	f->running--;
	while (waitpid(r->pid, &status, 0) == -1 && errno == EINTR)
		;
	r->pid = -1;
	if (r->spoke)
		return 0;
	/* libfido2 waits longer for a lock than we do */
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM) {
		v[0].u32 = (uint32_t)-TSR_DEVICE_BUSY;
		v[2] = proto_text("another program holds the key");
	}
	return f->race->said(f->race->arg, r->place, PROTO_ERROR, v, 3);
}

/* The whole frames that are there.  1 where the race is over, -1 for a false one. */
static int
race_frames(struct field *f, struct runner *r)
{
	struct proto_value v[PROTO_FIELDS_MAX];
	struct frame fr;
	size_t used, need, n;
	int e, over = 0;

	while (!over && (e = frame_decode(r->in.data, r->in.len, &fr, &used, &need)) != TSR_AGAIN) {
		if (e != TSR_OK || fr.id != f->race->q->id || r->spoke ||
		    proto_decode(&fr, PROTO_FROM_HELPER, v, &n) != TSR_OK)
			return -1;
		r->spoke = fr.type != PROTO_FIDO_TOUCH;
		over = f->race->said(f->race->arg, r->place, fr.type, v, n);
		buf_consume(&r->in, used);
	}
	return over;
}

/* 1 where the race is over. */
static int
race_hear(struct field *f, struct runner *r)
{
	ssize_t n;
	int over;

	if (r->in.len == r->in.max || buf_reserve(&r->in, r->in.max - r->in.len) != TSR_OK)
		return race_gone(f, r);
	n = recv(r->fd, r->in.data + r->in.len, r->in.max - r->in.len, MSG_DONTWAIT);
	if (n == -1 && (errno == EINTR || errno == EAGAIN))
		return 0;
	if (n <= 0)
		return race_gone(f, r);
	buf_added(&r->in, (size_t)n);
	if ((over = race_frames(f, r)) != -1)
		return over;
	(void)kill(r->pid, SIGKILL);
	return race_gone(f, r);
}

/* Wait for something.  TSR_TIMEOUT, TSR_CLOSED. */
static int
race_poll(const struct field *f, struct pollfd *p, uint64_t end, int quit)
{
	uint64_t now = key_now(), left = end > now ? end - now : 0;
	struct timespec ts = { (time_t)(left / 1000), (long)(left % 1000) * 1000000L };
	sigset_t none;
	size_t i;
	int n;

	for (i = 0; i < f->n; i++)
		p[i] = (struct pollfd){ .fd = f->runner[i].fd, .events = POLLIN };
	p[f->n] = (struct pollfd){ .fd = quit, .events = POLLRDHUP };
	sigemptyset(&none);
	if ((n = ppoll(p, f->n + 1, &ts, &none)) == -1)
		return errno != EINTR ? TSR_SYSTEM : key_ended() ? TSR_CLOSED : TSR_OK;
	if (p[f->n].revents != 0)
		return TSR_CLOSED;
	return n == 0 ? TSR_TIMEOUT : TSR_OK;
}

static int
race_loop(struct field *f, struct pollfd *p)
{
	size_t i;
	int r;

	while (f->running > 0) {
		if (key_ended())
			return TSR_CLOSED;
		if ((r = race_poll(f, p, f->race->q->end, f->race->quit)) != TSR_OK)
			return r;
		for (i = 0; i < f->n; i++)
			if (f->runner[i].fd != -1 && p[i].revents != 0 &&
			    race_hear(f, &f->runner[i]))
				return TSR_OK;
	}
	return TSR_OK;
}

/* All let go: asked first, made to afterwards. */
static void
race_end(struct field *f, struct pollfd *p)
{
	uint64_t end = key_now() + TERM_MS;
	char rest[512];
	struct runner *r;
	size_t i, left;

	for (i = 0; i < f->n; i++)
		if (f->runner[i].pid != -1)
			(void)kill(f->runner[i].pid, SIGTERM);
	do {
		for (i = left = 0; i < f->n; i++) {
			r = &f->runner[i];
			while (r->fd != -1 && recv(r->fd, rest, sizeof(rest), MSG_DONTWAIT) > 0)
				;
			if (r->fd != -1 && recv(r->fd, rest, 1, MSG_DONTWAIT | MSG_PEEK) == 0) {
				(void)close(r->fd);
				r->fd = -1;
			}
			left += r->fd != -1;
		}
	} while (left > 0 && race_poll(f, p, end, -1) != TSR_TIMEOUT && key_now() < end);
	for (i = 0; i < f->n; i++) {
		r = &f->runner[i];
		if (r->fd != -1) {
			(void)kill(r->pid, SIGKILL);
			(void)close(r->fd);
		}
		while (r->pid != -1 && waitpid(r->pid, NULL, 0) == -1 && errno == EINTR)
			;
		buf_free(&r->in);
	}
}

int
race_run(const struct race *race, const struct key_place *const *place, size_t n)
{
	struct field f = { .race = race };
	struct pollfd *p;
	size_t i;
	int r = TSR_OK;

	if (n == 0)
		return TSR_OK;
	f.runner = calloc(n, sizeof(*f.runner));
	p = calloc(n + 1, sizeof(*p));
	if (f.runner == NULL || p == NULL) {
		r = TSR_NOMEM;
		goto out;
	}
	for (i = 0; i < n; i++)
		f.runner[i].fd = f.runner[i].pid = -1;
	for (f.n = 0; f.n < n && r == TSR_OK; f.n++)
		r = race_start(&f, &f.runner[f.n], place[f.n]);
	if (r == TSR_OK)
		r = race_loop(&f, p);
	race_end(&f, p);
 out:
	free(f.runner);
	free(p);
	return r;
}
