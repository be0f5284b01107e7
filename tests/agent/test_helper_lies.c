/*
 * test_helper_lies.c - what no helper is believed: what it says out of turn, of
 * somebody else's request, or ahead of any.
 *
 * SPDX-License-Identifier: ISC
 */
#include "tests/agent/helper_rig.h"

#include <sodium.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/frame.h"
#include "include/tessera.h"
#include "tests/agent/clock_rig.h"

/* What a helper says out of turn ends it, and whatever it was at. */
enum lie { LIE_ID, LIE_PART, LIE_DONE, LIE_REQUEST, LIE_LENGTH, LIE_CODE, LIE_EOF, LIE_TOO_MANY,
	LIE_OPEN_AGAIN };

static const struct lie_row {
	const char *name;
	enum lie lie;
	uint16_t request;
	int hangs_up;
} lie_rows[] = {
	{ "the id of another request", LIE_ID, PROTO_PROVE, 1 },
	{ "a token where a signature is due", LIE_PART, PROTO_PROVE, 1 },
	{ "done without a signature", LIE_DONE, PROTO_PROVE, 1 },
	{ "a request", LIE_REQUEST, PROTO_PROVE, 1 },
	{ "a length beyond every frame", LIE_LENGTH, PROTO_PROVE, 1 },
	{ "the end", LIE_EOF, PROTO_PROVE, 1 },
	{ "a signature where tokens are due", LIE_OPEN_AGAIN, PROTO_TOKENS, 1 },
	{ "more tokens than there may be", LIE_TOO_MANY, PROTO_TOKENS, 1 },
	{ "success as an error", LIE_CODE, PROTO_PROVE, 1 },
};

static void
lie(struct helper_peer *p, enum lie how)
{
	static const uint8_t length[16] = { 0x7f };
	struct proto_value v[6];
	int i;

	memset(v, 0, sizeof(v));
	switch (how) {
	case LIE_ID:
		p->id++;
		helper_peer_signature(p);
		break;
	case LIE_PART:
		helper_peer_token(p, p->id);
		break;
	case LIE_DONE:
		helper_peer_done(p);
		break;
	case LIE_REQUEST:
		v[0].p = (const uint8_t *)"m";
		v[0].n = 1;
		helper_peer_send(p, PROTO_OPEN, p->id, v, 1);
		break;
	case LIE_LENGTH:
		assert_int_equal(send(p->fd, length, sizeof(length), MSG_NOSIGNAL), sizeof(length));
		break;
	case LIE_CODE:
		helper_peer_error(p, TSR_OK);
		break;
	case LIE_EOF:
		assert_int_equal(shutdown(p->fd, SHUT_RDWR), 0);
		break;
	case LIE_TOO_MANY:
		for (i = 0; i <= HELPER_REPLIES_MAX; i++)
			helper_peer_token(p, p->id);
		break;
	case LIE_OPEN_AGAIN:
		helper_peer_signature(p);
		break;
	}
}

static void
test_lies(void **state)
{
	struct helper_call *c;
	struct helper_peer p;
	struct helper_end e = { 0 };
	char serial[8];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(lie_rows) / sizeof(lie_rows[0]); i++) {
		const struct lie_row *row = &lie_rows[i];

		(void)snprintf(serial, sizeof(serial), "%zu", i);	/* a token of its own: it may rest */
		if (helper_rig_ask(row->request, serial, 1000, &e, &c) != TSR_OK)
			fail_msg("%s: not asked", row->name);
		p = helper_peer_open();
		helper_peer_read(&p, row->request);
		lie(&p, row->lie);
		helper_rig_wait(&e);
		if (e.code != TSR_HELPER)
			fail_msg("%s: %d", row->name, e.code);
		if (helper_peer_hung_up(&p) != row->hangs_up)
			fail_msg("%s: the helper lives on", row->name);
		(void)close(p.fd);
	}
}

/* Nothing a helper sends while nobody asked is kept for who asks next. */
static void
test_signature_ahead(void **state)
{
	struct helper_call *c;
	struct helper_peer p;
	struct helper_end e = { 0 };

	(void)state;
	assert_int_equal(helper_rig_ask(PROTO_PROVE, "1", 1000, &e, &c), TSR_OK);
	p = helper_peer_open();
	helper_peer_read(&p, PROTO_PROVE);
	helper_peer_signature(&p);
	p.id++;				/* the next one's, before it is asked */
	helper_peer_signature(&p);
	helper_rig_wait(&e);
	assert_int_equal(e.code, TSR_OK);
	assert_int_equal(helper_peer_hung_up(&p), 1);
	(void)close(p.fd);
}

int
main(void)
{
#define TEST(t)	cmocka_unit_test_setup_teardown(t, helper_rig_setup, helper_rig_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_lies),
		TEST(test_signature_ahead),
	};

	if (sodium_init() < 0)
		return 1;
	clock_rig_start();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
