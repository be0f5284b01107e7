/*
 * test_vendor.c - tables of tokens: comma-separated values and what is in them.
 *
 * SPDX-License-Identifier: ISC
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "oath/vendor.h"
#include "tessera.h"

#define COUNT(t)	(sizeof(t) / sizeof((t)[0]))
#define B32		"GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
#define HEX		"3132333435363738393031323334353637383930"
#define ROWS		4

static const struct table {
	const char *name, *text;
	enum vendor_form form;
	const char *why;		/* the head is refused */
	struct expected {
		unsigned line;		/* 0: no more rows */
		const char *why;	/* the row is refused */
		const char *serial, *account;
		enum otp_kind kind;
		enum hmac_hash hash;
		unsigned digits;
		uint64_t period_or_counter;
	} row[ROWS];
} tables[] = {
	{ "a head, all columns", "serial number,secret,type,digits,period,algorithm,user,Model\n"
	    "A1," B32 ",TOTP,8,60,SHA256,alice,C200\n", VENDOR_GUESS, NULL,
	    { { 2, NULL, "A1", "alice", OTP_TOTP, HMAC_SHA256, 8, 60 } } },
	{ "Entra ID's form", "upn,serial number,secret key,time interval,manufacturer,model\r\n"
	    "alice@example.com,7,gezdgnbvgy3tqojqgezdgnbvgy3tqojq,60,Contoso,HardwareKey\r\n",
	    VENDOR_GUESS, NULL, { { 2, NULL, "7", "alice@example.com", OTP_TOTP, HMAC_SHA1, 6, 60 } } },
	{ "without a head", "F1," HEX ",totp,6,30\nF2," HEX ",hotp,8,12\n\nF3," HEX "\n", VENDOR_GUESS,
	    NULL, { { 1, NULL, "F1", "", OTP_TOTP, HMAC_SHA1, 6, 30 },
	    { 2, NULL, "F2", "", OTP_HOTP, HMAC_SHA1, 8, 12 },
	    { 4, NULL, "F3", "", OTP_TOTP, HMAC_SHA1, 6, 30 } } },
	{ "without a head, base32 as told", "F1," B32 "\n", VENDOR_BASE32, NULL,
	    { { 1, NULL, "F1", "", OTP_TOTP, HMAC_SHA1, 6, 30 } } },
	{ "a head that says hexadecimal", "serial,secret_hex\nA," HEX "\n", VENDOR_GUESS, NULL,
	    { { 2, NULL, "A", "", OTP_TOTP, HMAC_SHA1, 6, 30 } } },
	{ "a head, hexadecimal as told", "serial,secret\nA," HEX "\n", VENDOR_HEX, NULL,
	    { { 2, NULL, "A", "", OTP_TOTP, HMAC_SHA1, 6, 30 } } },
	{ "quotes, spaces, comments, a byte order mark, no last newline",
	    "\xef\xbb\xbf# tokens\n \"serial\" , secret\n\"a,\"\"b\" , " B32 "  \n# end\nc,\"" B32 "\"",
	    VENDOR_GUESS, NULL, { { 3, NULL, "a,\"b", "", OTP_TOTP, HMAC_SHA1, 6, 30 },
	    { 5, NULL, "c", "", OTP_TOTP, HMAC_SHA1, 6, 30 } } },
	{ "a bad row does not stop the next", "serial,secret,digits\nA," B32 ",5\nB,short,6\nC," B32 ",6\n",
	    VENDOR_GUESS, NULL, { { 2, "digits", NULL, NULL, 0, 0, 0, 0 },
	    { 3, "base32", NULL, NULL, 0, 0, 0, 0 },
	    { 4, NULL, "C", "", OTP_TOTP, HMAC_SHA1, 6, 30 } } },
	{ "RFC 4226 R6: a short secret", "serial,secret\nA,GEZDGNBVGY3TQOJQ\n", VENDOR_GUESS, NULL,
	    { { 2, "128 bits", NULL, NULL, 0, 0, 0, 0 } } },
	{ "no secret", "serial,secret\nA,\nB\n", VENDOR_GUESS, NULL,
	    { { 2, "no secret", NULL, NULL, 0, 0, 0, 0 }, { 3, "no secret", NULL, NULL, 0, 0, 0, 0 } } },
	{ "no serial", "serial,secret\n," B32 "\n", VENDOR_GUESS, NULL,
	    { { 2, "serial", NULL, NULL, 0, 0, 0, 0 } } },
	{ "another type", "serial,secret,type\nA," B32 ",motp\n", VENDOR_GUESS, NULL,
	    { { 2, "totp or hotp", NULL, NULL, 0, 0, 0, 0 } } },
	{ "another algorithm", "serial,secret,hash\nA," B32 ",md5\n", VENDOR_GUESS, NULL,
	    { { 2, "algorithm", NULL, NULL, 0, 0, 0, 0 } } },
	{ "a counter that is no number", "serial,secret,type,counter\nA," B32 ",hotp,1x\n",
	    VENDOR_GUESS, NULL, { { 2, "number", NULL, NULL, 0, 0, 0, 0 } } },
	{ "a control character", "serial,secret\nA\x1b," B32 "\n", VENDOR_GUESS, NULL,
	    { { 2, "control", NULL, NULL, 0, 0, 0, 0 } } },
	{ "an empty table", "\n# nothing\n", VENDOR_GUESS, "empty", { { 0 } } },
	{ "a head without secret", "serial,user\nA,b\n", VENDOR_GUESS, "secret", { { 0 } } },
	{ "a head without serial", "user,secret\nA,b\n", VENDOR_GUESS, "serial", { { 0 } } },
	{ "a column twice", "serial,secret,seed\nA,b,c\n", VENDOR_GUESS, "two columns", { { 0 } } },
	{ "a quote that does not end", "\"serial,secret\n", VENDOR_GUESS, "comma", { { 0 } } }
};

static void
check_row(struct vendor *v, const struct expected *e)
{
	const char *why;
	unsigned line = 0;
	struct otp o;
	int r;

	r = vendor_next(v, &o, &line, &why);
	if (e->line == 0) {
		assert_int_equal(r, TSR_NOT_FOUND);
		return;
	}
	assert_int_equal(line, e->line);
	if (e->why != NULL) {
		assert_int_equal(r, TSR_INVALID);
		assert_non_null(strstr(why, e->why));
		return;
	}
	assert_int_equal(r, TSR_OK);
	assert_string_equal(o.serial, e->serial);
	assert_string_equal(o.account, e->account);
	assert_int_equal(o.kind, e->kind);
	assert_int_equal(o.hash, e->hash);
	assert_int_equal(o.digits, e->digits);
	assert_int_equal(o.kind == OTP_HOTP ? o.counter : o.period, e->period_or_counter);
	assert_int_equal(o.seed->size, 20);
	assert_memory_equal(o.seed->data, "12345678901234567890", 20);
	otp_clear(&o);
}

static void
test_tables(void **state)
{
	struct vendor *v;
	const char *why;
	size_t i, j;
	int r;

	(void)state;
	for (i = 0; i < COUNT(tables); i++) {
		print_message("%s\n", tables[i].name);
		v = NULL;
		r = vendor_open(tables[i].text, strlen(tables[i].text), tables[i].form, &v, &why);
		if (tables[i].why != NULL) {
			assert_int_equal(r, TSR_INVALID);
			assert_non_null(strstr(why, tables[i].why));
			assert_null(v);
			continue;
		}
		assert_int_equal(r, TSR_OK);
		for (j = 0; j < ROWS; j++) {
			check_row(v, &tables[i].row[j]);
			if (tables[i].row[j].line == 0)
				break;
		}
		vendor_free(&v);
	}
}

/* What cannot be read ends the table: where it goes on is anybody's guess. */
static const struct broken {
	const char *name, *row;
} broken[] = {
	{ "a quote that does not end", "A,\"" B32 "\n" },
	{ "text after a quote", "A,\"" B32 "\"x\n" },
	{ "a quote in the middle", "A," B32 "\"\n" }
};

static void
test_broken(void **state)
{
	static char text[CSV_ROW_MAX * 2];
	struct vendor *v = NULL;
	const char *why = NULL;
	unsigned line = 0;
	struct otp o;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(broken); i++) {
		print_message("%s\n", broken[i].name);
		(void)snprintf(text, sizeof(text), "serial,secret\n%s", broken[i].row);
		assert_int_equal(vendor_open(text, strlen(text), VENDOR_GUESS, &v, &why), TSR_OK);
		assert_int_equal(vendor_next(v, &o, &line, &why), TSR_CORRUPT);
		assert_int_equal(line, 2);
		vendor_free(&v);
	}
	memset(text, 'x', sizeof(text));
	memcpy(text, "serial,secret\n", 14);
	assert_int_equal(vendor_open(text, sizeof(text), VENDOR_GUESS, &v, &why), TSR_OK);
	assert_int_equal(vendor_next(v, &o, &line, &why), TSR_CORRUPT);
	assert_non_null(strstr(why, "too long"));
	vendor_free(&v);
	memset(text + 14, ',', 40);
	text[54] = '\n';
	assert_int_equal(vendor_open(text, 55, VENDOR_GUESS, &v, &why), TSR_OK);
	assert_int_equal(vendor_next(v, &o, &line, &why), TSR_CORRUPT);
	vendor_free(&v);
	assert_int_equal(vendor_open("a\0b\n", 4, VENDOR_GUESS, &v, &why), TSR_INVALID);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tables),
		cmocka_unit_test(test_broken)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
