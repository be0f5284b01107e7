/*
 * fido_call.c - see fido_call.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/fido_call.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/clock.h"
#include "agent/metrics.h"
#include "base/buf.h"
#include "base/escape.h"
#include "include/tessera.h"

#define CALL_OPEN_ID	1	/* ids of the two requests of a connection */
#define CALL_ID		2
#define CALL_READ_MAX	(FRAME_HEAD + FRAME_BODY_MAX)	/* bytes held unread */
#define CALL_DETAIL_MAX	513	/* bytes of an error's detail, with NUL */

struct fido_call {
	struct loop_watch watch;	/* first: the loop hands us this */
	struct loop *loop;
	uint16_t type;
	uint32_t deadline_ms;
	int opened;			/* the worker runs */
	int asked;			/* what is wanted of it is known */
	int inside;			/* a callback is under way */
	int dead;			/* it cancelled */
	unsigned parts;
	struct buf in, out, frame;	/* frame: the request, until it may be sent */
	struct timer timer;
	struct fido_call_client client;
	void (*lost)(void *arg);	/* until it is asked */
	void *lost_arg;
};

/* What a helper may claim went wrong.  Anything else is its own failure. */
static int
call_code(uint32_t wire)
{
	int code = -(int)wire;

	switch (code) {
	case TSR_DEVICE_NOT_FOUND:
	case TSR_DEVICE_REMOVED:
	case TSR_DEVICE_BUSY:
	case TSR_DEVICE_REPLUG:
	case TSR_DEVICE_FAILED:
	case TSR_PIN_REQUIRED:
	case TSR_PIN_WRONG:
	case TSR_PIN_LOCKED:
	case TSR_PIN_LENGTH:
	case TSR_PIN_UNSET:
	case TSR_KEY_UNUSABLE:
	case TSR_TIMEOUT:
	case TSR_NOT_FOUND:
	case TSR_CONFLICT:
	case TSR_CANCELLED:
	case TSR_UNAVAILABLE:
	case TSR_TOO_LARGE:
		return code;
	case TSR_UNSUPPORTED:
		return TSR_KEY_UNUSABLE;	/* ours is about a request */
	default:
		return TSR_HELPER;
	}
}

/* Which frames an answer has, and the one that ends it. */
static const struct answer {
	uint16_t request, part, last;
} answers[] = {
	{ PROTO_FIDO_LIST, PROTO_FIDO_KEY, PROTO_DONE },
	{ PROTO_FIDO_LOOK, PROTO_FIDO_FOUND, PROTO_DONE },
	{ PROTO_FIDO_MAKE, PROTO_FIDO_TOUCH, PROTO_FIDO_MADE },
	{ PROTO_FIDO_ASSERT, PROTO_FIDO_TOUCH, PROTO_FIDO_ASSERTED },
	{ PROTO_FIDO_SELECT, PROTO_FIDO_TOUCH, PROTO_DONE },
	{ PROTO_FIDO_PIN, PROTO_FIDO_TOUCH, PROTO_DONE }
};

static const struct answer *
call_answer(uint16_t request)
{
	size_t i;

	for (i = 0; i < sizeof(answers) / sizeof(answers[0]); i++)
		if (answers[i].request == request)
			return &answers[i];
	return NULL;
}

static void
call_free(struct fido_call *c)
{
	timer_disarm(loop_timers(c->loop), &c->timer);
	if (c->watch.fd != -1) {
		loop_del(c->loop, &c->watch);
		(void)close(c->watch.fd);
	}
	buf_free(&c->in);
	buf_free(&c->out);
	buf_free(&c->frame);
	free(c);
}

static void
call_end(struct fido_call *c, int code, uint32_t tries_left, const char *detail)
{
	struct fido_call_client client = c->client;
	void (*lost)(void *) = c->asked ? NULL : c->lost;
	void *arg = c->lost_arg;
	char text[CALL_DETAIL_MAX];

	escape_cut(text, sizeof(text), detail, strlen(detail));	/* it may lie in c */
	/* one that waited for nothing may be ended by whoever looks after it */
	metrics.helper_deaths += code == TSR_HELPER && (c->asked || !c->opened);
	call_free(c);
	if (lost != NULL)
		lost(arg);
	else
		client.done(client.arg, code, tries_left, text);
}

static void
call_over(void *arg)
{
	call_end(arg, TSR_TIMEOUT, PROTO_TRIES_UNKNOWN, "the key did not answer in time");
}

static void
call_died(void *arg)
{
	call_end(arg, TSR_HELPER, PROTO_TRIES_UNKNOWN, "the helper process died");
}

static int
call_send(struct fido_call *c)
{
	int r;

	if ((r = timer_arm(loop_timers(c->loop), &c->timer,
	    clock_boot_ms() + c->deadline_ms + FIDO_CALL_GRACE_MS, call_over, c)) != TSR_OK ||
	    (r = buf_put(&c->out, c->frame.data, c->frame.len)) != TSR_OK)
		return r;
	buf_free(&c->frame);		/* a PIN may be in it: wiped */
	return loop_send(c->loop, &c->watch, &c->out);
}

/* The worker runs: now for what is wanted of it. */
static int
call_opened(struct fido_call *c)
{
	c->opened = 1;
	if (c->asked)
		return call_send(c);
	timer_disarm(loop_timers(c->loop), &c->timer);
	return TSR_OK;
}

/* One frame: 1 where c lives on. */
static int
call_frame(struct fido_call *c, const struct frame *f)
{
	const struct answer *a = call_answer(c->type);
	struct proto_value v[PROTO_FIELDS_MAX];
	char detail[CALL_DETAIL_MAX];
	size_t n;

	if (proto_decode(f, PROTO_FROM_HELPER, v, &n) != TSR_OK ||
	    f->id != (c->opened ? CALL_ID : CALL_OPEN_ID)) {
		call_end(c, TSR_HELPER, PROTO_TRIES_UNKNOWN, "the helper broke the protocol");
		return 0;
	}
	if (f->type == PROTO_ERROR) {
		escape_cut(detail, sizeof(detail), v[2].p, v[2].n);
		call_end(c, call_code(v[0].u32), v[1].u32, detail);
		return 0;
	}
	if (!c->opened) {
		if (f->type == PROTO_DONE && call_opened(c) == TSR_OK)
			return 1;
		call_died(c);
		return 0;
	}
	if (a == NULL || (f->type != a->part && f->type != a->last) || ++c->parts > FIDO_CALL_PARTS_MAX) {
		call_end(c, TSR_HELPER, PROTO_TRIES_UNKNOWN, "the helper answered out of turn");
		return 0;
	}
	if (f->type != PROTO_DONE) {
		c->inside = 1;
		c->client.part(c->client.arg, f->type, v);
		c->inside = 0;
	}
	if (c->dead) {
		call_free(c);
		return 0;
	}
	if (f->type != a->last)
		return 1;
	call_end(c, TSR_OK, PROTO_TRIES_UNKNOWN, "");
	return 0;
}

/* All whole frames that are there. */
static void
call_frames(struct fido_call *c)
{
	struct frame f;
	size_t used, need;
	int r;

	while ((r = frame_decode(c->in.data, c->in.len, &f, &used, &need)) == TSR_OK) {
		if (!call_frame(c, &f))
			return;
		buf_consume(&c->in, used);
	}
	if (r != TSR_AGAIN)
		call_end(c, TSR_HELPER, PROTO_TRIES_UNKNOWN, "the helper broke the framing");
}

static void
call_ready(struct loop_watch *w, uint32_t events)
{
	struct fido_call *c = (struct fido_call *)w;
	ssize_t n;

	if ((events & EPOLLOUT) != 0 && loop_send(c->loop, &c->watch, &c->out) != TSR_OK) {
		call_died(c);
		return;
	}
	if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) == 0)
		return;
	/* One read at a time: whoever talks without end keeps nobody else waiting. */
	if (buf_reserve(&c->in, 4096) != TSR_OK && c->in.cap == c->in.len) {
		call_end(c, TSR_HELPER, PROTO_TRIES_UNKNOWN, "the helper sent too much");
		return;
	}
	n = recv(c->watch.fd, c->in.data + c->in.len, c->in.cap - c->in.len, MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		call_died(c);
		return;
	}
	buf_added(&c->in, (size_t)n);
	call_frames(c);
}

static int
call_begin(struct fido_call *c, const struct helpers_options *o)
{
	struct proto_value name = proto_text(FIDO_CALL_MODULE);
	int r;

	if ((r = helper_process(o, &c->watch.fd)) != TSR_OK) {
		c->watch.fd = -1;
		return r;
	}
	if ((r = loop_add(c->loop, &c->watch, EPOLLIN)) != TSR_OK) {
		(void)close(c->watch.fd);
		c->watch.fd = -1;
		return r;
	}
	metrics.helpers_started++;
	if ((r = proto_encode(&c->out, PROTO_OPEN, CALL_OPEN_ID, FIDO_CALL_OPEN_MS, &name,
	    1)) != TSR_OK || (r = timer_arm(loop_timers(c->loop), &c->timer,
	    clock_boot_ms() + FIDO_CALL_OPEN_MS, call_over, c)) != TSR_OK)
		return r;
	return loop_send(c->loop, &c->watch, &c->out);
}

int
fido_call_open(struct loop *l, const struct helpers_options *o, void (*lost)(void *arg), void *arg,
    struct fido_call **out)
{
	struct fido_call *c;
	int r;

	if ((c = calloc(1, sizeof(*c))) == NULL)
		return TSR_NOMEM;
	c->watch.fd = -1;
	c->watch.ready = call_ready;
	c->loop = l;
	c->lost = lost;
	c->lost_arg = arg;
	buf_init(&c->in, CALL_READ_MAX);
	buf_init(&c->out, CALL_READ_MAX);
	buf_init(&c->frame, CALL_READ_MAX);
	if ((r = call_begin(c, o)) != TSR_OK) {
		call_free(c);
		return r == TSR_NOMEM ? r : TSR_HELPER;
	}
	*out = c;
	return TSR_OK;
}

int
fido_call_ask(struct fido_call *c, uint16_t type, const struct proto_value *values, size_t n,
    uint32_t deadline_ms, const struct fido_call_client *client)
{
	int r;

	if (call_answer(type) == NULL)
		return TSR_INVALID;
	if ((r = proto_encode(&c->frame, type, CALL_ID, deadline_ms, values, n)) != TSR_OK)
		return r;
	c->type = type;
	c->deadline_ms = deadline_ms;
	c->client = *client;
	c->asked = 1;
	return c->opened ? call_send(c) : TSR_OK;
}

int
fido_call_ready(const struct fido_call *c)
{
	return c->opened;
}

int
fido_call_start(struct loop *l, const struct helpers_options *o, uint16_t type,
    const struct proto_value *values, size_t n, uint32_t deadline_ms,
    const struct fido_call_client *client, struct fido_call **out)
{
	struct fido_call *c;
	int r;

	if (call_answer(type) == NULL)
		return TSR_INVALID;
	if ((r = fido_call_open(l, o, NULL, NULL, &c)) != TSR_OK)
		return r;
	if ((r = fido_call_ask(c, type, values, n, deadline_ms, client)) != TSR_OK) {
		call_free(c);
		return r;
	}
	*out = c;
	return TSR_OK;
}

void
fido_call_cancel(struct fido_call **c)
{
	if (*c == NULL)
		return;
	if ((*c)->inside)
		(*c)->dead = 1;		/* its own code is on the stack */
	else
		call_free(*c);
	*c = NULL;
}
