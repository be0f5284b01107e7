/*
 * test_fido_spare.c - helpers for FIDO2 keys that wait: when there are any, who is
 * served by one, and what becomes of one that ends.
 *
 * SPDX-License-Identifier: ISC
 */
#include "tests/agent/helper_rig.h"

#include <sodium.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/clock.h"
#include "agent/fido_spare.h"
#include "include/tessera.h"
#include "tests/agent/clock_rig.h"

#define DEADLINE_MS	30000

static struct fido_spares spares;
static struct helpers_options options;
static struct fido_call *call;
static struct helper_end end;

static void
no_part(void *arg, uint16_t type, const struct proto_value *v)
{
	(void)type;
	(void)v;
	((struct helper_end *)arg)->parts++;
}

static void
ask(void)
{
	const struct fido_call_client client = { no_part, helper_rig_on_done, &end };

	memset(&end, 0, sizeof(end));
	assert_int_equal(fido_spares_ask(&spares, PROTO_FIDO_LIST, NULL, 0, DEADLINE_MS, &client, &call), TSR_OK);
}

static void
pass(uint64_t ms)
{
	clock_rig_advance(ms);
	timers_run(loop_timers(helper_rig_loop), clock_boot_ms());
}

/* It is asked, answers, and has served its time. */
static void
serves(struct helper_peer *p)
{
	helper_peer_read(p, PROTO_FIDO_LIST);
	helper_peer_done(p);
	helper_rig_wait(&end);
	assert_int_equal(end.code, TSR_OK);
	assert_int_equal(helper_peer_hung_up(p), 1);
	(void)close(p->fd);
}

/* The first operation, and those that wait from then on. */
static void
warm(struct helper_peer p[FIDO_SPARES])
{
	struct helper_peer first;
	size_t i;

	ask();
	first = helper_peer_open();
	serves(&first);
	pass(FIDO_SPARE_MS);
	for (i = 0; i < FIDO_SPARES; i++)
		p[i] = helper_peer_open();
	helper_rig_turn();
	assert_int_equal(helper_rig_started(), 0);
}

static int
setup(void **state)
{
	int r = helper_rig_setup(state);

	options = (struct helpers_options){ NULL, "/nonexistent", 0, helper_rig_path, 0 };
	fido_spares_init(&spares, helper_rig_loop, &options);
	return r;
}

static int
teardown(void **state)
{
	fido_spares_end(&spares);
	return helper_rig_teardown(state);
}

static void
test_when(void **state)
{
	struct helper_peer p;

	(void)state;
	pass(FIDO_CALL_OPEN_MS);
	assert_int_equal(helper_rig_started(), 0);	/* nobody uses a key */
	ask();
	p = helper_peer_open();
	pass(FIDO_SPARE_MS - 1);
	assert_int_equal(helper_rig_started(), 0);	/* another one may follow */
	pass(1);
	assert_int_equal(helper_rig_started(), 1);
	serves(&p);
}

static void
test_serve(void **state)
{
	struct helper_peer p[FIDO_SPARES], next;
	size_t i;

	(void)state;
	warm(p);
	for (i = 0; i < FIDO_SPARES; i++) {	/* as quick as it can read, and once */
		ask();
		assert_int_equal(helper_rig_started(), 0);
		serves(&p[i]);
	}
	ask();
	next = helper_peer_open();
	serves(&next);
	pass(FIDO_SPARE_MS);
	for (i = 0; i < FIDO_SPARES; i++)
		p[i] = helper_peer_open();
	assert_int_equal(helper_rig_started(), 0);
	/* taken back, it is gone as any other is */
	ask();
	helper_peer_read(&p[0], PROTO_FIDO_LIST);
	fido_call_cancel(&call);
	assert_int_equal(helper_peer_hung_up(&p[0]), 1);
	assert_int_equal(end.called, 0);
	fido_spares_end(&spares);
	assert_int_equal(helper_peer_hung_up(&p[1]), 1);
	(void)close(p[0].fd);
	(void)close(p[1].fd);
}

/* One that starts while it is wanted is waited for; it has the time of any other. */
static void
test_opening(void **state)
{
	struct helper_peer p[FIDO_SPARES], first;
	size_t i;

	(void)state;
	ask();
	first = helper_peer_open();
	serves(&first);
	pass(FIDO_SPARE_MS);
	for (i = 0; i < FIDO_SPARES; i++)
		assert_true((p[i].fd = accept4(helper_rig_listener, NULL, NULL, SOCK_CLOEXEC)) != -1);
	helper_peer_read(&p[1], PROTO_OPEN);
	helper_peer_done(&p[1]);
	helper_rig_turn();
	ask();				/* the one that is ready first */
	serves(&p[1]);
	ask();
	assert_int_equal(helper_rig_started(), 0);
	helper_peer_read(&p[0], PROTO_OPEN);
	helper_peer_done(&p[0]);
	serves(&p[0]);
	pass(FIDO_SPARE_MS);
	for (i = 0; i < FIDO_SPARES; i++)
		assert_true((p[i].fd = accept4(helper_rig_listener, NULL, NULL, SOCK_CLOEXEC)) != -1);
	pass(FIDO_CALL_OPEN_MS);
	for (i = 0; i < FIDO_SPARES; i++) {
		assert_int_equal(helper_peer_hung_up(&p[i]), 1);
		(void)close(p[i].fd);
	}
	ask();
	first = helper_peer_open();
	serves(&first);
}

/* One that waits has all the time there is, and ends no operation by its own end. */
static void
test_lost(void **state)
{
	struct helper_peer p[FIDO_SPARES], next;

	(void)state;
	warm(p);
	pass(10 * FIDO_CALL_OPEN_MS);
	p[0].id++;				/* the request's, which nobody made */
	helper_peer_done(&p[0]);
	assert_int_equal(helper_peer_hung_up(&p[0]), 1);
	(void)close(p[0].fd);
	(void)close(p[1].fd);
	helper_rig_turn();
	pass(10 * FIDO_CALL_OPEN_MS);
	assert_int_equal(helper_rig_started(), 0);	/* no reason to start another */
	warm(p);
	(void)close(p[0].fd);			/* and nobody has noticed yet */
	(void)close(p[1].fd);
	ask();
	next = helper_peer_open();
	serves(&next);
}

static void
test_renew(void **state)
{
	struct helper_peer p[FIDO_SPARES], next[FIDO_SPARES];
	size_t i;

	(void)state;
	fido_spares_renew(&spares);
	pass(FIDO_SPARE_MS);
	assert_int_equal(helper_rig_started(), 0);
	warm(p);
	fido_spares_renew(&spares);
	for (i = 0; i < FIDO_SPARES; i++)
		assert_int_equal(helper_peer_hung_up(&p[i]), 1);
	pass(FIDO_SPARE_MS);
	for (i = 0; i < FIDO_SPARES; i++) {
		next[i] = helper_peer_open();
		(void)close(p[i].fd);
	}
	for (i = 0; i < FIDO_SPARES; i++)
		(void)close(next[i].fd);
}

int
main(void)
{
#define TEST(t)	cmocka_unit_test_setup_teardown(t, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_when), TEST(test_serve), TEST(test_opening), TEST(test_lost), TEST(test_renew),
	};

	if (sodium_init() < 0)
		return 1;
	clock_rig_start();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
