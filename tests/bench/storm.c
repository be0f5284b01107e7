/*
 * storm.c - does one user's misbehaviour slow another's requests?  Calm and
 * storm in turns: in a storm, a child with another uid holds many connections
 * that each send one byte of a head a second, and replaces those that end.
 *
 *	bench_storm SOCKET REQUEST-FILE UID STORM-UID CONNECTIONS PHASE-MS PHASES
 *
 * Prints one JSON document: the medians over the phases of the requests' median
 * and 99th percentile in microseconds, calm and storm; the ratios of both in
 * neighbouring phases, and the difference of the percentiles in milliseconds.
 *
 * SPDX-License-Identifier: ISC
 */
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "meter.h"
#include "wire.h"

#define STORM_CONNS_MAX	4096
#define STORM_LIFE_S	5	/* after which the agent closes such a connection */
#define STORM_WARM	1000	/* requests that are not counted */

struct drip {
	int fd;
	uint64_t next;		/* when its next byte goes out */
	uint64_t end;		/* when it gives up and comes again */
	size_t sent;
};

enum { CALM_P50, CALM_P99, STORM_P50, STORM_P99, RATIO_P50, RATIO_P99, MORE_P99_MS, KINDS };

static const char storm_head[] =
    "GET /healthz HTTP/1.1\r\nHost: localhost\r\nUser-Agent: one byte a second\r\n\r\n";

static void
storm_become(uid_t uid)
{
	if (setgroups(0, NULL) != 0 || setresgid(uid, uid, uid) != 0 || setresuid(uid, uid, uid) != 0)
		meter_die("cannot become uid %u", (unsigned)uid);
}

/* Ages are spread, as they are after a while: each second a fifth of the
 * connections ends. */
static void
drip_open(struct drip *d, const char *path, uint64_t life_ns)
{
	uint64_t now = meter_ns();

	d->fd = wire_dial(path);
	d->sent = 0;
	d->next = now + (uint64_t)random() % 1000000000u;
	d->end = now + life_ns;
}

static void
drip_turn(struct drip *d, const char *path)
{
	uint64_t now = meter_ns();
	char c = storm_head[d->sent % (sizeof(storm_head) - 5)];	/* never a whole head */

	if (now < d->next)
		return;
	if (now >= d->end || send(d->fd, &c, 1, MSG_NOSIGNAL | MSG_DONTWAIT) != 1) {
		(void)close(d->fd);
		drip_open(d, path, STORM_LIFE_S * UINT64_C(1000000000));
		return;
	}
	d->sent++;
	d->next += 1000000000u;
}

/* One storm: until the control socket says something. */
static void
storm_blow(struct drip *d, unsigned n, const char *path, int control)
{
	struct pollfd p = { .fd = control, .events = POLLIN };
	unsigned i;

	for (i = 0; i < n; i++)
		drip_open(&d[i], path, (uint64_t)random() % (STORM_LIFE_S * UINT64_C(1000000000)));
	if (write(control, "r", 1) != 1)
		exit(1);
	while (poll(&p, 1, 5) == 0)
		for (i = 0; i < n; i++)
			drip_turn(&d[i], path);
	for (i = 0; i < n; i++)
		(void)close(d[i].fd);
}

static void
storm_child(const char *path, uid_t uid, unsigned n, int control)
{
	static struct drip drips[STORM_CONNS_MAX];
	char c;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	storm_become(uid);
	while (read(control, &c, 1) == 1) {
		storm_blow(drips, n, path, control);
		if (read(control, &c, 1) != 1 || write(control, "d", 1) != 1)
			break;
	}
	exit(0);
}

/* Begin or end a storm; the child says when it is so. */
static void
storm_tell(int control)
{
	char c;

	if (write(control, "x", 1) != 1 || read(control, &c, 1) != 1)
		meter_die("the storm has ended early");
}

static void
storm_phase(const struct wire *w, int fd, uint64_t length_ns, double *p50, double *p99)
{
	struct samples s = { NULL, 0, 0 };
	uint64_t end = meter_ns() + length_ns, before, now;

	do {
		before = meter_ns();
		wire_ask(w, fd);
		now = meter_ns();
		samples_add(&s, (double)(now - before) / 1e3);
	} while (now < end);
	*p50 = samples_quantile(&s, 0.5);
	*p99 = samples_quantile(&s, 0.99);
	samples_free(&s);
}

static void
storm_rounds(const struct wire *w, int control, uint64_t length_ns, unsigned phases,
    struct samples *s)
{
	double v[KINDS];
	unsigned i, k;
	int fd = wire_dial(w->path);

	for (i = 0; i < STORM_WARM; i++)
		wire_ask(w, fd);
	for (i = 0; i < phases; i++) {
		if ((i & 1) == 0)
			storm_phase(w, fd, length_ns, &v[CALM_P50], &v[CALM_P99]);
		storm_tell(control);
		storm_phase(w, fd, length_ns, &v[STORM_P50], &v[STORM_P99]);
		storm_tell(control);
		if ((i & 1) != 0)
			storm_phase(w, fd, length_ns, &v[CALM_P50], &v[CALM_P99]);
		v[RATIO_P50] = v[STORM_P50] / v[CALM_P50];
		v[RATIO_P99] = v[STORM_P99] / v[CALM_P99];
		v[MORE_P99_MS] = (v[STORM_P99] - v[CALM_P99]) / 1e3;
		for (k = 0; k < KINDS; k++)
			samples_add(&s[k], v[k]);
	}
	(void)close(fd);
}

static int
storm_start(const char *path, uid_t uid, unsigned n)
{
	int pair[2];
	pid_t pid;

	if (n > STORM_CONNS_MAX || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0 ||
	    (pid = fork()) == -1)
		meter_die("cannot begin");
	if (pid == 0) {
		(void)close(pair[0]);
		storm_child(path, uid, n, pair[1]);
	}
	(void)close(pair[1]);
	return pair[0];
}

int
main(int argc, char **argv)
{
	static const char *const name[KINDS] = { "calm_p50", "calm_p99", "storm_p50", "storm_p99",
	    "ratio_p50", "ratio_p99", "more_p99_ms" };
	static struct wire w;
	struct samples s[KINDS];
	int control, k;

	if (argc != 8)
		meter_die("usage: bench_storm SOCKET REQUEST-FILE UID STORM-UID CONNECTIONS PHASE-MS PHASES");
	memset(s, 0, sizeof(s));
	w.framing = WIRE_HTTP;
	w.path = argv[1];
	wire_load(&w, argv[2]);
	control = storm_start(argv[1], meter_number(argv[4]), meter_number(argv[5]));
	storm_become(meter_number(argv[3]));
	storm_rounds(&w, control, (uint64_t)meter_number(argv[6]) * 1000000u, meter_number(argv[7]), s);
	for (k = 0; k < KINDS; k++) {
		(void)printf("%s", k == 0 ? "{" : ",");
		samples_print(name[k], &s[k], 1);
		samples_free(&s[k]);
	}
	(void)printf("}\n");
	return 0;
}
