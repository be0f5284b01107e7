/*
 * test_request.c - what a worker is asked, field by field, and what becomes of
 * libfido2's codes.
 *
 * SPDX-License-Identifier: ISC
 */
#include "fido/request.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <setjmp.h>
#include <cmocka.h>

#include <fido.h>

#include "base/escape.h"
#include "fido/fault.h"
#include "fido/key.h"
#include "tessera.h"

#define B(s)	{ .p = (const uint8_t *)(s), .n = sizeof(s) - 1 }
#define U(v)	{ .u32 = (v) }
#define HASH	"0123456789abcdef0123456789abcdef"
#define ID(s)	"\0\0\0\3" s

static const struct row {
	const char *name;
	uint16_t type;
	int error;
	size_t ids, pin;
	struct proto_value v[PROTO_FIELDS_MAX];
	size_t n;
} rows[] = {
	{ "list", PROTO_FIDO_LIST, TSR_OK, 0, 0, { U(0) }, 0 },
	{ "select", PROTO_FIDO_SELECT, TSR_OK, 0, 0, { U(0) }, 0 },
	{ "not ours", PROTO_TOKENS, TSR_UNSUPPORTED, 0, 0, { U(0) }, 0 },
	{ "look", PROTO_FIDO_LOOK, TSR_OK, 2, 0, { B("d"), B("rp"), B(ID("abc") ID("def")) }, 3 },
	{ "look, no rp", PROTO_FIDO_LOOK, TSR_INVALID, 0, 0, { B("d"), B(""), B("") }, 3 },
	{ "look, an id cut", PROTO_FIDO_LOOK, TSR_INVALID, 0, 0, { B("d"), B("rp"), B(ID("ab")) }, 3 },
	{ "look, a length cut", PROTO_FIDO_LOOK, TSR_INVALID, 0, 0, { B("d"), B("rp"), B(ID("abc") "\0") }, 3 },
	{ "look, an id of nothing", PROTO_FIDO_LOOK, TSR_INVALID, 0, 0, { B("d"), B("rp"), B("\0\0\0\0") }, 3 },
	{ "look, an id too long", PROTO_FIDO_LOOK, TSR_INVALID, 0, 0, { B("d"), B("rp"), B("\0\0\2\1") }, 3 },
	{ "assert", PROTO_FIDO_ASSERT, TSR_OK, 1, 4,
	    { B("d"), B("rp"), B(HASH), B(ID("abc")), U(PROTO_FIDO_UV), B("1234") }, 6 },
	{ "assert, short hash", PROTO_FIDO_ASSERT, TSR_INVALID, 0, 0,
	    { B("d"), B("rp"), B("short"), B(""), U(0), B("") }, 6 },
	{ "assert, NUL in the PIN", PROTO_FIDO_ASSERT, TSR_INVALID, 0, 0,
	    { B("d"), B("rp"), B(HASH), B(""), U(0), B("12\0" "34") }, 6 },
	{ "make", PROTO_FIDO_MAKE, TSR_OK, 1, 0, { B(""), B("rp"), B("name"), B("id"), B("user"), B(HASH),
	    U(2), B(ID("abc")), U(PROTO_FIDO_RESIDENT), B("") }, 10 },
	{ "make, no user", PROTO_FIDO_MAKE, TSR_INVALID, 0, 0, { B(""), B("rp"), B("name"), B(""), B("user"),
	    B(HASH), U(2), B(""), U(0), B("") }, 10 },
	{ "pin", PROTO_FIDO_PIN, TSR_OK, 0, 3, { B("d"), B("old"), B("new") }, 3 },
	{ "pin, no new one", PROTO_FIDO_PIN, TSR_INVALID, 0, 0, { B("d"), B("old"), B("") }, 3 },
};

static void
test_rows(void **state)
{
	const struct row *row;
	struct request q;
	struct frame f;
	struct buf b;
	size_t i, used, need;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		row = &rows[i];
		print_message("%s\n", row->name);
		buf_init(&b, 65536);
		assert_int_equal(proto_encode(&b, row->type, 7, 5000, row->v, row->n), TSR_OK);
		assert_int_equal(frame_decode(b.data, b.len, &f, &used, &need), TSR_OK);
		assert_int_equal(request_read(&q, &f), row->error);
		if (row->error == TSR_OK) {
			assert_int_equal(q.n_ids, row->ids);
			assert_int_equal(q.pin != NULL ? q.pin->size : 0, row->pin);
			assert_int_equal(request_has_pin(&q), row->pin > 0);
			/* before the keeper's own deadline, and not long before */
			assert_in_range(q.end, key_now() + 3000, key_now() + 4800);
		}
		request_free(&q);
		buf_free(&b);
	}
}

/* One more id than there may be. */
static void
test_too_many(void **state)
{
	uint8_t ids[(PROTO_FIDO_IDS_MAX + 1) * 5];
	struct proto_value v[] = { B("d"), B("rp"), { .p = ids, .n = sizeof(ids) } };
	struct request q;
	struct frame f;
	struct buf b;
	size_t i, used, need;

	(void)state;
	for (i = 0; i <= PROTO_FIDO_IDS_MAX; i++)
		memcpy(ids + 5 * i, "\0\0\0\1x", 5);
	for (i = 0; i < 2; i++) {
		buf_init(&b, 65536);
		v[2].n = sizeof(ids) - 5 * i;
		assert_int_equal(proto_encode(&b, PROTO_FIDO_LOOK, 7, 0, v, 3), TSR_OK);
		assert_int_equal(frame_decode(b.data, b.len, &f, &used, &need), TSR_OK);
		assert_int_equal(request_read(&q, &f), i == 0 ? TSR_INVALID : TSR_OK);
		request_free(&q);
		buf_free(&b);
	}
}

static const struct {
	int err, code;
} codes[] = {
	{ FIDO_OK, TSR_OK }, { FIDO_ERR_PIN_AUTH_BLOCKED, TSR_DEVICE_REPLUG },
	{ FIDO_ERR_PIN_BLOCKED, TSR_PIN_LOCKED }, { FIDO_ERR_PIN_INVALID, TSR_PIN_WRONG },
	{ FIDO_ERR_UV_BLOCKED, TSR_PIN_REQUIRED }, { FIDO_ERR_PIN_NOT_SET, TSR_PIN_UNSET },
	{ FIDO_ERR_NO_CREDENTIALS, TSR_NOT_FOUND }, { FIDO_ERR_CREDENTIAL_EXCLUDED, TSR_CONFLICT },
	{ FIDO_ERR_OPERATION_DENIED, TSR_CANCELLED }, { FIDO_ERR_USER_ACTION_TIMEOUT, TSR_TIMEOUT },
	{ FIDO_ERR_CHANNEL_BUSY, TSR_DEVICE_BUSY }, { FIDO_ERR_RX, TSR_DEVICE_FAILED },
};

static void
test_codes(void **state)
{
	struct fault f;
	size_t i;
	int err;

	(void)state;
	for (i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		assert_int_equal(fault_fold(codes[i].err), codes[i].code);
	/* whatever a key says is an error, and text */
	for (err = -300; err < 300; err++) {
		fault_clear(&f);
		assert_int_equal(fault_fido(&f, err), fault_fold(err));
		if (err == FIDO_OK)
			continue;
		assert_true(fault_fold(err) < 0);
		assert_true(f.detail[0] != '\0' && escape_is_text(f.detail, strlen(f.detail)));
		assert_int_equal(f.tries, PROTO_TRIES_UNKNOWN);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_too_many),
		cmocka_unit_test(test_codes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
