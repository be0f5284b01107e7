/*
 * test_http_callers.c - who may hold a connection and how many: the sender's
 * credentials with every message, descriptors, limits per uid and in all.
 * As root: clients take other uids (daemon, bin, sys).
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
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/agent/http_rig.h"
#include "tessera.h"

#define REQUEST(path)	"GET " path " HTTP/1.1\r\nHost: a\r\n\r\n"
#define PER_UID		8
#define ALL		20
#define MANY		2000	/* idle connections of one uid */

static struct rig rig;
static char text[4096];

static int
setup(void **state)
{
	struct door_limits limits = { .connections = ALL, .connections_per_uid = PER_UID,
	    .refuse = { 7 }, .n_refuse = 1, .use_pidfd = 1 };

	(void)state;
	if (geteuid() != 0)
		return 0;
	rig_start(&rig, &limits, 0);
	return 0;
}

static int
setup_no_pidfd(void **state)
{
	struct door_limits limits = { .connections = ALL, .connections_per_uid = PER_UID };

	(void)state;
	if (geteuid() == 0)
		rig_start(&rig, &limits, 0);
	return 0;
}

static int
setup_few_fds(void **state)
{
	struct door_limits limits = { .connections = 1000, .connections_per_uid = 250, .use_pidfd = 1 };

	(void)state;
	if (geteuid() == 0)
		rig_start(&rig, &limits, 40);
	return 0;
}

static int
setup_many(void **state)
{
	struct door_limits limits = { .connections = 2 * MANY, .connections_per_uid = MANY, .use_pidfd = 1 };
	struct rlimit rl;

	(void)state;
	if (geteuid() != 0)
		return 0;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &rl), 0);
	rl.rlim_cur = rl.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &rl), 0);
	rig_start(&rig, &limits, 0);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	if (geteuid() == 0)
		rig_stop(&rig);
	return 0;
}

static void
need_root(void)
{
	if (geteuid() != 0)
		skip();
}

static int
client_write(void *arg)
{
	int *fd = arg;

	rig_send(*fd, REQUEST("/echo?stolen"));
	return 0;
}

static int
client_ask(void *arg)
{
	int fd = rig_connect(&rig), r;

	r = rig_ask(fd, "/whoami", "", text, sizeof(text)) == 200 &&
	    (uid_t)strtoul(strstr(text, "\r\n\r\n") + 4, NULL, 10) == *(uid_t *)arg ? 0 : 1;
	close(fd);
	return r;
}

static void
test_whoami(void **state)
{
	uid_t uid;

	(void)state;
	need_root();
	for (uid = 0; uid < 4; uid++)
		rig_as(uid, client_ask, &uid);
}

/* A connected socket handed to another uid: nothing that it writes is read. */
static void
test_handed_on(void **state)
{
	int fd = rig_connect(&rig);

	(void)state;
	need_root();
	assert_int_equal(rig_ask(fd, "/echo", "x", text, sizeof(text)), 200);
	rig_as(0, client_write, &fd);	/* another process of the same uid may */
	assert_int_equal(rig_answer(fd, text, sizeof(text)), 200);
	rig_as(1, client_write, &fd);
	assert_int_equal(rig_closed(fd, text, sizeof(text)), 0);
	assert_int_equal(rig.shared->handled, 2);
	close(fd);
}

/* The same in the middle of a request. */
static void
test_handed_on_half_way(void **state)
{
	int fd = rig_connect(&rig);

	(void)state;
	need_root();
	rig_send(fd, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 500\r\n\r\n");
	rig_as(1, client_write, &fd);
	assert_int_equal(rig_closed(fd, text, sizeof(text)), 0);
	assert_int_equal(rig.shared->handled, 0);
	close(fd);
}

/* Bytes that lie there before accept have a sender too. */
static void
test_handed_on_before_accept(void **state)
{
	int fd;

	(void)state;
	need_root();
	assert_int_equal(kill(rig.pid, SIGSTOP), 0);
	fd = rig_connect(&rig);
	rig_as(1, client_write, &fd);
	assert_int_equal(kill(rig.pid, SIGCONT), 0);
	assert_int_equal(rig_closed(fd, text, sizeof(text)), 0);
	assert_int_equal(rig.shared->handled, 0);
	close(fd);
	/* and one's own are good. */
	assert_int_equal(kill(rig.pid, SIGSTOP), 0);
	fd = rig_connect(&rig);
	rig_send(fd, REQUEST("/echo?x"));
	assert_int_equal(kill(rig.pid, SIGCONT), 0);
	assert_int_equal(rig_answer(fd, text, sizeof(text)), 200);
	close(fd);
}

static void
test_descriptor(void **state)
{
	union {
		char bytes[CMSG_SPACE(2 * sizeof(int))];
		struct cmsghdr align;
	} control;
	char request[] = REQUEST("/echo?x");
	struct iovec iov = { request, sizeof(request) - 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.bytes,
	    .msg_controllen = sizeof(control.bytes) };
	struct cmsghdr *cm;
	size_t before;
	int fd = rig_connect(&rig), pair[2];

	(void)state;
	need_root();
	rig_wait(&rig.shared->connections, 1);
	before = rig_fds(&rig);
	assert_int_equal(pipe(pair), 0);
	memset(&control, 0, sizeof(control));
	cm = CMSG_FIRSTHDR(&msg);
	cm->cmsg_level = SOL_SOCKET;
	cm->cmsg_type = SCM_RIGHTS;
	cm->cmsg_len = CMSG_LEN(2 * sizeof(int));
	memcpy(CMSG_DATA(cm), pair, sizeof(pair));
	assert_int_equal(sendmsg(fd, &msg, 0), sizeof(request) - 1);
	assert_int_equal(rig_closed(fd, text, sizeof(text)), 0);
	assert_int_equal(rig.shared->handled, 0);
	assert_true(rig_fds(&rig) < before);	/* nothing installed, the connection gone */
	close(pair[1]);
	assert_int_equal(read(pair[0], request, 1), 0);	/* nobody holds the other end */
	close(pair[0]);
	close(fd);
}

static int
client_refused(void *arg)
{
	int fd = rig_connect(&rig);

	(void)arg;
	return rig_closed(fd, text, sizeof(text)) == 0 ? 0 : 1;
}

static void
test_refused_uid(void **state)
{
	(void)state;
	need_root();
	rig_as(7, client_refused, NULL);
	rig_as(65534, client_refused, NULL);	/* unmapped, or nobody */
	assert_int_equal(rig.shared->handled, 0);
}

static void
test_per_uid(void **state)
{
	uid_t other = 1;
	int fd[PER_UID], extra, i;

	(void)state;
	need_root();
	for (i = 0; i < PER_UID; i++) {
		fd[i] = rig_connect(&rig);
		assert_int_equal(rig_ask(fd[i], "/echo", "x", text, sizeof(text)), 200);
	}
	extra = rig_connect(&rig);
	(void)rig_closed(extra, text, sizeof(text));
	assert_int_equal(strncmp(text, "HTTP/1.1 503 ", 13), 0);
	assert_int_equal(strlen(strstr(text, "\r\n\r\n") + 4),
	    strtoul(strstr(text, "Content-Length: ") + 16, NULL, 10));
	close(extra);
	rig_as(1, client_ask, &other);
	for (i = 0; i < PER_UID; i++)
		assert_int_equal(rig_ask(fd[i], "/echo", "x", text, sizeof(text)), 200);
	/* One ends: room for one. */
	close(fd[0]);
	rig_settle(&rig);
	fd[0] = rig_connect(&rig);
	assert_int_equal(rig_ask(fd[0], "/echo", "x", text, sizeof(text)), 200);
	for (i = 0; i < PER_UID; i++)
		close(fd[i]);
}

/* Hold so many idle connections until the pipe closes. */
struct hog {
	int n, until, ready;
};

static int
client_hog(void *arg)
{
	struct hog *h = arg;
	int fd[PER_UID], i;
	char c;

	for (i = 0; i < h->n; i++) {
		fd[i] = rig_connect(&rig);
		if (rig_ask(fd[i], "/echo", "x", text, sizeof(text)) != 200)
			return 1;
	}
	if (write(h->ready, "", 1) != 1 || read(h->until, &c, 1) != 0)
		return 2;
	return 0;
}

static pid_t
hog_start(uid_t uid, struct hog *h, int until_write)
{
	pid_t pid;

	if ((pid = fork()) == 0) {
		close(until_write);
		if (setenv("CMOCKA_TEST_ABORT", "1", 1) != 0 || setresuid(uid, uid, uid) != 0)
			_exit(99);
		_exit(client_hog(h));
	}
	assert_true(pid > 0);
	return pid;
}

static void
test_all_taken(void **state)
{
	struct hog h = { .n = 7 };
	int until[2], ready[2], mine, status;
	uid_t uid;
	pid_t pid[4];
	char c;

	(void)state;
	need_root();
	assert_int_equal(pipe(until), 0);
	assert_int_equal(pipe(ready), 0);
	h.until = until[0];
	h.ready = ready[1];
	/* Three uids, 7 + 7 + 6: all are taken. */
	for (uid = 1; uid <= 3; uid++) {
		h.n = uid == 3 ? 6 : 7;
		pid[uid] = hog_start(uid, &h, until[1]);
		assert_int_equal(read(ready[0], &c, 1), 1);
	}
	rig_wait(&rig.shared->connections, ALL);
	/* A newcomer gets in, at the cost of one who has many; and works on. */
	mine = rig_connect(&rig);
	assert_int_equal(rig_ask(mine, "/whoami", "", text, sizeof(text)), 200);
	uid = 4;
	rig_as(uid, client_ask, &uid);
	assert_int_equal(rig_ask(mine, "/whoami", "", text, sizeof(text)), 200);
	assert_true(rig.shared->connections <= ALL);
	close(mine);
	close(until[1]);
	for (uid = 1; uid <= 3; uid++) {
		assert_int_equal(waitpid(pid[uid], &status, 0), pid[uid]);
		assert_int_equal(status, 0);
	}
	close(until[0]);
	close(ready[0]);
	close(ready[1]);
}

static double
seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

/* Out of descriptors: those who are in are served, the loop does not spin, and
 * the others get in later. */
static void
test_out_of_descriptors(void **state)
{
	int fd[64], i;
	uint32_t batches, handled;
	double begun;

	(void)state;
	need_root();
	for (i = 0; i < 64; i++) {
		fd[i] = rig_connect(&rig);
		(void)send(fd[i], REQUEST("/whoami"), strlen(REQUEST("/whoami")), MSG_NOSIGNAL);
	}
	rig_wait(&rig.shared->handled, 5);
	rig_settle(&rig);
	assert_true(rig.shared->handled < 40);
	/* The clock stands, so nothing ends the rest: a batch each 5 ms and no more. */
	batches = rig.shared->batches;
	begun = seconds();
	rig_wait(&rig.shared->batches, batches + 20);
	assert_true(seconds() - begun > 0.05);
	for (i = 0; i < 40; i++)
		close(fd[i]);
	handled = rig.shared->handled;
	for (i = 0; i < 50 && rig.shared->handled < handled + 10; i++)
		rig_advance(&rig, 100);
	assert_true(rig.shared->handled >= handled + 10);
	for (i = 40; i < 64; i++)
		close(fd[i]);
}

static size_t
server_rss_kb(void)
{
	char path[64], line[256];
	size_t kb = 0;
	FILE *f;

	(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)rig.pid);
	assert_non_null(f = fopen(path, "r"));
	while (fgets(line, sizeof(line), f) != NULL)
		if (strncmp(line, "VmRSS:", 6) == 0)
			kb = strtoul(line + 6, NULL, 10);
	(void)fclose(f);
	return kb;
}

static void
test_many_idle(void **state)
{
	static int fd[MANY];
	uid_t other = 1;
	size_t before = 0, after = 0;
	int i;

	(void)state;
	need_root();
	for (i = 0; i < MANY; i++) {
		fd[i] = rig_connect(&rig);
		assert_int_equal(rig_ask(fd[i], "/echo", "x", text, sizeof(text)), 200);
		if (i == 0)
			before = server_rss_kb();
	}
	after = server_rss_kb();
	assert_int_equal(rig.shared->connections, MANY);
#ifndef TESSERA_SANITIZED
	assert_true(after < 64 * 1024);
	assert_true(after - before < 4 * MANY);	/* kilobytes: 4 a connection */
#else
	assert_true(after >= before);
#endif
	rig_as(1, client_ask, &other);
	for (i = 0; i < MANY; i++)
		close(fd[i]);
	rig_settle(&rig);
}

#define RIG_TEST(f)		cmocka_unit_test_setup_teardown(f, setup, teardown)
#define RIG_TEST_WITH(f, s)	cmocka_unit_test_setup_teardown(f, s, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(test_whoami),
		RIG_TEST_WITH(test_whoami, setup_no_pidfd),
		RIG_TEST(test_handed_on),
		RIG_TEST(test_handed_on_half_way),
		RIG_TEST(test_handed_on_before_accept),
		RIG_TEST(test_descriptor),
		RIG_TEST(test_refused_uid),
		RIG_TEST(test_per_uid),
		RIG_TEST(test_all_taken),
		RIG_TEST_WITH(test_out_of_descriptors, setup_few_fds),
		RIG_TEST_WITH(test_many_idle, setup_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
