/*
 * run.c - a program in a world where virtual keys are plugged in.  See run.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "sim/run.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sim/run_bed.h"
#include "sim/run_ioctl.h"
#include "sim/run_uevent.h"
#include "tessera.h"

#define FULL_MS		2		/* how often a full pty is looked at */
#define ABSENT_MS	20		/* how often a key that is not there is tried */
#define NOT_STARTED	127

enum place { AT_LISTENER, AT_SIGNALS, AT_WATCH, AT_DEVICES };

struct hub {
	struct run_bus bus;
	struct run_device device[RUN_KEYS_MAX];
	size_t devices;
	int signals, listener;
	pid_t program;
};

/* --- the program's process, and the listener that comes out of it --- */

static int
run_send_fd(int sock, int fd)
{
	char byte = 0, control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec iov = { &byte, 1 };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
		.msg_controllen = sizeof(control) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	return sendmsg(sock, &m, MSG_NOSIGNAL) == 1 ? TSR_OK : TSR_SYSTEM;
}

static int
run_receive_fd(int sock, int *out)
{
	char byte, control[CMSG_SPACE(sizeof(int))];
	struct iovec iov = { &byte, 1 };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
		.msg_controllen = sizeof(control) };
	struct cmsghdr *c;
	ssize_t n;

	do
		n = recvmsg(sock, &m, MSG_CMSG_CLOEXEC);
	while (n == -1 && errno == EINTR);
	if (n != 1 || (c = CMSG_FIRSTHDR(&m)) == NULL || c->cmsg_type != SCM_RIGHTS)
		return TSR_SYSTEM;
	memcpy(out, CMSG_DATA(c), sizeof(*out));
	return TSR_OK;
}

_Noreturn static void
run_child(int sock, pid_t parent, const sigset_t *mask, char *const program[])
{
	int listener;

	(void)prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent || sigprocmask(SIG_SETMASK, mask, NULL) == -1)
		_exit(NOT_STARTED);
	if (run_ioctl_filter(&listener) != TSR_OK) {
		perror("tessera-sim run: a seccomp filter with a listener");
		_exit(NOT_STARTED);
	}
	if (run_send_fd(sock, listener) != TSR_OK)
		_exit(NOT_STARTED);
	(void)close(listener);
	/* libudev asks whether /sys is a sysfs, which ours is not */
	(void)setenv("SYSTEMD_DEVICE_VERIFY_SYSFS", "0", 1);
	(void)execvp(program[0], program);
	(void)fprintf(stderr, "tessera-sim run: %s: %s\n", program[0], strerror(errno));
	_exit(NOT_STARTED);
}

static int
run_start(struct hub *h, const sigset_t *mask, char *const program[])
{
	pid_t self = getpid();
	int pair[2], r;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == -1)
		return TSR_SYSTEM;
	if ((h->program = fork()) == 0) {
		(void)close(pair[0]);
		run_child(pair[1], self, mask, program);
	}
	(void)close(pair[1]);
	r = h->program == -1 ? TSR_SYSTEM : run_receive_fd(pair[0], &h->listener);
	(void)close(pair[0]);
	return r;
}

/* --- the hub --- */

static void
run_plug_all(struct hub *h)
{
	size_t i;

	for (i = 0; i < h->devices; i++)
		if (h->device[i].key == -1 &&
		    run_device_plug(&h->device[i], &h->bus) == TSR_SYSTEM)
			perror("tessera-sim run: a key cannot be plugged in");
}

/* Ptys were opened. */
static void
run_watch(struct hub *h)
{
	char events[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
	const struct inotify_event *e;
	ssize_t n, at;
	size_t i;

	if ((n = read(h->bus.watch, events, sizeof(events))) <= 0)
		return;
	for (at = 0; at < n; at += (ssize_t)(sizeof(*e) + e->len)) {
		e = (const struct inotify_event *)(const void *)(events + at);
		for (i = 0; i < h->devices; i++)
			if (h->device[i].watch == e->wd || (e->mask & IN_Q_OVERFLOW) != 0)
				run_device_opened(&h->device[i]);
	}
}

/* Pass a signal on to the program; true when the program has ended. */
static bool
run_signal(struct hub *h, int *status)
{
	struct signalfd_siginfo si;
	int st;

	if (read(h->signals, &si, sizeof(si)) != (ssize_t)sizeof(si))
		return false;
	/* the terminal's own go to the program anyway */
	if (si.ssi_signo != SIGCHLD && si.ssi_code != SI_KERNEL)
		(void)kill(h->program, (int)si.ssi_signo);
	if (waitpid(h->program, &st, WNOHANG) != h->program)
		return false;
	*status = WIFEXITED(st) ? WEXITSTATUS(st) : 128 + WTERMSIG(st);
	return true;
}

/* Wait for something and do it; true when the program has ended. */
static bool
run_turn(struct hub *h, int *status)
{
	struct pollfd p[AT_DEVICES + 2 * RUN_KEYS_MAX];
	bool full = false, absent = false;
	size_t i;

	p[AT_LISTENER] = (struct pollfd){ .fd = h->listener, .events = POLLIN };
	p[AT_SIGNALS] = (struct pollfd){ .fd = h->signals, .events = POLLIN };
	p[AT_WATCH] = (struct pollfd){ .fd = h->bus.watch, .events = POLLIN };
	for (i = 0; i < h->devices; i++) {
		full |= run_device_poll(&h->device[i], p + AT_DEVICES + 2 * i);
		absent |= h->device[i].key == -1;
	}
	if (poll(p, AT_DEVICES + 2 * (nfds_t)h->devices,
	    full ? FULL_MS : absent ? ABSENT_MS : -1) == -1 && errno != EINTR)
		return true;
	if ((p[AT_LISTENER].revents & POLLIN) != 0)
		run_ioctl_serve(h->listener, h->device, h->devices);
	else if (p[AT_LISTENER].revents != 0)
		h->listener = -1;		/* nobody is filtered any more */
	if (p[AT_WATCH].revents != 0)
		run_watch(h);
	for (i = 0; i < h->devices; i++)
		if (run_device_serve(&h->device[i], p + AT_DEVICES + 2 * i) != TSR_OK)
			run_device_unplug(&h->device[i], &h->bus);
	if (absent)
		run_plug_all(h);
	return p[AT_SIGNALS].revents != 0 && run_signal(h, status);
}

static int
run_open(struct hub *h, sigset_t *mask)
{
	sigset_t set;
	int r;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGCHLD);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGHUP);
	(void)sigaddset(&set, SIGQUIT);
	if (sigprocmask(SIG_BLOCK, &set, mask) == -1 ||
	    (h->signals = signalfd(-1, &set, SFD_CLOEXEC)) == -1 ||
	    (h->bus.watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK)) == -1)
		return TSR_SYSTEM;
	if ((r = run_uevent_open(&h->bus.uevent)) != TSR_OK)
		return r;
	run_plug_all(h);
	return TSR_OK;
}

int
run(char *const key[], size_t keys, uid_t owner, char *const program[], int *status,
    const char **what)
{
	struct hub *h;
	sigset_t mask;
	size_t i;
	int r;

	*what = "the hub";
	if (keys > RUN_KEYS_MAX)
		return TSR_TOO_LARGE;
	if ((h = calloc(1, sizeof(*h))) == NULL)
		return TSR_NOMEM;
	h->bus.owner = owner;
	h->devices = keys;
	for (i = 0; i < keys; i++)
		run_device_init(&h->device[i], key[i], (int)i + 1);
	(void)umask(022);	/* whoever runs in it reads /sys, as in the real one */
	if ((r = run_bed_enter(what)) != TSR_OK)
		goto out;
	*what = "the hub";
	if ((r = run_open(h, &mask)) != TSR_OK)
		goto out;
	*what = program[0];
	*status = NOT_STARTED;
	if ((r = run_start(h, &mask, program)) == TSR_OK)
		while (!run_turn(h, status))
			;
	for (i = 0; i < keys; i++)
		if (h->device[i].key != -1)
			run_device_unplug(&h->device[i], &h->bus);
 out:
	free(h);
	return r;
}
