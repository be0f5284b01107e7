/*
 * test_fido_list.c - which keys are there, for several who ask: each is told of a
 * look that was begun after he asked, and one look serves all who wait for it.
 *
 * SPDX-License-Identifier: ISC
 */
#include "tests/agent/helper_rig.h"

#include <sodium.h>
#include <string.h>
#include <unistd.h>

#include "agent/agent.h"
#include "agent/fido.h"
#include "include/tessera.h"
#include "tests/agent/clock_rig.h"

#define ASKERS		4
#define KEY_FIELDS	11

static struct asked {
	struct helper_end end;
	struct fido_query *query;
	size_t keys;
} asked[ASKERS];
static struct agent agent;

static void
told(void *arg, int code, const struct fido_list *l, const char *detail)
{
	struct asked *a = arg;

	a->query = NULL;
	a->keys = l->n;
	helper_rig_on_done(&a->end, code, 0, detail);
}

static void
ask(size_t i)
{
	memset(&asked[i], 0, sizeof(asked[i]));
	assert_int_equal(fido_list(agent.fido, told, &asked[i], &asked[i].query), TSR_OK);
	helper_rig_turn();
}

/* The look that was begun, by a helper of its own. */
static struct helper_peer
look(void)
{
	struct helper_peer p = helper_peer_open();

	helper_peer_read(&p, PROTO_FIDO_LIST);
	return p;
}

/* So many keys are there. */
static void
answer(struct helper_peer *p, size_t keys)
{
	struct proto_value v[KEY_FIELDS];
	char device[] = "hidraw0";
	size_t i;

	for (i = 0; i < keys; i++) {
		memset(v, 0, sizeof(v));
		device[sizeof(device) - 2] = (char)('0' + i);
		v[0] = (struct proto_value){ .p = (const uint8_t *)device, .n = sizeof(device) - 1 };
		helper_peer_send(p, PROTO_FIDO_KEY, p->id, v, KEY_FIELDS);
	}
	helper_peer_done(p);
	helper_rig_turn();
}

static void
is_told(size_t i, size_t keys)
{
	helper_rig_wait(&asked[i].end);
	assert_int_equal(asked[i].end.called, 1);
	assert_int_equal(asked[i].end.code, TSR_OK);
	assert_int_equal(asked[i].keys, keys);
}

static int
setup(void **state)
{
	struct helpers_options o;

	if (helper_rig_setup(state) != 0)
		return -1;
	memset(&o, 0, sizeof(o));
	o.config_file = "/nonexistent";
	o.socket = helper_rig_path;
	agent.loop = helper_rig_loop;
	return fido_new(&agent, &o, &agent.fido);
}

static int
teardown(void **state)
{
	fido_free(&agent.fido);
	return helper_rig_teardown(state);
}

static void
test_shared(void **state)
{
	struct helper_peer p;
	size_t i;

	(void)state;
	ask(0);
	p = look();
	for (i = 1; i < ASKERS; i++)
		ask(i);			/* a key may have come since the look began */
	assert_false(helper_rig_started());
	fido_query_cancel(&asked[ASKERS - 1].query);
	answer(&p, 1);
	is_told(0, 1);
	for (i = 1; i < ASKERS; i++)
		assert_int_equal(asked[i].end.called, 0);
	(void)close(p.fd);
	p = look();
	answer(&p, 2);
	for (i = 1; i < ASKERS - 1; i++)
		is_told(i, 2);
	assert_int_equal(asked[ASKERS - 1].end.called, 0);
	assert_false(helper_rig_started());
	(void)close(p.fd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_shared, setup, teardown),
	};

	if (sodium_init() < 0)
		return 1;
	clock_rig_start();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
