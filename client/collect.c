/*
 * collect.c - see collect.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "client/collect.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client/lib/http_client.h"
#include "tessera.h"

static int
collect_start(char *const argv[], int out, int complaints, pid_t *pid)
{
	static char lang[] = "LC_ALL=C";
	char *const env[] = { lang, NULL };
	posix_spawn_file_actions_t a;
	int r;

	if (posix_spawn_file_actions_init(&a) != 0)
		return TSR_NOMEM;
	if (posix_spawn_file_actions_addopen(&a, 0, "/dev/null", O_RDONLY, 0) != 0 ||
	    posix_spawn_file_actions_adddup2(&a, out, 1) != 0 ||
	    (complaints ? posix_spawn_file_actions_adddup2(&a, out, 2) :
	    posix_spawn_file_actions_addopen(&a, 2, "/dev/null", O_WRONLY, 0)) != 0)
		r = TSR_NOMEM;
	else
		r = posix_spawn(pid, argv[0], &a, NULL, argv, env) == 0 ? TSR_OK : TSR_NOT_FOUND;
	(void)posix_spawn_file_actions_destroy(&a);
	return r;
}

/* Until its end, or that of the time or the room. */
static int
collect_read(int fd, struct buf *out)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	uint64_t end = http_client_now() + COLLECT_MS, now;
	char bytes[4096];
	ssize_t n;

	for (;;) {
		if ((now = http_client_now()) >= end)
			return TSR_TIMEOUT;
		if (poll(&p, 1, (int)(end - now)) == -1 && errno != EINTR)
			return TSR_SYSTEM;
		if (p.revents == 0)
			continue;
		n = read(fd, bytes, sizeof(bytes));
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return TSR_SYSTEM;
		if (n == 0 || buf_put(out, bytes, (size_t)n) != TSR_OK)
			return TSR_OK;
	}
}

/* It has closed its output and is about to end. */
static void
collect_end(pid_t pid)
{
	struct pollfd p = { .fd = (int)syscall(SYS_pidfd_open, pid, 0), .events = POLLIN };

	if (p.fd == -1)
		return;
	(void)poll(&p, 1, COLLECT_MS);
	(void)close(p.fd);
}

static int
collect_run(char *const argv[], struct buf *out, int *status)
{
	int fd[2], r, how = 0;
	pid_t pid;

	if (pipe2(fd, O_CLOEXEC) == -1)
		return TSR_SYSTEM;
	r = collect_start(argv, fd[1], status != NULL, &pid);
	(void)close(fd[1]);
	if (r == TSR_OK) {
		r = collect_read(fd[0], out);
		if (r == TSR_OK && status != NULL)
			collect_end(pid);
		(void)kill(pid, SIGKILL);	/* not reaped yet, so still its number */
		while (waitpid(pid, &how, 0) == -1 && errno == EINTR)
			;
		if (r == TSR_OK && status != NULL)
			*status = WIFEXITED(how) ? WEXITSTATUS(how) : -1;
	}
	(void)close(fd[0]);
	return r;
}

int
collect_output(char *const argv[], struct buf *out)
{
	return collect_run(argv, out, NULL);
}

int
collect_verdict(char *const argv[], struct buf *out, int *status)
{
	return collect_run(argv, out, status);
}
