/*
 * file.c - a virtual device's files.  See file.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "sim/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tessera.h"

#define STEP		4096	/* bytes read at a time */
#define NAME_SIZE	64	/* bytes of a file's name */

int
file_folder(const char *path, int make, int *dirfd)
{
	int fd;

	if (make && mkdir(path, 0700) == -1 && errno != EEXIST)
		return TSR_SYSTEM;
	if ((fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) == -1)
		return errno == ENOENT ? TSR_NOT_FOUND : TSR_SYSTEM;
	if (flock(fd, LOCK_EX | LOCK_NB) == -1) {
		(void)close(fd);
		return errno == EWOULDBLOCK ? TSR_CONFLICT : TSR_SYSTEM;
	}
	*dirfd = fd;
	return TSR_OK;
}

int
file_read(int dirfd, const char *name, struct buf *b)
{
	size_t room;
	ssize_t n;
	int fd, r;

	if ((fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC)) == -1)
		return errno == ENOENT ? TSR_NOT_FOUND : TSR_SYSTEM;
	for (;;) {
		/* one byte more than may be, so that a longer file is noticed */
		room = b->max - b->len < STEP ? b->max - b->len : STEP;
		if ((r = buf_reserve(b, room > 0 ? room : 1)) != TSR_OK)
			break;
		if ((n = read(fd, b->data + b->len, room)) > 0)
			buf_added(b, (size_t)n);
		else if (n == 0 || errno != EINTR) {
			r = n == 0 ? TSR_OK : TSR_SYSTEM;
			break;
		}
	}
	(void)close(fd);
	return r;
}

static int
file_write(int fd, const uint8_t *p, size_t n)
{
	ssize_t done;

	while (n > 0) {
		if ((done = write(fd, p, n)) == -1 && errno == EINTR)
			continue;
		if (done <= 0)
			return TSR_SYSTEM;
		p += done;
		n -= (size_t)done;
	}
	return TSR_OK;
}

int
file_replace(int dirfd, const char *name, const void *data, size_t n)
{
	char temporary[NAME_SIZE];
	int fd, r;

	(void)snprintf(temporary, sizeof(temporary), ".%s.new", name);
	if ((fd = openat(dirfd, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
	    0600)) == -1)
		return TSR_SYSTEM;
	r = file_write(fd, data, n);
	if (close(fd) == -1)
		r = TSR_SYSTEM;
	if (r == TSR_OK && renameat(dirfd, temporary, dirfd, name) == -1)
		r = TSR_SYSTEM;
	if (r != TSR_OK)
		(void)unlinkat(dirfd, temporary, 0);
	return r;
}
