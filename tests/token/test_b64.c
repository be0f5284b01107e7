/*
 * test_b64.c - base64url: RFC 4648's examples, and spellings that are refused.
 *
 * SPDX-License-Identifier: ISC
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <string.h>
#include <cmocka.h>

#include "tessera.h"
#include "token/b64.h"

#define COUNT(t)	(sizeof(t) / sizeof((t)[0]))

static const struct row {
	const char *name, *text, *bytes;
	size_t n;
} rows[] = {
	{ "RFC 4648 10, empty", "", "", 0 },
	{ "RFC 4648 10, f", "Zg", "f", 1 },
	{ "RFC 4648 10, fo", "Zm8", "fo", 2 },
	{ "RFC 4648 10, foo", "Zm9v", "foo", 3 },
	{ "RFC 4648 10, foob", "Zm9vYg", "foob", 4 },
	{ "RFC 4648 10, fooba", "Zm9vYmE", "fooba", 5 },
	{ "RFC 4648 10, foobar", "Zm9vYmFy", "foobar", 6 },
	{ "RFC 7515 C", "A-z_4ME", "\x03\xec\xff\xe0\xc1", 5 },
	{ "characters 62 and 63", "-_-_", "\xfb\xff\xbf", 3 }
};

static const struct bad {
	const char *name, *text;
} bad[] = {
	{ "one character", "A" },
	{ "five characters", "AAAAA" },
	{ "padding", "Zg==" },
	{ "padding of one", "Zm8=" },
	{ "plus", "Zm+v" },
	{ "slash", "Zm/v" },
	{ "space", "Zm 9" },
	{ "newline", "Zm9v\n" },
	{ "newline in a quad", "Zm9\n" },
	{ "full stop", "Zm9." },
	{ "high bit", "Zm9\xf6" },
	{ "bad third of three", "Zm=" },
	{ "bad first of two", "=g" },
	{ "unused bits of two", "Zh" },
	{ "all unused bits of two", "Z_" },
	{ "unused bits of three", "Zm9" },
	{ "high unused bit of three", "Zm-" }
};

static void
test_rows(void **state)
{
	uint8_t out[16];
	char text[32];
	size_t i, n = 0;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		print_message("%s\n", rows[i].name);
		n = b64_encode(text, rows[i].bytes, rows[i].n);
		assert_int_equal(n, strlen(rows[i].text));
		assert_int_equal(n, B64_LEN(rows[i].n));
		assert_memory_equal(text, rows[i].text, n);
		assert_int_equal(b64_decode(out, rows[i].n, rows[i].text,
		    strlen(rows[i].text), &n), TSR_OK);
		assert_int_equal(n, rows[i].n);
		assert_memory_equal(out, rows[i].bytes, n);
		if (n > 0)
			assert_int_equal(b64_decode(out, n - 1, rows[i].text,
			    strlen(rows[i].text), &n), TSR_TOO_LARGE);
	}
}

static void
test_refusals(void **state)
{
	uint8_t out[16];
	size_t i, n = 77;

	(void)state;
	for (i = 0; i < COUNT(bad); i++) {
		print_message("%s\n", bad[i].name);
		assert_int_equal(b64_decode(out, sizeof(out), bad[i].text,
		    strlen(bad[i].text), &n), TSR_INVALID);
		assert_int_equal(n, 77);
	}
	/* every byte that is not of the alphabet, at every place; NUL as well */
	for (i = 0; i < 2048; i++) {
		char text[8] = "AAAAAAAA";
		uint8_t c = (uint8_t)(i / 8);

		text[i % 8] = (char)c;
		assert_int_equal(b64_decode(out, sizeof(out), text, 8, &n),
		    (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		    (c >= '0' && c <= '9') || c == '-' || c == '_' ? TSR_OK : TSR_INVALID);
	}
}

/* All lengths, in one piece and into a buffer. */
static void
test_lengths(void **state)
{
	uint8_t in[2000], out[2000];
	char text[3000];
	struct buf b;
	size_t i, n, m = 0;

	(void)state;
	for (i = 0; i < sizeof(in); i++)
		in[i] = (uint8_t)(i * 167 + (i >> 3));
	for (i = 0; i <= sizeof(in); i += i < 20 ? 1 : 97) {
		buf_init(&b, sizeof(text));
		n = b64_encode(text, in, i);
		assert_int_equal(b64_put(&b, in, i), TSR_OK);
		assert_int_equal(b.len, n);
		assert_int_equal(n, B64_LEN(i));
		if (n > 0)
			assert_memory_equal(b.data, text, n);
		assert_int_equal(b64_decode(out, sizeof(out), text, n, &m), TSR_OK);
		assert_int_equal(m, i);
		assert_memory_equal(out, in, i);
		buf_free(&b);
	}
	buf_init(&b, 10);
	assert_int_equal(b64_put(&b, in, 8), TSR_TOO_LARGE);
	assert_int_equal(b64_put(&b, in, SIZE_MAX), TSR_TOO_LARGE);
	assert_int_equal(b.len, 0);
	buf_free(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_lengths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
