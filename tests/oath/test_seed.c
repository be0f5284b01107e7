/*
 * test_seed.c - seeds as base32 and hexadecimal.
 *
 * SPDX-License-Identifier: ISC
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <string.h>
#include <cmocka.h>

#include "oath/seed.h"
#include "tessera.h"

#define COUNT(t)	(sizeof(t) / sizeof((t)[0]))
#define TEN		"GEZDGNBVGY3TQOJQ"		/* "1234567890" */
#define LONG8		TEN TEN TEN TEN TEN TEN TEN TEN
#define HEX10		"31323334353637383930"
#define HEX80		HEX10 HEX10 HEX10 HEX10 HEX10 HEX10 HEX10 HEX10

static const struct row {
	const char *name, *text;
	int hex, result;
	const char *bytes;
} rows[] = {
	{ "20 bytes", TEN TEN, 0, TSR_OK, "12345678901234567890" },
	{ "lower case", "gezdgnbvgy3tqojqgezdgnbvgy3tqojq", 0, TSR_OK, "12345678901234567890" },
	{ "groups", "GEZD GNBV-GY3T QOJQ GEZD GNBV GY3T QOJQ", 0, TSR_OK, "12345678901234567890" },
	{ "16 bytes", TEN "GEZDGNBVGY", 0, TSR_OK, "1234567890123456" },
	{ "16 bytes, padded", TEN "GEZDGNBVGY======", 0, TSR_OK, "1234567890123456" },
	{ "16 bytes in groups, padded", "GEZD GNBV GY3T QOJQ GEZD GNBV GY== ====", 0, TSR_INVALID, NULL },
	{ "too little padding", TEN "GEZDGNBVGY=====", 0, TSR_INVALID, NULL },
	{ "too much padding", TEN TEN "========", 0, TSR_INVALID, NULL },
	{ "padding in the middle", TEN "=" TEN, 0, TSR_INVALID, NULL },
	{ "RFC 4226 R6: 15 bytes", TEN "GEZDGNBV", 0, TSR_DENIED, NULL },
	{ "nothing", "", 0, TSR_DENIED, NULL },
	{ "only padding", "========", 0, TSR_INVALID, NULL },
	{ "unused bits", TEN "GEZDGNBVGZ", 0, TSR_INVALID, NULL },
	{ "a character too many", TEN TEN "A", 0, TSR_INVALID, NULL },
	{ "the digit 0", TEN "0EZDGNBVGY3TQOJQ", 0, TSR_INVALID, NULL },
	{ "the digit 1", TEN "1EZDGNBVGY3TQOJQ", 0, TSR_INVALID, NULL },
	{ "the digit 8", TEN "8EZDGNBVGY3TQOJQ", 0, TSR_INVALID, NULL },
	{ "a newline", TEN TEN "\n", 0, TSR_INVALID, NULL },
	{ "a high bit", TEN TEN "\xc1", 0, TSR_INVALID, NULL },
	{ "160 bytes", LONG8 LONG8, 0, TSR_TOO_LARGE, NULL },
	{ "hexadecimal", HEX10 HEX10, 1, TSR_OK, "12345678901234567890" },
	{ "hexadecimal, lower case", "6a6b6c6d6e6f6a6b6c6d6e6f6a6b6c6d", 1, TSR_OK, "jklmnojklmnojklm" },
	{ "hexadecimal, upper case", "6A6B6C6D6E6F6A6B6C6D6E6F6A6B6C6D", 1, TSR_OK, "jklmnojklmnojklm" },
	{ "hexadecimal in groups", "31 32 33 34-35 36 37 38 39 30 31 32 33 34 35 36", 1, TSR_OK, "1234567890123456" },
	{ "hexadecimal, half a byte", HEX10 HEX10 "3", 1, TSR_INVALID, NULL },
	{ "hexadecimal, half a zero byte", HEX10 HEX10 "0", 1, TSR_INVALID, NULL },
	{ "hexadecimal, 15 bytes", HEX10 "3132333435", 1, TSR_DENIED, NULL },
	{ "hexadecimal, a letter beyond f", HEX10 HEX10 "3g", 1, TSR_INVALID, NULL },
	{ "hexadecimal, 0x", "0x" HEX10 HEX10, 1, TSR_INVALID, NULL },
	{ "hexadecimal, padding", HEX10 HEX10 "==", 1, TSR_INVALID, NULL },
	{ "hexadecimal, 160 bytes", HEX80 HEX80, 1, TSR_TOO_LARGE, NULL }
};

static void
test_rows(void **state)
{
	struct secret *s;
	size_t i, n;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		print_message("%s\n", rows[i].name);
		s = NULL;
		n = strlen(rows[i].text);
		assert_int_equal(rows[i].hex ? seed_hex(rows[i].text, n, &s) :
		    seed_base32(rows[i].text, n, &s), rows[i].result);
		assert_int_equal(s == NULL, rows[i].bytes == NULL);
		if (s == NULL)
			continue;
		assert_int_equal(s->size, strlen(rows[i].bytes));
		assert_memory_equal(s->data, rows[i].bytes, s->size);
		secret_free(&s);
	}
}

/* Every length there may be, written and read. */
static void
test_there_and_back(void **state)
{
	struct secret *s, *same;
	struct buf b;
	size_t n, i;

	(void)state;
	buf_init(&b, 1024);
	for (n = 16; n <= 128; n++) {
		s = secret_new(n);
		assert_non_null(s);
		for (i = 0; i < n; i++)
			s->data[i] = (uint8_t)(255 - i * 7 - n);
		same = NULL;
		buf_reset(&b);
		assert_int_equal(seed_put_base32(&b, s), TSR_OK);
		assert_int_equal(b.len, (n * 8 + 4) / 5);
		assert_int_equal(seed_base32((const char *)b.data, b.len, &same), TSR_OK);
		assert_int_equal(same->size, n);
		assert_memory_equal(same->data, s->data, n);
		secret_free(&s);
		secret_free(&same);
	}
	buf_free(&b);
	buf_init(&b, 20);
	s = secret_new(20);
	assert_non_null(s);
	assert_int_equal(buf_put_cstr(&b, "x"), TSR_OK);
	assert_int_equal(seed_put_base32(&b, s), TSR_TOO_LARGE);
	assert_int_equal(b.len, 1);
	secret_free(&s);
	buf_free(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_there_and_back)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
