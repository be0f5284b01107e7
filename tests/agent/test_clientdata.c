/*
 * test_clientdata.c - a browser's client data (WebAuthn level 3 section 5.8.1, 7.2
 * steps 10 to 14), clause by clause and bit by bit; and the JSON around it (5.1.8).
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/clientdata.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <cmocka.h>

#include "agent/webauthn.h"
#include "include/tessera.h"
#include "token/b64.h"
#include "token/json.h"

#define ORIGIN	"https://login.example"
#define OTHER	"https://login.example:8443"
#define CHALLENGE	"dGhlIGNoYWxsZW5nZSBvZiB0aGlzIHJlcXVlc3Q"	/* below, in base64url */
#define GET	"\"type\":\"webauthn.get\""
#define ASKED	"\"challenge\":\"" CHALLENGE "\""
#define PAGE	"\"origin\":\"" ORIGIN "\""

static char *origins[] = { (char[]){ ORIGIN }, (char[]){ OTHER } };
static const struct strings ours = { origins, 2 };
static const struct clientdata_policy policy = {
	CLIENTDATA_GET, (const uint8_t *)"the challenge of this request", 29, &ours
};

static const struct row {
	const char *name, *text;
	enum clientdata_fault fault;
} rows[] = {
	{ "as Chrome writes it", "{" GET "," ASKED "," PAGE ",\"crossOrigin\":false,"
	    "\"other_keys_can_be_added_here\":\"do not compare\"}", CLIENTDATA_GOOD },
	{ "as Firefox writes it", "{" GET "," ASKED "," PAGE "}", CLIENTDATA_GOOD },
	{ "another order", "{" PAGE "," ASKED "," GET "}", CLIENTDATA_GOOD },
	{ "escapes in a value", "{\"type\":\"webauthn\\u002eget\"," ASKED "," PAGE "}", CLIENTDATA_GOOD },
	{ "another origin of ours", "{" GET "," ASKED ",\"origin\":\"" OTHER "\"}", CLIENTDATA_GOOD },
	{ "members of later days", "{" GET "," ASKED "," PAGE ",\"x\":{\"y\":[1,{\"z\":null}]}}",
	    CLIENTDATA_GOOD },
	{ "7.2 step 11: type of an enrolment", "{\"type\":\"webauthn.create\"," ASKED "," PAGE "}",
	    CLIENTDATA_TYPE },
	{ "type of a payment", "{\"type\":\"payment.get\"," ASKED "," PAGE "}", CLIENTDATA_TYPE },
	{ "type absent", "{" ASKED "," PAGE "}", CLIENTDATA_TYPE },
	{ "type no string", "{\"type\":1," ASKED "," PAGE "}", CLIENTDATA_TYPE },
	{ "type as its beginning", "{\"type\":\"webauthn.ge\"," ASKED "," PAGE "}", CLIENTDATA_TYPE },
	{ "type with more", "{\"type\":\"webauthn.gets\"," ASKED "," PAGE "}", CLIENTDATA_TYPE },
	{ "7.2 step 12: another challenge", "{" GET ",\"challenge\":\"AAAA\"," PAGE "}",
	    CLIENTDATA_CHALLENGE },
	{ "challenge absent", "{" GET "," PAGE "}", CLIENTDATA_CHALLENGE },
	{ "challenge empty", "{" GET ",\"challenge\":\"\"," PAGE "}", CLIENTDATA_CHALLENGE },
	{ "challenge with padding", "{" GET ",\"challenge\":\"" CHALLENGE "=\"," PAGE "}",
	    CLIENTDATA_CHALLENGE },
	{ "challenge as an array", "{" GET ",\"challenge\":[\"" CHALLENGE "\"]," PAGE "}",
	    CLIENTDATA_CHALLENGE },
	{ "7.2 step 13: another origin", "{" GET "," ASKED ",\"origin\":\"https://evil.example\"}",
	    CLIENTDATA_ORIGIN },
	{ "origin absent", "{" GET "," ASKED "}", CLIENTDATA_ORIGIN },
	{ "origin of a page above", "{" GET "," ASKED ",\"origin\":\"https://example\"}", CLIENTDATA_ORIGIN },
	{ "origin with a slash", "{" GET "," ASKED ",\"origin\":\"" ORIGIN "/\"}", CLIENTDATA_ORIGIN },
	{ "origin in capitals", "{" GET "," ASKED ",\"origin\":\"https://LOGIN.example\"}",
	    CLIENTDATA_ORIGIN },
	{ "origin of another port", "{" GET "," ASKED ",\"origin\":\"" ORIGIN ":8080\"}", CLIENTDATA_ORIGIN },
	{ "origin of an app", "{" GET "," ASKED ",\"origin\":\"android:apk-key-hash:AAAA\"}",
	    CLIENTDATA_ORIGIN },
	{ "7.2 step 14: within another page", "{" GET "," ASKED "," PAGE ",\"crossOrigin\":true}",
	    CLIENTDATA_CROSS },
	{ "crossOrigin no boolean", "{" GET "," ASKED "," PAGE ",\"crossOrigin\":0}", CLIENTDATA_CROSS },
	{ "crossOrigin null", "{" GET "," ASKED "," PAGE ",\"crossOrigin\":null}", CLIENTDATA_CROSS },
	{ "topOrigin", "{" GET "," ASKED "," PAGE ",\"topOrigin\":\"" ORIGIN "\"}", CLIENTDATA_CROSS },
	{ "a member twice", "{" GET "," GET "," ASKED "," PAGE "}", CLIENTDATA_MALFORMED },
	{ "a member twice, one escaped", "{\"typ\\u0065\":\"webauthn.create\"," GET "," ASKED "," PAGE "}",
	    CLIENTDATA_MALFORMED },
	{ "a byte order mark", "\xef\xbb\xbf{" GET "," ASKED "," PAGE "}", CLIENTDATA_MALFORMED },
	{ "bytes behind it", "{" GET "," ASKED "," PAGE "}x", CLIENTDATA_MALFORMED },
	{ "not UTF-8", "{" GET "," ASKED "," PAGE ",\"x\":\"\xff\"}", CLIENTDATA_MALFORMED },
	{ "cut short", "{" GET "," ASKED "," PAGE, CLIENTDATA_MALFORMED },
	{ "an array", "[]", CLIENTDATA_MALFORMED },
	{ "nothing", "", CLIENTDATA_MALFORMED },
	{ "deep", "{" GET "," ASKED "," PAGE ",\"x\":[[[[1]]]]}", CLIENTDATA_MALFORMED },
};

static void
each_row(void **state)
{
	enum clientdata_fault fault;
	size_t i;
	int r;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		print_message("%s\n", rows[i].name);
		r = clientdata_check(&policy, rows[i].text, strlen(rows[i].text), &fault);
		assert_int_equal(fault, rows[i].fault);
		assert_int_equal(r, rows[i].fault == CLIENTDATA_GOOD ? TSR_OK : TSR_DENIED);
		assert_true(strlen(clientdata_fault_text(fault)) > 3);
	}
}

/* None of them is taken that alters what is looked at; the hash takes care of the
 * rest. */
static void
each_bit(void **state)
{
	char text[] = "{" GET "," ASKED "," PAGE "}";
	enum clientdata_fault fault;
	size_t bit, n = strlen(text);

	(void)state;
	for (bit = 0; bit < 8 * n; bit++) {
		text[bit / 8] = (char)(text[bit / 8] ^ 1 << bit % 8);
		assert_int_equal(clientdata_check(&policy, text, n, &fault), TSR_DENIED);
		text[bit / 8] = (char)(text[bit / 8] ^ 1 << bit % 8);
	}
	assert_int_equal(clientdata_check(&policy, text, n, &fault), TSR_OK);
}

static void
bounds(void **state)
{
	struct clientdata_policy p = policy;
	enum clientdata_fault fault;
	char text[CLIENTDATA_MAX + 2];
	size_t n;

	(void)state;
	n = (size_t)snprintf(text, sizeof(text), "{%s,%s,%s", GET, ASKED, PAGE);
	memset(text + n, ' ', sizeof(text) - n);
	text[CLIENTDATA_MAX - 1] = '}';
	assert_int_equal(clientdata_check(&policy, text, CLIENTDATA_MAX, &fault), TSR_OK);
	text[CLIENTDATA_MAX - 1] = ' ';
	text[CLIENTDATA_MAX] = '}';
	assert_int_equal(clientdata_check(&policy, text, CLIENTDATA_MAX + 1, &fault), TSR_DENIED);
	/* no challenge is no permission */
	p.challenge_len = 0;
	assert_int_equal(clientdata_check(&p, "{" GET ",\"challenge\":\"\"," PAGE "}",
	    strlen("{" GET ",\"challenge\":\"\"," PAGE "}"), &fault), TSR_DENIED);
}

/* --- the JSON around it --- */

#define DATA	"\"authenticatorData\":\"YQ\""
#define SIG	"\"signature\":\"YWI\""
#define CLIENT	"\"clientDataJSON\":\"YWJj\""
#define OBJECT	"\"attestationObject\":\"YWJj\""

static const struct outer {
	const char *name;
	int registration;
	const char *text, *what;	/* NULL: it is good */
} outers[] = {
	{ "a client without a browser", 0, "{\"id\":\"YQ\",\"response\":{" DATA "," SIG "}}", NULL },
	{ "a browser", 0, "{\"id\":\"YQ\",\"rawId\":\"YQ\",\"type\":\"public-key\","
	    "\"authenticatorAttachment\":\"platform\",\"clientExtensionResults\":{\"a\":{}},"
	    "\"response\":{" DATA "," SIG "," CLIENT ",\"userHandle\":\"YQ\"}}", NULL },
	{ "no user handle", 0, "{\"id\":\"YQ\",\"response\":{" DATA "," SIG "," CLIENT
	    ",\"userHandle\":null}}", NULL },
	{ "client data null", 0, "{\"id\":\"YQ\",\"response\":{" DATA "," SIG ",\"clientDataJSON\":null}}",
	    "clientDataJSON" },
	{ "client data empty", 0, "{\"id\":\"YQ\",\"response\":{" DATA "," SIG ",\"clientDataJSON\":\"\"}}",
	    "clientDataJSON" },
	{ "id absent", 0, "{\"response\":{" DATA "," SIG "}}", "id" },
	{ "id empty", 0, "{\"id\":\"\",\"response\":{" DATA "," SIG "}}", "id" },
	{ "id with padding", 0, "{\"id\":\"YQ==\",\"response\":{" DATA "," SIG "}}", "id" },
	{ "id in another spelling", 0, "{\"id\":\"YR\",\"response\":{" DATA "," SIG "}}", "id" },
	{ "ids that differ", 0, "{\"id\":\"YQ\",\"rawId\":\"Yg\",\"response\":{" DATA "," SIG "}}", "rawId" },
	{ "another type", 0, "{\"id\":\"YQ\",\"type\":\"password\",\"response\":{" DATA "," SIG "}}", "type" },
	{ "no response", 0, "{\"id\":\"YQ\"}", "response" },
	{ "response as text", 0, "{\"id\":\"YQ\",\"response\":\"\"}", "response" },
	{ "data absent", 0, "{\"id\":\"YQ\",\"response\":{" SIG "}}", "authenticatorData" },
	{ "signature a number", 0, "{\"id\":\"YQ\",\"response\":{" DATA ",\"signature\":1}}", "signature" },
	{ "signature too long", 0, "{\"id\":\"YQ\",\"response\":{" DATA ",\"signature\":\""
	    "YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFh"
	    "YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFh"
	    "\"}}", "signature" },
	{ "an unknown member", 0, "{\"id\":\"YQ\",\"x\":1,\"response\":{" DATA "," SIG "}}",
	    "a member that is not known" },
	{ "an unknown member within", 0, "{\"id\":\"YQ\",\"response\":{" DATA "," SIG ",\"x\":1}}",
	    "a member that is not known" },
	{ "a registration for an assertion", 0, "{\"id\":\"YQ\",\"response\":{" CLIENT "," OBJECT "}}",
	    "authenticatorData" },
	{ "registered", 1, "{\"id\":\"YQ\",\"response\":{" CLIENT "," OBJECT
	    ",\"transports\":[\"usb\",\"nfc\"],\"publicKeyAlgorithm\":-7,\"publicKey\":null}}", NULL },
	{ "registered without client data", 1, "{\"id\":\"YQ\",\"response\":{" OBJECT "}}",
	    "clientDataJSON" },
	{ "no attestation object", 1, "{\"id\":\"YQ\",\"response\":{" CLIENT "}}", "attestationObject" },
	{ "transports that are none", 1, "{\"id\":\"YQ\",\"response\":{" CLIENT "," OBJECT
	    ",\"transports\":[\"u\\\"b\"]}}", "transports" },
	{ "transports as an object", 1, "{\"id\":\"YQ\",\"response\":{" CLIENT "," OBJECT
	    ",\"transports\":{}}}", "transports" },
	{ "transports without end", 1, "{\"id\":\"YQ\",\"response\":{" CLIENT "," OBJECT ",\"transports\":["
	    "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"]}}", "transports" },
	{ "an assertion for a registration", 1, "{\"id\":\"YQ\",\"response\":{" CLIENT "," DATA "," SIG "}}",
	    "a member that is not known" },
};

static void
each_response(void **state)
{
	struct webauthn *w;
	const char *what;
	json_t *o;
	size_t i;
	int r;

	(void)state;
	for (i = 0; i < sizeof(outers) / sizeof(outers[0]); i++) {
		print_message("%s\n", outers[i].name);
		w = NULL;
		what = "";
		assert_int_equal(json_read_object(outers[i].text, strlen(outers[i].text), 8, &o), TSR_OK);
		r = outers[i].registration ? webauthn_read_registration(o, &w, &what) :
		    webauthn_read_assertion(o, &w, &what);
		if (outers[i].what == NULL) {
			assert_int_equal(r, TSR_OK);
			assert_int_equal(w->browser, strstr(outers[i].text, "clientDataJSON") != NULL);
			assert_string_equal(w->transports, strstr(outers[i].text, "nfc") != NULL ? "usb nfc" : "");
			assert_memory_equal(w->id, "a", w->id_len);
		} else {
			assert_int_equal(r, TSR_INVALID);
			assert_string_equal(what, outers[i].what);
			assert_null(w);
		}
		free(w);
		json_decref(o);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_row),
		cmocka_unit_test(each_bit),
		cmocka_unit_test(bounds),
		cmocka_unit_test(each_response),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
