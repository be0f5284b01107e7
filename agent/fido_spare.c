/*
 * fido_spare.c - see fido_spare.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/fido_spare.h"

#include <string.h>

#include "agent/clock.h"
#include "include/tessera.h"

void
fido_spares_init(struct fido_spares *s, struct loop *l, const struct helpers_options *o)
{
	memset(s, 0, sizeof(*s));
	s->loop = l;
	s->options = o;
}

void
fido_spares_end(struct fido_spares *s)
{
	size_t i;

	timer_disarm(loop_timers(s->loop), &s->timer);
	for (i = 0; i < FIDO_SPARES; i++)
		fido_call_cancel(&s->spare[i].call);
}

/* It is missed at the next operation, and not before: one that cannot live would be
 * started without end. */
static void
spare_lost(void *arg)
{
	struct fido_spare *one = arg;

	one->call = NULL;
}

static void
spare_fill(void *arg)
{
	struct fido_spares *s = arg;
	size_t i;

	for (i = 0; i < FIDO_SPARES; i++)
		if (s->spare[i].call == NULL && fido_call_open(s->loop, s->options, spare_lost,
		    &s->spare[i], &s->spare[i].call) != TSR_OK)
			return;		/* an operation without it says why */
}

static void
spare_later(struct fido_spares *s)
{
	(void)timer_arm(loop_timers(s->loop), &s->timer, clock_boot_ms() + FIDO_SPARE_MS, spare_fill, s);
}

/* One that is ready, else one that soon is, else NULL. */
static struct fido_call *
spare_take(struct fido_spares *s)
{
	struct fido_spare *best = NULL, *one;
	struct fido_call *c;

	for (one = s->spare; one < s->spare + FIDO_SPARES; one++)
		if (one->call != NULL && (best == NULL ||
		    (fido_call_ready(one->call) && !fido_call_ready(best->call))))
			best = one;
	if (best == NULL)
		return NULL;
	c = best->call;
	best->call = NULL;
	return c;
}

int
fido_spares_ask(struct fido_spares *s, uint16_t type, const struct proto_value *values, size_t n,
    uint32_t deadline_ms, const struct fido_call_client *client, struct fido_call **out)
{
	struct fido_call *c;
	int r;

	while ((c = spare_take(s)) != NULL) {
		if ((r = fido_call_ask(c, type, values, n, deadline_ms, client)) == TSR_OK) {
			spare_later(s);
			*out = c;
			return TSR_OK;
		}
		fido_call_cancel(&c);
		if (r != TSR_CLOSED)
			return r;
	}
	if ((r = fido_call_start(s->loop, s->options, type, values, n, deadline_ms, client, out)) == TSR_OK)
		spare_later(s);
	return r;
}

void
fido_spares_renew(struct fido_spares *s)
{
	size_t i, n = 0;

	for (i = 0; i < FIDO_SPARES; i++) {
		n += s->spare[i].call != NULL;
		fido_call_cancel(&s->spare[i].call);
	}
	if (n > 0)
		spare_later(s);
}
