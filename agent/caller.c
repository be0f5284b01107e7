/*
 * caller.c - see caller.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/caller.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "agent/caller_unit.h"
#include "base/escape.h"
#include "tessera.h"

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD	77	/* Linux 6.5 */
#endif

#define GROUPS_MAX	65536	/* NGROUPS_MAX of the kernel */
#define PROC_MAX	8192	/* bytes of a file of /proc that are read */
#define STAT_START_TIME	22	/* proc_pid_stat(5) */
#define CGROUP_NS_INIT	0xeffffffbu	/* inode of the initial cgroup namespace */

/* Read /proc/PID/name into out, terminated.  The bytes read; TSR_CLOSED where
 * the process is gone, TSR_TOO_LARGE, TSR_SYSTEM. */
static ssize_t
caller_proc(pid_t pid, const char *name, char out[PROC_MAX])
{
	char path[64];
	size_t at;
	ssize_t n = 0;
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/%ld/%s", (long)pid, name);
	if ((fd = open(path, O_RDONLY | O_CLOEXEC)) == -1)
		return errno == ENOENT || errno == ESRCH ? TSR_CLOSED : TSR_SYSTEM;
	for (at = 0; at < PROC_MAX && (n = read(fd, out + at, PROC_MAX - at)) > 0; at += (size_t)n)
		continue;
	if (n == -1)
		n = errno == ESRCH ? TSR_CLOSED : TSR_SYSTEM;
	(void)close(fd);
	if (n < 0)
		return n;
	if (at == PROC_MAX)
		return TSR_TOO_LARGE;
	out[at] = '\0';
	return (ssize_t)at;
}

/* Field 22 of /proc/PID/stat, and TSR_CLOSED for a zombie.  The name in field 2
 * may hold anything, a bracket too: fields are counted from the last one. */
static int
caller_start_time(pid_t pid, uint64_t *start)
{
	char text[PROC_MAX], *p;
	ssize_t n;
	int field;

	if ((n = caller_proc(pid, "stat", text)) < 0)
		return (int)n;
	if ((p = strrchr(text, ')')) == NULL || p[1] != ' ')
		return TSR_SYSTEM;
	p += 2;
	if (*p == 'Z' || *p == 'X')
		return TSR_CLOSED;
	for (field = 3; field < STAT_START_TIME; field++)
		if ((p = strchr(p, ' ')) == NULL)
			return TSR_SYSTEM;
		else
			p++;
	errno = 0;
	*start = strtoull(p, NULL, 10);
	return errno == 0 ? TSR_OK : TSR_SYSTEM;
}

static int
caller_groups(int sock, struct caller *c)
{
	gid_t *all = NULL;
	socklen_t len = sizeof(c->groups);
	size_t n;

	if (getsockopt(sock, SOL_SOCKET, SO_PEERGROUPS, c->groups, &len) == 0) {
		c->n_groups = len / sizeof(gid_t);
		return TSR_OK;
	}
	if (errno != ERANGE || len > GROUPS_MAX * sizeof(gid_t))
		return TSR_SYSTEM;
	if ((all = malloc(len)) == NULL)
		return TSR_NOMEM;
	if (getsockopt(sock, SOL_SOCKET, SO_PEERGROUPS, all, &len) != 0) {
		free(all);
		return TSR_SYSTEM;
	}
	n = len / sizeof(gid_t);
	c->n_groups = n < CALLER_GROUPS_MAX ? n : CALLER_GROUPS_MAX;
	memcpy(c->groups, all, c->n_groups * sizeof(gid_t));
	free(all);
	return TSR_OK;
}

/* Pin the process: by the socket's own pidfd, which cannot be another's, else
 * by one opened between two equal looks at the start time. */
static int
caller_pin(int sock, int use_pidfd, struct caller *c)
{
	socklen_t len = sizeof(c->pidfd);
	uint64_t again;
	int fd = -1, r;

	if (use_pidfd && getsockopt(sock, SOL_SOCKET, SO_PEERPIDFD, &fd, &len) == 0) {
		(void)fcntl(fd, F_SETFD, FD_CLOEXEC);
		c->pidfd = fd;
		if ((r = caller_start_time(c->pid, &c->start_time)) != TSR_OK)
			return r;
		return caller_alive(c) ? TSR_OK : TSR_CLOSED;
	}
	if ((r = caller_start_time(c->pid, &c->start_time)) != TSR_OK)
		return r;
	c->pidfd = (int)syscall(SYS_pidfd_open, c->pid, 0);
	if (c->pidfd == -1)
		return errno == ESRCH ? TSR_CLOSED : TSR_OK;
	if ((r = caller_start_time(c->pid, &again)) != TSR_OK)
		return r;
	return again == c->start_time ? TSR_OK : TSR_CLOSED;
}

int
caller_read(int sock, int use_pidfd, struct caller *out)
{
	struct caller c;
	struct ucred peer;
	socklen_t len = sizeof(peer);
	int r;

	memset(&c, 0, sizeof(c));
	c.pidfd = -1;
	if (getsockopt(sock, SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0 || len != sizeof(peer))
		return TSR_SYSTEM;
	if (peer.uid == CALLER_UNMAPPED || peer.uid == (uid_t)-1 || peer.pid <= 0)
		return TSR_DENIED;
	c.uid = peer.uid;
	c.gid = peer.gid;
	c.pid = peer.pid;
	if ((r = caller_groups(sock, &c)) != TSR_OK || (r = caller_pin(sock, use_pidfd, &c)) != TSR_OK) {
		caller_clear(&c);
		return r;
	}
	*out = c;
	return TSR_OK;
}

void
caller_clear(struct caller *c)
{
	if (c->pidfd != -1)
		(void)close(c->pidfd);
	memset(c, 0, sizeof(*c));
	c->pidfd = -1;
}

int
caller_alive(const struct caller *c)
{
	struct pollfd p = { .fd = c->pidfd, .events = POLLIN };
	uint64_t now;

	if (c->pidfd != -1)
		return poll(&p, 1, 0) == 0;
	return c->pid > 0 && caller_start_time(c->pid, &now) == TSR_OK && now == c->start_time;
}

int
caller_in_group(const struct caller *c, gid_t gid)
{
	size_t i;

	if (c->gid == gid)
		return 1;
	for (i = 0; i < c->n_groups; i++)
		if (c->groups[i] == gid)
			return 1;
	return 0;
}

/* /proc/PID/cgroup while the PID is the caller's, before and after. */
static ssize_t
caller_cgroup(const struct caller *c, char text[PROC_MAX])
{
	static ino_t ours;	/* never changes */
	struct stat st;
	ssize_t n;

	/* Paths are told relative to the reader's namespace. */
	if (ours == 0 && stat("/proc/self/ns/cgroup", &st) == 0)
		ours = st.st_ino;
	if (ours != CGROUP_NS_INIT)
		return TSR_NOT_FOUND;
	if (!caller_alive(c))
		return TSR_CLOSED;
	if ((n = caller_proc(c->pid, "cgroup", text)) < 0)
		return n == TSR_CLOSED ? TSR_CLOSED : TSR_NOT_FOUND;
	return caller_alive(c) ? n : TSR_CLOSED;
}

int
caller_unit(const struct caller *c, char unit[CALLER_UNIT_MAX])
{
	char text[PROC_MAX];
	ssize_t n;

	if ((n = caller_cgroup(c, text)) < 0)
		return (int)n;
	return caller_unit_parse(text, (size_t)n, unit);
}

int
caller_user_slice(const struct caller *c, uid_t *uid)
{
	char text[PROC_MAX];
	ssize_t n;

	if ((n = caller_cgroup(c, text)) < 0)
		return (int)n;
	return caller_user_slice_parse(text, (size_t)n, uid);
}

void
caller_program(const struct caller *c, char program[CALLER_PROGRAM_MAX])
{
	char text[PROC_MAX];
	ssize_t n;

	program[0] = '\0';
	if ((n = caller_proc(c->pid, "comm", text)) < 0)
		return;
	if (n > 0 && text[n - 1] == '\n')
		n--;
	if (caller_alive(c))
		(void)escape_text(program, CALLER_PROGRAM_MAX, text, (size_t)n);
}
