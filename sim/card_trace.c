/*
 * card_trace.c - which commands a virtual card has seen.  See card_trace.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "sim/card_trace.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "sim/card.h"
#include "tessera.h"

int
trace_ins(const char *word, int *out)
{
	const char *name;
	int i;

	if (strcmp(word, "any") == 0) {
		*out = TRACE_ANY;
		return TSR_OK;
	}
	for (i = 0; i < 256; i++) {
		name = card_command_name((uint8_t)i);
		if (name != NULL && strcmp(name, word) == 0) {
			*out = i;
			return TSR_OK;
		}
	}
	if (strlen(word) != 2 || !isxdigit((unsigned char)word[0]) || !isxdigit((unsigned char)word[1]))
		return TSR_INVALID;
	*out = (int)strtol(word, NULL, 16);
	return TSR_OK;
}

uint64_t
trace_count(const struct trace *t, int ins)
{
	return ins == TRACE_ANY ? t->total : t->count[ins];
}

void
trace_command(struct trace *t, const uint8_t *apdu, size_t n)
{
	struct trace_entry *e = &t->kept[t->total % TRACE_KEPT];

	memset(e, 0, sizeof(*e));
	memcpy(e->head, apdu, n < sizeof(e->head) ? n : sizeof(e->head));
	t->total++;
	t->count[e->head[1]]++;
}

void
trace_answered(struct trace *t, uint16_t sw)
{
	struct trace_entry *e;

	if (t->total == 0)
		return;
	e = &t->kept[(t->total - 1) % TRACE_KEPT];
	e->sw = sw;
	e->has_sw = 1;
}

int
trace_wait(struct trace *t, uint64_t ticket, int ins, uint64_t at)
{
	size_t i;

	for (i = 0; i < TRACE_WAITERS; i++) {
		if (t->waiter[i].ticket != 0)
			continue;
		t->waiter[i].ticket = ticket;
		t->waiter[i].ins = ins;
		t->waiter[i].at = at;
		return TSR_OK;
	}
	return TSR_TOO_LARGE;
}

uint64_t
trace_due(struct trace *t)
{
	struct trace_waiter *w;
	uint64_t ticket;
	size_t i;

	for (i = 0; i < TRACE_WAITERS; i++) {
		w = &t->waiter[i];
		if (w->ticket == 0 || trace_count(t, w->ins) < w->at)
			continue;
		ticket = w->ticket;
		w->ticket = 0;
		return ticket;
	}
	return 0;
}

int
trace_log(const struct trace *t, struct buf *out)
{
	const struct trace_entry *e;
	uint64_t n = t->total > TRACE_KEPT ? t->total - TRACE_KEPT : 0;
	int r = TSR_OK;

	for (; n < t->total && r == TSR_OK; n++) {
		e = &t->kept[n % TRACE_KEPT];
		r = buf_printf(out, "%s%02x%02x%02x%02x=", out->len > 0 ? " " : "", e->head[0], e->head[1],
		    e->head[2], e->head[3]);
		if (r == TSR_OK)
			r = e->has_sw ? buf_printf(out, "%04x", e->sw) : buf_put_u8(out, '-');
	}
	return r;
}
