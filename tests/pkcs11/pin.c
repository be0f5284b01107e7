/*
 * pin.c - the production helper at the PIN itself: how many tries are left, a
 * new PIN, and one by the security officer, with SoftHSM2 and with modules that
 * misbehave.
 *
 * SPDX-License-Identifier: ISC
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tessera.h"
#include "tests/pkcs11/helper.h"

#define PIN	"123456"
#define SO_PIN	"87654321"	/* tests/e2e/softhsm.py */
#define WAIT_MS	5000

static int
ask_tries(struct helper *h, const char *serial, const char *label)
{
	struct proto_value v[] = { proto_text(serial), proto_text(label) };

	return helper_ask(h, PROTO_TRIES, WAIT_MS, v, 2) == PROTO_PIN ? TSR_OK : helper_code(h);
}

static int
new_pin(struct helper *h, uint16_t type, const char *serial, const char *label, const char *old,
    const char *pin)
{
	struct proto_value v[] = {
		proto_text(serial), proto_text(label), proto_text(old), proto_text(pin), proto_u32(0),
	};

	return helper_ask(h, type, WAIT_MS, v, 5) == PROTO_DONE ? TSR_OK : helper_code(h);
}

/* In order: each row finds the PIN as the rows before left it. */
static const struct row {
	const char *name;
	uint16_t type;
	const char *label, *old, *pin;
	int code;
	const char *detail;
} rows[] = {
	{ "another PIN than the token's", PROTO_PIN_CHANGE, "card", "999999", "111111", TSR_PIN_WRONG,
	    "CKR_PIN_INCORRECT" },
	{ "a new one too short", PROTO_PIN_CHANGE, "card", PIN, "123", TSR_PIN_LENGTH, "new PIN of 4 to 255" },
	{ "no PIN", PROTO_PIN_CHANGE, "card", "", "111111", TSR_PIN_REQUIRED, "" },
	{ "another token", PROTO_PIN_CHANGE, "nobody", PIN, "111111", TSR_DEVICE_NOT_FOUND, "nobody" },
	{ "changed", PROTO_PIN_CHANGE, "card", PIN, "111111", TSR_OK, NULL },
	{ "the one before", PROTO_PIN_CHANGE, "card", PIN, "222222", TSR_PIN_WRONG, "" },
	{ "back", PROTO_PIN_CHANGE, "card", "111111", PIN, TSR_OK, NULL },
	{ "another PUK", PROTO_PIN_UNBLOCK, "card", "12345678", "222222", TSR_PIN_WRONG, "" },
	{ "unblocked to one too short", PROTO_PIN_UNBLOCK, "card", SO_PIN, "1", TSR_PIN_LENGTH, "4 to 255" },
	{ "unblocked", PROTO_PIN_UNBLOCK, "card", SO_PIN, "222222", TSR_OK, NULL },
	{ "with the new one", PROTO_PIN_CHANGE, "card", "222222", PIN, TSR_OK, NULL },
};

static void
test_new_pin(void **state)
{
	char folder[256], more[1024], serial[128];
	struct helper h;
	size_t i;
	int code;

	(void)state;
	helper_folder(folder);
	helper_softhsm(folder, "card", PIN, "p256", more);
	helper_config(folder, "/usr/lib/softhsm/libsofthsm2.so", more);
	helper_open(&h, folder);
	(void)helper_find_token(&h, "card", serial);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		code = new_pin(&h, rows[i].type, serial, rows[i].label, rows[i].old, rows[i].pin);
		if (code != rows[i].code)
			fail_msg("%s: %d", rows[i].name, code);
		if (rows[i].detail != NULL && strstr(helper_text(&h.reply[0].v[2]), rows[i].detail) == NULL)
			fail_msg("%s: %s", rows[i].name, helper_text(&h.reply[0].v[2]));
	}
	assert_int_equal(ask_tries(&h, serial, "card"), TSR_OK);
	assert_int_equal(h.reply[0].v[0].u32, PROTO_TRIES_UNKNOWN);
	assert_int_equal(h.reply[0].v[1].u32, 4);
	assert_int_equal(h.reply[0].v[2].u32, 255);
	assert_int_equal(ask_tries(&h, serial, "nobody"), TSR_DEVICE_NOT_FOUND);
	helper_stop(&h);
	helper_remove(folder);
}

static const struct tries_row {
	const char *evil;
	uint32_t tries, flags, least;
} tries_rows[] = {
	{ "none", PROTO_TRIES_UNKNOWN, PROTO_TOKEN_LOGIN_REQUIRED, 4 },
	{ "pin-low", PROTO_TRIES_UNKNOWN, PROTO_TOKEN_LOGIN_REQUIRED | PROTO_TOKEN_PIN_COUNT_LOW, 4 },
	{ "pin-final", 1, PROTO_TOKEN_LOGIN_REQUIRED | PROTO_TOKEN_PIN_COUNT_LOW |
	    PROTO_TOKEN_PIN_FINAL_TRY, 4 },
	{ "pin-locked", 0, PROTO_TOKEN_LOGIN_REQUIRED | PROTO_TOKEN_PIN_LOCKED, 4 },
	{ "pin-pad", PROTO_TRIES_UNKNOWN, PROTO_TOKEN_LOGIN_REQUIRED | PROTO_TOKEN_PROTECTED_PATH, 4 },
	{ "pin-lengths", PROTO_TRIES_UNKNOWN, PROTO_TOKEN_LOGIN_REQUIRED, 0 },
	/* says that it is a PIV card, and there is no reader of its name */
	{ "piv", PROTO_TRIES_UNKNOWN, PROTO_TOKEN_LOGIN_REQUIRED, 4 },
};

static void
evil_start(struct helper *h, const char *folder, const char *evil)
{
	char more[128];

	(void)snprintf(more, sizeof(more), "\tenvironment = {\"EVIL=%s\"}\n", evil);
	helper_config(folder, EVIL_MODULE, more);
	helper_open(h, folder);
}

static void
test_tries(void **state)
{
	char folder[256];
	struct helper h;
	size_t i;

	(void)state;
	helper_folder(folder);
	for (i = 0; i < sizeof(tries_rows) / sizeof(tries_rows[0]); i++) {
		const struct tries_row *row = &tries_rows[i];

		evil_start(&h, folder, row->evil);
		assert_int_equal(ask_tries(&h, "E1", "evil"), TSR_OK);
		if (h.reply[0].v[0].u32 != row->tries || h.reply[0].v[1].u32 != row->least ||
		    h.reply[0].v[3].u32 != row->flags)
			fail_msg("%s: %u tries, least %u, flags %u", row->evil, h.reply[0].v[0].u32,
			    h.reply[0].v[1].u32, h.reply[0].v[3].u32);
		helper_stop(&h);
	}
	helper_remove(folder);
}

/* A module without the calls, a PIN pad, a locked PIN. */
static void
test_cannot(void **state)
{
	char folder[256];
	struct helper h;

	(void)state;
	helper_folder(folder);
	evil_start(&h, folder, "none");
	assert_int_equal(new_pin(&h, PROTO_PIN_CHANGE, "E1", "evil", "good", "better"), TSR_KEY_UNUSABLE);
	assert_int_equal(new_pin(&h, PROTO_PIN_UNBLOCK, "E1", "evil", "good", "better"), TSR_KEY_UNUSABLE);
	helper_stop(&h);
	evil_start(&h, folder, "pin-pad");
	assert_int_equal(new_pin(&h, PROTO_PIN_CHANGE, "E1", "evil", "good", "better"), TSR_KEY_UNUSABLE);
	helper_stop(&h);
	evil_start(&h, folder, "pin-locked");
	assert_int_equal(new_pin(&h, PROTO_PIN_CHANGE, "E1", "evil", "good", "better"), TSR_PIN_LOCKED);
	helper_stop(&h);
	evil_start(&h, folder, "pin-final");
	assert_int_equal(new_pin(&h, PROTO_PIN_CHANGE, "E1", "evil", "good", "better"), TSR_PIN_REQUIRED);
	helper_stop(&h);
	helper_remove(folder);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_new_pin),
		cmocka_unit_test(test_tries),
		cmocka_unit_test(test_cannot),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
