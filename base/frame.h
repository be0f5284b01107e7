/*
 * frame.h - framed messages on a stream socket, between the agent and its
 * helpers.
 *
 *	u32 length of what follows the length (12 + body)
 *	u32 id		a request's number; its replies bear the same
 *	u32 deadline	milliseconds left for the request; 0 in replies
 *	u16 type	an enum proto_type (proto.h)
 *	u16 zero
 *	body
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef BASE_FRAME_H
#define BASE_FRAME_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

#define FRAME_HEAD	16		/* bytes, with the length */
#define FRAME_BODY_MAX	65536		/* bytes of body */

struct frame {
	uint32_t id;
	uint32_t deadline_ms;
	uint16_t type;
	const uint8_t *body;	/* into the buffer that was decoded */
	size_t body_len;
};

/* Append a whole frame to out.  TSR_TOO_LARGE for a body over the limit. */
int frame_encode(struct buf *out, const struct frame *f);

/* Look at the first frame in in[0..len).  TSR_AGAIN while it is not whole
 * (*need says how many bytes from the start would do); TSR_INVALID,
 * TSR_TOO_LARGE for a false head: drop the connection.  On success
 * *used bytes belong to the frame and f->body points into in. */
int frame_decode(const uint8_t *in, size_t len, struct frame *f,
    size_t *used, size_t *need);

/* Blocking forms for a process that serves one peer.  frame_recv reads one
 * frame into b (reset first) and decodes it; TSR_CLOSED at an orderly end,
 * TSR_INVALID at an end inside a frame.  frame_send takes the frame's parts;
 * frame_flush sends whole frames that were encoded, and resets b.  Both: TSR_CLOSED
 * where the peer is gone, TSR_SYSTEM. */
int frame_recv(int fd, struct buf *b, struct frame *f);
int frame_send(int fd, const struct frame *f);
int frame_flush(int fd, struct buf *b);

#endif
