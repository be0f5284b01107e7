/*
 * grant_wait.c - see grant_wait.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/grant_wait.h"

#include <stdlib.h>

#include "agent/clock.h"
#include "agent/grant.h"
#include "agent/problem.h"
#include "include/tessera.h"

#define GRANT_WAIT_LOOK_MS	20	/* between two looks at the wall clock */

struct grant_wait {
	struct agent *agent;
	const struct http_request *request;
	struct asker who;
	struct timer timer;
};

static void
grant_wait_free(void *arg)
{
	struct grant_wait *w = arg;

	timer_disarm(loop_timers(w->agent->loop), &w->timer);
	free(w);
}

static void
grant_wait_look(void *arg)
{
	struct grant_wait *w = arg;
	struct grant_wait was = *w;
	int64_t left = epochs_wait(w->agent->epochs, clock_wall());

	if (left > 0 && left <= GRANT_WAIT_S && timer_arm(loop_timers(w->agent->loop), &w->timer,
	    clock_boot_ms() + GRANT_WAIT_LOOK_MS, grant_wait_look, w) == TSR_OK)
		return;
	free(w);	/* whoever answers or parks the request now takes it over */
	grant_token(was.agent, was.request, &was.who);
}

int
grant_waits(struct agent *a, const struct http_request *r, const struct asker *who)
{
	int64_t left = epochs_wait(a->epochs, clock_wall());
	struct grant_wait *w;

	if (left <= 0)
		return 0;
	if (left > GRANT_WAIT_S) {
		problem(r->conn, TSR_UNAVAILABLE, "every token of the next %lld seconds is revoked: was "
		    "the clock set back?", (long long)left);
		return 1;
	}
	if ((w = calloc(1, sizeof(*w))) == NULL) {
		problem(r->conn, TSR_NOMEM, NULL);
		return 1;
	}
	w->agent = a;
	w->request = r;
	w->who = *who;
	if (timer_arm(loop_timers(a->loop), &w->timer, clock_boot_ms() + GRANT_WAIT_LOOK_MS,
	    grant_wait_look, w) != TSR_OK) {
		free(w);
		problem(r->conn, TSR_NOMEM, NULL);
		return 1;
	}
	http_park(r->conn, grant_wait_free, w);
	return 1;
}
