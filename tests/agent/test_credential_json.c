/*
 * test_credential_json.c - one credential that is damaged is shown, and does
 * not take the others with it.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/credential_json.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <setjmp.h>
#include <cmocka.h>

#include "include/tessera.h"
#include "token/json.h"

static const struct row {
	const char *name, *label, *shown;
} rows[] = {
	{ "text", "x\xc3\xbc", "x\xc3\xbc" },
	{ "half a character", "x\xc3", "x\\xc3" },
	{ "a stray byte", "\xff", "\\xff" },
	{ "64 stray bytes", "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80"
	    "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80"
	    "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80"
	    "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80", NULL },
};

static void
every_label_becomes_json(void **state)
{
	struct credential c;
	const char *label;
	struct buf b;
	json_t *o;
	size_t i;

	(void)state;
	memset(&c, 0, sizeof(c));
	c.algorithm = PROTO_ED25519;
	c.acr = ACR_SOFTWARE;
	c.state = CREDENTIAL_ACTIVE;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		print_message("%s\n", rows[i].name);
		buf_init(&b, 16384);
		(void)snprintf(c.key_label, sizeof(c.key_label), "%s", rows[i].label);
		assert_int_equal(credential_json(&b, &c), TSR_OK);
		assert_int_equal(json_read_object((const char *)b.data, b.len, 3, &o), TSR_OK);
		label = json_string_value(json_object_get(json_object_get(o, "key"), "label"));
		if (rows[i].shown != NULL)
			assert_string_equal(label, rows[i].shown);
		else
			assert_int_equal(strlen(label), 4 * strlen(rows[i].label));
		json_decref(o);
		buf_free(&b);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_label_becomes_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
