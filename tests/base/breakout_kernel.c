/*
 * breakout_kernel.c - ways out through the network and the kernel's interfaces.
 *
 * SPDX-License-Identifier: ISC
 */
#include "breakout.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/keyctl.h>
#include <linux/perf_event.h>
#include <netinet/in.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/sandbox_sanitizer.h"

/* The network. */

static enum jail_verdict
connect_tcp(void *arg)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(breakout_tcp_port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)arg;
	return fd == -1 ? JAIL_REFUSED :
	    breakout_verdict(connect(fd, (struct sockaddr *)&to, sizeof(to)));
}

static enum jail_verdict
connect_abstract(void *arg)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)arg;
	return fd == -1 ? JAIL_BROKEN :
	    breakout_verdict(connect(fd, (struct sockaddr *)&breakout_abstract, breakout_abstract_len));
}

static enum jail_verdict
try_family(int family, int type)
{
	return breakout_verdict(socket(family, type, 0));
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
	return breakout_verdict(socket(AF_INET, SOCK_RAW, IPPROTO_ICMP));
}

static enum jail_verdict
open_high_family(void *arg)
{
	(void)arg;
	/* The kernel takes the low half: AF_INET. */
	return breakout_verdict(syscall(SYS_socket, (1ul << 32) | AF_INET, SOCK_STREAM, 0));
}

static enum jail_verdict
listen_unix(void *arg)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)arg;
	/* The empty name: one is made up in the abstract space. */
	return fd == -1 ? JAIL_BROKEN :
	    breakout_verdict(bind(fd, (struct sockaddr *)&un, sizeof(sa_family_t)));
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
	return breakout_verdict(mount("none", breakout_path("out"), "tmpfs", 0, NULL));
}

static enum jail_verdict
do_mount_only(void *arg)
{
	(void)arg;
	/* A wrong type: where the call is let through, its error is ENODEV. */
	if (mount("none", breakout_path("out"), "no-such-fs", 0, NULL) == -1 && errno == ENODEV)
		return JAIL_DONE;
	return JAIL_REFUSED;
}

static enum jail_verdict
unshare_user(void *arg)
{
	(void)arg;
	if (unshare(CLONE_NEWUSER) == 0)
		return JAIL_DONE;
	/* Some sanitizers run a thread of their own, which rules it out. */
	return errno == EINVAL && sandbox_sanitizer_on() ? JAIL_SKIPPED : JAIL_REFUSED;
}

static enum jail_verdict
do_chroot(void *arg)
{
	(void)arg;
	return breakout_verdict(chroot(breakout_path("in")));
}

static enum jail_verdict
do_keyctl(void *arg)
{
	(void)arg;
	return breakout_verdict(syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 1));
}

static enum jail_verdict
do_add_key(void *arg)
{
	(void)arg;
	return breakout_verdict(syscall(SYS_add_key, "user", "tessera-escape", "x", 1,
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
	return breakout_verdict(syscall(SYS_bpf, BPF_MAP_CREATE, &attr, sizeof(attr)));
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
	return breakout_verdict(syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0));
}

static enum jail_verdict
do_userfaultfd(void *arg)
{
	(void)arg;
	return breakout_verdict(syscall(SYS_userfaultfd, 0));
}

static enum jail_verdict
do_io_uring(void *arg)
{
	uint32_t params[30] = { 0 };

	(void)arg;
	return breakout_verdict(syscall(SYS_io_uring_setup, 1, params));
}

static enum jail_verdict
do_fhandle(void *arg)
{
	uint32_t handle[34] = { 128 };
	int mount_id;

	(void)arg;
	return breakout_verdict(syscall(SYS_name_to_handle_at, AT_FDCWD, breakout_path("in"),
	    handle, &mount_id, 0));
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
	return fd == -1 ? JAIL_BROKEN : breakout_verdict(ioctl(fd, SIOCGIFCONF, buf));
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

const struct breakout_row breakout_kernel[] = {
	{ "connect by TCP", connect_tcp, AGENT | KEEPER | MODULE, 1, 0, 0 },
	{ "connect to an abstract socket", connect_abstract, NAMES | KEEPER | MODULE, 1, 6, 0 },
	{ "AF_INET6", open_inet6, AGENT | KEEPER | MODULE, 1, 0, 0 },
	{ "AF_NETLINK", open_netlink, ALL, 1, 0, 0 },
	{ "AF_PACKET", open_packet, ALL, 1, 0, 0 },
	{ "raw IP", open_raw, ALL, 1, 0, 0 },
	{ "AF_INET with high bits", open_high_family, ALL, 1, 0, 0 },
	{ "bind", listen_unix, KEEPER | MODULE, 1, 0, 0 },
	{ "mount in a namespace", do_mount, ALL, 1, 0, 0 },
	{ "mount", do_mount_only, ALL, 1, 0, 0 },
	{ "unshare the user namespace", unshare_user, ALL, 1, 0, 0 },
	{ "chroot", do_chroot, ALL, 1, 0, 0 },
	{ "keyctl", do_keyctl, ALL, 1, 0, 0 },
	{ "add_key", do_add_key, ALL, 1, 0, 0 },
	{ "bpf", do_bpf, ALL, 1, 0, 0 },
	{ "perf_event_open", do_perf, ALL, 1, 0, 0 },
	{ "userfaultfd", do_userfaultfd, ALL, 1, 0, 0 },
	{ "io_uring", do_io_uring, ALL, 0, 0, 0 },
	{ "file handles", do_fhandle, ALL, 0, 0, 0 },
	{ "a call newer than the list", new_call, ALL, 0, 0, 0 },
	{ "ioctl for the network", do_ioctl, ALL, 1, 0, 0 },
	{ "ioctl for terminals", ioctl_tiocsti, ALL, 1, 0, 0 },
	{ "x32 call", x32_call, ALL, 1, 0, 0 },
	{ "i386 call", i386_call, ALL, 0, 0, 0 },
	{ NULL, NULL, 0, 0, 0, 0 },
};
