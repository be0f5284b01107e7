/*
 * tar.c - see tar.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "client/tar.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tessera.h"

/* POSIX.1-2017, pax, "ustar Interchange Format". */
struct tar_head {
	char name[TAR_NAME_MAX], mode[8], uid[8], gid[8], size[12], mtime[12], checksum[8];
	char type, linkname[100], magic[6], version[2], uname[32], gname[32], major[8], minor[8];
	char prefix[155], pad[12];
};
_Static_assert(sizeof(struct tar_head) == TAR_BLOCK, "a head is a block");

static int
tar_write(int fd, const void *p, size_t n)
{
	const char *at = p;
	ssize_t done;

	while (n > 0) {
		done = write(fd, at, n);
		if (done == -1 && errno == EINTR)
			continue;
		if (done <= 0)
			return TSR_SYSTEM;
		at += done;
		n -= (size_t)done;
	}
	return TSR_OK;
}

/* n - 1 octal digits and a NUL. */
static void
tar_octal(char *out, size_t n, uint64_t v)
{
	out[--n] = '\0';
	for (; n > 0; v >>= 3)
		out[--n] = (char)('0' + (v & 7));
}

static void
tar_checksum(struct tar_head *h)
{
	unsigned char bytes[sizeof(*h)];
	unsigned sum = 0;
	size_t i;

	memset(h->checksum, ' ', sizeof(h->checksum));
	memcpy(bytes, h, sizeof(bytes));
	for (i = 0; i < sizeof(bytes); i++)
		sum += bytes[i];
	tar_octal(h->checksum, 7, sum);
}

int
tar_put(int fd, const char *name, const void *p, size_t n, int64_t mtime)
{
	static const char zero[TAR_BLOCK];
	struct tar_head h;
	int r;

	if (strlen(name) >= sizeof(h.name))
		return TSR_TOO_LARGE;
	memset(&h, 0, sizeof(h));
	(void)snprintf(h.name, sizeof(h.name), "%s", name);
	tar_octal(h.mode, sizeof(h.mode), 0644);
	tar_octal(h.uid, sizeof(h.uid), 0);
	tar_octal(h.gid, sizeof(h.gid), 0);
	tar_octal(h.size, sizeof(h.size), n);
	tar_octal(h.mtime, sizeof(h.mtime), mtime > 0 ? (uint64_t)mtime : 0);
	h.type = '0';
	memcpy(h.magic, "ustar", 6);
	memcpy(h.version, "00", 2);
	memcpy(h.uname, "root", 5);
	memcpy(h.gname, "root", 5);
	tar_checksum(&h);
	if ((r = tar_write(fd, &h, sizeof(h))) != TSR_OK || (r = tar_write(fd, p, n)) != TSR_OK)
		return r;
	return tar_write(fd, zero, (TAR_BLOCK - n % TAR_BLOCK) % TAR_BLOCK);
}

int
tar_end(int fd)
{
	static const char zero[2 * TAR_BLOCK];

	return tar_write(fd, zero, sizeof(zero));
}
