/*
 * test_listen.c - the listening sockets: bound here, or handed over.
 *
 * SPDX-License-Identifier: ISC
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/listen.h"
#include "tessera.h"

static char base[64], dir[96], api[128], admin[128], ssh[128], err[512];

static int
setup(void **state)
{
	(void)state;
	(void)snprintf(base, sizeof(base), "/tmp/tessera-listen-XXXXXX");
	assert_non_null(mkdtemp(base));
	(void)snprintf(dir, sizeof(dir), "%s/run", base);
	(void)snprintf(api, sizeof(api), "%s/tessera.sock", dir);
	(void)snprintf(admin, sizeof(admin), "%s/admin.sock", dir);
	(void)snprintf(ssh, sizeof(ssh), "%s/ssh.sock", dir);
	err[0] = '\0';
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	(void)unlink(api);
	(void)unlink(admin);
	(void)unlink(ssh);
	(void)rmdir(dir);
	return rmdir(base);
}

static int
open_here(struct listeners *l)
{
	memset(l, 0x5a, sizeof(*l));
	return listen_open(dir, 0, (unsigned)-1, l, err, sizeof(err));
}

static mode_t
mode_of(const char *path)
{
	struct stat st;

	assert_int_equal(lstat(path, &st), 0);
	return st.st_mode & 07777;
}

static int
can_connect(const char *path)
{
	struct sockaddr_un at;
	int fd, ok;

	memset(&at, 0, sizeof(at));
	at.sun_family = AF_UNIX;
	memcpy(at.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	ok = connect(fd, (const struct sockaddr *)&at, sizeof(at)) == 0;
	close(fd);
	return ok;
}

/* What an agent that was killed leaves behind. */
static void
leave_stale(const char *path)
{
	struct sockaddr_un at;
	int fd;

	memset(&at, 0, sizeof(at));
	at.sun_family = AF_UNIX;
	memcpy(at.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(bind(fd, (const struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(fd, 1), 0);
	close(fd);
}

static void
test_bound(void **state)
{
	struct listeners l, second;
	mode_t mask = umask(077);
	struct stat st;

	(void)state;
	if (open_here(&l) != TSR_OK)
		fail_msg("%s", err);
	assert_int_equal(l.bound, 1);
	assert_string_equal(l.api_path, api);
	assert_string_equal(l.admin_path, admin);
	assert_int_equal(mode_of(dir), 0755);
	assert_int_equal(mode_of(api), 0666);
	assert_int_equal(mode_of(admin), 0660);
	assert_int_equal(mode_of(ssh), 0666);
	assert_true(can_connect(api) && can_connect(admin) && can_connect(ssh));
	assert_true((fcntl(l.api, F_GETFD) & FD_CLOEXEC) != 0);

	/* A second agent is turned away and changes nothing. */
	assert_int_equal(open_here(&second), TSR_CONFLICT);
	assert_non_null(strstr(err, dir));
	assert_true(can_connect(api));

	listen_close(&l);
	assert_int_equal(l.api, -1);
	assert_int_equal(lstat(api, &st), -1);
	assert_int_equal(lstat(admin, &st), -1);
	assert_int_equal(lstat(ssh, &st), -1);
	(void)umask(mask);
}

static void
test_user_mode(void **state)
{
	struct listeners l;

	(void)state;
	assert_int_equal(listen_open(dir, 1, (unsigned)-1, &l, err, sizeof(err)), TSR_OK);
	assert_int_equal(mode_of(dir), 0700);
	assert_int_equal(mode_of(api), 0600);
	assert_int_equal(mode_of(admin), 0600);
	assert_int_equal(mode_of(ssh), 0600);
	listen_close(&l);
}

static void
test_admin_group(void **state)
{
	struct listeners l;
	struct stat st;

	(void)state;
	if (geteuid() != 0)
		skip();
	assert_int_equal(listen_open(dir, 0, 60, &l, err, sizeof(err)), TSR_OK);
	assert_int_equal(lstat(admin, &st), 0);
	assert_int_equal(st.st_gid, 60);
	assert_int_equal(st.st_mode & 07777, 0660);
	assert_int_equal(lstat(api, &st), 0);
	assert_int_not_equal(st.st_gid, 60);
	listen_close(&l);
}

/* Who may not give admin.sock to its group leaves no socket behind. */
static void
test_group_refused(void **state)
{
	struct listeners l;
	struct stat st;
	int status, r;
	pid_t pid;

	(void)state;
	if (geteuid() != 0)
		skip();
	assert_int_equal(mkdir(dir, 0755), 0);
	assert_int_equal(chmod(base, 0755), 0);
	assert_int_equal(chown(dir, 1, 1), 0);
	if ((pid = fork()) == 0) {
		if (setgroups(0, NULL) != 0 || setresgid(1, 1, 1) != 0 || setresuid(1, 1, 1) != 0)
			_exit(90);
		r = listen_open(dir, 0, 60, &l, err, sizeof(err));
		_exit(r == TSR_SYSTEM && strstr(err, "cannot be given to group 60") != NULL ? 0 : 91);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(lstat(admin, &st), -1);
	assert_int_equal(lstat(api, &st), -1);
}

static void
test_stale(void **state)
{
	struct listeners l;

	(void)state;
	assert_int_equal(mkdir(dir, 0755), 0);
	leave_stale(api);
	leave_stale(admin);
	assert_false(can_connect(api));
	assert_int_equal(open_here(&l), TSR_OK);
	assert_true(can_connect(api) && can_connect(admin));
	listen_close(&l);
}

static void
test_in_place(void **state)
{
	struct listeners l;
	struct stat st;
	int fd;

	(void)state;
	/* a file */
	assert_int_equal(mkdir(dir, 0755), 0);
	assert_true((fd = open(api, O_WRONLY | O_CREAT, 0600)) != -1);
	close(fd);
	assert_int_equal(open_here(&l), TSR_CONFIG);
	assert_non_null(strstr(err, api));
	assert_int_equal(lstat(api, &st), 0);
	assert_int_equal(unlink(api), 0);
	/* a link to somewhere */
	assert_int_equal(symlink("/etc/passwd", admin), 0);
	assert_int_equal(open_here(&l), TSR_CONFIG);
	assert_int_equal(lstat(admin, &st), 0);
	assert_int_equal(lstat(api, &st), -1);	/* what was bound before that is gone */
	assert_int_equal(unlink(admin), 0);
	/* the folder: a file, a link, writable by others */
	assert_int_equal(rmdir(dir), 0);
	assert_true((fd = open(dir, O_WRONLY | O_CREAT, 0600)) != -1);
	close(fd);
	assert_int_equal(open_here(&l), TSR_CONFIG);
	assert_int_equal(unlink(dir), 0);
	assert_int_equal(symlink("/tmp", dir), 0);
	assert_int_equal(open_here(&l), TSR_CONFIG);
	assert_int_equal(unlink(dir), 0);
	assert_int_equal(mkdir(dir, 0777), 0);
	assert_int_equal(chmod(dir, 0777), 0);
	assert_int_equal(open_here(&l), TSR_CONFIG);
	assert_non_null(strstr(err, "0777"));
}

static void
test_somebody_answers(void **state)
{
	struct listeners l;
	struct sockaddr_un at;
	int fd;

	(void)state;
	assert_int_equal(mkdir(dir, 0755), 0);
	memset(&at, 0, sizeof(at));
	at.sun_family = AF_UNIX;
	memcpy(at.sun_path, api, strlen(api) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(bind(fd, (const struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(fd, 1), 0);
	assert_int_equal(open_here(&l), TSR_CONFLICT);
	assert_true(can_connect(api));
	close(fd);
}

static void
test_long_path(void **state)
{
	struct listeners l;
	char path[160];

	(void)state;
	(void)snprintf(path, sizeof(path), "%s/%080d", base, 0);
	assert_int_equal(listen_open(path, 0, (unsigned)-1, &l, err, sizeof(err)), TSR_CONFIG);
	assert_non_null(strstr(err, "too long"));
}

/* What the service manager would do, in a child: the sockets as 3 and up. */
static int
handed(const char *names, int kind, int listening, struct listeners *l)
{
	char number[32];
	int fd, n = 1, i;
	const char *p;

	for (p = names; *p != '\0'; p++)
		n += *p == ':';
	for (i = 0; i < n; i++) {
		struct sockaddr_un at = { .sun_family = AF_UNIX };

		fd = socket(AF_UNIX, kind, 0);
		if (fd == -1 || bind(fd, (const struct sockaddr *)&at, sizeof(at.sun_family)) != 0 ||
		    (listening && listen(fd, 5) != 0) || dup2(fd, 20 + i) == -1)
			_exit(90);
	}
	for (i = 0; i < n; i++)
		if (dup2(20 + i, 3 + i) == -1)
			_exit(91);
	(void)snprintf(number, sizeof(number), "%d", (int)getpid());
	(void)setenv("LISTEN_PID", number, 1);
	(void)snprintf(number, sizeof(number), "%d", n);
	(void)setenv("LISTEN_FDS", number, 1);
	(void)setenv("LISTEN_FDNAMES", names, 1);
	return listen_open(dir, 0, (unsigned)-1, l, err, sizeof(err));
}

static const struct handed_row {
	const char *name, *names;
	int kind, listening, want, api, admin, ssh;
} handed_rows[] = {
	{ "both", "api:admin", SOCK_STREAM, 1, TSR_OK, 3, 4, -1 },
	{ "the other order", "admin:api", SOCK_STREAM, 1, TSR_OK, 4, 3, -1 },
	{ "one", "api", SOCK_STREAM, 1, TSR_OK, 3, -1, -1 },
	{ "all three", "api:admin:ssh", SOCK_STREAM, 1, TSR_OK, 3, 4, 5 },
	{ "the same name twice", "api:api", SOCK_STREAM, 1, TSR_CONFIG, 0, 0, 0 },
	{ "a name of another", "api:web", SOCK_STREAM, 1, TSR_CONFIG, 0, 0, 0 },
	{ "a datagram socket", "api", SOCK_DGRAM, 0, TSR_CONFIG, 0, 0, 0 },
	{ "a socket that does not listen", "api", SOCK_STREAM, 0, TSR_CONFIG, 0, 0, 0 },
};

static int
handed_child(const struct handed_row *row)
{
	struct listeners l;
	struct stat st;
	int r;

	r = handed(row->names, row->kind, row->listening, &l);
	if (r != row->want)
		return 1;
	if (lstat(dir, &st) == 0)
		return 2;	/* nothing is bound where something was handed over */
	if (r != TSR_OK)
		return err[0] == '\0' ? 3 : 0;
	if (l.api != row->api || l.admin != row->admin || l.ssh != row->ssh || l.bound || l.api_path[0] != '\0')
		return 4;
	listen_close(&l);
	return fcntl(3, F_GETFD) == -1 ? 0 : 5;
}

static void
test_handed_over(void **state)
{
	size_t i;
	int status;
	pid_t pid;

	(void)state;
	for (i = 0; i < sizeof(handed_rows) / sizeof(handed_rows[0]); i++) {
		if ((pid = fork()) == 0)
			_exit(handed_child(&handed_rows[i]));
		assert_int_equal(waitpid(pid, &status, 0), pid);
		if (status != 0)
			fail_msg("%s: %x", handed_rows[i].name, (unsigned)status);
	}
}

#define LISTEN_TEST(f)	cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		LISTEN_TEST(test_bound),
		LISTEN_TEST(test_user_mode),
		LISTEN_TEST(test_admin_group),
		LISTEN_TEST(test_group_refused),
		LISTEN_TEST(test_stale),
		LISTEN_TEST(test_in_place),
		LISTEN_TEST(test_somebody_answers),
		LISTEN_TEST(test_long_path),
		LISTEN_TEST(test_handed_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
