/*
 * test_uri.c - PKCS#11 URIs: RFC 7512's own, as far as they name a key, and
 * what is refused.
 *
 * SPDX-License-Identifier: ISC
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/uri.h"
#include "base/buf.h"
#include "include/tessera.h"

static const struct good {
	const char *name, *text;
	struct uri want;
	const char *written;	/* NULL: as text */
} good[] = {
	{ "RFC 7512 section 3: an object", "pkcs11:object=my-pubkey;type=public",
	    { .object = "my-pubkey" }, "pkcs11:object=my-pubkey" },
	{ "RFC 7512 section 3: a certificate by its id", "pkcs11:object=my-key;type=private",
	    { .object = "my-key" }, "pkcs11:object=my-key" },
	{ "RFC 7512 section 3: a token",
	    "pkcs11:token=The%20Software%20PKCS%2311%20Softtoken;manufacturer=Snake%20Oil,%20Inc.;"
	    "model=1.0;object=my-certificate;type=cert;id=%69%95%3E%5C%F4%BD%EC%91;serial=",
	    { .token = "" }, "" },
	{ "RFC 7512 section 3: a token, its serial given",
	    "pkcs11:token=The%20Software%20PKCS%2311%20Softtoken;manufacturer=Snake%20Oil,%20Inc.;"
	    "model=1.0;object=my-certificate;type=cert;id=%69%95%3E%5C%F4%BD%EC%91;serial=1",
	    { .token = "The Software PKCS#11 Softtoken", .manufacturer = "Snake Oil, Inc.",
	    .model = "1.0", .object = "my-certificate", .serial = "1", .has_id = 1, .id_len = 8,
	    .id = { 0x69, 0x95, 0x3e, 0x5c, 0xf4, 0xbd, 0xec, 0x91 } },
	    "pkcs11:token=The%20Software%20PKCS%2311%20Softtoken;manufacturer=Snake%20Oil,%20Inc.;"
	    "model=1.0;serial=1;id=%69%95%3e%5c%f4%bd%ec%91;object=my-certificate" },
	{ "RFC 7512 section 3: UTF-8 encoded", "pkcs11:token=%C5%BElu%C5%A5ou%C4%8Dk%C3%BD",
	    { .token = "\xc5\xbelu\xc5\xa5ou\xc4\x8dk\xc3\xbd" },
	    "pkcs11:token=%c5%belu%c5%a5ou%c4%8dk%c3%bd" },
	{ "RFC 7512 section 2.3: what stands for itself", "pkcs11:object=-._~:[]@!$'()*+,=&az09",
	    { .object = "-._~:[]@!$'()*+,=&az09" }, NULL },
	{ "a NUL byte in an id", "pkcs11:id=%00", { .has_id = 1, .id_len = 1 }, NULL },
	{ "an id of plain characters", "pkcs11:id=AB", { .has_id = 1, .id_len = 2, .id = { 'A', 'B' } },
	    "pkcs11:id=%41%42" },
	{ "a separator that is encoded", "pkcs11:token=a%3Bb%3Fc", { .token = "a;b?c" },
	    "pkcs11:token=a%3bb%3fc" },
};

static const struct bad {
	const char *name, *text, *says;	/* says: what the complaint must name */
} bad[] = {
	{ "RFC 7512 section 2.4: pin-value", "pkcs11:token=a?pin-value=1234", "\"?\"" },
	{ "RFC 7512 section 2.4: pin-source", "pkcs11:token=a?pin-source=file:/etc/pin", "\"?\"" },
	{ "RFC 7512 section 2.4: module-path", "pkcs11:token=a?module-path=/tmp/evil.so", "\"?\"" },
	{ "pin-value in the path", "pkcs11:token=a;pin-value=1234", "pin-value" },
	{ "a query alone", "pkcs11:?", "\"?\"" },
	{ "an unknown attribute", "pkcs11:token=a;colour=red", "colour" },
	{ "a vendor's attribute", "pkcs11:x-vendor=a", "x-vendor" },
	{ "a slot, which names no key for ever", "pkcs11:slot-id=0", "slot-id" },
	{ "another case", "pkcs11:Token=a", "Token" },
	{ "RFC 7512 section 2.3: twice", "pkcs11:token=a;token=a", "token" },
	{ "id twice", "pkcs11:id=%01;id=%01", "id" },
	{ "type twice", "pkcs11:object=a;type=cert;type=cert", "type" },
	{ "a type that is none", "pkcs11:object=a;type=certificate", "type" },
	{ "a type cut short", "pkcs11:object=a;type=priv", "type" },
	{ "a secret key", "pkcs11:object=a;type=secret-key", "type" },
	{ "percent at the end", "pkcs11:token=a%", "token" },
	{ "percent and one digit", "pkcs11:token=a%4", "token" },
	{ "percent and no digits", "pkcs11:token=a%zz", "token" },
	{ "NUL in a text", "pkcs11:token=a%00b", "token" },
	{ "a line break in a text", "pkcs11:token=a%0Ab", "token" },
	{ "not UTF-8", "pkcs11:token=%ff", "token" },
	{ "a blank", "pkcs11:token=a b", "token" },
	{ "a byte that must be encoded", "pkcs11:token=a/b", "token" },
	{ "an empty text", "pkcs11:token=", "token" },
	{ "an empty id", "pkcs11:id=", "id" },
	{ "an attribute without a value", "pkcs11:token", "token" },
	{ "an empty attribute", "pkcs11:token=a;;object=b", "\"\"" },
	{ "a separator at the end", "pkcs11:token=a;", "\"\"" },
	{ "nothing named", "pkcs11:", "\"\"" },
	{ "another scheme", "pkcs12:token=a", "pkcs11:" },
	{ "a scheme in capitals", "PKCS11:token=a", "pkcs11:" },
	{ "nothing", "", "pkcs11:" },
};

static void
test_good(void **state)
{
	char err[256];
	struct uri u, again;
	struct buf b;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		memset(&u, 0xee, sizeof(u));
		if (good[i].written != NULL && good[i].written[0] == '\0') {	/* an empty serial */
			assert_int_equal(uri_parse(good[i].text, &u, err, sizeof(err)), TSR_INVALID);
			assert_non_null(strstr(err, "serial"));
			continue;
		}
		if (uri_parse(good[i].text, &u, err, sizeof(err)) != TSR_OK)
			fail_msg("%s: %s", good[i].name, err);
		if (memcmp(&u, &good[i].want, sizeof(u)) != 0)
			fail_msg("%s: read as something else", good[i].name);
		buf_init(&b, 8192);
		assert_int_equal(uri_write(&b, &u), TSR_OK);
		assert_int_equal(buf_put_u8(&b, 0), TSR_OK);
		assert_string_equal((const char *)b.data,
		    good[i].written != NULL ? good[i].written : good[i].text);
		assert_int_equal(uri_parse((const char *)b.data, &again, err, sizeof(err)), TSR_OK);
		assert_memory_equal(&again, &u, sizeof(u));
		buf_free(&b);
	}
}

static void
test_bad(void **state)
{
	struct uri u, before;
	char err[256], *text;
	size_t i;

	(void)state;
	memset(&u, 0xee, sizeof(u));
	before = u;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		/* a copy that ends where the text ends, for the sanitizer */
		assert_non_null(text = strdup(bad[i].text));
		if (uri_parse(text, &u, err, sizeof(err)) != TSR_INVALID)
			fail_msg("%s: accepted", bad[i].name);
		if (strstr(err, bad[i].says) == NULL)
			fail_msg("%s: said \"%s\"", bad[i].name, err);
		assert_memory_equal(&u, &before, sizeof(u));
		free(text);
	}
}

/* name=aaa with n characters */
static int
parse_long(const char *name, size_t n)
{
	static char text[8192];
	char err[256];
	struct uri u;

	(void)snprintf(text, sizeof(text), "pkcs11:%s=%0*d", name, (int)n, 0);
	return uri_parse(text, &u, err, sizeof(err));
}

static void
test_long(void **state)
{
	(void)state;
	assert_int_equal(parse_long("token", URI_TEXT_MAX - 1), TSR_OK);
	assert_int_equal(parse_long("token", URI_TEXT_MAX), TSR_INVALID);
	assert_int_equal(parse_long("id", URI_ID_MAX), TSR_OK);
	assert_int_equal(parse_long("id", URI_ID_MAX + 1), TSR_INVALID);
	assert_int_equal(parse_long("object", 4000), TSR_INVALID);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
