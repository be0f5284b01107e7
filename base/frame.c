/*
 * frame.c - framed messages on a stream socket.  See frame.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "base/frame.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "tessera.h"

#define FRAME_LENGTH	4			/* bytes of the length itself */
#define FRAME_FIXED	(FRAME_HEAD - FRAME_LENGTH)	/* bytes the length counts before the body */

static void
frame_head(uint8_t head[FRAME_HEAD], const struct frame *f)
{
	const uint32_t word[4] = { (uint32_t)(FRAME_FIXED + f->body_len), f->id,
	    f->deadline_ms, (uint32_t)f->type << 16 };
	size_t i;

	for (i = 0; i < FRAME_HEAD; i++)
		head[i] = (uint8_t)(word[i / 4] >> (24 - 8 * (i % 4)));
}

int
frame_encode(struct buf *out, const struct frame *f)
{
	uint8_t head[FRAME_HEAD];
	int r;

	if (f->body_len > FRAME_BODY_MAX)
		return TSR_TOO_LARGE;
	if ((r = buf_reserve(out, FRAME_HEAD + f->body_len)) != TSR_OK)
		return r;
	frame_head(head, f);
	if ((r = buf_put(out, head, sizeof(head))) != TSR_OK)
		return r;
	return buf_put(out, f->body, f->body_len);
}

int
frame_decode(const uint8_t *in, size_t len, struct frame *f, size_t *used,
    size_t *need)
{
	struct reader r;
	struct frame got;
	uint32_t length;
	uint16_t zero;

	reader_init(&r, in, len);
	if (reader_u32(&r, &length) != TSR_OK) {
		*need = FRAME_HEAD;
		return TSR_AGAIN;
	}
	/* Judged before a byte of the body is waited for. */
	if (length < FRAME_FIXED)
		return TSR_INVALID;
	if (length > FRAME_FIXED + FRAME_BODY_MAX)
		return TSR_TOO_LARGE;
	if (reader_u32(&r, &got.id) != TSR_OK ||
	    reader_u32(&r, &got.deadline_ms) != TSR_OK ||
	    reader_u16(&r, &got.type) != TSR_OK ||
	    reader_u16(&r, &zero) != TSR_OK) {
		*need = FRAME_HEAD;
		return TSR_AGAIN;
	}
	if (zero != 0)
		return TSR_INVALID;
	if (len < FRAME_LENGTH + (size_t)length) {
		*need = FRAME_LENGTH + (size_t)length;
		return TSR_AGAIN;
	}
	got.body = r.p;
	got.body_len = length - FRAME_FIXED;
	*f = got;
	*used = FRAME_LENGTH + (size_t)length;
	return TSR_OK;
}

/* Read until b holds need bytes.  TSR_CLOSED at the peer's end. */
static int
frame_fill(int fd, struct buf *b, size_t need)
{
	ssize_t n;
	int r;

	if ((r = buf_reserve(b, need - b->len)) != TSR_OK)
		return r;
	while (b->len < need) {
		n = recv(fd, b->data + b->len, need - b->len, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n == 0 || (n < 0 && errno == ECONNRESET))
			return TSR_CLOSED;
		if (n < 0)
			return TSR_SYSTEM;
		buf_added(b, (size_t)n);
	}
	return TSR_OK;
}

int
frame_recv(int fd, struct buf *b, struct frame *f)
{
	size_t need = FRAME_HEAD, used;
	int r;

	buf_reset(b);
	do {
		r = frame_fill(fd, b, need);
		if (r == TSR_CLOSED && b->len > 0)
			return TSR_INVALID;
		if (r != TSR_OK)
			return r;
	} while ((r = frame_decode(b->data, b->len, f, &used, &need)) == TSR_AGAIN);
	return r;
}

int
frame_send(int fd, const struct frame *f)
{
	union { const uint8_t *from; void *to; } body = { f->body };	/* sendmsg only reads */
	uint8_t head[FRAME_HEAD];
	struct iovec part[2] = { { head, sizeof(head) }, { body.to, f->body_len } };
	struct msghdr msg = { .msg_iov = part, .msg_iovlen = 2 };
	size_t sent;
	ssize_t n;

	if (f->body_len > FRAME_BODY_MAX)
		return TSR_TOO_LARGE;
	frame_head(head, f);
	while (part[0].iov_len + part[1].iov_len > 0) {
		if ((n = sendmsg(fd, &msg, MSG_NOSIGNAL)) < 0) {
			if (errno == EINTR)
				continue;
			return errno == EPIPE || errno == ECONNRESET ? TSR_CLOSED : TSR_SYSTEM;
		}
		sent = (size_t)n < part[0].iov_len ? (size_t)n : part[0].iov_len;
		part[0].iov_base = (uint8_t *)part[0].iov_base + sent;
		part[0].iov_len -= sent;
		if (part[1].iov_len > 0 && (sent = (size_t)n - sent) > 0) {
			part[1].iov_base = (uint8_t *)part[1].iov_base + sent;
			part[1].iov_len -= sent;
		}
	}
	return TSR_OK;
}
