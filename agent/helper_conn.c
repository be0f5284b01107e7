/*
 * helper_conn.c - one helper's connection: its process, its frames.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/helper_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "agent/clock.h"
#include "agent/metrics.h"
#include "base/escape.h"
#include "base/spawn.h"
#include "include/tessera.h"

#define HELPER_READ_MAX		(FRAME_HEAD + FRAME_BODY_MAX)	/* bytes held unread */
#define HELPER_DETAIL_MAX	513	/* bytes of an error's detail, with NUL */

/* What a helper may claim went wrong.  Anything else is its own failure. */
static int
helper_code(uint32_t wire)
{
	int code = -(int)wire;

	switch (code) {
	case TSR_DEVICE_NOT_FOUND:
	case TSR_DEVICE_REMOVED:
	case TSR_DEVICE_BUSY:
	case TSR_PIN_REQUIRED:
	case TSR_PIN_WRONG:
	case TSR_PIN_LOCKED:
	case TSR_PIN_LENGTH:
	case TSR_PIN_UNSET:
	case TSR_KEY_UNUSABLE:
	case TSR_MODULE:
	case TSR_TIMEOUT:
	case TSR_NOT_FOUND:
	case TSR_CANCELLED:
	case TSR_UNAVAILABLE:
		return code;
	default:
		return TSR_HELPER;
	}
}

static int
helper_signs(uint16_t request)
{
	return request == PROTO_PROVE || request == PROTO_PRESENT;
}

/* Is this the kind of part that answers a request of that type? */
static int
helper_part_fits(uint16_t request, uint16_t part)
{
	return (request == PROTO_TOKENS && part == PROTO_TOKEN) ||
	    (request == PROTO_KEYS && part == PROTO_KEY) ||
	    (helper_signs(request) && part == PROTO_SIGNATURE) ||
	    (request == PROTO_TRIES && part == PROTO_PIN);
}

/* One frame.  TSR_AGAIN where the helper lives on, else the connection was
 * ended inside. */
static int
helper_frame(struct helper *h, const struct frame *f)
{
	struct proto_value v[PROTO_FIELDS_MAX];
	char detail[HELPER_DETAIL_MAX];
	size_t n;

	if (proto_decode(f, PROTO_FROM_HELPER, v, &n) != TSR_OK || f->id != h->id ||
	    (h->state != HELPER_BUSY && h->state != HELPER_OPENING)) {
		helper_ended(h, TSR_HELPER, "the helper broke the protocol");
		return TSR_CLOSED;
	}
	if (f->type == PROTO_ERROR) {
		escape_cut(detail, sizeof(detail), v[2].p, v[2].n);
		if (h->state == HELPER_OPENING) {
			helper_ended(h, helper_code(v[0].u32), detail);
			return TSR_CLOSED;
		}
		helper_finished(h, helper_code(v[0].u32), v[1].u32, detail);
		return TSR_AGAIN;
	}
	if (h->state == HELPER_OPENING && f->type == PROTO_DONE) {
		helper_opened(h);
		return TSR_AGAIN;
	}
	if (h->state == HELPER_BUSY && helper_part_fits(h->call->type, f->type) &&
	    ++h->parts <= HELPER_REPLIES_MAX) {
		h->call->client.part(h->call->client.arg, f->type, v);
		if (f->type == PROTO_SIGNATURE || f->type == PROTO_PIN)
			helper_finished(h, TSR_OK, PROTO_TRIES_UNKNOWN, "");
		return TSR_AGAIN;
	}
	if (h->state == HELPER_BUSY && f->type == PROTO_DONE && !helper_signs(h->call->type) &&
	    h->call->type != PROTO_TRIES) {
		helper_finished(h, TSR_OK, PROTO_TRIES_UNKNOWN, "");
		return TSR_AGAIN;
	}
	helper_ended(h, TSR_HELPER, "the helper answered out of turn");
	return TSR_CLOSED;
}

static void
helper_read(struct helper *h)
{
	struct frame f;
	size_t used, need;
	ssize_t n;
	int r;

	for (;;) {
		if (buf_reserve(&h->in, 4096) != TSR_OK && h->in.cap == h->in.len) {
			helper_ended(h, TSR_HELPER, "the helper sent too much");
			return;
		}
		n = recv(h->watch.fd, h->in.data + h->in.len, h->in.cap - h->in.len, MSG_DONTWAIT);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n <= 0) {
			helper_ended(h, TSR_HELPER, "the helper process died");
			return;
		}
		buf_added(&h->in, (size_t)n);
		while ((r = frame_decode(h->in.data, h->in.len, &f, &used, &need)) == TSR_OK) {
			if (helper_frame(h, &f) != TSR_AGAIN)
				return;
			if (h->state == HELPER_DEAD)	/* a callback cancelled its call */
				return;
			buf_consume(&h->in, used);
		}
		if (r != TSR_AGAIN) {
			helper_ended(h, TSR_HELPER, "the helper broke the framing");
			return;
		}
	}
}

static void
helper_ready(struct loop_watch *w, uint32_t events)
{
	struct helper *h = (struct helper *)w;

	if (h->state == HELPER_DEAD)
		return;
	if ((events & EPOLLOUT) != 0 && loop_send(helper_loop(h), &h->watch, &h->out) != TSR_OK) {
		helper_ended(h, TSR_HELPER, "the helper process died");
		return;
	}
	if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0)
		helper_read(h);
}

static int
helper_fork(const struct helpers_options *o, int *sock)
{
	char option[] = "--config", user[] = "--user", watch[] = "--watch";
	char *argv[6] = { NULL, option, NULL, NULL, NULL, NULL };
	pid_t pid;
	int pidfd = -1, n = 3, r = TSR_NOMEM;

	if ((argv[0] = strdup(o->program)) == NULL || (argv[2] = strdup(o->config_file)) == NULL)
		goto out;
	if (o->user_mode)
		argv[n++] = user;
	if (o->watch)
		argv[n] = watch;
	r = spawn_helper(o->program, argv, NULL, &pid, &pidfd, sock);
	if (pidfd != -1)
		(void)close(pidfd);	/* it ends when the socket does; SIGCHLD is ignored */
 out:
	free(argv[0]);
	free(argv[2]);
	return r;
}

static int
helper_connect(const char *path, int *sock)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd;

	if (strlen(path) >= sizeof(a.sun_path))
		return TSR_CONFIG;
	(void)snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
	if ((fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) == -1)
		return TSR_SYSTEM;
	if (connect(fd, (struct sockaddr *)&a, sizeof(a)) == -1) {
		(void)close(fd);
		return TSR_SYSTEM;
	}
	*sock = fd;
	return TSR_OK;
}

int
helper_process(const struct helpers_options *o, int *sock)
{
	return o->program != NULL ? helper_fork(o, sock) : helper_connect(o->socket, sock);
}

int
helper_conn_start(struct helpers *hs, struct loop *l, const struct helpers_options *o,
    const char *module, struct helper **out)
{
	struct proto_value name = proto_text(module);
	struct helper *h;
	int r;

	if ((h = calloc(1, sizeof(*h))) == NULL)
		return TSR_NOMEM;
	h->watch.fd = -1;
	h->watch.ready = helper_ready;
	h->pool = hs;
	h->state = HELPER_OPENING;
	h->spare = 1;
	h->id = 1;
	h->key.subject = (uid_t)-1;
	(void)snprintf(h->key.module, sizeof(h->key.module), "%s", module);
	buf_init(&h->in, HELPER_READ_MAX);
	buf_init(&h->out, HELPER_READ_MAX);
	if ((r = helper_process(o, &h->watch.fd)) != TSR_OK ||
	    (r = proto_encode(&h->out, PROTO_OPEN, h->id, HELPER_OPEN_MS, &name, 1)) != TSR_OK ||
	    (r = loop_add(l, &h->watch, EPOLLIN)) != TSR_OK ||
	    (r = loop_send(l, &h->watch, &h->out)) != TSR_OK)
		goto out;
	metrics.helpers_started++;
	*out = h;
	h = NULL;
 out:
	if (h != NULL)
		helper_conn_free(h);
	return r == TSR_NOMEM ? r : r == TSR_OK ? TSR_OK : TSR_HELPER;
}

/* The id is the connection's own, so it is written into the frame here. */
int
helper_conn_send(struct helper *h, struct helper_call *c)
{
	uint32_t id = ++h->id;
	int i, r;

	for (i = 0; i < 4; i++)
		c->frame.data[4 + i] = (uint8_t)(id >> (24 - 8 * i));
	if ((r = buf_put(&h->out, c->frame.data, c->frame.len)) != TSR_OK)
		return r;
	buf_free(&c->frame);
	h->parts = 0;
	return loop_send(helper_loop(h), &h->watch, &h->out);
}

void
helper_conn_free(struct helper *h)
{
	timer_disarm(loop_timers(helper_loop(h)), &h->timer);
	if (h->watch.fd != -1) {
		loop_del(helper_loop(h), &h->watch);
		(void)close(h->watch.fd);
	}
	buf_free(&h->in);
	buf_free(&h->out);
	free(h);
}
