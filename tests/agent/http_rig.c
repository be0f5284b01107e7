/*
 * http_rig.c - see http_rig.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "agent/listen.h"
#include "tessera.h"
#include "tests/agent/http_rig.h"

#define PARKED_MAX	64

/* The server's side. */

static struct server {
	struct loop *loop;
	struct http_server *http;
	struct rig_shared *shared;
	struct slot {
		struct http_conn *conn;
		int stream;
	} slot[PARKED_MAX];
	int release_when_gone;
} srv;

static void
srv_release(void)
{
	size_t i;

	for (i = 0; i < PARKED_MAX; i++)
		if (srv.slot[i].conn != NULL && !srv.slot[i].stream) {
			http_answer(srv.slot[i].conn, 200, NULL, "{\"late\":1}", 10, 1);
			srv.slot[i].conn = NULL;
		}
}

static void
srv_gone(void *arg)
{
	struct slot *s = arg;

	s->conn = NULL;
	srv.shared->gone++;
	if (srv.release_when_gone)
		srv_release();
}

static struct slot *
srv_slot(struct http_conn *c, int stream)
{
	size_t i;

	for (i = 0; i < PARKED_MAX; i++)
		if (srv.slot[i].conn == NULL) {
			srv.slot[i].conn = c;
			srv.slot[i].stream = stream;
			return &srv.slot[i];
		}
	return NULL;
}

static void
srv_tell(const char *data, size_t n)
{
	size_t i;

	for (i = 0; i < PARKED_MAX; i++)
		if (srv.slot[i].conn != NULL && srv.slot[i].stream) {
			http_stream_event(srv.slot[i].conn, "told", data, n);
			srv.shared->events += (uint32_t)n;
		}
}

static int
srv_path(const struct http_request *r, const char *path)
{
	return r->head.path.n == strlen(path) && memcmp(r->head.path.p, path, r->head.path.n) == 0;
}

/* What parks, streams or misbehaves; 0 where the path is another. */
static int
srv_special(const struct http_request *r)
{
	static const char kilo[1024];
	int i;

	if (srv_path(r, "/park")) {
		http_park(r->conn, srv_gone, srv_slot(r->conn, 0));
	} else if (srv_path(r, "/late")) {
		srv.release_when_gone = 1;
		http_park(r->conn, srv_gone, srv_slot(r->conn, 0));
	} else if (srv_path(r, "/events")) {
		http_stream(r->conn, srv_gone, srv_slot(r->conn, 1));
		http_stream_event(r->conn, "ready", "{}", 2);
	} else if (srv_path(r, "/flood")) {
		http_answer(r->conn, 200, NULL, NULL, 0, 0);
		for (i = 0; i < 1000; i++)
			srv_tell(kilo, sizeof(kilo));
	} else if (srv_path(r, "/twice")) {
		http_answer(r->conn, 200, "X-First: 1\r\n", "{}", 2, 0);
		http_answer(r->conn, 500, NULL, "{\"second\":1}", 12, 0);
		http_error(r->conn, 500, "server_error", "third");
	} else if (srv_path(r, "/release")) {
		srv_release();
		http_answer(r->conn, 200, NULL, "{}", 2, 0);
	} else if (!srv_path(r, "/none")) {
		return 0;
	}
	return 1;
}

static void
srv_handle(void *arg, const struct http_request *r)
{
	static char big[HTTP_ANSWER_MAX];
	char text[32];

	(void)arg;
	srv.shared->handled++;
	if (srv_special(r))
		return;
	if (srv_path(r, "/echo") && r->head.content_length > 0) {
		http_answer(r->conn, 200, NULL, r->body, r->head.content_length, 0);
	} else if (srv_path(r, "/echo")) {
		http_answer(r->conn, 200, NULL, r->head.query.p, r->head.query.n, 0);
	} else if (srv_path(r, "/wrote")) {
		http_answer(r->conn, 200, NULL, "{\"wrote\":1}", 11, 1);
	} else if (srv_path(r, "/big")) {
		memset(big, 'b', sizeof(big));
		http_answer(r->conn, 200, NULL, big, sizeof(big), 0);
	} else if (srv_path(r, "/whoami")) {
		(void)snprintf(text, sizeof(text), "%u", (unsigned)r->caller->uid);
		http_answer(r->conn, 200, NULL, text, strlen(text), 0);
	} else if (srv_path(r, "/tell")) {
		srv_tell(r->body, r->head.content_length);
		http_answer(r->conn, 200, NULL, "{}", 2, 0);
	} else if (srv_path(r, "/drain")) {
		http_answer(r->conn, 200, NULL, "{}", 2, 0);
		kill(getpid(), SIGUSR1);
	} else {
		http_error(r->conn, 404, "not_found", "no \"%.*s\" here\n", (int)r->head.path.n,
		    r->head.path.p);
	}
}

static int
srv_commit(void *arg)
{
	(void)arg;
	return srv.shared->commit;
}

static void
srv_flush(void *arg, int committed)
{
	(void)arg;
	http_server_flush(srv.http, committed);
	srv.shared->batches++;
	srv.shared->connections = http_server_count(srv.http);
}

static int
srv_on_signal(sd_event_source *s, const struct signalfd_siginfo *si, void *arg)
{
	(void)s;
	(void)arg;
	if (si->ssi_signo == SIGUSR1)
		http_server_drain(srv.http);
	else
		loop_stop(srv.loop, 0);
	return 0;
}

static int
srv_run(int api, int clock_fd, const struct door_limits *limits, int max_fds)
{
	struct loop_batch batch = { srv_commit, srv_flush, NULL };
	struct rlimit rl = { (rlim_t)max_fds, (rlim_t)max_fds };
	sigset_t set;
	int r;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGUSR1);
	if (sigprocmask(SIG_BLOCK, &set, NULL) != 0 || clock_rehearse(clock_fd) != TSR_OK ||
	    loop_new(&srv.loop) != TSR_OK ||
	    sd_event_add_signal(loop_event(srv.loop), NULL, SIGTERM, srv_on_signal, NULL) < 0 ||
	    sd_event_add_signal(loop_event(srv.loop), NULL, SIGUSR1, srv_on_signal, NULL) < 0 ||
	    http_server_new(srv.loop, limits, srv_handle, NULL, &srv.http) != TSR_OK ||
	    http_server_listen(srv.http, api, HTTP_API) != TSR_OK)
		return 2;
	loop_set_batch(srv.loop, &batch);
	(void)close(clock_fd);
	if (max_fds > 0 && setrlimit(RLIMIT_NOFILE, &rl) != 0)
		return 3;
	r = loop_run(srv.loop);
	http_server_free(&srv.http);
	loop_free(&srv.loop);
	return r;
}

/* The test's side. */

void
rig_start(struct rig *r, const struct door_limits *limits, int max_fds)
{
	struct listeners l;
	char err[256];
	int fd;

	memset(r, 0, sizeof(*r));
	(void)snprintf(r->dir, sizeof(r->dir), "/tmp/tessera-http-XXXXXX");
	assert_non_null(mkdtemp(r->dir));
	assert_int_equal(chmod(r->dir, 0755), 0);
	if (listen_open(r->dir, 0, (unsigned)-1, &l, err, sizeof(err)) != TSR_OK)
		fail_msg("%s", err);
	(void)snprintf(r->path, sizeof(r->path), "%s", l.api_path);
	(void)close(l.admin);
	(void)close(l.ssh);
	r->shared = mmap(NULL, sizeof(*r->shared), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(r->shared != MAP_FAILED);
	fd = memfd_create("clock", MFD_CLOEXEC);
	assert_true(fd != -1);
	assert_int_equal(ftruncate(fd, sizeof(*r->clock)), 0);
	r->clock = mmap(NULL, sizeof(*r->clock), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_true(r->clock != MAP_FAILED);
	r->clock->magic = CLOCK_PAGE_MAGIC;
	r->clock->boot_ns = 1000000000000;
	if ((r->pid = fork()) == 0) {
		srv.shared = r->shared;
		exit(srv_run(l.api, fd, limits, max_fds));
	}
	assert_true(r->pid > 0);
	(void)close(l.api);
	(void)close(l.dir);
	(void)close(fd);
}

void
rig_stop(struct rig *r)
{
	char path[160];
	int status = -1;

	assert_int_equal(kill(r->pid, SIGTERM), 0);
	assert_int_equal(waitpid(r->pid, &status, 0), r->pid);
	assert_int_equal(status, 0);
	(void)unlink(r->path);
	(void)snprintf(path, sizeof(path), "%s/admin.sock", r->dir);
	(void)unlink(path);
	(void)snprintf(path, sizeof(path), "%s/ssh.sock", r->dir);
	(void)unlink(path);
	assert_int_equal(rmdir(r->dir), 0);
	munmap(r->clock, sizeof(*r->clock));
	munmap(r->shared, sizeof(*r->shared));
}

void
rig_advance(struct rig *r, uint64_t ms)
{
	__atomic_add_fetch(&r->clock->seq, 1, __ATOMIC_RELEASE);
	r->clock->boot_ns += ms * 1000000u;
	__atomic_add_fetch(&r->clock->seq, 1, __ATOMIC_RELEASE);
	rig_settle(r);
}

void
rig_settle(struct rig *r)
{
	uint32_t batch = __atomic_load_n(&r->shared->batches, __ATOMIC_ACQUIRE);

	rig_wait(&r->shared->batches, batch + 3);
}

void
rig_wait(const uint32_t *counter, uint32_t want)
{
	int i;

	for (i = 0; __atomic_load_n(counter, __ATOMIC_ACQUIRE) < want; i++) {
		if (i == RIG_WAIT_MS)
			fail_msg("waited for %u, stands at %u", want, *counter);
		(void)poll(NULL, 0, 1);
	}
}

size_t
rig_fds(const struct rig *r)
{
	char path[64];
	DIR *d;
	size_t n;

	(void)snprintf(path, sizeof(path), "/proc/%d/fd", (int)r->pid);
	assert_non_null(d = opendir(path));
	for (n = 0; readdir(d) != NULL; n++)
		continue;
	closedir(d);
	return n;
}

int
rig_connect(const struct rig *r)
{
	struct sockaddr_un at;
	int fd;

	memset(&at, 0, sizeof(at));
	at.sun_family = AF_UNIX;
	(void)snprintf(at.sun_path, sizeof(at.sun_path), "%s", r->path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(fd != -1);
	if (connect(fd, (const struct sockaddr *)&at, sizeof(at)) != 0)
		fail_msg("connect: %s", strerror(errno));
	return fd;
}

void
rig_send_n(int fd, const void *p, size_t n)
{
	if (send(fd, p, n, MSG_NOSIGNAL) != (ssize_t)n)
		fail_msg("send: %s", strerror(errno));
}

void
rig_send(int fd, const char *text)
{
	rig_send_n(fd, text, strlen(text));
}

/* One read, waited for; 0 at the end, however the connection ended. */
static size_t
rig_read(int fd, char *out, size_t n)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	ssize_t got;

	if (poll(&p, 1, RIG_WAIT_MS) != 1)
		fail_msg("nothing came in %d ms", RIG_WAIT_MS);
	got = recv(fd, out, n, 0);
	if (got == -1 && errno != ECONNRESET)
		fail_msg("recv: %s", strerror(errno));
	return got < 0 ? 0 : (size_t)got;
}

int
rig_answer(int fd, char *out, size_t size)
{
	const char *end = NULL, *length;
	size_t n = 0, whole = 0;
	char c;

	/* Byte by byte, so that the next answer stays where it is. */
	while (end == NULL) {
		if (rig_read(fd, &c, 1) == 0)
			return 0;
		assert_true(n + 1 < size);
		out[n++] = c;
		out[n] = '\0';
		end = strstr(out, "\r\n\r\n");
	}
	if ((length = strstr(out, "Content-Length: ")) != NULL)
		whole = n + strtoul(length + 16, NULL, 10);
	while (n < whole) {
		size_t want = whole - n < size - n - 1 ? whole - n : size - n - 1, got;

		if (want == 0 || (got = rig_read(fd, out + n, want)) == 0)
			fail_msg("an answer was cut off");
		else
			n += got;
	}
	out[n] = '\0';
	return (int)strtol(out + strlen("HTTP/1.1 "), NULL, 10);
}

int
rig_ask(int fd, const char *path, const char *body, char *out, size_t size)
{
	char text[1024];
	int n;

	n = snprintf(text, sizeof(text), "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Length: %zu\r\n\r\n%s",
	    path, strlen(body), body);
	assert_true(n > 0 && (size_t)n < sizeof(text));
	rig_send(fd, text);
	return rig_answer(fd, out, size);
}

size_t
rig_closed(int fd, char *out, size_t size)
{
	char drop[4096];
	size_t n = 0, got;

	for (;;) {
		got = n + 1 < size ? rig_read(fd, out + n, size - n - 1) :
		    rig_read(fd, drop, sizeof(drop));
		if (got == 0)
			break;
		if (n + 1 < size)
			n += got;
	}
	if (size > 0)
		out[n] = '\0';
	return n;
}

int
rig_quiet(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN | POLLRDHUP };

	return poll(&p, 1, 0) == 0;
}

void
rig_as(uid_t uid, int (*fn)(void *arg), void *arg)
{
	int status = -1;
	pid_t pid;

	if ((pid = fork()) == 0) {
		/* A failure in here ends the child, not the test it was copied from. */
		if (setenv("CMOCKA_TEST_ABORT", "1", 1) != 0 || setresgid(uid, uid, uid) != 0 || setresuid(uid, uid, uid) != 0)
			_exit(99);
		_exit(fn(arg));
	}
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}
