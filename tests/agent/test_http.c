/*
 * test_http.c - requests and answers over a real socket: order, pieces,
 * deadlines on the injected clock, parking, streams, the batch's commit.
 *
 * SPDX-License-Identifier: ISC
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/agent/head_rows.h"
#include "tests/agent/http_rig.h"
#include "tessera.h"

#define REQUEST(path)	"GET " path " HTTP/1.1\r\nHost: a\r\n\r\n"

static struct rig rig;
static char text[HTTP_ANSWER_MAX + 4096];

static int
setup(void **state)
{
	struct door_limits limits = { .connections = 200, .connections_per_uid = 100, .use_pidfd = 1 };

	(void)state;
	rig_start(&rig, &limits, 0);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	rig_stop(&rig);
	return 0;
}

static void
test_keep_alive(void **state)
{
	int fd = rig_connect(&rig), i;

	(void)state;
	for (i = 0; i < 3; i++) {
		assert_int_equal(rig_ask(fd, "/echo", "{\"a\":1}", text, sizeof(text)), 200);
		assert_string_equal(text, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
		    "Cache-Control: no-store\r\nContent-Length: 7\r\n\r\n{\"a\":1}");
	}
	assert_true(rig_quiet(fd));
	close(fd);
	/* It leaves; its place too. */
	fd = rig_connect(&rig);
	assert_int_equal(rig_ask(fd, "/twice", "", text, sizeof(text)), 200);
	assert_non_null(strstr(text, "\r\nX-First: 1\r\n"));
	assert_int_equal(rig_ask(fd, "/none", "", text, sizeof(text)), 500);
	assert_int_equal(rig_ask(fd, "/nowhere", "", text, sizeof(text)), 404);
	assert_non_null(strstr(text, "{\"error\":\"not_found\",\"error_description\":"
	    "\"no \\\"/nowhere\\\" here\\\\x0a\"}"));
	close(fd);
}

static void
test_connection_close(void **state)
{
	int fd = rig_connect(&rig);

	(void)state;
	rig_send(fd, "GET /echo?x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
	(void)rig_closed(fd, text, sizeof(text));
	assert_int_equal(strncmp(text, "HTTP/1.1 200 OK\r\n", 17), 0);
	assert_non_null(strstr(text, "\r\nConnection: close\r\n"));
	assert_string_equal(strstr(text, "\r\n\r\n") + 4, "x");
	close(fd);
}

static void
test_pipelined(void **state)
{
	int fd = rig_connect(&rig), i;
	char want[16];

	(void)state;
	/* Five at once, the last in two pieces: answered in order. */
	rig_send(fd, REQUEST("/echo?0") REQUEST("/echo?1") REQUEST("/echo?2") REQUEST("/echo?3")
	    "GET /echo?4 HT");
	for (i = 0; i < 5; i++) {
		if (i == 4)
			rig_send(fd, "TP/1.1\r\nHost: a\r\n\r\n");
		assert_int_equal(rig_answer(fd, text, sizeof(text)), 200);
		(void)snprintf(want, sizeof(want), "%d", i);
		assert_string_equal(strstr(text, "\r\n\r\n") + 4, want);
	}
	assert_true(rig_quiet(fd));
	/* A refusal in the middle: what stands before it is answered, what comes after is not. */
	rig_send(fd, REQUEST("/echo?a") "GET / HTTP/1.1\n\n" REQUEST("/echo?b"));
	assert_int_equal(rig_answer(fd, text, sizeof(text)), 200);
	assert_int_equal(rig_answer(fd, text, sizeof(text)), 400);
	assert_int_equal(rig_closed(fd, text, sizeof(text)), 0);
	close(fd);
}

static void
test_pieces(void **state)
{
	static const char request[] = "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello";
	char *large;
	int fd = rig_connect(&rig);
	size_t i, n;

	(void)state;
	for (i = 0; i < sizeof(request) - 1; i++)
		rig_send_n(fd, request + i, 1);
	assert_int_equal(rig_answer(fd, text, sizeof(text)), 200);
	assert_string_equal(strstr(text, "\r\n\r\n") + 4, "hello");

	/* The largest body. */
	large = malloc(HTTP_BODY_MAX + 128);
	assert_non_null(large);
	n = (size_t)sprintf(large, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n", HTTP_BODY_MAX);
	memset(large + n, 'z', HTTP_BODY_MAX);
	rig_send_n(fd, large, n + HTTP_BODY_MAX);
	assert_int_equal(rig_answer(fd, text, sizeof(text)), 200);
	assert_memory_equal(strstr(text, "\r\n\r\n") + 4, large + n, HTTP_BODY_MAX);
	free(large);
	close(fd);
}

static void
test_malformed(void **state)
{
	char want[32];
	size_t i;
	uint32_t handled = rig.shared->handled;
	int fd;

	(void)state;
	for (i = 0; i < HEAD_ROWS; i++) {
		fd = rig_connect(&rig);
		rig_send_n(fd, head_rows[i].text, head_rows[i].n);
		if (head_rows[i].text[head_rows[i].n - 1] != '\n')
			rig_send(fd, "and more\r\n\r\n");
		(void)rig_closed(fd, text, sizeof(text));
		(void)snprintf(want, sizeof(want), "HTTP/1.1 %d ", head_rows[i].status);
		if (strncmp(text, want, strlen(want)) != 0)
			fail_msg("%s: %.40s", head_rows[i].name, text);
		assert_non_null(strstr(text, "\r\nConnection: close\r\n"));
		assert_non_null(strstr(text, "{\"error\":\"invalid_request\""));
		assert_null(strstr(text + 1, "HTTP/1.1 2"));
		close(fd);
	}
	assert_int_equal(rig.shared->handled, handled);
}

/* A refusal arrives although the client goes on sending. */
static void
test_linger(void **state)
{
	char chunk[4096];
	int fd = rig_connect(&rig), i;

	(void)state;
	memset(chunk, 'x', sizeof(chunk));
	rig_send(fd, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 99999\r\n\r\n");
	for (i = 0; i < 24; i++)
		rig_send_n(fd, chunk, sizeof(chunk));
	assert_int_equal(rig_answer(fd, text, sizeof(text)), 413);
	/* It does not wait for ever. */
	rig_wait(&rig.shared->connections, 1);
	rig_advance(&rig, HTTP_LINGER_MS);
	assert_int_equal(send(fd, chunk, sizeof(chunk), MSG_NOSIGNAL), -1);
	close(fd);
}

static void
test_slow_head(void **state)
{
	static const char request[] = "GET /echo HTTP/1.1\r\nHost: a\r\n\r\n";
	int fresh = rig_connect(&rig), kept = rig_connect(&rig), silent = rig_connect(&rig), i;

	(void)state;
	assert_int_equal(rig_ask(kept, "/echo", "x", text, sizeof(text)), 200);
	rig_wait(&rig.shared->connections, 3);
	rig_send_n(kept, request, 1);
	rig_settle(&rig);
	/* One byte a second. */
	for (i = 0; i < 4; i++) {
		rig_send_n(fresh, request + i, 1);
		rig_send_n(kept, request + i + 1, 1);
		rig_advance(&rig, 1000);
		assert_true(rig_quiet(fresh) && rig_quiet(kept) && rig_quiet(silent));
	}
	rig_send_n(fresh, request + 4, 1);
	rig_advance(&rig, 999);
	assert_true(rig_quiet(fresh) && rig_quiet(kept) && rig_quiet(silent));
	rig_advance(&rig, 1);
	assert_int_equal(rig_answer(fresh, text, sizeof(text)), 408);
	assert_int_equal(rig_answer(kept, text, sizeof(text)), 408);
	assert_int_equal(rig_closed(silent, text, sizeof(text)), 0);
	assert_int_equal(rig_closed(fresh, text, sizeof(text)), 0);
	rig_advance(&rig, HTTP_LINGER_MS);
	assert_int_equal(rig.shared->connections, 0);
	close(fresh);
	close(kept);
	close(silent);
}

static void
test_slow_body(void **state)
{
	int fd = rig_connect(&rig), i;

	(void)state;
	rig_send(fd, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n");
	rig_wait(&rig.shared->connections, 1);
	for (i = 0; i < 5; i++) {
		assert_true(rig_quiet(fd));
		rig_send_n(fd, "x", 1);
		rig_advance(&rig, 1000);
	}
	assert_int_equal(rig_answer(fd, text, sizeof(text)), 408);
	assert_int_equal(rig_closed(fd, text, sizeof(text)), 0);
	close(fd);
}

static void
test_idle(void **state)
{
	int fd = rig_connect(&rig);

	(void)state;
	assert_int_equal(rig_ask(fd, "/echo", "x", text, sizeof(text)), 200);
	rig_advance(&rig, HTTP_IDLE_MS - 1);
	assert_true(rig_quiet(fd));
	assert_int_equal(rig_ask(fd, "/echo", "x", text, sizeof(text)), 200);
	rig_advance(&rig, HTTP_IDLE_MS - 1);
	assert_true(rig_quiet(fd));
	rig_advance(&rig, 1);
	assert_int_equal(rig_closed(fd, text, sizeof(text)), 0);
	close(fd);
}

static void
test_never_reads(void **state)
{
	int fd = rig_connect(&rig), i;
	uint32_t before = rig.shared->handled;

	(void)state;
	for (i = 0; i < 20; i++)
		rig_send(fd, REQUEST("/big"));
	rig_wait(&rig.shared->handled, before + 1);
	/* Reading a little at times gains no time. */
	for (i = 0; i < 10; i++) {
		assert_true(recv(fd, text, 1, 0) == 1);
		rig_advance(&rig, 999);
		assert_int_equal(rig.shared->connections, 1);
	}
	rig_advance(&rig, 10);
	assert_int_equal(rig.shared->connections, 0);
	/* It was not allowed to pile up answers. */
	assert_true(rig.shared->handled - before <= 2);
	close(fd);
}

static void
test_parked(void **state)
{
	int a = rig_connect(&rig), b = rig_connect(&rig);

	(void)state;
	rig_send(a, "POST /park HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\npin" REQUEST("/echo?next"));
	rig_wait(&rig.shared->handled, 1);
	/* No deadline of ours, and the second request waits. */
	rig_advance(&rig, 10 * HTTP_IDLE_MS);
	assert_true(rig_quiet(a));
	assert_int_equal(rig.shared->handled, 1);
	close(b);
	b = rig_connect(&rig);
	assert_int_equal(rig_ask(b, "/release", "", text, sizeof(text)), 200);
	assert_int_equal(rig_answer(a, text, sizeof(text)), 200);
	assert_string_equal(strstr(text, "\r\n\r\n") + 4, "{\"late\":1}");
	assert_int_equal(rig_answer(a, text, sizeof(text)), 200);
	assert_string_equal(strstr(text, "\r\n\r\n") + 4, "next");
	assert_int_equal(rig.shared->gone, 0);
	close(a);
	close(b);
}

static void
test_parked_gone(void **state)
{
	int half = rig_connect(&rig), dead = rig_connect(&rig), full = rig_connect(&rig);

	(void)state;
	rig_send(half, REQUEST("/park"));
	rig_send(dead, REQUEST("/park"));
	/* One that has pipelined more than anybody will read. */
	rig_send(full, REQUEST("/park") REQUEST("/echo"));
	rig_wait(&rig.shared->handled, 3);
	rig_send(full, REQUEST("/echo"));
	assert_int_equal(shutdown(half, SHUT_WR), 0);
	rig_wait(&rig.shared->gone, 1);
	assert_int_equal(rig_closed(half, text, sizeof(text)), 0);
	close(dead);
	rig_wait(&rig.shared->gone, 2);
	close(full);
	rig_wait(&rig.shared->gone, 3);
	assert_int_equal(rig.shared->handled, 3);
	close(half);
}

/* gone() answers others: their answers belong to the next commit. */
static void
test_answer_from_gone(void **state)
{
	int a = rig_connect(&rig), b = rig_connect(&rig);

	(void)state;
	rig_send(a, REQUEST("/park"));
	rig_send(b, REQUEST("/late"));
	rig_wait(&rig.shared->handled, 2);
	close(b);
	assert_int_equal(rig_answer(a, text, sizeof(text)), 200);
	assert_int_equal(rig.shared->gone, 1);
	close(a);
}

static void
test_end_with_parked(void **state)
{
	int a = rig_connect(&rig), b = rig_connect(&rig);

	/* The server is freed with both: teardown looks for leaks. */
	(void)state;
	rig_send(a, REQUEST("/park"));
	rig_send(b, REQUEST("/late"));
	rig_wait(&rig.shared->handled, 2);
	close(a);
	close(b);
}

static void
test_commit(void **state)
{
	int fd = rig_connect(&rig);

	(void)state;
	assert_int_equal(rig_ask(fd, "/wrote", "", text, sizeof(text)), 200);
	__atomic_store_n(&rig.shared->commit, TSR_STORE, __ATOMIC_RELEASE);
	assert_int_equal(rig_ask(fd, "/wrote", "", text, sizeof(text)), 503);
	assert_non_null(strstr(text, "{\"error\":\"temporarily_unavailable\""));
	assert_null(strstr(text, "wrote"));
	assert_int_equal(rig_ask(fd, "/echo", "x", text, sizeof(text)), 200);
	/* Pipelined: each with the commit of its own batch. */
	rig_send(fd, REQUEST("/wrote") REQUEST("/echo?x") REQUEST("/wrote"));
	assert_int_equal(rig_answer(fd, text, sizeof(text)), 503);
	assert_int_equal(rig_answer(fd, text, sizeof(text)), 200);
	assert_int_equal(rig_answer(fd, text, sizeof(text)), 503);
	__atomic_store_n(&rig.shared->commit, TSR_OK, __ATOMIC_RELEASE);
	assert_int_equal(rig_ask(fd, "/wrote", "", text, sizeof(text)), 200);
	close(fd);
}

static void
test_stream(void **state)
{
	int a = rig_connect(&rig), b = rig_connect(&rig);

	(void)state;
	rig_send(a, REQUEST("/events"));
	assert_int_equal(rig_answer(a, text, sizeof(text)), 200);
	assert_non_null(strstr(text, "\r\nContent-Type: text/event-stream\r\n"));
	assert_null(strstr(text, "Content-Length"));
	assert_int_equal(rig_ask(b, "/tell", "{\"a\":1}", text, sizeof(text)), 200);
	assert_int_equal(rig_ask(b, "/tell", "two\nlines", text, sizeof(text)), 200);
	close(b);
	rig_advance(&rig, 10 * HTTP_IDLE_MS);	/* a quiet stream stays */
	b = rig_connect(&rig);
	assert_int_equal(rig_ask(b, "/drain", "", text, sizeof(text)), 200);
	(void)rig_closed(a, text, sizeof(text));
	assert_string_equal(text, "event: ready\ndata: {}\n\nevent: told\ndata: {\"a\":1}\n\n");
	rig_wait(&rig.shared->gone, 1);
	close(a);
	close(b);
}

static void
test_stream_behind(void **state)
{
	int a = rig_connect(&rig), b = rig_connect(&rig);

	(void)state;
	rig_send(a, REQUEST("/events"));
	rig_wait(&rig.shared->handled, 1);
	assert_int_equal(rig_ask(b, "/flood", "", text, sizeof(text)), 200);
	rig_wait(&rig.shared->gone, 1);
	(void)rig_closed(a, text, sizeof(text));
	close(a);
	/* Half closed is gone. */
	a = rig_connect(&rig);
	rig_send(a, REQUEST("/events"));
	rig_wait(&rig.shared->handled, 3);
	assert_int_equal(shutdown(a, SHUT_WR), 0);
	rig_wait(&rig.shared->gone, 2);
	close(a);
	close(b);
}

static void
test_drain(void **state)
{
	int idle = rig_connect(&rig), parked = rig_connect(&rig), fd = rig_connect(&rig);

	(void)state;
	assert_int_equal(rig_ask(idle, "/echo", "x", text, sizeof(text)), 200);
	rig_send(parked, REQUEST("/park"));
	rig_wait(&rig.shared->handled, 2);
	rig_send(fd, REQUEST("/echo?x") "GET /rel");
	assert_int_equal(rig_answer(fd, text, sizeof(text)), 200);
	rig_wait(&rig.shared->handled, 3);
	assert_int_equal(kill(rig.pid, SIGUSR1), 0);
	assert_int_equal(rig_closed(idle, text, sizeof(text)), 0);
	assert_true(rig_quiet(parked));
	/* The request under way is answered, then the connection ends. */
	rig_send(fd, "ease HTTP/1.1\r\nHost: a\r\n\r\n");
	assert_int_equal(rig_answer(fd, text, sizeof(text)), 200);
	assert_non_null(strstr(text, "\r\nConnection: close\r\n"));
	assert_int_equal(rig_answer(parked, text, sizeof(text)), 200);
	assert_int_equal(rig_closed(parked, text, sizeof(text)), 0);
	assert_int_equal(rig_closed(fd, text, sizeof(text)), 0);
	close(idle);
	close(parked);
	close(fd);
}

#define RIG_TEST(f)	cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(test_keep_alive),
		RIG_TEST(test_connection_close),
		RIG_TEST(test_pipelined),
		RIG_TEST(test_pieces),
		RIG_TEST(test_malformed),
		RIG_TEST(test_linger),
		RIG_TEST(test_slow_head),
		RIG_TEST(test_slow_body),
		RIG_TEST(test_idle),
		RIG_TEST(test_never_reads),
		RIG_TEST(test_parked),
		RIG_TEST(test_parked_gone),
		RIG_TEST(test_answer_from_gone),
		RIG_TEST(test_end_with_parked),
		RIG_TEST(test_commit),
		RIG_TEST(test_stream),
		RIG_TEST(test_stream_behind),
		RIG_TEST(test_drain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
