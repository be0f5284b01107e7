/*
 * scarce.c - see scarce.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "tests/fuzz/scarce.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define SCARCE_ALL	0x7fffffffu
#define SCARCE_SWEEP	400u	/* allocations of one input that a replay lets fail */

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t n);
void *__real_reallocarray(void *p, size_t n, size_t size);
char *__real_strdup(const char *s);
char *__real_strndup(const char *s, size_t n);
void *__real_sodium_malloc(size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t n);
void *__wrap_reallocarray(void *p, size_t n, size_t size);
char *__wrap_strdup(const char *s);
char *__wrap_strndup(const char *s, size_t n);
void *__wrap_sodium_malloc(size_t n);

static int watching, hit;
static unsigned count, first_fails, last_fails;

static int
scarce_fails(void)
{
	if (!watching || ++count < first_fails || count > last_fails)
		return 0;
	hit = 1;
	errno = ENOMEM;
	return 1;
}

void *
__wrap_malloc(size_t n)
{
	return scarce_fails() ? NULL : __real_malloc(n);
}

void *
__wrap_calloc(size_t n, size_t size)
{
	return scarce_fails() ? NULL : __real_calloc(n, size);
}

void *
__wrap_realloc(void *p, size_t n)
{
	return scarce_fails() ? NULL : __real_realloc(p, n);
}

void *
__wrap_reallocarray(void *p, size_t n, size_t size)
{
	return scarce_fails() ? NULL : __real_reallocarray(p, n, size);
}

char *
__wrap_strdup(const char *s)
{
	return scarce_fails() ? NULL : __real_strdup(s);
}

char *
__wrap_strndup(const char *s, size_t n)
{
	return scarce_fails() ? NULL : __real_strndup(s, n);
}

void *
__wrap_sodium_malloc(size_t n)
{
	return scarce_fails() ? NULL : __real_sodium_malloc(n);
}

void
scarce_begin(unsigned first, unsigned n)
{
	watching = 1;
	hit = 0;
	count = 0;
	first_fails = first == 0 ? SCARCE_ALL : first;
	last_fails = n > SCARCE_ALL - first ? SCARCE_ALL : first + n - 1;
}

int
scarce_end(void)
{
	watching = 0;
	return hit;
}

int
scarce_hit(void)
{
	return hit;
}

void
scarce_run(void (*check)(const uint8_t *data, size_t size), const uint8_t *data, size_t size)
{
	unsigned made, i;

	scarce_begin(0, 0);
	check(data, size);
	(void)scarce_end();
	made = count;
#ifdef TESSERA_FUZZING
	if (made > 0) {
		uint32_t seed = 2166136261u;	/* FNV-1a */
		size_t k;

		for (k = 0; k < size; k++)
			seed = (seed ^ data[k]) * 16777619u;
		i = 1 + (seed >> 1) % made;
		scarce_begin(i, seed & 1 ? 1 : SCARCE_ALL);
		check(data, size);
		(void)scarce_end();
	}
#else
	/* with tests/fault/sweep_shim.c something else decides what fails */
	for (i = 1; i <= made && i <= SCARCE_SWEEP && getenv("TESSERA_SWEEP") == NULL; i++) {
		scarce_begin(i, 1);
		check(data, size);
		(void)scarce_end();
		scarce_begin(i, SCARCE_ALL);
		check(data, size);
		(void)scarce_end();
	}
#endif
	hit = 0;
}
