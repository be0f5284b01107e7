/*
 * call.c - see call.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "pam/call.h"

#include <poll.h>

#include "client/lib/exchange.h"
#include "client/lib/form.h"

/* Until something goes on, or the time is over: TSR_TIMEOUT. */
static int
call_poll(const struct attempt *at, const struct exchange *x)
{
	struct pollfd p = { .fd = -1 };
	uint64_t now = http_client_now();
	int left;

	if (now >= at->until)
		return TSR_TIMEOUT;
	left = (int)(at->until - now);
	if (x->dialing || x->hc == NULL)	/* a full backlog can only be tried again */
		left = left < SOCKET_RETRY_MS ? left : SOCKET_RETRY_MS;
	else {
		p.fd = http_client_fd(x->hc);
		p.events = (short)(POLLIN | http_client_events(x->hc));
	}
	(void)poll(&p, 1, left);
	return TSR_OK;
}

static int
call_wait(const struct attempt *at, struct exchange *x, struct http_answer *a, struct fault *f)
{
	int r;

	while ((r = exchange_step(x, a, f)) == TSR_AGAIN)
		if ((r = call_poll(at, x)) != TSR_OK)
			return fault_code(f, r);
	return r;
}

static int
call_take(const struct exchange *x, const struct http_answer *a, struct record *out, struct fault *f)
{
	const char *body;
	size_t n;
	int r;

	if (a->status != 200)
		return fault_answer(f, x->hc, a);
	body = http_client_body(x->hc, &n);
	if (!a->json)
		return fault_code(f, TSR_INVALID);
	return (r = record_read(out, body, n)) == TSR_OK ? TSR_OK : fault_code(f, r);
}

int
call_agent(struct attempt *at, const char *target, const struct buf *form, struct record *out,
    struct fault *f)
{
	struct dial dial = { .flags = SOCKET_SYSTEM };
	struct http_answer a;
	struct exchange x;
	int r;

	fault_clear(f);
	exchange_init(&x, &dial, -1);
	r = socket_path(SOCKET_API, at->options.socket, dial.flags, dial.path);
	if (r == TSR_OK && form != NULL)
		r = buf_put(&x.body, form->data, form->len);
	if (r == TSR_OK)
		r = exchange_begin(&x, form != NULL ? "POST" : "GET", target,
		    form != NULL ? FORM_TYPE : NULL, 1);
	if (r != TSR_OK)
		(void)fault_code(f, r);
	else if ((r = call_wait(at, &x, &a, f)) == TSR_OK)
		r = call_take(&x, &a, out, f);
	exchange_free(&x);
	return r;
}
