/*
 * seat.c - see seat.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/seat.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <systemd/sd-login.h>

#include "agent/caller_source.h"
#include "include/tessera.h"

#define SEAT_LOGIND_RUNS	"/run/systemd/seats/seat0"	/* written by logind when it starts */
#define SEAT_DEVICES	"seat0"		/* readers belong to it unless somebody moved them */
#define SEAT_CONSOLE	"/sys/class/tty/tty0/active"	/* the console in front of the screen */

/* What is asked: is the person in front of the screen, or at least at the seat? */
enum seat_want { SEAT_FRONT, SEAT_NEAR };

static int
seat_session(const char *session, enum seat_want want)
{
	char *seat = NULL;
	int is;

	is = sd_session_is_remote(session) == 0 &&
	    (want == SEAT_NEAR || sd_session_is_active(session) > 0) &&
	    sd_session_get_seat(session, &seat) >= 0 && strcmp(seat, SEAT_DEVICES) == 0;
	free(seat);
	return is;
}

static int
seat_user(uid_t uid, enum seat_want want)
{
	char **session = NULL;
	int i, n, here = 0, remote = 0;

	if ((n = sd_uid_get_sessions(uid, -1, &session)) < 0)
		return 0;
	for (i = 0; i < n; i++) {
		here |= seat_session(session[i], want);
		remote |= sd_session_is_remote(session[i]) != 0;	/* or cannot be told */
		free(session[i]);
	}
	free(session);
	return here && !remote;
}

/* A virtual console; all of them are seat0's. */
static int
seat_console(const char *tty, enum seat_want want)
{
	char active[LOGIN_SAID_TEXT];
	FILE *f;
	int is = 0;

	if (strncmp(tty, "tty", 3) != 0 || tty[3] < '1' || tty[3] > '9' ||
	    tty[3 + strspn(tty + 3, "0123456789")] != '\0')
		return 0;
	if (want == SEAT_NEAR)
		return 1;
	if ((f = fopen(SEAT_CONSOLE, "re")) == NULL)
		return 0;
	if (fgets(active, sizeof(active), f) != NULL) {
		active[strcspn(active, "\n")] = '\0';
		is = strcmp(active, tty) == 0;
	}
	(void)fclose(f);
	return is;
}

/* The display of a session there, a greeter's; ":0" and ":0.0" are one. */
static int
seat_display(const char *display, enum seat_want want)
{
	char **session = NULL, *of = NULL;
	size_t n = strcspn(display, ".");
	int i, sessions, here = 0;

	if (n < 2 || (sessions = sd_get_sessions(&session)) < 0)
		return 0;
	for (i = 0; i < sessions; i++) {
		if (!here && seat_session(session[i], want) &&
		    sd_session_get_display(session[i], &of) >= 0) {
			here = strncmp(of, display, n) == 0 && (of[n] == '\0' || of[n] == '.');
			free(of);
			of = NULL;
		}
		free(session[i]);
	}
	free(session);
	return here;
}

/* A login helper without a session. */
static int
seat_login(const struct caller *c, const struct login_said *said, enum seat_want want)
{
	const char *tty = said->tty;
	uid_t uid;

	if (caller_user_slice(c, &uid) == TSR_OK)
		return seat_user(uid, want);
	if (tty[0] == '\0')
		return said->greeter && (want == SEAT_NEAR || sd_seat_get_active(SEAT_DEVICES, NULL, NULL) >= 0);
	if (strncmp(tty, "/dev/", 5) == 0)
		tty += 5;
	return tty[0] == ':' ? seat_display(tty, want) : seat_console(tty, want);
}

static int
seat_judge(enum config_seat rule, const struct caller *c, const struct login_said *said,
    enum seat_want want)
{
	char *session = NULL;
	int here;

	if (said != NULL && !caller_local(said->rhost))
		return 0;
	if (rule == SEAT_ANY || (rule == SEAT_AUTO && access(SEAT_LOGIND_RUNS, F_OK) != 0))
		return 1;
	if (!caller_alive(c))
		return 0;
	if (sd_pid_get_session(c->pid, &session) >= 0)
		here = seat_session(session, want);
	else
		here = said != NULL ? seat_login(c, said, want) : seat_user(c->uid, want);
	free(session);
	return here && caller_alive(c);		/* the PID was its own all the while */
}

int
seat_has(enum config_seat rule, const struct caller *c, const struct login_said *said)
{
	return seat_judge(rule, c, said, SEAT_FRONT);
}

int
seat_near(enum config_seat rule, const struct caller *c, const struct login_said *said)
{
	return seat_judge(rule, c, said, SEAT_NEAR);
}
