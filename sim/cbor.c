/*
 * cbor.c - strict reader of CTAP's CBOR.  See cbor.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "sim/cbor.h"

#include <string.h>

#include "tessera.h"

#define CBOR_FALSE	20
#define CBOR_TRUE	21
#define CBOR_NULL	22

/* The head of the item at p: its kind and number, and the bytes it takes. */
static int
cbor_head(const uint8_t *p, size_t n, struct cbor *out, size_t *used)
{
	static const uint64_t least[] = { 24, 256, 65536, 4294967296 };
	size_t i, width;
	unsigned low;

	if (n == 0)
		return TSR_INVALID;
	low = p[0] & 0x1f;
	out->kind = (enum cbor_kind)(p[0] >> 5);
	out->value = low;
	*used = 1;
	if (low < 24)
		return TSR_OK;
	if (low > 27 || out->kind == CBOR_SIMPLE)	/* reserved, indefinite, floats */
		return TSR_INVALID;
	width = (size_t)1 << (low - 24);
	if (n - 1 < width)
		return TSR_INVALID;
	for (out->value = 0, i = 1; i <= width; i++)
		out->value = out->value << 8 | p[i];
	*used = 1 + width;
	return out->value < least[low - 24] ? TSR_INVALID : TSR_OK;
}

/* UTF-8 without surrogates and overlong forms (RFC 3629). */
static bool
cbor_utf8(const uint8_t *p, size_t n)
{
	size_t i, k, more;
	uint32_t c;

	for (i = 0; i < n; i += more + 1) {
		if (p[i] < 0x80) {
			more = 0;
			continue;
		}
		more = p[i] >= 0xf0 ? 3 : p[i] >= 0xe0 ? 2 : 1;
		if (p[i] < 0xc2 || p[i] > 0xf4 || n - i <= more)
			return false;
		c = p[i] & (0x3fU >> more);
		for (k = 1; k <= more; k++) {
			if ((p[i + k] & 0xc0) != 0x80)
				return false;
			c = c << 6 | (p[i + k] & 0x3f);
		}
		if ((more == 2 && c < 0x800) || (more == 3 && (c < 0x10000 || c > 0x10ffff)) ||
		    (c >= 0xd800 && c <= 0xdfff))
			return false;
	}
	return true;
}

/* Whether key b may follow key a: a lower kind, then the shorter, then the
 * lesser (CTAP 2.1 section 8). */
static bool
cbor_sorted(const struct cbor *a, const struct cbor *b)
{
	if (a->kind != b->kind)
		return a->kind < b->kind;
	if (a->raw_len != b->raw_len)
		return a->raw_len < b->raw_len;
	return memcmp(a->raw, b->raw, a->raw_len) < 0;
}

static int cbor_item(const uint8_t *p, size_t n, unsigned depth, struct cbor *out);

/* The elements of an array or map that begin at p. */
static int
cbor_elements(const uint8_t *p, size_t n, unsigned depth, struct cbor *out)
{
	struct cbor key, item;
	uint64_t i, count;
	size_t at;
	int r;

	if (depth == 0 || out->value > n)	/* each takes a byte at least */
		return TSR_INVALID;
	count = out->kind == CBOR_MAP ? 2 * out->value : out->value;
	memset(&key, 0, sizeof(key));
	for (at = 0, i = 0; i < count; i++) {
		if ((r = cbor_item(p + at, n - at, depth - 1, &item)) != TSR_OK)
			return r;
		if (out->kind == CBOR_MAP && i % 2 == 0) {
			if (i > 0 && !cbor_sorted(&key, &item))
				return TSR_INVALID;
			key = item;
		}
		at += item.raw_len;
	}
	out->p = p;
	out->n = at;
	return TSR_OK;
}

/* The item at p, checked with all that is in it. */
static int
cbor_item(const uint8_t *p, size_t n, unsigned depth, struct cbor *out)
{
	struct cbor item;
	size_t used;
	int r;

	memset(&item, 0, sizeof(item));
	if ((r = cbor_head(p, n, &item, &used)) != TSR_OK)
		return r;
	switch (item.kind) {
	case CBOR_UINT:
	case CBOR_NEGINT:
		break;
	case CBOR_BYTES:
	case CBOR_TEXT:
		if (item.value > n - used)
			return TSR_INVALID;
		item.p = p + used;
		item.n = (size_t)item.value;
		if (item.kind == CBOR_TEXT && !cbor_utf8(item.p, item.n))
			return TSR_INVALID;
		break;
	case CBOR_ARRAY:
	case CBOR_MAP:
		if ((r = cbor_elements(p + used, n - used, depth, &item)) != TSR_OK)
			return r;
		break;
	case CBOR_SIMPLE:
		if (item.value < CBOR_FALSE || item.value > CBOR_NULL)
			return TSR_INVALID;
		break;
	default:			/* a tag */
		return TSR_INVALID;
	}
	item.raw = p;
	item.raw_len = used + item.n;
	*out = item;
	return TSR_OK;
}

int
cbor_parse(const void *p, size_t n, struct cbor *out)
{
	struct cbor item;
	int r;

	if ((r = cbor_item(p, n, CBOR_DEPTH, &item)) != TSR_OK)
		return r;
	if (item.raw_len != n)
		return TSR_INVALID;
	*out = item;
	return TSR_OK;
}

int
cbor_int(const struct cbor *item, int64_t *out)
{
	if ((item->kind != CBOR_UINT && item->kind != CBOR_NEGINT) || item->value > INT64_MAX)
		return TSR_INVALID;
	*out = item->kind == CBOR_UINT ? (int64_t)item->value : -1 - (int64_t)item->value;
	return TSR_OK;
}

int
cbor_bool(const struct cbor *item, bool *out)
{
	if (item->kind != CBOR_SIMPLE || item->value == CBOR_NULL)
		return TSR_INVALID;
	*out = item->value == CBOR_TRUE;
	return TSR_OK;
}

int
cbor_at(const struct cbor *item, size_t i, struct cbor *out)
{
	struct cbor next;
	size_t at;

	if (item->kind != CBOR_ARRAY && item->kind != CBOR_MAP)
		return TSR_NOT_FOUND;
	for (at = 0; at < item->n; at += next.raw_len) {
		if (cbor_item(item->p + at, item->n - at, CBOR_DEPTH, &next) != TSR_OK)
			return TSR_NOT_FOUND;
		if (i-- == 0) {
			*out = next;
			return TSR_OK;
		}
	}
	return TSR_NOT_FOUND;
}

int
cbor_find(const struct cbor *map, int64_t key, struct cbor *out)
{
	struct cbor k;
	int64_t found;
	size_t i;

	if (map->kind != CBOR_MAP)
		return TSR_NOT_FOUND;
	for (i = 0; cbor_at(map, 2 * i, &k) == TSR_OK; i++)
		if (cbor_int(&k, &found) == TSR_OK && found == key)
			return cbor_at(map, 2 * i + 1, out);
	return TSR_NOT_FOUND;
}

int
cbor_find_text(const struct cbor *map, const char *key, struct cbor *out)
{
	struct cbor k;
	size_t i, n;

	if (map->kind != CBOR_MAP)
		return TSR_NOT_FOUND;
	n = strlen(key);
	for (i = 0; cbor_at(map, 2 * i, &k) == TSR_OK; i++)
		if (k.kind == CBOR_TEXT && k.n == n && memcmp(k.p, key, n) == 0)
			return cbor_at(map, 2 * i + 1, out);
	return TSR_NOT_FOUND;
}
