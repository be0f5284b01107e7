/*
 * flood.c - one user is refused as fast as the machine allows: how often, and
 * what does another user get meanwhile?  In turns: another user's tokens alone;
 * the same under the flood; and as many connections that each wait for their
 * answer, of the same bytes, from a server that does nothing else: a measure of
 * how fast this machine is now.
 *
 *	bench_flood SOCKET REFUSED-FILE UID TOKEN-FILE TOKEN-UID TURN-MS TURNS
 *
 * The flood comes over a few connections that are kept, each with requests that
 * do not wait for one another's answers.  Each answer must be the first one's
 * bytes, a refusal with a status of 400 to 499.
 *
 * Prints one JSON document: the medians over the turns of the refusals a second,
 * the bare server's answers, the ratio of both, and of the tokens how many a second
 * and their median and 99th percentile in microseconds; and how many refusals
 * there were in all.
 *
 * SPDX-License-Identifier: ISC
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "meter.h"
#include "wire.h"

#define FLOOD_CONNS	8	/* fewer than a user may have */
#define FLOOD_DEPTH	64	/* requests on their way on each, in the flood */
#define FLOOD_READ	65536	/* bytes at once */
#define FLOOD_WARM	500	/* tokens that are not counted */

enum { REFUSED, BARE, RATIO, CALM_RATE, CALM_P50, CALM_P99, TOKENS, P50, P99, KINDS };

struct flood_conn {
	int fd;
	unsigned due;		/* answers that are yet to come */
	size_t at;		/* in the answer that is coming */
	size_t unsent;		/* bytes of requests */
};

struct flood {
	struct wire wire;	/* where to, and the refused request */
	char reply[WIRE_MAX];	/* what comes each time */
	size_t reply_len;
	char *requests;		/* FLOOD_DEPTH of them */
	unsigned depth;		/* requests on their way on each connection */
	int set;
	struct flood_conn conn[FLOOD_CONNS];
};

static volatile uint64_t *flood_count;	/* answers, of the child that floods */

static void
flood_become(uid_t uid)
{
	if (setgroups(0, NULL) != 0 || setresgid(uid, uid, uid) != 0 || setresuid(uid, uid, uid) != 0)
		meter_die("cannot become uid %u", (unsigned)uid);
}

/* --- the bare server --- */

static void
bare_serve(int listener, size_t request_len, const char *reply, size_t reply_len)
{
	static char in[FLOOD_READ];
	size_t had[FLOOD_CONNS + 8] = { 0 };	/* by descriptor, beyond the listener's */
	char *out = malloc(reply_len * (FLOOD_DEPTH + 1));
	struct epoll_event e[FLOOD_CONNS], add = { .events = EPOLLIN };
	int i, n, fd, set = epoll_create1(EPOLL_CLOEXEC);
	size_t k, whole;
	ssize_t got;

	if (out == NULL)
		meter_die("out of memory");
	for (k = 0; k <= FLOOD_DEPTH; k++)
		memcpy(out + k * reply_len, reply, reply_len);
	for (i = 0; i < FLOOD_CONNS; i++) {
		add.data.u64 = (uint64_t)i << 32;
		if ((fd = accept(listener, NULL, NULL)) == -1)
			exit(1);
		add.data.u64 |= (uint32_t)fd;
		(void)epoll_ctl(set, EPOLL_CTL_ADD, fd, &add);
	}
	while ((n = epoll_wait(set, e, FLOOD_CONNS, -1)) >= 0)
		for (i = 0; i < n; i++) {
			fd = (int)(e[i].data.u64 & 0xffffffffu);
			k = e[i].data.u64 >> 32;
			if ((got = read(fd, in, sizeof(in))) <= 0)
				exit(0);
			whole = (had[k] + (size_t)got) / request_len;
			had[k] = (had[k] + (size_t)got) % request_len;
			if (send(fd, out, whole * reply_len, MSG_NOSIGNAL) < 0)
				exit(0);
		}
}

/* --- the flood --- */

static void
flood_send(struct flood *f, struct flood_conn *c)
{
	size_t len = f->wire.request_len;
	ssize_t n;

	if (c->due <= f->depth / 2 && c->unsent == 0) {
		c->unsent = (f->depth - c->due) * len;
		c->due = f->depth;
	}
	if (c->unsent == 0)
		return;
	/* the copies end where the last one does */
	n = send(c->fd, f->requests + FLOOD_DEPTH * len - c->unsent, c->unsent,
	    MSG_NOSIGNAL | MSG_DONTWAIT);
	if (n == -1 && errno != EAGAIN)
		meter_die("%s: %s", f->wire.path, strerror(errno));
	c->unsent -= n > 0 ? (size_t)n : 0;
}

static void
flood_read(struct flood *f, struct flood_conn *c)
{
	static char in[FLOOD_READ];
	ssize_t n = recv(c->fd, in, sizeof(in), MSG_DONTWAIT);
	size_t k, at = 0;

	if (n == -1 && errno == EAGAIN)
		return;
	if (n <= 0)
		meter_die("%s: the flood was cut off", f->wire.path);
	for (; at < (size_t)n; at += k) {
		k = f->reply_len - c->at;
		k = k < (size_t)n - at ? k : (size_t)n - at;
		if (memcmp(in + at, f->reply + c->at, k) != 0)
			meter_die("%s: another answer: %.*s", f->wire.path, (int)k, in + at);
		c->at += k;
		if (c->at == f->reply_len) {
			c->at = 0;
			c->due--;
			++*flood_count;
		}
	}
}

/* Until the control socket says something. */
static void
flood_run(struct flood *f, int control)
{
	struct epoll_event e[FLOOD_CONNS];
	struct pollfd p = { .fd = control, .events = POLLIN };
	unsigned round, i;
	int n, k;

	if (write(control, "r", 1) != 1)
		exit(1);
	for (round = 1; (round & 63) != 0 || poll(&p, 1, 0) == 0; round++) {
		for (i = 0; i < FLOOD_CONNS; i++)
			flood_send(f, &f->conn[i]);
		n = epoll_wait(f->set, e, FLOOD_CONNS, 100);
		for (k = 0; k < n; k++)
			flood_read(f, e[k].data.ptr);
	}
	for (i = 0; i < FLOOD_CONNS; i++)	/* all is quiet afterwards */
		while (f->conn[i].due > 0) {
			flood_send(f, &f->conn[i]);
			(void)poll(&(struct pollfd){ .fd = f->conn[i].fd, .events = POLLIN }, 1, 1000);
			flood_read(f, &f->conn[i]);
		}
}

static void
flood_open(struct flood *f)
{
	size_t len = f->wire.request_len;
	unsigned i;

	if ((f->requests = malloc(FLOOD_DEPTH * len)) == NULL ||
	    (f->set = epoll_create1(EPOLL_CLOEXEC)) == -1)
		meter_die("out of memory");
	for (i = 0; i < FLOOD_DEPTH; i++)
		memcpy(f->requests + i * len, f->wire.request, len);
	for (i = 0; i < FLOOD_CONNS; i++) {
		struct epoll_event e = { .events = EPOLLIN, .data = { .ptr = &f->conn[i] } };

		f->conn[i].fd = wire_dial(f->wire.path);
		if (epoll_ctl(f->set, EPOLL_CTL_ADD, f->conn[i].fd, &e) != 0)
			meter_die("epoll");
	}
}

static void
flood_child(struct flood *f, uid_t uid, int control)
{
	char c;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	flood_become(uid);
	flood_open(f);
	while (read(control, &c, 1) == 1) {
		flood_run(f, control);
		if (read(control, &c, 1) != 1 || write(control, "d", 1) != 1)
			break;
	}
	exit(0);
}

/* The answer to one refused request, as the user who will flood gets it. */
static void
flood_learn(struct flood *f, uid_t uid)
{
	int pair[2], fd;
	ssize_t n;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
		meter_die("cannot begin");
	if (fork() == 0) {
		flood_become(uid);
		fd = wire_dial(f->wire.path);
		wire_send(&f->wire, fd);
		n = read(fd, f->reply, sizeof(f->reply));
		exit(n > 0 && send(pair[1], f->reply, (size_t)n, 0) == n ? 0 : 1);
	}
	(void)close(pair[1]);
	n = read(pair[0], f->reply, sizeof(f->reply) - 1);
	(void)close(pair[0]);
	f->reply_len = n > 0 ? (size_t)n : 0;
	f->reply[f->reply_len] = '\0';
	if (strncmp(f->reply, "HTTP/1.1 4", 10) != 0)
		meter_die("%s: not a refusal: %s", f->wire.path, f->reply);
}

static int
flood_start(struct flood *f, uid_t uid)
{
	int pair[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0 || (pid = fork()) == -1)
		meter_die("cannot begin");
	if (pid == 0) {
		(void)close(pair[0]);
		flood_child(f, uid, pair[1]);
	}
	(void)close(pair[1]);
	return pair[0];
}

static int
flood_start_bare(struct flood *f, uid_t uid)
{
	static char path[64];
	int listener;

	(void)snprintf(path, sizeof(path), "@tessera-flood-%ld", (long)getpid());
	f->wire.path = path;
	listener = wire_listen(path);
	if (fork() == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		bare_serve(listener, f->wire.request_len, f->reply, f->reply_len);
		exit(0);
	}
	(void)close(listener);
	return flood_start(f, uid);
}

/* Begin or end; the child says when it is so. */
static void
flood_tell(int control)
{
	char c;

	if (write(control, "x", 1) != 1 || read(control, &c, 1) != 1)
		meter_die("the flood has ended early");
}

/* --- the turns --- */

static void
turn_tokens(const struct wire *w, int fd, uint64_t length_ns, double out[3])
{
	struct samples s = { NULL, 0, 0 };
	uint64_t begun = meter_ns(), before, now;

	do {
		before = meter_ns();
		wire_ask(w, fd);
		now = meter_ns();
		samples_add(&s, (double)(now - before) / 1e3);
	} while (now < begun + length_ns);
	out[0] = (double)s.n * 1e9 / (double)(now - begun);
	out[1] = samples_quantile(&s, 0.5);
	out[2] = samples_quantile(&s, 0.99);
	samples_free(&s);
}

/* The flood's rate meanwhile; w NULL: nobody asks for a token. */
static double
turn_flood(int control, const struct wire *w, int fd, uint64_t length_ns, double out[3])
{
	uint64_t had, begun;
	double rate;

	flood_tell(control);
	had = *flood_count;
	begun = meter_ns();
	if (w != NULL)
		turn_tokens(w, fd, length_ns, out);
	else
		(void)poll(NULL, 0, (int)(length_ns / 1000000u));
	rate = (double)(*flood_count - had) * 1e9 / (double)(meter_ns() - begun);
	flood_tell(control);
	return rate;
}

static void
turns(const struct wire *w, int agent, int bare, uint64_t length_ns, unsigned n, struct samples *s,
    uint64_t *refused)
{
	double v[KINDS];
	uint64_t had;
	unsigned i, k;
	int fd = wire_dial(w->path);

	for (i = 0; i < FLOOD_WARM; i++)
		wire_ask(w, fd);
	for (i = 0; i < n; i++) {
		turn_tokens(w, fd, length_ns, &v[CALM_RATE]);
		had = *flood_count;
		v[REFUSED] = turn_flood(agent, w, fd, length_ns, &v[TOKENS]);
		*refused += *flood_count - had;
		v[BARE] = turn_flood(bare, NULL, -1, length_ns, NULL);
		v[RATIO] = v[REFUSED] / v[BARE];
		for (k = 0; k < KINDS; k++)
			samples_add(&s[k], v[k]);
	}
	(void)close(fd);
}

int
main(int argc, char **argv)
{
	static const char *const name[KINDS] = { "refused", "bare", "ratio", "calm_rate", "calm_p50",
	    "calm_p99", "tokens", "p50", "p99" };
	static struct flood f, b;
	static struct wire w;
	struct samples s[KINDS];
	uint64_t refused = 0;
	int agent, bare, k;
	uid_t uid;

	if (argc != 8)
		meter_die("usage: bench_flood SOCKET REFUSED-FILE UID TOKEN-FILE TOKEN-UID TURN-MS TURNS");
	memset(s, 0, sizeof(s));
	uid = meter_number(argv[3]);
	f.wire.path = w.path = argv[1];
	wire_load(&f.wire, argv[2]);
	wire_load(&w, argv[4]);
	w.framing = WIRE_HTTP;
	flood_count = mmap(NULL, sizeof(*flood_count), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (flood_count == MAP_FAILED)
		meter_die("out of memory");
	flood_learn(&f, uid);
	b = f;
	f.depth = FLOOD_DEPTH;
	b.depth = 1;
	agent = flood_start(&f, uid);
	bare = flood_start_bare(&b, uid);
	flood_become(meter_number(argv[5]));
	turns(&w, agent, bare, (uint64_t)meter_number(argv[6]) * 1000000u, meter_number(argv[7]), s,
	    &refused);
	(void)printf("{\"all\":%llu", (unsigned long long)refused);
	for (k = 0; k < KINDS; k++) {
		(void)printf(",");
		samples_print(name[k], &s[k], 1);
		samples_free(&s[k]);
	}
	(void)printf("}\n");
	return 0;
}
