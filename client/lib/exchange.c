/*
 * exchange.c - requests over connections that come and go.  See exchange.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "client/lib/exchange.h"

#include <sys/epoll.h>

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "client/lib/form.h"
#include "tessera.h"

void
exchange_init(struct exchange *x, const struct dial *dial, int set)
{
	memset(x, 0, sizeof(*x));
	x->dial = dial;
	x->set = set;
	buf_init(&x->body, FORM_BODY_MAX);
}

void
exchange_free(struct exchange *x)
{
	exchange_drop(x);
	buf_free(&x->body);
}

void
exchange_watch(struct exchange *x, int on)
{
	struct epoll_event e;
	int want = 0, fd;

	if (x->hc == NULL || x->set == -1)
		return;
	fd = http_client_fd(x->hc);
	if (on)		/* an early answer may come before all is sent */
		want = POLLIN | http_client_events(x->hc);
	if (want == x->watched)
		return;
	memset(&e, 0, sizeof(e));
	e.events = (want & POLLIN ? EPOLLIN : 0u) | (want & POLLOUT ? EPOLLOUT : 0u);
	(void)epoll_ctl(x->set, want == 0 ? EPOLL_CTL_DEL : x->watched == 0 ? EPOLL_CTL_ADD :
	    EPOLL_CTL_MOD, fd, &e);
	x->watched = want;
}

void
exchange_drop(struct exchange *x)
{
	exchange_watch(x, 0);	/* a child may still hold the descriptor */
	http_client_free(&x->hc);
	x->dialing = 0;
}

static int
exchange_send(struct exchange *x)
{
	const struct http_request rq = { .method = x->method, .target = x->target, .type = x->type,
	    .body = x->body.data, .body_len = x->type != NULL ? x->body.len : 0 };

	return http_client_start(x->hc, &rq);
}

int
exchange_begin(struct exchange *x, const char *method, const char *target, const char *type,
    int fresh)
{
	int n;

	if (x->hc != NULL && (fresh || x->pid != getpid()))
		exchange_drop(x);
	x->dialing = 0;
	x->method = method;
	x->type = type;
	n = snprintf(x->target, sizeof(x->target), "%s", target);
	if (n < 0 || (size_t)n >= sizeof(x->target))
		return TSR_TOO_LARGE;
	x->reused = x->hc != NULL;
	return x->hc != NULL ? exchange_send(x) : TSR_OK;
}

static int
exchange_connect(struct exchange *x, struct fault *f)
{
	struct socket_fault why;
	int fd = -1, r;

	r = socket_dial(x->dial->path, x->dial->flags, &fd, &why);
	x->dialing = r == TSR_AGAIN;
	if (r == TSR_AGAIN)
		return r;
	if (r != TSR_OK)
		return fault_dial(f, r, x->dial->path, &why);
	if ((r = http_client_new(fd, &x->hc)) != TSR_OK || (r = exchange_send(x)) != TSR_OK)
		return fault_code(f, r);
	x->pid = getpid();
	return TSR_OK;
}

/* A kept connection that the agent closed before it saw the request. */
static int
exchange_stale(const struct exchange *x, int r)
{
	size_t n;

	(void)http_client_body(x->hc, &n);
	return x->reused && n == 0 && (r == TSR_CLOSED || r == TSR_SYSTEM);
}

int
exchange_step(struct exchange *x, struct http_answer *a, struct fault *f)
{
	int r;

	for (;;) {
		if (x->hc == NULL && (r = exchange_connect(x, f)) != TSR_OK) {
			if (r != TSR_AGAIN)
				exchange_drop(x);
			return r;
		}
		r = http_client_step(x->hc, a);
		if (r == TSR_OK || r == TSR_AGAIN)
			return r;
		if (!exchange_stale(x, r)) {
			(void)fault_code(f, r);
			exchange_drop(x);
			return f->code;
		}
		exchange_drop(x);
		x->reused = 0;
	}
}
