/*
 * events.c - listening to the agent's events.  See tessera.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>

#include "client/lib/conn.h"

struct tsr_events {
	struct dial dial;
	struct stream stream;
};

/* Wait for fd, or a while where there is none yet.  TSR_TIMEOUT. */
static int
events_wait(int fd, int timeout_ms, uint64_t until)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	uint64_t now = http_client_now();
	int left = fd == -1 ? SOCKET_RETRY_MS : -1;

	if (timeout_ms >= 0) {
		if (now >= until)
			return TSR_TIMEOUT;
		if (left < 0 || (uint64_t)left > until - now)
			left = (int)(until - now);
	}
	return poll(&p, 1, left) == -1 && errno != EINTR ? TSR_SYSTEM : TSR_OK;
}

static uint64_t
events_until(int timeout_ms)
{
	return http_client_now() + (timeout_ms > 0 ? (uint64_t)timeout_ms : 0);
}

int
tsr_events_open(struct tsr_client *c, enum tsr_listen what, int timeout_ms, struct tsr_events **out)
{
	struct tsr_events *e;
	uint64_t until = events_until(timeout_ms);
	int r;

	fault_clear(&c->fault);
	if ((e = calloc(1, sizeof(*e))) == NULL)
		return fault_code(&c->fault, TSR_NOMEM);
	e->dial = c->dial;
	stream_init(&e->stream, &e->dial, -1);
	if ((r = stream_begin(&e->stream, what)) != TSR_OK)
		(void)fault_set(&c->fault, r, "failed", "%s", tsr_strerror(r));
	while (r == TSR_OK && (r = stream_step(&e->stream, &c->fault)) == TSR_AGAIN)
		if ((r = events_wait(tsr_events_fd(e), timeout_ms, until)) != TSR_OK)
			(void)fault_code(&c->fault, r);
	if (r != TSR_OK) {
		tsr_events_close(&e);
		return r;
	}
	*out = e;
	return TSR_OK;
}

void
tsr_events_close(struct tsr_events **e)
{
	if (*e == NULL)
		return;
	stream_free(&(*e)->stream);
	free(*e);
	*e = NULL;
}

int
tsr_events_fd(const struct tsr_events *e)
{
	return e->stream.x.hc == NULL ? -1 : http_client_fd(e->stream.x.hc);
}

int
tsr_events_next(struct tsr_events *e, int timeout_ms, struct tsr_event **out)
{
	uint64_t until = events_until(timeout_ms);
	int r;

	while ((r = stream_next(&e->stream, out)) == TSR_AGAIN)
		if ((r = events_wait(tsr_events_fd(e), timeout_ms, until)) != TSR_OK)
			return r;
	return r;
}

void
tsr_event_free(struct tsr_event **e)
{
	if (*e == NULL)
		return;
	record_clear(&(*e)->record);
	free(*e);
	*e = NULL;
}

const char *
tsr_event_name(const struct tsr_event *e)
{
	return e->name;
}

int
tsr_event_text(const struct tsr_event *e, const char *path, char *out, size_t size)
{
	if (size == 0)
		return TSR_TOO_LARGE;
	return record_text(&e->record, e->record.doc.node, path, out, size);
}

int
tsr_event_number(const struct tsr_event *e, const char *path, int64_t *out)
{
	return record_number(&e->record, e->record.doc.node, path, out);
}

int
tsr_event_flag(const struct tsr_event *e, const char *path)
{
	return record_flag(&e->record, e->record.doc.node, path);
}
