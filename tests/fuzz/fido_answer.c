/*
 * fido_answer.c - fuzz target: a FIDO2 key that says anything, under the packaged
 * libfido2.  Whatever it says, the process that speaks to it ends with one last
 * frame that the protocol's table allows.
 *
 * The first byte is the operation and the second one its flags; then the key's
 * answers to CBOR commands, each with two bytes of length before it.
 *
 * SPDX-License-Identifier: ISC
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/frame.h"
#include "fido/ask.h"
#include "tessera.h"
#include "tests/fuzz/scarce.h"

#define REPORT		64	/* bytes of a HID report */
#define INIT		0x86	/* CTAPHID commands, CTAP 2.1 section 11.2.9 */
#define CBOR		0x90
#define MESSAGE_MAX	7609	/* bytes */
#define ANSWER_MS	50

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
const char *__asan_default_options(void);
fido_dev_t *__wrap_fido_dev_new(void);
fido_dev_t *__real_fido_dev_new(void);

static struct wire {
	const uint8_t *p;		/* answers that are left */
	size_t left;
	uint8_t out[MESSAGE_MAX];	/* the answer that is being read */
	size_t n, at;
	uint8_t cid[4], command, sequence;
	size_t due;			/* bytes of the request that are still to come */
} wire;

/* The worker has so much memory; here it is the sanitizer that says no. */
const char *
__asan_default_options(void)
{
	return "allocator_may_return_null=1:max_allocation_size_mb=200";
}

static void *
wire_open(const char *path)
{
	(void)path;
	return &wire;
}

static void
wire_close(void *handle)
{
	(void)handle;
}

static void
wire_answer(const uint8_t *report)
{
	static const uint8_t hello[] = { 1, 2, 3, 4, 2, 0, 0, 0, 4 };
	size_t n;

	wire.at = wire.n = 0;
	if (wire.command == INIT) {
		memcpy(wire.out, report + 8, 8);	/* its nonce */
		memcpy(wire.out + 8, hello, sizeof(hello));
		wire.n = 8 + sizeof(hello);
	} else if (wire.left >= 2) {
		n = (size_t)wire.p[0] << 8 | wire.p[1];
		n = n > wire.left - 2 ? wire.left - 2 : n;
		n = n > MESSAGE_MAX ? MESSAGE_MAX : n;
		memcpy(wire.out, wire.p + 2, n);
		wire.p += 2 + n;
		wire.left -= 2 + n;
		wire.n = n;
	}
}

static int
wire_write(void *handle, const unsigned char *p, size_t n)
{
	size_t part;

	(void)handle;
	if (n != REPORT + 1)
		abort();
	if (p[5] & 0x80) {
		if (p[5] != INIT && p[5] != CBOR)
			return (int)n;		/* a cancel */
		memcpy(wire.cid, p + 1, 4);
		wire.command = p[5];
		wire.due = (size_t)p[6] << 8 | p[7];
		wire.sequence = 0;
		part = REPORT - 7;
	} else
		part = REPORT - 5;
	if (wire.due > part) {
		wire.due -= part;
		return (int)n;
	}
	wire.due = 0;
	wire_answer(p);
	return (int)n;
}

static int
wire_read(void *handle, unsigned char *p, size_t n, int ms)
{
	size_t head = wire.at == 0 ? 7 : 5, part;

	(void)handle;
	(void)ms;
	if (n != REPORT || wire.at >= wire.n)
		return -1;
	memset(p, 0, n);
	memcpy(p, wire.cid, 4);
	if (wire.at == 0) {
		p[4] = wire.command;
		p[5] = (uint8_t)(wire.n >> 8);
		p[6] = (uint8_t)wire.n;
	} else
		p[4] = wire.sequence++;
	part = wire.n - wire.at < n - head ? wire.n - wire.at : n - head;
	memcpy(p + head, wire.out + wire.at, part);
	wire.at += part;
	return (int)n;
}

fido_dev_t *
__wrap_fido_dev_new(void)
{
	static const fido_dev_io_t io = { wire_open, wire_close, wire_read, wire_write };
	fido_dev_t *dev = __real_fido_dev_new();

	if (dev != NULL && fido_dev_set_io_functions(dev, &io) != FIDO_OK)
		abort();
	return dev;
}

/* Touches, then one last word. */
static void
look(const uint8_t *p, size_t n, uint32_t id)
{
	struct proto_value v[PROTO_FIELDS_MAX];
	size_t used, need, count;
	struct frame f;
	int last = 0;

	for (; n > 0; p += used, n -= used) {
		if (last || frame_decode(p, n, &f, &used, &need) != TSR_OK || f.id != id ||
		    proto_decode(&f, PROTO_FROM_HELPER, v, &count) != TSR_OK)
			abort();
		last = f.type != PROTO_FIDO_TOUCH;
		if (f.type == PROTO_ERROR && v[0].u32 == 0)
			abort();
	}
	/* tests/fault/test_memory.py lets allocations of the libraries fail, too */
	if (!last && !scarce_hit() && getenv("TESSERA_SWEEP") == NULL)
		abort();
}

static void
check(const uint8_t *data, size_t size)
{
	static uint8_t said[4 * FRAME_BODY_MAX];
	static struct key_place place = { .path = "/dev/null" };
	struct request q = { .id = 7, .rp_id = "tessera:test", .rp_name = "n", .user_name = "u",
		.user_id = "id", .user_id_len = 2, .algorithms = 1u << PROTO_ECDSA_P256_SHA256 };
	uint16_t types[] = { PROTO_FIDO_LIST, PROTO_FIDO_MAKE, PROTO_FIDO_ASSERT, PROTO_FIDO_LOOK,
		PROTO_FIDO_SELECT };
	int pair[2];
	size_t n = 0;
	ssize_t got;

	if (size < 2 || socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == -1)
		return;
	key_name(place.path, place.device);
	memset(&wire, 0, sizeof(wire));
	wire.p = data + 2;
	wire.left = size - 2;
	q.type = types[data[0] % 5];
	q.flags = data[1] & 15;
	q.several = (data[1] & 16) != 0;
	q.ids[0] = q.ids[1] = (struct request_id){ (const uint8_t *)"abc", 3 };
	q.ids[1].n = 2;
	q.n_ids = (data[1] >> 5) % 3;
	q.end = key_now() + ANSWER_MS;
	ask_run(&q, &place, pair[0]);
	(void)close(pair[0]);
	while ((got = read(pair[1], said + n, sizeof(said) - n)) > 0)
		n += (size_t)got;
	(void)close(pair[1]);
	look(said, n, q.id);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int begun;

	if (!begun)
		fido_init(FIDO_DISABLE_U2F_FALLBACK);
	begun = 1;
	scarce_run(check, data, size);
	return 0;
}
