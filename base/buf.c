/*
 * buf.c - byte buffers and readers.  See buf.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "tessera.h"

#define BUF_FIRST	256			/* bytes of a first allocation */
#define BUF_CEILING	((size_t)PTRDIFF_MAX - 1)	/* bytes no buffer goes beyond */

void
buf_init(struct buf *b, size_t max)
{
	b->data = NULL;
	b->len = 0;
	b->cap = 0;
	b->max = max < BUF_CEILING ? max : BUF_CEILING;
}

void
buf_reset(struct buf *b)
{
	if (b->len > 0)
		sodium_memzero(b->data, b->len);
	b->len = 0;
}

void
buf_free(struct buf *b)
{
	buf_reset(b);
	free(b->data);
	b->data = NULL;
	b->cap = 0;
}

/* The slow half of buf_reserve: move to memory for n more bytes, doubling. */
static int
buf_grow(struct buf *b, size_t n)
{
	uint8_t *data;
	size_t cap;

	if (n > b->max - b->len)
		return TSR_TOO_LARGE;
	cap = b->cap > b->max / 2 ? b->max : b->cap * 2;
	if (cap < BUF_FIRST)
		cap = b->max < BUF_FIRST ? b->max : BUF_FIRST;
	if (cap < b->len + n)
		cap = b->len + n;
	/* One byte more than cap, for the NUL of buf_printf. */
	if ((data = malloc(cap + 1)) == NULL)
		return TSR_NOMEM;
	if (b->len > 0) {
		memcpy(data, b->data, b->len);
		sodium_memzero(b->data, b->len);
	}
	free(b->data);
	b->data = data;
	b->cap = cap;
	return TSR_OK;
}

static inline int
buf_room(struct buf *b, size_t n)
{
	return __builtin_expect(n <= b->cap - b->len, 1) ? TSR_OK : buf_grow(b, n);
}

int
buf_reserve(struct buf *b, size_t n)
{
	return buf_room(b, n);
}

void
buf_added(struct buf *b, size_t n)
{
	b->len += n <= b->cap - b->len ? n : b->cap - b->len;
}

int
buf_put(struct buf *b, const void *p, size_t n)
{
	int r;

	if (n == 0)
		return TSR_OK;
	if ((r = buf_room(b, n)) != TSR_OK)
		return r;
	memcpy(b->data + b->len, p, n);
	b->len += n;
	return TSR_OK;
}

int
buf_put_u8(struct buf *b, uint8_t v)
{
	int r;

	if ((r = buf_room(b, 1)) != TSR_OK)
		return r;
	b->data[b->len++] = v;
	return TSR_OK;
}

int
buf_put_u16(struct buf *b, uint16_t v)
{
	const uint8_t raw[2] = { (uint8_t)(v >> 8), (uint8_t)v };

	return buf_put(b, raw, sizeof(raw));
}

int
buf_put_u32(struct buf *b, uint32_t v)
{
	const uint8_t raw[4] = { (uint8_t)(v >> 24), (uint8_t)(v >> 16),
	    (uint8_t)(v >> 8), (uint8_t)v };

	return buf_put(b, raw, sizeof(raw));
}

int
buf_put_u64(struct buf *b, uint64_t v)
{
	int r;

	if ((r = buf_room(b, 8)) != TSR_OK ||
	    (r = buf_put_u32(b, (uint32_t)(v >> 32))) != TSR_OK)
		return r;
	return buf_put_u32(b, (uint32_t)v);
}

int
buf_put_string(struct buf *b, const void *p, size_t n)
{
	int r;

	if (n > UINT32_MAX || n > b->max)
		return TSR_TOO_LARGE;
	if ((r = buf_room(b, 4 + n)) != TSR_OK ||
	    (r = buf_put_u32(b, (uint32_t)n)) != TSR_OK)
		return r;
	return buf_put(b, p, n);
}

int
buf_put_cstr(struct buf *b, const char *s)
{
	return buf_put(b, s, strlen(s));
}

/* Print into the room there is; its size when that was too little. */
static int
buf_vprint(struct buf *b, const char *fmt, va_list ap)
{
	size_t room = b->data == NULL ? 0 : b->cap - b->len + 1;
	char *at = b->data == NULL ? NULL : (char *)b->data + b->len;
	int n;

	n = vsnprintf(at, room, fmt, ap);
	if (room > 0 && (n < 0 || (size_t)n >= room))
		sodium_memzero(at, room);	/* what did not fit is beyond len: nobody else wipes it */
	return n;
}

int
buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	int n, r;

	va_start(ap, fmt);
	n = buf_vprint(b, fmt, ap);
	va_end(ap);
	if (n < 0)
		return TSR_INVALID;
	if (b->data == NULL || (size_t)n > b->cap - b->len) {
		if ((r = buf_grow(b, (size_t)n)) != TSR_OK)
			return r;
		va_start(ap, fmt);
		n = buf_vprint(b, fmt, ap);
		va_end(ap);
		if (n < 0 || (size_t)n > b->cap - b->len)
			return TSR_INVALID;
	}
	b->len += (size_t)n;
	return TSR_OK;
}

void
buf_cut(struct buf *b, size_t n)
{
	if (n >= b->len)
		return;
	sodium_memzero(b->data + n, b->len - n);
	b->len = n;
}

void
buf_consume(struct buf *b, size_t n)
{
	if (n >= b->len) {
		buf_reset(b);
		return;
	}
	if (n == 0)
		return;
	memmove(b->data, b->data + n, b->len - n);
	b->len -= n;
	sodium_memzero(b->data + b->len, n);
}

void
reader_init(struct reader *r, const void *p, size_t n)
{
	r->p = p;
	r->left = n;
}

/* n bytes (at most 8) as one big-endian number. */
static int
reader_number(struct reader *r, size_t n, uint64_t *v)
{
	uint64_t sum = 0;
	size_t i;

	if (r->left < n)
		return TSR_INVALID;
	for (i = 0; i < n; i++)
		sum = sum << 8 | r->p[i];
	r->p += n;
	r->left -= n;
	*v = sum;
	return TSR_OK;
}

int
reader_u8(struct reader *r, uint8_t *v)
{
	uint64_t n;

	if (reader_number(r, 1, &n) != TSR_OK)
		return TSR_INVALID;
	*v = (uint8_t)n;
	return TSR_OK;
}

int
reader_u16(struct reader *r, uint16_t *v)
{
	uint64_t n;

	if (reader_number(r, 2, &n) != TSR_OK)
		return TSR_INVALID;
	*v = (uint16_t)n;
	return TSR_OK;
}

int
reader_u32(struct reader *r, uint32_t *v)
{
	uint64_t n;

	if (reader_number(r, 4, &n) != TSR_OK)
		return TSR_INVALID;
	*v = (uint32_t)n;
	return TSR_OK;
}

int
reader_u64(struct reader *r, uint64_t *v)
{
	return reader_number(r, 8, v);
}

int
reader_bytes(struct reader *r, void *out, size_t n)
{
	if (r->left < n)
		return TSR_INVALID;
	if (n > 0)
		memcpy(out, r->p, n);
	r->p += n;
	r->left -= n;
	return TSR_OK;
}

int
reader_string(struct reader *r, size_t max, const uint8_t **p, size_t *n)
{
	struct reader at = *r;
	uint32_t len;

	if (reader_u32(&at, &len) != TSR_OK)
		return TSR_INVALID;
	if (len > max)
		return TSR_TOO_LARGE;
	if (len > at.left)
		return TSR_INVALID;
	*p = at.p;
	*n = len;
	r->p = at.p + len;
	r->left = at.left - len;
	return TSR_OK;
}

int
reader_end(const struct reader *r)
{
	return r->left == 0 ? TSR_OK : TSR_INVALID;
}
