/*
 * signals.c - signals in the poll loop.  See signals.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "client/signals.h"

#include <sys/signalfd.h>

#include <unistd.h>

#include "tessera.h"

int
signals_hold(struct signals *s)
{
	static const int held[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP };
	sigset_t set;
	size_t i;

	(void)sigemptyset(&set);
	for (i = 0; i < sizeof(held) / sizeof(held[0]); i++)
		(void)sigaddset(&set, held[i]);
	if (sigprocmask(SIG_BLOCK, &set, &s->was) != 0)
		return TSR_SYSTEM;
	if ((s->fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK)) == -1) {
		(void)sigprocmask(SIG_SETMASK, &s->was, NULL);
		return TSR_SYSTEM;
	}
	return TSR_OK;
}

void
signals_release(struct signals *s)
{
	/* One that came after the end was near is spent, not delivered late. */
	while (signals_next(s) != 0)
		;
	(void)close(s->fd);
	(void)sigprocmask(SIG_SETMASK, &s->was, NULL);
}

int
signals_next(struct signals *s)
{
	struct signalfd_siginfo si;

	if (read(s->fd, &si, sizeof(si)) != (ssize_t)sizeof(si))
		return 0;
	return (int)si.ssi_signo;
}

void
signals_stop(struct signals *s)
{
	(void)s;
	(void)raise(SIGSTOP);
}
