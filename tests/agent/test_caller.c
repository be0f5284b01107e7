/*
 * test_caller.c - the kernel's word on who connected: process, groups, unit.
 *
 * SPDX-License-Identifier: ISC
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/caller.h"
#include "agent/caller_unit.h"
#include "tessera.h"

static const struct unit_row {
	const char *name, *text, *unit;	/* unit NULL: none */
} unit_rows[] = {
	{ "a service", "0::/system.slice/gdm.service\n", "gdm.service" },
	{ "a hybrid machine: other hierarchies first",
	    "12:pids:/evil.service\n1:name=systemd:/system.slice/other.service\n"
	    "0::/system.slice/ssh.service\n", "ssh.service" },
	{ "an instance in its slice", "0::/system.slice/system-getty.slice/getty@tty1.service\n",
	    "getty@tty1.service" },
	{ "slices in slices", "0::/system.slice/system-a.slice/system-a-b.slice/x.service\n", "x.service" },
	{ "an escaped name", "0::/system.slice/system-cups\\x2dx.slice/a\\x2db.service\n",
	    "a\\x2db.service" },

	{ "no v2 line", "1:name=systemd:/system.slice/gdm.service\n", NULL },
	{ "a v1 line that looks like it", "10::/system.slice/gdm.service\n", NULL },
	{ "two v2 lines", "0::/system.slice/a.service\n0::/system.slice/b.service\n", NULL },
	{ "nothing", "", NULL },
	{ "cut off", "0::/system.slice/gdm.service", NULL },
	{ "the root", "0::/\n", NULL },
	{ "system.slice itself", "0::/system.slice\n", NULL },
	{ "a user unit named like a system unit",
	    "0::/user.slice/user-1000.slice/user@1000.service/app.slice/gdm.service\n", NULL },
	{ "a user's system.slice",
	    "0::/user.slice/user-1000.slice/user@1000.service/system.slice/gdm.service\n", NULL },
	{ "a session", "0::/user.slice/user-1000.slice/session-2.scope\n", NULL },
	{ "delegated: below a service", "0::/system.slice/docker.service/gdm.service\n", NULL },
	{ "delegated: any directory below a service", "0::/system.slice/gdm.service/init\n", NULL },
	{ "delegated: below a scope", "0::/system.slice/docker-1.scope/gdm.service\n", NULL },
	{ "a scope", "0::/system.slice/docker-1.scope\n", NULL },
	{ "a slice that is not of its parent", "0::/system.slice/evil.slice/gdm.service\n", NULL },
	{ "a slice whose name only begins alike", "0::/system.slice/systemd.slice/gdm.service\n", NULL },
	{ "another top", "0::/machine.slice/gdm.service\n", NULL },
	{ "below another top", "0::/docker/1/system.slice/gdm.service\n", NULL },
	{ "outside our cgroup namespace", "0::/../system.slice/gdm.service\n", NULL },
	{ "outside, further down", "0::/system.slice/../gdm.service\n", NULL },
	{ "outside, a sibling", "0::/../../gdm.service\n", NULL },
	{ "a dot", "0::/system.slice/./gdm.service\n", NULL },
	{ "two slashes", "0::/system.slice//gdm.service\n", NULL },
	{ "a slash at the end", "0::/system.slice/gdm.service/\n", NULL },
	{ "a removed cgroup", "0::/system.slice/gdm.service (deleted)\n", NULL },
	{ "the suffix alone", "0::/system.slice/.service\n", NULL },
	{ "a byte no unit has", "0::/system.slice/gd m.service\n", NULL },
	{ "no slash in front", "0::system.slice/gdm.service\n", NULL },
};

static const struct slice_row {
	const char *name, *text;
	long long uid;			/* -1: none */
} slice_rows[] = {
	{ "a session", "0::/user.slice/user-1000.slice/session-2.scope\n", 1000 },
	{ "uid 0", "0::/user.slice/user-0.slice/session-1.scope\n", 0 },
	{ "the slice itself", "0::/user.slice/user-7.slice\n", 7 },
	{ "the largest", "0::/user.slice/user-4294967294.slice\n", 4294967294 },
	{ "(uid_t)-1", "0::/user.slice/user-4294967295.slice\n", -1 },
	{ "too large", "0::/user.slice/user-4294968296.slice\n", -1 },
	{ "a zero in front", "0::/user.slice/user-01.slice\n", -1 },
	{ "no number", "0::/user.slice/user-.slice\n", -1 },
	{ "a sign", "0::/user.slice/user--1.slice\n", -1 },
	{ "letters", "0::/user.slice/user-1a.slice\n", -1 },
	{ "a service", "0::/system.slice/user-1.slice/x.service\n", -1 },
	{ "not at the top", "0::/x/user.slice/user-1.slice\n", -1 },
	{ "outside", "0::/../user.slice/user-1.slice\n", -1 },
};

static void
test_unit_rows(void **state)
{
	char unit[CALLER_UNIT_MAX], long_name[400];
	uid_t uid;
	size_t i;
	int r;

	(void)state;
	for (i = 0; i < sizeof(unit_rows) / sizeof(unit_rows[0]); i++) {
		(void)snprintf(unit, sizeof(unit), "untouched");
		r = caller_unit_parse(unit_rows[i].text, strlen(unit_rows[i].text), unit);
		if (r != (unit_rows[i].unit == NULL ? TSR_NOT_FOUND : TSR_OK) ||
		    strcmp(unit, unit_rows[i].unit == NULL ? "untouched" : unit_rows[i].unit) != 0)
			fail_msg("%s: %d %s", unit_rows[i].name, r, unit);
	}
	for (i = 0; i < sizeof(slice_rows) / sizeof(slice_rows[0]); i++) {
		uid = 77;
		r = caller_user_slice_parse(slice_rows[i].text, strlen(slice_rows[i].text), &uid);
		if (r != (slice_rows[i].uid < 0 ? TSR_NOT_FOUND : TSR_OK) ||
		    uid != (slice_rows[i].uid < 0 ? 77 : (uid_t)slice_rows[i].uid))
			fail_msg("%s", slice_rows[i].name);
	}
	i = (size_t)snprintf(long_name, sizeof(long_name), "0::/system.slice/%0300d.service\n", 0);
	assert_int_equal(caller_unit_parse(long_name, i, unit), TSR_NOT_FOUND);
}

/* A process may call itself anything. */
static void
call_itself(void)
{
	if (prctl(PR_SET_NAME, "names \\itself") != 0)
		_exit(1);
}

/* A connection whose peer is a child that runs fn and then waits for the end of
 * hold; the accepted side. */
static int
peer(void (*fn)(void), int *hold, pid_t *child)
{
	struct sockaddr_un at;
	socklen_t len = sizeof(at.sun_family);
	int listener, fd, pipes[2], client;
	char c;

	memset(&at, 0, sizeof(at));
	at.sun_family = AF_UNIX;
	listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(listener != -1);
	assert_int_equal(bind(listener, (const struct sockaddr *)&at, len), 0);	/* a name of the kernel's */
	assert_int_equal(listen(listener, 1), 0);
	len = sizeof(at);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&at, &len), 0);
	assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
	if ((*child = fork()) == 0) {
		close(pipes[1]);
		if (fn != NULL)
			fn();
		client = socket(AF_UNIX, SOCK_STREAM, 0);
		if (connect(client, (const struct sockaddr *)&at, len) != 0)
			_exit(1);
		_exit(read(pipes[0], &c, 1) != 0);
	}
	close(pipes[0]);
	*hold = pipes[1];
	fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	assert_true(fd != -1);
	close(listener);
	return fd;
}

static void
peer_end(int hold, pid_t child)
{
	int status;

	close(hold);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

static size_t
open_fds(void)
{
	size_t n = 0;
	int fd;

	for (fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) != -1;
	return n;
}

static void
test_read(void **state)
{
	struct caller c, other;
	size_t before = open_fds();
	pid_t child;
	int use_pidfd, hold, fd;
	char program[CALLER_PROGRAM_MAX];

	(void)state;
	for (use_pidfd = 0; use_pidfd < 2; use_pidfd++) {
		fd = peer(call_itself, &hold, &child);
		assert_int_equal(caller_read(fd, use_pidfd, &c), TSR_OK);
		assert_int_equal(c.uid, getuid());
		assert_int_equal(c.gid, getgid());
		assert_int_equal(c.pid, child);
		assert_true(c.start_time > 0);
		assert_true(c.pidfd != -1);
		assert_true((fcntl(c.pidfd, F_GETFD) & FD_CLOEXEC) != 0);
		assert_true(caller_alive(&c));
		assert_true(caller_in_group(&c, getgid()));
		assert_false(caller_in_group(&c, 54321));
		caller_program(&c, program);
		assert_string_equal(program, "names \\x5citself");

		/* Without a pidfd, the PID and its start time are the process. */
		other = c;
		other.pidfd = -1;
		assert_true(caller_alive(&other));
		other.start_time++;	/* the PID used again */
		assert_false(caller_alive(&other));
		caller_program(&other, program);
		assert_string_equal(program, "");

		peer_end(hold, child);
		assert_false(caller_alive(&c));
		other.start_time--;
		assert_false(caller_alive(&other));
		caller_clear(&c);
		assert_int_equal(c.pidfd, -1);
		/* gone before we looked */
		assert_int_equal(caller_read(fd, use_pidfd, &c), TSR_CLOSED);
		close(fd);
	}
	assert_int_equal(open_fds(), before);
}

/* A process that has ended and that nobody has waited for is gone. */
static void
test_zombie(void **state)
{
	struct caller c, other;
	siginfo_t si;
	pid_t child;
	int hold, fd;

	(void)state;
	fd = peer(NULL, &hold, &child);
	assert_int_equal(caller_read(fd, 1, &c), TSR_OK);
	other = c;
	other.pidfd = -1;
	close(hold);
	assert_int_equal(waitid(P_PID, (id_t)child, &si, WEXITED | WNOWAIT), 0);
	assert_false(caller_alive(&c));
	assert_false(caller_alive(&other));
	caller_clear(&c);
	assert_int_equal(caller_read(fd, 1, &c), TSR_CLOSED);
	assert_int_equal(caller_read(fd, 0, &c), TSR_CLOSED);
	assert_int_equal(waitpid(child, NULL, 0), child);
	close(fd);
}

static void
become_daemon_with_groups(void)
{
	gid_t many[CALLER_GROUPS_MAX + 50];
	size_t i;

	for (i = 0; i < CALLER_GROUPS_MAX + 50; i++)
		many[i] = (gid_t)(1000 + i);
	if (setgroups(CALLER_GROUPS_MAX + 50, many) != 0 || setresgid(1, 1, 1) != 0 ||
	    setresuid(1, 1, 1) != 0)
		_exit(99);
}

static void
test_groups(void **state)
{
	struct caller c;
	pid_t child;
	int hold, fd;

	(void)state;
	if (geteuid() != 0)
		skip();
	fd = peer(become_daemon_with_groups, &hold, &child);
	assert_int_equal(caller_read(fd, 1, &c), TSR_OK);
	assert_int_equal(c.uid, 1);
	assert_int_equal(c.gid, 1);
	assert_int_equal(c.n_groups, CALLER_GROUPS_MAX);
	assert_true(caller_in_group(&c, 1));
	assert_true(caller_in_group(&c, 1000));
	assert_false(caller_in_group(&c, 999));
	caller_clear(&c);
	close(fd);
	peer_end(hold, child);
}

static void
become_nobody(void)
{
	if (setresuid(65534, 65534, 65534) != 0)
		_exit(99);
}

static void
test_unmapped(void **state)
{
	struct caller c;
	pid_t child;
	int hold, fd;

	(void)state;
	if (geteuid() != 0)
		skip();
	fd = peer(become_nobody, &hold, &child);
	assert_int_equal(caller_read(fd, 1, &c), TSR_DENIED);
	close(fd);
	peer_end(hold, child);
}

static void
rename_to_brackets(void)
{
	int fd = open("/proc/self/comm", O_WRONLY);

	if (fd == -1 || write(fd, "a) Z 1 2", 8) != 8)
		_exit(99);
	close(fd);
}

/* A process may give itself a name that looks like the fields after it. */
static void
test_hostile_name(void **state)
{
	struct caller c;
	pid_t child;
	int hold, fd;

	(void)state;
	fd = peer(rename_to_brackets, &hold, &child);
	assert_int_equal(caller_read(fd, 0, &c), TSR_OK);
	assert_true(caller_alive(&c));
	caller_clear(&c);
	close(fd);
	peer_end(hold, child);
}

/* The v2 tree, wherever it is mounted. */
static const char *
cgroup_root(void)
{
	static const char *const roots[] = { "/sys/fs/cgroup/unified", "/sys/fs/cgroup" };
	char path[128];
	size_t i;

	for (i = 0; i < 2; i++) {
		(void)snprintf(path, sizeof(path), "%s/cgroup.procs", roots[i]);
		if (access(path, W_OK) == 0)
			return roots[i];
	}
	return NULL;
}

static char cgroup_dir[256];

static void
enter_cgroup(void)
{
	char path[300];
	int fd;

	(void)snprintf(path, sizeof(path), "%s/cgroup.procs", cgroup_dir);
	if ((fd = open(path, O_WRONLY)) == -1 || write(fd, "0", 1) != 1)
		_exit(99);
	close(fd);
}

static void
test_real_cgroup(void **state)
{
	const char *root = cgroup_root();
	char slice[128], want[64], unit[CALLER_UNIT_MAX];
	struct caller c;
	uid_t uid;
	pid_t child;
	int hold, fd, made;

	(void)state;
	if (geteuid() != 0 || root == NULL)
		skip();
	(void)snprintf(slice, sizeof(slice), "%s/system.slice", root);
	(void)snprintf(want, sizeof(want), "tessera-test-%d.service", (int)getpid());
	(void)snprintf(cgroup_dir, sizeof(cgroup_dir), "%s/%s", slice, want);
	made = mkdir(slice, 0755) == 0;
	if (mkdir(cgroup_dir, 0755) != 0)
		skip();

	fd = peer(NULL, &hold, &child);
	assert_int_equal(caller_read(fd, 1, &c), TSR_OK);
	assert_int_equal(caller_unit(&c, unit), TSR_NOT_FOUND);
	caller_clear(&c);
	close(fd);
	peer_end(hold, child);

	fd = peer(enter_cgroup, &hold, &child);
	assert_int_equal(caller_read(fd, 1, &c), TSR_OK);
	assert_int_equal(caller_unit(&c, unit), TSR_OK);
	assert_string_equal(unit, want);
	assert_int_equal(caller_user_slice(&c, &uid), TSR_NOT_FOUND);
	peer_end(hold, child);
	/* It has ended: nothing is read of whoever has the PID now. */
	assert_int_equal(caller_unit(&c, unit), TSR_CLOSED);
	caller_clear(&c);
	close(fd);
	assert_int_equal(rmdir(cgroup_dir), 0);
	if (made)
		(void)rmdir(slice);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_unit_rows),
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_zombie),
		cmocka_unit_test(test_groups),
		cmocka_unit_test(test_unmapped),
		cmocka_unit_test(test_hostile_name),
		cmocka_unit_test(test_real_cgroup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
