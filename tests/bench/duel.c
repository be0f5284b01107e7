/*
 * duel.c - two things done in turns of some milliseconds: which is faster, by
 * what factor?  A change of the clock's speed or a busy neighbour meets both.
 *
 *	bench_duel CONNECTIONS TURN-MS PAIRS SIDE SIDE
 *
 * A SIDE is four words: see side.h.  Prints one JSON document: of each side the
 * rate, the processor time an operation and the latency in microseconds; the
 * ratio of the first side's rate to the second's in neighbouring turns.
 *
 * SPDX-License-Identifier: ISC
 */
#include <stdio.h>

#include "meter.h"
#include "side.h"

static void
duel_print(const char *name, struct side *s)
{
	(void)printf("\"%s\":{\"rate\":%.6g,\"cpu_us\":%.6g,", name,
	    (double)s->ops * 1e9 / (double)s->ns, s->cpu / 1e3 / (double)s->ops);
	samples_print("us", &s->latency, 1e-3);
	(void)printf("},");
}

int
main(int argc, char **argv)
{
	static struct side side[2];
	struct samples ratio = { NULL, 0, 0 };
	unsigned conns, pairs, i;
	uint64_t turn;
	double rate[2];

	if (argc != 4 + 2 * SIDE_WORDS)
		meter_die("usage: bench_duel CONNECTIONS TURN-MS PAIRS SIDE SIDE (four words each)");
	conns = meter_number(argv[1]);
	turn = (uint64_t)meter_number(argv[2]) * 1000000u;
	pairs = meter_number(argv[3]);
	side_open(&side[0], argv + 4, conns);
	side_open(&side[1], argv + 4 + SIDE_WORDS, conns);
	for (i = 0; i < 2; i++) {
		(void)side_turn(&side[i], turn);
		side_reset(&side[i]);
	}
	for (i = 0; i < pairs; i++) {		/* A B B A: neither always goes first */
		rate[i & 1] = side_turn(&side[i & 1], turn);
		rate[~i & 1] = side_turn(&side[~i & 1], turn);
		samples_add(&ratio, rate[0] / rate[1]);
	}
	(void)printf("{");
	duel_print("a", &side[0]);
	duel_print("b", &side[1]);
	samples_print("ratio", &ratio, 1);
	(void)printf("}\n");
	samples_free(&ratio);
	return 0;
}
