/*
 * proto.c - the helper protocol's table, and the checks it stands for.  See
 * proto.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "base/proto.h"

#include <string.h>

#include "base/escape.h"
#include "tessera.h"

/* Bytes, where proto.h does not name them.  PKCS#11 2.40 section 3.2 gives a
 * token's label and manufacturer 32 bytes, its model and serial 16; a byte
 * that is no text takes four when escaped. */
#define NAME_MAX_BYTES		256	/* of users, groups, modules */
#define LABEL_MAX_BYTES		128
#define SERIAL_MAX_BYTES	64
#define ID_MAX_BYTES		255	/* CKA_ID */
#define KEY_LABEL_MAX_BYTES	256
#define DETAIL_MAX_BYTES	512

#define CODE_MAX		255u
#define ANY_U32			0xffffffffu
#define ALGORITHM_MAX		((uint32_t)PROTO_ED25519)
#define ALGORITHMS_MAX		((2u << PROTO_ED25519) - 1)
#define TOKEN_FLAGS_MAX		(2 * PROTO_TOKEN_REMOVABLE - 1)
#define KEY_FLAGS_MAX		(2 * PROTO_KEY_NO_PIN - 1)
#define READER_MAX_BYTES	512	/* PC/SC gives a reader's name 128 bytes */
#define SLOT_MAX_BYTES		256	/* 64, escaped */
#define READER_STATE_MAX	(2 * PROTO_READER_GONE - 1)
#define COUNT_MAX		0xffffu
#define PRODUCT_MAX_BYTES	256
#define DEVICE_MAX_BYTES	64	/* a FIDO2 key's node */
#define VERSIONS_MAX_BYTES	128
#define TRANSPORTS_MAX_BYTES	64
#define FORMAT_MAX_BYTES	32	/* WebAuthn level 3 section 8.1 */
#define FIDO_FLAGS_MAX		(2 * PROTO_FIDO_SILENT - 1)
#define FIDO_KEY_FLAGS_MAX	(2 * PROTO_FIDO_KEY_FAILED - 1)

static const struct proto_message messages[] = {
	{ PROTO_OPEN, "open", PROTO_FROM_AGENT, {
	    { "module", PROTO_TEXT, NAME_MAX_BYTES } } },
	{ PROTO_TOKENS, "tokens", PROTO_FROM_AGENT, { { NULL, PROTO_U32, 0 } } },
	{ PROTO_KEYS, "keys", PROTO_FROM_AGENT, {
	    { "serial", PROTO_TEXT, SERIAL_MAX_BYTES },
	    { "label", PROTO_TEXT, LABEL_MAX_BYTES } } },
	{ PROTO_PROVE, "prove", PROTO_FROM_AGENT, {
	    { "serial", PROTO_TEXT, SERIAL_MAX_BYTES },
	    { "label", PROTO_TEXT, LABEL_MAX_BYTES },
	    { "id", PROTO_BYTES, ID_MAX_BYTES },
	    { "algorithm", PROTO_U32, ALGORITHM_MAX },
	    { "pin", PROTO_BYTES, PROTO_PIN_MAX },
	    { "challenge", PROTO_BYTES, PROTO_CHALLENGE_MAX },
	    { "confirmed", PROTO_U32, PROTO_TRIES_FEW } } },
	{ PROTO_NAME_OF, "name-of", PROTO_FROM_AGENT, {
	    { "uid", PROTO_U32, ANY_U32 } } },
	{ PROTO_UID_OF, "uid-of", PROTO_FROM_AGENT, {
	    { "name", PROTO_TEXT, NAME_MAX_BYTES } } },
	{ PROTO_GID_OF, "gid-of", PROTO_FROM_AGENT, {
	    { "name", PROTO_TEXT, NAME_MAX_BYTES } } },
	{ PROTO_TRIES, "tries", PROTO_FROM_AGENT, {
	    { "serial", PROTO_TEXT, SERIAL_MAX_BYTES },
	    { "label", PROTO_TEXT, LABEL_MAX_BYTES } } },
	{ PROTO_PIN_CHANGE, "pin-change", PROTO_FROM_AGENT, {
	    { "serial", PROTO_TEXT, SERIAL_MAX_BYTES },
	    { "label", PROTO_TEXT, LABEL_MAX_BYTES },
	    { "pin", PROTO_BYTES, PROTO_PIN_MAX },
	    { "new", PROTO_BYTES, PROTO_PIN_MAX },
	    { "confirmed", PROTO_U32, PROTO_TRIES_FEW } } },
	{ PROTO_PIN_UNBLOCK, "pin-unblock", PROTO_FROM_AGENT, {
	    { "serial", PROTO_TEXT, SERIAL_MAX_BYTES },
	    { "label", PROTO_TEXT, LABEL_MAX_BYTES },
	    { "puk", PROTO_BYTES, PROTO_PIN_MAX },
	    { "new", PROTO_BYTES, PROTO_PIN_MAX },
	    { "confirmed", PROTO_U32, PROTO_TRIES_FEW } } },

	{ PROTO_WATCH, "watch", PROTO_FROM_AGENT, { { NULL, PROTO_U32, 0 } } },
	{ PROTO_PRESENT, "present", PROTO_FROM_AGENT, {
	    { "serial", PROTO_TEXT, SERIAL_MAX_BYTES },
	    { "label", PROTO_TEXT, LABEL_MAX_BYTES },
	    { "id", PROTO_BYTES, ID_MAX_BYTES },
	    { "algorithm", PROTO_U32, ALGORITHM_MAX },
	    { "challenge", PROTO_BYTES, PROTO_CHALLENGE_MAX } } },
	{ PROTO_FIDO_LIST, "fido-list", PROTO_FROM_AGENT, { { NULL, PROTO_U32, 0 } } },
	{ PROTO_FIDO_MAKE, "fido-make", PROTO_FROM_AGENT, {
	    { "device", PROTO_TEXT, DEVICE_MAX_BYTES },
	    { "rp_id", PROTO_TEXT, PROTO_FIDO_RP_MAX },
	    { "rp_name", PROTO_TEXT, NAME_MAX_BYTES },
	    { "user_id", PROTO_BYTES, PROTO_FIDO_USER_MAX },
	    { "user_name", PROTO_TEXT, NAME_MAX_BYTES },
	    { "hash", PROTO_BYTES, PROTO_FIDO_HASH_LEN },
	    { "algorithms", PROTO_U32, ALGORITHMS_MAX },
	    { "exclude", PROTO_BYTES, PROTO_FIDO_IDS_BYTES },
	    { "flags", PROTO_U32, FIDO_FLAGS_MAX },
	    { "pin", PROTO_BYTES, PROTO_PIN_MAX } } },
	{ PROTO_FIDO_ASSERT, "fido-assert", PROTO_FROM_AGENT, {
	    { "device", PROTO_TEXT, DEVICE_MAX_BYTES },
	    { "rp_id", PROTO_TEXT, PROTO_FIDO_RP_MAX },
	    { "hash", PROTO_BYTES, PROTO_FIDO_HASH_LEN },
	    { "allow", PROTO_BYTES, PROTO_FIDO_IDS_BYTES },
	    { "flags", PROTO_U32, FIDO_FLAGS_MAX },
	    { "pin", PROTO_BYTES, PROTO_PIN_MAX } } },
	{ PROTO_FIDO_LOOK, "fido-look", PROTO_FROM_AGENT, {
	    { "device", PROTO_TEXT, DEVICE_MAX_BYTES },
	    { "rp_id", PROTO_TEXT, PROTO_FIDO_RP_MAX },
	    { "allow", PROTO_BYTES, PROTO_FIDO_IDS_BYTES } } },
	{ PROTO_FIDO_SELECT, "fido-select", PROTO_FROM_AGENT, { { NULL, PROTO_U32, 0 } } },
	{ PROTO_FIDO_PIN, "fido-pin", PROTO_FROM_AGENT, {
	    { "device", PROTO_TEXT, DEVICE_MAX_BYTES },
	    { "old", PROTO_BYTES, PROTO_PIN_MAX },
	    { "new", PROTO_BYTES, PROTO_PIN_MAX } } },

	{ PROTO_DONE, "done", PROTO_FROM_HELPER, { { NULL, PROTO_U32, 0 } } },
	{ PROTO_ERROR, "error", PROTO_FROM_HELPER, {
	    { "code", PROTO_U32, CODE_MAX },
	    { "tries_left", PROTO_U32, ANY_U32 },
	    { "detail", PROTO_TEXT, DETAIL_MAX_BYTES } } },
	{ PROTO_TOKEN, "token", PROTO_FROM_HELPER, {
	    { "serial", PROTO_TEXT, SERIAL_MAX_BYTES },
	    { "label", PROTO_TEXT, LABEL_MAX_BYTES },
	    { "manufacturer", PROTO_TEXT, LABEL_MAX_BYTES },
	    { "model", PROTO_TEXT, SERIAL_MAX_BYTES },
	    { "flags", PROTO_U32, TOKEN_FLAGS_MAX },
	    { "reader", PROTO_TEXT, SLOT_MAX_BYTES } } },
	{ PROTO_KEY, "key", PROTO_FROM_HELPER, {
	    { "id", PROTO_BYTES, ID_MAX_BYTES },
	    { "label", PROTO_TEXT, KEY_LABEL_MAX_BYTES },
	    { "algorithms", PROTO_U32, ALGORITHMS_MAX },
	    { "spki", PROTO_BYTES, PROTO_SPKI_MAX },
	    { "certificate", PROTO_BYTES, PROTO_CERT_MAX },
	    { "flags", PROTO_U32, KEY_FLAGS_MAX } } },
	{ PROTO_SIGNATURE, "signature", PROTO_FROM_HELPER, {
	    { "signature", PROTO_BYTES, PROTO_SIGNATURE_MAX } } },
	{ PROTO_USER, "user", PROTO_FROM_HELPER, {
	    { "uid", PROTO_U32, ANY_U32 },
	    { "gid", PROTO_U32, ANY_U32 },
	    { "name", PROTO_TEXT, NAME_MAX_BYTES } } },
	{ PROTO_GROUP, "group", PROTO_FROM_HELPER, {
	    { "gid", PROTO_U32, ANY_U32 } } },
	{ PROTO_PIN, "pin", PROTO_FROM_HELPER, {
	    { "tries_left", PROTO_U32, ANY_U32 },
	    { "least", PROTO_U32, PROTO_PIN_MAX },
	    { "most", PROTO_U32, PROTO_PIN_MAX },
	    { "flags", PROTO_U32, TOKEN_FLAGS_MAX } } },
	{ PROTO_SERVICE, "service", PROTO_FROM_HELPER, {
	    { "available", PROTO_U32, 1 },
	    { "detail", PROTO_TEXT, DETAIL_MAX_BYTES } } },
	{ PROTO_READER, "reader", PROTO_FROM_HELPER, {
	    { "name", PROTO_TEXT, READER_MAX_BYTES },
	    { "slot", PROTO_TEXT, SLOT_MAX_BYTES },
	    { "state", PROTO_U32, READER_STATE_MAX },
	    { "count", PROTO_U32, COUNT_MAX },
	    { "atr", PROTO_BYTES, PROTO_ATR_MAX } } },
	{ PROTO_FIDO_KEY, "fido-key", PROTO_FROM_HELPER, {
	    { "device", PROTO_TEXT, DEVICE_MAX_BYTES },
	    { "manufacturer", PROTO_TEXT, PRODUCT_MAX_BYTES },
	    { "product", PROTO_TEXT, PRODUCT_MAX_BYTES },
	    { "aaguid", PROTO_BYTES, PROTO_FIDO_AAGUID_LEN },
	    { "versions", PROTO_TEXT, VERSIONS_MAX_BYTES },
	    { "transports", PROTO_TEXT, TRANSPORTS_MAX_BYTES },
	    { "flags", PROTO_U32, FIDO_KEY_FLAGS_MAX },
	    { "pin_tries", PROTO_U32, ANY_U32 },
	    { "uv_tries", PROTO_U32, ANY_U32 },
	    { "resident_left", PROTO_U32, ANY_U32 },
	    { "algorithms", PROTO_U32, ALGORITHMS_MAX } } },
	{ PROTO_FIDO_MADE, "fido-made", PROTO_FROM_HELPER, {
	    { "device", PROTO_TEXT, DEVICE_MAX_BYTES },
	    { "authdata", PROTO_BYTES, PROTO_FIDO_AUTHDATA_MAX },
	    { "format", PROTO_TEXT, FORMAT_MAX_BYTES },
	    { "statement", PROTO_BYTES, PROTO_FIDO_STATEMENT_MAX },
	    { "transports", PROTO_TEXT, TRANSPORTS_MAX_BYTES } } },
	{ PROTO_FIDO_ASSERTED, "fido-asserted", PROTO_FROM_HELPER, {
	    { "device", PROTO_TEXT, DEVICE_MAX_BYTES },
	    { "credential", PROTO_BYTES, PROTO_FIDO_ID_MAX },
	    { "authdata", PROTO_BYTES, PROTO_FIDO_AUTHDATA_MAX },
	    { "signature", PROTO_BYTES, PROTO_SIGNATURE_MAX },
	    { "user_id", PROTO_BYTES, PROTO_FIDO_USER_MAX } } },
	{ PROTO_FIDO_TOUCH, "fido-touch", PROTO_FROM_HELPER, {
	    { "device", PROTO_TEXT, DEVICE_MAX_BYTES },
	    { "state", PROTO_U32, PROTO_FIDO_TOUCHED } } },
	{ PROTO_FIDO_FOUND, "fido-found", PROTO_FROM_HELPER, {
	    { "device", PROTO_TEXT, DEVICE_MAX_BYTES },
	    { "credential", PROTO_BYTES, PROTO_FIDO_ID_MAX } } },
	{ PROTO_FIDO_PLUGGED, "fido-plugged", PROTO_FROM_HELPER, {
	    { "device", PROTO_TEXT, DEVICE_MAX_BYTES },
	    { "manufacturer", PROTO_TEXT, PRODUCT_MAX_BYTES },
	    { "product", PROTO_TEXT, PRODUCT_MAX_BYTES } } },
	{ PROTO_FIDO_UNPLUGGED, "fido-unplugged", PROTO_FROM_HELPER, {
	    { "device", PROTO_TEXT, DEVICE_MAX_BYTES } } },
};

const struct proto_message *
proto_lookup(uint16_t type)
{
	size_t i;

	for (i = 0; i < sizeof(messages) / sizeof(messages[0]); i++)
		if (messages[i].type == type)
			return &messages[i];
	return NULL;
}

static size_t
proto_count(const struct proto_message *m)
{
	size_t n = 0;

	while (n < PROTO_FIELDS_MAX && m->field[n].name != NULL)
		n++;
	return n;
}

/* The one place where a value is held against its field. */
static int
proto_check(const struct proto_field *field, const struct proto_value *v)
{
	if (field->kind == PROTO_U32)
		return v->u32 <= field->max ? TSR_OK : TSR_INVALID;
	if (v->n > field->max)
		return TSR_INVALID;
	if (field->kind == PROTO_TEXT && !escape_is_text(v->p, v->n))
		return TSR_INVALID;
	return TSR_OK;
}

static int
proto_put(struct buf *body, const struct proto_field *field, const struct proto_value *v)
{
	int r;

	if ((r = proto_check(field, v)) != TSR_OK)
		return r;
	if (field->kind == PROTO_U32)
		return buf_put_u32(body, v->u32);
	return buf_put_string(body, v->p, v->n);
}

static int
proto_get(struct reader *body, const struct proto_field *field, struct proto_value *v)
{
	int r;

	memset(v, 0, sizeof(*v));
	if (field->kind == PROTO_U32)
		r = reader_u32(body, &v->u32);
	else
		r = reader_string(body, field->max, &v->p, &v->n);
	return r == TSR_OK ? proto_check(field, v) : TSR_INVALID;
}

struct proto_value
proto_u32(uint32_t v)
{
	return (struct proto_value){ .u32 = v };
}

struct proto_value
proto_bytes(const void *p, size_t n)
{
	return (struct proto_value){ .p = p, .n = n };
}

struct proto_value
proto_text(const char *s)
{
	return proto_bytes(s, strlen(s));
}

int
proto_encode(struct buf *out, uint16_t type, uint32_t id, uint32_t deadline_ms,
    const struct proto_value *values, size_t count)
{
	const struct proto_message *m;
	struct frame f = { .id = id, .deadline_ms = deadline_ms, .type = type };
	struct buf body;
	size_t i;
	int r = TSR_OK;

	if ((m = proto_lookup(type)) == NULL || count != proto_count(m))
		return TSR_INVALID;
	buf_init(&body, FRAME_BODY_MAX);
	for (i = 0; i < count && r == TSR_OK; i++)
		r = proto_put(&body, &m->field[i], &values[i]);
	if (r == TSR_OK) {
		f.body = body.data;
		f.body_len = body.len;
		r = frame_encode(out, &f);
	}
	buf_free(&body);
	return r;
}

int
proto_decode(const struct frame *f, enum proto_side from,
    struct proto_value values[PROTO_FIELDS_MAX], size_t *count)
{
	const struct proto_message *m;
	struct proto_value got[PROTO_FIELDS_MAX];
	struct reader body;
	size_t i, n;

	if ((m = proto_lookup(f->type)) == NULL || m->from != from)
		return TSR_INVALID;
	n = proto_count(m);
	reader_init(&body, f->body, f->body_len);
	for (i = 0; i < n; i++)
		if (proto_get(&body, &m->field[i], &got[i]) != TSR_OK)
			return TSR_INVALID;
	if (reader_end(&body) != TSR_OK)
		return TSR_INVALID;
	memcpy(values, got, n * sizeof(got[0]));
	*count = n;
	return TSR_OK;
}
