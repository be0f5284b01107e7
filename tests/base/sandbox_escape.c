/*
 * sandbox_escape.c - every way out that we know, tried from inside every role.
 *
 * As root each attempt is first made without a role, where it must work:
 * otherwise its failure inside would show nothing.
 *
 * SPDX-License-Identifier: ISC
 */
#include "breakout.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/sandbox.h"
#include "base/sandbox_landlock.h"
#include "tessera.h"

uint16_t breakout_tcp_port;
struct sockaddr_un breakout_abstract;
socklen_t breakout_abstract_len;

static char top[PATH_MAX - 64];

const char *
breakout_path(const char *name)
{
	static char path[4][PATH_MAX];
	static unsigned next;

	next = (next + 1) % 4;
	snprintf(path[next], sizeof(path[next]), "%s/%s", top, name);
	return path[next];
}

enum jail_verdict
breakout_verdict(long r)
{
	return r == -1 ? JAIL_REFUSED : JAIL_DONE;
}

enum jail_verdict
breakout_open(const char *path, int flags)
{
	return breakout_verdict(open(path, flags | O_CLOEXEC, 0600));
}

/* The files anew, as the control run has changed them. */
static void
fill(void)
{
	static const char *const files[] = { "in/file", "ro/file", "out/file" };
	static const char *const made[] = { "in/taken", "in/link", "in/symlink", "in/node",
		"in/big", "in/script", "out/new", "ro/new" };
	size_t i;
	int fd;

	for (i = 0; i < sizeof(made) / sizeof(made[0]); i++)
		unlink(breakout_path(made[i]));
	for (i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		fd = open(breakout_path(files[i]), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
		assert_true(fd != -1);
		assert_int_equal(fchmod(fd, 0644), 0);
		assert_int_equal(write(fd, "text", 4), 4);
		close(fd);
	}
}

/* exec: with a path to run, which makes an agent one that starts programs. */
static enum jail_verdict
run_row(const struct breakout_row *row, int role, int exec)
{
	struct sandbox_path paths[3];
	unsigned uid = role == SANDBOX_NAMES ? row->names_uid : 0;

	fill();
	paths[0] = (struct sandbox_path){ breakout_path("in"), SANDBOX_READ | SANDBOX_WRITE };
	paths[1] = (struct sandbox_path){ breakout_path("ro"), SANDBOX_READ };
	paths[2] = (struct sandbox_path){ breakout_path("absent"), SANDBOX_READ | SANDBOX_EXEC };
	return jail_run(role, uid, paths, exec ? 3 : 2, row->attempt, NULL);
}

/* 1 where the way out is open. */
static int
row_is_open(const struct breakout_row *row, int role, int exec)
{
	enum jail_verdict v = run_row(row, role, exec);

	if (v == JAIL_REFUSED || v == JAIL_KILLED || v == JAIL_SKIPPED)
		return 0;
	print_message("%s: %s: out (%d)\n", jail_name(role), row->name, (int)v);
	return 1;
}

/* How many attempts of a table fail without a role, and so show nothing. */
static int
control_table(const struct breakout_row *row)
{
	enum jail_verdict v;
	int failed = 0;

	for (; row->name != NULL; row++) {
		if (!row->control)
			continue;
		v = run_row(row, JAIL_NONE, 0);
		if (v != JAIL_DONE && v != JAIL_SKIPPED && ++failed)
			print_message("%s: shows nothing, it fails outside (%d)\n", row->name,
			    (int)v);
	}
	return failed;
}

/* How many ways out of a table are open, over all roles. */
static int
escape_table(const struct breakout_row *row)
{
	int role, failed = 0, abi = sandbox_landlock_abi();

	for (; row->name != NULL; row++) {
		if (row->abi > abi)
			continue;
		print_message("%s\n", row->name);
		for (role = SANDBOX_AGENT; role <= SANDBOX_MODULE; role++)
			if (row->roles & (1u << role))
				failed += row_is_open(row, role, role == SANDBOX_KEEPER);
		/* An agent that starts programs is a keeper, too. */
		if ((row->roles & (AGENT | KEEPER)) == (AGENT | KEEPER))
			failed += row_is_open(row, SANDBOX_AGENT, 1);
	}
	return failed;
}

static void
test_control(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	assert_int_equal(control_table(breakout_files), 0);
	assert_int_equal(control_table(breakout_processes), 0);
	assert_int_equal(control_table(breakout_kernel), 0);
}

static void
test_files(void **state)
{
	(void)state;
	assert_int_equal(escape_table(breakout_files), 0);
}

static void
test_processes(void **state)
{
	(void)state;
	assert_int_equal(escape_table(breakout_processes), 0);
}

static void
test_kernel(void **state)
{
	(void)state;
	assert_int_equal(escape_table(breakout_kernel), 0);
}

/* What the kernel says of a process in its role. */
static enum jail_verdict
marks(void *arg)
{
	const int *role = arg;
	struct __user_cap_header_struct head = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct caps[2];
	struct rlimit core, fds;

	memset(caps, 0xff, sizeof(caps));
	if (prctl(PR_GET_DUMPABLE) != 0 || getrlimit(RLIMIT_CORE, &core) == -1 ||
	    core.rlim_cur != 0 || core.rlim_max != 0)
		return JAIL_REFUSED;
	if (*role == SANDBOX_CLI)
		return JAIL_DONE;
	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1 || prctl(PR_GET_SECCOMP) != 2 ||
	    syscall(SYS_capget, &head, caps) == -1 || caps[0].permitted != 0 ||
	    caps[1].permitted != 0 || caps[0].inheritable != 0 ||
	    (geteuid() == 0 && prctl(PR_CAPBSET_READ, CAP_SYS_ADMIN) != 0))
		return JAIL_REFUSED;
	if (getrlimit(RLIMIT_NOFILE, &fds) == -1 ||
	    (*role != SANDBOX_AGENT && fds.rlim_max > 256))
		return JAIL_REFUSED;
	return JAIL_DONE;
}

static void
test_marks(void **state)
{
	int role;

	(void)state;
	for (role = SANDBOX_AGENT; role <= SANDBOX_CLI; role++) {
		print_message("%s\n", jail_name(role));
		assert_int_equal(jail_run(role, 0, NULL, 0, marks, &role), JAIL_DONE);
	}
	assert_int_equal(jail_run(JAIL_NONE, 0, NULL, 0, marks, &role), JAIL_REFUSED);
}

static void
test_support(void **state)
{
	(void)state;
	assert_int_equal(sandbox_support() & SANDBOX_HAS_SECCOMP, SANDBOX_HAS_SECCOMP);
	assert_int_equal((sandbox_support() & SANDBOX_HAS_LANDLOCK) != 0,
	    sandbox_landlock_abi() > 0);
}

/* Make nr fail, as on a kernel without it. */
static int
forget_call(unsigned nr)
{
	struct sock_filter code[] = {
		{ BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(struct seccomp_data, nr) },
		{ BPF_JMP | BPF_JEQ | BPF_K, 0, 1, nr },
		{ BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ERRNO | ENOSYS },
		{ BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW },
	};
	struct sock_fprog program = { sizeof(code) / sizeof(code[0]), code };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
		return -1;
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

/* Landlock is absent: the role holds without it. */
static enum jail_verdict
enter_without_landlock(void *arg)
{
	(void)arg;
	if (forget_call(SYS_landlock_create_ruleset) == -1)
		return JAIL_SKIPPED;
	if ((sandbox_support() & SANDBOX_HAS_LANDLOCK) != 0 || sandbox_landlock_abi() != 0 ||
	    sandbox_enter(SANDBOX_MODULE, NULL, 0) != TSR_OK)
		return JAIL_BROKEN;
	if (socket(AF_INET, SOCK_STREAM, 0) != -1 || fork() != -1)
		return JAIL_BROKEN;
	return JAIL_DONE;
}

/* No filters: it must not go on. */
static enum jail_verdict
enter_without_seccomp(void *arg)
{
	(void)arg;
	if (forget_call(SYS_seccomp) == -1)
		return JAIL_SKIPPED;
	if ((sandbox_support() & SANDBOX_HAS_SECCOMP) != 0)
		return JAIL_BROKEN;
	return sandbox_enter(SANDBOX_MODULE, NULL, 0) == TSR_SYSTEM && errno != 0 ? JAIL_DONE :
	    JAIL_BROKEN;
}

static void
test_old_kernels(void **state)
{
	(void)state;
	assert_int_equal(jail_run(JAIL_NONE, 0, NULL, 0, enter_without_landlock, NULL), JAIL_DONE);
	assert_int_equal(jail_run(JAIL_NONE, 0, NULL, 0, enter_without_seccomp, NULL), JAIL_DONE);
}

static int
setup(void **state)
{
	static const char *const folders[] = { "in", "ro", "out" };
	struct sockaddr_in in = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(in);
	size_t i;
	int fd;

	(void)state;
	snprintf(top, sizeof(top), "/tmp/tessera-escape-XXXXXX");
	if (mkdtemp(top) == NULL || chmod(top, 0755) == -1)
		return -1;
	for (i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
		if (mkdir(breakout_path(folders[i]), 0755) == -1)
			return -1;
	if ((fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) == -1 ||
	    bind(fd, (struct sockaddr *)&in, sizeof(in)) == -1 || listen(fd, 128) == -1 ||
	    getsockname(fd, (struct sockaddr *)&in, &len) == -1)
		return -1;
	breakout_tcp_port = ntohs(in.sin_port);
	breakout_abstract.sun_family = AF_UNIX;
	breakout_abstract_len = sizeof(breakout_abstract);
	if ((fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) == -1 ||
	    bind(fd, (struct sockaddr *)&breakout_abstract, sizeof(sa_family_t)) == -1 ||
	    listen(fd, 128) == -1 ||
	    getsockname(fd, (struct sockaddr *)&breakout_abstract, &breakout_abstract_len) == -1)
		return -1;
	return 0;
}

static int
teardown(void **state)
{
	static const char *const all[] = { "in/file", "in/taken", "in/link", "in/symlink",
		"in/node", "in/big", "in/script", "ro/file", "ro/new", "out/file", "out/new" };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		unlink(breakout_path(all[i]));
	rmdir(breakout_path("in"));
	rmdir(breakout_path("ro"));
	rmdir(breakout_path("out"));
	return rmdir(top);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_support),
		cmocka_unit_test(test_marks),
		cmocka_unit_test(test_old_kernels),
		cmocka_unit_test(test_control),
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_processes),
		cmocka_unit_test(test_kernel),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
