/*
 * frame.c - frames: the bytes, false heads, and both ends of a socket.
 *
 * SPDX-License-Identifier: ISC
 */
#include "base/frame.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <setjmp.h>
#include <cmocka.h>

#include "tessera.h"

#define S(s)	s, sizeof(s) - 1

static uint8_t big[FRAME_BODY_MAX + 1];

static const struct frame sample = {
	.id = 0x01020304, .deadline_ms = 5000, .type = 0x0405,
	.body = (const uint8_t *)"body", .body_len = 4
};
static const char sample_bytes[] =
    "\x00\x00\x00\x10" "\x01\x02\x03\x04" "\x00\x00\x13\x88" "\x04\x05" "\x00\x00" "body";
#define SAMPLE_LEN	(sizeof(sample_bytes) - 1)

static void
same_frame(const struct frame *a, const struct frame *b)
{
	assert_int_equal(a->id, b->id);
	assert_int_equal(a->deadline_ms, b->deadline_ms);
	assert_int_equal(a->type, b->type);
	assert_int_equal(a->body_len, b->body_len);
	if (a->body_len > 0)
		assert_memory_equal(a->body, b->body, a->body_len);
}

static void
test_encode(void **state)
{
	struct buf b;
	struct frame f = sample;

	(void)state;
	buf_init(&b, (size_t)3 * (FRAME_HEAD + FRAME_BODY_MAX));
	assert_int_equal(frame_encode(&b, &sample), TSR_OK);
	assert_int_equal(b.len, SAMPLE_LEN);
	assert_memory_equal(b.data, sample_bytes, SAMPLE_LEN);
	f.body = big;
	f.body_len = FRAME_BODY_MAX;
	assert_int_equal(frame_encode(&b, &f), TSR_OK);
	assert_int_equal(b.len, SAMPLE_LEN + FRAME_HEAD + FRAME_BODY_MAX);
	f.body_len = FRAME_BODY_MAX + 1;
	assert_int_equal(frame_encode(&b, &f), TSR_TOO_LARGE);
	assert_int_equal(b.len, SAMPLE_LEN + FRAME_HEAD + FRAME_BODY_MAX);
	buf_free(&b);
	buf_init(&b, SAMPLE_LEN - 1);
	assert_int_equal(frame_encode(&b, &sample), TSR_TOO_LARGE);
	assert_int_equal(b.len, 0);
	buf_free(&b);
}

static void
test_decode(void **state)
{
	static const char two[] = "\0\0\0\x0c" "\0\0\0\1" "\0\0\0\0" "\0\x20" "\0\0"
	    "\0\0\0\x0c" "\0\0\0\2" "\0\0\0\0" "\0\x20" "\0\0";
	struct frame f;
	size_t used, need;

	(void)state;
	assert_int_equal(frame_decode((const uint8_t *)sample_bytes, SAMPLE_LEN, &f, &used, &need), TSR_OK);
	same_frame(&f, &sample);
	assert_int_equal(used, SAMPLE_LEN);
	assert_ptr_equal(f.body, sample_bytes + FRAME_HEAD);
	assert_int_equal(frame_decode((const uint8_t *)two, 32, &f, &used, &need), TSR_OK);
	assert_int_equal(used, 16);
	assert_int_equal(f.id, 1);
	assert_int_equal(f.body_len, 0);
	assert_int_equal(frame_decode((const uint8_t *)two + used, 16, &f, &used, &need), TSR_OK);
	assert_int_equal(f.id, 2);
}

/* Every beginning of a frame asks for more, never for too much, and leaves
 * the outputs alone. */
static void
test_decode_cut(void **state)
{
	struct frame f = { .id = 99 };
	size_t len, used, need;

	(void)state;
	for (len = 0; len < SAMPLE_LEN; len++) {
		used = 77;
		need = 0;
		assert_int_equal(frame_decode((const uint8_t *)sample_bytes, len, &f, &used, &need), TSR_AGAIN);
		assert_int_equal(need, len < FRAME_HEAD ? FRAME_HEAD : SAMPLE_LEN);
		assert_int_equal(used, 77);
		assert_int_equal(f.id, 99);
	}
	assert_int_equal(frame_decode(NULL, 0, &f, &used, &need), TSR_AGAIN);
}

static const struct row {
	const char *name;
	const char *in;
	size_t n;
	int r;
} refused[] = {
	{ "length zero", S("\0\0\0\0" "\0\0\0\1" "\0\0\0\0" "\0\1" "\0\0"), TSR_INVALID },
	{ "length below the head", S("\0\0\0\x0b" "\0\0\0\1" "\0\0\0\0" "\0\1" "\0\0"), TSR_INVALID },
	{ "length below the head, seen at once", S("\0\0\0\x0b"), TSR_INVALID },
	{ "one byte over the limit, seen at once", S("\0\1\0\x0d"), TSR_TOO_LARGE },
	{ "4 GiB, seen at once", S("\xff\xff\xff\xff"), TSR_TOO_LARGE },
	{ "over the limit with all of a head", S("\0\1\0\x0d" "\0\0\0\1" "\0\0\0\0" "\0\1" "\0\0"), TSR_TOO_LARGE },
	{ "zero that is not", S("\0\0\0\x0c" "\0\0\0\1" "\0\0\0\0" "\0\1" "\0\1"), TSR_INVALID },
	{ "zero that is not, before the body came", S("\0\0\0\x0d" "\0\0\0\1" "\0\0\0\0" "\0\1" "\1\0"), TSR_INVALID },
};
#define N_REFUSED	(sizeof(refused) / sizeof(refused[0]))

static void
test_decode_refused(void **state)
{
	const struct row *row;
	struct frame f = { .id = 99 };
	size_t used = 77, need = 77;

	(void)state;
	for (row = refused; row < refused + N_REFUSED; row++) {
		print_message("%s\n", row->name);
		assert_int_equal(frame_decode((const uint8_t *)row->in, row->n, &f, &used, &need), row->r);
		assert_int_equal(used, 77);
		assert_int_equal(f.id, 99);
	}
	/* The limit itself is fine: only the bytes are missing. */
	assert_int_equal(frame_decode((const uint8_t *)"\0\1\0\x0c", 4, &f, &used, &need), TSR_AGAIN);
}

static void
pair(int fd[2])
{
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd), 0);
}

static void
put_bytes(int fd, const void *p, size_t n)
{
	assert_int_equal(send(fd, p, n, MSG_NOSIGNAL), (ssize_t)n);
}

static void
test_send_recv(void **state)
{
	struct buf b;
	struct frame f, empty = { .id = 7, .type = 32 };
	int fd[2];

	(void)state;
	pair(fd);
	buf_init(&b, FRAME_HEAD + FRAME_BODY_MAX);
	assert_int_equal(frame_send(fd[0], &sample), TSR_OK);
	assert_int_equal(frame_send(fd[0], &empty), TSR_OK);
	assert_int_equal(frame_recv(fd[1], &b, &f), TSR_OK);
	same_frame(&f, &sample);
	assert_int_equal(b.len, SAMPLE_LEN);	/* the next frame is still in the socket */
	assert_memory_equal(b.data, sample_bytes, SAMPLE_LEN);
	assert_int_equal(frame_recv(fd[1], &b, &f), TSR_OK);
	same_frame(&f, &empty);
	close(fd[0]);
	assert_int_equal(frame_recv(fd[1], &b, &f), TSR_CLOSED);
	assert_int_equal(frame_send(fd[1], &sample), TSR_CLOSED);
	close(fd[1]);
	assert_int_equal(frame_send(-1, &sample), TSR_SYSTEM);
	assert_int_equal(frame_recv(-1, &b, &f), TSR_SYSTEM);
	buf_free(&b);
}

/* An end at every place within a frame. */
static void
test_recv_cut(void **state)
{
	struct buf b;
	struct frame f = { .id = 99 };
	size_t len;
	int fd[2];

	(void)state;
	buf_init(&b, FRAME_HEAD + FRAME_BODY_MAX);
	for (len = 0; len < SAMPLE_LEN; len++) {
		pair(fd);
		if (len > 0)
			put_bytes(fd[0], sample_bytes, len);
		close(fd[0]);
		assert_int_equal(frame_recv(fd[1], &b, &f), len == 0 ? TSR_CLOSED : TSR_INVALID);
		assert_int_equal(f.id, 99);
		close(fd[1]);
	}
	buf_free(&b);
}

/* A peer that dies with bytes unread resets the socket. */
static void
test_recv_reset(void **state)
{
	struct buf b;
	struct frame f;
	int fd[2];

	(void)state;
	pair(fd);
	buf_init(&b, FRAME_HEAD + FRAME_BODY_MAX);
	put_bytes(fd[1], "unread", 6);
	close(fd[0]);
	assert_int_equal(frame_recv(fd[1], &b, &f), TSR_CLOSED);
	close(fd[1]);
	buf_free(&b);
}

static void
test_recv_refused(void **state)
{
	static const char filler[FRAME_HEAD] = { 0 };
	const struct row *row;
	struct buf b;
	struct frame f = { .id = 99 };
	int fd[2];

	(void)state;
	buf_init(&b, FRAME_HEAD + FRAME_BODY_MAX);
	for (row = refused; row < refused + N_REFUSED; row++) {
		print_message("%s\n", row->name);
		pair(fd);
		put_bytes(fd[0], row->in, row->n);
		if (row->n < FRAME_HEAD)
			put_bytes(fd[0], filler, FRAME_HEAD - row->n);
		assert_int_equal(frame_recv(fd[1], &b, &f), row->r);
		assert_int_equal(f.id, 99);
		close(fd[0]);
		close(fd[1]);
	}
	buf_free(&b);
	/* A frame that is fine, but not for so small a buffer. */
	pair(fd);
	buf_init(&b, SAMPLE_LEN - 1);
	put_bytes(fd[0], sample_bytes, SAMPLE_LEN);
	assert_int_equal(frame_recv(fd[1], &b, &f), TSR_TOO_LARGE);
	close(fd[0]);
	close(fd[1]);
	buf_free(&b);
}

struct trickle {
	int fd;
	struct frame f;
	int r;
};

static void *
trickle_main(void *arg)
{
	struct trickle *t = arg;
	size_t i;

	t->r = 0;
	for (i = 0; i < SAMPLE_LEN; i++)
		if (send(t->fd, sample_bytes + i, 1, MSG_NOSIGNAL) != 1)
			t->r = -1;
	return NULL;
}

static void
test_recv_bytewise(void **state)
{
	struct trickle t;
	pthread_t thread;
	struct buf b;
	struct frame f;
	int fd[2];

	(void)state;
	pair(fd);
	t.fd = fd[0];
	buf_init(&b, FRAME_HEAD + FRAME_BODY_MAX);
	assert_int_equal(pthread_create(&thread, NULL, trickle_main, &t), 0);
	assert_int_equal(frame_recv(fd[1], &b, &f), TSR_OK);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(t.r, 0);
	same_frame(&f, &sample);
	close(fd[0]);
	close(fd[1]);
	buf_free(&b);
}

static void *
send_main(void *arg)
{
	struct trickle *t = arg;

	t->r = frame_send(t->fd, &t->f);
	return NULL;
}

/* The largest frame into the smallest of socket buffers, from a thread. */
static void
send_big(struct trickle *t, pthread_t *thread, int fd[2])
{
	size_t i;
	int one = 1;

	for (i = 0; i < sizeof(big); i++)
		big[i] = (uint8_t)(i * 31 + i / 251);
	pair(fd);
	assert_int_equal(setsockopt(fd[0], SOL_SOCKET, SO_SNDBUF, &one, sizeof(one)), 0);
	t->fd = fd[0];
	t->f = (struct frame){ .id = 3, .type = 35, .body = big, .body_len = FRAME_BODY_MAX };
	assert_int_equal(pthread_create(thread, NULL, send_main, t), 0);
}

static void
test_recv_partial(void **state)
{
	struct trickle t;
	pthread_t thread;
	struct buf b;
	struct frame f;
	int fd[2];

	(void)state;
	send_big(&t, &thread, fd);
	buf_init(&b, FRAME_HEAD + FRAME_BODY_MAX);
	assert_int_equal(frame_recv(fd[1], &b, &f), TSR_OK);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(t.r, TSR_OK);
	same_frame(&f, &t.f);
	close(fd[0]);
	close(fd[1]);
	buf_free(&b);
}

static void
on_signal(int sig)
{
	(void)sig;
}

/* A signal at every few bytes: each ends a send that has sent a part. */
static void
test_send_interrupted(void **state)
{
	static uint8_t got[FRAME_HEAD + FRAME_BODY_MAX];
	struct sigaction act = { .sa_handler = on_signal };	/* without SA_RESTART */
	struct trickle t;
	pthread_t thread;
	struct frame f;
	size_t len = 0, part, used, need;
	ssize_t n;
	int fd[2];

	(void)state;
	assert_int_equal(sigaction(SIGUSR1, &act, NULL), 0);
	send_big(&t, &thread, fd);
	while (len < sizeof(got)) {
		(void)pthread_kill(thread, SIGUSR1);
		part = sizeof(got) - len < 300 ? sizeof(got) - len : 300;
		n = recv(fd[1], got + len, part, MSG_DONTWAIT);
		assert_true(n > 0 || (n < 0 && errno == EAGAIN));
		len += n > 0 ? (size_t)n : 0;
	}
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(t.r, TSR_OK);
	assert_int_equal(recv(fd[1], got, 1, MSG_DONTWAIT), -1);	/* nothing twice */
	assert_int_equal(frame_decode(got, len, &f, &used, &need), TSR_OK);
	same_frame(&f, &t.f);
	close(fd[0]);
	close(fd[1]);
}

static void
test_send_oversize(void **state)
{
	struct frame f = { .id = 3, .type = 35, .body = big, .body_len = FRAME_BODY_MAX + 1 };
	char c;
	int fd[2];

	(void)state;
	pair(fd);
	assert_int_equal(frame_send(fd[0], &f), TSR_TOO_LARGE);
	assert_int_equal(recv(fd[1], &c, 1, MSG_DONTWAIT), -1);	/* not a byte went out */
	close(fd[0]);
	close(fd[1]);
}

/* Frames that were encoded leave in order, and the buffer is empty. */
static void
test_flush(void **state)
{
	struct buf out, in;
	struct frame f;
	int fd[2];

	(void)state;
	buf_init(&out, 4 * SAMPLE_LEN);
	buf_init(&in, 4 * SAMPLE_LEN);
	pair(fd);
	assert_int_equal(frame_flush(fd[0], &out), TSR_OK);
	assert_int_equal(frame_encode(&out, &sample), TSR_OK);
	assert_int_equal(frame_encode(&out, &sample), TSR_OK);
	assert_int_equal(frame_flush(fd[0], &out), TSR_OK);
	assert_int_equal(out.len, 0);
	assert_int_equal(frame_recv(fd[1], &in, &f), TSR_OK);
	same_frame(&f, &sample);
	assert_int_equal(frame_recv(fd[1], &in, &f), TSR_OK);
	same_frame(&f, &sample);
	close(fd[1]);
	assert_int_equal(frame_encode(&out, &sample), TSR_OK);
	assert_int_equal(frame_flush(fd[0], &out), TSR_CLOSED);
	close(fd[0]);
	assert_int_equal(frame_flush(-1, &out), TSR_SYSTEM);
	buf_free(&out);
	buf_free(&in);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_encode),
		cmocka_unit_test(test_decode),
		cmocka_unit_test(test_decode_cut),
		cmocka_unit_test(test_decode_refused),
		cmocka_unit_test(test_send_recv),
		cmocka_unit_test(test_recv_cut),
		cmocka_unit_test(test_recv_reset),
		cmocka_unit_test(test_recv_refused),
		cmocka_unit_test(test_recv_bytewise),
		cmocka_unit_test(test_recv_partial),
		cmocka_unit_test(test_send_interrupted),
		cmocka_unit_test(test_send_oversize),
		cmocka_unit_test(test_flush),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
