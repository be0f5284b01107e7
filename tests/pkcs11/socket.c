/*
 * socket.c - the production helper under socket activation, and whom it
 * serves.  The system's mode is tested where the test runs as root.
 *
 * SPDX-License-Identifier: ISC
 */
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "tessera.h"
#include "tests/pkcs11/helper.h"

#define READY_MS	5000

struct server {
	char folder[256];
	char path[300];
	pid_t pid;
};

static int
connect_to(const struct server *s)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd;

	assert_true(strlen(s->path) < sizeof(sun.sun_path));
	memcpy(sun.sun_path, s->path, strlen(s->path));
	if ((fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) == -1)
		return -1;
	if (connect(fd, (struct sockaddr *)&sun, sizeof(sun)) == 0)
		return fd;
	close(fd);
	return -1;
}

static void
server_start(struct server *s, const char *how)
{
	char program[512], conf[512];
	const char *argv[12] = { "systemd-socket-activate", "--accept", "-l", s->path, how };
	size_t n = how != NULL ? 5 : 4;
	uint64_t end;
	int fd;

	helper_folder(s->folder);
	assert_int_equal(chmod(s->folder, 0711), 0);
	helper_config(s->folder, EVIL_MODULE, "");
	snprintf(s->path, sizeof(s->path), "%s/s", s->folder);
	snprintf(program, sizeof(program), "%s/tessera-pkcs11", getenv("TESSERA_BIN"));
	snprintf(conf, sizeof(conf), "%s/tessera.conf", s->folder);
	argv[n++] = program;
	argv[n++] = "--config";
	argv[n++] = conf;
	argv[n++] = getuid() == 0 ? NULL : "--user";
	assert_true((s->pid = fork()) >= 0);
	if (s->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if ((fd = open("/dev/null", O_RDWR)) != -1)
			dup2(fd, 2);
		execvp(argv[0], (char *const *)(uintptr_t)argv);
		_exit(127);
	}
	/* It listens soon after its socket is there; no connection is made
	 * here, since each starts a helper. */
	end = helper_now() + READY_MS;
	while (access(s->path, F_OK) != 0)
		assert_true(helper_now() < end);
}

static void
server_stop(struct server *s)
{
	kill(s->pid, SIGTERM);
	assert_int_equal(waitpid(s->pid, NULL, 0), s->pid);
	helper_remove(s->folder);
}

/* Become the client of one connection. */
static void
attach(struct helper *h, const struct server *s)
{
	uint64_t end = helper_now() + READY_MS;

	memset(h, 0, sizeof(*h));
	buf_init(&h->in, 1u << 21);
	while ((h->fd = connect_to(s)) == -1)
		assert_true(helper_now() < end);
	assert_int_equal(fcntl(h->fd, F_SETFL, O_NONBLOCK), 0);
}

static void
detach(struct helper *h)
{
	close(h->fd);
	buf_free(&h->in);
}

static void
check_served(const char *how)
{
	struct proto_value v = proto_text("m");
	char serial[128];
	struct server s;
	struct helper h, second;

	server_start(&s, how);
	attach(&h, &s);
	assert_int_equal(helper_ask(&h, PROTO_OPEN, 5000, &v, 1), PROTO_DONE);
	/* each connection has a helper of its own */
	attach(&second, &s);
	assert_int_equal(helper_ask(&second, PROTO_OPEN, 5000, &v, 1), PROTO_DONE);
	helper_find_token(&h, "evil", serial);
	detach(&h);
	helper_find_token(&second, "evil", serial);
	detach(&second);
	server_stop(&s);
}

static void
test_listen_fds(void **state)
{
	(void)state;
	check_served(NULL);
}

static void
test_inetd(void **state)
{
	(void)state;
	check_served("--inetd");
}

/* Connect as another user and ask: 0 where an answer came, 1 where not. */
static int
ask_as(const struct server *s, uid_t uid)
{
	struct proto_value v = proto_text("m");
	struct helper h;
	int status;
	pid_t pid;

	assert_true((pid = fork()) >= 0);
	if (pid == 0) {
		if (setresuid(uid, uid, uid) != 0)
			_exit(9);
		attach(&h, s);
		_exit(helper_ask(&h, PROTO_OPEN, 5000, &v, 1) == PROTO_DONE ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void
test_strangers(void **state)
{
	const struct passwd *pw;
	struct server s;

	(void)state;
	if (getuid() != 0)
		skip();
	server_start(&s, NULL);
	assert_int_equal(chmod(s.path, 0666), 0);
	assert_int_equal(ask_as(&s, 1), 1);		/* daemon */
	assert_int_equal(ask_as(&s, 65534), 1);
	assert_int_equal(ask_as(&s, 0), 0);
	if ((pw = getpwnam("tessera")) != NULL)
		assert_int_equal(ask_as(&s, pw->pw_uid), 0);
	server_stop(&s);
}

/* What is wrong with how it is called: nothing is served. */
static void
test_arguments(void **state)
{
	static const struct {
		const char *name;
		const char *argv[8];
		int status;
	} rows[] = {
		{ "no configuration", { NULL }, 2 },
		{ "unknown option", { "--config", "/x", "--frobnicate", NULL }, 2 },
		{ "word too many", { "--config", "/x", "y", NULL }, 2 },
		{ "relative path", { "--config", "x", NULL }, 2 },
		{ "worker without module", { "--config", "/x", "--worker", NULL }, 2 },
		{ "module without worker", { "--config", "/x", "--module", "m", NULL }, 2 },
		{ "descriptor that is no number", { "--config", "/x", "--keeper-fd", "3x", NULL }, 2 },
		{ "no such file", { "--config", "/nonexistent/x", NULL }, 1 },
	};
	char program[512];
	const char *argv[10] = { program };
	size_t i, k;
	int status, fd;
	pid_t pid;

	(void)state;
	snprintf(program, sizeof(program), "%s/tessera-pkcs11", getenv("TESSERA_BIN"));
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (k = 0; k < 8; k++)
			argv[k + 1] = rows[i].argv[k];
		assert_true((pid = fork()) >= 0);
		if (pid == 0) {
			if ((fd = open("/dev/null", O_RDWR)) != -1)
				dup2(fd, 2);
			execv(program, (char *const *)(uintptr_t)argv);
			_exit(127);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		if (!WIFEXITED(status) || WEXITSTATUS(status) != rows[i].status)
			fail_msg("%s: status %x", rows[i].name, (unsigned)status);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_listen_fds),
		cmocka_unit_test(test_inetd),
		cmocka_unit_test(test_strangers),
		cmocka_unit_test(test_arguments),
	};

	return cmocka_run_group_tests_name("pkcs11_socket", tests, NULL, NULL);
}
