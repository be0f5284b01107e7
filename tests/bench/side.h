/*
 * side.h - one side of a duel: something that is done over and over for a turn,
 * by a number of connections at once.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef BENCH_SIDE_H
#define BENCH_SIDE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "meter.h"
#include "wire.h"

#define SIDE_WORDS	4	/* that describe a side */

struct side_conn {
	int fd;
	uint64_t sent;		/* when its request was */
	size_t have;
	char reply[WIRE_MAX];
};

struct side {
	struct wire wire;
	struct side_conn *conns;	/* NULL for signatures */
	unsigned n;
	int kept;			/* connections are, from request to request */
	int set;			/* epoll */
	unsigned busy;			/* connections that wait for a reply */
	pid_t pid;			/* whose processor time counts, 0 none */
	struct samples latency;		/* nanoseconds a request */
	uint64_t ops, ns;
	double cpu;			/* nanoseconds */
};

/*
 * Make a side from four words; those that a kind does not need are "-":
 *	http SOCKET REQUEST-FILE PID	connections are kept
 *	dial SOCKET REQUEST-FILE PID	the same, connected anew for each request
 *	ssh SOCKET REQUEST-FILE PID	ssh-agent
 *	end SOCKET REQUEST-FILE PID	connected anew, the reply ends with it
 *	echo REQUEST-BYTES REPLY-BYTES -	see echo.h
 *	sign BYTES - -			libsodium's Ed25519, here, one after another
 * Ends the program where it cannot.
 */
void side_open(struct side *s, char **words, unsigned conns);

/* Work until the clock says deadline, and until all replies are in; the rate in
 * operations a second. */
double side_turn(struct side *s, uint64_t length_ns);

/* Forget what was counted so far. */
void side_reset(struct side *s);

#endif
