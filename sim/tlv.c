/*
 * tlv.c - BER-TLV as smart cards use it.  See tlv.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "sim/tlv.h"

#include "tessera.h"

#define TAG_MAX	3		/* bytes */

static int
tlv_tag(struct reader *r, uint32_t *out)
{
	uint32_t tag;
	uint8_t byte;
	int i;

	if (reader_u8(r, &byte) != TSR_OK)
		return TSR_INVALID;
	tag = byte;
	if ((byte & 0x1f) == 0x1f) {
		for (i = 1; ; i++) {
			if (i == TAG_MAX || reader_u8(r, &byte) != TSR_OK)
				return TSR_INVALID;
			tag = tag << 8 | byte;
			if ((byte & 0x80) == 0)
				break;
		}
	}
	*out = tag;
	return TSR_OK;
}

static int
tlv_length(struct reader *r, size_t *out)
{
	uint16_t two;
	uint8_t one;

	if (reader_u8(r, &one) != TSR_OK)
		return TSR_INVALID;
	if (one == 0x82) {
		if (reader_u16(r, &two) != TSR_OK)
			return TSR_INVALID;
		*out = two;
		return TSR_OK;
	}
	if (one >= 0x80 && (one != 0x81 || reader_u8(r, &one) != TSR_OK))
		return TSR_INVALID;
	*out = one;
	return TSR_OK;
}

int
tlv_next(struct reader *r, uint32_t *tag, const uint8_t **v, size_t *n)
{
	struct reader at = *r;
	uint32_t t;
	size_t len;

	if (tlv_tag(&at, &t) != TSR_OK || tlv_length(&at, &len) != TSR_OK || len > at.left)
		return TSR_INVALID;
	*tag = t;
	*v = at.p;
	*n = len;
	r->p = at.p + len;
	r->left = at.left - len;
	return TSR_OK;
}

int
tlv_find(const uint8_t *p, size_t size, uint32_t tag, const uint8_t **v, size_t *n)
{
	const uint8_t *value;
	struct reader r;
	uint32_t seen;
	size_t len;

	reader_init(&r, p, size);
	while (r.left > 0) {
		if (tlv_next(&r, &seen, &value, &len) != TSR_OK)
			return TSR_INVALID;
		if (seen == tag) {
			*v = value;
			*n = len;
			return TSR_OK;
		}
	}
	return TSR_NOT_FOUND;
}

int
tlv_put(struct buf *b, uint32_t tag, const void *v, size_t n)
{
	uint8_t head[TAG_MAX + 3];
	size_t at = 0;
	int r;

	if (n > UINT16_MAX)
		return TSR_TOO_LARGE;
	if (tag > 0xffff)
		head[at++] = (uint8_t)(tag >> 16);
	if (tag > 0xff)
		head[at++] = (uint8_t)(tag >> 8);
	head[at++] = (uint8_t)tag;
	if (n > 0xff) {
		head[at++] = 0x82;
		head[at++] = (uint8_t)(n >> 8);
	} else if (n > 0x7f)
		head[at++] = 0x81;
	head[at++] = (uint8_t)n;
	if ((r = buf_reserve(b, at + n)) != TSR_OK || (r = buf_put(b, head, at)) != TSR_OK)
		return r;
	return n > 0 ? buf_put(b, v, n) : TSR_OK;
}
