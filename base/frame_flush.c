/*
 * frame_flush.c - frames that were gathered in a buffer leave.  See frame.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "base/frame.h"

#include <errno.h>
#include <sys/socket.h>

#include "tessera.h"

int
frame_flush(int fd, struct buf *b)
{
	size_t at = 0;
	ssize_t n;

	while (at < b->len) {
		n = send(fd, b->data + at, b->len - at, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EPIPE || errno == ECONNRESET ? TSR_CLOSED : TSR_SYSTEM;
		at += (size_t)n;
	}
	buf_reset(b);
	return TSR_OK;
}
