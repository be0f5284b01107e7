/*
 * escape.c - text from outside made safe to show.
 *
 * SPDX-License-Identifier: ISC
 */
#include "base/escape.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <setjmp.h>
#include <cmocka.h>

/* Strings with their length, for those that hold a NUL. */
#define S(s)	s, sizeof(s) - 1

static const struct row {
	const char *name;
	const char *in;
	size_t n;
	const char *shown;
	int text;		/* what escape_is_text says */
} rows[] = {
	{ "plain", S("PIV Card Holder pin"), "PIV Card Holder pin", 1 },
	{ "empty", S(""), "", 1 },
	{ "two, three and four bytes", S("\xc3\xa9 \xe2\x82\xac \xf0\x9f\x94\x91"), "\xc3\xa9 \xe2\x82\xac \xf0\x9f\x94\x91", 1 },
	{ "last character of Unicode", S("\xf4\x8f\xbf\xbd"), "\xf4\x8f\xbf\xbd", 1 },
	{ "backslash", S("a\\x41"), "a\\x5cx41", 1 },
	{ "NUL", S("a\0b"), "a\\x00b", 0 },
	{ "newline and tab", S("a\n\tb"), "a\\x0a\\x09b", 0 },
	{ "terminal escape", S("\x1b[2J"), "\\x1b[2J", 0 },
	{ "DEL", S("\x7f"), "\\x7f", 0 },
	{ "C1 control: CSI", S("\xc2\x9b" "2J"), "\\xc2\\x9b2J", 0 },
	{ "first after C1", S("\xc2\xa0"), "\xc2\xa0", 1 },
	{ "right-to-left override", S("a\xe2\x80\xae" "b"), "a\\xe2\\x80\\xaeb", 1 },
	{ "right-to-left mark", S("\xe2\x80\x8f"), "\\xe2\\x80\\x8f", 1 },
	{ "Arabic letter mark", S("\xd8\x9c"), "\\xd8\\x9c", 1 },
	{ "isolate", S("\xe2\x81\xa6"), "\\xe2\\x81\\xa6", 1 },
	{ "zero-width space", S("ad\xe2\x80\x8bmin"), "ad\\xe2\\x80\\x8bmin", 1 },
	{ "zero-width joiner", S("\xe2\x80\x8d"), "\\xe2\\x80\\x8d", 1 },
	{ "word joiner", S("\xe2\x81\xa0"), "\\xe2\\x81\\xa0", 1 },
	{ "byte order mark", S("\xef\xbb\xbf" "a"), "\\xef\\xbb\\xbfa", 1 },
	{ "soft hyphen", S("\xc2\xad"), "\\xc2\\xad", 1 },
	{ "variation selector", S("\xef\xb8\x8f"), "\\xef\\xb8\\x8f", 1 },
	{ "tag character", S("\xf3\xa0\x81\x81"), "\\xf3\\xa0\\x81\\x81", 1 },
	{ "line separator", S("a\xe2\x80\xa8" "b"), "a\\xe2\\x80\\xa8b", 1 },
	{ "paragraph separator", S("\xe2\x80\xa9"), "\\xe2\\x80\\xa9", 1 },
	{ "RFC 3629 3: stray continuation byte", S("a\x80" "b"), "a\\x80b", 0 },
	{ "RFC 3629 3: overlong slash, two bytes", S("\xc0\xaf"), "\\xc0\\xaf", 0 },
	{ "RFC 3629 3: overlong slash, three bytes", S("\xe0\x80\xaf"), "\\xe0\\x80\\xaf", 0 },
	{ "RFC 3629 3: overlong slash, four bytes", S("\xf0\x80\x80\xaf"), "\\xf0\\x80\\x80\\xaf", 0 },
	{ "RFC 3629 3: overlong NUL", S("\xc0\x80"), "\\xc0\\x80", 0 },
	{ "RFC 3629 3: surrogate", S("\xed\xa0\x80"), "\\xed\\xa0\\x80", 0 },
	{ "RFC 3629 3: beyond 10FFFF", S("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80", 0 },
	{ "RFC 3629 4: byte FF", S("\xff"), "\\xff", 0 },
	{ "RFC 3629 4: five bytes", S("\xf8\x88\x80\x80\x80"), "\\xf8\\x88\\x80\\x80\\x80", 0 },
	{ "RFC 3629 4: lead byte F9", S("\xf9\x80\x80\x80"), "\\xf9\\x80\\x80\\x80", 0 },
	{ "cut character", S("ab\xe2\x82"), "ab\\xe2\\x82", 0 },
	{ "lead byte before a letter", S("\xc3" "a"), "\\xc3a", 0 },
	{ "lead byte before a character", S("\xe2\xc3\xa9"), "\\xe2\xc3\xa9", 0 },
};
#define N_ROWS	(sizeof(rows) / sizeof(rows[0]))

static void
test_whole_characters(void **state)
{
	static const struct {
		const char *name, *in;
		size_t size;
		const char *out;
	} cuts[] = {
		{ "fits", "abc", 4, "abc" },
		{ "one too many", "abcd", 4, "abc" },
		{ "two bytes, the second beyond", "ab\xc3\xbc", 4, "ab" },
		{ "two bytes, both inside", "a\xc3\xbc" "b", 4, "a\xc3\xbc" },
		{ "three bytes, the last beyond", "a\xe2\x82\xac", 4, "a" },
		{ "four bytes, the last beyond", "\xf0\x9f\x94\x91", 4, "" },
		{ "room for nothing", "abc", 1, "" },
		{ "nothing", "", 4, "" },
	};
	char out[4];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cuts) / sizeof(cuts[0]); i++) {
		print_message("%s\n", cuts[i].name);
		memset(out, 'z', sizeof(out));
		escape_cut(out, cuts[i].size, cuts[i].in, strlen(cuts[i].in));
		assert_string_equal(out, cuts[i].out);
	}
}

static void
test_rows(void **state)
{
	const struct row *row;
	char out[64];

	(void)state;
	for (row = rows; row < rows + N_ROWS; row++) {
		print_message("%s\n", row->name);
		assert_ptr_equal(escape_text(out, sizeof(out), row->in, row->n), out);
		assert_string_equal(out, row->shown);
		assert_int_equal(escape_is_text(row->in, row->n), row->text);
		assert_int_equal(escape_is_text(out, strlen(out)), 1);
	}
}

/* Every row into every size: terminated, inside, whole or cut with dots at a
 * character. */
static void
test_every_size(void **state)
{
	const struct row *row;
	char out[64];
	size_t size, len;

	(void)state;
	for (row = rows; row < rows + N_ROWS; row++)
		for (size = 1; size <= strlen(row->shown) + 1; size++) {
			memset(out, 0x5a, sizeof(out));
			escape_text(out, size, row->in, row->n);
			len = strnlen(out, size);
			assert_true(len < size);
			assert_int_equal(out[size], 0x5a);
			assert_int_equal(escape_is_text(out, len), 1);
			if (size == strlen(row->shown) + 1) {
				assert_string_equal(out, row->shown);
				continue;
			}
			assert_true(len >= (size - 1 < 3 ? size - 1 : 3));
			assert_memory_equal(out + len - (len < 3 ? len : 3), "...", len < 3 ? len : 3);
			if (len > 3)
				assert_memory_equal(out, row->shown, len - 3);
		}
}

static const struct cut {
	const char *name;
	const char *in;
	size_t n, size;
	const char *shown;
} cuts[] = {
	{ "fits to the byte", S("abcdef"), 7, "abcdef" },
	{ "one byte short", S("abcdef"), 6, "ab..." },
	{ "never within a character", S("a\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac"), 8, "a\xe2\x82\xac..." },
	{ "never within an escape", S("a\n\n"), 9, "a\\x0a..." },
	{ "never within an escape, not its half", S("a\n\n"), 8, "a..." },
	{ "never within the escapes of one character", S("a\xe2\x80\xae" "b"), 13, "a..." },
	{ "room for dots alone", S("abcdef"), 4, "..." },
	{ "room for fewer dots", S("abcdef"), 3, ".." },
	{ "room for the NUL alone", S("abcdef"), 1, "" },
};

static void
test_cut(void **state)
{
	const struct cut *row;
	char out[64];

	(void)state;
	for (row = cuts; row < cuts + sizeof(cuts) / sizeof(cuts[0]); row++) {
		print_message("%s\n", row->name);
		escape_text(out, row->size, row->in, row->n);
		assert_string_equal(out, row->shown);
	}
	out[0] = 'x';
	assert_ptr_equal(escape_text(out, 0, "abc", 3), out);	/* no room at all */
	assert_int_equal(out[0], 'x');
}

/* No byte below 0x20 nor 0x7f ever comes out, whatever went in. */
static void
test_every_pair(void **state)
{
	char out[64];
	uint8_t in[2];
	unsigned i;
	const char *p;

	(void)state;
	for (i = 0; i < 65536; i++) {
		in[0] = (uint8_t)(i >> 8);
		in[1] = (uint8_t)i;
		escape_text(out, sizeof(out), in, 2);
		for (p = out; *p != '\0'; p++)
			assert_true((uint8_t)*p >= 0x20 && *p != 0x7f);
		assert_int_equal(escape_is_text(out, strlen(out)), 1);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_whole_characters),
		cmocka_unit_test(test_every_size),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_every_pair),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
