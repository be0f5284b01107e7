/*
 * test_card.c - the virtual PIV card's commands: what each answers in which
 * state (SP 800-73-4 part 2).
 *
 * SPDX-License-Identifier: ISC
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "card_rig.h"
#include "sim/card_internal.h"
#include "tessera.h"

#define HASH32		"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define SIGN_9A		"0087119a26 7c248200 8120" HASH32 "00"
#define SIGN_9E		"0087119e26 7c248200 8120" HASH32 "00"
#define CHUID		"00cb3fff05 5c035fc102 00"
#define PRINTED		"00cb3fff05 5c035fc109 00"
#define PUT_CHUID	"00db3fff0a 5c035fc102 5303 010203"
#define DEAD		VERIFY_WRONG, VERIFY_WRONG, VERIFY_WRONG
#define CHANGE_PIN	"0024008010 313233343536ffff 3131313131313131"
#define CHANGE_PUK	"0024008110 3132333435363738 3837363534333231"
#define UNBLOCK		"002c008010 3132333435363738 323232323232ffff"
#define UNBLOCK_WRONG	"002c008010 3030303030303030 323232323232ffff"

/* RSA: any block below the modulus, in two parts of a chain. */
#define Z64	"00000000000000000000000000000000000000000000000000000000000000000000000000000000" \
		"000000000000000000000000000000000000000000000000"
#define BLOCK_A	"1087079cca 7c820106 8200 81820100" Z64 Z64 Z64
#define SIGN_9C_LAST "0087079c40 " HASH32 HASH32 "00"

struct row {
	const char *name;
	const char *before[6];
	const char *apdu;
	unsigned sw;
	const char *begins;	/* of the answer, in hexadecimal */
};

static const struct row select_rows[] = {
	{ "SELECT", { NULL }, SELECT_PIV, 0x9000, "61114f0600001000" },
	{ "SELECT the full AID", { NULL }, "00a404000b a000000308000010000100 00", 0x9000, "6111" },
	{ "SELECT the provider alone", { NULL }, "00a4040005 a000000308", 0x9000, "6111" },
	{ "SELECT another application", { NULL }, "00a4040005 a000000309", 0x6a82, NULL },
	{ "SELECT more than there is", { NULL }, "00a404000c a00000030800001000010000", 0x6a82, NULL },
	{ "SELECT by file", { NULL }, "00a4000002 3f00", 0x6a86, NULL },
	{ "SELECT nothing", { NULL }, "00a40400", 0x6a82, NULL },
	{ "another application leaves PIV selected", { SELECT_PIV, "00a4040005 a000000309" }, CHUID, 0x9000, "533b30" },
	{ "SELECT again keeps the PIN", { SELECT_PIV, VERIFY_RIGHT, SELECT_PIV }, VERIFY_LOOK, 0x9000, NULL },
	{ "nothing before SELECT", { NULL }, CHUID, 0x6985, NULL },
	{ "no PIN before SELECT", { NULL }, VERIFY_RIGHT, 0x6985, NULL },
	{ "unknown instruction", { SELECT_PIV }, "00ca0000", 0x6d00, NULL },
	{ "secure messaging", { SELECT_PIV }, "0ccb3fff05 5c035fc102 00", 0x6e00, NULL },
	{ "proprietary class", { SELECT_PIV }, "80cb3fff05 5c035fc102 00", 0x6e00, NULL },
	{ "no command at all", { SELECT_PIV }, "00cb3f", 0x6700, NULL },
	{ "Lc beyond the end", { SELECT_PIV }, "00cb3fff06 5c035fc102", 0x6700, NULL },
	{ "bytes behind Le", { SELECT_PIV }, "00cb3fff05 5c035fc102 0000", 0x6700, NULL },
};

static const struct row data_rows[] = {
	{ "CHUID", { SELECT_PIV }, CHUID, 0x9000, "533b30" },
	{ "extended length", { SELECT_PIV }, "00cb3fff000005 5c035fc102 0000", 0x9000, "533b30" },
	{ "discovery object", { SELECT_PIV }, "00cb3fff03 5c017e 00", 0x9000, "7e124f0ba000000308000010000100" "5f2f024000" },
	{ "certificate 9A", { SELECT_PIV }, "00cb3fff05 5c035fc105 00", 0x9000, "538202" },
	{ "CCC", { SELECT_PIV }, "00cb3fff05 5c035fc107 00", 0x9000, "5333f015a0000001" },
	{ "an object that is not there", { SELECT_PIV }, "00cb3fff05 5c035fc10f 00", 0x6a82, NULL },
	{ "printed information without a PIN", { SELECT_PIV }, PRINTED, 0x6982, NULL },
	{ "printed information with the PIN", { SELECT_PIV, VERIFY_RIGHT }, PRINTED, 0x6a82, NULL },
	{ "no tag list", { SELECT_PIV }, "00cb3fff02 5300 00", 0x6a80, NULL },
	{ "an empty tag list", { SELECT_PIV }, "00cb3fff02 5c00 00", 0x6a80, NULL },
	{ "a tag list of four", { SELECT_PIV }, "00cb3fff06 5c0400000000 00", 0x6a80, NULL },
	{ "a length beyond the end", { SELECT_PIV }, "00cb3fff05 5c045fc102 00", 0x6a80, NULL },
	{ "other parameters", { SELECT_PIV }, "00cb000005 5c035fc102 00", 0x6a86, NULL },
	{ "PUT DATA without the management key", { SELECT_PIV, VERIFY_RIGHT }, PUT_CHUID, 0x6982, NULL },
	{ "version", { SELECT_PIV }, "00fd000000", 0x9000, "050200" },
	{ "serial number", { SELECT_PIV }, "00f8000000", 0x9000, "00001267" },
};

static const struct row pin_rows[] = {
	{ "look at three tries", { SELECT_PIV }, VERIFY_LOOK, 0x63c3, NULL },
	{ "the right PIN", { SELECT_PIV }, VERIFY_RIGHT, 0x9000, NULL },
	{ "look at it", { SELECT_PIV, VERIFY_RIGHT }, VERIFY_LOOK, 0x9000, NULL },
	{ "a wrong PIN", { SELECT_PIV }, VERIFY_WRONG, 0x63c2, NULL },
	{ "a second one", { SELECT_PIV, VERIFY_WRONG }, VERIFY_WRONG, 0x63c1, NULL },
	{ "a third one", { SELECT_PIV, VERIFY_WRONG, VERIFY_WRONG }, VERIFY_WRONG, 0x63c0, NULL },
	{ "blocked, even for the right one", { SELECT_PIV, DEAD }, VERIFY_RIGHT, 0x6983, NULL },
	{ "look at a blocked one", { SELECT_PIV, DEAD }, VERIFY_LOOK, 0x6983, NULL },
	{ "the right one gives the tries back", { SELECT_PIV, VERIFY_WRONG, VERIFY_WRONG, VERIFY_RIGHT,
	    "0020ff80" }, VERIFY_LOOK, 0x63c3, NULL },
	{ "a wrong one logs out", { SELECT_PIV, VERIFY_RIGHT, VERIFY_WRONG }, VERIFY_LOOK, 0x63c2, NULL },
	{ "log out", { SELECT_PIV, VERIFY_RIGHT, "0020ff80" }, VERIFY_LOOK, 0x63c3, NULL },
	{ "log out with data", { SELECT_PIV }, "0020ff8008 313233343536ffff", 0x6a80, NULL },
	{ "five digits cost nothing", { SELECT_PIV, "0020008008 3132333435ffffff" }, VERIFY_LOOK, 0x63c3, NULL },
	{ "letters", { SELECT_PIV }, "0020008008 616263646566ffff", 0x6a80, NULL },
	{ "padding before the end", { SELECT_PIV }, "0020008008 313233343536ff38", 0x6a80, NULL },
	{ "seven bytes", { SELECT_PIV }, "0020008007 31323334353637", 0x6a80, NULL },
	{ "the global PIN", { SELECT_PIV }, "00200000", 0x6a88, NULL },
	{ "the PUK cannot be verified", { SELECT_PIV }, "0020008108 3132333435363738", 0x6a88, NULL },
	{ "other parameters", { SELECT_PIV }, "0020018008 313233343536ffff", 0x6a86, NULL },
	{ "change the PIN", { SELECT_PIV }, CHANGE_PIN, 0x9000, NULL },
	{ "which then is verified", { SELECT_PIV, CHANGE_PIN }, VERIFY_LOOK, 0x9000, NULL },
	{ "the new PIN", { SELECT_PIV, CHANGE_PIN }, "0020008008 3131313131313131", 0x9000, NULL },
	{ "the old PIN", { SELECT_PIV, CHANGE_PIN }, VERIFY_RIGHT, 0x63c2, NULL },
	{ "change with a wrong PIN", { SELECT_PIV }, "0024008010 363534333231ffff 3131313131313131", 0x63c2, NULL },
	{ "change to what is no PIN", { SELECT_PIV }, "0024008010 313233343536ffff 31ffffffffffffff", 0x6a80, NULL },
	{ "change a blocked PIN", { SELECT_PIV, DEAD }, CHANGE_PIN, 0x6983, NULL },
	{ "change the PUK", { SELECT_PIV }, CHANGE_PUK, 0x9000, NULL },
	{ "the old PUK", { SELECT_PIV, CHANGE_PUK }, UNBLOCK, 0x63c2, NULL },
	{ "change what is not there", { SELECT_PIV }, "0024008210 313233343536ffff 3131313131313131", 0x6a88, NULL },
	{ "unblock", { SELECT_PIV, DEAD }, UNBLOCK, 0x9000, NULL },
	{ "unblocked", { SELECT_PIV, DEAD, UNBLOCK }, VERIFY_LOOK, 0x63c3, NULL },
	{ "the PIN that was set", { SELECT_PIV, DEAD, UNBLOCK }, "0020008008 323232323232ffff", 0x9000, NULL },
	{ "a wrong PUK", { SELECT_PIV }, UNBLOCK_WRONG, 0x63c2, NULL },
	{ "a wrong PUK logs out", { SELECT_PIV, VERIFY_RIGHT, UNBLOCK_WRONG }, VERIFY_LOOK, 0x63c3, NULL },
	{ "a blocked PUK", { SELECT_PIV, UNBLOCK_WRONG, UNBLOCK_WRONG, UNBLOCK_WRONG }, UNBLOCK, 0x6983, NULL },
	{ "unblock the PUK", { SELECT_PIV }, "002c008110 3132333435363738 3232323232323232", 0x6a88, NULL },
};

static const struct row auth_rows[] = {
	{ "9A without the PIN", { SELECT_PIV }, SIGN_9A, 0x6982, NULL },
	{ "9A with it", { SELECT_PIV, VERIFY_RIGHT }, SIGN_9A, 0x9000, "7c" },
	{ "9A twice", { SELECT_PIV, VERIFY_RIGHT, SIGN_9A }, SIGN_9A, 0x9000, "7c" },
	{ "9A after a log-out", { SELECT_PIV, VERIFY_RIGHT, "0020ff80" }, SIGN_9A, 0x6982, NULL },
	{ "9C without the PIN", { SELECT_PIV, BLOCK_A }, SIGN_9C_LAST, 0x6982, NULL },
	{ "9C with it", { SELECT_PIV, VERIFY_RIGHT, BLOCK_A }, SIGN_9C_LAST, 0x9000, "7c82010482820100" },
	{ "9C, looked at in between", { SELECT_PIV, VERIFY_RIGHT, "00cb3fff03 5c017e 00", BLOCK_A }, SIGN_9C_LAST, 0x9000, "7c" },
	{ "9C a second time", { SELECT_PIV, VERIFY_RIGHT, BLOCK_A, SIGN_9C_LAST, BLOCK_A }, SIGN_9C_LAST, 0x6982, NULL },
	{ "9C after 9A", { SELECT_PIV, VERIFY_RIGHT, SIGN_9A, BLOCK_A }, SIGN_9C_LAST, 0x6982, NULL },
	{ "9E without the PIN", { SELECT_PIV }, SIGN_9E, 0x9000, "7c" },
	{ "another algorithm than the key's", { SELECT_PIV }, "0087149e26 7c248200 8120" HASH32 "00", 0x6a86, NULL },
	{ "a key that is not there", { SELECT_PIV }, "0087119f26 7c248200 8120" HASH32 "00", 0x6a88, NULL },
	{ "a hash that is too long", { SELECT_PIV }, "0087119e27 7c258200 8121" HASH32 "20 00", 0x6a80, NULL },
	{ "no challenge", { SELECT_PIV }, "0087119e04 7c028200 00", 0x6a80, NULL },
	{ "no template", { SELECT_PIV }, "0087119e02 8200 00", 0x6a80, NULL },
	{ "a point that is none", { SELECT_PIV }, "0087119e45 7c438200 853f" HASH32 HASH32, 0x6a80, NULL },
	{ "generate without the management key", { SELECT_PIV, VERIFY_RIGHT }, "0047009a05 ac03800111 00", 0x6982, NULL },
	{ "set the management key without it", { SELECT_PIV, VERIFY_RIGHT },
	    "00fffffe13 089b10 000102030405060708090a0b0c0d0e0f", 0x6982, NULL },
	{ "an answer without a challenge", { SELECT_PIV }, "0087039b0c 7c0a8208 0001020304050607", 0x6a80, NULL },
	{ "a wrong answer", { SELECT_PIV, "0087039b04 7c028100 00" }, "0087039b0c 7c0a8208 0001020304050607", 0x6982, NULL },
	{ "a wrong witness", { SELECT_PIV, "0087039b04 7c028000 00" },
	    "0087039b16 7c148008 0001020304050607 8108 0001020304050607 00", 0x6982, NULL },
	{ "one attempt for a challenge", { SELECT_PIV, "0087039b04 7c028100 00", "0087039b0c 7c0a8208 0001020304050607" },
	    "0087039b0c 7c0a8208 0001020304050607", 0x6a80, NULL },
	{ "an algorithm that is not the management key's", { SELECT_PIV }, "0087089b04 7c028100 00", 0x6a86, NULL },
};

static void
rows_run(const struct row *rows, size_t n, enum card_contact contact)
{
	char hex[2 * 64 + 1];
	struct rig rig;
	unsigned sw;
	size_t i, k;

	for (i = 0; i < n; i++) {
		rig_new(&rig, contact);
		for (k = 0; k < 6 && rows[i].before[k] != NULL; k++)
			(void)rig_send(&rig, rows[i].before[k]);
		sw = rig_send(&rig, rows[i].apdu);
		if (sw != rows[i].sw)
			fail_msg("%s: %04x", rows[i].name, sw);
		if (sw != 0x9000 && rig.len != 0)
			fail_msg("%s: data with %04x", rows[i].name, sw);
		for (k = 0; k < rig.len && k < 64; k++)
			(void)snprintf(hex + 2 * k, 3, "%02x", rig.answer[k]);
		hex[2 * k] = '\0';
		if (rows[i].begins != NULL && strncmp(hex, rows[i].begins, strlen(rows[i].begins)) != 0)
			fail_msg("%s: %s", rows[i].name, hex);
		rig_free(&rig);
	}
}

#define ROWS(rows, contact)	rows_run(rows, sizeof(rows) / sizeof((rows)[0]), contact)

static void
test_select(void **state)
{
	(void)state;
	ROWS(select_rows, CARD_CONTACT);
}

static void
test_data(void **state)
{
	(void)state;
	ROWS(data_rows, CARD_CONTACT);
}

static void
test_pin(void **state)
{
	(void)state;
	ROWS(pin_rows, CARD_CONTACT);
	ROWS(pin_rows, CARD_CONTACTLESS);
}

static void
test_auth(void **state)
{
	(void)state;
	ROWS(auth_rows, CARD_CONTACT);
}

static void
test_strict_contactless(void **state)
{
	static const struct row rows[] = {
		{ "CHUID", { SELECT_PIV }, CHUID, 0x9000, "533b30" },
		{ "discovery", { SELECT_PIV }, "00cb3fff03 5c017e 00", 0x9000, "7e12" },
		{ "certificate 9E", { SELECT_PIV }, "00cb3fff05 5c035fc101 00", 0x9000, "538202" },
		{ "certificate 9A", { SELECT_PIV }, "00cb3fff05 5c035fc105 00", 0x6982, NULL },
		{ "9E", { SELECT_PIV }, SIGN_9E, 0x9000, "7c" },
		{ "9A", { SELECT_PIV, VERIFY_RIGHT }, SIGN_9A, 0x6982, NULL },
		{ "VERIFY", { SELECT_PIV }, VERIFY_RIGHT, 0x6982, NULL },
		{ "the PIN's state", { SELECT_PIV }, VERIFY_LOOK, 0x6982, NULL },
		{ "change", { SELECT_PIV }, CHANGE_PIN, 0x6982, NULL },
		{ "unblock", { SELECT_PIV }, UNBLOCK, 0x6982, NULL },
		{ "management key", { SELECT_PIV }, "0087039b04 7c028100 00", 0x6982, NULL },
	};

	(void)state;
	ROWS(rows, CARD_CONTACTLESS_STRICT);
}

static void
test_reset(void **state)
{
	struct rig rig;

	(void)state;
	rig_new(&rig, CARD_CONTACT);
	assert_int_equal(rig_send(&rig, SELECT_PIV), 0x9000);
	assert_int_equal(rig_send(&rig, VERIFY_RIGHT), 0x9000);
	card_reset(rig.card);
	assert_int_equal(rig_send(&rig, VERIFY_LOOK), 0x6985);
	assert_int_equal(rig_send(&rig, SELECT_PIV), 0x9000);
	assert_int_equal(rig_send(&rig, VERIFY_LOOK), 0x63c3);
	rig_free(&rig);
}

static void
test_atr(void **state)
{
	static const struct {
		enum card_contact contact;
		size_t len;
		uint8_t second, third;
	} rows[] = {
		{ CARD_CONTACT, 14, 0x87, 0x81 }, { CARD_CONTACTLESS, 12, 0x87, 0x80 },
		{ CARD_CONTACTLESS_STRICT, 12, 0x87, 0x80 },
	};
	uint8_t atr[CARD_ATR_MAX], sum;
	struct rig rig;
	size_t i, k;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		rig_new(&rig, rows[i].contact);
		assert_int_equal(card_atr(rig.card, atr), rows[i].len);
		assert_int_equal(atr[0], 0x3b);
		assert_int_equal(atr[1], rows[i].second);
		assert_int_equal(atr[2], rows[i].third);
		for (sum = 0, k = 1; k < rows[i].len; k++)
			sum ^= atr[k];
		assert_int_equal(sum, 0);		/* ISO/IEC 7816-3, 8.2.5 */
		rig_free(&rig);
	}
}

/* Answers in parts, commands in parts. */
static void
test_chaining(void **state)
{
	struct rig rig;
	size_t whole;

	(void)state;
	rig_new(&rig, CARD_CONTACT);
	assert_int_equal(rig_send(&rig, SELECT_PIV), 0x9000);
	assert_int_equal(rig_once(&rig, "00c0000000"), 0x6985);		/* nothing waits */
	assert_int_equal(rig_send(&rig, "00cb3fff05 5c035fc105 00"), 0x9000);
	whole = rig.len;
	assert_true(whole > 512);
	assert_int_equal(rig_once(&rig, "00cb3fff000005 5c035fc105 0000"), 0x9000);	/* all at once */
	assert_int_equal(rig.len, whole);
	assert_int_equal(rig_once(&rig, "00cb3fff05 5c035fc105 10"), 0x6100);
	assert_int_equal(rig.len, 16);
	assert_int_equal(rig_once(&rig, "00c00000000200"), 0x6100 | ((whole - 16 - 512) & 0xff));
	assert_int_equal(rig.len, 512);
	assert_int_equal(rig_once(&rig, VERIFY_LOOK), 0x63c3);		/* forgets the rest */
	assert_int_equal(rig_once(&rig, "00c0000000"), 0x6985);

	assert_int_equal(rig_once(&rig, "10cb3fff02 5c03"), 0x9000);
	assert_int_equal(rig_once(&rig, "10cb3fff01 5f"), 0x9000);
	assert_int_equal(rig_once(&rig, "00cb3fff02 c102 00"), 0x9000);
	assert_int_equal(rig.len, 61);
	assert_int_equal(rig_once(&rig, "10cb3fff02 5c03"), 0x9000);
	assert_int_equal(rig_once(&rig, VERIFY_LOOK), 0x63c3);		/* breaks the chain */
	assert_int_equal(rig_once(&rig, "00cb3fff02 c102 00"), 0x6a80);
	assert_int_equal(rig_once(&rig, "10cb3fff02 5c03"), 0x9000);
	assert_int_equal(rig_once(&rig, "00cb3ffe03 5fc102 00"), 0x6a86);	/* other parameters: another command */
	rig_free(&rig);
}

static void
test_chain_is_bounded(void **state)
{
	uint8_t part[5 + 255] = { 0x10, 0xcb, 0x3f, 0xff, 255 };
	struct rig rig;
	unsigned sw = 0x9000;
	int n;

	(void)state;
	rig_new(&rig, CARD_CONTACT);
	assert_int_equal(rig_send(&rig, SELECT_PIV), 0x9000);
	for (n = 0; n < 40 && sw == 0x9000; n++)
		sw = rig_bytes(&rig, part, sizeof(part));
	assert_int_equal(sw, 0x6700);
	assert_int_equal(n, CARD_COMMAND_MAX / 255 + 1);
	assert_int_equal(rig_send(&rig, CHUID), 0x9000);
	rig_free(&rig);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_select),
		cmocka_unit_test(test_data),
		cmocka_unit_test(test_pin),
		cmocka_unit_test(test_auth),
		cmocka_unit_test(test_strict_contactless),
		cmocka_unit_test(test_reset),
		cmocka_unit_test(test_atr),
		cmocka_unit_test(test_chaining),
		cmocka_unit_test(test_chain_is_bounded),
	};

	return cmocka_run_group_tests(tests, rig_fixture, rig_fixture_remove);
}
