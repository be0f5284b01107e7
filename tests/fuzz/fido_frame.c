/*
 * fido_frame.c - a FIDO2 helper that was taken over: any bytes from it, in answer
 * to any operation.  Each ends once, says nothing but text, hands over only frames
 * that belong to it, and ends well only with the one that it waits for.
 *
 * The first byte is the operation (bits 0 to 2), whether the helper opens well
 * (bit 3), whether the caller gives up when the first frame has come (bit 4) or
 * after all of them (bit 5), and whether the helper stays and says no more (bit
 * 6); the second one after how many bytes there is a pause.
 *
 * SPDX-License-Identifier: ISC
 */
#include <sodium.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "agent/clock.h"
#include "agent/fido_call.h"
#include "base/escape.h"
#include "base/frame.h"
#include "include/tessera.h"
#include "tests/agent/clock_rig.h"
#include "tests/fuzz/must.h"
#include "tests/fuzz/scarce.h"

#define DEADLINE_MS	5000
#define TURNS_MAX	64	/* of the loop, for one thing */

enum { OPENS = 8, GIVES_UP = 16, GIVES_UP_LATE = 32, STAYS = 64 };

static struct loop *loop;
static int listener = -1;
static char path[108];

static const struct operation {
	uint16_t type, part, last;
} operations[] = {
	{ PROTO_FIDO_LIST, PROTO_FIDO_KEY, PROTO_DONE },
	{ PROTO_FIDO_MAKE, PROTO_FIDO_TOUCH, PROTO_FIDO_MADE },
	{ PROTO_FIDO_ASSERT, PROTO_FIDO_TOUCH, PROTO_FIDO_ASSERTED },
	{ PROTO_FIDO_LOOK, PROTO_FIDO_FOUND, PROTO_DONE },
	{ PROTO_FIDO_SELECT, PROTO_FIDO_TOUCH, PROTO_DONE },
	{ PROTO_FIDO_PIN, PROTO_FIDO_TOUCH, PROTO_DONE }
};

static struct state {
	const struct operation *op;
	struct fido_call *call;
	unsigned parts;
	int done, ended, give_up;	/* ended: its last frame came */
} st;

static void
on_part(void *arg, uint16_t type, const struct proto_value *v)
{
	must(arg == &st && !st.done && !st.ended && st.call != NULL);
	must(type == st.op->part || type == st.op->last);
	must(++st.parts <= FIDO_CALL_PARTS_MAX && v[0].n <= 64 &&
	    escape_is_text((const char *)v[0].p, v[0].n));
	st.ended = type == st.op->last;
	if (st.give_up)
		fido_call_cancel(&st.call);
}

static void
on_done(void *arg, int code, uint32_t tries, const char *detail)
{
	(void)tries;
	must(arg == &st && !st.done && st.call != NULL && code <= TSR_OK);
	must(strlen(detail) <= 512 && escape_is_text(detail, strlen(detail)));
	must(code != TSR_OK || st.op->last == PROTO_DONE || st.ended);
	must(code == TSR_OK || !st.ended || scarce_hit());
	st.done = 1;
	st.call = NULL;
}

static void
setup(void)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };

	must(sodium_init() >= 0);
	clock_rig_start();
	must(loop_new(&loop) == TSR_OK);
	(void)snprintf(path, sizeof(path), "/tmp/tessera-fuzz-fido-%d.sock", (int)getpid());
	(void)snprintf(at.sun_path, sizeof(at.sun_path), "%s", path);
	(void)unlink(path);
	listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	must(bind(listener, (struct sockaddr *)&at, sizeof(at)) == 0 && listen(listener, 64) == 0);
}

static void
remove_socket(void)
{
	(void)unlink(path);
}

static void
turn(int most)
{
	int i;

	for (i = 0; i < most && sd_event_run(loop_event(loop), 0) > 0; i++)
		;
}

/* Values within the table for every operation: texts "x", 32 bytes of hash. */
static int
ask(uint8_t what)
{
	static const char config[] = "/nonexistent", word[] = "x";
	static const uint8_t hash[PROTO_FIDO_HASH_LEN];
	struct helpers_options o = { NULL, config, 0, path, 0 };
	struct fido_call_client client = { on_part, on_done, &st };
	const struct proto_message *m;
	struct proto_value v[PROTO_FIELDS_MAX];
	size_t n;

	st.op = &operations[(what & 7) % 6];
	st.give_up = (what & GIVES_UP) != 0;
	must((m = proto_lookup(st.op->type)) != NULL);
	memset(v, 0, sizeof(v));
	for (n = 0; n < PROTO_FIELDS_MAX && m->field[n].name != NULL; n++)
		if (m->field[n].kind != PROTO_U32)
			v[n] = m->field[n].max == sizeof(hash) ? (struct proto_value){ .p = hash, .n = sizeof(hash) } :
			    (struct proto_value){ .p = (const uint8_t *)word, .n = 1 };
	return fido_call_start(loop, &o, st.op->type, v, n, DEADLINE_MS, &client, &st.call);
}

static void
say(int fd, const uint8_t *p, size_t n)
{
	(void)send(fd, p, n, MSG_NOSIGNAL | MSG_DONTWAIT);
	turn(TURNS_MAX);
}

static void
helper(int fd, uint8_t what, size_t pause, const uint8_t *p, size_t n)
{
	static const uint8_t opened[FRAME_HEAD] = { 0, 0, 0, 12, 0, 0, 0, 1, 0, 0, 0, 0, 0, PROTO_DONE, 0, 0 };

	if ((what & OPENS) != 0)
		say(fd, opened, sizeof(opened));
	if (pause < n) {
		say(fd, p, pause);
		p += pause;
		n -= pause;
	}
	say(fd, p, n);
	if ((what & GIVES_UP_LATE) != 0)
		fido_call_cancel(&st.call);
	if ((what & STAYS) == 0)
		(void)shutdown(fd, SHUT_RDWR);
	turn(TURNS_MAX);
	/* whoever stays and says nothing more has his time */
	if (st.call != NULL) {
		clock_rig_advance(FIDO_CALL_OPEN_MS + DEADLINE_MS + FIDO_CALL_GRACE_MS);
		timers_run(loop_timers(loop), clock_boot_ms());
	}
}

static void
run(const uint8_t *data, size_t size)
{
	int fd, r;

	if (size < 2)
		return;
	memset(&st, 0, sizeof(st));
	clock_rig_reset();
	if ((r = ask(data[0])) != TSR_OK)
		must(scarce_hit());
	fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	must(fd != -1 || scarce_hit());
	if (fd != -1 && r == TSR_OK)
		helper(fd, data[0], data[1], data + 2, size - 2);
	must(st.call == NULL);
	must(r != TSR_OK || st.done || (data[0] & (GIVES_UP | GIVES_UP_LATE)) != 0);
	if (fd != -1)
		(void)close(fd);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (loop == NULL) {
		setup();
		(void)atexit(remove_socket);
	}
	scarce_run(run, data, size);
	return 0;
}
