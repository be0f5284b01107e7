/*
 * seat.c - see seat.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/seat.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <systemd/sd-login.h>

#define SEAT_LOGIND_RUNS	"/run/systemd/seats/seat0"	/* written by logind when it starts */
#define SEAT_DEVICES	"seat0"		/* readers belong to it unless somebody moved them */

/* An active session of the devices' seat, in front of the screen. */
static int
seat_session(const char *session)
{
	char *seat = NULL;
	int is;

	is = sd_session_is_remote(session) == 0 && sd_session_is_active(session) > 0 &&
	    sd_session_get_seat(session, &seat) >= 0 && strcmp(seat, SEAT_DEVICES) == 0;
	free(seat);
	return is;
}

static int
seat_user(uid_t uid)
{
	char **session = NULL;
	int i, n, here = 0, remote = 0;

	if ((n = sd_uid_get_sessions(uid, -1, &session)) < 0)
		return 0;
	for (i = 0; i < n; i++) {
		here |= seat_session(session[i]);
		remote |= sd_session_is_remote(session[i]) != 0;	/* or cannot be told */
		free(session[i]);
	}
	free(session);
	return here && !remote;
}

int
seat_has(enum config_seat rule, const struct caller *c)
{
	char *session = NULL;
	int here;

	if (rule == SEAT_ANY || (rule == SEAT_AUTO && access(SEAT_LOGIND_RUNS, F_OK) != 0))
		return 1;
	if (!caller_alive(c))
		return 0;
	if (sd_pid_get_session(c->pid, &session) >= 0)
		here = seat_session(session);
	else
		here = seat_user(c->uid);
	free(session);
	return here && caller_alive(c);		/* the PID was its own all the while */
}
