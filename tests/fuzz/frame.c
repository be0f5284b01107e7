/*
 * frame.c - fuzz: frames and messages between the agent and its helpers.
 *
 * What decodes must encode to the same bytes; what is shown of it must be
 * printable.
 *
 * SPDX-License-Identifier: ISC
 */
#include "base/frame.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/escape.h"
#include "base/proto.h"
#include "tessera.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
expect(int truth)
{
	if (!truth)
		abort();
}

static int
message(const struct frame *f, enum proto_side from, const uint8_t *whole, size_t used)
{
	struct proto_value v[PROTO_FIELDS_MAX];
	struct buf again;
	size_t count;

	if (proto_decode(f, from, v, &count) != TSR_OK)
		return 0;
	buf_init(&again, FRAME_HEAD + FRAME_BODY_MAX);
	expect(proto_encode(&again, f->type, f->id, f->deadline_ms, v, count) == TSR_OK);
	expect(again.len == used && memcmp(again.data, whole, used) == 0);
	buf_free(&again);
	return 1;
}

static void
shown(const uint8_t *p, size_t n)
{
	char out[200];

	escape_text(out, sizeof(out), p, n);
	expect(escape_is_text(out, strlen(out)));
	escape_text(out, 1 + n % 20, p, n);
	expect(strlen(out) <= n % 20 && escape_is_text(out, strlen(out)));
}

/* By a socket: the same frame as from memory, and written as it was read. */
static void
by_socket(const uint8_t *data, size_t size)
{
	uint8_t back[FRAME_HEAD + FRAME_BODY_MAX];
	size_t used, need = 0;
	struct frame f, g;
	struct buf b;
	int pair[2], due, r;

	if (size > sizeof(back))
		return;
	due = frame_decode(data, size, &g, &used, &need);
	expect(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
	expect(send(pair[0], data, size, MSG_NOSIGNAL) == (ssize_t)size);
	(void)shutdown(pair[0], SHUT_WR);
	buf_init(&b, FRAME_HEAD + FRAME_BODY_MAX);
	r = frame_recv(pair[1], &b, &f);
	expect(due != TSR_AGAIN && size >= FRAME_HEAD ? r == due :
	    r == (size == 0 ? TSR_CLOSED : TSR_INVALID));
	if (r == TSR_OK) {
		expect(f.id == g.id && f.type == g.type && f.body_len == g.body_len);
		expect(frame_send(pair[1], &f) == TSR_OK);
		expect(recv(pair[0], back, sizeof(back), 0) == (ssize_t)used && memcmp(back, data, used) == 0);
	}
	buf_free(&b);
	(void)close(pair[0]);
	expect(r != TSR_OK || frame_send(pair[1], &g) == TSR_CLOSED);
	(void)close(pair[1]);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct frame f;
	size_t used, need = 0;
	int r;

	by_socket(data, size);
	while ((r = frame_decode(data, size, &f, &used, &need)) == TSR_OK) {
		expect(used <= size && used == FRAME_HEAD + f.body_len);
		expect(f.body_len <= FRAME_BODY_MAX);
		/* No type is both sides' to send. */
		expect(message(&f, PROTO_FROM_AGENT, data, used) +
		    message(&f, PROTO_FROM_HELPER, data, used) <= 1);
		shown(f.body, f.body_len);
		data += used;
		size -= used;
	}
	if (r == TSR_AGAIN)
		expect(need > size && need <= FRAME_HEAD + FRAME_BODY_MAX);
	else
		expect(r == TSR_INVALID || r == TSR_TOO_LARGE);
	return 0;
}
