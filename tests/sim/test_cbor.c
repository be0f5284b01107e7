/*
 * test_cbor.c - the strict reader and the writer of CTAP's CBOR.
 *
 * SPDX-License-Identifier: ISC
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "diag.h"
#include "sim/cbor.h"
#include "tessera.h"

static const struct row {
	const char *name;
	const char *hex;
	int result;
} rows[] = {
	/* RFC 8949 appendix A */
	{ "0", "00", TSR_OK },
	{ "23", "17", TSR_OK },
	{ "24", "1818", TSR_OK },
	{ "1000000", "1a000f4240", TSR_OK },
	{ "the greatest number", "1bffffffffffffffff", TSR_OK },
	{ "-1000", "3903e7", TSR_OK },
	{ "false", "f4", TSR_OK },
	{ "null", "f6", TSR_OK },
	{ "four bytes", "4401020304", TSR_OK },
	{ "text", "6449455446", TSR_OK },
	{ "text of two bytes a character", "62c3bc", TSR_OK },
	{ "text of four bytes a character", "64f0908591", TSR_OK },
	{ "an empty array", "80", TSR_OK },
	{ "an empty map", "a0", TSR_OK },
	{ "arrays in an array", "8301820203820405", TSR_OK },
	{ "a map of numbers", "a201020304", TSR_OK },
	{ "a map of texts", "a26161016162820203", TSR_OK },
	{ "four levels", "8181818100", TSR_OK },
	{ "keys: numbers, negative ones, texts", "a3010020006000", TSR_OK },
	{ "a shorter key before a lesser longer one", "a2616200626161" "00", TSR_OK },

	{ "nothing", "", TSR_INVALID },
	{ "something after it", "0000", TSR_INVALID },
	{ "five levels", "818181818100", TSR_INVALID },
	{ "2,000 levels", NULL, TSR_INVALID },
	{ "0 in two bytes", "1800", TSR_INVALID },
	{ "255 in three bytes", "1900ff", TSR_INVALID },
	{ "65535 in five bytes", "1a0000ffff", TSR_INVALID },
	{ "a length in two bytes that fits into one", "580161", TSR_INVALID },
	{ "2^32-1 in nine bytes", "1b00000000ffffffff", TSR_INVALID },
	{ "a number that is cut short", "19ff", TSR_INVALID },
	{ "bytes that are cut short", "4301", TSR_INVALID },
	{ "text that is cut short", "6361", TSR_INVALID },
	{ "an array that is cut short", "8201", TSR_INVALID },
	{ "a map without its last value", "a101", TSR_INVALID },
	{ "an array of 2^64-1", "9bffffffffffffffff", TSR_INVALID },
	{ "a map of 2^63", "bb8000000000000000", TSR_INVALID },
	{ "bytes of 2^64-1", "5bffffffffffffffff00", TSR_INVALID },
	{ "indefinite bytes", "5f4100ff", TSR_INVALID },
	{ "indefinite text", "7f6161ff", TSR_INVALID },
	{ "an indefinite array", "9f00ff", TSR_INVALID },
	{ "an indefinite map", "bf0000ff", TSR_INVALID },
	{ "a break alone", "ff", TSR_INVALID },
	{ "a reserved head", "1c", TSR_INVALID },
	{ "the same key twice", "a201000100", TSR_INVALID },
	{ "the same text key twice", "a2616100616100", TSR_INVALID },
	{ "keys not in order", "a202000100", TSR_INVALID },
	{ "a text key before a number", "a2616100" "0100", TSR_INVALID },
	{ "a longer key before a shorter one", "a2626161" "00616200", TSR_INVALID },
	{ "a tag", "c000", TSR_INVALID },
	{ "a float", "f93c00", TSR_INVALID },
	{ "undefined", "f7", TSR_INVALID },
	{ "a simple value", "f0", TSR_INVALID },
	{ "text that is no UTF-8", "61ff", TSR_INVALID },
	{ "a lone continuation", "6180", TSR_INVALID },
	{ "an overlong slash", "62c0af", TSR_INVALID },
	{ "an overlong form of three bytes", "63e0809f", TSR_INVALID },
	{ "a surrogate", "63eda080", TSR_INVALID },
	{ "beyond Unicode", "64f4908080", TSR_INVALID },
	{ "half a character", "61c3", TSR_INVALID },
};

static void
reads(void **state)
{
	uint8_t b[2048];
	struct cbor item;
	size_t i, n;
	int r;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (rows[i].hex == NULL) {
			memset(b, 0x81, sizeof(b));
			n = sizeof(b);
		} else
			assert_int_equal(sodium_hex2bin(b, sizeof(b), rows[i].hex, strlen(rows[i].hex),
			    NULL, &n, NULL), 0);
		if ((r = cbor_parse(b, n, &item)) != rows[i].result)
			fail_msg("%s: %d", rows[i].name, r);
		if (r == TSR_OK)
			assert_true(item.raw == b && item.raw_len == n);
	}
}

static void
finds(void **state)
{
	struct cbor map, item, inner;
	struct cbor_out o;
	int64_t v;
	bool b;

	(void)state;
	cbor_out_init(&o, 1024);
	diag(&o, "{1: h'0102', 2: {\"id\": \"x\", \"name\": true}, 3: [4, -5], -1: 1000000}");
	assert_int_equal(cbor_parse(o.buf.data, o.buf.len, &map), TSR_OK);
	assert_int_equal(cbor_find(&map, 1, &item), TSR_OK);
	assert_int_equal(item.n, 2);
	assert_int_equal(cbor_int(&item, &v), TSR_INVALID);
	assert_int_equal(cbor_bool(&item, &b), TSR_INVALID);
	assert_int_equal(cbor_find(&map, 2, &item), TSR_OK);
	assert_int_equal(cbor_find_text(&item, "name", &inner), TSR_OK);
	assert_int_equal(cbor_bool(&inner, &b), TSR_OK);
	assert_true(b);
	assert_int_equal(cbor_find_text(&item, "i", &inner), TSR_NOT_FOUND);
	assert_int_equal(cbor_find(&item, 1, &inner), TSR_NOT_FOUND);
	assert_int_equal(cbor_find(&map, 3, &item), TSR_OK);
	assert_int_equal(cbor_find(&item, 4, &inner), TSR_NOT_FOUND);
	assert_int_equal(cbor_at(&item, 1, &inner), TSR_OK);
	assert_int_equal(cbor_int(&inner, &v), TSR_OK);
	assert_int_equal(v, -5);
	assert_int_equal(cbor_at(&item, 2, &inner), TSR_NOT_FOUND);
	assert_int_equal(cbor_find(&map, -1, &item), TSR_OK);
	assert_int_equal(cbor_int(&item, &v), TSR_OK);
	assert_int_equal(v, 1000000);
	assert_int_equal(cbor_find(&map, 4, &item), TSR_NOT_FOUND);
	cbor_out_free(&o);
}

/* What is written is what the reader takes. */
static void
writes(void **state)
{
	static const int64_t numbers[] = { 0, 23, 24, 255, 256, 65535, 65536, 4294967295,
		4294967296, INT64_MAX, -1, -24, -25, -256, -257, INT64_MIN };
	struct cbor_out o;
	struct cbor item;
	int64_t v;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		cbor_out_init(&o, 16);
		cbor_out_int(&o, numbers[i]);
		assert_int_equal(cbor_parse(o.buf.data, o.buf.len, &item), TSR_OK);
		assert_int_equal(cbor_int(&item, &v), TSR_OK);
		assert_true(v == numbers[i]);
		cbor_out_free(&o);
	}
	cbor_out_init(&o, 4);
	cbor_out_text(&o, "four");
	assert_int_equal(o.error, TSR_TOO_LARGE);
	cbor_out_free(&o);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads),
		cmocka_unit_test(finds),
		cmocka_unit_test(writes),
	};

	return cmocka_run_group_tests_name("cbor", tests, NULL, NULL);
}
