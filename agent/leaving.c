/*
 * leaving.c - see leaving.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/leaving.h"

#include <stdlib.h>

#include "agent/clock.h"
#include "agent/logins.h"
#include "include/tessera.h"

#define LEAVING_SLEEP_MS	1000	/* the two clocks are not read at once */

struct leaving {
	struct agent *agent;
	struct logins *logins;
	uint64_t slept_ms;		/* when last looked */
};

static void
leaving_left(void *arg, uid_t uid)
{
	struct leaving *l = arg;

	if (l->agent->policy != NULL && policy_config(l->agent->policy)->session.lock_on_logout)
		(void)session_lock_user(l->agent->sessions, uid, "logout");
}

void
leaving_look(struct leaving *l)
{
	uint64_t slept = clock_slept_ms();

	if (slept < l->slept_ms + LEAVING_SLEEP_MS)
		return;
	l->slept_ms = slept;
	if (l->agent->policy != NULL && policy_config(l->agent->policy)->session.lock_on_suspend)
		(void)sessions_lock_all(l->agent->sessions, "suspend");
}

int
leaving_new(struct agent *a, struct leaving **out)
{
	struct leaving *l;
	int r;

	if ((l = calloc(1, sizeof(*l))) == NULL)
		return TSR_NOMEM;
	l->agent = a;
	l->slept_ms = clock_slept_ms();
	if ((r = logins_new(a->loop, leaving_left, l, &l->logins)) != TSR_OK) {
		free(l);
		return r;
	}
	*out = l;
	return TSR_OK;
}

void
leaving_free(struct leaving **lp)
{
	if (*lp == NULL)
		return;
	logins_free(&(*lp)->logins);
	free(*lp);
	*lp = NULL;
}
