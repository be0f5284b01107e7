/*
 * card_store.c - the files of a virtual PIV card.
 *
 * "pins" is small, because it is replaced twice at each use of a PIN;
 * "contents" has the data objects and the keys.
 *
 * SPDX-License-Identifier: ISC
 */
#include <string.h>

#include "sim/card_internal.h"
#include "sim/file.h"
#include "tessera.h"

#define PINS		"pins"
#define CONTENTS	"contents"
#define MAGIC_SIZE	8
#define PINS_MAX	256		/* bytes of the file */
#define CONTENTS_MAX	(CARD_OBJECTS_MAX * (CARD_OBJECT_MAX + 16) + CARD_SLOTS * (CARD_KEY_DER_MAX + 16))

static const char pins_magic[MAGIC_SIZE + 1] = "TSRPINS1";
static const char contents_magic[MAGIC_SIZE + 1] = "TSRCARD1";

static int
store_pin_put(struct buf *b, const struct card_pin *pin)
{
	int r;

	if ((r = buf_put_u8(b, pin->tries)) != TSR_OK || (r = buf_put_u8(b, pin->max)) != TSR_OK)
		return r;
	return buf_put(b, pin->value, sizeof(pin->value));
}

int
card_store_pins(struct card *c)
{
	struct buf b;
	int r;

	if (c->dirfd == -1)
		return TSR_OK;
	buf_init(&b, PINS_MAX);
	if ((r = buf_put(&b, pins_magic, MAGIC_SIZE)) == TSR_OK &&
	    (r = store_pin_put(&b, &c->pin)) == TSR_OK &&
	    (r = store_pin_put(&b, &c->puk)) == TSR_OK &&
	    (r = buf_put_u8(&b, c->management_alg)) == TSR_OK &&
	    (r = buf_put(&b, c->management, sizeof(c->management))) == TSR_OK)
		r = file_replace(c->dirfd, PINS, b.data, b.len);
	buf_free(&b);
	return r;
}

static int
store_objects_put(struct buf *b, const struct card *c)
{
	size_t i;
	int r;

	if ((r = buf_put_u32(b, (uint32_t)c->n_objects)) != TSR_OK)
		return r;
	for (i = 0; i < c->n_objects; i++)
		if ((r = buf_put_u32(b, c->object[i].tag)) != TSR_OK ||
		    (r = buf_put_string(b, c->object[i].value.data, c->object[i].value.len)) != TSR_OK)
			return r;
	return TSR_OK;
}

static int
store_keys_put(struct buf *b, const struct card *c)
{
	const struct card_slot *s;
	struct buf der;
	size_t i;
	int r = TSR_OK;

	buf_init(&der, CARD_KEY_DER_MAX);
	for (i = 0; i < CARD_SLOTS && r == TSR_OK; i++) {
		s = &c->slot[i];
		buf_reset(&der);
		if (s->key != NULL && (r = card_key_encode(s->key, &der)) != TSR_OK)
			break;
		if ((r = buf_put_u8(b, s->ref)) == TSR_OK && (r = buf_put_u8(b, s->alg)) == TSR_OK)
			r = buf_put_string(b, der.data, der.len);
	}
	buf_free(&der);
	return r;
}

int
card_store_contents(struct card *c)
{
	struct buf b;
	int r;

	if (c->dirfd == -1)
		return TSR_OK;
	buf_init(&b, CONTENTS_MAX);
	if ((r = buf_put(&b, contents_magic, MAGIC_SIZE)) == TSR_OK &&
	    (r = store_objects_put(&b, c)) == TSR_OK && (r = store_keys_put(&b, c)) == TSR_OK)
		r = file_replace(c->dirfd, CONTENTS, b.data, b.len);
	buf_free(&b);
	return r;
}

static int
store_magic(struct reader *r, const char *magic)
{
	char seen[MAGIC_SIZE];

	if (reader_bytes(r, seen, sizeof(seen)) != TSR_OK || memcmp(seen, magic, sizeof(seen)) != 0)
		return TSR_CORRUPT;
	return TSR_OK;
}

static int
store_pin_get(struct reader *r, struct card_pin *pin)
{
	if (reader_u8(r, &pin->tries) != TSR_OK || reader_u8(r, &pin->max) != TSR_OK ||
	    pin->max == 0 || pin->max > CARD_TRIES_MAX || pin->tries > pin->max)
		return TSR_CORRUPT;
	return reader_bytes(r, pin->value, sizeof(pin->value)) == TSR_OK ? TSR_OK : TSR_CORRUPT;
}

static int
store_pins_get(struct card *c, struct reader *r)
{
	if (store_magic(r, pins_magic) != TSR_OK || store_pin_get(r, &c->pin) != TSR_OK ||
	    store_pin_get(r, &c->puk) != TSR_OK || reader_u8(r, &c->management_alg) != TSR_OK ||
	    reader_bytes(r, c->management, sizeof(c->management)) != TSR_OK)
		return TSR_CORRUPT;
	return reader_end(r) == TSR_OK ? TSR_OK : TSR_CORRUPT;
}

static int
store_keys_get(struct card *c, struct reader *r)
{
	const uint8_t *der;
	uint8_t ref, alg;
	size_t i, n;

	for (i = 0; i < CARD_SLOTS; i++) {
		if (reader_u8(r, &ref) != TSR_OK || ref != c->slot[i].ref || reader_u8(r, &alg) != TSR_OK ||
		    reader_string(r, CARD_KEY_DER_MAX, &der, &n) != TSR_OK)
			return TSR_CORRUPT;
		if (n > 0 && card_key_decode(alg, der, n, &c->slot[i].key) != TSR_OK)
			return TSR_CORRUPT;
		c->slot[i].alg = alg;
	}
	return reader_end(r) == TSR_OK ? TSR_OK : TSR_CORRUPT;
}

static int
store_contents_get(struct card *c, struct reader *r)
{
	const uint8_t *p;
	uint32_t count, tag;
	size_t n;
	int e;

	if (store_magic(r, contents_magic) != TSR_OK || reader_u32(r, &count) != TSR_OK)
		return TSR_CORRUPT;
	for (; count > 0; count--) {
		if (reader_u32(r, &tag) != TSR_OK || reader_string(r, CARD_OBJECT_MAX, &p, &n) != TSR_OK ||
		    card_object(c, tag) != NULL)
			return TSR_CORRUPT;
		if ((e = card_object_set(c, tag, p, n)) != TSR_OK)
			return e == TSR_NOMEM ? e : TSR_CORRUPT;
	}
	return store_keys_get(c, r);
}

static int
store_load(struct card *c, const char *name, size_t max, int (*get)(struct card *, struct reader *))
{
	struct reader reader;
	struct buf b;
	int r;

	buf_init(&b, max);
	if ((r = file_read(c->dirfd, name, &b)) == TSR_OK) {
		reader_init(&reader, b.data, b.len);
		r = get(c, &reader);
	} else if (r == TSR_TOO_LARGE)
		r = TSR_CORRUPT;
	buf_free(&b);
	return r;
}

int
card_store_load(struct card *c)
{
	int r;

	/* contents are written last: where they are, pins are */
	if ((r = store_load(c, CONTENTS, CONTENTS_MAX, store_contents_get)) != TSR_OK)
		return r;
	r = store_load(c, PINS, PINS_MAX, store_pins_get);
	return r == TSR_NOT_FOUND ? TSR_CORRUPT : r;
}
