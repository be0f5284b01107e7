/*
 * sandbox_seccomp.c - which system calls a process has, by the parts that its
 * role is made of.  See sandbox_seccomp.h.
 *
 * The default kills.  A call is refused with an error where libraries try it
 * and can do without: an error costs them nothing, while a kill would count as
 * a broken device.
 *
 * SPDX-License-Identifier: ISC
 */
#include "base/sandbox_seccomp.h"

#include <errno.h>
#include <linux/hidraw.h>
#include <linux/netlink.h>
#include <linux/prctl.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/sandbox_sanitizer.h"
#include "tessera.h"

#define LAST_KNOWN_CALL	451	/* cachestat; numbers from 424 on are the same everywhere */
#define LAST_NEW_CALL	511	/* behind it are x86-64's oldest x32 calls */

#define CLONE_NAMESPACES (CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | \
			CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET)

#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))
#define NO_EXCEPT	UINT64_MAX

#define C	CALLS_COMMON
#define F	CALLS_FILES
#define S	CALLS_SERVE
#define P	CALLS_PROCESS
#define A	CALLS_AGENT
#define I	CALLS_INET
#define K	CALLS_FORK
#define N	CALLS_NETLINK
#define CALL(name)	SCMP_SYS(name)

/* Calls that are allowed whatever their arguments.  One that this
 * architecture lacks has a negative number and is skipped. */
static const struct {
	int nr;
	unsigned parts;
} allowed[] = {
	/* memory */
	{ CALL(brk), C }, { CALL(munmap), C }, { CALL(mremap), C }, { CALL(madvise), C },
	{ CALL(msync), C }, { CALL(mlock), C }, { CALL(mlock2), C }, { CALL(munlock), C },
	{ CALL(mincore), C }, { CALL(membarrier), C },
	/* threads and the process itself */
	{ CALL(exit), C }, { CALL(exit_group), C }, { CALL(futex), C },
	{ CALL(futex_waitv), C }, { CALL(set_robust_list), C }, { CALL(get_robust_list), C },
	{ CALL(set_tid_address), C }, { CALL(rseq), C }, { CALL(arch_prctl), C },
	{ CALL(gettid), C }, { CALL(getpid), C }, { CALL(getppid), C }, { CALL(getpgrp), C },
	{ CALL(getpgid), C }, { CALL(getsid), C }, { CALL(getuid), C }, { CALL(geteuid), C },
	{ CALL(getgid), C }, { CALL(getegid), C }, { CALL(getresuid), C },
	{ CALL(getresgid), C }, { CALL(getgroups), C }, { CALL(capget), C },
	{ CALL(getrlimit), C }, { CALL(getrusage), C }, { CALL(times), C },
	{ CALL(getpriority), C }, { CALL(sched_yield), C }, { CALL(sched_getaffinity), C },
	{ CALL(sched_getparam), C }, { CALL(sched_getscheduler), C }, { CALL(sched_getattr), C },
	{ CALL(getcpu), C },
	{ CALL(sched_get_priority_max), C }, { CALL(sched_get_priority_min), C },
	{ CALL(uname), C }, { CALL(sysinfo), C }, { CALL(getrandom), C }, { CALL(umask), C },
	/* signals */
	{ CALL(rt_sigaction), C }, { CALL(rt_sigprocmask), C }, { CALL(rt_sigpending), C },
	{ CALL(rt_sigreturn), C }, { CALL(rt_sigsuspend), C }, { CALL(rt_sigtimedwait), C },
	{ CALL(sigaltstack), C }, { CALL(restart_syscall), C }, { CALL(pause), C },
	/* time */
	{ CALL(clock_gettime), C }, { CALL(clock_getres), C }, { CALL(clock_nanosleep), C },
	{ CALL(nanosleep), C }, { CALL(gettimeofday), C }, { CALL(time), C },
	{ CALL(alarm), C }, { CALL(getitimer), C }, { CALL(setitimer), C },
	{ CALL(timerfd_create), C }, { CALL(timerfd_settime), C },
	{ CALL(timerfd_gettime), C },
	/* to ask: setting takes a privilege that is not there */
	{ CALL(adjtimex), A }, { CALL(clock_adjtime), A },
	/* files, as far as Landlock lets them be opened */
	{ CALL(open), C }, { CALL(openat), C }, { CALL(close), C }, { CALL(close_range), C },
	{ CALL(read), C }, { CALL(readv), C }, { CALL(pread64), C }, { CALL(preadv), C },
	{ CALL(write), C }, { CALL(writev), C }, { CALL(pwrite64), C }, { CALL(pwritev), C },
	{ CALL(lseek), C }, { CALL(fcntl), C }, { CALL(flock), C }, { CALL(fadvise64), C },
	{ CALL(dup), C }, { CALL(dup2), C }, { CALL(dup3), C }, { CALL(pipe), C },
	{ CALL(pipe2), C }, { CALL(stat), C }, { CALL(lstat), C }, { CALL(fstat), C },
	{ CALL(newfstatat), C }, { CALL(statx), C }, { CALL(statfs), C }, { CALL(fstatfs), C },
	{ CALL(access), C }, { CALL(faccessat), C }, { CALL(faccessat2), C },
	{ CALL(readlink), C }, { CALL(readlinkat), C }, { CALL(getcwd), C },
	{ CALL(getdents64), C }, { CALL(getdents), C }, { CALL(getxattr), C },
	{ CALL(lgetxattr), C }, { CALL(fgetxattr), C }, { CALL(fsync), C },
	{ CALL(fdatasync), C },
	{ CALL(ftruncate), F }, { CALL(fallocate), F }, { CALL(rename), F },
	{ CALL(renameat), F }, { CALL(renameat2), F }, { CALL(unlink), F },
	{ CALL(unlinkat), F }, { CALL(mkdir), F }, { CALL(mkdirat), F }, { CALL(rmdir), F },
	{ CALL(copy_file_range), F }, { CALL(sync_file_range), F }, { CALL(fchmod), A },
	/* waiting */
	{ CALL(poll), C }, { CALL(ppoll), C }, { CALL(select), C }, { CALL(pselect6), C },
	{ CALL(epoll_create), C }, { CALL(epoll_create1), C }, { CALL(epoll_ctl), C },
	{ CALL(epoll_wait), C }, { CALL(epoll_pwait), C }, { CALL(epoll_pwait2), C },
	{ CALL(eventfd), C }, { CALL(eventfd2), C }, { CALL(signalfd4), A | P },
	{ CALL(inotify_init1), A }, { CALL(inotify_add_watch), A },
	{ CALL(inotify_rm_watch), A },
	/* sockets, once socket() has passed */
	{ CALL(connect), C }, { CALL(shutdown), C }, { CALL(getsockname), C },
	{ CALL(getpeername), C }, { CALL(getsockopt), C }, { CALL(setsockopt), C },
	{ CALL(sendto), C }, { CALL(recvfrom), C }, { CALL(sendmsg), C }, { CALL(recvmsg), C },
	{ CALL(sendmmsg), C }, { CALL(recvmmsg), C }, { CALL(bind), S | I | N },
	{ CALL(listen), S }, { CALL(accept), S }, { CALL(accept4), S },
	/* processes */
	{ CALL(kill), A | P | K }, { CALL(wait4), A | P | K }, { CALL(waitid), A | P | K },
	{ CALL(pidfd_open), A | P }, { CALL(pidfd_send_signal), A | P },
	{ CALL(tgkill), A | P | K }, { CALL(fork), P | K }, { CALL(vfork), P }, { CALL(execve), P },
	{ CALL(setsid), P }, { CALL(setpgid), P }, { CALL(chdir), P }, { CALL(seccomp), P },
	{ CALL(setrlimit), P }, { CALL(capset), P },
	{ CALL(landlock_create_ruleset), P }, { CALL(landlock_add_rule), P },
	{ CALL(landlock_restrict_self), P },
};

/* Refused with an error where the role's parts do not allow them. */
static const struct {
	int nr;
	int error;
} refused[] = {
	/* the C library falls back to clone, whose flags can be filtered */
	{ CALL(clone3), ENOSYS }, { CALL(openat2), ENOSYS },
	{ CALL(fork), EPERM }, { CALL(vfork), EPERM }, { CALL(execve), EACCES },
	{ CALL(execveat), EACCES }, { CALL(kill), EPERM }, { CALL(wait4), ECHILD },
	{ CALL(waitid), ECHILD }, { CALL(ptrace), EPERM }, { CALL(personality), EPERM },
	{ CALL(setsid), EPERM }, { CALL(setpgid), EPERM },
	{ CALL(setpriority), EPERM }, { CALL(ioprio_set), EPERM },
	{ CALL(sched_setscheduler), EPERM }, { CALL(sched_setparam), EPERM },
	{ CALL(sched_setattr), EPERM }, { CALL(sched_setaffinity), EPERM },
	{ CALL(set_mempolicy), EPERM },
	{ CALL(get_mempolicy), EPERM }, { CALL(mbind), EPERM }, { CALL(setrlimit), EPERM },
	/* an executable that no Landlock rule sees */
	{ CALL(memfd_create), EPERM },
	{ CALL(mlockall), EPERM }, { CALL(chmod), EPERM }, { CALL(fchmodat), EPERM },
	{ CALL(fchmod), EPERM }, { CALL(chown), EPERM }, { CALL(fchown), EPERM },
	{ CALL(lchown), EPERM }, { CALL(fchownat), EPERM }, { CALL(utime), EPERM },
	{ CALL(utimes), EPERM }, { CALL(utimensat), EPERM }, { CALL(futimesat), EPERM },
	{ CALL(link), EPERM }, { CALL(linkat), EPERM }, { CALL(symlink), EPERM },
	{ CALL(symlinkat), EPERM }, { CALL(mkdir), EPERM }, { CALL(mkdirat), EPERM },
	{ CALL(rename), EPERM }, { CALL(renameat), EPERM }, { CALL(renameat2), EPERM },
	{ CALL(unlink), EPERM }, { CALL(unlinkat), EPERM }, { CALL(rmdir), EPERM },
	{ CALL(ftruncate), EPERM }, { CALL(truncate), EPERM }, { CALL(fallocate), EPERM },
	{ CALL(bind), EPERM }, { CALL(listen), EPERM }, { CALL(accept), EPERM },
	{ CALL(accept4), EPERM }, { CALL(inotify_init), EPERM },
	{ CALL(inotify_init1), EPERM }, { CALL(io_uring_setup), EPERM },
};

/* NSS gives up where it cannot chmod a file that it has just made, and no
 * Landlock rule covers chmod.  The umask has kept others out already. */
static const int pretended[] = { CALL(chmod), CALL(fchmodat), CALL(fchmod) };

static int
seccomp_pretends(int nr, unsigned parts)
{
	size_t i;

	if (!(parts & CALLS_MODULE) || (parts & A))
		return 0;
	for (i = 0; i < COUNT(pretended); i++)
		if (pretended[i] == nr)
			return 1;
	return 0;
}

static struct scmp_arg_cmp
seccomp_when(unsigned arg, enum scmp_compare op, uint64_t v)
{
	return (struct scmp_arg_cmp){ arg, op, v, 0 };
}

static struct scmp_arg_cmp
seccomp_masked(unsigned arg, uint64_t mask, uint64_t v)
{
	return (struct scmp_arg_cmp){ arg, SCMP_CMP_MASKED_EQ, mask, v };
}

static int
seccomp_list(scmp_filter_ctx ctx, unsigned parts)
{
	const size_t n = COUNT(allowed);
	size_t i, j;
	uint32_t error;
	int r = 0;

	for (i = 0; i < n && r == 0; i++)
		if ((allowed[i].parts & parts) && allowed[i].nr >= 0)
			r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, allowed[i].nr, 0);
	for (i = 0; i < COUNT(refused) && r == 0; i++) {
		for (j = 0; j < n; j++)
			if (allowed[j].nr == refused[i].nr && (allowed[j].parts & parts))
				break;
		if (j < n || refused[i].nr < 0 || sandbox_sanitizer_needs(refused[i].nr))
			continue;
		error = seccomp_pretends(refused[i].nr, parts) ? 0 : (uint32_t)refused[i].error;
		r = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(error), refused[i].nr, 0);
	}
	return r;
}

/* Calls from the future: libraries that know them also know to do without. */
static int
seccomp_future(scmp_filter_ctx ctx)
{
	int nr, r = 0;

	for (nr = LAST_KNOWN_CALL + 1; nr <= LAST_NEW_CALL && r == 0; nr++)
		r = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOSYS), nr, 0);
	return r;
}

/* A call of which the argument arg may be one of list, which ascends; any
 * other value is error. */
struct choice {
	int nr;
	unsigned arg;
	const uint64_t *list;
	size_t n;
	uint64_t except;	/* left to other rules; NO_EXCEPT */
	int error;
};

/* error for from to to: by blocks with a common prefix, as a rule takes one
 * comparison of an argument and overlapping rules have no order. */
static int
seccomp_gap(scmp_filter_ctx ctx, const struct choice *c, uint64_t from, uint64_t to)
{
	const uint32_t error = SCMP_ACT_ERRNO((uint32_t)c->error);
	uint64_t size;
	int r = 0;

	while (from <= to && r == 0) {
		if (from == c->except) {
			from++;
			continue;
		}
		for (size = 1; (from & size) == 0 && from + (2 * size - 1) <= to &&
		    (c->except < from || c->except > from + (2 * size - 1)); size *= 2)
			;
		r = seccomp_rule_add(ctx, error, c->nr, 1, seccomp_masked(c->arg, ~(size - 1), from));
		from += size;
	}
	return r;
}

static int
seccomp_choice(scmp_filter_ctx ctx, const struct choice *c)
{
	const uint32_t error = SCMP_ACT_ERRNO((uint32_t)c->error);
	size_t i;
	int r;

	r = seccomp_rule_add(ctx, error, c->nr, 1,
	    seccomp_when(c->arg, SCMP_CMP_GT, c->list[c->n - 1]));
	if (r == 0 && c->list[0] > 0)
		r = seccomp_rule_add(ctx, error, c->nr, 1,
		    seccomp_when(c->arg, SCMP_CMP_LT, c->list[0]));
	for (i = 0; i < c->n && r == 0; i++) {
		if (c->list[i] != c->except)
			r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, c->nr, 1,
			    seccomp_when(c->arg, SCMP_CMP_EQ, c->list[i]));
		if (r == 0 && i + 1 < c->n)
			r = seccomp_gap(ctx, c, c->list[i] + 1, c->list[i + 1] - 1);
	}
	return r;
}

static int
seccomp_choices(scmp_filter_ctx ctx, unsigned parts)
{
	static const uint64_t families[] = { AF_UNIX, AF_INET, AF_INET6 };
	static const uint64_t with_netlink[] = { AF_UNIX, AF_NETLINK };
	/* the last two are a hidraw node's */
	static const uint64_t ioctls[] = { TCGETS, FIONREAD, FIONBIO, FIONCLEX, FIOCLEX,
		HIDIOCGRDESCSIZE, HIDIOCGRDESC };
	/* these take nothing but from the process itself */
	static const uint64_t prctls[] = { PR_SET_PDEATHSIG, PR_GET_PDEATHSIG, PR_GET_DUMPABLE,
		PR_SET_NAME, PR_GET_NAME, PR_GET_SECCOMP, PR_CAPBSET_READ, PR_CAPBSET_DROP,
		PR_SET_TIMERSLACK, PR_GET_TIMERSLACK, PR_SET_NO_NEW_PRIVS, PR_GET_NO_NEW_PRIVS };
	const struct choice choices[] = {
		{ CALL(socket), 0, parts & N ? with_netlink : families,
		    parts & N ? 2 : parts & I ? 3 : 1, AF_NETLINK, EAFNOSUPPORT },
		{ CALL(socketpair), 0, families, 1, NO_EXCEPT, EAFNOSUPPORT },
		{ CALL(ioctl), 1, ioctls, parts & (K | N) ? COUNT(ioctls) : COUNT(ioctls) - 2, NO_EXCEPT, EPERM },
		{ CALL(prctl), 0, prctls, COUNT(prctls), PR_SET_DUMPABLE, EPERM },
	};
	size_t i;
	int r = 0;

	for (i = 0; i < COUNT(choices) && r == 0; i++)
		if (!sandbox_sanitizer_needs(choices[i].nr))
			r = seccomp_choice(ctx, &choices[i]);
	return r;
}

/* A process may become undumpable, and not the reverse. */
static int
seccomp_dumpable(scmp_filter_ctx ctx)
{
	int r;

	if (sandbox_sanitizer_needs(CALL(prctl)))
		return 0;
	r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, CALL(prctl), 2,
	    seccomp_when(0, SCMP_CMP_EQ, PR_SET_DUMPABLE), seccomp_when(1, SCMP_CMP_EQ, 0));
	if (r == 0)
		r = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), CALL(prctl), 2,
		    seccomp_when(0, SCMP_CMP_EQ, PR_SET_DUMPABLE), seccomp_when(1, SCMP_CMP_NE, 0));
	return r;
}

/* Of the netlink protocols that of udev alone. */
static int
seccomp_netlink(scmp_filter_ctx ctx, unsigned parts)
{
	int r;

	if (!(parts & N))
		return 0;
	r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, CALL(socket), 2,
	    seccomp_when(0, SCMP_CMP_EQ, AF_NETLINK),
	    seccomp_when(2, SCMP_CMP_EQ, NETLINK_KOBJECT_UEVENT));
	if (r == 0)
		r = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EAFNOSUPPORT), CALL(socket), 2,
		    seccomp_when(0, SCMP_CMP_EQ, AF_NETLINK),
		    seccomp_when(2, SCMP_CMP_NE, NETLINK_KOBJECT_UEVENT));
	return r;
}

/* clone: threads for all, processes for some, new namespaces for nobody. */
static int
seccomp_clone(scmp_filter_ctx ctx, unsigned parts)
{
	const uint32_t no = SCMP_ACT_ERRNO(EPERM);
	int r;

	if (parts & (P | K))
		return seccomp_rule_add(ctx, SCMP_ACT_ALLOW, CALL(clone), 1,
		    seccomp_masked(0, CLONE_NAMESPACES, 0));
	r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, CALL(clone), 1,
	    seccomp_masked(0, CLONE_NAMESPACES | CLONE_THREAD, CLONE_THREAD));
	if (r == 0)		/* fork */
		r = seccomp_rule_add(ctx, no, CALL(clone), 1,
		    seccomp_masked(0, CLONE_THREAD | CLONE_VM, 0));
	if (r == 0)		/* posix_spawn */
		r = seccomp_rule_add(ctx, no, CALL(clone), 1,
		    seccomp_masked(0, CLONE_THREAD | CLONE_VM | CLONE_VFORK,
		    CLONE_VM | CLONE_VFORK));
	return r;
}

/* nr where its argument is v; otherwise EPERM. */
static int
seccomp_only(scmp_filter_ctx ctx, int nr, unsigned arg, uint64_t v)
{
	int r;

	r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, nr, 1, seccomp_when(arg, SCMP_CMP_EQ, v));
	if (r == 0)
		r = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), nr, 1,
		    seccomp_when(arg, SCMP_CMP_NE, v));
	return r;
}

/* Its own limits, which only who starts programs may set; signals to itself. */
static int
seccomp_self(scmp_filter_ctx ctx, unsigned parts)
{
	int r;

	if (parts & P)
		return seccomp_only(ctx, CALL(prlimit64), 0, 0);
	if ((r = seccomp_only(ctx, CALL(prlimit64), 2, 0)) != 0 || (parts & (A | K)))
		return r;
	return seccomp_only(ctx, CALL(tgkill), 0, (uint64_t)getpid());
}

/* Map and protect memory; both writable and executable only with CALLS_MODULE. */
static int
seccomp_memory(scmp_filter_ctx ctx, unsigned parts)
{
	static const int calls[] = { CALL(mmap), CALL(mprotect) };
	static const uint64_t fine[] = { 0, PROT_WRITE, PROT_EXEC };
	const uint64_t both = PROT_WRITE | PROT_EXEC;
	size_t i, j;
	int r = 0;

	for (i = 0; i < COUNT(calls) && r == 0; i++) {
		if (parts & CALLS_MODULE) {
			r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, calls[i], 0);
			continue;
		}
		for (j = 0; j < COUNT(fine) && r == 0; j++)
			r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, calls[i], 1,
			    seccomp_masked(2, both, fine[j]));
		if (r == 0)
			r = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EACCES), calls[i], 1,
			    seccomp_masked(2, both, both));
	}
	return r;
}

static int
seccomp_fill(scmp_filter_ctx ctx, unsigned parts)
{
	int r;

	if ((r = seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS)) != 0 ||
	    (r = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2)) != 0 ||
	    (r = seccomp_list(ctx, parts)) != 0 ||
	    (r = seccomp_future(ctx)) != 0 ||
	    (r = seccomp_choices(ctx, parts)) != 0 ||
	    (r = seccomp_dumpable(ctx)) != 0 ||
	    (r = seccomp_netlink(ctx, parts)) != 0 ||
	    (r = seccomp_clone(ctx, parts)) != 0 ||
	    (r = seccomp_self(ctx, parts)) != 0 ||
	    (r = seccomp_memory(ctx, parts)) != 0)
		return r;
	return sandbox_sanitizer_calls(ctx);
}

int
sandbox_seccomp_have(void)
{
	uint32_t kill_process = SECCOMP_RET_KILL_PROCESS;

	return syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &kill_process) == 0;
}

/* The compiled filter of ctx: libseccomp hands it out through a descriptor alone.
 * A socket takes the longest one at once; a pipe may be shorter. */
static int
seccomp_export(scmp_filter_ctx ctx, struct seccomp_program *p)
{
	int fds[2] = { -1, -1 }, r;
	ssize_t n;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) == -1)
		return -errno;
	if ((r = seccomp_export_bpf(ctx, fds[1])) == 0) {
		n = read(fds[0], p->code, sizeof(p->code));
		if (n <= 0 || (size_t)n % sizeof(p->code[0]) != 0)
			r = -EIO;
		else
			p->n = (unsigned short)((size_t)n / sizeof(p->code[0]));
	}
	(void)close(fds[0]);
	(void)close(fds[1]);
	return r;
}

int
sandbox_seccomp_prepare(unsigned parts, struct seccomp_program *p)
{
	scmp_filter_ctx ctx;
	int r;

	if ((ctx = seccomp_init(SCMP_ACT_KILL_PROCESS)) == NULL) {
		errno = ENOMEM;
		return TSR_SYSTEM;
	}
	if ((r = seccomp_fill(ctx, parts)) == 0)
		r = seccomp_export(ctx, p);
	seccomp_release(ctx);
	if (r == 0)
		return TSR_OK;
	errno = r < 0 ? -r : ENOTSUP;
	return TSR_SYSTEM;
}

int
sandbox_seccomp_enter(struct seccomp_program *p)
{
	struct sock_fprog program = { p->n, p->code };
	long r;

	/* a thread that could not be taken along is told by its number */
	r = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program);
	if (r > 0)
		errno = EBUSY;
	return r == 0 ? TSR_OK : TSR_SYSTEM;
}
