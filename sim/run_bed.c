/*
 * run_bed.c - the private world of the virtual keys.  See run_bed.h.
 *
 * Why a network namespace: udev's events are multicast to everybody in one.
 * Unix sockets with a path, pcscd's and the agent's among them, work across
 * it; the host's loopback does not.
 *
 * SPDX-License-Identifier: ISC
 */
#include "sim/run_bed.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "sim/run_tree.h"
#include "tessera.h"

/* What of the host's /dev is there inside, where the host has it. */
static const char *const dev_nodes[] = {
	"null", "zero", "full", "random", "urandom", "tty", "fuse", "console",
};
static const char *const dev_folders[] = { "shm", "net", "mqueue" };
static const char *const dev_links[][2] = {
	{ "/proc/self/fd", "fd" }, { "/proc/self/fd/0", "stdin" },
	{ "/proc/self/fd/1", "stdout" }, { "/proc/self/fd/2", "stderr" },
};

/* What of the host's /sys. */
static const char *const sys_folders[] = { "fs/cgroup", "devices/system" };

/* What a /sys has without any device in it. */
static const char *const sys_made[] = {
	"/sys/class/hidraw", "/sys/bus/usb/devices", "/sys/bus/hid/devices", "/sys/dev/char",
	"/sys/devices",
};

#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))

/* root inside is the caller outside. */
static int
run_bed_user(void)
{
	unsigned uid = geteuid(), gid = getegid();
	int r;

	if (unshare(CLONE_NEWUSER) == -1)
		return TSR_SYSTEM;
	if ((r = run_tree_file("/proc/self", "setgroups", "deny")) != TSR_OK ||
	    (r = run_tree_file("/proc/self", "uid_map", "0 %u 1", uid)) != TSR_OK)
		return r;
	return run_tree_file("/proc/self", "gid_map", "0 %u 1", gid);
}

/* Bind host/name to there/name; nothing where the host has none. */
static int
run_bed_bind(const char *host, const char *there, const char *name, int folder)
{
	char from[PATH_MAX], to[PATH_MAX];
	int r;

	(void)snprintf(from, sizeof(from), "%s/%s", host, name);
	(void)snprintf(to, sizeof(to), "%s/%s", there, name);
	if (access(from, F_OK) == -1)
		return TSR_OK;
	r = folder ? run_tree_folder(to) : run_tree_file(there, name, "%s", "");
	if (r != TSR_OK)
		return r;
	return mount(from, to, NULL, MS_BIND | (folder ? (unsigned long)MS_REC : 0), NULL) == -1 ?
	    TSR_SYSTEM : TSR_OK;
}

/* The host's ptys; in a user namespace, where those have an owner who is not
 * mapped, new ones. */
static int
run_bed_pts(const char *stage, int root)
{
	char path[PATH_MAX];
	int r;

	if (root) {
		/* not the devpts' own, which is often of mode 0 */
		(void)snprintf(path, sizeof(path), "%s/ptmx", stage);
		if (mknod(path, S_IFCHR | 0666, makedev(5, 2)) == -1 || chmod(path, 0666) == -1)
			return TSR_SYSTEM;
		return run_bed_bind("/dev", stage, "pts", 1);
	}
	if ((r = run_tree_link("pts/ptmx", stage, "ptmx")) != TSR_OK)
		return r;
	(void)snprintf(path, sizeof(path), "%s/pts", stage);
	if ((r = run_tree_folder(path)) != TSR_OK)
		return r;
	return mount("devpts", path, "devpts", 0, "newinstance,ptmxmode=0666") == -1 ? TSR_SYSTEM :
	    TSR_OK;
}

/* Fill stage, a tmpfs, with what /dev shall have. */
static int
run_bed_dev(const char *stage, int root)
{
	size_t i;
	int r;

	for (i = 0; i < COUNT(dev_nodes); i++)
		if ((r = run_bed_bind("/dev", stage, dev_nodes[i], 0)) != TSR_OK)
			return r;
	for (i = 0; i < COUNT(dev_folders); i++)
		if ((r = run_bed_bind("/dev", stage, dev_folders[i], 1)) != TSR_OK)
			return r;
	for (i = 0; i < COUNT(dev_links); i++)
		if ((r = run_tree_link(dev_links[i][0], stage, dev_links[i][1])) != TSR_OK)
			return r;
	return run_bed_pts(stage, root);
}

static int
run_bed_sys(const char *stage, int root)
{
	size_t i;
	int r;

	(void)root;
	for (i = 0; i < COUNT(sys_folders); i++)
		if ((r = run_bed_bind("/sys", stage, sys_folders[i], 1)) != TSR_OK)
			return r;
	return TSR_OK;
}

/* Build a tmpfs and move it to target: until then the host's is there to take
 * things from. */
static int
run_bed_replace(const char *target, int root, int (*fill)(const char *stage, int root))
{
	char stage[] = "/tmp/tessera-sim.XXXXXX";
	int r = TSR_SYSTEM, e;

	if (mkdtemp(stage) == NULL)
		return TSR_SYSTEM;
	if (mount("tessera-sim", stage, "tmpfs", MS_NOSUID, "mode=0755") == 0 &&
	    (r = fill(stage, root)) == TSR_OK && mount(stage, target, NULL, MS_MOVE, NULL) == -1)
		r = TSR_SYSTEM;
	e = errno;
	if (r != TSR_OK)
		(void)umount2(stage, MNT_DETACH);
	(void)rmdir(stage);
	errno = e;
	return r;
}

/* libudev believes that udevd runs by this file. */
static int
run_bed_udev(void)
{
	int r;

	if (mkdir("/run/udev", 0755) == -1 && errno != EEXIST)
		return TSR_SYSTEM;
	if (mount("tessera-sim", "/run/udev", "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755") == -1)
		return TSR_SYSTEM;
	if ((r = run_tree_folder("/run/udev/data")) != TSR_OK)
		return r;
	return run_tree_file("/run/udev", "control", "%s", "");
}

static int
run_bed_loopback(void)
{
	struct ifreq ifr;
	int fd, r = TSR_OK;

	memset(&ifr, 0, sizeof(ifr));
	memcpy(ifr.ifr_name, "lo", sizeof("lo"));
	ifr.ifr_flags = IFF_UP | IFF_RUNNING;
	if ((fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) == -1)
		return TSR_SYSTEM;
	if (ioctl(fd, SIOCSIFFLAGS, &ifr) == -1)
		r = TSR_SYSTEM;
	(void)close(fd);
	return r;
}

int
run_bed_enter(const char **what)
{
	int root = geteuid() == 0, r;
	size_t i;

	*what = "a user namespace of its own";
	if (!root && (r = run_bed_user()) != TSR_OK)
		return r;
	*what = "mount and network namespaces of its own";
	if (unshare(CLONE_NEWNS | CLONE_NEWNET) == -1 ||
	    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == -1)
		return TSR_SYSTEM;
	*what = "its own /dev";
	if ((r = run_bed_replace("/dev", root, run_bed_dev)) != TSR_OK)
		return r;
	*what = "its own /sys";
	if ((r = run_bed_replace("/sys", root, run_bed_sys)) != TSR_OK)
		return r;
	for (i = 0; i < COUNT(sys_made); i++)
		if ((r = run_tree_folder(sys_made[i])) != TSR_OK)
			return r;
	*what = "its own /run/udev (which root has to make where it is missing)";
	if ((r = run_bed_udev()) != TSR_OK)
		return r;
	*what = "its loopback";
	return run_bed_loopback();
}
