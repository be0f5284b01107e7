/*
 * signals.h - signals as something to poll, so that a terminal is put right
 * before one takes effect.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef CLIENT_SIGNALS_H
#define CLIENT_SIGNALS_H

#include <signal.h>

struct signals {
	int fd;			/* to poll */
	sigset_t was;
};

/* Hold SIGINT, SIGTERM, SIGHUP, SIGQUIT and SIGTSTP back.  TSR_SYSTEM. */
int signals_hold(struct signals *s);
void signals_release(struct signals *s);

/* The next that came, 0 where there is none. */
int signals_next(struct signals *s);

/* Stop as SIGTSTP would have; returns when continued. */
void signals_stop(struct signals *s);

#endif
