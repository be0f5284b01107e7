/*
 * meter.c - see meter.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "meter.h"

#include <dirent.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define METER_SAMPLES_MAX	(4u << 20)	/* of one measurement */

void
meter_die(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vfprintf(stderr, fmt, ap);
	va_end(ap);
	(void)fputc('\n', stderr);
	exit(1);
}

uint64_t
meter_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static double
meter_cpu_task(pid_t pid, const char *task)
{
	char path[320], line[128];
	FILE *f;
	double ns = 0;

	(void)snprintf(path, sizeof(path), "/proc/%ld/task/%s/schedstat", (long)pid, task);
	if ((f = fopen(path, "re")) == NULL)
		return 0;	/* the thread has ended */
	if (fgets(line, sizeof(line), f) != NULL)
		ns = strtod(line, NULL);
	(void)fclose(f);
	return ns;
}

double
meter_cpu(pid_t pid)
{
	char path[64];
	const struct dirent *e;
	DIR *d;
	double sum = 0;

	(void)snprintf(path, sizeof(path), "/proc/%ld/task", (long)pid);
	if ((d = opendir(path)) == NULL)
		meter_die("%s: no such process", path);
	while ((e = readdir(d)) != NULL)
		if (e->d_name[0] != '.')
			sum += meter_cpu_task(pid, e->d_name);
	(void)closedir(d);
	return sum;
}

unsigned
meter_number(const char *text)
{
	char *end = NULL;
	unsigned long v = strtoul(text, &end, 10);

	if (v == 0 || v > UINT32_MAX || end == NULL || *end != '\0')
		meter_die("\"%s\" is not a positive number", text);
	return (unsigned)v;
}

void
samples_add(struct samples *s, double v)
{
	size_t room = s->room == 0 ? 1024 : s->room * 2;
	double *more;

	if (s->n == METER_SAMPLES_MAX)
		return;
	if (s->n == s->room) {
		if ((more = realloc(s->v, room * sizeof(*more))) == NULL)
			meter_die("out of memory");
		s->v = more;
		s->room = room;
	}
	s->v[s->n++] = v;
}

void
samples_clear(struct samples *s)
{
	s->n = 0;
}

void
samples_free(struct samples *s)
{
	free(s->v);
	s->v = NULL;
	s->n = s->room = 0;
}

static int
samples_order(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static double
samples_at(const struct samples *s, double q)
{
	return s->n == 0 ? 0 : s->v[(size_t)(q * (double)(s->n - 1) + 0.5)];
}

double
samples_quantile(struct samples *s, double q)
{
	if (s->n > 1)
		qsort(s->v, s->n, sizeof(*s->v), samples_order);
	return samples_at(s, q);
}

void
samples_print(const char *name, struct samples *s, double unit)
{
	double p10 = samples_quantile(s, 0.1);	/* sorts: before the others */

	(void)printf("\"%s\":{\"p10\":%.6g,\"p50\":%.6g,\"p90\":%.6g,\"p99\":%.6g,\"n\":%zu}", name,
	    p10 * unit, samples_at(s, 0.5) * unit, samples_at(s, 0.9) * unit,
	    samples_at(s, 0.99) * unit, s->n);
}
