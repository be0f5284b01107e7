/*
 * same.c - do refusals take the same time?  Requests of several kinds in turns on
 * one connection a user, and Welch's t of every pair.
 *
 *	bench_same SOCKET TRIES UID REQUEST-FILE UID REQUEST-FILE ...
 *
 * Every answer must have status 400 and be the same, byte for byte.  Prints one
 * JSON document: the largest |t|, and the means in microseconds.  The slowest
 * hundredth of each kind is left out: it is the machine's.
 *
 * SPDX-License-Identifier: ISC
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "meter.h"
#include "wire.h"

#define SAME_KINDS_MAX	8

struct kind {
	struct wire wire;
	struct samples s;
	double mean, var;	/* of the mean */
	uid_t uid;
	int fd;
};

static struct kind kinds[SAME_KINDS_MAX];
static char first[WIRE_MAX];

/* The agent sees who connects and who writes. */
static void
same_become(uid_t uid)
{
	if (setresuid(0, 0, 0) != 0 || setresuid(uid, uid, 0) != 0)
		meter_die("cannot become uid %u", (unsigned)uid);
}

/* The body of the answer into reply; its head is checked. */
static void
same_ask(struct kind *k, char reply[WIRE_MAX])
{
	size_t have = 0, want = 0;
	char *end = NULL, *len;
	ssize_t n;

	wire_send(&k->wire, k->fd);
	do {
		if ((n = read(k->fd, reply + have, WIRE_MAX - 1 - have)) <= 0)
			meter_die("the connection ended");
		have += (size_t)n;
		reply[have] = '\0';
		if (end == NULL && (end = strstr(reply, "\r\n\r\n")) != NULL &&
		    (len = strcasestr(reply, "content-length:")) != NULL)
			want = (size_t)(end - reply) + 4 + (size_t)strtol(len + 15, NULL, 10);
	} while (end == NULL || have < want);
	if (strncmp(reply, "HTTP/1.1 400", 12) != 0)
		meter_die("not refused: %s", reply);
	memmove(reply, end + 4, have - (size_t)(end + 4 - reply) + 1);
}

/* Another order each round: none is always after the same one. */
static void
same_shuffle(unsigned order[SAME_KINDS_MAX], unsigned n_kinds)
{
	unsigned i, k, was;

	for (i = n_kinds; i > 1; i--) {
		k = (unsigned)random() % i;
		was = order[i - 1];
		order[i - 1] = order[k];
		order[k] = was;
	}
}

static void
same_turns(unsigned n_kinds, unsigned tries)
{
	unsigned i, j, k, order[SAME_KINDS_MAX];
	char reply[WIRE_MAX];
	uint64_t before;

	for (i = 0; i < n_kinds; i++)
		order[i] = i;
	for (i = 0; i < tries; i++) {
		same_shuffle(order, n_kinds);
		for (j = 0; j < n_kinds; j++) {
			k = order[j];
			same_become(kinds[k].uid);
			before = meter_ns();
			same_ask(&kinds[k], reply);
			samples_add(&kinds[k].s, (double)(meter_ns() - before) / 1e3);
			if (first[0] == '\0')
				memcpy(first, reply, sizeof(first));
			if (strcmp(first, reply) != 0)
				meter_die("another answer: %s, not %s", reply, first);
		}
	}
}

/* Connections differ by where the kernel put them: one user's kinds share one. */
static int
same_dial(unsigned i)
{
	unsigned j;
	int fd;

	for (j = 0; j < i; j++)
		if (kinds[j].uid == kinds[i].uid)
			return kinds[j].fd;
	same_become(kinds[i].uid);
	fd = wire_dial(kinds[i].wire.path);
	same_become(0);
	return fd;
}

static void
same_moments(struct kind *k)
{
	double cut = samples_quantile(&k->s, 0.99), sum = 0, square = 0;
	size_t i, n = 0;

	for (i = 0; i < k->s.n; i++)
		if (k->s.v[i] <= cut) {
			sum += k->s.v[i];
			square += k->s.v[i] * k->s.v[i];
			n++;
		}
	k->mean = sum / (double)n;
	k->var = (square / (double)n - k->mean * k->mean) / (double)(n - 1);
}

int
main(int argc, char **argv)
{
	unsigned i, j, n_kinds = (unsigned)(argc - 3) / 2;
	double t, worst = 0;

	if (argc < 7 || argc % 2 == 0 || n_kinds > SAME_KINDS_MAX)
		meter_die("usage: bench_same SOCKET TRIES UID REQUEST-FILE UID REQUEST-FILE ...");
	for (i = 0; i < n_kinds; i++) {
		kinds[i].wire.framing = WIRE_HTTP;
		kinds[i].wire.path = argv[1];
		wire_load(&kinds[i].wire, argv[4 + 2 * i]);
		kinds[i].uid = meter_number(argv[3 + 2 * i]);
		kinds[i].fd = same_dial(i);
	}
	same_turns(n_kinds, 50);	/* warm */
	for (i = 0; i < n_kinds; i++)
		samples_clear(&kinds[i].s);
	same_turns(n_kinds, meter_number(argv[2]));
	for (i = 0; i < n_kinds; i++)
		same_moments(&kinds[i]);
	for (i = 0; i < n_kinds; i++)
		for (j = 0; j < i; j++) {
			t = fabs(kinds[i].mean - kinds[j].mean) / sqrt(kinds[i].var + kinds[j].var);
			worst = t > worst ? t : worst;
		}
	(void)printf("{\"t\":%.3f,\"means\":[", worst);
	for (i = 0; i < n_kinds; i++)
		(void)printf("%s%.2f", i > 0 ? "," : "", kinds[i].mean);
	(void)printf("]}\n");
	return 0;
}
