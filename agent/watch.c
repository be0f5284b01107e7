/*
 * watch.c - see watch.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/watch.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/clock.h"
#include "agent/clock_guard.h"
#include "agent/journal.h"
#include "agent/store_anchor.h"
#include "base/log.h"
#include "include/tessera.h"

struct watch {
	struct agent *agent;
	struct clock_guard *clock;
	char *anchor;
	int64_t stored;			/* the mark as the store has it */
	struct timer look, note;
	uint64_t noted_ms;		/* when the anchor was written */
	struct loop_task check;
	struct {
		watch_done done;
		void *arg;
	} waits[WATCH_CHECKS];
};

/* --- the clock --- */

static void
watch_clock_changed(void *arg, const struct clock_report *r)
{
	struct watch *w = arg;
	char json[160];
	int n;

	if (r->state == CLOCK_TRUSTED)
		log_line(LOG_NOTICE, "the clock is trusted again%s",
		    r->synchronised ? ": the kernel says it is synchronised" : "");
	else
		log_line(LOG_ERROR, "the clock says %lld, it should be about %lld: no token is minted "
		    "until it is synchronised or an administrator runs \"tessera clock accept\"",
		    (long long)r->wall, (long long)r->expected);
	if (w->agent->events == NULL)
		return;
	n = snprintf(json, sizeof(json), "{\"state\":\"%s\",\"wall\":%lld,\"expected\":%lld}",
	    clock_state_name(r->state), (long long)r->wall, (long long)r->expected);
	events_send_all(w->agent->events, r->state == CLOCK_TRUSTED ? "clock-trusted" :
	    "clock-distrusted", json, (size_t)n);
}

/* The mark, in a request of the open batch. */
static void
watch_mark(struct watch *w, int64_t behind)
{
	struct clock_report r;

	clock_guard_report(w->clock, &r);
	if (r.state != CLOCK_TRUSTED || (r.mark < w->stored + behind && r.mark >= w->stored) ||
	    store_begin(w->agent->store) != TSR_OK)
		return;
	if (store_set_clock_mark(w->agent->store, r.mark) != TSR_OK) {
		store_undo(w->agent->store);
		return;
	}
	if (store_keep(w->agent->store) == TSR_OK)
		w->stored = r.mark;
}

static void
watch_look(void *arg)
{
	struct watch *w = arg;

	(void)clock_guard_trusted(w->clock);
	watch_mark(w, WATCH_MARK_S);
	(void)timer_arm(loop_timers(w->agent->loop), &w->look, clock_boot_ms() + WATCH_LOOK_MS,
	    watch_look, w);
}

/* --- the anchor --- */

static void
watch_note(void *arg)
{
	struct watch *w = arg;
	int r;

	if (w->anchor == NULL)
		return;
	w->noted_ms = clock_boot_ms();
	if ((r = store_anchor_write(w->agent->store, w->anchor)) == TSR_INVALID)
		watch_committed(w);	/* a batch is open: after it */
	else if (r != TSR_OK)
		log_line(LOG_ERROR, "the anchor %s cannot be written", w->anchor);
}

void
watch_committed(struct watch *w)
{
	if (w->anchor != NULL && w->note.pos == 0)
		(void)timer_arm(loop_timers(w->agent->loop), &w->note,
		    w->noted_ms + WATCH_ANCHOR_MS, watch_note, w);
}

/* --- the store --- */

static int
watch_suspect(struct watch *w, enum store_verdict v, uint64_t at_least, const char *why)
{
	char json[64];
	int n, r;

	log_line(LOG_ERROR, "%s: every credential is suspended and no token is minted until an "
	    "administrator runs \"tessera store confirm\"", why);
	if ((r = store_suspect(w->agent->store, v, at_least)) != TSR_OK)
		log_line(LOG_ERROR, "the store cannot be written: %s", tsr_strerror(r));
	if (w->agent->sessions == NULL)
		return r;
	(void)sessions_end_all(w->agent->sessions);
	n = snprintf(json, sizeof(json), "{\"verdict\":\"%s\"}", store_verdict_name(v));
	events_send_all(w->agent->events, "store-suspended", json, (size_t)n);
	return r;
}

static void
watch_tell(struct watch *w, int code, const struct store_found *f)
{
	watch_done done;
	size_t i;

	for (i = 0; i < WATCH_CHECKS; i++) {
		done = w->waits[i].done;
		w->waits[i].done = NULL;
		if (done != NULL)
			done(w->waits[i].arg, code, f);
	}
}

static void
watch_slice(struct loop_task *t)
{
	struct watch *w = (struct watch *)(void *)((char *)t - offsetof(struct watch, check));
	struct store *st = w->agent->store;
	struct store_found f;
	char why[128];
	int r;

	memset(&f, 0, sizeof(f));
	r = store_check_step(st, &f);
	if (r == TSR_INVALID && store_check_begin(st) == TSR_OK)
		r = TSR_AGAIN;
	if (r == TSR_AGAIN) {
		loop_defer(w->agent->loop, &w->check);
		return;
	}
	if (r == TSR_OK && !f.whole && store_verdict(st) == STORE_GOOD) {
		(void)snprintf(why, sizeof(why), f.damaged > 0 ? "the store was altered: %llu of its "
		    "rows are not as they were written" : "the store was altered: rows were taken out, "
		    "or put back to what they were", (unsigned long long)f.damaged);
		(void)watch_suspect(w, STORE_ALTERED, 0, why);
	}
	watch_tell(w, r, &f);
}

int
watch_check(struct watch *w, watch_done done, void *arg, unsigned *ticket)
{
	unsigned i;
	int r;

	for (i = 0; i < WATCH_CHECKS && w->waits[i].done != NULL; i++)
		;
	if (i == WATCH_CHECKS)
		return TSR_SLOW_DOWN;
	if ((r = store_check_begin(w->agent->store)) != TSR_OK)
		return r;
	w->waits[i].done = done;
	w->waits[i].arg = arg;
	*ticket = i;
	loop_defer(w->agent->loop, &w->check);
	return TSR_OK;
}

void
watch_leave(struct watch *w, unsigned ticket)
{
	w->waits[ticket].done = NULL;
}

int
watch_confirm(struct watch *w, unsigned *dropped)
{
	int r;

	if ((r = store_confirm(w->agent->store, dropped)) != TSR_OK)
		return r;
	log_line(LOG_NOTICE, "the store was confirmed by an administrator");
	events_hold(w->agent->events, EVENTS_EVERYBODY, "store-confirmed", "{}", 2);
	watch_committed(w);
	return TSR_OK;
}

void
watch_accept_clock(struct watch *w)
{
	log_line(LOG_NOTICE, "the clock was accepted by an administrator");
	clock_guard_accept(w->clock);
	watch_mark(w, 0);
}

int
watch_mint(struct watch *w)
{
	if (store_verdict(w->agent->store) != STORE_GOOD)
		return TSR_UNCONFIRMED;
	return clock_guard_trusted(w->clock) ? TSR_OK : TSR_CLOCK;
}

const char *
watch_anchor(const struct watch *w)
{
	return w->anchor;
}

/* --- from start to end --- */

static int
watch_open_store(struct watch *w, const struct journal_seen *seen, char *err, size_t err_size)
{
	uint64_t at_least = 0;
	int r;

	if (seen->rolled_back && (r = watch_suspect(w, STORE_ROLLED_BACK, seen->at_least,
	    seen->err)) != TSR_OK)
		return r;
	if (w->anchor == NULL)
		return TSR_OK;
	r = store_anchor_check(w->agent->store, w->anchor, &at_least, err, err_size);
	if (r == TSR_CORRUPT)
		r = watch_suspect(w, STORE_ROLLED_BACK, at_least, err);
	if (r == TSR_OK && (r = store_anchor_write(w->agent->store, w->anchor)) != TSR_OK)
		(void)snprintf(err, err_size, "the anchor %s cannot be written: make its folder, with "
		    "this program's user as owner", w->anchor);
	return r;
}

static int
watch_open_clock(struct watch *w, char *err, size_t err_size)
{
	struct clock_report report;
	int r;

	if ((r = store_clock_mark(w->agent->store, &w->stored)) == TSR_NOT_FOUND || r == TSR_CORRUPT)
		w->stored = 0;		/* an altered one: the check of the store tells */
	else if (r != TSR_OK) {
		(void)snprintf(err, err_size, "the store cannot be read: %s", tsr_strerror(r));
		return r;
	}
	if ((r = clock_guard_new(w->stored, watch_clock_changed, w, &w->clock)) != TSR_OK)
		return r;
	clock_guard_report(w->clock, &report);
	if (report.state != CLOCK_TRUSTED)
		watch_clock_changed(w, &report);
	return TSR_OK;
}

int
watch_new(struct agent *a, const char *anchor, const struct journal_seen *seen, struct watch **out,
    char *err, size_t err_size)
{
	struct watch *w;
	int r = TSR_NOMEM;

	(void)snprintf(err, err_size, "out of memory");
	if ((w = calloc(1, sizeof(*w))) == NULL)
		return TSR_NOMEM;
	w->agent = a;
	w->check.run = watch_slice;
	if (anchor != NULL && (w->anchor = strdup(anchor)) == NULL)
		goto out;
	if ((r = watch_open_store(w, seen, err, err_size)) != TSR_OK ||
	    (r = watch_open_clock(w, err, err_size)) != TSR_OK)
		goto out;
	if (store_verdict(a->store) != STORE_GOOD)
		log_line(LOG_ERROR, "the store was found %s: no token is minted until an administrator "
		    "runs \"tessera store confirm\"", store_verdict_name(store_verdict(a->store)));
	*out = w;
	w = NULL;
 out:
	watch_free(&w);
	return r;
}

void
watch_start(struct watch *w)
{
	watch_look(w);
	loop_defer(w->agent->loop, &w->check);
}

void
watch_stop(struct watch *w)
{
	(void)clock_guard_trusted(w->clock);
	watch_mark(w, 1);
	(void)store_commit(w->agent->store);
	watch_note(w);
}

void
watch_free(struct watch **wp)
{
	struct watch *w = *wp;

	if (w == NULL)
		return;
	if (w->agent->loop != NULL) {
		timer_disarm(loop_timers(w->agent->loop), &w->look);
		timer_disarm(loop_timers(w->agent->loop), &w->note);
		loop_cancel(w->agent->loop, &w->check);
	}
	clock_guard_free(&w->clock);
	free(w->anchor);
	free(w);
	*wp = NULL;
}

int64_t
watch_latest(struct watch *w)
{
	struct clock_report r;

	watch_clock(w, &r);
	return r.state == CLOCK_TRUSTED && r.wall > r.mark ? r.wall : r.mark;
}

void
watch_clock(struct watch *w, struct clock_report *out)
{
	(void)clock_guard_trusted(w->clock);
	clock_guard_report(w->clock, out);
}
