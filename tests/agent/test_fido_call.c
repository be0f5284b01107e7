/*
 * test_fido_call.c - one operation with FIDO2 keys: what no helper is believed, how
 * long it is waited for, and that a request taken back hangs up at once.
 *
 * SPDX-License-Identifier: ISC
 */
#include "tests/agent/helper_rig.h"

#include <sodium.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/clock.h"
#include "agent/fido_call.h"
#include "include/tessera.h"
#include "tests/agent/clock_rig.h"

#define COUNT(t)	(sizeof(t) / sizeof((t)[0]))
#define DEADLINE_MS	30000

static struct fido_call *call;
static struct helper_end end;
static int cancel_inside;

static void
on_part(void *arg, uint16_t type, const struct proto_value *v)
{
	struct helper_end *e = arg;

	(void)type;
	(void)v;
	assert_int_equal(e->called, 0);
	e->parts++;
	if (cancel_inside)
		fido_call_cancel(&call);
}

/* A request that is well-formed. */
static int
ask(uint16_t type)
{
	struct helpers_options o = { NULL, "/nonexistent", 0, helper_rig_path, 0 };
	struct fido_call_client client = { on_part, helper_rig_on_done, &end };
	static const uint8_t bytes[32] = { 1 };
	struct proto_value text = { .p = (const uint8_t *)"device", .n = 6 }, v[10];

	memset(&end, 0, sizeof(end));
	memset(v, 0, sizeof(v));
	if (type == PROTO_FIDO_ASSERT) {
		v[0] = v[1] = text;
		v[2].p = bytes;
		v[2].n = sizeof(bytes);
		return fido_call_start(helper_rig_loop, &o, type, v, 6, DEADLINE_MS, &client, &call);
	}
	v[0] = v[1] = text;
	return fido_call_start(helper_rig_loop, &o, type, v, type == PROTO_FIDO_LOOK ? 3 : 0, DEADLINE_MS,
	    &client, &call);
}

static void
touch(struct helper_peer *p)
{
	struct proto_value v[2] = { { .p = (const uint8_t *)"hidraw0", .n = 7 }, { .u32 = 0 } };

	helper_peer_send(p, PROTO_FIDO_TOUCH, p->id, v, 2);
}

static void
asserted(struct helper_peer *p)
{
	static const uint8_t bytes[64] = { 1 };
	struct proto_value v[5];
	size_t i;

	for (i = 0; i < COUNT(v); i++)
		v[i] = (struct proto_value){ .p = bytes, .n = i == 0 ? 0 : 37 };
	helper_peer_send(p, PROTO_FIDO_ASSERTED, p->id, v, COUNT(v));
}

static void
found(struct helper_peer *p)
{
	struct proto_value v[2] = { { .p = (const uint8_t *)"hidraw0", .n = 7 },
	    { .p = (const uint8_t *)"id", .n = 2 } };

	helper_peer_send(p, PROTO_FIDO_FOUND, p->id, v, 2);
}

static void
raw(struct helper_peer *p, const char *bytes, size_t n)
{
	assert_int_equal(send(p->fd, bytes, n, MSG_NOSIGNAL), n);
}

/* --- what it is not believed --- */

enum lie { GOOD, OTHER_ID, FOUND_HERE, DONE_HERE, ERROR_OK, REQUEST, LENGTH, CUT, SHORT, END, TOO_MANY, TWICE };

static const struct lie_row {
	const char *name;
	uint16_t request;
	enum lie lie;
	int code, parts;
} lie_rows[] = {
	{ "an assertion", PROTO_FIDO_ASSERT, GOOD, TSR_OK, 2 },
	{ "what holds an id", PROTO_FIDO_LOOK, GOOD, TSR_OK, 2 },
	{ "another request's id", PROTO_FIDO_ASSERT, OTHER_ID, TSR_HELPER, 0 },
	{ "what holds an id, where a touch is due", PROTO_FIDO_ASSERT, FOUND_HERE, TSR_HELPER, 0 },
	{ "the end without an assertion", PROTO_FIDO_ASSERT, DONE_HERE, TSR_HELPER, 0 },
	{ "an assertion where nothing is to be signed", PROTO_FIDO_LOOK, OTHER_ID, TSR_HELPER, 0 },
	{ "an assertion to a list", PROTO_FIDO_LIST, OTHER_ID, TSR_HELPER, 0 },
	{ "success as an error", PROTO_FIDO_ASSERT, ERROR_OK, TSR_HELPER, 0 },
	{ "a request", PROTO_FIDO_ASSERT, REQUEST, TSR_HELPER, 0 },
	{ "a length beyond every frame", PROTO_FIDO_ASSERT, LENGTH, TSR_HELPER, 0 },
	{ "the end inside a frame", PROTO_FIDO_ASSERT, CUT, TSR_HELPER, 0 },
	{ "a field that is missing", PROTO_FIDO_ASSERT, SHORT, TSR_HELPER, 0 },
	{ "the end", PROTO_FIDO_ASSERT, END, TSR_HELPER, 0 },
	{ "touches without end", PROTO_FIDO_ASSERT, TOO_MANY, TSR_HELPER, FIDO_CALL_PARTS_MAX },
	{ "two assertions: the first", PROTO_FIDO_ASSERT, TWICE, TSR_OK, 1 },
};

static void
tell(struct helper_peer *p, const struct lie_row *row)
{
	int i;

	switch (row->lie) {
	case GOOD:
		if (row->request == PROTO_FIDO_ASSERT) {
			touch(p);
			asserted(p);
		} else {
			found(p);
			found(p);
			helper_peer_done(p);
		}
		break;
	case OTHER_ID:
		p->id += row->request == PROTO_FIDO_ASSERT;
		asserted(p);
		break;
	case FOUND_HERE:
		found(p);
		break;
	case DONE_HERE:
		helper_peer_done(p);
		break;
	case ERROR_OK:
		helper_peer_error(p, TSR_OK);
		break;
	case REQUEST:
		helper_peer_send(p, PROTO_FIDO_LIST, p->id, NULL, 0);
		break;
	case LENGTH:
		raw(p, "\x7f\xff\xff\xff\0\0\0\2\0\0\0\0\0\x20\0\0", 16);
		break;
	case CUT:
		raw(p, "\0\0\0\x0c\0\0\0\2\0\0", 10);
		assert_int_equal(shutdown(p->fd, SHUT_RDWR), 0);
		break;
	case SHORT:	/* a touch's device alone */
		raw(p, "\0\0\0\x11\0\0\0\2\0\0\0\0\0\x37\0\0\0\0\0\1h", 21);
		break;
	case END:
		assert_int_equal(shutdown(p->fd, SHUT_RDWR), 0);
		break;
	case TOO_MANY:
		for (i = 0; i <= FIDO_CALL_PARTS_MAX; i++)
			touch(p);
		break;
	case TWICE:
		asserted(p);
		asserted(p);
		break;
	}
}

static void
test_lies(void **state)
{
	const struct lie_row *row;
	struct helper_peer p;

	(void)state;
	for (row = lie_rows; row < lie_rows + COUNT(lie_rows); row++) {
		assert_int_equal(ask(row->request), TSR_OK);
		p = helper_peer_open();
		helper_peer_read(&p, row->request);
		tell(&p, row);
		helper_rig_wait(&end);
		helper_rig_turn();
		if (end.code != row->code || end.parts != row->parts || end.called != 1)
			fail_msg("%s: %d, %d parts", row->name, end.code, end.parts);
		if (!helper_peer_hung_up(&p))
			fail_msg("%s: the operation lives on", row->name);
		(void)close(p.fd);
	}
}

/* Before it said that it is there, nothing it says is an answer. */
static void
test_ahead(void **state)
{
	struct helper_peer p = { .id = 1 };
	size_t i;

	(void)state;
	for (i = 0; i < 3; i++) {
		assert_int_equal(ask(PROTO_FIDO_ASSERT), TSR_OK);
		assert_true((p.fd = accept4(helper_rig_listener, NULL, NULL, SOCK_CLOEXEC)) != -1);
		helper_peer_read(&p, PROTO_OPEN);
		p.id += i == 1;
		if (i < 2)
			asserted(&p);
		else
			helper_peer_error(&p, TSR_UNAVAILABLE);
		helper_rig_wait(&end);
		assert_int_equal(end.code, i < 2 ? TSR_HELPER : TSR_UNAVAILABLE);
		assert_int_equal(end.parts, 0);
		(void)close(p.fd);
	}
}

/* --- what it may say went wrong --- */

static const struct code_row {
	int said, code;
} code_rows[] = {
	{ TSR_DEVICE_NOT_FOUND, TSR_DEVICE_NOT_FOUND }, { TSR_DEVICE_REMOVED, TSR_DEVICE_REMOVED },
	{ TSR_DEVICE_BUSY, TSR_DEVICE_BUSY }, { TSR_DEVICE_REPLUG, TSR_DEVICE_REPLUG },
	{ TSR_DEVICE_FAILED, TSR_DEVICE_FAILED }, { TSR_PIN_REQUIRED, TSR_PIN_REQUIRED },
	{ TSR_PIN_WRONG, TSR_PIN_WRONG }, { TSR_PIN_LOCKED, TSR_PIN_LOCKED },
	{ TSR_PIN_UNSET, TSR_PIN_UNSET }, { TSR_TIMEOUT, TSR_TIMEOUT },
	{ TSR_CANCELLED, TSR_CANCELLED }, { TSR_CONFLICT, TSR_CONFLICT },
	{ TSR_UNSUPPORTED, TSR_KEY_UNUSABLE },
	/* what is the agent's alone to say */
	{ TSR_DENIED, TSR_HELPER }, { TSR_BAD_SIGNATURE, TSR_HELPER }, { TSR_LOGIN_REQUIRED, TSR_HELPER },
	{ TSR_STEP_UP_REQUIRED, TSR_HELPER }, { TSR_SLOW_DOWN, TSR_HELPER }, { TSR_PIN_SEAT, TSR_HELPER },
	{ TSR_NO_PROMPTER, TSR_HELPER }, { TSR_STORE, TSR_HELPER }
};

static void
test_codes(void **state)
{
	const struct code_row *row;
	struct helper_peer p;

	(void)state;
	for (row = code_rows; row < code_rows + COUNT(code_rows); row++) {
		assert_int_equal(ask(PROTO_FIDO_ASSERT), TSR_OK);
		p = helper_peer_open();
		helper_peer_read(&p, PROTO_FIDO_ASSERT);
		helper_peer_error(&p, row->said);
		helper_rig_wait(&end);
		if (end.code != row->code || end.tries_left != 2 || strcmp(end.detail, "why") != 0)
			fail_msg("%d: %d, %u, %s", row->said, end.code, end.tries_left, end.detail);
		(void)close(p.fd);
	}
}

/* --- how long --- */

static void
pass(uint64_t ms)
{
	clock_rig_advance(ms);
	timers_run(loop_timers(helper_rig_loop), clock_boot_ms());
}

static void
test_late(void **state)
{
	struct helper_peer p;

	(void)state;
	/* it never starts */
	assert_int_equal(ask(PROTO_FIDO_ASSERT), TSR_OK);
	pass(FIDO_CALL_OPEN_MS - 1);
	assert_int_equal(end.called, 0);
	pass(1);
	assert_int_equal(end.code, TSR_TIMEOUT);
	assert_true((p.fd = accept4(helper_rig_listener, NULL, NULL, SOCK_CLOEXEC)) != -1);
	assert_int_equal(helper_peer_hung_up(&p), 1);
	(void)close(p.fd);
	/* it never answers, and a key that goes on blinking prolongs nothing */
	assert_int_equal(ask(PROTO_FIDO_ASSERT), TSR_OK);
	p = helper_peer_open();
	helper_peer_read(&p, PROTO_FIDO_ASSERT);
	pass(DEADLINE_MS);
	touch(&p);
	helper_rig_turn();
	pass(FIDO_CALL_GRACE_MS - 1);
	assert_int_equal(end.called, 0);
	assert_int_equal(end.parts, 1);
	pass(1);
	assert_int_equal(end.called, 1);
	assert_int_equal(end.code, TSR_TIMEOUT);
	assert_int_equal(helper_peer_hung_up(&p), 1);
	(void)close(p.fd);
}

/* --- taken back --- */

static void
test_cancel(void **state)
{
	struct helper_peer p;

	(void)state;
	assert_int_equal(ask(PROTO_FIDO_ASSERT), TSR_OK);
	p = helper_peer_open();
	helper_peer_read(&p, PROTO_FIDO_ASSERT);
	touch(&p);
	helper_rig_turn();
	assert_int_equal(end.parts, 1);
	asserted(&p);			/* it lies in the socket already */
	fido_call_cancel(&call);
	assert_null(call);
	fido_call_cancel(&call);
	assert_int_equal(helper_peer_hung_up(&p), 1);
	assert_int_equal(end.called, 0);
	(void)close(p.fd);
	/* by what is told of a part */
	cancel_inside = 1;
	assert_int_equal(ask(PROTO_FIDO_ASSERT), TSR_OK);
	p = helper_peer_open();
	helper_peer_read(&p, PROTO_FIDO_ASSERT);
	touch(&p);
	asserted(&p);
	helper_rig_turn();
	cancel_inside = 0;
	assert_null(call);
	assert_int_equal(end.parts, 1);
	assert_int_equal(end.called, 0);
	assert_int_equal(helper_peer_hung_up(&p), 1);
	(void)close(p.fd);
}

static void
test_nobody(void **state)
{
	(void)state;
	(void)close(helper_rig_listener);
	assert_int_equal(ask(PROTO_FIDO_LIST), TSR_HELPER);
	assert_int_equal(ask(PROTO_PROVE), TSR_INVALID);
	assert_int_equal(end.called, 0);
	helper_rig_listen();
}

int
main(void)
{
#define TEST(t)	cmocka_unit_test_setup_teardown(t, helper_rig_setup, helper_rig_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_lies),
		TEST(test_ahead),
		TEST(test_codes),
		TEST(test_late),
		TEST(test_cancel),
		TEST(test_nobody),
	};

	if (sodium_init() < 0)
		return 1;
	clock_rig_start();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
