/*
 * key_store.c - a virtual key's memory.  See key_store.h.
 *
 * The file is the magic, the members in order (base/buf.h's integers and
 * strings), and the SHA-256 of all that.
 *
 * SPDX-License-Identifier: ISC
 */
#include "sim/key_store.h"

#include <string.h>
#include <unistd.h>

#include <sodium.h>

#include "base/buf.h"
#include "sim/file.h"
#include "tessera.h"

#define STATE_NAME	"key.state"
#define STATE_MAX	(256 * 1024)	/* bytes of the file */
#define MAGIC		0x54534b31u	/* "TSK1" */
#define SUM		32		/* bytes of the hash at its end */

void
key_store_reset(struct key_store *st)
{
	sodium_memzero(&st->s, sizeof(st->s));
	randombytes_buf(st->s.master, sizeof(st->s.master));
	st->s.pin_tries = KEY_PIN_TRIES;
	st->s.uv_tries = KEY_UV_TRIES;
}

static int
key_store_put_resident(struct buf *b, const struct key_resident *c)
{
	int r;

	if ((r = buf_put_u32(b, c->made)) != TSR_OK ||
	    (r = buf_put(b, c->id, sizeof(c->id))) != TSR_OK ||
	    (r = buf_put_string(b, c->user, c->user_len)) != TSR_OK ||
	    (r = buf_put_string(b, c->rp, strlen(c->rp))) != TSR_OK ||
	    (r = buf_put_string(b, c->name, strlen(c->name))) != TSR_OK)
		return r;
	return buf_put_string(b, c->display, strlen(c->display));
}

static int
key_store_encode(const struct key_state *s, struct buf *b)
{
	uint8_t sum[SUM];
	uint32_t i, n;
	int r;

	for (n = 0, i = 0; i < KEY_RESIDENT_MAX; i++)
		n += s->resident[i].used;
	if ((r = buf_put_u32(b, MAGIC)) != TSR_OK ||
	    (r = buf_put(b, s->master, sizeof(s->master))) != TSR_OK ||
	    (r = buf_put_u8(b, s->pin_set)) != TSR_OK ||
	    (r = buf_put(b, s->pin_hash, sizeof(s->pin_hash))) != TSR_OK ||
	    (r = buf_put_u8(b, s->pin_tries)) != TSR_OK ||
	    (r = buf_put_u8(b, s->uv_tries)) != TSR_OK ||
	    (r = buf_put_u32(b, s->counter)) != TSR_OK ||
	    (r = buf_put_u32(b, s->made)) != TSR_OK || (r = buf_put_u32(b, n)) != TSR_OK)
		return r;
	for (i = 0; i < KEY_RESIDENT_MAX; i++)
		if (s->resident[i].used &&
		    (r = key_store_put_resident(b, &s->resident[i])) != TSR_OK)
			return r;
	if ((r = buf_put_u32(b, s->counted_next)) != TSR_OK)
		return r;
	for (i = 0; i < KEY_COUNTED_MAX; i++)
		if ((r = buf_put(b, s->counted[i].nonce, sizeof(s->counted[i].nonce))) != TSR_OK ||
		    (r = buf_put_u32(b, s->counted[i].count)) != TSR_OK)
			return r;
	crypto_hash_sha256(sum, b->data, b->len);
	return buf_put(b, sum, sizeof(sum));
}

static int
key_store_text(struct reader *r, size_t max, char *out)
{
	const uint8_t *p;
	size_t n;

	if (reader_string(r, max, &p, &n) != TSR_OK)
		return TSR_CORRUPT;
	memcpy(out, p, n);
	out[n] = '\0';
	return TSR_OK;
}

static int
key_store_get_resident(struct reader *r, struct key_resident *c)
{
	const uint8_t *p;
	size_t n;

	if (reader_u32(r, &c->made) != TSR_OK || reader_bytes(r, c->id, sizeof(c->id)) != TSR_OK ||
	    reader_string(r, KEY_USER_MAX, &p, &n) != TSR_OK)
		return TSR_CORRUPT;
	memcpy(c->user, p, n);
	c->user_len = (uint8_t)n;
	c->used = true;
	if (key_store_text(r, KEY_RP_MAX, c->rp) != TSR_OK ||
	    key_store_text(r, KEY_NAME_MAX, c->name) != TSR_OK)
		return TSR_CORRUPT;
	return key_store_text(r, KEY_NAME_MAX, c->display);
}

static int
key_store_decode(const struct buf *b, struct key_state *s)
{
	uint32_t magic, i, n;
	uint8_t sum[SUM], set;
	struct reader r;

	if (b->len < SUM)
		return TSR_CORRUPT;
	crypto_hash_sha256(sum, b->data, b->len - SUM);
	if (sodium_memcmp(sum, b->data + b->len - SUM, SUM) != 0)
		return TSR_CORRUPT;
	reader_init(&r, b->data, b->len - SUM);
	memset(s, 0, sizeof(*s));
	if (reader_u32(&r, &magic) != TSR_OK || magic != MAGIC ||
	    reader_bytes(&r, s->master, sizeof(s->master)) != TSR_OK ||
	    reader_u8(&r, &set) != TSR_OK ||
	    reader_bytes(&r, s->pin_hash, sizeof(s->pin_hash)) != TSR_OK ||
	    reader_u8(&r, &s->pin_tries) != TSR_OK || reader_u8(&r, &s->uv_tries) != TSR_OK ||
	    reader_u32(&r, &s->counter) != TSR_OK || reader_u32(&r, &s->made) != TSR_OK ||
	    reader_u32(&r, &n) != TSR_OK || n > KEY_RESIDENT_MAX)
		return TSR_CORRUPT;
	s->pin_set = set != 0;
	for (i = 0; i < n; i++)
		if (key_store_get_resident(&r, &s->resident[i]) != TSR_OK)
			return TSR_CORRUPT;
	if (reader_u32(&r, &s->counted_next) != TSR_OK || s->counted_next >= KEY_COUNTED_MAX)
		return TSR_CORRUPT;
	for (i = 0; i < KEY_COUNTED_MAX; i++)
		if (reader_bytes(&r, s->counted[i].nonce, sizeof(s->counted[i].nonce)) != TSR_OK ||
		    reader_u32(&r, &s->counted[i].count) != TSR_OK)
			return TSR_CORRUPT;
	return reader_end(&r) == TSR_OK ? TSR_OK : TSR_CORRUPT;
}

int
key_store_save(const struct key_store *st)
{
	struct buf b;
	int r;

	if (st->folder == -1)
		return TSR_OK;
	buf_init(&b, STATE_MAX);
	if ((r = key_store_encode(&st->s, &b)) == TSR_OK)
		r = file_replace(st->folder, STATE_NAME, b.data, b.len);
	buf_free(&b);
	return r;
}

int
key_store_open(const char *folder, struct key_store *out)
{
	struct buf b;
	int r;

	out->folder = -1;
	key_store_reset(out);
	if (folder == NULL)
		return TSR_OK;
	if ((r = file_folder(folder, 1, &out->folder)) != TSR_OK)
		return r;
	buf_init(&b, STATE_MAX);
	if ((r = file_read(out->folder, STATE_NAME, &b)) == TSR_OK)
		r = key_store_decode(&b, &out->s);
	else if (r == TSR_NOT_FOUND)
		r = key_store_save(out);
	buf_free(&b);
	if (r != TSR_OK)
		key_store_close(out);
	return r;
}

void
key_store_close(struct key_store *st)
{
	if (st->folder != -1)
		(void)close(st->folder);
	st->folder = -1;
	sodium_memzero(&st->s, sizeof(st->s));
}
