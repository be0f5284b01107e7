/*
 * spawn.c - start a program with nothing of ours but what is named.  See
 * spawn.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "base/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tessera.h"

#define ERROR_FD	(SPAWN_FD + 1)	/* the pipe that tells of a failed exec */
#define ASIDE_FD	16		/* above what the child arranges */
#define CLOSE_MAX	65536		/* descriptors closed one by one where close_range is missing */

#ifndef SYS_close_range
#define SYS_close_range	436
#endif
#ifndef SYS_pidfd_open
#define SYS_pidfd_open	434
#endif

static void
spawn_close(int *fd)
{
	int saved = errno;

	if (*fd != -1)
		close(*fd);
	*fd = -1;
	errno = saved;
}

int
spawn_fix_fds(void)
{
	int fd;

	do {
		if ((fd = open("/dev/null", O_RDWR)) == -1)
			return TSR_SYSTEM;
	} while (fd <= STDERR_FILENO);
	close(fd);
	if (signal(SIGPIPE, SIG_IGN) == SIG_ERR)
		return TSR_SYSTEM;
	umask(077);
	return TSR_OK;
}

/* Close first to last, both of them too. */
static int
spawn_close_range(unsigned first, unsigned last)
{
	struct rlimit rl;
	unsigned fd;

	if (first > last || syscall(SYS_close_range, first, last, 0) == 0)
		return TSR_OK;
	if (errno != ENOSYS || getrlimit(RLIMIT_NOFILE, &rl) == -1)
		return TSR_SYSTEM;
	if (rl.rlim_max < CLOSE_MAX && last >= rl.rlim_max)
		last = (unsigned)rl.rlim_max;
	else if (last > CLOSE_MAX)
		last = CLOSE_MAX;
	for (fd = first; fd <= last; fd++)
		close((int)fd);
	return TSR_OK;
}

int
spawn_close_from(int first, const int *keep, size_t n)
{
	size_t i;
	int next, r;

	for (;;) {
		next = -1;
		for (i = 0; i < n; i++)
			if (keep[i] >= first && (next == -1 || keep[i] < next))
				next = keep[i];
		if (next == -1)
			return spawn_close_range((unsigned)first, UINT_MAX);
		if (next > first &&
		    (r = spawn_close_range((unsigned)first, (unsigned)next - 1)) != TSR_OK)
			return r;
		if (next == INT_MAX)
			return TSR_OK;
		first = next + 1;
	}
}

/* Default dispositions first: an ignored signal would survive the exec. */
static void
spawn_reset_signals(void)
{
	struct sigaction sa = { .sa_handler = SIG_DFL };
	sigset_t none;
	int sig;

	for (sig = 1; sig <= SIGRTMAX; sig++)
		sigaction(sig, &sa, NULL);	/* refused for KILL, STOP and the C library's own */
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Put sock and pipe where the program expects them and close all else. */
static int
spawn_arrange(int sock, int pipe)
{
	int null, flags;

	if ((sock = fcntl(sock, F_DUPFD_CLOEXEC, ASIDE_FD)) == -1 ||
	    (pipe = fcntl(pipe, F_DUPFD_CLOEXEC, ASIDE_FD)) == -1 ||
	    (null = open("/dev/null", O_RDWR | O_CLOEXEC)) == -1 ||
	    (null = fcntl(null, F_DUPFD_CLOEXEC, ASIDE_FD)) == -1 ||
	    dup2(null, STDIN_FILENO) == -1 || dup2(null, STDOUT_FILENO) == -1)
		return -1;
	/* Closed, or one of ours that took the number. */
	flags = fcntl(STDERR_FILENO, F_GETFD);
	if ((flags == -1 || (flags & FD_CLOEXEC)) && dup2(null, STDERR_FILENO) == -1)
		return -1;
	if (dup2(sock, SPAWN_FD) == -1 || dup3(pipe, ERROR_FD, O_CLOEXEC) == -1)
		return -1;
	return spawn_close_range(ERROR_FD + 1, UINT_MAX) == TSR_OK ? 0 : -1;
}

/* Between fork and exec: async-signal-safe calls only. */
_Noreturn static void
spawn_child(const char *path, char *const argv[], char *const env[], pid_t parent,
    int sock, int pipe)
{
	static char *const empty[] = { NULL };
	int error;

	spawn_reset_signals();
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) == -1)
		goto failed;
	if (getppid() != parent)	/* it died before the line above */
		_exit(127);
	if (setsid() == -1 || chdir("/") == -1)
		goto failed;
	if (spawn_arrange(sock, pipe) == -1)
		goto failed;
	pipe = ERROR_FD;
	execve(path, argv, env != NULL ? env : empty);
 failed:
	error = errno;
	while (write(pipe, &error, sizeof(error)) == -1 && errno == EINTR)
		;
	_exit(127);
}

/* Wait until the exec has closed the pipe; else the child's errno, or -1 where it
 * cannot be told whether the child lives. */
static int
spawn_exec_error(int pipe)
{
	int error = 0;
	ssize_t n;

	do {
		n = read(pipe, &error, sizeof(error));
	} while (n == -1 && errno == EINTR);
	if (n == 0)
		return 0;
	return n == (ssize_t)sizeof(error) ? error : -1;
}

static pid_t
spawn_fork(const char *path, char *const argv[], char *const env[], int sock, int pipe)
{
	sigset_t all, old;
	pid_t parent = getpid(), pid;
	int saved;

	/* No handler of ours may run in the child. */
	sigfillset(&all);
	if (sigprocmask(SIG_SETMASK, &all, &old) == -1)
		return -1;
	pid = fork();
	if (pid == 0)
		spawn_child(path, argv, env, parent, sock, pipe);
	saved = errno;
	sigprocmask(SIG_SETMASK, &old, NULL);
	errno = saved;
	return pid;
}

int
spawn_helper(const char *path, char *const argv[], char *const env[],
    pid_t *pid, int *pidfd, int *sock)
{
	int pair[2] = { -1, -1 }, pipefd[2] = { -1, -1 };
	int error, flags, r = TSR_SYSTEM;
	pid_t child;

	if (path[0] != '/')
		return TSR_INVALID;
	if (pipe2(pipefd, O_CLOEXEC) == -1 ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == -1 ||
	    (flags = fcntl(pair[0], F_GETFL)) == -1 ||
	    fcntl(pair[0], F_SETFL, flags | O_NONBLOCK) == -1)
		goto out;
	if ((child = spawn_fork(path, argv, env, pair[1], pipefd[1])) == -1)
		goto out;
	spawn_close(&pipefd[1]);
	spawn_close(&pair[1]);
	if ((error = spawn_exec_error(pipefd[0])) != 0) {
		if (error == -1)
			(void)kill(child, SIGKILL);	/* or it would be waited for as long as it serves */
		while (waitpid(child, NULL, 0) == -1 && errno == EINTR)
			;
		errno = error != -1 ? error : EIO;
		goto out;
	}
	*pidfd = (int)syscall(SYS_pidfd_open, child, 0);	/* CLOEXEC by itself */
	*pid = child;
	*sock = pair[0];
	pair[0] = -1;
	r = TSR_OK;
 out:
	spawn_close(&pipefd[0]);
	spawn_close(&pipefd[1]);
	spawn_close(&pair[0]);
	spawn_close(&pair[1]);
	return r;
}
