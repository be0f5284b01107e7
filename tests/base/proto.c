/*
 * proto.c - the helper protocol: every message there and back, every refusal,
 * every cut.
 *
 * SPDX-License-Identifier: ISC
 */
#include "base/proto.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <cmocka.h>

#include "tessera.h"

#define S(s)	s, sizeof(s) - 1

/* The protocol written a second time: who sends what with which fields. */
static const struct row {
	const char *name;
	uint16_t type;
	enum proto_side from;
	const char *fields;
} rows[] = {
	{ "open", PROTO_OPEN, PROTO_FROM_AGENT, "module:t" },
	{ "tokens", PROTO_TOKENS, PROTO_FROM_AGENT, "" },
	{ "keys", PROTO_KEYS, PROTO_FROM_AGENT, "serial:t label:t" },
	{ "prove", PROTO_PROVE, PROTO_FROM_AGENT, "serial:t label:t id:b algorithm:u pin:b challenge:b confirmed:u" },
	{ "name-of", PROTO_NAME_OF, PROTO_FROM_AGENT, "uid:u" },
	{ "uid-of", PROTO_UID_OF, PROTO_FROM_AGENT, "name:t" },
	{ "gid-of", PROTO_GID_OF, PROTO_FROM_AGENT, "name:t" },
	{ "tries", PROTO_TRIES, PROTO_FROM_AGENT, "serial:t label:t" },
	{ "pin-change", PROTO_PIN_CHANGE, PROTO_FROM_AGENT, "serial:t label:t pin:b new:b confirmed:u" },
	{ "pin-unblock", PROTO_PIN_UNBLOCK, PROTO_FROM_AGENT, "serial:t label:t puk:b new:b confirmed:u" },
	{ "watch", PROTO_WATCH, PROTO_FROM_AGENT, "" },
	{ "present", PROTO_PRESENT, PROTO_FROM_AGENT, "serial:t label:t id:b algorithm:u challenge:b" },
	{ "fido-list", PROTO_FIDO_LIST, PROTO_FROM_AGENT, "" },
	{ "fido-make", PROTO_FIDO_MAKE, PROTO_FROM_AGENT,
	    "device:t rp_id:t rp_name:t user_id:b user_name:t hash:b algorithms:u exclude:b flags:u pin:b" },
	{ "fido-assert", PROTO_FIDO_ASSERT, PROTO_FROM_AGENT,
	    "device:t rp_id:t hash:b allow:b flags:u pin:b" },
	{ "fido-look", PROTO_FIDO_LOOK, PROTO_FROM_AGENT, "device:t rp_id:t allow:b" },
	{ "fido-select", PROTO_FIDO_SELECT, PROTO_FROM_AGENT, "" },
	{ "fido-pin", PROTO_FIDO_PIN, PROTO_FROM_AGENT, "device:t old:b new:b" },
	{ "done", PROTO_DONE, PROTO_FROM_HELPER, "" },
	{ "error", PROTO_ERROR, PROTO_FROM_HELPER, "code:u tries_left:u detail:t" },
	{ "token", PROTO_TOKEN, PROTO_FROM_HELPER, "serial:t label:t manufacturer:t model:t flags:u reader:t" },
	{ "key", PROTO_KEY, PROTO_FROM_HELPER, "id:b label:t algorithms:u spki:b certificate:b flags:u" },
	{ "signature", PROTO_SIGNATURE, PROTO_FROM_HELPER, "signature:b" },
	{ "user", PROTO_USER, PROTO_FROM_HELPER, "uid:u gid:u name:t" },
	{ "group", PROTO_GROUP, PROTO_FROM_HELPER, "gid:u" },
	{ "pin", PROTO_PIN, PROTO_FROM_HELPER, "tries_left:u least:u most:u flags:u" },
	{ "service", PROTO_SERVICE, PROTO_FROM_HELPER, "available:u detail:t" },
	{ "reader", PROTO_READER, PROTO_FROM_HELPER, "name:t slot:t state:u count:u atr:b" },
	{ "fido-key", PROTO_FIDO_KEY, PROTO_FROM_HELPER,
	    "device:t manufacturer:t product:t aaguid:b versions:t transports:t flags:u pin_tries:u "
	    "uv_tries:u resident_left:u algorithms:u" },
	{ "fido-made", PROTO_FIDO_MADE, PROTO_FROM_HELPER,
	    "device:t authdata:b format:t statement:b transports:t" },
	{ "fido-asserted", PROTO_FIDO_ASSERTED, PROTO_FROM_HELPER,
	    "device:t credential:b authdata:b signature:b user_id:b" },
	{ "fido-touch", PROTO_FIDO_TOUCH, PROTO_FROM_HELPER, "device:t state:u" },
	{ "fido-found", PROTO_FIDO_FOUND, PROTO_FROM_HELPER, "device:t credential:b" },
	{ "fido-plugged", PROTO_FIDO_PLUGGED, PROTO_FROM_HELPER, "device:t manufacturer:t product:t" },
	{ "fido-unplugged", PROTO_FIDO_UNPLUGGED, PROTO_FROM_HELPER, "device:t" },
};
#define N_ROWS	(sizeof(rows) / sizeof(rows[0]))

static uint8_t bytes[PROTO_FIDO_IDS_BYTES + 1];

static size_t
count_of(const struct proto_message *m)
{
	size_t n = 0;

	while (n < PROTO_FIELDS_MAX && m->field[n].name != NULL)
		n++;
	return n;
}

/* Values at the least or the most that a message takes. */
static size_t
values_of(const struct proto_message *m, int most, struct proto_value v[PROTO_FIELDS_MAX])
{
	size_t i, n = count_of(m);

	memset(v, 0, PROTO_FIELDS_MAX * sizeof(*v));
	for (i = 0; i < n; i++)
		if (m->field[i].kind == PROTO_U32) {
			v[i].u32 = most ? m->field[i].max : 0;
		} else {
			v[i].p = bytes;
			v[i].n = most ? m->field[i].max : 0;
		}
	return n;
}

static void
test_table(void **state)
{
	static const char kind[] = { [PROTO_U32] = 'u', [PROTO_BYTES] = 'b', [PROTO_TEXT] = 't' };
	const struct proto_message *m;
	char fields[256];
	size_t i, at, known = 0;
	unsigned type;
	int n;

	(void)state;
	for (i = 0; i < N_ROWS; i++) {
		print_message("%s\n", rows[i].name);
		assert_non_null(m = proto_lookup(rows[i].type));
		assert_int_equal(m->type, rows[i].type);
		assert_string_equal(m->name, rows[i].name);
		assert_int_equal(m->from, rows[i].from);
		fields[0] = '\0';
		at = 0;
		for (n = 0; n < (int)count_of(m); n++)
			at += (size_t)snprintf(fields + at, sizeof(fields) - at, "%s%s:%c",
			    n > 0 ? " " : "", m->field[n].name, kind[m->field[n].kind]);
		assert_string_equal(fields, rows[i].fields);
	}
	for (type = 0; type <= UINT16_MAX; type++)
		known += proto_lookup((uint16_t)type) != NULL;
	assert_int_equal(known, N_ROWS);	/* and no other */
}

/* The bytes of one message, by hand. */
static void
test_wire(void **state)
{
	static const char wire[] = "\0\0\0\x3b" "\0\0\0\x09" "\0\0\x13\x88" "\0\4" "\0\0"
	    "\0\0\0\4" "5e11" "\0\0\0\3" "piv" "\0\0\0\1" "\x9a" "\0\0\0\1"
	    "\0\0\0\4" "1234" "\0\0\0\7" "\0\1\2\3\xff\n\\" "\0\0\0\1";
	static const struct proto_value v[] = {
		{ 0, (const uint8_t *)"5e11", 4 }, { 0, (const uint8_t *)"piv", 3 },
		{ 0, (const uint8_t *)"\x9a", 1 }, { PROTO_ECDSA_P256_SHA256, NULL, 0 },
		{ 0, (const uint8_t *)"1234", 4 }, { 0, (const uint8_t *)"\0\1\2\3\xff\n\\", 7 }, { 1, NULL, 0 },
	};
	struct buf b;

	(void)state;
	buf_init(&b, 1000);
	assert_int_equal(proto_encode(&b, PROTO_PROVE, 9, 5000, v, 7), TSR_OK);
	assert_int_equal(b.len, sizeof(wire) - 1);
	assert_memory_equal(b.data, wire, sizeof(wire) - 1);
	buf_free(&b);
}

static void
same_values(const struct proto_message *m, const struct proto_value *a, const struct proto_value *b)
{
	size_t i;

	for (i = 0; i < count_of(m); i++)
		if (m->field[i].kind == PROTO_U32) {
			assert_int_equal(a[i].u32, b[i].u32);
		} else {
			assert_int_equal(a[i].n, b[i].n);
			if (a[i].n > 0)
				assert_memory_equal(a[i].p, b[i].p, a[i].n);
		}
}

static void
test_round_trip(void **state)
{
	struct proto_value v[PROTO_FIELDS_MAX], got[PROTO_FIELDS_MAX];
	const struct proto_message *m;
	struct frame f;
	struct buf b;
	size_t i, n, count, used, need;
	int most;

	(void)state;
	buf_init(&b, FRAME_HEAD + FRAME_BODY_MAX);
	for (i = 0; i < 2 * N_ROWS; i++) {
		most = (int)(i % 2);
		m = proto_lookup(rows[i / 2].type);
		print_message("%s, %s\n", m->name, most ? "most" : "least");
		n = values_of(m, most, v);
		buf_reset(&b);
		assert_int_equal(proto_encode(&b, m->type, 41, 42, v, n), TSR_OK);
		assert_int_equal(frame_decode(b.data, b.len, &f, &used, &need), TSR_OK);
		assert_int_equal(used, b.len);
		assert_int_equal(f.id, 41);
		assert_int_equal(f.deadline_ms, 42);
		assert_int_equal(f.type, m->type);
		count = 77;
		assert_int_equal(proto_decode(&f, m->from, got, &count), TSR_OK);
		assert_int_equal(count, n);
		same_values(m, v, got);
	}
	buf_free(&b);
}

static int
decode(uint16_t type, enum proto_side from, const void *body, size_t len)
{
	struct frame f = { .id = 1, .type = type, .body = body, .body_len = len };
	struct proto_value got[PROTO_FIELDS_MAX] = { { 77, NULL, 0 } };
	size_t count = 77;
	int r;

	if ((r = proto_decode(&f, from, got, &count)) != TSR_OK) {
		assert_int_equal(count, 77);	/* outputs untouched */
		assert_int_equal(got[0].u32, 77);
		assert_null(got[0].p);
	}
	return r;
}

/* Each message from the wrong side, cut at every byte, with a byte too many. */
static void
test_each_refused(void **state)
{
	struct proto_value v[PROTO_FIELDS_MAX];
	const struct proto_message *m;
	struct buf b;
	const uint8_t *body;
	size_t i, len, cut;

	(void)state;
	buf_init(&b, FRAME_HEAD + FRAME_BODY_MAX);
	for (i = 0; i < N_ROWS; i++) {
		m = proto_lookup(rows[i].type);
		print_message("%s\n", m->name);
		buf_reset(&b);
		assert_int_equal(proto_encode(&b, m->type, 1, 0, v, values_of(m, 1, v)), TSR_OK);
		assert_int_equal(buf_put_u8(&b, 0), TSR_OK);
		body = b.data + FRAME_HEAD;
		len = b.len - FRAME_HEAD - 1;
		assert_int_equal(decode(m->type, m->from, body, len), TSR_OK);
		assert_int_equal(decode(m->type, PROTO_FROM_AGENT + PROTO_FROM_HELPER - m->from, body, len), TSR_INVALID);
		assert_int_equal(decode(m->type, m->from, body, len + 1), TSR_INVALID);
		for (cut = 0; cut < len; cut++)
			assert_int_equal(decode(m->type, m->from, body, cut), TSR_INVALID);
	}
	buf_free(&b);
}

/* Each field of each message one above its maximum, encoded and decoded. */
static void
test_each_field_too_much(void **state)
{
	struct proto_value v[PROTO_FIELDS_MAX];
	const struct proto_message *m;
	const struct proto_field *field;
	struct buf out, body;
	size_t i, j, k, n;

	(void)state;
	buf_init(&out, FRAME_HEAD + FRAME_BODY_MAX);
	buf_init(&body, FRAME_BODY_MAX);
	for (i = 0; i < N_ROWS; i++) {
		m = proto_lookup(rows[i].type);
		for (j = 0; j < count_of(m); j++) {
			field = &m->field[j];
			if (field->kind == PROTO_U32 && field->max == UINT32_MAX)
				continue;
			print_message("%s: %s\n", m->name, field->name);
			n = values_of(m, 0, v);
			if (field->kind == PROTO_U32) {
				v[j].u32 = field->max + 1;
			} else {
				assert_true(field->max < sizeof(bytes));
				v[j].n = field->max + 1;
			}
			assert_int_equal(proto_encode(&out, m->type, 1, 0, v, n), TSR_INVALID);
			assert_int_equal(out.len, 0);
			buf_reset(&body);
			for (k = 0; k < n; k++)
				assert_int_equal(m->field[k].kind == PROTO_U32 ?
				    buf_put_u32(&body, v[k].u32) :
				    buf_put_string(&body, v[k].p, v[k].n), TSR_OK);
			assert_int_equal(decode(m->type, m->from, body.data, body.len), TSR_INVALID);
		}
	}
	buf_free(&out);
	buf_free(&body);
}

static const struct text_row {
	const char *name;
	const char *text;
	size_t n;
	int r;
} texts[] = {
	{ "UTF-8", S("J\xc3\xbcrgen"), TSR_OK },
	{ "empty", S(""), TSR_OK },
	{ "newline", S("a\nb"), TSR_INVALID },
	{ "terminal escape", S("\x1b[2J"), TSR_INVALID },
	{ "NUL", S("a\0"), TSR_INVALID },
	{ "DEL", S("\x7f"), TSR_INVALID },
	{ "C1 control", S("\xc2\x9b"), TSR_INVALID },
	{ "not UTF-8", S("\xff\xfe"), TSR_INVALID },
	{ "overlong", S("\xc0\xaf"), TSR_INVALID },
	{ "cut character", S("a\xe2\x82"), TSR_INVALID },
};

static void
test_text(void **state)
{
	const struct text_row *row;
	struct proto_value v;
	struct buf out, body;

	(void)state;
	for (row = texts; row < texts + sizeof(texts) / sizeof(texts[0]); row++) {
		print_message("%s\n", row->name);
		buf_init(&out, 1000);
		buf_init(&body, 1000);
		v = (struct proto_value){ 0, (const uint8_t *)row->text, row->n };
		assert_int_equal(proto_encode(&out, PROTO_UID_OF, 1, 0, &v, 1), row->r);
		assert_int_equal(buf_put_string(&body, row->text, row->n), TSR_OK);
		assert_int_equal(decode(PROTO_UID_OF, PROTO_FROM_AGENT, body.data, body.len), row->r);
		buf_free(&out);
		buf_free(&body);
	}
}

static const struct body_row {
	const char *name;
	uint16_t type;
	enum proto_side from;
	const char *body;
	size_t n;
	int r;
} bodies[] = {
	{ "one number", PROTO_NAME_OF, PROTO_FROM_AGENT, S("\0\0\0\1"), TSR_OK },
	{ "type 0", 0, PROTO_FROM_AGENT, S(""), TSR_INVALID },
	{ "type between the sides", 31, PROTO_FROM_AGENT, S(""), TSR_INVALID },
	{ "type after the last", PROTO_GROUP + 1, PROTO_FROM_HELPER, S("\0\0\0\0"), TSR_INVALID },
	{ "type 65535", 65535, PROTO_FROM_HELPER, S(""), TSR_INVALID },
	{ "no such side", PROTO_TOKENS, (enum proto_side)3, S(""), TSR_INVALID },
	{ "bytes where none are due", PROTO_TOKENS, PROTO_FROM_AGENT, S("\0"), TSR_INVALID },
	{ "second field missing", PROTO_KEYS, PROTO_FROM_AGENT, S("\0\0\0\1s"), TSR_INVALID },
	{ "a third field", PROTO_KEYS, PROTO_FROM_AGENT, S("\0\0\0\1s\0\0\0\1l\0\0\0\0"), TSR_INVALID },
	{ "length beyond the body", PROTO_UID_OF, PROTO_FROM_AGENT, S("\0\0\0\5root"), TSR_INVALID },
	{ "length of 4 GiB", PROTO_UID_OF, PROTO_FROM_AGENT, S("\xff\xff\xff\xffroot"), TSR_INVALID },
	{ "algorithm bits that no algorithm has", PROTO_KEY, PROTO_FROM_HELPER,
	    S("\0\0\0\0" "\0\0\0\0" "\0\0\0\x40" "\0\0\0\0" "\0\0\0\0" "\0\0\0\0"), TSR_INVALID },
};

static void
test_bodies(void **state)
{
	const struct body_row *row;

	(void)state;
	for (row = bodies; row < bodies + sizeof(bodies) / sizeof(bodies[0]); row++) {
		print_message("%s\n", row->name);
		assert_int_equal(decode(row->type, row->from, row->body, row->n), row->r);
	}
}

static void
test_encode_refused(void **state)
{
	static const struct proto_value v[3] = { { 0, NULL, 0 } };
	struct buf b;

	(void)state;
	buf_init(&b, 1000);
	assert_int_equal(proto_encode(&b, 0, 1, 0, v, 0), TSR_INVALID);
	assert_int_equal(proto_encode(&b, PROTO_KEYS, 1, 0, v, 1), TSR_INVALID);	/* too few */
	assert_int_equal(proto_encode(&b, PROTO_KEYS, 1, 0, v, 3), TSR_INVALID);	/* too many */
	assert_int_equal(b.len, 0);
	assert_int_equal(proto_encode(&b, PROTO_DONE, 1, 0, NULL, 0), TSR_OK);
	assert_int_equal(b.len, FRAME_HEAD);
	buf_free(&b);
	buf_init(&b, FRAME_HEAD);
	assert_int_equal(proto_encode(&b, PROTO_NAME_OF, 1, 0, v, 1), TSR_TOO_LARGE);
	assert_int_equal(b.len, 0);
	buf_free(&b);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_wire),
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_each_refused),
		cmocka_unit_test(test_each_field_too_much),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_bodies),
		cmocka_unit_test(test_encode_refused),
	};

	memset(bytes, 'x', sizeof(bytes));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
