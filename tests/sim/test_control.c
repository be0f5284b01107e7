/*
 * test_control.c - the control socket of a virtual device.
 *
 * SPDX-License-Identifier: ISC
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "sim/control.h"
#include "tessera.h"

#define WAIT_MS	20000

struct rig {
	struct control *control;
	char folder[64], path[96];
	uint64_t ticket;
};

static int
answer(void *arg, int n, char **word, uint64_t ticket, struct buf *out)
{
	struct rig *rig = arg;

	if (strcmp(word[0], "later") == 0) {
		rig->ticket = ticket;
		return CONTROL_LATER;
	}
	if (strcmp(word[0], "no") == 0)
		return TSR_INVALID;
	if (strcmp(word[0], "why") == 0) {
		assert_int_equal(buf_put_cstr(out, "two\nlines"), TSR_OK);
		return TSR_CONFLICT;
	}
	if (strcmp(word[0], "count") == 0)
		return buf_printf(out, "%d %s", n, word[n - 1]);
	return TSR_OK;
}

static int
setup(void **state)
{
	struct rig *rig = calloc(1, sizeof(*rig));

	assert_non_null(rig);
	(void)strcpy(rig->folder, "/tmp/tessera-control-XXXXXX");
	assert_non_null(mkdtemp(rig->folder));
	(void)snprintf(rig->path, sizeof(rig->path), "%s/ctl.sock", rig->folder);
	assert_int_equal(control_open(rig->path, answer, rig, &rig->control), TSR_OK);
	*state = rig;
	return 0;
}

static int
teardown(void **state)
{
	struct rig *rig = *state;

	control_close(&rig->control);
	control_close(&rig->control);
	assert_int_equal(access(rig->path, F_OK), -1);
	assert_int_equal(rmdir(rig->folder), 0);
	free(rig);
	return 0;
}

static int
client(const struct rig *rig)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	memcpy(sun.sun_path, rig->path, strlen(rig->path) + 1);
	assert_int_equal(connect(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	return fd;
}

/* Let the control serve until fd has something, or nothing has for 50 ms. */
static size_t
turn(struct rig *rig, int fd, char *out, size_t size)
{
	struct pollfd p[CONTROL_POLL_MAX + 1];
	size_t n;
	ssize_t got;
	int i;

	for (i = 0; i < 200; i++) {
		n = control_poll(rig->control, p);
		p[n] = (struct pollfd){ .fd = fd, .events = POLLIN };
		if (poll(p, (nfds_t)n + 1, 50) == 0)
			return 0;
		control_serve(rig->control, p, n);
		if (p[n].revents != 0) {
			got = recv(fd, out, size - 1, 0);
			assert_true(got >= 0);
			out[got] = '\0';
			return (size_t)got;
		}
	}
	return 0;
}

static void
say(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

static void
test_lines(void **state)
{
	static const struct row {
		const char *name, *line, *answer;
	} rows[] = {
		{ "no words to say", "yes\n", "ok\n" },
		{ "words", "count a  bc \t d\n", "ok 4 d\n" },
		{ "a refusal without words has the code's", "no\n", "error malformed input\n" },
		{ "a refusal with words, on one line", "why\n", "error two lines\n" },
		{ "an empty line", "\n", "error a command is missing\n" },
		{ "carriage return", "count x\r\n", "ok 2 x\n" },
		{ "16 words", "count 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n", "ok 16 16\n" },
		{ "17 words", "count 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17\n", "error too many words\n" },
	};
	struct rig *rig = *state;
	char got[256];
	size_t i;
	int fd = client(rig);

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		say(fd, rows[i].line);
		assert_int_not_equal(turn(rig, fd, got, sizeof(got)), 0);
		if (strcmp(got, rows[i].answer) != 0)
			fail_msg("%s: %s", rows[i].name, got);
	}
	(void)close(fd);
}

static void
test_only_the_owner(void **state)
{
	struct rig *rig = *state;
	struct stat st;

	assert_int_equal(stat(rig->path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
}

static void
test_answer_later(void **state)
{
	struct rig *rig = *state;
	char got[256];
	int fd = client(rig), other = client(rig);

	say(fd, "later\ncount a\n");
	assert_int_equal(turn(rig, fd, got, sizeof(got)), 0);
	assert_int_not_equal(rig->ticket, 0);
	say(other, "count b\n");
	assert_int_not_equal(turn(rig, other, got, sizeof(got)), 0);
	assert_string_equal(got, "ok 2 b\n");
	control_answer(rig->control, rig->ticket, TSR_OK, "now");
	assert_int_not_equal(turn(rig, fd, got, sizeof(got)), 0);
	assert_string_equal(got, "ok now\nok 2 a\n");	/* in order */
	control_answer(rig->control, rig->ticket, TSR_OK, "again");
	assert_int_equal(turn(rig, fd, got, sizeof(got)), 0);

	say(fd, "later\n");
	assert_int_equal(turn(rig, fd, got, sizeof(got)), 0);
	assert_true(control_asked(rig->control, rig->ticket));
	(void)close(fd);
	assert_int_equal(turn(rig, other, got, sizeof(got)), 0);
	assert_false(control_asked(rig->control, rig->ticket));
	assert_false(control_asked(rig->control, 0));
	control_answer(rig->control, rig->ticket, TSR_TIMEOUT, NULL);	/* nobody is there */
	(void)close(other);
}

static void
test_too_long(void **state)
{
	struct rig *rig = *state;
	char line[CONTROL_LINE_MAX + 1], got[16];
	struct pollfd p;
	int fd = client(rig);

	memset(line, 'x', sizeof(line));
	line[sizeof(line) - 1] = '\0';
	say(fd, line);
	assert_int_equal(turn(rig, fd, got, sizeof(got)), 0);
	p = (struct pollfd){ .fd = fd, .events = POLLIN };
	assert_int_equal(poll(&p, 1, WAIT_MS), 1);
	assert_int_equal(recv(fd, got, sizeof(got), 0), 0);
	(void)close(fd);
}

static void
test_many(void **state)
{
	struct rig *rig = *state;
	char got[64];
	int fd[CONTROL_CONNS_MAX + 1], i;

	for (i = 0; i <= CONTROL_CONNS_MAX; i++) {
		fd[i] = client(rig);
		say(fd[i], "yes\n");
	}
	for (i = 0; i < CONTROL_CONNS_MAX; i++)
		assert_int_not_equal(turn(rig, fd[i], got, sizeof(got)), 0);
	assert_int_equal(turn(rig, fd[CONTROL_CONNS_MAX], got, sizeof(got)), 0);
	(void)close(fd[0]);
	assert_int_not_equal(turn(rig, fd[CONTROL_CONNS_MAX], got, sizeof(got)), 0);
	for (i = 1; i <= CONTROL_CONNS_MAX; i++)
		(void)close(fd[i]);
}

static void
test_open(void **state)
{
	struct rig *rig = *state;
	struct control *other = NULL;
	char path[300], stale[128], answer_text[16];
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd;

	assert_int_equal(control_open(rig->path, answer, rig, &other), TSR_CONFLICT);
	memset(path, 'x', sizeof(path));
	path[sizeof(path) - 1] = '\0';
	assert_int_equal(control_open(path, answer, rig, &other), TSR_TOO_LARGE);
	assert_int_equal(control_open("/nonexistent/ctl.sock", answer, rig, &other), TSR_SYSTEM);
	assert_null(other);
	assert_int_equal(control_call("/nonexistent/ctl.sock", "yes", 0, answer_text,
	    sizeof(answer_text)), TSR_UNREACHABLE);
	/* left by one that was killed */
	(void)snprintf(stale, sizeof(stale), "%s/stale", rig->folder);
	memcpy(sun.sun_path, stale, strlen(stale) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	(void)close(fd);
	assert_int_equal(control_call(stale, "yes", 0, answer_text, sizeof(answer_text)),
	    TSR_UNREACHABLE);
	assert_int_equal(control_open(stale, answer, rig, &other), TSR_OK);
	control_close(&other);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_lines, setup, teardown),
		cmocka_unit_test_setup_teardown(test_only_the_owner, setup, teardown),
		cmocka_unit_test_setup_teardown(test_answer_later, setup, teardown),
		cmocka_unit_test_setup_teardown(test_too_long, setup, teardown),
		cmocka_unit_test_setup_teardown(test_many, setup, teardown),
		cmocka_unit_test_setup_teardown(test_open, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
