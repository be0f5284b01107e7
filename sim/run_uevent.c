/*
 * run_uevent.c - events as udevd multicasts them.  See run_uevent.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "sim/run_uevent.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/netlink.h>

#include "base/buf.h"
#include "tessera.h"

#define GROUP_UDEV	2		/* of NETLINK_KOBJECT_UEVENT: what udevd is done with */
#define MAGIC		0xfeedcafeu
#define PROPERTIES_MAX	1024		/* bytes */

struct header {				/* libudev's, version 2 */
	char prefix[8];
	uint32_t magic, header_size, properties_off, properties_len;
	uint32_t subsystem_hash, devtype_hash, tags_high, tags_low;
};

int
run_uevent_open(int *out)
{
	int fd;

	if ((fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_KOBJECT_UEVENT)) == -1)
		return TSR_SYSTEM;
	*out = fd;
	return TSR_OK;
}

/* MurmurHash2 with seed 0, by which monitors filter in the kernel. */
static uint32_t
run_uevent_hash(const char *s)
{
	const uint32_t m = 0x5bd1e995;
	size_t len = strlen(s);
	uint32_t h = (uint32_t)len, k;

	for (; len >= 4; s += 4, len -= 4) {
		memcpy(&k, s, 4);
		k *= m;
		k ^= k >> 24;
		h = h * m ^ k * m;
	}
	if (len == 3)
		h ^= (uint32_t)(uint8_t)s[2] << 16;
	if (len >= 2)
		h ^= (uint32_t)(uint8_t)s[1] << 8;
	if (len >= 1)
		h = (h ^ (uint8_t)s[0]) * m;
	h ^= h >> 13;
	h *= m;
	return h ^ h >> 15;
}

int
run_uevent_send(int fd, const char *action, const char *syspath, int minor)
{
	struct sockaddr_nl to = { .nl_family = AF_NETLINK, .nl_groups = GROUP_UDEV };
	static unsigned long long sequence;
	struct header h;
	struct iovec iov[2];
	struct msghdr m;
	struct buf b;
	int r;

	buf_init(&b, PROPERTIES_MAX);
	/* each ends with a NUL */
	r = buf_printf(&b, "ACTION=%s%cDEVPATH=%s/hidraw/hidraw%d%cSUBSYSTEM=hidraw%c"
	    "DEVNAME=/dev/hidraw%d%cSEQNUM=%llu%cMAJOR=%d%cMINOR=%d%c", action, 0,
	    syspath + strlen("/sys"), minor, 0, 0, minor, 0, ++sequence, 0, RUN_MAJOR, 0, minor, 0);
	if (r != TSR_OK)
		goto out;
	memset(&h, 0, sizeof(h));
	memcpy(h.prefix, "libudev", sizeof("libudev"));
	h.magic = htonl(MAGIC);
	h.header_size = h.properties_off = sizeof(h);
	h.properties_len = (uint32_t)b.len;
	h.subsystem_hash = htonl(run_uevent_hash("hidraw"));
	iov[0] = (struct iovec){ &h, sizeof(h) };
	iov[1] = (struct iovec){ b.data, b.len };
	memset(&m, 0, sizeof(m));
	m.msg_name = &to;
	m.msg_namelen = sizeof(to);
	m.msg_iov = iov;
	m.msg_iovlen = 2;
	if (sendmsg(fd, &m, 0) == -1 && errno != ECONNREFUSED)
		r = TSR_SYSTEM;
 out:
	buf_free(&b);
	return r;
}
