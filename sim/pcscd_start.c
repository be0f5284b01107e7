/*
 * pcscd_start.c - starting an isolated pcscd.  See pcscd.h.
 *
 * Where pcscd's socket lies is compiled in, but it takes one by socket
 * activation (sd_listen_fds(3)).
 *
 * SPDX-License-Identifier: ISC
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/spawn.h"
#include "sim/file.h"
#include "sim/pcscd.h"
#include "sim/pcscd_conf.h"
#include "tessera.h"

#define ITS_FOLDER	"/run/pcscd"	/* pcscd does not start without */
#define START_MS	15000		/* for all readers to be there */
#define POLL_MS		10
#define STARTS		3		/* with other ports, where somebody took ours */
#define ACTIVATED_FD	3		/* SD_LISTEN_FDS_START */
#define BACKLOG		128
#define LOG_MAX		(1u << 20)	/* bytes of its log */

static int
start_listen(const char *folder, int *out)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd;

	if (snprintf(sun.sun_path, sizeof(sun.sun_path), "%s/%s", folder, PCSCD_SOCKET) >=
	    (int)sizeof(sun.sun_path))
		return TSR_TOO_LARGE;
	(void)unlink(sun.sun_path);
	if ((fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) == -1)
		return TSR_SYSTEM;
	/* every user, as with the system's own; the folder may be narrower */
	if (bind(fd, (struct sockaddr *)&sun, sizeof(sun)) == -1 || chmod(sun.sun_path, 0666) == -1 ||
	    listen(fd, BACKLOG) == -1) {
		(void)close(fd);
		return TSR_SYSTEM;
	}
	*out = fd;
	return TSR_OK;
}

static int
start_note(const char *path, const char *text)
{
	int fd, ok;

	if ((fd = open(path, O_WRONLY | O_CLOEXEC)) == -1)
		return TSR_SYSTEM;
	ok = write(fd, text, strlen(text)) == (ssize_t)strlen(text);
	(void)close(fd);
	return ok ? TSR_OK : TSR_SYSTEM;
}

/* Every folder on the way to path. */
static void
start_folders(const char *path)
{
	char part[PATH_MAX];
	size_t i;

	for (i = 1; i < sizeof(part) - 1 && path[i] != '\0'; i++) {
		if (path[i] != '/')
			continue;
		memcpy(part, path, i);
		part[i] = '\0';
		(void)mkdir(part, 0755);
	}
	(void)mkdir(path, 0755);
}

/* In the child: a /run of our own with what pcscd wants there, and with our
 * folder where that lies below it. */
static int
start_own_run(const char *folder)
{
	char users[64], groups[64], here[64];
	int dirfd;

	if (mkdir(ITS_FOLDER, 0755) == 0)
		return TSR_OK;
	(void)snprintf(users, sizeof(users), "0 %u 1\n", (unsigned)geteuid());
	(void)snprintf(groups, sizeof(groups), "0 %u 1\n", (unsigned)getegid());
	/* user_namespaces(7): no groups may be set before they are mapped */
	if (unshare(CLONE_NEWUSER | CLONE_NEWNS) == -1 ||
	    start_note("/proc/self/uid_map", users) != TSR_OK ||
	    start_note("/proc/self/setgroups", "deny") != TSR_OK ||
	    start_note("/proc/self/gid_map", groups) != TSR_OK ||
	    /* of this namespace: only that can be bound */
	    (dirfd = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC)) == -1 ||
	    mount("tmpfs", "/run", "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755") == -1 ||
	    mkdir(ITS_FOLDER, 0755) == -1)
		return TSR_SYSTEM;
	if (strncmp(folder, "/run/", 5) != 0)
		return TSR_OK;
	start_folders(folder);
	(void)snprintf(here, sizeof(here), "/proc/self/fd/%d", dirfd);
	return mount(here, folder, NULL, MS_BIND | MS_REC, NULL) == -1 ? TSR_SYSTEM : TSR_OK;
}

/* As if a service manager had started it; its log grows no further than LOG_MAX
 * and then takes nothing more. */
static void
start_afresh(int foreground)
{
	static const struct rlimit limit = { .rlim_cur = LOG_MAX, .rlim_max = LOG_MAX };
	sigset_t none;

	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	(void)signal(SIGPIPE, SIG_DFL);
	(void)signal(SIGXFSZ, SIG_IGN);
	(void)setrlimit(RLIMIT_FSIZE, &limit);
	if (foreground)
		(void)prctl(PR_SET_PDEATHSIG, SIGTERM);
	else
		(void)setsid();
}

static _Noreturn void
start_child(const struct pcscd_setup *s, int sock, int log)
{
	static const char *const places[] = { "/usr/sbin/pcscd", "/usr/bin/pcscd", "/sbin/pcscd" };
	static const int keep[] = { ACTIVATED_FD };
	char conf[PATH_MAX], pid[48], path[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
	char fds[] = "LISTEN_FDS=1", name[] = "pcscd", foreground[] = "-f", errors[] = "-e", dash_c[] = "-c";
	char *argv[] = { name, foreground, errors, dash_c, conf, NULL };
	char *env[] = { pid, fds, path, NULL };
	struct stat st;
	size_t i;

	start_afresh(s->foreground);
	(void)snprintf(conf, sizeof(conf), "%s/conf", s->folder);
	(void)snprintf(pid, sizeof(pid), "LISTEN_PID=%ld", (long)getpid());
	if (dup2(open("/dev/null", O_RDWR | O_CLOEXEC), STDIN_FILENO) == -1 ||
	    dup2(log, STDOUT_FILENO) == -1 || dup2(log, STDERR_FILENO) == -1)
		_exit(126);
	if (stat(ITS_FOLDER, &st) == -1 && start_own_run(s->folder) != TSR_OK) {
		perror(ITS_FOLDER);
		_exit(126);
	}
	/* dup2 of a descriptor to itself would leave it CLOEXEC */
	if ((sock == ACTIVATED_FD ? fcntl(sock, F_SETFD, 0) : dup2(sock, ACTIVATED_FD)) == -1 ||
	    spawn_close_from(ACTIVATED_FD, keep, 1) != TSR_OK)
		_exit(126);
	for (i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		(void)execve(places[i], argv, env);
	_exit(127);
}

/* Until each reader listens.  TSR_TIMEOUT, TSR_CLOSED with the child's status
 * where it has ended. */
static int
start_wait(pid_t pid, const uint16_t *port, unsigned readers, int *status)
{
	unsigned i = 0;
	int waited;

	for (waited = 0; waited < START_MS; waited += POLL_MS) {
		while (i < readers && pcscd_conf_listens(pid, port[i]))
			i++;
		if (i == readers)
			return TSR_OK;
		if (waitpid(pid, status, WNOHANG) == pid)
			return TSR_CLOSED;
		(void)poll(NULL, 0, POLL_MS);
	}
	return TSR_TIMEOUT;
}

static int
start_once(const struct pcscd_setup *s, int dirfd, int sock, pid_t *out)
{
	uint16_t port[PCSCD_READERS_MAX];
	char text[32];
	int log, status = 0, r;
	pid_t pid;

	if ((r = pcscd_conf_write(s, dirfd, port)) != TSR_OK)
		return r;
	if ((log = openat(dirfd, "log", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644)) == -1)
		return TSR_SYSTEM;
	if ((pid = fork()) == 0)
		start_child(s, sock, log);
	(void)close(log);
	if (pid == -1)
		return TSR_SYSTEM;
	(void)snprintf(text, sizeof(text), "%ld\n", (long)pid);
	if ((r = file_replace(dirfd, "pid", text, strlen(text))) == TSR_OK)
		r = start_wait(pid, port, s->readers, &status);
	if (r == TSR_OK) {
		*out = pid;
		return TSR_OK;
	}
	if (r != TSR_CLOSED) {
		(void)kill(pid, SIGKILL);
		(void)waitpid(pid, &status, 0);
	}
	(void)unlinkat(dirfd, "pid", 0);
	if (r == TSR_CLOSED)
		r = WIFEXITED(status) && WEXITSTATUS(status) == 127 ? TSR_NOT_FOUND : TSR_TIMEOUT;
	return r;
}

int
pcscd_start(const struct pcscd_setup *s, pid_t *pid)
{
	int dirfd = -1, sock = -1, i, r;

	if (pcscd_running(s->folder, pid) == TSR_OK)
		return TSR_CONFLICT;
	if ((r = file_folder(s->folder, 0, &dirfd)) != TSR_OK)
		return r;
	if ((r = start_listen(s->folder, &sock)) == TSR_OK) {
		r = TSR_TIMEOUT;
		for (i = 0; i < STARTS && r == TSR_TIMEOUT; i++)
			r = start_once(s, dirfd, sock, pid);
		(void)close(sock);
	}
	if (r != TSR_OK)
		(void)unlinkat(dirfd, PCSCD_SOCKET, 0);
	(void)close(dirfd);
	return r;
}
