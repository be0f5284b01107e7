/*
 * test_helper_pool.c - the agent's side of its helpers: whom they serve, how many
 * there are, and what ends them.
 *
 * SPDX-License-Identifier: ISC
 */
#include "tests/agent/helper_rig.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/login.h"
#include "agent/proof.h"
#include "include/tessera.h"
#include "tests/agent/clock_rig.h"

#define GONE_TRIES	20000	/* helpers that hang up at once */

/* A key of RFC 8410 that nobody signs with. */
static void
helper_rig_key(struct credential *c)
{
	static const uint8_t head[] = "\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21";
	uint8_t secret[crypto_sign_SECRETKEYBYTES];

	memcpy(c->spki, head, 12);	/* with the NUL: no unused bits */
	assert_int_equal(crypto_sign_keypair(c->spki + 12, secret), 0);
	c->spki_len = 12 + crypto_sign_PUBLICKEYBYTES;
	c->algorithm = PROTO_ED25519;
}

/* A program that sends PINs may not lock a card: the last try is asked for. */
static void
test_inline_pin_is_never_the_last(void **state)
{
	struct credential c = { .kind = "pkcs11", .module = "module", .token_serial = "1",
	    .token_label = "1", .uid = 1000 };
	struct proof_ask wanted = { .credential = &c, .prompter = 1000, .purpose = "login",
	    .context = { .purpose = CHALLENGE_LOGIN, .issuer = "i", .credential = "c", .subject = "s",
	    .audience = "", .scope = "", .client_id = "" } };
	enum config_seat seat = SEAT_ANY;
	struct pin_guard *guard = NULL;
	struct proof_parts parts = { .timers = loop_timers(helper_rig_loop), .helpers = helper_rig_pool, .seat = &seat };
	struct proofs *ps;
	struct proof *p = NULL;
	struct helper_peer peer;
	struct helper_end e = { 0 };
	char members[96];

	(void)state;
	helper_rig_key(&c);
	assert_int_equal(pin_guard_new(&guard), TSR_OK);
	parts.guard = guard;
	assert_int_equal(proofs_new(&parts, &ps), TSR_OK);
	assert_non_null(wanted.pin = secret_from("123456", 6));
	assert_int_equal(proof_start(ps, &wanted, helper_rig_on_done, &e, &p), TSR_OK);
	peer = helper_peer_open();
	helper_peer_read(&peer, PROTO_PROVE);
	assert_int_equal(peer.confirmed, 0);
	helper_peer_error(&peer, TSR_PIN_REQUIRED);
	helper_rig_wait(&e);
	assert_int_equal(e.code, TSR_PIN_REQUIRED);
	login_failure(e.code, 1, members);
	assert_string_equal(members, ",\"reason\":\"confirm\",\"tries_left\":1");
	proofs_free(&ps);
	pin_guard_free(&guard);
	(void)close(peer.fd);
}

static void
test_lists(void **state)
{
	struct helper_call *c;
	struct helper_peer p;
	struct helper_end e = { 0 };

	(void)state;
	assert_int_equal(helper_rig_ask(PROTO_TOKENS, "", (uid_t)-1, &e, &c), TSR_OK);
	p = helper_peer_open();
	helper_peer_read(&p, PROTO_TOKENS);
	helper_peer_token(&p, p.id);
	helper_peer_token(&p, p.id);
	helper_peer_done(&p);
	helper_rig_wait(&e);
	assert_int_equal(e.code, TSR_OK);
	assert_int_equal(e.parts, 2);
	assert_int_equal(helper_rig_started(), 1);		/* the spare */
	(void)close(p.fd);
}

static void
test_one_each(void **state)
{
	struct helper_call *a, *b, *c;
	struct helper_end ea = { 0 }, eb = { 0 }, ec = { 0 };
	struct helper_peer pa, pb;

	(void)state;
	assert_int_equal(helper_rig_ask(PROTO_PROVE, "1", 1000, &ea, &a), TSR_OK);
	assert_int_equal(helper_rig_ask(PROTO_PROVE, "1", 1001, &eb, &b), TSR_OK);	/* another subject */
	assert_int_equal(helper_rig_ask(PROTO_PROVE, "1", 1000, &ec, &c), TSR_OK);
	pa = helper_peer_open();
	pb = helper_peer_open();
	assert_int_equal(helper_rig_started(), 0);		/* the third waits for the first */
	helper_peer_read(&pa, PROTO_PROVE);
	helper_peer_read(&pb, PROTO_PROVE);
	helper_peer_signature(&pb);
	helper_rig_wait(&eb);
	assert_int_equal(ea.called, 0);
	helper_peer_signature(&pa);
	helper_rig_wait(&ea);
	helper_peer_read(&pa, PROTO_PROVE);
	helper_peer_error(&pa, TSR_PIN_WRONG);
	helper_rig_wait(&ec);
	assert_int_equal(ec.code, TSR_PIN_WRONG);
	assert_int_equal(ec.tries_left, 2);
	assert_string_equal(ec.detail, "why");
	(void)close(pa.fd);
	(void)close(pb.fd);
}

static void
test_cancel(void **state)
{
	struct helper_call *c, *d;
	struct helper_peer p;
	struct helper_end e = { 0 }, f = { 0 };

	(void)state;
	/* at each of: waiting for the module, at work */
	assert_int_equal(helper_rig_ask(PROTO_PROVE, "1", 1000, &e, &c), TSR_OK);
	helper_cancel(&c);
	assert_null(c);
	p = helper_peer_open();
	helper_rig_turn();
	assert_int_equal(helper_rig_ask(PROTO_PROVE, "1", 1000, &e, &c), TSR_OK);
	assert_int_equal(helper_rig_started(), 0);		/* it serves who comes then */
	helper_peer_read(&p, PROTO_PROVE);
	assert_int_equal(helper_rig_ask(PROTO_PROVE, "1", 1000, &f, &d), TSR_OK);
	helper_cancel(&c);			/* a PIN is under way: the process ends */
	assert_int_equal(helper_peer_hung_up(&p), 1);
	(void)close(p.fd);
	p = helper_peer_open();			/* and who waited behind it gets a new one */
	helper_peer_read(&p, PROTO_PROVE);
	helper_peer_signature(&p);
	helper_rig_wait(&f);
	assert_int_equal(f.code, TSR_OK);
	assert_int_equal(e.called, 0);
	(void)close(p.fd);
}

/* A listing is everybody's: who leaves does not take the lister along. */
static void
test_cancel_listing(void **state)
{
	struct helper_call *c, *d;
	struct helper_peer p;
	struct helper_end e = { 0 }, f = { 0 };

	(void)state;
	assert_int_equal(helper_rig_ask(PROTO_TOKENS, "", (uid_t)-1, &e, &c), TSR_OK);
	p = helper_peer_open();
	helper_peer_read(&p, PROTO_TOKENS);
	helper_cancel(&c);
	assert_null(c);
	assert_int_equal(helper_rig_ask(PROTO_TOKENS, "", (uid_t)-1, &f, &d), TSR_OK);
	helper_peer_token(&p, p.id);
	helper_peer_done(&p);
	helper_peer_read(&p, PROTO_TOKENS);
	helper_peer_done(&p);
	helper_rig_wait(&f);
	assert_int_equal(f.code, TSR_OK);
	assert_int_equal(e.called + e.parts, 0);
	/* left, and then the pool ends */
	assert_int_equal(helper_rig_ask(PROTO_TOKENS, "", (uid_t)-1, &e, &c), TSR_OK);
	helper_peer_read(&p, PROTO_TOKENS);
	helper_cancel(&c);
	(void)close(p.fd);
}

static void
test_deadlines(void **state)
{
	struct helper_call *c;
	struct helper_peer p;
	struct helper_end e = { 0 };

	(void)state;
	assert_int_equal(helper_rig_ask(PROTO_PROVE, "1", 1000, &e, &c), TSR_OK);
	p.fd = accept4(helper_rig_listener, NULL, NULL, SOCK_CLOEXEC);
	helper_peer_read(&p, PROTO_OPEN);
	clock_rig_advance(HELPER_OPEN_MS);	/* the module does not load */
	helper_rig_wait(&e);
	assert_int_equal(e.code, TSR_TIMEOUT);
	assert_int_equal(helper_peer_hung_up(&p), 1);
	(void)close(p.fd);

	assert_int_equal(helper_rig_ask(PROTO_PROVE, "1", 1000, &e, &c), TSR_OK);
	p = helper_peer_open();
	helper_peer_read(&p, PROTO_PROVE);
	clock_rig_advance(5000 + HELPER_GRACE_MS - 1);
	helper_rig_turn();
	assert_int_equal(e.called, 0);
	clock_rig_advance(1);
	helper_rig_wait(&e);
	assert_int_equal(e.code, TSR_TIMEOUT);
	assert_int_equal(helper_peer_hung_up(&p), 1);
	(void)close(p.fd);

	/* nobody asks any more */
	assert_int_equal(helper_rig_ask(PROTO_PROVE, "1", 1000, &e, &c), TSR_OK);
	p = helper_peer_open();
	helper_peer_read(&p, PROTO_PROVE);
	helper_peer_signature(&p);
	helper_rig_wait(&e);
	clock_rig_advance(HELPER_IDLE_MS);
	assert_int_equal(helper_peer_hung_up(&p), 1);
	(void)close(p.fd);
}

static void
test_breaker(void **state)
{
	struct helper_call *c;
	struct helper_peer p;
	struct helper_end e = { 0 };
	int i;

	(void)state;
	for (i = 0; i < HELPER_DEATHS; i++) {
		assert_int_equal(helper_rig_ask(PROTO_PROVE, "1", 1000, &e, &c), TSR_OK);
		p = helper_peer_open();
		helper_peer_read(&p, PROTO_PROVE);
		(void)close(p.fd);
		helper_rig_wait(&e);
		assert_int_equal(e.code, TSR_HELPER);
	}
	assert_int_equal(helper_rig_ask(PROTO_PROVE, "1", 1000, &e, &c), TSR_BREAKER);
	assert_int_equal(helper_rig_ask(PROTO_PROVE, "1", 1001, &e, &c), TSR_BREAKER);	/* the token rests, whoever asks */
	clock_rig_advance(HELPER_REST_MS - 1);
	assert_int_equal(helper_rig_ask(PROTO_PROVE, "1", 1000, &e, &c), TSR_BREAKER);
	clock_rig_advance(1);
	assert_int_equal(helper_rig_ask(PROTO_PROVE, "1", 1000, &e, &c), TSR_OK);
	p = helper_peer_open();
	helper_peer_read(&p, PROTO_PROVE);
	(void)close(p.fd);
	helper_rig_wait(&e);
	assert_int_equal(helper_rig_ask(PROTO_PROVE, "1", 1000, &e, &c), TSR_BREAKER);	/* one more is enough */
	assert_int_equal(helper_rig_ask(PROTO_PROVE, "2", 1000, &e, &c), TSR_OK);
	p = helper_peer_open();
	helper_peer_read(&p, PROTO_PROVE);
	helper_peer_signature(&p);
	helper_rig_wait(&e);
	(void)close(p.fd);
	helpers_renew(helper_rig_pool);		/* a reload forgives */
	assert_int_equal(helper_rig_ask(PROTO_PROVE, "1", 1000, &e, &c), TSR_OK);
}

static void
test_renew(void **state)
{
	struct helper_call *c;
	struct helper_peer p, q;
	struct helper_end e = { 0 };

	(void)state;
	assert_int_equal(helper_rig_ask(PROTO_PROVE, "1", 1000, &e, &c), TSR_OK);
	p = helper_peer_open();
	helper_peer_read(&p, PROTO_PROVE);
	helpers_renew(helper_rig_pool);		/* at work: ends afterwards */
	helper_peer_signature(&p);
	helper_rig_wait(&e);
	assert_int_equal(e.code, TSR_OK);
	assert_int_equal(helper_peer_hung_up(&p), 1);
	(void)close(p.fd);
	q = helper_peer_open();		/* the spare, of the new configuration */
	helper_rig_turn();
	helpers_renew(helper_rig_pool);
	assert_int_equal(helper_peer_hung_up(&q), 1);
	(void)close(q.fd);
	/* renewed while the module loads for somebody */
	assert_int_equal(helper_rig_ask(PROTO_PROVE, "1", 1000, &e, &c), TSR_OK);
	p.fd = accept4(helper_rig_listener, NULL, NULL, SOCK_CLOEXEC);
	helper_peer_read(&p, PROTO_OPEN);
	helpers_renew(helper_rig_pool);
	helper_peer_done(&p);
	helper_rig_turn();
	q = helper_peer_open();
	helper_peer_read(&q, PROTO_PROVE);
	helper_peer_signature(&q);
	helper_rig_wait(&e);
	assert_int_equal(e.code, TSR_OK);
	(void)close(p.fd);
	(void)close(q.fd);
}

/* Refused at once where nothing can be started, and nothing is left of it. */
static void
test_no_helper(void **state)
{
	struct helper_call *c;
	struct helper_end e = { 0 };
	int i;

	(void)state;
	assert_int_equal(unlink(helper_rig_path), 0);
	for (i = 0; i < 3; i++)
		assert_int_equal(helper_rig_ask(PROTO_TOKENS, "", (uid_t)-1, &e, &c), TSR_HELPER);
	helper_rig_listen();
	assert_int_equal(helper_rig_ask(PROTO_TOKENS, "", (uid_t)-1, &e, &c), TSR_OK);
}

static void *
hang_up(void *arg)
{
	int fd;

	(void)arg;
	while ((fd = accept4(helper_rig_listener, NULL, NULL, SOCK_CLOEXEC)) != -1)
		(void)close(fd);
	return NULL;
}

/* A helper that is gone before a byte was sent to it: the request fails, at once
 * or later, and the pool has forgotten it either way. */
static void
test_gone_at_once(void **state)
{
	struct helper_call *c;
	pthread_t thread;
	struct helper_end e = { 0 };
	int i, r, at_once = 0;

	(void)state;
	assert_int_equal(pthread_create(&thread, NULL, hang_up, NULL), 0);
	for (i = 0; at_once < 3 && i < GONE_TRIES; i++) {
		helpers_renew(helper_rig_pool);	/* no rest for the token */
		if ((r = helper_rig_ask(PROTO_TOKENS, "", (uid_t)-1, &e, &c)) == TSR_OK)
			helper_rig_wait(&e);
		else
			at_once++;
		assert_int_equal(r == TSR_OK ? e.code : r, TSR_HELPER);
	}
	helper_rig_turn();
	if (at_once == 0)
		print_message("no helper was quick enough to be gone at once\n");
	assert_int_equal(shutdown(helper_rig_listener, SHUT_RDWR), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
}

/* Both limits, and that those who wait are told when the helper ends. */
static void
test_limits(void **state)
{
	static struct helper_end ends[HELPER_WAITING_MAX + 1];
	struct helper_call *c;
	struct helper_peer p;
	size_t i;

	(void)state;
	for (i = 0; i < HELPER_WAITING_MAX; i++)
		assert_int_equal(helper_rig_ask(PROTO_TOKENS, "", (uid_t)-1, &ends[i], &c), TSR_OK);
	assert_int_equal(helper_rig_ask(PROTO_TOKENS, "", (uid_t)-1, &ends[i], &c), TSR_SLOW_DOWN);
	p.fd = accept4(helper_rig_listener, NULL, NULL, SOCK_CLOEXEC);
	helper_peer_read(&p, PROTO_OPEN);
	helper_peer_error(&p, TSR_MODULE);
	for (i = 0; i < HELPER_WAITING_MAX; i++) {
		helper_rig_wait(&ends[i]);
		assert_int_equal(ends[i].code, TSR_MODULE);
	}
	(void)close(p.fd);
}

int
main(void)
{
#define TEST(t)	cmocka_unit_test_setup_teardown(t, helper_rig_setup, helper_rig_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_lists),
		TEST(test_one_each),
		TEST(test_cancel),
		TEST(test_cancel_listing),
		TEST(test_deadlines),
		TEST(test_breaker),
		TEST(test_renew),
		TEST(test_no_helper),
		TEST(test_gone_at_once),
		TEST(test_limits),
		TEST(test_inline_pin_is_never_the_last),
	};

	if (sodium_init() < 0)
		return 1;
	clock_rig_start();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
