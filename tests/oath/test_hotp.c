/*
 * test_hotp.c - codes: the vectors of RFC 4226 and RFC 6238, what is no code,
 * and the search for one.
 *
 * SPDX-License-Identifier: ISC
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <string.h>
#include <cmocka.h>

#include "oath/hotp.h"
#include "tessera.h"

#define COUNT(t)	(sizeof(t) / sizeof((t)[0]))

static const uint8_t seed64[] =
    "1234567890123456789012345678901234567890123456789012345678901234";

static struct hotp
key(enum hmac_hash hash, unsigned digits, size_t seed_len)
{
	struct hotp h = { hash, digits, seed64, seed_len };

	return h;
}

static const struct row {
	const char *name;
	enum hmac_hash hash;
	unsigned digits;
	size_t seed_len;
	uint64_t counter;
	const char *code;
} rows[] = {
	{ "RFC 4226 D, count 0", HMAC_SHA1, 6, 20, 0, "755224" },
	{ "RFC 4226 D, count 1", HMAC_SHA1, 6, 20, 1, "287082" },
	{ "RFC 4226 D, count 2", HMAC_SHA1, 6, 20, 2, "359152" },
	{ "RFC 4226 D, count 3", HMAC_SHA1, 6, 20, 3, "969429" },
	{ "RFC 4226 D, count 4", HMAC_SHA1, 6, 20, 4, "338314" },
	{ "RFC 4226 D, count 5", HMAC_SHA1, 6, 20, 5, "254676" },
	{ "RFC 4226 D, count 6", HMAC_SHA1, 6, 20, 6, "287922" },
	{ "RFC 4226 D, count 7", HMAC_SHA1, 6, 20, 7, "162583" },
	{ "RFC 4226 D, count 8", HMAC_SHA1, 6, 20, 8, "399871" },
	{ "RFC 4226 D, count 9", HMAC_SHA1, 6, 20, 9, "520489" },
	{ "RFC 6238 B, 59 s, SHA-1", HMAC_SHA1, 8, 20, 59 / 30, "94287082" },
	{ "RFC 6238 B, 59 s, SHA-256", HMAC_SHA256, 8, 32, 59 / 30, "46119246" },
	{ "RFC 6238 B, 59 s, SHA-512", HMAC_SHA512, 8, 64, 59 / 30, "90693936" },
	{ "RFC 6238 B, 1111111109 s, SHA-1", HMAC_SHA1, 8, 20, 1111111109 / 30, "07081804" },
	{ "RFC 6238 B, 1111111109 s, SHA-256", HMAC_SHA256, 8, 32, 1111111109 / 30, "68084774" },
	{ "RFC 6238 B, 1111111109 s, SHA-512", HMAC_SHA512, 8, 64, 1111111109 / 30, "25091201" },
	{ "RFC 6238 B, 1111111111 s, SHA-1", HMAC_SHA1, 8, 20, 1111111111 / 30, "14050471" },
	{ "RFC 6238 B, 1111111111 s, SHA-256", HMAC_SHA256, 8, 32, 1111111111 / 30, "67062674" },
	{ "RFC 6238 B, 1111111111 s, SHA-512", HMAC_SHA512, 8, 64, 1111111111 / 30, "99943326" },
	{ "RFC 6238 B, 1234567890 s, SHA-1", HMAC_SHA1, 8, 20, 1234567890 / 30, "89005924" },
	{ "RFC 6238 B, 1234567890 s, SHA-256", HMAC_SHA256, 8, 32, 1234567890 / 30, "91819424" },
	{ "RFC 6238 B, 1234567890 s, SHA-512", HMAC_SHA512, 8, 64, 1234567890 / 30, "93441116" },
	{ "RFC 6238 B, 2000000000 s, SHA-1", HMAC_SHA1, 8, 20, 2000000000 / 30, "69279037" },
	{ "RFC 6238 B, 2000000000 s, SHA-256", HMAC_SHA256, 8, 32, 2000000000 / 30, "90698825" },
	{ "RFC 6238 B, 2000000000 s, SHA-512", HMAC_SHA512, 8, 64, 2000000000 / 30, "38618901" },
	{ "RFC 6238 B, 20000000000 s, SHA-1", HMAC_SHA1, 8, 20, 20000000000 / 30, "65353130" },
	{ "RFC 6238 B, 20000000000 s, SHA-256", HMAC_SHA256, 8, 32, 20000000000 / 30, "77737706" },
	{ "RFC 6238 B, 20000000000 s, SHA-512", HMAC_SHA512, 8, 64, 20000000000 / 30, "47863826" },
	{ "seven digits", HMAC_SHA1, 7, 20, 59 / 30, "4287082" }
};

static void
test_vectors(void **state)
{
	char text[HOTP_DIGITS_MAX + 1];
	uint32_t code = 0, same = 0;
	struct hotp h;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		print_message("%s\n", rows[i].name);
		h = key(rows[i].hash, rows[i].digits, rows[i].seed_len);
		assert_int_equal(hotp_code(&h, rows[i].counter, &code), TSR_OK);
		hotp_text(text, rows[i].digits, code);
		assert_string_equal(text, rows[i].code);
		assert_int_equal(hotp_parse(text, strlen(text), rows[i].digits, &same), TSR_OK);
		assert_int_equal(same, code);
	}
}

static const struct limit {
	const char *name;
	int hash;
	unsigned digits;
	size_t seed_len;
	int code;
} limits[] = {
	{ "five digits", HMAC_SHA1, 5, 20, TSR_INVALID },
	{ "nine digits", HMAC_SHA1, 9, 20, TSR_INVALID },
	{ "RFC 4226 R6: a seed of 120 bits", HMAC_SHA1, 6, 15, TSR_INVALID },
	{ "RFC 4226 R6: a seed of 128 bits", HMAC_SHA1, 6, 16, TSR_OK },
	{ "a seed of 129 bytes", HMAC_SHA1, 6, 129, TSR_INVALID },
	{ "no hash", 0, 6, 20, TSR_UNSUPPORTED },
	{ "an unknown hash", 4, 6, 20, TSR_UNSUPPORTED }
};

static void
test_limits(void **state)
{
	uint32_t code = 7;
	struct hotp h;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(limits); i++) {
		print_message("%s\n", limits[i].name);
		h = key((enum hmac_hash)limits[i].hash, limits[i].digits, limits[i].seed_len);
		code = 7;
		assert_int_equal(hotp_code(&h, 1, &code), limits[i].code);
		if (limits[i].code != TSR_OK)
			assert_int_equal(code, 7);
	}
}

static const struct text {
	const char *name, *text;
	unsigned digits;
} texts[] = {
	{ "nothing", "", 6 },
	{ "five digits", "12345", 6 },
	{ "seven digits for six", "1234567", 6 },
	{ "nine digits", "123456789", 8 },
	{ "six digits for eight", "123456", 8 },
	{ "a letter", "12345a", 6 },
	{ "a leading space", " 12345", 6 },
	{ "a space at the end", "12345 ", 6 },
	{ "a space between", "123 56", 6 },
	{ "a newline at the end", "12345\n", 6 },
	{ "plus", "+12345", 6 },
	{ "minus", "-12345", 6 },
	{ "full stop", "12.456", 6 },
	{ "hexadecimal", "0x1234", 6 },
	{ "exponent", "1e0005", 6 },
	{ "Arabic-Indic digits", "\xd9\xa1\xd9\xa2\xd9\xa3", 6 },
	{ "fullwidth digits", "\xef\xbc\x91\xef\xbc\x92", 6 },
	{ "the character before 0", "12345/", 6 },
	{ "the character after 9", "12345:", 6 },
	{ "beyond 32 bits for a token of ten", "4294967296", 10 }
};

static void
test_no_codes(void **state)
{
	uint32_t code = 7;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(texts); i++) {
		print_message("%s\n", texts[i].name);
		assert_int_equal(hotp_parse(texts[i].text, strlen(texts[i].text),
		    texts[i].digits, &code), TSR_INVALID);
		assert_int_equal(code, 7);
	}
	assert_int_equal(hotp_parse("12345\0", 6, 6, &code), TSR_INVALID);
}

/* Codes of RFC 4226 D: counters 0 to 9. */
static const struct search {
	const char *name;
	uint64_t first;
	uint32_t count;
	uint64_t least;
	uint32_t code;
	int result;
	uint64_t at;
} searches[] = {
	{ "the first of the window", 0, 10, 0, 755224, TSR_OK, 0 },
	{ "the last of the window", 0, 10, 0, 520489, TSR_OK, 9 },
	{ "one beyond the window", 0, 9, 0, 520489, TSR_NOT_FOUND, 0 },
	{ "one before the window", 1, 9, 0, 755224, TSR_NOT_FOUND, 0 },
	{ "a window of one", 5, 1, 0, 254676, TSR_OK, 5 },
	{ "just spent", 0, 10, 6, 254676, TSR_NOT_FOUND, 0 },
	{ "the first that is not spent", 0, 10, 5, 254676, TSR_OK, 5 },
	{ "another code", 0, 10, 0, 755225, TSR_NOT_FOUND, 0 },
	{ "a code with more digits", 0, 10, 0, 1755224, TSR_NOT_FOUND, 0 },
	{ "all spent", 0, 10, UINT64_MAX, 520489, TSR_NOT_FOUND, 0 },
	{ "no window", 0, 0, 0, 755224, TSR_INVALID, 0 },
	{ "too large a window", 0, HOTP_WINDOW_MAX + 1, 0, 755224, TSR_INVALID, 0 },
	{ "the largest window", 0, HOTP_WINDOW_MAX, 0, 520489, TSR_OK, 9 }
};

static void
test_search(void **state)
{
	struct hotp h = key(HMAC_SHA1, 6, 20);
	struct hotp_window w;
	uint64_t at;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(searches); i++) {
		print_message("%s\n", searches[i].name);
		w = (struct hotp_window){ searches[i].first, searches[i].count, searches[i].least };
		at = 77;
		assert_int_equal(hotp_find(&h, &w, searches[i].code, &at), searches[i].result);
		assert_int_equal(at, searches[i].result == TSR_OK ? searches[i].at : 77);
	}
}

/* A code that stands twice in a window is that of the first counter that counts. */
static void
test_twice_in_a_window(void **state)
{
	struct hotp h = key(HMAC_SHA1, 6, HOTP_SEED_MIN);
	struct hotp_window w = { 0, HOTP_WINDOW_MAX, 0 };
	uint32_t code[HOTP_WINDOW_MAX];
	uint64_t at = 0, first = 0, second = 0;
	int found = 0;

	(void)state;
	for (; !found && h.seed_len <= 64; h.seed_len += !found) {
		for (uint64_t i = 0; i < HOTP_WINDOW_MAX && !found; i++) {
			assert_int_equal(hotp_code(&h, i, &code[i]), TSR_OK);
			for (uint64_t j = 0; j < i && !found; j++)
				if ((found = code[j] == code[i]) != 0) {
					first = j;
					second = i;
				}
		}
	}
	assert_true(found);
	assert_int_equal(hotp_find(&h, &w, code[first], &at), TSR_OK);
	assert_int_equal(at, first);
	w.least = first + 1;
	w.count = (uint32_t)(second + 1 - w.first);
	assert_int_equal(hotp_find(&h, &w, code[first], &at), TSR_OK);
	assert_int_equal(at, second);
}

static void
test_end_of_counters(void **state)
{
	struct hotp h = key(HMAC_SHA1, 6, 20);
	struct hotp_window w = { UINT64_MAX - 2, 10, 0 };
	uint32_t last = 0, zero = 0;
	uint64_t at = 0;

	(void)state;
	assert_int_equal(hotp_code(&h, UINT64_MAX, &last), TSR_OK);
	assert_int_equal(hotp_code(&h, 0, &zero), TSR_OK);
	assert_int_equal(hotp_find(&h, &w, last, &at), TSR_OK);
	assert_true(at == UINT64_MAX);
	assert_int_equal(hotp_find(&h, &w, zero, &at), TSR_NOT_FOUND);
}

static const struct pair {
	const char *name;
	uint64_t first;
	uint32_t count;
	uint64_t least;
	uint32_t code, next;
	int result;
	uint64_t at;
} pairs[] = {
	{ "two that follow each other", 0, 10, 0, 287922, 162583, TSR_OK, 7 },
	{ "the first two", 0, 10, 0, 755224, 287082, TSR_OK, 1 },
	{ "the other way round", 0, 10, 0, 162583, 287922, TSR_NOT_FOUND, 0 },
	{ "one between them", 0, 10, 0, 287922, 399871, TSR_NOT_FOUND, 0 },
	{ "the same twice", 0, 10, 0, 287922, 287922, TSR_NOT_FOUND, 0 },
	{ "the first was spent", 0, 10, 7, 287922, 162583, TSR_NOT_FOUND, 0 },
	{ "neither was spent", 0, 10, 6, 287922, 162583, TSR_OK, 7 },
	{ "the second is beyond", 0, 7, 0, 287922, 162583, TSR_NOT_FOUND, 0 },
	{ "the first is before", 7, 3, 0, 287922, 162583, TSR_NOT_FOUND, 0 }
};

static void
test_pairs(void **state)
{
	struct hotp h = key(HMAC_SHA1, 6, 20);
	struct hotp_window w;
	uint64_t at;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(pairs); i++) {
		print_message("%s\n", pairs[i].name);
		w = (struct hotp_window){ pairs[i].first, pairs[i].count, pairs[i].least };
		at = 77;
		assert_int_equal(hotp_find_pair(&h, &w, pairs[i].code, pairs[i].next, &at),
		    pairs[i].result);
		assert_int_equal(at, pairs[i].result == TSR_OK ? pairs[i].at : 77);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_no_codes),
		cmocka_unit_test(test_search),
		cmocka_unit_test(test_twice_in_a_window),
		cmocka_unit_test(test_end_of_counters),
		cmocka_unit_test(test_pairs)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
