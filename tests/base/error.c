/*
 * error.c - every code of tessera.h has an English line of its own.
 *
 * SPDX-License-Identifier: ISC
 */
#include "tessera.h"

#include <ctype.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <setjmp.h>
#include <cmocka.h>

#define CODES_MAX	256
#define LINE_MAX_BYTES	80

static int codes[CODES_MAX];
static size_t n_codes;

/* The codes as the header has them, so that a new one cannot be forgotten. */
static int
read_codes(void **state)
{
	char line[512], name[64];
	FILE *f;
	int code;

	(void)state;
	if ((f = fopen(TESSERA_HEADER, "r")) == NULL)
		return -1;
	while (fgets(line, sizeof(line), f) != NULL && n_codes < CODES_MAX)
		if (sscanf(line, "\tTSR_%63[A-Z0-9_] = %d", name, &code) == 2)	/* NOLINT(cert-err34-c) */
			codes[n_codes++] = code;
	(void)fclose(f);
	return 0;
}

static void
test_each_has_a_line(void **state)
{
	const char *unknown = tsr_strerror(12345), *line;
	size_t i, j;

	(void)state;
	assert_true(n_codes > 40);
	for (i = 0; i < n_codes; i++) {
		line = tsr_strerror(codes[i]);
		print_message("%d %s\n", codes[i], line);
		assert_string_not_equal(line, unknown);
		for (j = 0; j < i; j++) {
			assert_int_not_equal(codes[i], codes[j]);
			assert_string_not_equal(line, tsr_strerror(codes[j]));
		}
	}
}

/* One short line, lower case, no stop at its end: it follows "tessera: ". */
static void
test_form(void **state)
{
	const char *line;
	size_t i, n;

	(void)state;
	for (i = 0; i < n_codes; i++) {
		line = tsr_strerror(codes[i]);
		n = strlen(line);
		assert_in_range(n, 5, LINE_MAX_BYTES);
		assert_true(islower((unsigned char)line[0]));
		assert_int_not_equal(line[n - 1], '.');
		assert_null(strchr(line, '\n'));
	}
}

static void
test_unknown(void **state)
{
	static const int unknown[] = { 1, -18, -1000, INT32_MAX, INT32_MIN };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++)
		assert_string_equal(tsr_strerror(unknown[i]), "unknown error code");
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_has_a_line),
		cmocka_unit_test(test_form),
		cmocka_unit_test(test_unknown),
	};

	return cmocka_run_group_tests(tests, read_codes, NULL);
}
