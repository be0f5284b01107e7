/*
 * breakout_processes.c - ways out through other processes, and through what a process
 * may change of itself.
 *
 * SPDX-License-Identifier: ISC
 */
#include "breakout.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/sandbox_sanitizer.h"

static volatile long secret_word = 0x5ec2e7;

/* Other processes. */

static enum jail_verdict
open_proc(pid_t pid, const char *name, int flags)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	return breakout_open(path, flags);
}

static enum jail_verdict
open_init_mem(void *arg)
{
	(void)arg;
	return open_proc(1, "mem", O_RDWR);
}

static enum jail_verdict
open_parent_mem(void *arg)
{
	(void)arg;
	return open_proc(getppid(), "mem", O_RDWR);
}

static enum jail_verdict
read_parent_environ(void *arg)
{
	(void)arg;
	return open_proc(getppid(), "environ", O_RDONLY);
}

static enum jail_verdict
trace_parent(void *arg)
{
	(void)arg;
	return breakout_verdict(ptrace(PTRACE_SEIZE, getppid(), NULL, NULL));
}

static enum jail_verdict
read_parent_memory(void *arg)
{
	union {
		volatile long *is;
		void *as;
	} word = { .is = &secret_word };
	long got = 0;
	struct iovec local = { &got, sizeof(got) }, remote = { word.as, sizeof(got) };

	(void)arg;
	return breakout_verdict(process_vm_readv(getppid(), &local, 1, &remote, 1, 0));
}

static enum jail_verdict
take_parent_fd(void *arg)
{
	int pidfd = (int)syscall(SYS_pidfd_open, getppid(), 0);

	(void)arg;
	return pidfd == -1 ? JAIL_REFUSED : breakout_verdict(syscall(SYS_pidfd_getfd, pidfd, 0, 0));
}

static enum jail_verdict
signal_parent(void *arg)
{
	(void)arg;
	return breakout_verdict(kill(getppid(), 0));
}

static enum jail_verdict
tgkill_parent(void *arg)
{
	(void)arg;
	return breakout_verdict(syscall(SYS_tgkill, getppid(), getppid(), 0));
}

static enum jail_verdict
prlimit_parent(void *arg)
{
	struct rlimit rl = { 100, 100 };

	(void)arg;
	/* Of 1024 or more descriptors; harmless for the test where it works. */
	return breakout_verdict(prlimit(getppid(), RLIMIT_SIGPENDING, &rl, NULL));
}

static enum jail_verdict
run_true(void *arg)
{
	static char name[] = "true";
	char *argv[] = { name, NULL };

	(void)arg;
	execve("/bin/true", argv, NULL);
	return JAIL_REFUSED;
}

static enum jail_verdict
run_ld(void *arg)
{
	static char ld[] = "ld.so", program[] = "/bin/true";
	char *argv[] = { ld, program, NULL };

	(void)arg;
	execve("/lib64/ld-linux-x86-64.so.2", argv, NULL);
	return JAIL_REFUSED;
}

static enum jail_verdict
run_own_file(void *arg)
{
	static const char script[] = "#!/bin/true\n";
	static char name[] = "x";
	char *argv[] = { name, NULL };
	int fd = open(breakout_path("in/script"), O_WRONLY | O_CREAT | O_CLOEXEC, 0700);

	(void)arg;
	if (fd == -1 || write(fd, script, sizeof(script) - 1) == -1 || close(fd) == -1)
		return JAIL_BROKEN;
	execve(breakout_path("in/script"), argv, NULL);
	return JAIL_REFUSED;
}

static enum jail_verdict
run_memfd(void *arg)
{
	static const char script[] = "#!/bin/true\n";
	static char name[] = "x";
	char *argv[] = { name, NULL };
	int fd = memfd_create("x", 0);

	(void)arg;
	if (fd == -1 || write(fd, script, sizeof(script) - 1) == -1)
		return JAIL_REFUSED;
	syscall(SYS_execveat, fd, "", argv, NULL, AT_EMPTY_PATH);
	return JAIL_REFUSED;
}

static enum jail_verdict
do_fork(void *arg)
{
	pid_t pid;

	(void)arg;
	if ((pid = fork()) == 0)
		_exit(0);
	return breakout_verdict(pid);
}

static enum jail_verdict
do_posix_spawn(void *arg)
{
	static char name[] = "true";
	char *argv[] = { name, NULL };
	pid_t pid;

	(void)arg;
	errno = posix_spawn(&pid, "/bin/true", NULL, NULL, argv, NULL);
	return errno != 0 ? JAIL_REFUSED : JAIL_DONE;
}

static enum jail_verdict
do_clone3(void *arg)
{
	uint64_t args[11] = { 0 };	/* struct clone_args, plain fork */
	long pid;

	(void)arg;
	args[4] = SIGCHLD;
	if ((pid = syscall(SYS_clone3, args, sizeof(args))) == 0)
		_exit(0);
	return breakout_verdict(pid);
}

static enum jail_verdict
clone_namespace(void *arg)
{
	long pid;

	(void)arg;
	if ((pid = syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, NULL, NULL, NULL, NULL)) == 0)
		_exit(0);
	return breakout_verdict(pid);
}

/* The process itself. */

static enum jail_verdict
become_dumpable(void *arg)
{
	(void)arg;
	if (sandbox_sanitizer_on())		/* its leak check does it */
		return JAIL_SKIPPED;
	return breakout_verdict(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0));
}

static enum jail_verdict
raise_core(void *arg)
{
	struct rlimit rl = { RLIM_INFINITY, RLIM_INFINITY };

	(void)arg;
	return breakout_verdict(setrlimit(RLIMIT_CORE, &rl));
}

static enum jail_verdict
become_daemon(void *arg)
{
	(void)arg;
	return breakout_verdict(setuid(1));
}

static enum jail_verdict
become_root(void *arg)
{
	(void)arg;
	return breakout_verdict(setresuid(0, 0, 0));
}

static enum jail_verdict
regain_caps(void *arg)
{
	struct __user_cap_header_struct head = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct caps[2];

	(void)arg;
	memset(caps, 0, sizeof(caps));
	caps[0].effective = caps[0].permitted = 1u << CAP_DAC_OVERRIDE;
	return breakout_verdict(syscall(SYS_capset, &head, caps));
}

static enum jail_verdict
write_and_execute(void *arg)
{
	(void)arg;
	return mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? JAIL_REFUSED : JAIL_DONE;
}

static enum jail_verdict
many_fds(void *arg)
{
	(void)arg;
	return breakout_verdict(fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 256));
}

static enum jail_verdict
much_memory(void *arg)
{
	(void)arg;
	if (sandbox_sanitizer_on())
		return JAIL_SKIPPED;
	return mmap(NULL, 1024ul * 1024 * 1024, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
	    -1, 0) == MAP_FAILED ? JAIL_REFUSED : JAIL_DONE;
}

static enum jail_verdict
new_filter(void *arg)
{
	(void)arg;
	/* Let through, it misses the program: EFAULT. */
	if (syscall(SYS_seccomp, 1, 0, NULL) == -1 && errno == EFAULT)
		return JAIL_DONE;
	return JAIL_REFUSED;
}

const struct breakout_row breakout_processes[] = {
	{ "open the memory of process 1", open_init_mem, ALL, 0, 1, 0 },
	{ "open the parent's memory", open_parent_mem, ALL, 1, 1, 0 },
	{ "read the parent's environment", read_parent_environ, ALL, 1, 1, 0 },
	{ "trace the parent", trace_parent, ALL, 1, 0, 0 },
	{ "read the parent's memory", read_parent_memory, ALL, 1, 0, 0 },
	{ "take the parent's descriptor", take_parent_fd, ALL, 1, 0, 0 },
	{ "signal the parent", signal_parent, NAMES | MODULE, 1, 0, 0 },
	{ "signal the parent, from the keeper", signal_parent, KEEPER, 1, 6, 0 },
	{ "signal the parent's thread", tgkill_parent, NAMES | MODULE, 1, 0, 0 },
	{ "limit the parent", prlimit_parent, ALL, 1, 0, 0 },
	{ "run /bin/true", run_true, ALL, 1, 1, 0 },
	{ "run the loader", run_ld, AGENT | NAMES | MODULE, 1, 1, 0 },
	{ "run a file of its own", run_own_file, ALL, 1, 1, 0 },
	{ "run a file in memory", run_memfd, ALL, 1, 0, 0 },
	{ "fork", do_fork, AGENT | NAMES | MODULE, 1, 0, 0 },
	{ "posix_spawn", do_posix_spawn, ALL, 1, 1, 0 },
	{ "clone3", do_clone3, ALL, 1, 0, 0 },
	{ "clone into a user namespace", clone_namespace, ALL, 1, 0, 0 },
	{ "become dumpable", become_dumpable, ALL, 1, 0, 0 },
	{ "raise the core limit", raise_core, ALL, 1, 0, 0 },
	{ "setuid", become_daemon, ALL, 1, 0, 0 },
	{ "setresuid", become_root, ALL, 1, 0, 0 },
	{ "regain capabilities", regain_caps, ALL, 1, 0, 0 },
	{ "memory to write and execute", write_and_execute, AGENT | NAMES, 1, 0, 0 },
	{ "more descriptors", many_fds, NAMES | KEEPER | MODULE, 1, 0, 0 },
	{ "more memory", much_memory, MODULE, 1, 0, 0 },
	{ "another filter", new_filter, AGENT | NAMES | MODULE, 1, 0, 0 },
	{ NULL, NULL, 0, 0, 0, 0 },
};
