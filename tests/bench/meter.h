/*
 * meter.h - the bench's clock, its samples and the processor time of a process.
 *
 * The bench ends where something goes wrong: meter_die() says what, on standard
 * error, and exits 1.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef BENCH_METER_H
#define BENCH_METER_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct samples {
	double *v;
	size_t n, room;
};

void meter_die(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));

/* CLOCK_MONOTONIC in nanoseconds. */
uint64_t meter_ns(void);

/* Processor time in nanoseconds of all threads of a process so far, by
 * /proc/PID/task/TID/schedstat, which counts exactly where getrusage samples. */
double meter_cpu(pid_t pid);

/* A positive number from the command line. */
unsigned meter_number(const char *text);

/* At most METER_SAMPLES_MAX; later ones are dropped. */
void samples_add(struct samples *s, double v);
void samples_clear(struct samples *s);
void samples_free(struct samples *s);

/* The value that a share q (0 to 1) of the samples does not exceed; 0 for none.
 * Sorts the samples. */
double samples_quantile(struct samples *s, double q);

/* Print "name":{"p10":..,"p50":..,"p90":..,"p99":..,"n":..}, each times unit. */
void samples_print(const char *name, struct samples *s, double unit);

#endif
