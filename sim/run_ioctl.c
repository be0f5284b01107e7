/*
 * run_ioctl.c - answers to two ioctls.  See run_ioctl.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "sim/run_ioctl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/filter.h>
#include <linux/hidraw.h>
#include <linux/seccomp.h>

#include "sim/run_arch.h"
#include "tessera.h"

#define PROC_PATH	64		/* characters of /proc/PID/... */

/* One input and one output report of 64 bytes on the FIDO usage page
 * (CTAP 2.1 section 11.2.8.1). */
static const uint8_t descriptor[] = {
	0x06, 0xd0, 0xf1,		/* usage page: FIDO alliance */
	0x09, 0x01,			/* usage: U2F HID device */
	0xa1, 0x01,			/* collection: application */
	0x09, 0x20,			/* usage: input report data */
	0x15, 0x00, 0x26, 0xff, 0x00,	/* 0 to 255 */
	0x75, 0x08, 0x95, 0x40,		/* 64 times 8 bits */
	0x81, 0x02,			/* input */
	0x09, 0x21,			/* usage: output report data */
	0x15, 0x00, 0x26, 0xff, 0x00,
	0x75, 0x08, 0x95, 0x40,
	0x91, 0x02,			/* output */
	0xc0,				/* end of collection */
};

int
run_ioctl_filter(int *out)
{
	struct sock_filter f[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, RUN_AUDIT_ARCH, 0, 6),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_ioctl, 0, 4),
		/* the lower half of the request, on a little-endian machine */
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[1])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)HIDIOCGRDESCSIZE, 1, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)HIDIOCGRDESC, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof(f) / sizeof(f[0]), f };
	long fd;

	if ((fd = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER,
	    &program)) == -1)
		return TSR_SYSTEM;
	*out = (int)fd;
	return TSR_OK;
}

/* Whether the asker's descriptor is one of our devices. */
static bool
run_ioctl_ours(const struct seccomp_notif *q, const struct run_device *device, size_t n)
{
	char path[PROC_PATH];
	struct stat st;
	size_t i;

	(void)snprintf(path, sizeof(path), "/proc/%u/fd/%d", q->pid, (int)q->data.args[0]);
	if (stat(path, &st) == -1 || !S_ISCHR(st.st_mode))
		return false;
	for (i = 0; i < n; i++)
		if (device[i].pty != -1 && device[i].rdev == st.st_rdev && device[i].dev == st.st_dev)
			return true;
	return false;
}

/* Write the answer into the asker's memory; an errno. */
static int
run_ioctl_write(int listener, const struct seccomp_notif *q)
{
	const uint32_t size = sizeof(descriptor);
	const off_t to = (off_t)q->data.args[2];
	char path[PROC_PATH];
	uint32_t room;
	int mem, e = EFAULT;

	(void)snprintf(path, sizeof(path), "/proc/%u/mem", q->pid);
	if ((mem = open(path, O_RDWR | O_CLOEXEC)) == -1)
		return EFAULT;
	/* only now is it certain whose memory this is */
	if (ioctl(listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &q->id) == -1)
		goto out;
	if ((uint32_t)q->data.args[1] == (uint32_t)HIDIOCGRDESCSIZE) {
		if (pwrite(mem, &size, sizeof(size), to) == (ssize_t)sizeof(size))
			e = 0;
		goto out;
	}
	if (pread(mem, &room, sizeof(room), to) != (ssize_t)sizeof(room))
		goto out;
	if (room > HID_MAX_DESCRIPTOR_SIZE - 1) {	/* as the kernel has it */
		e = EINVAL;
		goto out;
	}
	if (room > size)
		room = size;
	if (pwrite(mem, descriptor, room,
	    to + (off_t)offsetof(struct hidraw_report_descriptor, value)) == (ssize_t)room)
		e = 0;
 out:
	(void)close(mem);
	return e;
}

void
run_ioctl_serve(int listener, const struct run_device *device, size_t n)
{
	struct seccomp_notif_resp answer;
	struct seccomp_notif q;

	memset(&q, 0, sizeof(q));
	if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &q) == -1)
		return;				/* the asker is gone already */
	memset(&answer, 0, sizeof(answer));
	answer.id = q.id;
	if (run_ioctl_ours(&q, device, n))
		answer.error = -run_ioctl_write(listener, &q);
	else
		answer.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
	(void)ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &answer);
}
