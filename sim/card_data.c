/*
 * card_data.c - the application and its data objects (SP 800-73-4 part 2,
 * 3.1 and 3.3.1).
 *
 * SPDX-License-Identifier: ISC
 */
#include <stdio.h>
#include <string.h>

#include "sim/card_internal.h"
#include "sim/tlv.h"
#include "tessera.h"

#define AID_SHORT	5	/* bytes of what yubico-piv-tool selects; SP 800-73 wants 9 */
#define TAG_DATA	0x53
#define TAG_LIST	0x5c

static const uint8_t aid[] = { 0xa0, 0, 0, 3, 8, 0, 0, 0x10, 0, 1, 0 };

/* Objects that want the PIN: fingerprints, printed information, facial image,
 * iris images (part 1, table 2). */
static const uint32_t guarded[] = { 0x5fc103, 0x5fc109, 0x5fc108, 0x5fc121 };

/* What a strict contactless card gives away: CHUID, card authentication
 * certificate, security object, secure messaging certificate. */
static const uint32_t open_to_air[] = { TAG_CHUID, 0x5fc101, 0x5fc106, 0x5fc122 };

const struct card_object *
card_object(const struct card *c, uint32_t tag)
{
	size_t i;

	for (i = 0; i < c->n_objects; i++)
		if (c->object[i].tag == tag)
			return &c->object[i];
	return NULL;
}

static void
data_delete(struct card *c, size_t i)
{
	buf_free(&c->object[i].value);
	c->n_objects--;
	memmove(&c->object[i], &c->object[i + 1], (c->n_objects - i) * sizeof(c->object[0]));
}

int
card_object_set(struct card *c, uint32_t tag, const void *data, size_t n)
{
	struct buf value;
	size_t i;
	int r;

	for (i = 0; i < c->n_objects && c->object[i].tag != tag; i++)
		;
	if (n == 0) {
		if (i < c->n_objects)
			data_delete(c, i);
		return TSR_OK;
	}
	if (i == CARD_OBJECTS_MAX)
		return TSR_TOO_LARGE;
	buf_init(&value, CARD_OBJECT_MAX);
	if ((r = buf_put(&value, data, n)) != TSR_OK)
		return r;
	if (i == c->n_objects)
		c->n_objects++;
	else
		buf_free(&c->object[i].value);
	c->object[i].tag = tag;
	c->object[i].value = value;	/* moved */
	return TSR_OK;
}

void
card_serial(const struct card *c, char out[CARD_SERIAL_SIZE])
{
	const struct card_object *o = card_object(c, TAG_CHUID);
	const uint8_t *guid;
	size_t i, n;

	out[0] = '\0';
	if (o == NULL || tlv_find(o->value.data, o->value.len, 0x34, &guid, &n) != TSR_OK || n != 16)
		return;
	for (i = 0; i < n; i++)
		(void)snprintf(out + 2 * i, 3, "%02x", guid[i]);
}

/* The application property template (part 2, table 3). */
static unsigned
data_properties(struct card *c)
{
	struct buf t, authority;
	unsigned sw = SW_FAILED;

	buf_init(&t, 256);
	buf_init(&authority, 32);
	if (tlv_put(&t, 0x4f, aid + 5, sizeof(aid) - 5) == TSR_OK &&
	    tlv_put(&authority, 0x4f, aid, 5) == TSR_OK &&
	    tlv_put(&t, 0x79, authority.data, authority.len) == TSR_OK &&
	    tlv_put(&c->out, 0x61, t.data, t.len) == TSR_OK)
		sw = SW_OK;
	buf_free(&t);
	buf_free(&authority);
	return sw;
}

/* Selecting it again leaves the security status alone (part 2, 3.1.1). */
unsigned
card_select(struct card *c, const struct apdu *a)
{
	if (a->p1 != 0x04)
		return SW_P1P2;
	if (a->lc < AID_SHORT || a->lc > sizeof(aid) || memcmp(a->data, aid, a->lc) != 0)
		return SW_NOT_FOUND;
	c->selected = 1;
	return data_properties(c);
}

static int
data_in(const uint32_t *list, size_t n, uint32_t tag)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (list[i] == tag)
			return 1;
	return 0;
}

/* The tag that a command's tag list names.  TSR_INVALID. */
static int
data_tag(const struct apdu *a, uint32_t *out)
{
	const uint8_t *v;
	uint32_t tag = 0;
	size_t i, n;

	if (tlv_find(a->data, a->lc, TAG_LIST, &v, &n) != TSR_OK || n < 1 || n > 3)
		return TSR_INVALID;
	for (i = 0; i < n; i++)
		tag = tag << 8 | v[i];
	*out = tag;
	return TSR_OK;
}

/* The PIN is the application's, not the card's (part 1, 3.3.2). */
static unsigned
data_discovery(struct card *c)
{
	static const uint8_t policy[] = { 0x40, 0x00 };
	struct buf t;
	unsigned sw = SW_FAILED;

	buf_init(&t, 64);
	if (tlv_put(&t, 0x4f, aid, sizeof(aid)) == TSR_OK &&
	    tlv_put(&t, 0x5f2f, policy, sizeof(policy)) == TSR_OK &&
	    tlv_put(&c->out, TAG_DISCOVERY, t.data, t.len) == TSR_OK)
		sw = SW_OK;
	buf_free(&t);
	return sw;
}

unsigned
card_get_data(struct card *c, const struct apdu *a)
{
	const struct card_object *o;
	uint32_t tag;

	if (a->p1 != 0x3f || a->p2 != 0xff)
		return SW_P1P2;
	if (data_tag(a, &tag) != TSR_OK)
		return SW_DATA;
	if (tag == TAG_DISCOVERY)
		return data_discovery(c);
	if (card_needs_contact(c) &&
	    !data_in(open_to_air, sizeof(open_to_air) / sizeof(open_to_air[0]), tag))
		return SW_SECURITY;
	if (data_in(guarded, sizeof(guarded) / sizeof(guarded[0]), tag) && !c->pin_verified)
		return SW_SECURITY;
	if ((o = card_object(c, tag)) == NULL)
		return SW_NOT_FOUND;
	return tlv_put(&c->out, TAG_DATA, o->value.data, o->value.len) == TSR_OK ? SW_OK : SW_FAILED;
}

unsigned
card_put_data(struct card *c, const struct apdu *a)
{
	const uint8_t *v;
	uint32_t tag;
	size_t n;
	int r;

	if (a->p1 != 0x3f || a->p2 != 0xff)
		return SW_P1P2;
	if (!c->admin)
		return SW_SECURITY;
	if (data_tag(a, &tag) != TSR_OK || tlv_find(a->data, a->lc, TAG_DATA, &v, &n) != TSR_OK)
		return SW_DATA;
	/* PIV's own and those that vendors use */
	if (tag >> 8 != 0x5fc1 && tag >> 8 != 0x5fff)
		return SW_FUNCTION;
	if ((r = card_object_set(c, tag, v, n)) == TSR_TOO_LARGE)
		return SW_FULL;
	if (r != TSR_OK || card_store_contents(c) != TSR_OK)
		return SW_MEMORY;
	return SW_OK;
}

/* yubico-piv-tool wants to know a version and a number. */
unsigned
card_version(struct card *c, const struct apdu *a)
{
	static const uint8_t version[] = { 5, 2, 0 };

	if (a->lc != 0)
		return SW_LENGTH;
	return buf_put(&c->out, version, sizeof(version)) == TSR_OK ? SW_OK : SW_FAILED;
}

unsigned
card_serial_number(struct card *c, const struct apdu *a)
{
	const struct card_object *o = card_object(c, TAG_CHUID);
	const uint8_t *guid;
	size_t n;

	if (a->lc != 0)
		return SW_LENGTH;
	if (o == NULL || tlv_find(o->value.data, o->value.len, 0x34, &guid, &n) != TSR_OK || n != 16)
		return SW_NOT_FOUND;
	return buf_put(&c->out, guid + 12, 4) == TSR_OK ? SW_OK : SW_FAILED;
}
