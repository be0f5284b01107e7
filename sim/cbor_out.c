/*
 * cbor_out.c - writer of canonical CBOR.  See cbor_out.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "sim/cbor_out.h"

#include <string.h>

#include "sim/cbor.h"
#include "tessera.h"

void
cbor_out_init(struct cbor_out *o, size_t max)
{
	buf_init(&o->buf, max);
	o->error = TSR_OK;
}

void
cbor_out_free(struct cbor_out *o)
{
	buf_free(&o->buf);
}

void
cbor_out_raw(struct cbor_out *o, const void *p, size_t n)
{
	if (o->error == TSR_OK)
		o->error = buf_put(&o->buf, p, n);
}

static void
cbor_out_head(struct cbor_out *o, enum cbor_kind kind, uint64_t v)
{
	uint8_t head[9];
	size_t i, width;

	width = v < 24 ? 0 : v < 256 ? 1 : v < 65536 ? 2 : v <= UINT32_MAX ? 4 : 8;
	head[0] = (uint8_t)((unsigned)kind << 5 | (width == 0 ? (unsigned)v :
	    width == 1 ? 24U : width == 2 ? 25U : width == 4 ? 26U : 27U));
	for (i = 0; i < width; i++)
		head[1 + i] = (uint8_t)(v >> (8 * (width - 1 - i)));
	cbor_out_raw(o, head, 1 + width);
}

void
cbor_out_int(struct cbor_out *o, int64_t v)
{
	if (v < 0)
		cbor_out_head(o, CBOR_NEGINT, (uint64_t)(-1 - v));
	else
		cbor_out_head(o, CBOR_UINT, (uint64_t)v);
}

void
cbor_out_bool(struct cbor_out *o, bool v)
{
	cbor_out_head(o, CBOR_SIMPLE, v ? 21 : 20);
}

void
cbor_out_bytes(struct cbor_out *o, const void *p, size_t n)
{
	cbor_out_head(o, CBOR_BYTES, n);
	cbor_out_raw(o, p, n);
}

void
cbor_out_text(struct cbor_out *o, const char *s)
{
	cbor_out_head(o, CBOR_TEXT, strlen(s));
	cbor_out_raw(o, s, strlen(s));
}

void
cbor_out_array(struct cbor_out *o, size_t n)
{
	cbor_out_head(o, CBOR_ARRAY, n);
}

void
cbor_out_map(struct cbor_out *o, size_t n)
{
	cbor_out_head(o, CBOR_MAP, n);
}
