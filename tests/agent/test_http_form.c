/*
 * test_http_form.c - forms, read strictly.
 *
 * SPDX-License-Identifier: ISC
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/http_form.h"
#include "tessera.h"

#define TEXT(s)	s, sizeof(s) - 1

static const struct row {
	const char *name;
	const char *in;
	size_t n;
	int want;
	const char *field[2 * FORM_FIELDS_MAX + 1];	/* name, value, ... */
} rows[] = {
	{ "nothing", TEXT(""), TSR_OK, { NULL } },
	{ "RFC 6749 appendix B", TEXT("a+name=+%25%26%2B%C2%A3%E2%82%AC"), TSR_OK,
	    { "a name", " %&+\xc2\xa3\xe2\x82\xac" } },
	{ "RFC 6749 4.4.2", TEXT("grant_type=client_credentials"), TSR_OK,
	    { "grant_type", "client_credentials" } },
	{ "as curl sends it, unencoded", TEXT("grant_type=urn:tessera:grant:device&audience=vpn"), TSR_OK,
	    { "grant_type", "urn:tessera:grant:device", "audience", "vpn" } },
	{ "hex in both cases", TEXT("a=%2f%2F"), TSR_OK, { "a", "//" } },
	{ "an equals sign in a value", TEXT("token=abc=="), TSR_OK, { "token", "abc==" } },
	{ "6749 3.1 without a value is absent", TEXT("a=&b=c"), TSR_OK, { "a", NULL, "b", "c" } },
	{ "names differ by case", TEXT("a=1&A=2"), TSR_OK, { "a", "1", "A", "2" } },

	{ "6749 3.1 a name twice", TEXT("a=1&a=2"), TSR_INVALID, { NULL } },
	{ "6749 3.1 a name twice, alike", TEXT("a=1&b=2&a=1"), TSR_INVALID, { NULL } },
	{ "6749 3.1 a name twice, once empty", TEXT("a=&a=1"), TSR_INVALID, { NULL } },
	{ "6749 3.1 a name twice, once encoded", TEXT("a=1&%61=2"), TSR_INVALID, { NULL } },
	{ "no equals sign", TEXT("a"), TSR_INVALID, { NULL } },
	{ "no name", TEXT("=1"), TSR_INVALID, { NULL } },
	{ "an empty pair in the middle", TEXT("a=1&&b=2"), TSR_INVALID, { NULL } },
	{ "an empty pair at the end", TEXT("a=1&"), TSR_INVALID, { NULL } },
	{ "an empty pair in front", TEXT("&a=1"), TSR_INVALID, { NULL } },
	{ "an ampersand alone", TEXT("&"), TSR_INVALID, { NULL } },
	{ "%00 in a value", TEXT("a=b%00c"), TSR_INVALID, { NULL } },
	{ "%00 in a name", TEXT("a%00=b"), TSR_INVALID, { NULL } },
	{ "NUL itself", TEXT("a=b\0c"), TSR_INVALID, { NULL } },
	{ "a control character encoded", TEXT("a=%0a"), TSR_INVALID, { NULL } },
	{ "a C1 character encoded", TEXT("a=%C2%85"), TSR_INVALID, { NULL } },
	{ "a line end", TEXT("a=1\r\n"), TSR_INVALID, { NULL } },
	{ "a blank", TEXT("a=b c"), TSR_INVALID, { NULL } },
	{ "half an escape", TEXT("a=%4"), TSR_INVALID, { NULL } },
	{ "an escape cut off", TEXT("a=%"), TSR_INVALID, { NULL } },
	{ "an escape cut off by the next pair", TEXT("a=%4&b=1"), TSR_INVALID, { NULL } },
	{ "a false escape", TEXT("a=%G0"), TSR_INVALID, { NULL } },
	{ "a signed escape", TEXT("a=%+1"), TSR_INVALID, { NULL } },
	{ "not UTF-8", TEXT("a=%ff"), TSR_INVALID, { NULL } },
	{ "3629 3 overlong UTF-8", TEXT("a=%c0%af"), TSR_INVALID, { NULL } },
	{ "3629 3 a surrogate", TEXT("a=%ed%a0%80"), TSR_INVALID, { NULL } },
	{ "UTF-8 that is not encoded", TEXT("a=\xc3\xa9"), TSR_INVALID, { NULL } },
};

static int
parse(const char *in, size_t n, struct form *f)
{
	char *p = malloc(n == 0 ? 1 : n);
	int r;

	assert_non_null(p);
	memcpy(p, in, n);
	r = form_parse(p, n, f);
	free(p);
	return r;
}

static void
test_rows(void **state)
{
	struct form f;
	const char *v;
	size_t i, k;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		memset(&f, 0x5a, sizeof(f));
		if (parse(rows[i].in, rows[i].n, &f) != rows[i].want)
			fail_msg("%s", rows[i].name);
		if (rows[i].want != TSR_OK) {
			assert_int_equal(f.n, (size_t)0x5a5a5a5a5a5a5a5a);
			continue;
		}
		for (k = 0; rows[i].field[2 * k] != NULL; k++) {
			v = form_get(&f, rows[i].field[2 * k]);
			if (rows[i].field[2 * k + 1] == NULL)
				assert_null(v);
			else if (v == NULL || strcmp(v, rows[i].field[2 * k + 1]) != 0)
				fail_msg("%s: %s", rows[i].name, v == NULL ? "absent" : v);
		}
		assert_int_equal(f.n, k);
		assert_null(form_get(&f, "nothing of the kind"));
		form_free(&f);
		assert_null(f.memory);
	}
}

static void
test_limits(void **state)
{
	char in[64 * FORM_FIELDS_MAX], *big;
	struct form f;
	size_t n;
	int i;

	(void)state;
	for (n = 0, i = 0; i < FORM_FIELDS_MAX; i++)
		n += (size_t)sprintf(in + n, "%sf%d=%d", i == 0 ? "" : "&", i, i);
	assert_int_equal(parse(in, n, &f), TSR_OK);
	assert_int_equal(f.n, FORM_FIELDS_MAX);
	assert_string_equal(form_get(&f, "f31"), "31");
	form_free(&f);
	n += (size_t)sprintf(in + n, "&one=more");
	assert_int_equal(parse(in, n, &f), TSR_TOO_LARGE);

	big = malloc(FORM_MAX + 1);
	assert_non_null(big);
	memset(big, 'a', FORM_MAX + 1);
	big[1] = '=';
	assert_int_equal(parse(big, FORM_MAX, &f), TSR_OK);
	assert_int_equal(strlen(form_get(&f, "a")), FORM_MAX - 2);
	form_free(&f);
	assert_int_equal(parse(big, FORM_MAX + 1, &f), TSR_TOO_LARGE);
	free(big);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
