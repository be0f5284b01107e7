/*
 * conn.c - the client: one request at a time, driven by poll.  See tessera.h.
 *
 * What is to be polled is one epoll descriptor for the client's life.  The
 * request, the stream of events and the answers to prompts come and go in it,
 * and an event loop need not know.
 *
 * SPDX-License-Identifier: ISC
 */
#include "client/lib/conn.h"

#include <sys/epoll.h>
#include <sys/timerfd.h>

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/lib/form.h"
#include "client/lib/request.h"

int
tsr_client_new(const char *socket_file, unsigned flags, struct tsr_client **out)
{
	struct tsr_client *c;
	int r;

	if ((flags & ~TSR_SYSTEM_ONLY) != 0)
		return TSR_INVALID;
	if ((c = calloc(1, sizeof(*c))) == NULL)
		return TSR_NOMEM;
	c->retry = -1;
	c->ended = -1;
	c->proof = TSR_PROOF_FRESH;
	c->dial.flags = flags & TSR_SYSTEM_ONLY ? SOCKET_SYSTEM : 0;
	fault_clear(&c->fault);
	buf_init(&c->fresh, FORM_BODY_MAX);
	c->set = epoll_create1(EPOLL_CLOEXEC);
	exchange_init(&c->ask, &c->dial, c->set);
	exchange_init(&c->tell, &c->dial, c->set);
	stream_init(&c->hear, &c->dial, c->set);
	r = c->set == -1 ? TSR_SYSTEM :
	    socket_path(SOCKET_API, socket_file, c->dial.flags, c->dial.path);
	if (r != TSR_OK) {
		tsr_client_free(&c);
		return r == TSR_TOO_LARGE ? TSR_INVALID : r;
	}
	*out = c;
	return TSR_OK;
}

void
tsr_client_free(struct tsr_client **c)
{
	if (*c == NULL)
		return;
	result_drop(*c);
	prompt_drop(*c);
	exchange_free(&(*c)->ask);
	exchange_free(&(*c)->tell);
	stream_free(&(*c)->hear);
	buf_free(&(*c)->fresh);
	if ((*c)->retry != -1)
		(void)close((*c)->retry);
	if ((*c)->set != -1)
		(void)close((*c)->set);
	free(*c);
	*c = NULL;
}

void
tsr_client_prompter(struct tsr_client *c, tsr_prompt_fn *fn, void *arg)
{
	c->prompter = fn;
	c->arg = arg;
}

int
tsr_client_fd(const struct tsr_client *c)
{
	return c->set;
}

short
tsr_client_events(const struct tsr_client *c)
{
	(void)c;
	return POLLIN;
}

/* --- beginning --- */

/* A request that waits for a person: who can be asked is heard of first. */
static int
conn_begin_proof(struct tsr_client *c, const char *target, const char *type)
{
	int r;

	if (c->prompter == NULL) {
		c->state = CONN_ASKING;
		return exchange_begin(&c->ask, "POST", target, type, 1);
	}
	c->state = CONN_LISTENING;
	if ((r = exchange_begin(&c->ask, "POST", target, type, 1)) != TSR_OK)
		return r;
	return stream_begin(&c->hear, TSR_LISTEN_SELF);
}

static int
conn_begin_token(struct tsr_client *c, const struct tsr_request *rq)
{
	int r;

	if ((r = request_form(rq, 1, &c->fresh)) != TSR_OK)
		return r;
	c->proof = request_proof(rq);
	if (c->proof == TSR_PROOF_FRESH) {
		if ((r = buf_put(&c->ask.body, c->fresh.data, c->fresh.len)) != TSR_OK)
			return r;
		return conn_begin_proof(c, "/token", FORM_TYPE);
	}
	if ((r = request_form(rq, 0, &c->ask.body)) != TSR_OK)
		return r;
	return exchange_begin(&c->ask, "POST", "/token", FORM_TYPE, 0);
}

static int
conn_begin(struct tsr_client *c, const struct tsr_request *rq)
{
	int r;

	switch (c->what) {
	case TSR_TOKEN_GET:
		return conn_begin_token(c, rq);
	case TSR_SESSION_LOGIN:
		if ((r = request_login(rq, &c->ask.body)) != TSR_OK)
			return r;
		return conn_begin_proof(c, "/session", FORM_JSON_TYPE);
	case TSR_SESSION_LIST:
		return exchange_begin(&c->ask, "GET", "/session", NULL, 0);
	case TSR_SESSION_LOGOUT:
		return exchange_begin(&c->ask, "DELETE", "/session", NULL, 0);
	default:
		return TSR_INVALID;
	}
}

/* Over: what is kept is the connection, which is watched no more. */
static int
conn_end(struct tsr_client *c, int r)
{
	buf_reset(&c->ask.body);
	buf_reset(&c->fresh);
	prompt_drop(c);
	stream_shut(&c->hear);
	exchange_drop(&c->tell);
	if (r == TSR_OK)
		exchange_watch(&c->ask, 0);
	else
		exchange_drop(&c->ask);
	c->state = CONN_IDLE;
	c->proof = TSR_PROOF_FRESH;
	if (r != TSR_OK && c->fault.code != r)
		(void)fault_set(&c->fault, r, "failed", "%s", tsr_strerror(r));
	return r;
}

int
tsr_client_start(struct tsr_client *c, enum tsr_operation what, const struct tsr_request *rq)
{
	int r;

	if (c->state != CONN_IDLE)
		return TSR_CONFLICT;
	result_drop(c);
	fault_clear(&c->fault);
	buf_reset(&c->ask.body);
	c->what = (int)what;
	c->state = CONN_ASKING;
	return (r = conn_begin(c, rq)) != TSR_OK ? conn_end(c, r) : TSR_OK;
}

void
tsr_client_cancel(struct tsr_client *c)
{
	if (c->state == CONN_IDLE)
		return;
	fault_clear(&c->fault);
	(void)conn_end(c, fault_set(&c->fault, TSR_CANCELLED, "cancelled", "%s",
	    tsr_strerror(TSR_CANCELLED)));
}

/* --- going on --- */

/* A session will not do where a fresh proof might. */
static int
conn_again(struct tsr_client *c)
{
	int r;

	c->proof = TSR_PROOF_FRESH;
	fault_clear(&c->fault);
	buf_reset(&c->ask.body);
	if ((r = buf_put(&c->ask.body, c->fresh.data, c->fresh.len)) != TSR_OK)
		return r;
	return conn_begin_proof(c, "/token", FORM_TYPE);
}

/* One pass.  TSR_AGAIN: nothing more goes without waiting. */
static int
conn_pass(struct tsr_client *c, int *done)
{
	struct http_answer a;
	int r;

	if (c->state == CONN_LISTENING) {
		if ((r = stream_step(&c->hear, &c->fault)) == TSR_OK)
			c->state = CONN_ASKING;
		return r;
	}
	if (c->hear.state == STREAM_OPEN)
		prompt_hear(c);
	prompt_tell(c);
	if ((r = exchange_step(&c->ask, &a, &c->fault)) != TSR_OK)
		return r;
	r = result_take(c, &a);
	if (c->what == TSR_TOKEN_GET && request_again(c->proof, r))
		return conn_again(c);
	*done = 1;
	return r;
}

/* The backlog of the agent can only be tried again. */
static int
conn_retry(struct tsr_client *c)
{
	const struct itimerspec soon = { .it_value.tv_nsec = SOCKET_RETRY_MS * 1000000L };
	struct epoll_event e = { .events = EPOLLIN };

	if (c->retry == -1) {
		if ((c->retry = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK)) == -1)
			return TSR_SYSTEM;
		if (epoll_ctl(c->set, EPOLL_CTL_ADD, c->retry, &e) != 0)
			return TSR_SYSTEM;
	}
	return timerfd_settime(c->retry, 0, &soon, NULL) == 0 ? TSR_AGAIN : TSR_SYSTEM;
}

static int
conn_watch(struct tsr_client *c)
{
	uint64_t times;

	if (c->retry != -1)
		(void)!read(c->retry, &times, sizeof(times));
	exchange_watch(&c->ask, 1);
	exchange_watch(&c->tell, 1);
	exchange_watch(&c->hear.x, 1);
	if (c->ask.dialing || c->tell.dialing || c->hear.x.dialing)
		return conn_retry(c);
	return TSR_AGAIN;
}

int
tsr_client_step(struct tsr_client *c)
{
	int r, done = 0;

	if (c->state == CONN_IDLE)
		return fault_set(&c->fault, TSR_INVALID, "failed", "nothing was begun");
	do
		r = conn_pass(c, &done);
	while (r == TSR_OK && !done);
	if (r == TSR_AGAIN)
		r = conn_watch(c);
	return r == TSR_AGAIN ? r : conn_end(c, r);
}

int
tsr_client_wait(struct tsr_client *c, int timeout_ms)
{
	struct pollfd p = { .fd = c->set, .events = POLLIN };
	uint64_t now, until = http_client_now() + (timeout_ms > 0 ? (uint64_t)timeout_ms : 0);
	int r, left = -1;

	while ((r = tsr_client_step(c)) == TSR_AGAIN) {
		if (timeout_ms >= 0) {
			if ((now = http_client_now()) >= until)
				return conn_end(c, fault_code(&c->fault, TSR_TIMEOUT));
			left = (int)(until - now);
		}
		if (poll(&p, 1, left) == -1 && errno != EINTR)
			return conn_end(c, fault_code(&c->fault, TSR_SYSTEM));
	}
	return r;
}

/* --- the waiting calls --- */

static int
conn_run(struct tsr_client *c, enum tsr_operation what, const struct tsr_request *rq,
    int timeout_ms)
{
	int r;

	if ((r = tsr_client_start(c, what, rq)) != TSR_OK)
		return r;
	return tsr_client_wait(c, timeout_ms);
}

int
tsr_token_get(struct tsr_client *c, const struct tsr_request *rq, int timeout_ms,
    struct tsr_token **out)
{
	int r = conn_run(c, TSR_TOKEN_GET, rq, timeout_ms);

	return r != TSR_OK ? r : tsr_client_token(c, out);
}

int
tsr_session_login(struct tsr_client *c, const struct tsr_request *rq, int timeout_ms,
    struct tsr_sessions **out)
{
	int r = conn_run(c, TSR_SESSION_LOGIN, rq, timeout_ms);

	return r != TSR_OK ? r : tsr_client_sessions(c, out);
}

int
tsr_session_list(struct tsr_client *c, int timeout_ms, struct tsr_sessions **out)
{
	int r = conn_run(c, TSR_SESSION_LIST, NULL, timeout_ms);

	return r != TSR_OK ? r : tsr_client_sessions(c, out);
}

int
tsr_session_logout(struct tsr_client *c, int timeout_ms, unsigned *ended)
{
	int r = conn_run(c, TSR_SESSION_LOGOUT, NULL, timeout_ms);

	return r != TSR_OK ? r : tsr_client_ended(c, ended);
}

/* --- why it failed --- */

int
tsr_error_code(const struct tsr_client *c)
{
	return c->fault.code;
}

const char *
tsr_error_name(const struct tsr_client *c)
{
	return c->fault.name;
}

const char *
tsr_error_text(const struct tsr_client *c)
{
	return c->fault.text;
}

int
tsr_error_retry_after(const struct tsr_client *c)
{
	return c->fault.retry_after;
}

int
tsr_error_tries_left(const struct tsr_client *c)
{
	return c->fault.tries_left;
}
