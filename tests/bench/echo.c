/*
 * echo.c - see echo.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "echo.h"

#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "meter.h"
#include "wire.h"

#define ECHO_EVENTS	64	/* taken from the epoll set at once */

static void
echo_watch(int set, int fd)
{
	struct epoll_event e = { .events = EPOLLIN, .data = { .fd = fd } };

	if (fd == -1 || epoll_ctl(set, EPOLL_CTL_ADD, fd, &e) != 0)
		meter_die("echo: epoll");
}

/* Requests come whole: the peers send each with one call. */
static void
echo_answer(int fd, size_t request_len, const char *reply, size_t reply_len)
{
	char in[WIRE_MAX];

	if (read(fd, in, sizeof(in)) != (ssize_t)request_len ||
	    send(fd, reply, reply_len, MSG_NOSIGNAL) != (ssize_t)reply_len)
		(void)close(fd);
}

static void
echo_serve(int listener, size_t request_len, size_t reply_len)
{
	static char reply[WIRE_MAX];
	struct epoll_event e[ECHO_EVENTS];
	int i, n, set = epoll_create1(EPOLL_CLOEXEC);

	memset(reply, 'r', sizeof(reply));
	echo_watch(set, listener);
	for (;;) {
		n = epoll_wait(set, e, ECHO_EVENTS, -1);
		for (i = 0; i < n; i++)
			if (e[i].data.fd == listener)
				echo_watch(set, accept(listener, NULL, NULL));
			else
				echo_answer(e[i].data.fd, request_len, reply, reply_len);
	}
}

pid_t
echo_start(const char *path, size_t request_len, size_t reply_len)
{
	int listener = wire_listen(path);
	pid_t pid = fork();

	if (pid == -1)
		meter_die("echo: fork");
	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		echo_serve(listener, request_len, reply_len);
	}
	(void)close(listener);
	return pid;
}
