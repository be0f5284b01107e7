/*
 * test_helper_pool.c - the agent's side of its helpers, against helpers that
 * this test plays itself behind a listening socket: whom they serve, what ends
 * them, and what none of them is believed.
 *
 * SPDX-License-Identifier: ISC
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "agent/helper.h"
#include "agent/login.h"
#include "agent/proof.h"
#include "base/frame.h"
#include "include/tessera.h"
#include "tests/agent/clock_rig.h"

#define GONE_TRIES	20000	/* helpers that hang up at once */

static struct loop *loop;
static struct helpers *pool;
static char dir[64], path[96];
static int listener = -1;

/* One request's end. */
struct end {
	int parts, called, code;
	uint32_t tries_left;
	char detail[64];
};

static void
on_part(void *arg, uint16_t type, const struct proto_value *v)
{
	struct end *e = arg;

	(void)type;
	(void)v;
	assert_int_equal(e->called, 0);
	e->parts++;
}

static void
on_done(void *arg, int code, uint32_t tries_left, const char *detail)
{
	struct end *e = arg;

	e->called++;
	e->code = code;
	e->tries_left = tries_left;
	(void)snprintf(e->detail, sizeof(e->detail), "%s", detail);
}

static void
listen_here(void)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };

	(void)snprintf(at.sun_path, sizeof(at.sun_path), "%s", path);
	(void)unlink(path);
	listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(listener != -1);
	assert_int_equal(bind(listener, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(listener, 128), 0);
}

static int
setup(void **state)
{
	struct helpers_options o = { NULL, "/nonexistent", 0, path, 0 };

	(void)state;
	(void)snprintf(dir, sizeof(dir), "/tmp/tessera-pool-XXXXXX");
	if (mkdtemp(dir) == NULL)
		return 1;
	(void)snprintf(path, sizeof(path), "%s/helper.sock", dir);
	listen_here();
	return loop_new(&loop) != TSR_OK || helpers_new(loop, &o, &pool) != TSR_OK;
}

static int
teardown(void **state)
{
	(void)state;
	helpers_free(&pool);
	loop_free(&loop);
	(void)close(listener);
	(void)unlink(path);
	return rmdir(dir);
}

/* Let the loop do all that it can now. */
static void
turn(void)
{
	int i;

	for (i = 0; i < 4; i++)
		assert_true(sd_event_run(loop_event(loop), 10000) >= 0);
}

static void
wait_for(const struct end *e)
{
	int i;

	for (i = 0; e->called == 0 && i < 1000; i++)
		assert_true(sd_event_run(loop_event(loop), 10000) >= 0);
	assert_int_equal(e->called, 1);
}

static int
ask(uint16_t type, const char *serial, uid_t subject, struct end *e, struct helper_call **c)
{
	struct helper_target t = { "module", serial, serial, subject };
	struct helper_client client = { on_part, on_done, e };
	struct proto_value v[7];
	static const uint8_t bytes[] = "123456";
	size_t n = type == PROTO_PROVE ? 7 : 0;

	memset(e, 0, sizeof(*e));
	memset(v, 0, sizeof(v));
	v[0].p = v[1].p = (const uint8_t *)serial;
	v[0].n = v[1].n = strlen(serial);
	v[2].p = v[4].p = v[5].p = bytes;
	v[2].n = v[4].n = v[5].n = 6;
	v[3].u32 = PROTO_ED25519;
	return helper_request(pool, &t, type, v, n, 5000, &client, c);
}

/* --- the helper's end --- */

struct peer {
	int fd;
	uint32_t id;		/* of the last request */
	uint16_t type;
	uint32_t final;		/* of the last PROTO_PROVE */
};

/* The next frame of the agent's, while its loop runs. */
static void
peer_read(struct peer *p, uint16_t type)
{
	struct pollfd ready = { .fd = p->fd, .events = POLLIN };
	struct proto_value v[PROTO_FIELDS_MAX];
	struct frame f;
	struct buf b;
	size_t n;
	int i;

	for (i = 0; poll(&ready, 1, 0) == 0 && i < 1000; i++)
		assert_true(sd_event_run(loop_event(loop), 10000) >= 0);
	buf_init(&b, FRAME_HEAD + FRAME_BODY_MAX);
	assert_int_equal(frame_recv(p->fd, &b, &f), TSR_OK);
	assert_int_equal(f.type, type);
	p->id = f.id;
	p->type = f.type;
	assert_int_equal(proto_decode(&f, PROTO_FROM_AGENT, v, &n), TSR_OK);
	p->final = type == PROTO_PROVE ? v[6].u32 : 0;
	buf_free(&b);
}

static void
peer_send(struct peer *p, uint16_t type, uint32_t id, const struct proto_value *v, size_t n)
{
	struct buf b;

	buf_init(&b, FRAME_HEAD + FRAME_BODY_MAX);
	assert_int_equal(proto_encode(&b, type, id, 0, v, n), TSR_OK);
	assert_int_equal(send(p->fd, b.data, b.len, MSG_NOSIGNAL), b.len);
	buf_free(&b);
}

static void
peer_done(struct peer *p)
{
	peer_send(p, PROTO_DONE, p->id, NULL, 0);
}

static void
peer_error(struct peer *p, int code)
{
	struct proto_value v[3] = { { .u32 = (uint32_t)-code }, { .u32 = 2 },
	    { .p = (const uint8_t *)"why", .n = 3 } };

	peer_send(p, PROTO_ERROR, p->id, v, 3);
}

static void
peer_signature(struct peer *p)
{
	struct proto_value v = { .p = (const uint8_t *)"signature", .n = 9 };

	peer_send(p, PROTO_SIGNATURE, p->id, &v, 1);
}

static void
peer_token(struct peer *p, uint32_t id)
{
	struct proto_value v[6] = { { .p = (const uint8_t *)"1", .n = 1 },
	    { .p = (const uint8_t *)"card", .n = 4 }, { .p = NULL }, { .p = NULL }, { .u32 = 0 }, { .p = NULL } };

	peer_send(p, PROTO_TOKEN, id, v, 6);
}

/* A helper that was started, with its module loaded. */
static struct peer
peer_open(void)
{
	struct peer p;

	p.fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	assert_true(p.fd != -1);
	peer_read(&p, PROTO_OPEN);
	peer_done(&p);
	return p;
}

static int
peer_hung_up(struct peer *p)
{
	struct pollfd ready = { .fd = p->fd, .events = POLLRDHUP };
	int i;

	for (i = 0; poll(&ready, 1, 0) == 0 && i < 100; i++)
		assert_true(sd_event_run(loop_event(loop), 1000) >= 0);
	return (ready.revents & (POLLRDHUP | POLLHUP)) != 0;
}

static int
started(void)
{
	struct pollfd ready = { .fd = listener, .events = POLLIN };

	turn();
	return poll(&ready, 1, 0);
}

/* --- tests --- */

/* A key of RFC 8410 that nobody signs with. */
static void
make_key(struct credential *c)
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
	    .audience = "", .scope = "", .client_id = "" }, .flags = PROTO_TOKEN_PIN_FINAL_TRY };
	struct proofs *ps;
	struct proof *p = NULL;
	struct peer peer;
	struct end e = { 0 };
	char members[96];

	(void)state;
	make_key(&c);
	assert_int_equal(proofs_new(pool, NULL, &ps), TSR_OK);
	assert_non_null(wanted.pin = secret_from("123456", 6));
	assert_int_equal(proof_start(ps, &wanted, on_done, &e, &p), TSR_OK);
	peer = peer_open();
	peer_read(&peer, PROTO_PROVE);
	assert_int_equal(peer.final, 0);	/* whatever the list said */
	peer_error(&peer, TSR_PIN_REQUIRED);
	wait_for(&e);
	assert_int_equal(e.code, TSR_PIN_REQUIRED);
	login_failure(e.code, 1, members);
	assert_string_equal(members, ",\"tries_left\":1");
	proofs_free(&ps);
	(void)close(peer.fd);
}

static void
test_lists(void **state)
{
	struct helper_call *c;
	struct peer p;
	struct end e = { 0 };

	(void)state;
	assert_int_equal(ask(PROTO_TOKENS, "", (uid_t)-1, &e, &c), TSR_OK);
	p = peer_open();
	peer_read(&p, PROTO_TOKENS);
	peer_token(&p, p.id);
	peer_token(&p, p.id);
	peer_done(&p);
	wait_for(&e);
	assert_int_equal(e.code, TSR_OK);
	assert_int_equal(e.parts, 2);
	assert_int_equal(started(), 1);		/* the spare */
	(void)close(p.fd);
}

static void
test_one_each(void **state)
{
	struct helper_call *a, *b, *c;
	struct end ea = { 0 }, eb = { 0 }, ec = { 0 };
	struct peer pa, pb;

	(void)state;
	assert_int_equal(ask(PROTO_PROVE, "1", 1000, &ea, &a), TSR_OK);
	assert_int_equal(ask(PROTO_PROVE, "1", 1001, &eb, &b), TSR_OK);	/* another subject */
	assert_int_equal(ask(PROTO_PROVE, "1", 1000, &ec, &c), TSR_OK);
	pa = peer_open();
	pb = peer_open();
	assert_int_equal(started(), 0);		/* the third waits for the first */
	peer_read(&pa, PROTO_PROVE);
	peer_read(&pb, PROTO_PROVE);
	peer_signature(&pb);
	wait_for(&eb);
	assert_int_equal(ea.called, 0);
	peer_signature(&pa);
	wait_for(&ea);
	peer_read(&pa, PROTO_PROVE);
	peer_error(&pa, TSR_PIN_WRONG);
	wait_for(&ec);
	assert_int_equal(ec.code, TSR_PIN_WRONG);
	assert_int_equal(ec.tries_left, 2);
	assert_string_equal(ec.detail, "why");
	(void)close(pa.fd);
	(void)close(pb.fd);
}

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
lie(struct peer *p, enum lie how)
{
	static const uint8_t length[16] = { 0x7f };
	struct proto_value v[6];
	int i;

	memset(v, 0, sizeof(v));
	switch (how) {
	case LIE_ID:
		p->id++;
		peer_signature(p);
		break;
	case LIE_PART:
		peer_token(p, p->id);
		break;
	case LIE_DONE:
		peer_done(p);
		break;
	case LIE_REQUEST:
		v[0].p = (const uint8_t *)"m";
		v[0].n = 1;
		peer_send(p, PROTO_OPEN, p->id, v, 1);
		break;
	case LIE_LENGTH:
		assert_int_equal(send(p->fd, length, sizeof(length), MSG_NOSIGNAL), sizeof(length));
		break;
	case LIE_CODE:
		peer_error(p, TSR_OK);
		break;
	case LIE_EOF:
		assert_int_equal(shutdown(p->fd, SHUT_RDWR), 0);
		break;
	case LIE_TOO_MANY:
		for (i = 0; i <= HELPER_REPLIES_MAX; i++)
			peer_token(p, p->id);
		break;
	case LIE_OPEN_AGAIN:
		peer_signature(p);
		break;
	}
}

static void
test_lies(void **state)
{
	struct helper_call *c;
	struct peer p;
	struct end e = { 0 };
	char serial[8];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(lie_rows) / sizeof(lie_rows[0]); i++) {
		const struct lie_row *row = &lie_rows[i];

		(void)snprintf(serial, sizeof(serial), "%zu", i);	/* a token of its own: it may rest */
		if (ask(row->request, serial, 1000, &e, &c) != TSR_OK)
			fail_msg("%s: not asked", row->name);
		p = peer_open();
		peer_read(&p, row->request);
		lie(&p, row->lie);
		wait_for(&e);
		if (e.code != TSR_HELPER)
			fail_msg("%s: %d", row->name, e.code);
		if (peer_hung_up(&p) != row->hangs_up)
			fail_msg("%s: the helper lives on", row->name);
		(void)close(p.fd);
	}
}

/* Nothing a helper sends while nobody asked is kept for who asks next. */
static void
test_signature_ahead(void **state)
{
	struct helper_call *c;
	struct peer p;
	struct end e = { 0 };

	(void)state;
	assert_int_equal(ask(PROTO_PROVE, "1", 1000, &e, &c), TSR_OK);
	p = peer_open();
	peer_read(&p, PROTO_PROVE);
	peer_signature(&p);
	p.id++;				/* the next one's, before it is asked */
	peer_signature(&p);
	wait_for(&e);
	assert_int_equal(e.code, TSR_OK);
	assert_int_equal(peer_hung_up(&p), 1);
	(void)close(p.fd);
}

static void
test_cancel(void **state)
{
	struct helper_call *c, *d;
	struct peer p;
	struct end e = { 0 }, f = { 0 };

	(void)state;
	/* at each of: waiting for the module, at work */
	assert_int_equal(ask(PROTO_PROVE, "1", 1000, &e, &c), TSR_OK);
	helper_cancel(&c);
	assert_null(c);
	p = peer_open();
	turn();
	assert_int_equal(ask(PROTO_PROVE, "1", 1000, &e, &c), TSR_OK);
	assert_int_equal(started(), 0);		/* it serves who comes then */
	peer_read(&p, PROTO_PROVE);
	assert_int_equal(ask(PROTO_PROVE, "1", 1000, &f, &d), TSR_OK);
	helper_cancel(&c);			/* a PIN is under way: the process ends */
	assert_int_equal(peer_hung_up(&p), 1);
	(void)close(p.fd);
	p = peer_open();			/* and who waited behind it gets a new one */
	peer_read(&p, PROTO_PROVE);
	peer_signature(&p);
	wait_for(&f);
	assert_int_equal(f.code, TSR_OK);
	assert_int_equal(e.called, 0);
	(void)close(p.fd);
}

/* A listing is everybody's: who leaves does not take the lister along. */
static void
test_cancel_listing(void **state)
{
	struct helper_call *c, *d;
	struct peer p;
	struct end e = { 0 }, f = { 0 };

	(void)state;
	assert_int_equal(ask(PROTO_TOKENS, "", (uid_t)-1, &e, &c), TSR_OK);
	p = peer_open();
	peer_read(&p, PROTO_TOKENS);
	helper_cancel(&c);
	assert_null(c);
	assert_int_equal(ask(PROTO_TOKENS, "", (uid_t)-1, &f, &d), TSR_OK);
	peer_token(&p, p.id);
	peer_done(&p);
	peer_read(&p, PROTO_TOKENS);
	peer_done(&p);
	wait_for(&f);
	assert_int_equal(f.code, TSR_OK);
	assert_int_equal(e.called + e.parts, 0);
	/* left, and then the pool ends */
	assert_int_equal(ask(PROTO_TOKENS, "", (uid_t)-1, &e, &c), TSR_OK);
	peer_read(&p, PROTO_TOKENS);
	helper_cancel(&c);
	(void)close(p.fd);
}

static void
test_deadlines(void **state)
{
	struct helper_call *c;
	struct peer p;
	struct end e = { 0 };

	(void)state;
	assert_int_equal(ask(PROTO_PROVE, "1", 1000, &e, &c), TSR_OK);
	p.fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	peer_read(&p, PROTO_OPEN);
	clock_rig_advance(HELPER_OPEN_MS);	/* the module does not load */
	wait_for(&e);
	assert_int_equal(e.code, TSR_TIMEOUT);
	assert_int_equal(peer_hung_up(&p), 1);
	(void)close(p.fd);

	assert_int_equal(ask(PROTO_PROVE, "1", 1000, &e, &c), TSR_OK);
	p = peer_open();
	peer_read(&p, PROTO_PROVE);
	clock_rig_advance(5000 + HELPER_GRACE_MS - 1);
	turn();
	assert_int_equal(e.called, 0);
	clock_rig_advance(1);
	wait_for(&e);
	assert_int_equal(e.code, TSR_TIMEOUT);
	assert_int_equal(peer_hung_up(&p), 1);
	(void)close(p.fd);

	/* nobody asks any more */
	assert_int_equal(ask(PROTO_PROVE, "1", 1000, &e, &c), TSR_OK);
	p = peer_open();
	peer_read(&p, PROTO_PROVE);
	peer_signature(&p);
	wait_for(&e);
	clock_rig_advance(HELPER_IDLE_MS);
	assert_int_equal(peer_hung_up(&p), 1);
	(void)close(p.fd);
}

static void
test_breaker(void **state)
{
	struct helper_call *c;
	struct peer p;
	struct end e = { 0 };
	int i;

	(void)state;
	for (i = 0; i < HELPER_DEATHS; i++) {
		assert_int_equal(ask(PROTO_PROVE, "1", 1000, &e, &c), TSR_OK);
		p = peer_open();
		peer_read(&p, PROTO_PROVE);
		(void)close(p.fd);
		wait_for(&e);
		assert_int_equal(e.code, TSR_HELPER);
	}
	assert_int_equal(ask(PROTO_PROVE, "1", 1000, &e, &c), TSR_BREAKER);
	assert_int_equal(ask(PROTO_PROVE, "1", 1001, &e, &c), TSR_BREAKER);	/* the token rests, whoever asks */
	clock_rig_advance(HELPER_REST_MS - 1);
	assert_int_equal(ask(PROTO_PROVE, "1", 1000, &e, &c), TSR_BREAKER);
	clock_rig_advance(1);
	assert_int_equal(ask(PROTO_PROVE, "1", 1000, &e, &c), TSR_OK);
	p = peer_open();
	peer_read(&p, PROTO_PROVE);
	(void)close(p.fd);
	wait_for(&e);
	assert_int_equal(ask(PROTO_PROVE, "1", 1000, &e, &c), TSR_BREAKER);	/* one more is enough */
	assert_int_equal(ask(PROTO_PROVE, "2", 1000, &e, &c), TSR_OK);
	p = peer_open();
	peer_read(&p, PROTO_PROVE);
	peer_signature(&p);
	wait_for(&e);
	(void)close(p.fd);
	helpers_renew(pool);		/* a reload forgives */
	assert_int_equal(ask(PROTO_PROVE, "1", 1000, &e, &c), TSR_OK);
}

static void
test_renew(void **state)
{
	struct helper_call *c;
	struct peer p, q;
	struct end e = { 0 };

	(void)state;
	assert_int_equal(ask(PROTO_PROVE, "1", 1000, &e, &c), TSR_OK);
	p = peer_open();
	peer_read(&p, PROTO_PROVE);
	helpers_renew(pool);		/* at work: ends afterwards */
	peer_signature(&p);
	wait_for(&e);
	assert_int_equal(e.code, TSR_OK);
	assert_int_equal(peer_hung_up(&p), 1);
	(void)close(p.fd);
	q = peer_open();		/* the spare, of the new configuration */
	turn();
	helpers_renew(pool);
	assert_int_equal(peer_hung_up(&q), 1);
	(void)close(q.fd);
	/* renewed while the module loads for somebody */
	assert_int_equal(ask(PROTO_PROVE, "1", 1000, &e, &c), TSR_OK);
	p.fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	peer_read(&p, PROTO_OPEN);
	helpers_renew(pool);
	peer_done(&p);
	turn();
	q = peer_open();
	peer_read(&q, PROTO_PROVE);
	peer_signature(&q);
	wait_for(&e);
	assert_int_equal(e.code, TSR_OK);
	(void)close(p.fd);
	(void)close(q.fd);
}

/* Refused at once where nothing can be started, and nothing is left of it. */
static void
test_no_helper(void **state)
{
	struct helper_call *c;
	struct end e = { 0 };
	int i;

	(void)state;
	assert_int_equal(unlink(path), 0);
	for (i = 0; i < 3; i++)
		assert_int_equal(ask(PROTO_TOKENS, "", (uid_t)-1, &e, &c), TSR_HELPER);
	listen_here();
	assert_int_equal(ask(PROTO_TOKENS, "", (uid_t)-1, &e, &c), TSR_OK);
}

static void *
hang_up(void *arg)
{
	int fd;

	(void)arg;
	while ((fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC)) != -1)
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
	struct end e = { 0 };
	int i, r, at_once = 0;

	(void)state;
	assert_int_equal(pthread_create(&thread, NULL, hang_up, NULL), 0);
	for (i = 0; at_once < 3 && i < GONE_TRIES; i++) {
		helpers_renew(pool);	/* no rest for the token */
		if ((r = ask(PROTO_TOKENS, "", (uid_t)-1, &e, &c)) == TSR_OK)
			wait_for(&e);
		else
			at_once++;
		assert_int_equal(r == TSR_OK ? e.code : r, TSR_HELPER);
	}
	turn();
	if (at_once == 0)
		print_message("no helper was quick enough to be gone at once\n");
	assert_int_equal(shutdown(listener, SHUT_RDWR), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
}

/* Both limits, and that those who wait are told when the helper ends. */
static void
test_limits(void **state)
{
	static struct end ends[HELPER_WAITING_MAX + 1];
	struct helper_call *c;
	struct peer p;
	size_t i;

	(void)state;
	for (i = 0; i < HELPER_WAITING_MAX; i++)
		assert_int_equal(ask(PROTO_TOKENS, "", (uid_t)-1, &ends[i], &c), TSR_OK);
	assert_int_equal(ask(PROTO_TOKENS, "", (uid_t)-1, &ends[i], &c), TSR_SLOW_DOWN);
	p.fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	peer_read(&p, PROTO_OPEN);
	peer_error(&p, TSR_MODULE);
	for (i = 0; i < HELPER_WAITING_MAX; i++) {
		wait_for(&ends[i]);
		assert_int_equal(ends[i].code, TSR_MODULE);
	}
	(void)close(p.fd);
}

int
main(void)
{
#define POOL_TEST(t)	cmocka_unit_test_setup_teardown(t, setup, teardown)
	const struct CMUnitTest tests[] = {
		POOL_TEST(test_lists),
		POOL_TEST(test_one_each),
		POOL_TEST(test_lies),
		POOL_TEST(test_signature_ahead),
		POOL_TEST(test_cancel),
		POOL_TEST(test_cancel_listing),
		POOL_TEST(test_deadlines),
		POOL_TEST(test_breaker),
		POOL_TEST(test_renew),
		POOL_TEST(test_no_helper),
		POOL_TEST(test_gone_at_once),
		POOL_TEST(test_limits),
		POOL_TEST(test_inline_pin_is_never_the_last),
	};
#undef POOL_TEST

	if (sodium_init() < 0)
		return 1;
	clock_rig_start();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
