/*
 * sandbox_escape.c - every way out that we know, tried from inside every role.
 *
 * As root each attempt is first made without a role, where it must work:
 * otherwise its failure inside would show nothing.
 *
 * SPDX-License-Identifier: ISC
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <linux/keyctl.h>
#include <linux/perf_event.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/sandbox.h"
#include "base/sandbox_landlock.h"
#include "base/sandbox_sanitizer.h"
#include "jail.h"
#include "tessera.h"

#define AGENT	(1u << SANDBOX_AGENT)
#define NAMES	(1u << SANDBOX_NAMES)
#define KEEPER	(1u << SANDBOX_KEEPER)
#define MODULE	(1u << SANDBOX_MODULE)
#define ALL	(AGENT | NAMES | KEEPER | MODULE)

#define NAMES_UID	1	/* daemon: /etc is readable as far as the uid goes */

/* A folder with "in" (the roles' own, to read and write), "ro" (to read) and
 * "out" (nobody's), a file in each; a listening TCP and abstract socket. */
static char top[PATH_MAX - 64];
static uint16_t tcp_port;
static struct sockaddr_un abstract;
static socklen_t abstract_len;
static volatile long secret_word = 0x5ec2e7;

static const char *
in_top(const char *name)
{
	static char path[4][PATH_MAX];
	static unsigned next;

	next = (next + 1) % 4;
	snprintf(path[next], sizeof(path[next]), "%s/%s", top, name);
	return path[next];
}

static enum jail_verdict
verdict(long r)
{
	return r == -1 ? JAIL_REFUSED : JAIL_DONE;
}

static enum jail_verdict
try_open(const char *path, int flags)
{
	return verdict(open(path, flags | O_CLOEXEC, 0600));
}

/* Files. */

static enum jail_verdict
read_shadow(void *arg)
{
	(void)arg;
	return try_open("/etc/shadow", O_RDONLY);
}

static enum jail_verdict
read_out(void *arg)
{
	(void)arg;
	return try_open(in_top("out/file"), O_RDONLY);
}

static enum jail_verdict
list_out(void *arg)
{
	(void)arg;
	return try_open(in_top("out"), O_RDONLY | O_DIRECTORY);
}

static enum jail_verdict
list_root(void *arg)
{
	(void)arg;
	return try_open("/", O_RDONLY | O_DIRECTORY);
}

static enum jail_verdict
create_out(void *arg)
{
	(void)arg;
	return try_open(in_top("out/new"), O_WRONLY | O_CREAT);
}

static enum jail_verdict
write_ro(void *arg)
{
	(void)arg;
	return try_open(in_top("ro/file"), O_WRONLY);
}

static enum jail_verdict
create_ro(void *arg)
{
	(void)arg;
	return try_open(in_top("ro/new"), O_WRONLY | O_CREAT);
}

static enum jail_verdict
create_lib(void *arg)
{
	enum jail_verdict v = try_open("/usr/lib/tessera-escape", O_WRONLY | O_CREAT);

	(void)arg;
	unlink("/usr/lib/tessera-escape");
	return v;
}

static enum jail_verdict
delete_out(void *arg)
{
	(void)arg;
	return verdict(unlink(in_top("out/file")));
}

static enum jail_verdict
truncate_out(void *arg)
{
	(void)arg;
	return verdict(truncate(in_top("out/file"), 0));
}

static enum jail_verdict
move_in(void *arg)
{
	(void)arg;
	return verdict(rename(in_top("out/file"), in_top("in/taken")));
}

static enum jail_verdict
link_in(void *arg)
{
	(void)arg;
	return verdict(link(in_top("out/file"), in_top("in/link")));
}

static enum jail_verdict
symlink_in(void *arg)
{
	(void)arg;
	if (symlink(in_top("out/file"), in_top("in/symlink")) == -1)
		return JAIL_REFUSED;
	return try_open(in_top("in/symlink"), O_RDONLY);
}

static enum jail_verdict
make_node(void *arg)
{
	(void)arg;
	return verdict(mknod(in_top("in/node"), S_IFIFO | 0600, 0));
}

static enum jail_verdict
chmod_out(void *arg)
{
	struct stat st;

	(void)arg;
	if (chmod(in_top("out/file"), 0666) == -1 || stat(in_top("out/file"), &st) == -1)
		return JAIL_REFUSED;
	return (st.st_mode & 0777) == 0666 ? JAIL_DONE : JAIL_REFUSED;
}

static enum jail_verdict
chown_out(void *arg)
{
	(void)arg;
	return verdict(chown(in_top("out/file"), 1, 1));
}

static enum jail_verdict
fchmod_ro(void *arg)
{
	int fd = open(in_top("ro/file"), O_RDONLY | O_CLOEXEC);
	struct stat st;

	(void)arg;
	if (fd == -1)
		return JAIL_BROKEN;
	if (fchmod(fd, 04777) == -1 || fstat(fd, &st) == -1)
		return JAIL_REFUSED;
	return (st.st_mode & 07777) == 04777 ? JAIL_DONE : JAIL_REFUSED;
}

static enum jail_verdict
touch_out(void *arg)
{
	(void)arg;
	return verdict(utimensat(AT_FDCWD, in_top("out/file"), NULL, 0));
}

static enum jail_verdict
write_big(void *arg)
{
	static const char byte = 0;
	int fd = open(in_top("in/big"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	(void)arg;
	signal(SIGXFSZ, SIG_IGN);
	return fd == -1 ? JAIL_BROKEN : verdict(pwrite(fd, &byte, 1, 64 * 1024 * 1024));
}

/* Other processes. */

static enum jail_verdict
open_proc(pid_t pid, const char *name, int flags)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	return try_open(path, flags);
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
	return verdict(ptrace(PTRACE_SEIZE, getppid(), NULL, NULL));
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
	return verdict(process_vm_readv(getppid(), &local, 1, &remote, 1, 0));
}

static enum jail_verdict
take_parent_fd(void *arg)
{
	int pidfd = (int)syscall(SYS_pidfd_open, getppid(), 0);

	(void)arg;
	return pidfd == -1 ? JAIL_REFUSED : verdict(syscall(SYS_pidfd_getfd, pidfd, 0, 0));
}

static enum jail_verdict
signal_parent(void *arg)
{
	(void)arg;
	return verdict(kill(getppid(), 0));
}

static enum jail_verdict
tgkill_parent(void *arg)
{
	(void)arg;
	return verdict(syscall(SYS_tgkill, getppid(), getppid(), 0));
}

static enum jail_verdict
prlimit_parent(void *arg)
{
	struct rlimit rl = { 100, 100 };

	(void)arg;
	/* Of 1024 or more descriptors; harmless for the test where it works. */
	return verdict(prlimit(getppid(), RLIMIT_SIGPENDING, &rl, NULL));
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
	int fd = open(in_top("in/script"), O_WRONLY | O_CREAT | O_CLOEXEC, 0700);

	(void)arg;
	if (fd == -1 || write(fd, script, sizeof(script) - 1) == -1 || close(fd) == -1)
		return JAIL_BROKEN;
	execve(in_top("in/script"), argv, NULL);
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
	return verdict(pid);
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
	return verdict(pid);
}

static enum jail_verdict
clone_namespace(void *arg)
{
	long pid;

	(void)arg;
	if ((pid = syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, NULL, NULL, NULL, NULL)) == 0)
		_exit(0);
	return verdict(pid);
}

/* The network. */

static enum jail_verdict
connect_tcp(void *arg)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(tcp_port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)arg;
	return fd == -1 ? JAIL_REFUSED :
	    verdict(connect(fd, (struct sockaddr *)&to, sizeof(to)));
}

static enum jail_verdict
connect_abstract(void *arg)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)arg;
	return fd == -1 ? JAIL_BROKEN :
	    verdict(connect(fd, (struct sockaddr *)&abstract, abstract_len));
}

static enum jail_verdict
try_family(int family, int type)
{
	return verdict(socket(family, type, 0));
}

static enum jail_verdict
open_inet6(void *arg)
{
	(void)arg;
	return try_family(AF_INET6, SOCK_DGRAM);
}

static enum jail_verdict
open_netlink(void *arg)
{
	(void)arg;
	return try_family(AF_NETLINK, SOCK_RAW);
}

static enum jail_verdict
open_packet(void *arg)
{
	(void)arg;
	return try_family(AF_PACKET, SOCK_RAW);
}

static enum jail_verdict
open_raw(void *arg)
{
	(void)arg;
	return verdict(socket(AF_INET, SOCK_RAW, IPPROTO_ICMP));
}

static enum jail_verdict
open_high_family(void *arg)
{
	(void)arg;
	/* The kernel takes the low half: AF_INET. */
	return verdict(syscall(SYS_socket, (1ul << 32) | AF_INET, SOCK_STREAM, 0));
}

static enum jail_verdict
listen_unix(void *arg)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)arg;
	/* The empty name: one is made up in the abstract space. */
	return fd == -1 ? JAIL_BROKEN :
	    verdict(bind(fd, (struct sockaddr *)&un, sizeof(sa_family_t)));
}

/* The kernel. */

static enum jail_verdict
do_mount(void *arg)
{
	(void)arg;
	/* An empty file system over our own folder, in our own namespace. */
	if (unshare(CLONE_NEWNS) == -1)
		return JAIL_REFUSED;
	if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == -1)
		return JAIL_REFUSED;
	return verdict(mount("none", in_top("out"), "tmpfs", 0, NULL));
}

static enum jail_verdict
do_mount_only(void *arg)
{
	(void)arg;
	/* A wrong type: where the call is let through, its error is ENODEV. */
	if (mount("none", in_top("out"), "no-such-fs", 0, NULL) == -1 && errno == ENODEV)
		return JAIL_DONE;
	return JAIL_REFUSED;
}

static enum jail_verdict
unshare_user(void *arg)
{
	(void)arg;
	return verdict(unshare(CLONE_NEWUSER));
}

static enum jail_verdict
do_chroot(void *arg)
{
	(void)arg;
	return verdict(chroot(in_top("in")));
}

static enum jail_verdict
do_keyctl(void *arg)
{
	(void)arg;
	return verdict(syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 1));
}

static enum jail_verdict
do_add_key(void *arg)
{
	(void)arg;
	return verdict(syscall(SYS_add_key, "user", "tessera-escape", "x", 1,
	    KEY_SPEC_PROCESS_KEYRING));
}

static enum jail_verdict
do_bpf(void *arg)
{
	union bpf_attr attr;

	(void)arg;
	memset(&attr, 0, sizeof(attr));
	attr.map_type = BPF_MAP_TYPE_ARRAY;
	attr.key_size = 4;
	attr.value_size = 4;
	attr.max_entries = 1;
	return verdict(syscall(SYS_bpf, BPF_MAP_CREATE, &attr, sizeof(attr)));
}

static enum jail_verdict
do_perf(void *arg)
{
	struct perf_event_attr attr;

	(void)arg;
	memset(&attr, 0, sizeof(attr));
	attr.type = PERF_TYPE_SOFTWARE;
	attr.size = sizeof(attr);
	attr.config = PERF_COUNT_SW_TASK_CLOCK;
	return verdict(syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0));
}

static enum jail_verdict
do_userfaultfd(void *arg)
{
	(void)arg;
	return verdict(syscall(SYS_userfaultfd, 0));
}

static enum jail_verdict
do_io_uring(void *arg)
{
	uint32_t params[30] = { 0 };

	(void)arg;
	return verdict(syscall(SYS_io_uring_setup, 1, params));
}

static enum jail_verdict
do_fhandle(void *arg)
{
	uint32_t handle[34] = { 128 };
	int mount_id;

	(void)arg;
	return verdict(syscall(SYS_name_to_handle_at, AT_FDCWD, in_top("in"), handle, &mount_id,
	    0));
}

static enum jail_verdict
new_call(void *arg)
{
	(void)arg;
	/* mseal: newer than the list; it must look absent. */
	if (syscall(462, NULL, 0, 0) == -1 && errno == ENOSYS)
		return JAIL_REFUSED;
	return JAIL_DONE;
}

static enum jail_verdict
do_ioctl(void *arg)
{
	char buf[256] = { 0 };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)arg;
	return fd == -1 ? JAIL_BROKEN : verdict(ioctl(fd, SIOCGIFCONF, buf));
}

static enum jail_verdict
ioctl_tiocsti(void *arg)
{
	char c = 'x';

	(void)arg;
	/* Let through, it finds that this is no terminal. */
	if (ioctl(open("/dev/null", O_RDWR | O_CLOEXEC), TIOCSTI, &c) == -1 && errno == ENOTTY)
		return JAIL_DONE;
	return JAIL_REFUSED;
}

static enum jail_verdict
x32_call(void *arg)
{
	(void)arg;
#if defined(__x86_64__)
	/* ENOSYS where the kernel has no x32: let through all the same. */
	if (syscall(0x40000000 | SYS_getpid) > 0 || errno == ENOSYS)
		return JAIL_DONE;
	return JAIL_REFUSED;
#else
	return JAIL_SKIPPED;
#endif
}

static enum jail_verdict
i386_call(void *arg)
{
	(void)arg;
#if defined(__x86_64__)
	long r = 20;	/* getpid */

	__asm__ volatile("int $0x80" : "+a"(r) : : "memory", "r8", "r9", "r10", "r11");
	return r > 0 || r == -ENOSYS ? JAIL_DONE : JAIL_REFUSED;
#else
	return JAIL_SKIPPED;
#endif
}

/* The process itself. */

static enum jail_verdict
become_dumpable(void *arg)
{
	(void)arg;
	return verdict(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0));
}

static enum jail_verdict
raise_core(void *arg)
{
	struct rlimit rl = { RLIM_INFINITY, RLIM_INFINITY };

	(void)arg;
	return verdict(setrlimit(RLIMIT_CORE, &rl));
}

static enum jail_verdict
become_daemon(void *arg)
{
	(void)arg;
	return verdict(setuid(1));
}

static enum jail_verdict
become_root(void *arg)
{
	(void)arg;
	return verdict(setresuid(0, 0, 0));
}

static enum jail_verdict
regain_caps(void *arg)
{
	struct __user_cap_header_struct head = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct caps[2];

	(void)arg;
	memset(caps, 0, sizeof(caps));
	caps[0].effective = caps[0].permitted = 1u << CAP_DAC_OVERRIDE;
	return verdict(syscall(SYS_capset, &head, caps));
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
	return verdict(fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 256));
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

static const struct row {
	const char *name;
	jail_attempt attempt;
	unsigned roles;		/* in which it must fail */
	int control;		/* works for root without a role */
	int abi;		/* Landlock ABI that it takes; 0: none */
} rows[] = {
	{ "read /etc/shadow", read_shadow, ALL, 1, 1 },
	{ "read a file outside", read_out, ALL, 1, 1 },
	{ "list a folder outside", list_out, ALL, 1, 1 },
	{ "list /", list_root, ALL, 1, 1 },
	{ "create a file outside", create_out, ALL, 1, 1 },
	{ "write what is to be read", write_ro, ALL, 1, 1 },
	{ "create in a folder to be read", create_ro, ALL, 1, 1 },
	{ "create in /usr/lib", create_lib, ALL, 1, 1 },
	{ "delete a file outside", delete_out, ALL, 1, 1 },
	{ "truncate a file outside", truncate_out, ALL, 1, 0 },
	{ "move a file in", move_in, ALL, 1, 1 },
	{ "hard link into the folder", link_in, ALL, 1, 0 },
	{ "symbolic link into the folder", symlink_in, ALL, 1, 0 },
	{ "make a node", make_node, ALL, 1, 0 },
	{ "chmod a foreign file", chmod_out, ALL, 1, 0 },
	{ "chown a foreign file", chown_out, ALL, 1, 0 },
	{ "fchmod", fchmod_ro, NAMES | KEEPER | MODULE, 1, 0 },
	{ "touch a foreign file", touch_out, ALL, 1, 0 },
	{ "write a big file", write_big, MODULE, 1, 0 },

	{ "open the memory of process 1", open_init_mem, ALL, 0, 1 },
	{ "open the parent's memory", open_parent_mem, ALL, 1, 1 },
	{ "read the parent's environment", read_parent_environ, ALL, 1, 1 },
	{ "trace the parent", trace_parent, ALL, 1, 0 },
	{ "read the parent's memory", read_parent_memory, ALL, 1, 0 },
	{ "take the parent's descriptor", take_parent_fd, ALL, 1, 0 },
	{ "signal the parent", signal_parent, NAMES | MODULE, 1, 0 },
	{ "signal the parent, from the keeper", signal_parent, KEEPER, 1, 6 },
	{ "signal the parent's thread", tgkill_parent, NAMES | MODULE, 1, 0 },
	{ "limit the parent", prlimit_parent, ALL, 1, 0 },
	{ "run /bin/true", run_true, ALL, 1, 1 },
	{ "run the loader", run_ld, AGENT | NAMES | MODULE, 1, 1 },
	{ "run a file of its own", run_own_file, ALL, 1, 1 },
	{ "run a file in memory", run_memfd, ALL, 1, 0 },
	{ "fork", do_fork, AGENT | NAMES | MODULE, 1, 0 },
	{ "posix_spawn", do_posix_spawn, ALL, 1, 1 },
	{ "clone3", do_clone3, ALL, 1, 0 },
	{ "clone into a user namespace", clone_namespace, ALL, 1, 0 },

	{ "connect by TCP", connect_tcp, AGENT | KEEPER | MODULE, 1, 0 },
	{ "connect to an abstract socket", connect_abstract, NAMES | KEEPER | MODULE, 1, 6 },
	{ "AF_INET6", open_inet6, AGENT | KEEPER | MODULE, 1, 0 },
	{ "AF_NETLINK", open_netlink, ALL, 1, 0 },
	{ "AF_PACKET", open_packet, ALL, 1, 0 },
	{ "raw IP", open_raw, ALL, 1, 0 },
	{ "AF_INET with high bits", open_high_family, ALL, 1, 0 },
	{ "bind", listen_unix, KEEPER | MODULE, 1, 0 },

	{ "mount in a namespace", do_mount, ALL, 1, 0 },
	{ "mount", do_mount_only, ALL, 1, 0 },
	{ "unshare the user namespace", unshare_user, ALL, 1, 0 },
	{ "chroot", do_chroot, ALL, 1, 0 },
	{ "keyctl", do_keyctl, ALL, 1, 0 },
	{ "add_key", do_add_key, ALL, 1, 0 },
	{ "bpf", do_bpf, ALL, 1, 0 },
	{ "perf_event_open", do_perf, ALL, 1, 0 },
	{ "userfaultfd", do_userfaultfd, ALL, 1, 0 },
	{ "io_uring", do_io_uring, ALL, 0, 0 },
	{ "file handles", do_fhandle, ALL, 0, 0 },
	{ "a call newer than the list", new_call, ALL, 0, 0 },
	{ "ioctl for the network", do_ioctl, ALL, 1, 0 },
	{ "ioctl for terminals", ioctl_tiocsti, ALL, 1, 0 },
	{ "x32 call", x32_call, ALL, 1, 0 },
	{ "i386 call", i386_call, ALL, 0, 0 },

	{ "become dumpable", become_dumpable, ALL, 1, 0 },
	{ "raise the core limit", raise_core, ALL, 1, 0 },
	{ "setuid", become_daemon, ALL, 1, 0 },
	{ "setresuid", become_root, ALL, 1, 0 },
	{ "regain capabilities", regain_caps, ALL, 1, 0 },
	{ "memory to write and execute", write_and_execute, AGENT | NAMES, 1, 0 },
	{ "more descriptors", many_fds, NAMES | KEEPER | MODULE, 1, 0 },
	{ "more memory", much_memory, MODULE, 1, 0 },
	{ "another filter", new_filter, AGENT | NAMES | MODULE, 1, 0 },
};

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
		unlink(in_top(made[i]));
	for (i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		fd = open(in_top(files[i]), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
		assert_true(fd != -1);
		assert_int_equal(fchmod(fd, 0644), 0);
		assert_int_equal(write(fd, "text", 4), 4);
		close(fd);
	}
}

/* exec: with a path to run, which makes an agent one that starts programs. */
static enum jail_verdict
run_row(const struct row *row, int role, int exec)
{
	struct sandbox_path paths[3];
	unsigned uid = role == SANDBOX_NAMES && row->attempt == read_shadow ? NAMES_UID : 0;

	fill();
	paths[0] = (struct sandbox_path){ in_top("in"), SANDBOX_READ | SANDBOX_WRITE };
	paths[1] = (struct sandbox_path){ in_top("ro"), SANDBOX_READ };
	paths[2] = (struct sandbox_path){ in_top("absent"), SANDBOX_READ | SANDBOX_EXEC };
	return jail_run(role, uid, paths, exec ? 3 : 2, row->attempt, NULL);
}

/* 1 where the way out is open. */
static int
row_is_open(const struct row *row, int role, int exec)
{
	enum jail_verdict v = run_row(row, role, exec);

	if (v == JAIL_REFUSED || v == JAIL_KILLED || v == JAIL_SKIPPED)
		return 0;
	print_message("%s: %s: out (%d)\n", jail_name(role), row->name, (int)v);
	return 1;
}

static void
test_control(void **state)
{
	size_t i;
	enum jail_verdict v;
	int failed = 0;

	(void)state;
	if (geteuid() != 0)
		skip();
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (!rows[i].control)
			continue;
		v = run_row(&rows[i], JAIL_NONE, 0);
		if (v != JAIL_DONE && v != JAIL_SKIPPED && ++failed)
			print_message("%s: shows nothing, it fails outside (%d)\n", rows[i].name,
			    (int)v);
	}
	assert_int_equal(failed, 0);
}

static void
test_escape(void **state)
{
	int role, failed = 0, abi = sandbox_landlock_abi();
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (rows[i].abi > abi)
			continue;
		print_message("%s\n", rows[i].name);
		for (role = SANDBOX_AGENT; role <= SANDBOX_MODULE; role++) {
			if (!(rows[i].roles & (1u << role)))
				continue;
			failed += row_is_open(&rows[i], role, role == SANDBOX_KEEPER);
		}
		/* An agent that starts programs is a keeper, too. */
		if ((rows[i].roles & (AGENT | KEEPER)) == (AGENT | KEEPER))
			failed += row_is_open(&rows[i], SANDBOX_AGENT, 1);
	}
	assert_int_equal(failed, 0);
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
	    prctl(PR_CAPBSET_READ, CAP_SYS_ADMIN) != (geteuid() == 0 ? 0 : prctl(
	    PR_CAPBSET_READ, CAP_SYS_ADMIN)))
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
		if (mkdir(in_top(folders[i]), 0755) == -1)
			return -1;
	if ((fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) == -1 ||
	    bind(fd, (struct sockaddr *)&in, sizeof(in)) == -1 || listen(fd, 128) == -1 ||
	    getsockname(fd, (struct sockaddr *)&in, &len) == -1)
		return -1;
	tcp_port = ntohs(in.sin_port);
	abstract.sun_family = AF_UNIX;
	abstract_len = sizeof(abstract);
	if ((fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) == -1 ||
	    bind(fd, (struct sockaddr *)&abstract, sizeof(sa_family_t)) == -1 ||
	    listen(fd, 128) == -1 ||
	    getsockname(fd, (struct sockaddr *)&abstract, &abstract_len) == -1)
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
		unlink(in_top(all[i]));
	rmdir(in_top("in"));
	rmdir(in_top("ro"));
	rmdir(in_top("out"));
	return rmdir(top);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_support),
		cmocka_unit_test(test_marks),
		cmocka_unit_test(test_control),
		cmocka_unit_test(test_escape),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
