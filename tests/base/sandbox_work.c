/*
 * sandbox_work.c - what each role has to do still works inside it.
 *
 * SPDX-License-Identifier: ISC
 */
#include "sandbox_work.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <poll.h>
#include <pthread.h>
#include <pwd.h>
#include <signal.h>
#include <sodium.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <syslog.h>
#include <systemd/sd-event.h>
#include <systemd/sd-journal.h>
#include <unistd.h>

#include "base/sandbox.h"
#include "base/secret.h"
#include "base/spawn.h"
#include "tessera.h"

char work_folder[256];

const char *
work_path(const char *name)
{
	static char path[4][512];
	static unsigned next;

	next = (next + 1) % 4;
	snprintf(path[next], sizeof(path[next]), "%s/%s", work_folder, name);
	return path[next];
}

enum jail_verdict
work_failed(const char *what)
{
	fprintf(stderr, "    %s: %s\n", what, strerror(errno));
	return JAIL_BROKEN;
}

/* The store: WAL, FULL, a checkpoint, and the file again from another handle. */
static enum jail_verdict
sqlite(void *arg)
{
	static const char *const steps[] = {
		"PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL",
		"CREATE TABLE t (a INTEGER PRIMARY KEY, b BLOB)",
		"BEGIN IMMEDIATE", "SAVEPOINT s",
		("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000) "
		"INSERT INTO t SELECT i, randomblob(200) FROM n"),
		"RELEASE s", "COMMIT", "PRAGMA wal_checkpoint(TRUNCATE)",
		"UPDATE t SET b = x'00'", "SELECT count(*) FROM t ORDER BY b", "VACUUM",
	};
	sqlite3 *db = NULL, *other = NULL;
	size_t i;

	(void)arg;
	if (sqlite3_open(work_path("work.db"), &db) != SQLITE_OK)
		return work_failed("sqlite3_open");
	sqlite3_exec(db, "PRAGMA temp_store=MEMORY", NULL, NULL, NULL);
	for (i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		if (sqlite3_exec(db, steps[i], NULL, NULL, NULL) != SQLITE_OK) {
			fprintf(stderr, "    %s: %s\n", steps[i], sqlite3_errmsg(db));
			return JAIL_BROKEN;
		}
		if (i == 7 && (sqlite3_open(work_path("work.db"), &other) != SQLITE_OK ||
		    sqlite3_exec(other, "SELECT * FROM t", NULL, NULL, NULL) != SQLITE_OK ||
		    sqlite3_close(other) != SQLITE_OK))
			return work_failed("second handle");
	}
	return sqlite3_close(db) == SQLITE_OK ? JAIL_DONE : work_failed("sqlite3_close");
}

static int
on_time(sd_event_source *s, uint64_t usec, void *arg)
{
	(void)usec;
	(void)arg;
	return kill(getpid(), SIGTERM) == -1 ? -errno : sd_event_source_set_enabled(s, SD_EVENT_OFF);
}

static int
on_signal(sd_event_source *s, const struct signalfd_siginfo *si, void *arg)
{
	(void)si;
	(void)arg;
	return sd_event_exit(sd_event_source_get_event(s), 7);
}

static int
on_io(sd_event_source *s, int fd, uint32_t events, void *arg)
{
	(void)s;
	(void)fd;
	(void)events;
	(void)arg;
	return 0;
}

static int
on_inotify(sd_event_source *s, const struct inotify_event *e, void *arg)
{
	(void)s;
	(void)e;
	(void)arg;
	return 0;
}

/* Timer, signal, nested epoll set, inotify, post and exit. */
static enum jail_verdict
event_loop(void *arg)
{
	sd_event *e = NULL;
	sigset_t term;
	int nested;

	(void)arg;
	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	sigprocmask(SIG_BLOCK, &term, NULL);
	if ((nested = epoll_create1(EPOLL_CLOEXEC)) == -1 || sd_event_default(&e) < 0 ||
	    sd_event_add_io(e, NULL, nested, EPOLLIN, on_io, NULL) < 0 ||
	    sd_event_add_signal(e, NULL, SIGTERM, on_signal, NULL) < 0 ||
	    sd_event_add_inotify(e, NULL, work_folder, IN_CREATE, on_inotify, NULL) < 0 ||
	    sd_event_add_time_relative(e, NULL, CLOCK_MONOTONIC, 1000, 1, on_time, NULL) < 0 ||
	    sd_event_add_time_relative(e, NULL, CLOCK_BOOTTIME, 100000000, 1, on_time, NULL) < 0)
		return work_failed("sd_event_add");
	return sd_event_loop(e) == 7 ? JAIL_DONE : work_failed("sd_event_loop");
}

/* A listener, a client, credentials with a message, who the client is. */
static enum jail_verdict
serve(void *arg)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	union {
		struct cmsghdr head;
		char space[CMSG_SPACE(sizeof(struct ucred))];
	} control;
	char byte;
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control,
		.msg_controllen = sizeof(control) };
	struct ucred peer;
	socklen_t len = sizeof(peer);
	int one = 1, a, b, c;

	(void)arg;
	snprintf(un.sun_path, sizeof(un.sun_path), "%s", work_path("socket"));
	if ((a = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) == -1 ||
	    bind(a, (struct sockaddr *)&un, sizeof(un)) == -1 || listen(a, 8) == -1 ||
	    (b = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) == -1 ||
	    connect(b, (struct sockaddr *)&un, sizeof(un)) == -1 ||
	    (c = accept4(a, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) == -1 ||
	    setsockopt(c, SOL_SOCKET, SO_PASSCRED, &one, sizeof(one)) == -1 ||
	    getsockopt(c, SOL_SOCKET, SO_PEERCRED, &peer, &len) == -1 ||
	    write(b, "x", 1) != 1 || recvmsg(c, &msg, MSG_CMSG_CLOEXEC) != 1)
		return work_failed("socket");
	return unlink(un.sun_path) == 0 && peer.pid == getpid() ? JAIL_DONE :
	    work_failed("SO_PEERCRED");
}

/* A caller's unit and whether it still lives. */
static enum jail_verdict
look_at_caller(void *arg)
{
	static const char *const names[] = { "cgroup", "status", "stat", "cmdline" };
	struct pollfd p = { .events = POLLIN };
	char path[64], text[4096];
	size_t i;
	int fd;

	(void)arg;
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "/proc/%d/%s", (int)getppid(), names[i]);
		if ((fd = open(path, O_RDONLY | O_CLOEXEC)) == -1 ||
		    read(fd, text, sizeof(text)) <= 0)
			return work_failed(path);
		close(fd);
	}
	if ((p.fd = (int)syscall(SYS_pidfd_open, getppid(), 0)) == -1)
		return errno == ENOSYS ? JAIL_SKIPPED : work_failed("pidfd_open");
	return poll(&p, 1, 0) == 0 ? JAIL_DONE : work_failed("poll");
}

/* Keys, locked memory, random numbers. */
static enum jail_verdict
crypto(void *arg)
{
	unsigned char random[32], pk[32], sk[64], sig[64];
	struct secret *s;
	EVP_PKEY *key;

	(void)arg;
	if (sodium_init() < 0 || (s = secret_new(64)) == NULL)
		return work_failed("secret_new");
	randombytes_buf(random, sizeof(random));
	crypto_sign_keypair(pk, sk);
	crypto_sign_detached(sig, NULL, random, sizeof(random), sk);
	secret_free(&s);
	if ((key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256")) == NULL)
		return work_failed("EVP_PKEY_Q_keygen");
	EVP_PKEY_free(key);
	return RAND_bytes(random, sizeof(random)) == 1 ? JAIL_DONE : work_failed("RAND_bytes");
}

/* The public file: made, opened to all, moved into its place. */
static enum jail_verdict
replace_file(void *arg)
{
	int fd, dir;

	(void)arg;
	if ((fd = open(work_path("new"), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600)) == -1 ||
	    write(fd, "{}", 2) != 2 || fchmod(fd, 0644) == -1 || fsync(fd) == -1 ||
	    rename(work_path("new"), work_path("old")) == -1 ||
	    (dir = open(work_folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) == -1 ||
	    fsync(dir) == -1)
		return work_failed("replace");
	return unlink(work_path("old")) == 0 ? JAIL_DONE : work_failed("unlink");
}

static void *
thread_main(void *arg)
{
	return arg;
}

static enum jail_verdict
threads(void *arg)
{
	static int token;
	pthread_t t;
	void *got = NULL;

	(void)arg;
	errno = pthread_create(&t, NULL, thread_main, &token);
	if (errno != 0)
		return work_failed("pthread_create");
	return pthread_join(t, &got) == 0 && got == &token ? JAIL_DONE : work_failed("pthread_join");
}

/* Words for the system's log, which may be absent. */
static enum jail_verdict
logging(void *arg)
{
	(void)arg;
	openlog("tessera-test", LOG_PID, LOG_AUTHPRIV);
	syslog(LOG_DEBUG, "from inside");
	closelog();
	sd_journal_send("MESSAGE=from inside", "PRIORITY=7", NULL);
	return JAIL_DONE;
}

/* An error that a debugger would see: killed by its own signal, not ours. */
static enum jail_verdict
raise_signal(void *arg)
{
	(void)arg;
	signal(SIGUSR1, SIG_IGN);
	return raise(SIGUSR1) == 0 ? JAIL_DONE : work_failed("raise");
}

/* Start a program, hear it, kill it, reap it. */
static enum jail_verdict
start_program(void *arg)
{
	static char probe[] = SPAWN_PROBE, mode[] = "wait";
	char *argv[] = { probe, mode, NULL }, text[16];
	struct pollfd p = { .events = POLLIN };
	siginfo_t si = { .si_pid = 0 };
	int pidfd, status;
	pid_t pid;

	(void)arg;
	if (spawn_helper(probe, argv, NULL, &pid, &pidfd, &p.fd) != TSR_OK)
		return work_failed("spawn_helper");
	if (poll(&p, 1, 20000) != 1 || read(p.fd, text, sizeof(text)) != 5)
		return work_failed("read");
	if (kill(-pid, SIGKILL) == -1 || waitid(P_PID, (id_t)pid, &si, WEXITED | WNOWAIT) == -1 ||
	    waitpid(pid, &status, 0) != pid)
		return work_failed("kill");
	return WIFSIGNALED(status) ? JAIL_DONE : work_failed("status");
}

static enum jail_verdict
names(void *arg)
{
	struct passwd *pw;
	struct group *gr;

	(void)arg;
	if ((pw = getpwnam("daemon")) == NULL || pw->pw_uid != 1 || getpwuid(2) == NULL ||
	    (gr = getgrnam("daemon")) == NULL || gr->gr_gid != 1)
		return work_failed("getpwnam");
	return getpwnam("no-such-user-here") == NULL ? JAIL_DONE : work_failed("no-such-user");
}

static enum jail_verdict
ip_sockets(void *arg)
{
	(void)arg;
	return socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0) != -1 ? JAIL_DONE :
	    work_failed("AF_INET");
}

/* What a module that keeps its objects in files does with them. */
static enum jail_verdict
module_files(void *arg)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	DIR *d;
	int fd;

	(void)arg;
	if (mkdir(work_path("objects"), 0700) == -1 ||
	    (fd = open(work_path("objects/1"), O_RDWR | O_CREAT | O_CLOEXEC, 0600)) == -1 ||
	    fcntl(fd, F_SETLKW, &lock) == -1 || flock(fd, LOCK_EX) == -1 ||
	    write(fd, "object", 6) != 6 || ftruncate(fd, 3) == -1 || fsync(fd) == -1 ||
	    lseek(fd, 0, SEEK_SET) == -1 ||
	    rename(work_path("objects/1"), work_path("moved")) == -1 ||
	    (d = opendir(work_path("objects"))) == NULL)
		return work_failed("object");
	while (readdir(d) != NULL)
		;
	closedir(d);
	close(fd);
	return unlink(work_path("moved")) == 0 && rmdir(work_path("objects")) == 0 ? JAIL_DONE :
	    work_failed("unlink");
}

/* The worker's way: into its role from within its keeper's. */
static enum jail_verdict
module_in_keeper(void *arg)
{
	const struct sandbox_path paths[] = { { work_folder, SANDBOX_READ | SANDBOX_WRITE } };
	int status;
	pid_t pid;

	(void)arg;
	if ((pid = fork()) == 0)
		_exit(sandbox_enter(SANDBOX_MODULE, paths, 1) != TSR_OK ? JAIL_BROKEN :
		    (int)work_softhsm(NULL));
	if (pid == -1 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return work_failed("worker");
	return (enum jail_verdict)WEXITSTATUS(status);
}

/* The same three deep: agent, keeper, worker. */
static enum jail_verdict
keeper_in_agent(void *arg)
{
	const struct sandbox_path paths[] = { { work_folder, SANDBOX_READ | SANDBOX_WRITE },
		{ SPAWN_PROBE, SANDBOX_EXEC } };
	enum jail_verdict v;

	if (sandbox_enter(SANDBOX_KEEPER, paths, 2) != TSR_OK)
		return work_failed("keeper");
	if ((v = start_program(arg)) != JAIL_DONE)
		return v;
	return module_in_keeper(arg);
}

static enum jail_verdict
names_in_agent(void *arg)
{
	return sandbox_enter(SANDBOX_NAMES, NULL, 0) != TSR_OK ? work_failed("names") : names(arg);
}

/* What a module reads to begin with. */
static enum jail_verdict
module_configuration(void *arg)
{
	static const char *const folders[] = { "/etc/opensc", "/etc/softhsm" };
	size_t i;

	(void)arg;
	for (i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
		if (open(folders[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC) == -1 && errno != ENOENT &&
		    access(folders[i], R_OK) == 0)
			return work_failed(folders[i]);
	return JAIL_DONE;
}

#define PLAIN	0
#define RUNS	1	/* with the probe as SANDBOX_EXEC */
#define ETC	2	/* with /etc to read */

static const struct row {
	const char *name;
	int role;
	int with;
	jail_attempt attempt;
} rows[] = {
	{ "SQLite", SANDBOX_AGENT, PLAIN, sqlite },
	{ "event loop", SANDBOX_AGENT, PLAIN, event_loop },
	{ "serve a socket", SANDBOX_AGENT, PLAIN, serve },
	{ "look at a caller", SANDBOX_AGENT, PLAIN, look_at_caller },
	{ "cryptography", SANDBOX_AGENT, PLAIN, crypto },
	{ "replace a file", SANDBOX_AGENT, PLAIN, replace_file },
	{ "threads", SANDBOX_AGENT, PLAIN, threads },
	{ "logging", SANDBOX_AGENT, PLAIN, logging },
	{ "raise", SANDBOX_AGENT, PLAIN, raise_signal },
	{ "start a program", SANDBOX_AGENT, RUNS, start_program },
	{ "SQLite, where it starts programs", SANDBOX_AGENT, RUNS, sqlite },
	{ "event loop, where it starts programs", SANDBOX_AGENT, RUNS, event_loop },
	{ "keeper and worker under the agent", SANDBOX_AGENT, RUNS, keeper_in_agent },
	{ "module configuration", SANDBOX_AGENT, RUNS, module_configuration },
	{ "module configuration", SANDBOX_KEEPER, RUNS, module_configuration },
	{ "module configuration", SANDBOX_MODULE, PLAIN, module_configuration },
	{ "name service under the agent", SANDBOX_AGENT, RUNS | ETC, names_in_agent },
	{ "name service", SANDBOX_NAMES, PLAIN, names },
	{ "IP sockets", SANDBOX_NAMES, PLAIN, ip_sockets },
	{ "threads", SANDBOX_NAMES, PLAIN, threads },
	{ "raise", SANDBOX_NAMES, PLAIN, raise_signal },
	{ "start a program", SANDBOX_KEEPER, RUNS, start_program },
	{ "worker under the keeper", SANDBOX_KEEPER, RUNS, module_in_keeper },
	{ "files", SANDBOX_MODULE, PLAIN, module_files },
	{ "SQLite", SANDBOX_MODULE, PLAIN, sqlite },
	{ "threads", SANDBOX_MODULE, PLAIN, threads },
	{ "cryptography", SANDBOX_MODULE, PLAIN, crypto },
	{ "logging", SANDBOX_MODULE, PLAIN, logging },
	{ "raise", SANDBOX_MODULE, PLAIN, raise_signal },
	{ "SoftHSM", SANDBOX_MODULE, PLAIN, work_softhsm },
	{ "OpenSC", SANDBOX_MODULE, PLAIN, work_opensc },
	{ "NSS softokn", SANDBOX_MODULE, PLAIN, work_softokn },
	{ "anything", SANDBOX_CLI, PLAIN, names },
};

static int
remove_below(const char *folder)
{
	char path[1024];
	struct dirent *e;
	DIR *d;

	if ((d = opendir(folder)) == NULL)
		return unlink(folder);
	while ((e = readdir(d)) != NULL) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		snprintf(path, sizeof(path), "%s/%s", folder, e->d_name);
		remove_below(path);
	}
	closedir(d);
	return rmdir(folder);
}

static void
test_work(void **state)
{
	struct sandbox_path paths[3];
	enum jail_verdict v;
	size_t i, n;
	int failed = 0;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		print_message("%s: %s\n", jail_name(rows[i].role), rows[i].name);
		snprintf(work_folder, sizeof(work_folder), "/tmp/tessera-work-XXXXXX");
		assert_non_null(mkdtemp(work_folder));
		assert_int_equal(work_softhsm_prepare(), 0);
		n = 0;
		paths[n++] = (struct sandbox_path){ work_folder, SANDBOX_READ | SANDBOX_WRITE };
		if (rows[i].with & RUNS)
			paths[n++] = (struct sandbox_path){ SPAWN_PROBE, SANDBOX_EXEC };
		if (rows[i].with & ETC)
			paths[n++] = (struct sandbox_path){ "/etc", SANDBOX_READ };
		v = jail_run(rows[i].role, 0, paths, n, rows[i].attempt, NULL);
		if (v == JAIL_SKIPPED)
			print_message("    skipped\n");
		else if (v != JAIL_DONE && ++failed)
			print_message("%s: %s: does not work (%d)\n", jail_name(rows[i].role),
			    rows[i].name, (int)v);
		remove_below(work_folder);
	}
	assert_int_equal(failed, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_work),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
