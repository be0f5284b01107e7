/*
 * test_otpauth.c - otpauth URIs: read, written, refused.
 *
 * SPDX-License-Identifier: ISC
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <string.h>
#include <cmocka.h>

#include "oath/otpauth.h"
#include "oath/seed.h"
#include "tessera.h"

#define COUNT(t)	(sizeof(t) / sizeof((t)[0]))
#define SECRET		"GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"	/* "12345678901234567890" */

static const struct good {
	const char *name, *uri, *issuer, *account;
	enum otp_kind kind;
	enum hmac_hash hash;
	unsigned digits;
	uint32_t period;
	uint64_t counter;
} goods[] = {
	{ "as little as there may be", "otpauth://totp/alice?secret=" SECRET, "", "alice",
	    OTP_TOTP, HMAC_SHA1, 6, 30, 0 },
	{ "as much as there may be", "otpauth://totp/Example:alice@example.com?secret=" SECRET
	    "&issuer=Example&algorithm=SHA512&digits=8&period=60", "Example", "alice@example.com",
	    OTP_TOTP, HMAC_SHA512, 8, 60, 0 },
	{ "a counter", "otpauth://hotp/alice?secret=" SECRET "&counter=41", "", "alice",
	    OTP_HOTP, HMAC_SHA1, 6, 30, 41 },
	{ "the largest counter", "otpauth://hotp/a?secret=" SECRET "&counter=9223372036854775807",
	    "", "a", OTP_HOTP, HMAC_SHA1, 6, 30, INT64_MAX },
	{ "capital letters", "OTPAUTH://TOTP/alice?secret=" SECRET "&algorithm=sha256", "", "alice",
	    OTP_TOTP, HMAC_SHA256, 6, 30, 0 },
	{ "encoded label", "otpauth://totp/ACME%20Co%3A%20john%40example.com?secret=" SECRET,
	    "ACME Co", "john@example.com", OTP_TOTP, HMAC_SHA1, 6, 30, 0 },
	{ "the parameter is believed", "otpauth://totp/Old:alice?secret=" SECRET "&issuer=New",
	    "New", "alice", OTP_TOTP, HMAC_SHA1, 6, 30, 0 },
	{ "a plus sign is a plus sign", "otpauth://totp/a+b?secret=" SECRET, "", "a+b",
	    OTP_TOTP, HMAC_SHA1, 6, 30, 0 },
	{ "other characters", "otpauth://totp/Z%C3%BCrich:j%C3%B6?secret=" SECRET, "Z\xc3\xbcrich",
	    "j\xc3\xb6", OTP_TOTP, HMAC_SHA1, 6, 30, 0 },
	{ "what we do not know is passed over", "otpauth://totp/alice?image=x&secret=" SECRET
	    "&color&image=y&", "", "alice", OTP_TOTP, HMAC_SHA1, 6, 30, 0 },
	{ "an algorithm's other name", "otpauth://totp/a?secret=" SECRET "&algorithm=HmacSHA1x", "",
	    NULL, OTP_TOTP, HMAC_SHA1, 6, 30, 0 },
	{ "a hyphen in it", "otpauth://totp/a?secret=" SECRET "&algorithm=HMAC-SHA-256", "", "a",
	    OTP_TOTP, HMAC_SHA256, 6, 30, 0 },
	{ "no account", "otpauth://totp/?secret=" SECRET, "", "", OTP_TOTP, HMAC_SHA1, 6, 30, 0 }
};

static void
test_good(void **state)
{
	const char *why;
	struct otp o, same;
	struct buf b;
	size_t i;
	int r;

	(void)state;
	buf_init(&b, OTPAUTH_MAX);
	for (i = 0; i < COUNT(goods); i++) {
		print_message("%s\n", goods[i].name);
		r = otpauth_parse(goods[i].uri, strlen(goods[i].uri), &o, &why);
		if (goods[i].account == NULL) {
			assert_int_equal(r, TSR_INVALID);
			continue;
		}
		assert_int_equal(r, TSR_OK);
		assert_null(why);
		assert_string_equal(o.issuer, goods[i].issuer);
		assert_string_equal(o.account, goods[i].account);
		assert_int_equal(o.kind, goods[i].kind);
		assert_int_equal(o.hash, goods[i].hash);
		assert_int_equal(o.digits, goods[i].digits);
		assert_int_equal(o.period, goods[i].period);
		assert_int_equal(o.counter, goods[i].counter);
		assert_int_equal(o.seed->size, 20);
		assert_memory_equal(o.seed->data, "12345678901234567890", 20);
		/* written and read, it is the same */
		buf_reset(&b);
		assert_int_equal(otpauth_put(&b, &o), TSR_OK);
		assert_int_equal(otpauth_parse((const char *)b.data, b.len, &same, &why), TSR_OK);
		assert_memory_equal(same.seed->data, o.seed->data, 20);
		secret_free(&same.seed);
		secret_free(&o.seed);
		assert_memory_equal(&same, &o, sizeof(o));
		otp_clear(&o);
	}
	buf_free(&b);
}

static const struct bad {
	const char *name, *uri, *why;
} bads[] = {
	{ "nothing", "", "begin" },
	{ "another scheme", "https://totp/alice?secret=" SECRET, "begin" },
	{ "no label", "otpauth://totp", "form" },
	{ "no query", "otpauth://totp/alice", "form" },
	{ "another type", "otpauth://motp/alice?secret=" SECRET, "type" },
	{ "a type with more", "otpauth://totpx/alice?secret=" SECRET, "type" },
	{ "no secret", "otpauth://totp/alice?digits=6", "no secret" },
	{ "an empty secret", "otpauth://totp/alice?secret=", "128 bits" },
	{ "a secret without value", "otpauth://totp/alice?secret", "no value" },
	{ "a short secret", "otpauth://totp/alice?secret=GEZDGNBVGY3TQOJQ", "128 bits" },
	{ "a secret that is no base32", "otpauth://totp/alice?secret=1EZDGNBVGY3TQOJQGEZDGNBVGY", "base32" },
	{ "two secrets", "otpauth://totp/alice?secret=" SECRET "&secret=" SECRET, "twice" },
	{ "digits twice", "otpauth://totp/a?digits=6&secret=" SECRET "&digits=6", "twice" },
	{ "five digits", "otpauth://totp/a?secret=" SECRET "&digits=5", "digits" },
	{ "nine digits", "otpauth://totp/a?secret=" SECRET "&digits=9", "digits" },
	{ "many digits", "otpauth://totp/a?secret=" SECRET "&digits=4294967302", "number" },
	{ "negative digits", "otpauth://totp/a?secret=" SECRET "&digits=-6", "number" },
	{ "no digits", "otpauth://totp/a?secret=" SECRET "&digits=", "number" },
	{ "no period", "otpauth://totp/a?secret=" SECRET "&period=0", "period" },
	{ "two hours", "otpauth://totp/a?secret=" SECRET "&period=7200", "period" },
	{ "a period that is no number", "otpauth://totp/a?secret=" SECRET "&period=30s", "number" },
	{ "another algorithm", "otpauth://totp/a?secret=" SECRET "&algorithm=MD5", "algorithm" },
	{ "SHA-3", "otpauth://totp/a?secret=" SECRET "&algorithm=SHA3-256", "algorithm" },
	{ "HOTP without counter", "otpauth://hotp/a?secret=" SECRET, "counter" },
	{ "a counter too large", "otpauth://hotp/a?secret=" SECRET "&counter=9223372036854775808", "number" },
	{ "a broken escape", "otpauth://totp/a%4?secret=" SECRET, "hexadecimal" },
	{ "a broken escape at the end", "otpauth://totp/a?secret=" SECRET "&issuer=%", "hexadecimal" },
	{ "a NUL in the label", "otpauth://totp/a%00b?secret=" SECRET, "control" },
	{ "a NUL in the secret", "otpauth://totp/a?secret=" SECRET "%00", "base32" },
	{ "an escape sequence in the issuer", "otpauth://totp/a?secret=" SECRET "&issuer=%1b[31m", "control" },
	{ "not UTF-8", "otpauth://totp/a%ff?secret=" SECRET, "UTF-8" }
};

static void
test_bad(void **state)
{
	const char *why;
	struct otp o;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(bads); i++) {
		print_message("%s\n", bads[i].name);
		memset(&o, 0x5a, sizeof(o));
		why = NULL;
		assert_int_equal(otpauth_parse(bads[i].uri, strlen(bads[i].uri), &o, &why), TSR_INVALID);
		assert_non_null(why);
		assert_non_null(strstr(why, bads[i].why));
		assert_null(strstr(why, "GEZD"));
		assert_int_equal(o.digits, 0x5a5a5a5a);
	}
}

static void
test_long(void **state)
{
	static char uri[OTPAUTH_MAX + 2];
	const char *why = NULL;
	struct otp o;
	size_t n;

	(void)state;
	memset(uri, 'x', sizeof(uri));
	memcpy(uri, "otpauth://totp/", 15);
	assert_int_equal(otpauth_parse(uri, OTPAUTH_MAX + 1, &o, &why), TSR_INVALID);
	assert_non_null(strstr(why, "4096"));
	/* a label of 129 bytes; of 513 */
	memcpy(uri + 15 + 129, "?secret=" SECRET, 8 + strlen(SECRET));
	n = 15 + 129 + 8 + strlen(SECRET);
	assert_int_equal(otpauth_parse(uri, n, &o, &why), TSR_INVALID);
	assert_non_null(strstr(why, "128"));
	assert_int_equal(otpauth_parse(uri, 15, &o, &why), TSR_INVALID);
	memset(uri + 15, 'x', sizeof(uri) - 15);
	memcpy(uri + 15 + 513, "?secret=" SECRET, 8 + strlen(SECRET));
	assert_int_equal(otpauth_parse(uri, n + 384, &o, &why), TSR_INVALID);
	assert_non_null(strstr(why, "too long"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_long)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
