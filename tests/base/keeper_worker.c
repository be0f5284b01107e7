/*
 * keeper_worker.c - workers for the keeper's tests, good and bad ones, by the
 * name of the module.
 *
 * SPDX-License-Identifier: ISC
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/frame.h"
#include "base/proto.h"
#include "base/spawn.h"
#include "tessera.h"

#define MANY	1000	/* replies, below the keeper's limit */

static void
say(uint16_t type, uint32_t id, const struct proto_value *v, size_t n)
{
	struct buf out;

	buf_init(&out, FRAME_HEAD + FRAME_BODY_MAX);
	if (proto_encode(&out, type, id, 0, v, n) != TSR_OK ||
	    write(SPAWN_FD, out.data, out.len) != (ssize_t)out.len)
		_exit(3);
	buf_free(&out);
}

static struct proto_value
text(const char *s)
{
	return (struct proto_value){ .p = (const uint8_t *)s, .n = strlen(s) };
}

static void
say_token(uint32_t id, const char *serial)
{
	const struct proto_value v[6] = { text(serial), text("label"), text("maker"),
		text("model"), { .u32 = 0 }, text("reader") };

	say(PROTO_TOKEN, id, v, 6);
}

static void
say_raw(const void *p, size_t n)
{
	if (write(SPAWN_FD, p, n) != (ssize_t)n)
		_exit(3);
}

_Noreturn static void
hang(void)
{
	for (;;)
		pause();
}

static void
answer_well(const struct frame *f)
{
	static const uint8_t raw[64] = { 1, 2, 3 };
	const struct proto_value key[6] = { { .p = raw, .n = 2 }, text("key"), { .u32 = 2 },
		{ .p = raw, .n = 64 }, { .p = raw, .n = 0 }, { .u32 = 0 } };
	const struct proto_value sig = { .p = raw, .n = 64 };
	char serial[16];

	switch (f->type) {
	case PROTO_TOKENS:
		snprintf(serial, sizeof(serial), "%u", f->deadline_ms);
		say_token(f->id, serial);
		say_token(f->id, "two");
		break;
	case PROTO_KEYS:
		say(PROTO_KEY, f->id, key, 6);
		break;
	case PROTO_PROVE:
		say(PROTO_SIGNATURE, f->id, &sig, 1);
		return;
	default:
		break;
	}
	say(PROTO_DONE, f->id, NULL, 0);
}

static void
do_good(const struct frame *f)
{
	answer_well(f);
}

static void
do_hang(const struct frame *f)
{
	if (f->type != PROTO_OPEN)
		hang();
	answer_well(f);
}

static void
do_hang_open(const struct frame *f)
{
	(void)f;
	hang();
}

static void
do_spin(const struct frame *f)
{
	volatile unsigned n = 0;

	while (f->type != PROTO_OPEN)
		n = n + 1;
	answer_well(f);
}

static void
do_abort(const struct frame *f)
{
	if (f->type != PROTO_OPEN) {
		signal(SIGABRT, SIG_DFL);
		abort();
	}
	answer_well(f);
}

static void
do_exit(const struct frame *f)
{
	if (f->type != PROTO_OPEN)
		_exit(0);
	answer_well(f);
}

/* Outside the filter that the keeper has left to it. */
static void
do_mount(const struct frame *f)
{
	if (f->type != PROTO_OPEN)
		syscall(SYS_mount, "none", "/", "tmpfs", 0, NULL);
	answer_well(f);
}

static void
do_rubbish(const struct frame *f)
{
	if (f->type == PROTO_OPEN) {
		answer_well(f);
		return;
	}
	say_raw("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 38);
	hang();
}

static void
do_oversized(const struct frame *f)
{
	static const uint8_t head[4] = { 0x7f, 0xff, 0xff, 0xff };

	if (f->type == PROTO_OPEN) {
		answer_well(f);
		return;
	}
	say_raw(head, sizeof(head));
	hang();
}

static void
do_foreign_id(const struct frame *f)
{
	struct frame other = *f;

	if (f->type != PROTO_OPEN)
		other.id++;
	answer_well(&other);
}

static void
do_wrong_type(const struct frame *f)
{
	const struct proto_value v[3] = { { .u32 = 0 }, { .u32 = 0 }, text("root") };

	if (f->type == PROTO_OPEN)
		answer_well(f);
	else
		say(PROTO_USER, f->id, v, 3);
}

/* PROTO_TOKEN belongs to no answer but that of PROTO_TOKENS. */
static void
do_token_to_open(const struct frame *f)
{
	if (f->type == PROTO_OPEN)
		say_token(f->id, "one");
	answer_well(f);
}

static void
do_echo(const struct frame *f)
{
	if (f->type == PROTO_OPEN)
		answer_well(f);
	else if (frame_send(SPAWN_FD, f) != TSR_OK)
		_exit(3);
}

static void
do_trailing(const struct frame *f)
{
	struct frame done = { .id = f->id, .type = PROTO_DONE };
	static const uint8_t more = 0;

	if (f->type == PROTO_OPEN) {
		answer_well(f);
		return;
	}
	done.body = &more;
	done.body_len = 1;
	if (frame_send(SPAWN_FD, &done) != TSR_OK)
		_exit(3);
}

static void
do_half_hang(const struct frame *f)
{
	static const uint8_t half[10] = { 0, 0, 0, 12 };

	if (f->type == PROTO_OPEN) {
		answer_well(f);
		return;
	}
	say_raw(half, sizeof(half));
	hang();
}

static void
do_half_exit(const struct frame *f)
{
	static const uint8_t half[10] = { 0, 0, 0, 12 };

	if (f->type == PROTO_OPEN) {
		answer_well(f);
		return;
	}
	say_raw(half, sizeof(half));
	_exit(7);
}

static void
do_flood(const struct frame *f)
{
	while (f->type != PROTO_OPEN)
		say_token(f->id, "again");
	answer_well(f);
}

static void
do_many(const struct frame *f)
{
	char serial[16];
	int i;

	if (f->type != PROTO_OPEN)
		for (i = 0; i < MANY; i++) {
			snprintf(serial, sizeof(serial), "%d", i);
			say_token(f->id, serial);
		}
	say(PROTO_DONE, f->id, NULL, 0);
}

static void
do_talks_on(const struct frame *f)
{
	answer_well(f);
	say(PROTO_DONE, f->id, NULL, 0);
}

/* Names itself and a child that would live for ever. */
static void
do_fork(const struct frame *f)
{
	char pid[16];
	pid_t child;

	if (f->type == PROTO_OPEN) {
		answer_well(f);
		return;
	}
	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	say_token(f->id, pid);
	if ((child = fork()) == 0)
		hang();
	snprintf(pid, sizeof(pid), "%d", (int)child);
	say_token(f->id, pid);
	hang();
}

/* As before, and ends, while the child holds the socket open. */
static void
do_fork_exit(const struct frame *f)
{
	if (f->type != PROTO_OPEN) {
		if (fork() == 0)
			hang();
		_exit(5);
	}
	answer_well(f);
}

static void
do_refuse(const struct frame *f)
{
	const struct proto_value v[3] = { { .u32 = (uint32_t)-TSR_CONFIG },
		{ .u32 = PROTO_TRIES_UNKNOWN }, text("no such file") };

	say(PROTO_ERROR, f->id, v, 3);
}

static void
do_pin_wrong(const struct frame *f)
{
	const struct proto_value v[3] = { { .u32 = (uint32_t)-TSR_PIN_WRONG }, { .u32 = 2 },
		text("") };

	if (f->type == PROTO_OPEN)
		answer_well(f);
	else
		say(PROTO_ERROR, f->id, v, 3);
}

/* Takes a while: what waits behind it has less time. */
static void
do_slow(const struct frame *f)
{
	struct timespec t = { 0, 150 * 1000 * 1000 };

	if (f->type == PROTO_TOKENS)
		nanosleep(&t, NULL);
	answer_well(f);
}

static const struct {
	const char *name;
	void (*run)(const struct frame *f);
} modes[] = {
	{ "good", do_good }, { "hang", do_hang }, { "hang-open", do_hang_open },
	{ "spin", do_spin }, { "abort", do_abort }, { "exit", do_exit }, { "mount", do_mount },
	{ "rubbish", do_rubbish }, { "oversized", do_oversized },
	{ "foreign-id", do_foreign_id }, { "wrong-type", do_wrong_type },
	{ "token-to-open", do_token_to_open }, { "echo", do_echo },
	{ "trailing", do_trailing }, { "half-hang", do_half_hang }, { "half-exit", do_half_exit },
	{ "flood", do_flood }, { "many", do_many }, { "talks-on", do_talks_on },
	{ "fork", do_fork }, { "fork-exit", do_fork_exit }, { "refuse", do_refuse },
	{ "pin-wrong", do_pin_wrong }, { "slow", do_slow },
};

int
main(int argc, char *argv[])
{
	struct frame f;
	struct buf in;
	size_t i;

	if (argc != 2)
		return 2;
	for (i = 0; i < sizeof(modes) / sizeof(modes[0]); i++)
		if (strcmp(modes[i].name, argv[1]) == 0)
			break;
	if (i == sizeof(modes) / sizeof(modes[0]))
		return 2;
	buf_init(&in, FRAME_HEAD + FRAME_BODY_MAX);
	while (frame_recv(SPAWN_FD, &in, &f) == TSR_OK)
		modes[i].run(&f);
	buf_free(&in);
	return 0;
}
