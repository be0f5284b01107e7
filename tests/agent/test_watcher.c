/*
 * test_watcher.c - the watcher's connection: what it may say and when, and how
 * often it is started again.
 *
 * SPDX-License-Identifier: ISC
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "agent/clock.h"
#include "agent/watcher.h"
#include "include/tessera.h"
#include "tests/agent/clock_rig.h"

#define TURNS	4	/* of the loop, for what one side sent to arrive */

static struct loop *loop;
static struct watcher *watcher;
static struct watcher_reader last;
static int listener = -1, peer = -1;
static int services, readers, readies, available;
static char path[108];

static void
on_service(void *arg, int is)
{
	(void)arg;
	services++;
	available = is;
}

static void
on_reader(void *arg, const struct watcher_reader *r)
{
	(void)arg;
	readers++;
	last = *r;
}

static void
on_ready(void *arg)
{
	(void)arg;
	readies++;
}

static void
turn(void)
{
	int i;

	for (i = 0; i < TURNS; i++)
		assert_true(sd_event_run(loop_event(loop), 0) >= 0);
	timers_run(loop_timers(loop), clock_boot_ms());
}

/* The watcher that was started, having read its one request. */
static int
started(void)
{
	uint8_t bytes[64];
	ssize_t n;

	if (peer != -1)
		(void)close(peer);
	if ((peer = accept4(listener, NULL, NULL, SOCK_CLOEXEC)) == -1)
		return 0;
	n = recv(peer, bytes, sizeof(bytes), 0);
	assert_int_equal(n, FRAME_HEAD);
	assert_int_equal(bytes[13], PROTO_WATCH);
	return 1;
}

static int
setup(void **state)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	struct watcher_client c = { .service = on_service, .reader = on_reader, .ready = on_ready };
	struct helpers_options o = { NULL, "/nonexistent", 0, path, 1 };

	(void)state;
	services = readers = readies = available = 0;
	peer = -1;
	(void)snprintf(path, sizeof(path), "/tmp/tessera-watcher-%d.sock", (int)getpid());
	(void)snprintf(at.sun_path, sizeof(at.sun_path), "%s", path);
	(void)unlink(path);
	listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	assert_int_equal(bind(listener, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(listener, 8), 0);
	assert_int_equal(loop_new(&loop), TSR_OK);
	assert_int_equal(watcher_new(loop, &o, &c, &watcher), TSR_OK);
	watcher_start(watcher);
	assert_true(started());
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	watcher_free(&watcher);
	loop_free(&loop);
	(void)close(listener);
	if (peer != -1)
		(void)close(peer);
	(void)unlink(path);
	return 0;
}

static void
say(uint16_t type, uint32_t id, const struct proto_value *v, size_t n)
{
	struct buf b;

	buf_init(&b, 65536);
	assert_int_equal(proto_encode(&b, type, id, 0, v, n), TSR_OK);
	assert_int_equal(send(peer, b.data, b.len, MSG_NOSIGNAL), b.len);
	buf_free(&b);
	turn();
}

static void
say_service(uint32_t is)
{
	struct proto_value v[2] = { { .u32 = is }, { .p = (const uint8_t *)"why", .n = is ? 0 : 3 } };

	say(PROTO_SERVICE, 1, v, 2);
}

static void
say_reader(const char *name)
{
	struct proto_value v[5] = { { .p = (const uint8_t *)name, .n = strlen(name) },
	    { .p = (const uint8_t *)"slot", .n = 4 }, { .u32 = PROTO_READER_PRESENT }, { .u32 = 7 },
	    { .p = (const uint8_t *)";", .n = 1 } };

	say(PROTO_READER, 1, v, 5);
}

static void
does_its_work(void **state)
{
	const char *detail;

	(void)state;
	assert_int_equal(watcher_state(watcher), WATCHER_STARTING);
	say_service(0);
	assert_string_equal(watcher_state_name(watcher, &detail), "unavailable");
	assert_string_equal(detail, "why");
	say_service(1);
	say_reader("a reader");
	assert_string_equal(last.name, "a reader");
	assert_string_equal(last.slot, "slot");
	assert_int_equal(last.state, PROTO_READER_PRESENT);
	assert_int_equal(last.count, 7);
	say(PROTO_DONE, 1, NULL, 0);
	assert_int_equal(services, 2);
	assert_int_equal(readies, 1);
	assert_int_equal(watcher_state(watcher), WATCHER_WATCHING);
	clock_rig_advance(WATCHER_FIRST_MS);
	turn();
	assert_int_equal(watcher_state(watcher), WATCHER_WATCHING);
}

static void
reader_too_early(void)
{
	say_reader("a reader");
}

static void
ready_too_early(void)
{
	say(PROTO_DONE, 1, NULL, 0);
}

static void
reader_without_name(void)
{
	say_service(1);
	say_reader("");
}

static void
other_id(void)
{
	say(PROTO_DONE, 2, NULL, 0);
}

static void
other_frame(void)
{
	struct proto_value v = { .p = (const uint8_t *)"s", .n = 1 };

	say_service(1);
	say(PROTO_SIGNATURE, 1, &v, 1);
}

static void
agents_frame(void)
{
	say_service(1);
	say(PROTO_WATCH, 1, NULL, 0);
}

static void
false_length(void)
{
	static const uint8_t bytes[16] = { 0xff, 0xff, 0xff, 0xff };

	assert_int_equal(send(peer, bytes, sizeof(bytes), MSG_NOSIGNAL), sizeof(bytes));
	turn();
}

static void
silence(void)
{
	clock_rig_advance(WATCHER_FIRST_MS);
	turn();
}

static const struct row {
	const char *name;
	void (*lie)(void);
} rows[] = {
	{ "a reader before the service", reader_too_early },
	{ "done before the service", ready_too_early },
	{ "a reader without a name", reader_without_name },
	{ "another request's id", other_id },
	{ "a signature", other_frame },
	{ "a frame of the agent's", agents_frame },
	{ "a length without end", false_length },
	{ "nothing at all", silence },
};

/* Hung up on at once, and what it had said of readers is void. */
static void
lies_are_its_end(void **state)
{
	char byte;
	size_t i;
	int r = 0;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		print_message("%s\n", rows[i].name);
		if (i > 0)
			assert_int_equal(setup(state), 0);
		rows[i].lie();
		while ((r = (int)recv(peer, &byte, 1, MSG_DONTWAIT)) > 0)
			;
		assert_int_equal(r, 0);
		assert_int_equal(available, 0);
		assert_int_equal(watcher_state(watcher), WATCHER_STARTING);
		if (i + 1 < sizeof(rows) / sizeof(rows[0]))
			assert_int_equal(teardown(state), 0);
	}
}

/* Again and again, later and later, then it rests. */
static void
deaths(void **state)
{
	uint64_t wait = WATCHER_TRY_MS;
	int i;

	(void)state;
	say_service(1);
	say(PROTO_DONE, 1, NULL, 0);
	for (i = 1; i < HELPER_DEATHS; i++) {
		(void)close(peer);
		peer = -1;
		turn();
		assert_int_equal(watcher_state(watcher), WATCHER_STARTING);
		assert_int_equal(available, 0);
		clock_rig_advance(wait - 1);
		turn();
		assert_false(started());
		clock_rig_advance(1);
		turn();
		assert_true(started());
		wait *= 2;
	}
	(void)close(peer);
	peer = -1;
	turn();
	assert_int_equal(watcher_state(watcher), WATCHER_RESTING);
	clock_rig_advance(HELPER_REST_MS - 1);
	turn();
	assert_false(started());
	clock_rig_advance(1);
	turn();
	assert_true(started());
	say_service(1);
	say(PROTO_DONE, 1, NULL, 0);
	assert_int_equal(watcher_state(watcher), WATCHER_WATCHING);
}

/* A new configuration: a new watcher, at once. */
static void
renewed(void **state)
{
	(void)state;
	say_service(1);
	say(PROTO_DONE, 1, NULL, 0);
	watcher_renew(watcher);
	assert_int_equal(available, 0);
	assert_true(started());
}

int
main(void)
{
#define T(f)	cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(does_its_work), T(lies_are_its_end), T(deaths), T(renewed),
	};

	if (sodium_init() < 0)
		return 1;
	clock_rig_start();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
