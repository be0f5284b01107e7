/*
 * secret.c - secrets: content, terminator, free.
 *
 * SPDX-License-Identifier: ISC
 */
#include "base/secret.h"

#include <stdarg.h>
#include <string.h>

#include <setjmp.h>
#include <cmocka.h>
#include <sodium.h>

static void
test_new(void **state)
{
	static const uint8_t zero[100] = { 0 };
	struct secret *s;

	(void)state;
	assert_non_null(s = secret_new(99));
	assert_int_equal(s->size, 99);
	assert_memory_equal(s->data, zero, 100);
	secret_free(&s);
	assert_null(s);
	secret_free(&s);	/* of nothing */
	secret_free(NULL);
	assert_non_null(s = secret_new(0));
	assert_int_equal(s->size, 0);
	assert_int_equal(s->data[0], 0);
	secret_free(&s);
	for (size_t n = 1; n < 200; n++) {	/* a structure may lie there */
		assert_non_null(s = secret_new(n));
		assert_int_equal((uintptr_t)s->data % _Alignof(max_align_t), 0);
		secret_free(&s);
	}
	assert_null(secret_new(SIZE_MAX));
	assert_null(secret_new(SIZE_MAX / 2));
}

static void
test_from(void **state)
{
	char pin[] = "12\0" "56";
	struct secret *s;

	(void)state;
	assert_non_null(s = secret_from(pin, 5));
	assert_int_equal(s->size, 5);
	assert_int_equal(sodium_memcmp(s->data, "12\0" "56", 6), 0);	/* with the NUL */
	assert_string_equal(pin, "12");					/* left alone */
	s->size = 2;
	secret_free(&s);
	assert_non_null(s = secret_from(NULL, 0));
	assert_int_equal(s->size, 0);
	secret_free(&s);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_new),
		cmocka_unit_test(test_from),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
