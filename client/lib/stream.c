/*
 * stream.c - events as they come.  See stream.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "client/lib/stream.h"

#include <stdlib.h>
#include <string.h>

void
stream_init(struct stream *s, const struct dial *dial, int set)
{
	exchange_init(&s->x, dial, set);
	s->state = STREAM_SHUT;
}

void
stream_shut(struct stream *s)
{
	exchange_drop(&s->x);
	s->state = STREAM_SHUT;
}

void
stream_free(struct stream *s)
{
	stream_shut(s);
	exchange_free(&s->x);
}

int
stream_begin(struct stream *s, enum tsr_listen what)
{
	static const char *const targets[] = {
		[TSR_LISTEN_WATCH] = "/events",
		[TSR_LISTEN_SELF] = "/events?prompter=self",
		[TSR_LISTEN_ALL] = "/events?prompter=all",
	};

	if ((size_t)what >= sizeof(targets) / sizeof(targets[0]))
		return TSR_INVALID;
	s->state = STREAM_ASKED;
	return exchange_begin(&s->x, "GET", targets[what], NULL, 1);
}

static int
stream_take(struct stream *s, struct tsr_event **out)
{
	struct tsr_event *e = NULL;
	struct sse_event got;
	const char *in;
	size_t n, used;
	int r;

	in = http_client_body(s->x.hc, &n);
	if ((r = sse_parse(in, n, &got, &used)) == TSR_AGAIN)
		http_client_used(s->x.hc, used);
	if (r != TSR_OK)
		return r;
	if ((e = calloc(1, sizeof(*e))) == NULL)
		return TSR_NOMEM;
	memcpy(e->name, got.name, sizeof(e->name));
	r = record_read(&e->record, got.data, got.data_len);
	http_client_used(s->x.hc, used);
	if (r != TSR_OK) {
		free(e);
		return r;
	}
	*out = e;
	return TSR_OK;
}

int
stream_next(struct stream *s, struct tsr_event **out)
{
	int r;

	if (s->x.hc == NULL)
		return TSR_CLOSED;
	while ((r = stream_take(s, out)) == TSR_AGAIN)
		if ((r = http_client_more(s->x.hc)) != TSR_OK)
			return r;
	return r;
}

int
stream_step(struct stream *s, struct fault *f)
{
	struct tsr_event *e = NULL;
	struct http_answer a;
	int r;

	if (s->state == STREAM_OPEN)
		return TSR_OK;
	if (s->state == STREAM_ASKED) {
		if ((r = exchange_step(&s->x, &a, f)) != TSR_OK)
			return r;
		if (a.status != 200 || !a.stream)
			return fault_answer(f, s->x.hc, &a);
		s->state = STREAM_GREETED;
	}
	if ((r = stream_next(s, &e)) == TSR_AGAIN)
		return r;
	if (r == TSR_OK && strcmp(e->name, "ready") != 0)
		r = TSR_INVALID;
	tsr_event_free(&e);
	if (r != TSR_OK)
		return fault_code(f, r);
	s->state = STREAM_OPEN;
	return TSR_OK;
}
