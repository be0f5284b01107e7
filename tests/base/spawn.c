/*
 * spawn.c - a program is started with what is named and nothing else.
 *
 * SPDX-License-Identifier: ISC
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/spawn.h"
#include "tessera.h"

#define WAIT_MS	20000

static char probe[] = SPAWN_PROBE;

/* What the child says, as a string. */
static void
hear(int sock, char *text, size_t size)
{
	struct pollfd p = { .fd = sock, .events = POLLIN };
	ssize_t n;

	assert_int_equal(poll(&p, 1, WAIT_MS), 1);
	n = read(sock, text, size - 1);
	assert_true(n > 0);
	text[n] = '\0';
}

static int
count_fds(void)
{
	int fd, n = 0;

	for (fd = 0; fd < 1024; fd++)
		n += fcntl(fd, F_GETFD) != -1;
	return n;
}

static void
test_given(void **state)
{
	static char report[] = "report", one[] = "TESSERA_ONE=1";
	char *argv[] = { probe, report, NULL }, *env[] = { one, NULL };
	const struct row {
		const char *name;
		char **env;
		const char *says;
	} rows[] = {
		{ "empty environment", NULL, "fds=4 null=11 env=0 first=- ignored=0 blocked=0 "
		    "death=9 leader=1 cwd=/ blocking=1" },
		{ "named environment", env, "fds=4 null=11 env=1 first=TESSERA_ONE=1 ignored=0 "
		    "blocked=0 death=9 leader=1 cwd=/ blocking=1" },
	};
	char text[512];
	sigset_t usr;
	size_t i;
	int leak[3], pidfd = -1, sock = -1, status, before;
	pid_t pid = -1;

	(void)state;
	/* All of this must not be inherited. */
	leak[0] = open("/dev/zero", O_RDONLY);
	leak[1] = dup2(leak[0], SPAWN_FD + 1);
	leak[2] = dup2(leak[0], 700);
	assert_true(leak[0] != -1 && leak[1] != -1 && leak[2] != -1);
	signal(SIGUSR2, SIG_IGN);
	sigemptyset(&usr);
	sigaddset(&usr, SIGUSR1);
	sigprocmask(SIG_BLOCK, &usr, NULL);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		print_message("%s\n", rows[i].name);
		before = count_fds();
		assert_int_equal(spawn_helper(probe, argv, rows[i].env, &pid, &pidfd, &sock),
		    TSR_OK);
		assert_int_equal(fcntl(sock, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
		assert_int_equal(fcntl(sock, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
		if (pidfd != -1)
			assert_int_equal(fcntl(pidfd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
		hear(sock, text, sizeof(text));
		assert_string_equal(text, rows[i].says);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(status, 0);
		close(sock);
		if (pidfd != -1)
			close(pidfd);
		assert_int_equal(count_fds(), before);
	}
	sigprocmask(SIG_UNBLOCK, &usr, NULL);
	close(leak[0]);
	close(leak[1]);
	close(leak[2]);
}

static void
test_no_stdio(void **state)
{
	static char report[] = "report";
	char *argv[] = { probe, report, NULL }, text[512] = "";
	int pipefd[2], pidfd, sock, status;
	pid_t pid, child;

	(void)state;
	assert_int_equal(pipe2(pipefd, O_CLOEXEC), 0);
	/* A parent in which 0 to 3 are closed, so that all numbers collide. */
	if ((child = fork()) == 0) {
		for (int fd = 0; fd <= SPAWN_FD; fd++)
			if (fd != pipefd[1])
				close(fd);
		if (spawn_helper(probe, argv, NULL, &pid, &pidfd, &sock) != TSR_OK)
			_exit(1);
		waitpid(pid, &status, 0);
		if (read(sock, text, sizeof(text)) <= 0 ||
		    write(pipefd[1], text, sizeof(text)) != sizeof(text))
			_exit(1);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_int_equal(read(pipefd[0], text, sizeof(text)), sizeof(text));
	assert_string_equal(text, "fds=4 null=11 env=0 first=- ignored=0 blocked=0 "
	    "death=9 leader=1 cwd=/ blocking=1");
	close(pipefd[0]);
	close(pipefd[1]);
}

static void
test_refused(void **state)
{
	static const struct row {
		const char *name, *path;
		int code, error;
	} rows[] = {
		{ "absent", "/nonexistent/program", TSR_SYSTEM, ENOENT },
		{ "a folder", "/", TSR_SYSTEM, EACCES },
		{ "not a program", "/etc/passwd", TSR_SYSTEM, EACCES },
		{ "relative path", "bin/true", TSR_INVALID, 0 },
		{ "empty path", "", TSR_INVALID, 0 },
	};
	static char name[] = "x";
	char *argv[] = { name, NULL };
	int pidfd = -7, sock = -7, before = count_fds();
	pid_t pid = -7;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		print_message("%s\n", rows[i].name);
		errno = 0;
		assert_int_equal(spawn_helper(rows[i].path, argv, NULL, &pid, &pidfd, &sock),
		    rows[i].code);
		assert_int_equal(errno, rows[i].error);
		assert_true(pid == -7 && pidfd == -7 && sock == -7);
		assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
		assert_int_equal(errno, ECHILD);
		assert_int_equal(count_fds(), before);
	}
}

static void
test_dies_with_parent(void **state)
{
	static char wait_mode[] = "wait";
	char *argv[] = { probe, wait_mode, NULL }, text[16];
	int pipefd[2], pidfd, sock, status;
	pid_t pid = -1, parent;

	(void)state;
	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	assert_int_equal(pipe2(pipefd, O_CLOEXEC), 0);
	if ((parent = fork()) == 0) {
		if (spawn_helper(probe, argv, NULL, &pid, &pidfd, &sock) != TSR_OK)
			_exit(1);
		hear(sock, text, sizeof(text));
		_exit(write(pipefd[1], &pid, sizeof(pid)) != sizeof(pid));
	}
	assert_int_equal(waitpid(parent, &status, 0), parent);
	assert_int_equal(status, 0);
	assert_int_equal(read(pipefd[0], &pid, sizeof(pid)), sizeof(pid));
	/* It is ours to reap now; without the signal this waits for ever. */
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 0), 0);
	close(pipefd[0]);
	close(pipefd[1]);
}

static void
test_fix_fds(void **state)
{
	struct sigaction sa;
	int status;
	pid_t pid;

	(void)state;
	if ((pid = fork()) == 0) {
		close(0);
		close(2);
		signal(SIGPIPE, SIG_DFL);
		umask(0);
		if (spawn_fix_fds() != TSR_OK || fcntl(0, F_GETFD) == -1 ||
		    fcntl(2, F_GETFD) == -1 || sigaction(SIGPIPE, NULL, &sa) == -1)
			_exit(1);
		_exit(sa.sa_handler != SIG_IGN || umask(0) != 077 || open("/", O_RDONLY) < 3);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void
test_close_from(void **state)
{
	static const int keep[] = { 40, 12, 3, 12, 1 };
	static const struct row {
		int fd, stays;
	} rows[] = {
		{ 9, 1 }, { 10, 0 }, { 11, 0 }, { 12, 1 }, { 13, 0 }, { 39, 0 }, { 40, 1 },
		{ 41, 0 }, { 600, 0 },
	};
	size_t i;
	int null, status;
	pid_t pid;

	(void)state;
	if ((pid = fork()) == 0) {
		null = open("/dev/null", O_RDWR);
		for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
			dup2(null, rows[i].fd);
		if (spawn_close_from(10, keep, sizeof(keep) / sizeof(keep[0])) != TSR_OK)
			_exit(1);
		for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
			if ((fcntl(rows[i].fd, F_GETFD) != -1) != rows[i].stays)
				_exit(2);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_given),
		cmocka_unit_test(test_no_stdio),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_dies_with_parent),
		cmocka_unit_test(test_fix_fds),
		cmocka_unit_test(test_close_from),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
