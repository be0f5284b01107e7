/*
 * test_key.c - what a virtual key refuses and answers, command by command
 * (CTAP 2.1 section 6), without a PIN.
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

#include "diag.h"
#include "sim/key.h"
#include "sim/key_cred.h"
#include "tessera.h"

#define WHO	"1: 32*11, 2: {\"id\": \"a.test\"}, 3: {\"id\": h'01', \"name\": \"n\"}, "
#define ALGS	"4: [{\"alg\": -7, \"type\": \"public-key\"}]"
#define ASK	"1: \"a.test\", 2: 32*11"
#define COSE	"{1: 2, 3: -25, -1: 1, -2: 32*11, -3: 32*22}"

static int
key_new(void **state)
{
	struct key *k = calloc(1, sizeof(*k));

	assert_non_null(k);
	assert_int_equal(key_init(k, NULL), TSR_OK);
	k->touched = true;
	*state = k;
	return 0;
}

static int
key_gone(void **state)
{
	key_free(*state);
	free(*state);
	return 0;
}

/* Its status; the reply goes to out where that is not NULL. */
static int
ask(struct key *k, uint8_t command, const char *text, struct cbor_out *out)
{
	struct cbor_out q, o;
	int status;

	cbor_out_init(&q, CTAP_MESSAGE);
	cbor_out_init(&o, CTAP_MESSAGE);
	cbor_out_raw(&q, &command, 1);
	if (text[0] != '\0')
		diag(&q, text);
	status = key_request(k, q.buf.data, q.buf.len, out != NULL ? out : &o);
	cbor_out_free(&q);
	cbor_out_free(&o);
	return status;
}

static const struct row {
	const char *name;
	const char *set;		/* settings, apart by blanks */
	uint8_t command;
	const char *q;
	int status;
} rows[] = {
	{ "an unknown command", "", 0x42, "", CTAP_INVALID_COMMAND },
	{ "bio enrolment", "", 0x09, "{}", CTAP_INVALID_COMMAND },
	{ "large blobs", "", 0x0c, "{}", CTAP_INVALID_COMMAND },
	{ "selection", "", CTAP_SELECTION, "", CTAP_OK },
	{ "selection in 2.0", "version=2.0", CTAP_SELECTION, "", CTAP_INVALID_COMMAND },
	{ "getInfo", "", CTAP_GET_INFO, "", CTAP_OK },
	{ "an array for parameters", "", CTAP_GET_ASSERTION, "[1]", CTAP_UNEXPECTED_TYPE },

	{ "make: nothing", "", 1, "", CTAP_MISSING_PARAMETER },
	{ "make: an empty map", "", 1, "{}", CTAP_MISSING_PARAMETER },
	{ "make", "", 1, "{" WHO ALGS "}", CTAP_OK },
	{ "make: a hash of 31 bytes", "", 1, "{1: 31*11}", CTAP_INVALID_LENGTH },
	{ "make: a hash that is text", "", 1, "{1: \"a\"}", CTAP_UNEXPECTED_TYPE },
	{ "make: no relying party", "", 1, "{1: 32*11, 3: {\"id\": h'01'}, " ALGS "}",
	    CTAP_MISSING_PARAMETER },
	{ "make: a relying party without id", "", 1,
	    "{1: 32*11, 2: {\"name\": \"a\"}, 3: {\"id\": h'01'}, " ALGS "}", CTAP_MISSING_PARAMETER },
	{ "make: its id in bytes", "", 1,
	    "{1: 32*11, 2: {\"id\": h'61'}, 3: {\"id\": h'01'}, " ALGS "}", CTAP_UNEXPECTED_TYPE },
	{ "make: a user that is text", "", 1,
	    "{1: 32*11, 2: {\"id\": \"a\"}, 3: \"a\", " ALGS "}", CTAP_UNEXPECTED_TYPE },
	{ "make: a user without id", "", 1,
	    "{1: 32*11, 2: {\"id\": \"a\"}, 3: {\"name\": \"a\"}, " ALGS "}", CTAP_MISSING_PARAMETER },
	{ "make: a user id of 65 bytes", "", 1,
	    "{1: 32*11, 2: {\"id\": \"a\"}, 3: {\"id\": 65*11}, " ALGS "}", CTAP_INVALID_LENGTH },
	{ "make: no algorithms", "", 1, "{1: 32*11, 2: {\"id\": \"a\"}, 3: {\"id\": h'01'}}",
	    CTAP_MISSING_PARAMETER },
	{ "make: only RS256", "", 1, "{" WHO "4: [{\"alg\": -257, \"type\": \"public-key\"}]}",
	    CTAP_UNSUPPORTED_ALGORITHM },
	{ "make: another type", "", 1, "{" WHO "4: [{\"alg\": -7, \"type\": \"password\"}]}",
	    CTAP_UNSUPPORTED_ALGORITHM },
	{ "make: no type", "", 1, "{" WHO "4: [{\"alg\": -7}]}", CTAP_MISSING_PARAMETER },
	{ "make: ES256 switched off", "algorithms=eddsa", 1, "{" WHO ALGS "}",
	    CTAP_UNSUPPORTED_ALGORITHM },
	{ "make: up=false", "", 1, "{" WHO ALGS ", 7: {\"up\": false}}", CTAP_INVALID_OPTION },
	{ "make: uv without any", "", 1, "{" WHO ALGS ", 7: {\"uv\": true}}", CTAP_INVALID_OPTION },
	{ "make: uv that is not set up", "uv=unset", 1, "{" WHO ALGS ", 7: {\"uv\": true}}",
	    CTAP_INVALID_OPTION },
	{ "make: uv", "uv=ok", 1, "{" WHO ALGS ", 7: {\"uv\": true}}", CTAP_OK },
	{ "make: uv that fails", "uv=fail", 1, "{" WHO ALGS ", 7: {\"uv\": true}}", CTAP_UV_INVALID },
	{ "make: uv without tries", "uv=ok uv-tries=0", 1, "{" WHO ALGS ", 7: {\"uv\": true}}",
	    CTAP_UV_BLOCKED },
	{ "make: rk that is a number", "", 1, "{" WHO ALGS ", 7: {\"rk\": 1}}", CTAP_UNEXPECTED_TYPE },
	{ "make: rk", "", 1, "{" WHO ALGS ", 7: {\"rk\": true}}", CTAP_OK },
	{ "make: rk where there are none", "resident=0", 1, "{" WHO ALGS ", 7: {\"rk\": true}}",
	    CTAP_UNSUPPORTED_OPTION },
	{ "make: rk without a PIN that is set", "pin=1234", 1, "{" WHO ALGS ", 7: {\"rk\": true}}",
	    CTAP_PUAT_REQUIRED },
	{ "make: not rk, with a PIN that is set", "pin=1234", 1, "{" WHO ALGS "}", CTAP_OK },
	{ "make in 2.0 with a PIN that is set", "version=2.0 pin=1234", 1, "{" WHO ALGS "}",
	    CTAP_PUAT_REQUIRED },
	{ "make: credProtect 4", "", 1, "{" WHO ALGS ", 6: {\"credProtect\": 4}}", CTAP_INVALID_OPTION },
	{ "make: credProtect true", "", 1, "{" WHO ALGS ", 6: {\"credProtect\": true}}",
	    CTAP_UNEXPECTED_TYPE },
	{ "make: hmac-secret 1", "", 1, "{" WHO ALGS ", 6: {\"hmac-secret\": 1}}", CTAP_UNEXPECTED_TYPE },
	{ "make: enterprise attestation", "", 1, "{" WHO ALGS ", 10: 1}", CTAP_INVALID_PARAMETER },
	{ "make: an exclude list that is a map", "", 1, "{" WHO ALGS ", 5: {}}", CTAP_UNEXPECTED_TYPE },
	{ "make: an entry without id", "", 1, "{" WHO ALGS ", 5: [{\"type\": \"public-key\"}]}",
	    CTAP_MISSING_PARAMETER },
	{ "make: a foreign one excluded", "", 1, "{" WHO ALGS ", 5: [{\"id\": 64*11}]}", CTAP_OK },
	{ "make: an empty pinAuth, no PIN", "", 1, "{" WHO ALGS ", 8: h''}", CTAP_PIN_NOT_SET },
	{ "make: an empty pinAuth, a PIN", "pin=1234", 1, "{" WHO ALGS ", 8: h''}", CTAP_PIN_INVALID },
	{ "make: pinAuth without protocol", "pin=1234", 1, "{" WHO ALGS ", 8: 16*00}",
	    CTAP_MISSING_PARAMETER },
	{ "make: pinAuth of protocol 3", "pin=1234", 1, "{" WHO ALGS ", 8: 16*00, 9: 3}",
	    CTAP_INVALID_PARAMETER },
	{ "make: pinAuth of one that is off", "pin=1234 protocols=1", 1,
	    "{" WHO ALGS ", 8: 32*00, 9: 2}", CTAP_INVALID_PARAMETER },
	{ "make: pinAuth without a token", "pin=1234", 1, "{" WHO ALGS ", 8: 16*00, 9: 1}",
	    CTAP_PIN_AUTH_INVALID },
	{ "make: refused by hand", "touch=deny", 1, "{" WHO ALGS "}", CTAP_OPERATION_DENIED },

	{ "assert: nothing", "", 2, "", CTAP_MISSING_PARAMETER },
	{ "assert: no hash", "", 2, "{1: \"a.test\"}", CTAP_MISSING_PARAMETER },
	{ "assert: a relying party in bytes", "", 2, "{1: h'61', 2: 32*11}", CTAP_UNEXPECTED_TYPE },
	{ "assert: a hash of 33 bytes", "", 2, "{1: \"a\", 2: 33*11}", CTAP_INVALID_LENGTH },
	{ "assert: none there", "", 2, "{" ASK "}", CTAP_NO_CREDENTIALS },
	{ "assert: a foreign one", "", 2, "{" ASK ", 3: [{\"id\": 64*11}]}", CTAP_NO_CREDENTIALS },
	{ "assert: a short one", "", 2, "{" ASK ", 3: [{\"id\": h'11'}]}", CTAP_NO_CREDENTIALS },
	{ "assert: an allow list of bytes", "", 2, "{" ASK ", 3: h'00'}", CTAP_UNEXPECTED_TYPE },
	{ "assert: a list of bytes", "", 2, "{" ASK ", 3: [h'00']}", CTAP_UNEXPECTED_TYPE },
	{ "assert: an id that is text", "", 2, "{" ASK ", 3: [{\"id\": \"a\"}]}", CTAP_UNEXPECTED_TYPE },
	{ "assert: rk", "", 2, "{" ASK ", 5: {\"rk\": true}}", CTAP_UNSUPPORTED_OPTION },
	{ "assert: uv without any", "", 2, "{" ASK ", 5: {\"uv\": true}}", CTAP_INVALID_OPTION },
	{ "assert: an empty pinAuth", "", 2, "{" ASK ", 6: h''}", CTAP_PIN_NOT_SET },
	{ "assert: pinAuth without a token", "pin=1234", 2, "{" ASK ", 6: 32*00, 7: 2}",
	    CTAP_PIN_AUTH_INVALID },
	{ "next: none before", "", CTAP_GET_NEXT_ASSERTION, "", CTAP_NOT_ALLOWED },

	{ "PIN: nothing", "", 6, "", CTAP_MISSING_PARAMETER },
	{ "PIN: no subcommand", "", 6, "{1: 1}", CTAP_MISSING_PARAMETER },
	{ "PIN: subcommand 8", "", 6, "{1: 1, 2: 8}", CTAP_INVALID_SUBCOMMAND },
	{ "PIN: 2.1's in 2.0", "version=2.0", 6, "{1: 1, 2: 9}", CTAP_INVALID_PARAMETER },
	{ "PIN: tries", "", 6, "{2: 1}", CTAP_OK },
	{ "PIN: tries of uv", "uv=ok", 6, "{2: 7}", CTAP_OK },
	{ "PIN: tries of uv without any", "", 6, "{1: 1, 2: 7}", CTAP_INVALID_SUBCOMMAND },
	{ "PIN: agreement", "", 6, "{1: 2, 2: 2}", CTAP_OK },
	{ "PIN: agreement of protocol 0", "", 6, "{1: 0, 2: 2}", CTAP_INVALID_PARAMETER },
	{ "PIN: agreement without protocol", "", 6, "{2: 2}", CTAP_MISSING_PARAMETER },
	{ "set: no new PIN", "", 6, "{1: 1, 2: 3, 3: " COSE ", 4: 16*00}", CTAP_MISSING_PARAMETER },
	{ "set: no pinAuth", "", 6, "{1: 1, 2: 3, 3: " COSE ", 5: 64*00}", CTAP_MISSING_PARAMETER },
	{ "set: no key", "", 6, "{1: 1, 2: 3, 4: 16*00, 5: 64*00}", CTAP_MISSING_PARAMETER },
	{ "set: a point that is not on the curve", "", 6,
	    "{1: 1, 2: 3, 3: " COSE ", 4: 16*00, 5: 64*00}", CTAP_INVALID_PARAMETER },
	{ "set: a key without y", "", 6,
	    "{1: 1, 2: 3, 3: {1: 2, 3: -25, -1: 1, -2: 32*11}, 4: 16*00, 5: 64*00}",
	    CTAP_INVALID_PARAMETER },
	{ "set: too long", "", 6, "{1: 1, 2: 3, 3: " COSE ", 4: 16*00, 5: 128*00}",
	    CTAP_INVALID_PARAMETER },
	{ "set: there is one", "pin=1234", 6, "{1: 1, 2: 3, 3: " COSE ", 4: 16*00, 5: 64*00}",
	    CTAP_PIN_AUTH_INVALID },
	{ "change: there is none", "", 6, "{1: 1, 2: 4, 3: " COSE ", 4: 16*00, 5: 64*00, 6: 16*00}",
	    CTAP_PIN_NOT_SET },
	{ "token: there is no PIN", "", 6, "{1: 1, 2: 5, 3: " COSE ", 6: 16*00}", CTAP_PIN_NOT_SET },
	{ "token: the old way with permissions", "pin=1234", 6,
	    "{1: 1, 2: 5, 3: " COSE ", 6: 16*00, 9: 1}", CTAP_INVALID_PARAMETER },
	{ "token: no permissions", "pin=1234", 6, "{1: 1, 2: 9, 3: " COSE ", 6: 16*00}",
	    CTAP_MISSING_PARAMETER },
	{ "token: permissions 0", "pin=1234", 6, "{1: 1, 2: 9, 3: " COSE ", 6: 16*00, 9: 0}",
	    CTAP_INVALID_PARAMETER },
	{ "token: a permission there is not", "pin=1234", 6,
	    "{1: 1, 2: 9, 3: " COSE ", 6: 16*00, 9: 8}", CTAP_UNAUTHORIZED_PERMISSION },
	{ "token: no relying party", "pin=1234", 6, "{1: 1, 2: 9, 3: " COSE ", 6: 16*00, 9: 2}",
	    CTAP_MISSING_PARAMETER },
	{ "token by uv without any", "", 6,
	    "{1: 1, 2: 6, 3: " COSE ", 9: 2, 10: \"a.test\"}", CTAP_NOT_ALLOWED },

	{ "manage: nothing", "", 10, "", CTAP_MISSING_PARAMETER },
	{ "manage: in 2.0", "version=2.0", 10, "{1: 1}", CTAP_INVALID_COMMAND },
	{ "manage: nothing to manage", "resident=0", 10, "{1: 1}", CTAP_INVALID_COMMAND },
	{ "manage: subcommand 7", "", 10, "{1: 7}", CTAP_INVALID_SUBCOMMAND },
	{ "manage: no token", "", 10, "{1: 1}", CTAP_PUAT_REQUIRED },
	{ "manage: a false token", "", 10, "{1: 1, 3: 1, 4: 16*00}", CTAP_PIN_AUTH_INVALID },
	{ "manage: next of none", "", 10, "{1: 3}", CTAP_NOT_ALLOWED },
	{ "manage: list of nobody", "", 10, "{1: 4}", CTAP_MISSING_PARAMETER },
	{ "manage: list of a short hash", "", 10, "{1: 4, 2: {1: 31*00}}", CTAP_INVALID_PARAMETER },
	{ "manage: delete nothing", "", 10, "{1: 6, 2: {}}", CTAP_MISSING_PARAMETER },
	{ "manage: delete without token", "", 10, "{1: 6, 2: {2: {\"id\": 64*00}}}", CTAP_PUAT_REQUIRED },

	{ "fault: a status", "fault=status:0x27", CTAP_GET_INFO, "", CTAP_OPERATION_DENIED },
	{ "fault: time-out", "fault=time-out", CTAP_GET_INFO, "", CTAP_USER_ACTION_TIMEOUT },
	{ "fault: cancel", "fault=cancel", CTAP_GET_INFO, "", CTAP_KEEPALIVE_CANCEL },
};

static void
settings(struct key *k, const char *set)
{
	char copy[256], *save = NULL, *word, *value;

	(void)snprintf(copy, sizeof(copy), "%s", set);
	for (word = strtok_r(copy, " ", &save); word != NULL; word = strtok_r(NULL, " ", &save)) {
		value = strchr(word, '=');
		assert_non_null(value);
		*value++ = '\0';
		assert_int_equal(key_set(k, word, value), TSR_OK);
	}
	key_fault_message(&k->fault);
}

static void
commands(void **state)
{
	struct cbor_out out;
	struct cbor item;
	struct key *k;
	size_t i;
	int status;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		key_new((void **)&k);
		settings(k, rows[i].set);
		cbor_out_init(&out, CTAP_MESSAGE);
		if ((status = ask(k, rows[i].command, rows[i].q, &out)) != rows[i].status)
			fail_msg("%s: 0x%02x, not 0x%02x", rows[i].name, (unsigned)status,
			    (unsigned)rows[i].status);
		/* what it writes is canonical */
		if (out.buf.len > 0 && cbor_parse(out.buf.data, out.buf.len, &item) != TSR_OK)
			fail_msg("%s: a reply that is not canonical", rows[i].name);
		cbor_out_free(&out);
		key_gone((void **)&k);
	}
}

static void
no_length(void **state)
{
	struct cbor_out out;

	cbor_out_init(&out, CTAP_MESSAGE);
	assert_int_equal(key_request(*state, NULL, 0, &out), CTAP_INVALID_LENGTH);
	assert_int_equal(key_request(*state, (const uint8_t *)"\x02\xa1\x01", 3, &out),
	    CTAP_INVALID_CBOR);
	assert_int_equal(key_request(*state, (const uint8_t *)"\x02\xbf\xff", 3, &out),
	    CTAP_INVALID_CBOR);
	cbor_out_free(&out);
}

/* Nothing happens before the touch. */
static void
waits(void **state)
{
	struct key *k = *state;

	k->touched = false;
	assert_int_equal(ask(k, 1, "{" WHO ALGS ", 7: {\"rk\": true}}", NULL), CTAP_WAIT);
	assert_int_equal(ask(k, 2, "{" ASK "}", NULL), CTAP_WAIT);
	assert_int_equal(ask(k, 2, "{" ASK ", 5: {\"up\": false}}", NULL), CTAP_NO_CREDENTIALS);
	assert_int_equal(ask(k, CTAP_RESET, "", NULL), CTAP_WAIT);
	assert_int_equal(ask(k, CTAP_SELECTION, "", NULL), CTAP_WAIT);
	assert_int_equal(key_cred_residents(k), 0);
	assert_int_equal(k->store.s.counter, 0);
}

/* A resident credential of that user; its id. */
static void
make(struct key *k, const char *user, const char *ext, uint8_t id[KEY_ID])
{
	struct cbor reply, authdata;
	struct cbor_out out;
	char q[512];

	cbor_out_init(&out, CTAP_MESSAGE);
	(void)snprintf(q, sizeof(q), "{1: 32*11, 2: {\"id\": \"a.test\"}, 3: {\"id\": h'%s'}, " ALGS
	    ", 6: {%s}, 7: {\"rk\": true}}", user, ext);
	assert_int_equal(ask(k, 1, q, &out), CTAP_OK);
	assert_int_equal(cbor_parse(out.buf.data, out.buf.len, &reply), TSR_OK);
	assert_int_equal(cbor_find(&reply, 2, &authdata), TSR_OK);
	memcpy(id, authdata.p + 55, KEY_ID);
	cbor_out_free(&out);
}

static void
residents(void **state)
{
	struct key *k = *state;
	uint8_t a[KEY_ID], b[KEY_ID], again[KEY_ID];

	make(k, "01", "", a);
	make(k, "02", "", b);
	assert_int_equal(key_cred_residents(k), 2);
	make(k, "01", "", again);
	assert_int_equal(key_cred_residents(k), 2);
	assert_null(key_cred_resident(k, a));		/* its place is taken */
	assert_int_equal(ask(k, 2, "{" ASK "}", NULL), CTAP_OK);
	assert_memory_equal(k->next.cred[0], again, KEY_ID);	/* the newest first */
	assert_int_equal(ask(k, 8, "", NULL), CTAP_OK);
	assert_int_equal(ask(k, 8, "", NULL), CTAP_NOT_ALLOWED);
	assert_int_equal(ask(k, 2, "{" ASK "}", NULL), CTAP_OK);
	k->now += 30001;
	assert_int_equal(ask(k, 8, "", NULL), CTAP_NOT_ALLOWED);
	assert_int_equal(key_set(k, "resident", "2"), TSR_OK);
	assert_int_equal(ask(k, 1, "{1: 32*11, 2: {\"id\": \"a.test\"}, 3: {\"id\": h'03'}, " ALGS
	    ", 7: {\"rk\": true}}", NULL), CTAP_KEY_STORE_FULL);
	make(k, "02", "\"credProtect\": 2", b);
	assert_int_equal(ask(k, 2, "{" ASK "}", NULL), CTAP_OK);
	assert_int_equal(ask(k, 8, "", NULL), CTAP_NOT_ALLOWED);	/* the other is not shown */
}

/* With its own id in the list. */
static int
with_id(struct key *k, const uint8_t id[KEY_ID], uint8_t command, const char *fmt)
{
	char hex[2 * KEY_ID + 1], q[1024];
	size_t i;

	for (i = 0; i < KEY_ID; i++)
		(void)snprintf(hex + 2 * i, 3, "%02x", id[i]);
	(void)snprintf(q, sizeof(q), "{%s [{\"id\": h'%s', \"type\": \"public-key\"}]}", fmt, hex);
	return ask(k, command, q, NULL);
}

static void
lists(void **state)
{
	struct key *k = *state;
	uint8_t a[KEY_ID], p[KEY_ID];
	size_t i;

	make(k, "01", "", a);
	assert_int_equal(with_id(k, a, 1, WHO ALGS ", 5:"), CTAP_CREDENTIAL_EXCLUDED);
	assert_int_equal(with_id(k, a, 2, ASK ", 3:"), CTAP_OK);
	assert_int_equal(with_id(k, a, 2, "1: \"b.test\", 2: 32*11, 3:"), CTAP_NO_CREDENTIALS);
	for (i = 0; i < KEY_ID; i++) {
		a[i] ^= 1;
		assert_int_equal(with_id(k, a, 2, ASK ", 3:"), CTAP_NO_CREDENTIALS);
		a[i] ^= 1;
	}
	make(k, "02", "\"credProtect\": 3", p);
	assert_int_equal(with_id(k, p, 2, ASK ", 3:"), CTAP_NO_CREDENTIALS);
	assert_int_equal(with_id(k, p, 1, WHO ALGS ", 5:"), CTAP_OK);
	k->now += 10001;
	assert_int_equal(ask(k, CTAP_RESET, "", NULL), CTAP_NOT_ALLOWED);
	assert_int_equal(key_power_up(k), TSR_OK);
	k->touched = true;
	assert_int_equal(ask(k, CTAP_RESET, "", NULL), CTAP_OK);
	assert_int_equal(with_id(k, a, 2, ASK ", 3:"), CTAP_NO_CREDENTIALS);
}

static void
settings_refused(void **state)
{
	static const char *const bad[][2] = {
		{ "touch", "yes" }, { "touch-delay", "-1" }, { "timeout", "0" }, { "timeout", "1s" },
		{ "pin", "123" }, { "pin-tries", "9" }, { "uv-tries", "" }, { "counter", "up" },
		{ "counter", "4294967296" }, { "aaguid", "00" }, { "resident", "65" },
		{ "fault", "nonsense" }, { "fault", "status" }, { "fault", "status:0" },
		{ "fault", "status:0x100" }, { "fault", "cancel:1" }, { "fault", "cancel@0" },
		{ "fault", "cancel@" }, { "fault", "cancel+1" }, { "fault", "" },
		{ "aaguid", "000102030405060708090a0b0c0d0e0f10" },
	};
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (key_set(*state, bad[i][0], bad[i][1]) != TSR_INVALID)
			fail_msg("%s=%s", bad[i][0], bad[i][1]);
	assert_int_equal(key_set(*state, "colour", "red"), TSR_NOT_FOUND);
}

static void
faults(void **state)
{
	struct key_fault f;
	int i;

	(void)state;
	assert_int_equal(key_fault_set(&f, "status:0x19@3"), TSR_OK);
	for (i = 1; i <= 2; i++) {
		key_fault_message(&f);
		assert_false(key_fault_fires(&f, FAULT_STATUS));
	}
	key_fault_message(&f);
	assert_false(key_fault_fires(&f, FAULT_CANCEL));
	assert_true(key_fault_fires(&f, FAULT_STATUS));
	assert_int_equal(f.value, 0x19);
	assert_false(key_fault_fires(&f, FAULT_STATUS));
	assert_int_equal(key_fault_set(&f, "no-response@1+"), TSR_OK);
	for (i = 0; i < 3; i++) {
		key_fault_message(&f);
		assert_true(key_fault_fires(&f, FAULT_NO_RESPONSE));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(commands),
		cmocka_unit_test_setup_teardown(no_length, key_new, key_gone),
		cmocka_unit_test_setup_teardown(waits, key_new, key_gone),
		cmocka_unit_test_setup_teardown(residents, key_new, key_gone),
		cmocka_unit_test_setup_teardown(lists, key_new, key_gone),
		cmocka_unit_test_setup_teardown(settings_refused, key_new, key_gone),
		cmocka_unit_test(faults),
	};

	return cmocka_run_group_tests_name("key", tests, NULL, NULL);
}
