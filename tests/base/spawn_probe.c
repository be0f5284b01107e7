/*
 * spawn_probe.c - a child for the tests: tells its parent what it was given,
 * or waits.
 *
 *	spawn_probe report	one line of facts on SPAWN_FD, then ends
 *	spawn_probe wait	says "ready" on SPAWN_FD and waits to be killed
 *
 * SPDX-License-Identifier: ISC
 */
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/spawn.h"

extern char **environ;

static int
probe_is_null(int fd)
{
	struct stat st, null;

	return fstat(fd, &st) == 0 && stat("/dev/null", &null) == 0 &&
	    S_ISCHR(st.st_mode) && st.st_rdev == null.st_rdev;
}

static void
probe_report(void)
{
	char line[512], cwd[PATH_MAX] = "";
	struct sigaction sa;
	sigset_t mask;
	int fd, sig, open_fds = 0, ignored = 0, blocked = 0, death = 0, env = 0, n;

	for (fd = 0; fd < 1024; fd++)
		open_fds += fcntl(fd, F_GETFD) != -1;
	sigprocmask(SIG_BLOCK, NULL, &mask);
	for (sig = 1; sig < 65; sig++) {
		if (sigaction(sig, NULL, &sa) == 0 && sa.sa_handler == SIG_IGN)
			ignored++;
		blocked += sigismember(&mask, sig) == 1;
	}
	while (environ != NULL && environ[env] != NULL)
		env++;
	prctl(PR_GET_PDEATHSIG, &death);
	n = snprintf(line, sizeof(line), "fds=%d null=%d%d env=%d first=%s ignored=%d blocked=%d "
	    "death=%d leader=%d cwd=%s blocking=%d", open_fds, probe_is_null(0), probe_is_null(1),
	    env, env > 0 ? environ[0] : "-", ignored, blocked, death,
	    getsid(0) == getpid() && getpgrp() == getpid(),
	    getcwd(cwd, sizeof(cwd)) != NULL ? cwd : "?",
	    (fcntl(SPAWN_FD, F_GETFL) & O_NONBLOCK) == 0);
	if (write(SPAWN_FD, line, (size_t)n) != n)
		_exit(1);
}

int
main(int argc, char *argv[])
{
	if (argc != 2)
		return 2;
	if (strcmp(argv[1], "report") == 0) {
		probe_report();
		return 0;
	}
	if (write(SPAWN_FD, "ready", 5) != 5)
		return 1;
	for (;;)
		pause();
}
