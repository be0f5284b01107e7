/*
 * helper_rig.c - see helper_rig.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "tests/agent/helper_rig.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/frame.h"
#include "include/tessera.h"

struct loop *helper_rig_loop;
struct helpers *helper_rig_pool;
char helper_rig_path[96];
int helper_rig_listener = -1;
static char dir[64];

static void
on_part(void *arg, uint16_t type, const struct proto_value *v)
{
	struct helper_end *e = arg;

	(void)type;
	(void)v;
	assert_int_equal(e->called, 0);
	e->parts++;
}

void
helper_rig_on_done(void *arg, int code, uint32_t tries_left, const char *detail)
{
	struct helper_end *e = arg;

	e->called++;
	e->code = code;
	e->tries_left = tries_left;
	(void)snprintf(e->detail, sizeof(e->detail), "%s", detail);
}

void
helper_rig_listen(void)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };

	(void)snprintf(at.sun_path, sizeof(at.sun_path), "%s", helper_rig_path);
	(void)unlink(helper_rig_path);
	helper_rig_listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(helper_rig_listener != -1);
	assert_int_equal(bind(helper_rig_listener, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(helper_rig_listener, 128), 0);
}

int
helper_rig_setup(void **state)
{
	struct helpers_options o = { NULL, "/nonexistent", 0, helper_rig_path, 0 };

	(void)state;
	(void)snprintf(dir, sizeof(dir), "/tmp/tessera-pool-XXXXXX");
	if (mkdtemp(dir) == NULL)
		return 1;
	(void)snprintf(helper_rig_path, sizeof(helper_rig_path), "%s/helper.sock", dir);
	helper_rig_listen();
	return loop_new(&helper_rig_loop) != TSR_OK || helpers_new(helper_rig_loop, &o, &helper_rig_pool) != TSR_OK;
}

int
helper_rig_teardown(void **state)
{
	(void)state;
	helpers_free(&helper_rig_pool);
	loop_free(&helper_rig_loop);
	(void)close(helper_rig_listener);
	(void)unlink(helper_rig_path);
	return rmdir(dir);
}

void
helper_rig_turn(void)
{
	int i;

	for (i = 0; i < 4; i++)
		assert_true(sd_event_run(loop_event(helper_rig_loop), 10000) >= 0);
}

void
helper_rig_wait(const struct helper_end *e)
{
	int i;

	for (i = 0; e->called == 0 && i < 1000; i++)
		assert_true(sd_event_run(loop_event(helper_rig_loop), 10000) >= 0);
	assert_int_equal(e->called, 1);
}

int
helper_rig_ask(uint16_t type, const char *serial, uid_t subject, struct helper_end *e, struct helper_call **c)
{
	struct helper_target t = { "module", serial, serial, subject };
	struct helper_client client = { on_part, helper_rig_on_done, e };
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
	return helper_request(helper_rig_pool, &t, type, v, n, 5000, &client, c);
}

/* --- the helper's end --- */

void
helper_peer_read(struct helper_peer *p, uint16_t type)
{
	struct pollfd ready = { .fd = p->fd, .events = POLLIN };
	struct proto_value v[PROTO_FIELDS_MAX];
	struct frame f;
	struct buf b;
	size_t n;
	int i;

	for (i = 0; poll(&ready, 1, 0) == 0 && i < 1000; i++)
		assert_true(sd_event_run(loop_event(helper_rig_loop), 10000) >= 0);
	buf_init(&b, FRAME_HEAD + FRAME_BODY_MAX);
	assert_int_equal(frame_recv(p->fd, &b, &f), TSR_OK);
	assert_int_equal(f.type, type);
	p->id = f.id;
	p->type = f.type;
	assert_int_equal(proto_decode(&f, PROTO_FROM_AGENT, v, &n), TSR_OK);
	p->confirmed = type == PROTO_PROVE ? v[6].u32 : 0;
	buf_free(&b);
}

void
helper_peer_send(struct helper_peer *p, uint16_t type, uint32_t id, const struct proto_value *v, size_t n)
{
	struct buf b;

	buf_init(&b, FRAME_HEAD + FRAME_BODY_MAX);
	assert_int_equal(proto_encode(&b, type, id, 0, v, n), TSR_OK);
	assert_int_equal(send(p->fd, b.data, b.len, MSG_NOSIGNAL), b.len);
	buf_free(&b);
}

void
helper_peer_done(struct helper_peer *p)
{
	helper_peer_send(p, PROTO_DONE, p->id, NULL, 0);
}

void
helper_peer_error(struct helper_peer *p, int code)
{
	struct proto_value v[3] = { { .u32 = (uint32_t)-code }, { .u32 = 2 },
	    { .p = (const uint8_t *)"why", .n = 3 } };

	helper_peer_send(p, PROTO_ERROR, p->id, v, 3);
}

void
helper_peer_signature(struct helper_peer *p)
{
	struct proto_value v = { .p = (const uint8_t *)"signature", .n = 9 };

	helper_peer_send(p, PROTO_SIGNATURE, p->id, &v, 1);
}

void
helper_peer_token(struct helper_peer *p, uint32_t id)
{
	struct proto_value v[6] = { { .p = (const uint8_t *)"1", .n = 1 },
	    { .p = (const uint8_t *)"card", .n = 4 }, { .p = NULL }, { .p = NULL }, { .u32 = 0 }, { .p = NULL } };

	helper_peer_send(p, PROTO_TOKEN, id, v, 6);
}

struct helper_peer
helper_peer_open(void)
{
	struct helper_peer p;

	p.fd = accept4(helper_rig_listener, NULL, NULL, SOCK_CLOEXEC);
	assert_true(p.fd != -1);
	helper_peer_read(&p, PROTO_OPEN);
	helper_peer_done(&p);
	return p;
}

int
helper_peer_hung_up(struct helper_peer *p)
{
	struct pollfd ready = { .fd = p->fd, .events = POLLRDHUP };
	int i;

	for (i = 0; poll(&ready, 1, 0) == 0 && i < 100; i++)
		assert_true(sd_event_run(loop_event(helper_rig_loop), 1000) >= 0);
	return (ready.revents & (POLLRDHUP | POLLHUP)) != 0;
}

int
helper_rig_started(void)
{
	struct pollfd ready = { .fd = helper_rig_listener, .events = POLLIN };

	helper_rig_turn();
	return poll(&ready, 1, 0);
}
