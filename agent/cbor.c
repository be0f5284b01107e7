/*
 * cbor.c - see cbor.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/cbor.h"

#include <string.h>

#include "base/escape.h"
#include "include/tessera.h"
#include "token/utf8.h"

enum major {
	CBOR_UNSIGNED, CBOR_NEGATIVE, CBOR_BYTES, CBOR_TEXT, CBOR_ARRAY, CBOR_MAP, CBOR_TAG, CBOR_SIMPLE
};

struct cbor_head {
	enum major major;
	uint64_t value;
	size_t len;		/* bytes of the head */
};

/* RFC 8949 3: a number in its shortest form. */
static int
cbor_head(const uint8_t *p, size_t n, struct cbor_head *h)
{
	static const uint64_t least[] = { 24, 0x100, 0x10000, UINT64_C(0x100000000) };
	unsigned info, bytes, i;

	if (n == 0)
		return TSR_INVALID;
	h->major = (enum major)(p[0] >> 5);
	info = p[0] & 31;
	h->value = info;
	h->len = 1;
	if (info < 24)
		return TSR_OK;
	if (info > 27)		/* reserved, or of indefinite length */
		return TSR_INVALID;
	bytes = 1u << (info - 24);
	if (n - 1 < bytes)
		return TSR_INVALID;
	h->value = 0;
	for (i = 1; i <= bytes; i++)
		h->value = h->value << 8 | p[i];
	h->len = 1 + bytes;
	return h->value < least[info - 24] ? TSR_INVALID : TSR_OK;
}

static int
cbor_text_ok(const uint8_t *p, size_t n)
{
	size_t at, one;

	for (at = 0; at < n; at += one)
		if ((one = utf8_len((const char *)p + at, n - at)) == 0)
			return 0;
	return 1;
}

/* An item that holds no others. */
static int
cbor_leaf(const struct cbor_head *h, const uint8_t *p, size_t n, size_t *used)
{
	switch (h->major) {
	case CBOR_UNSIGNED:
	case CBOR_NEGATIVE:
		*used = h->len;
		return TSR_OK;
	case CBOR_BYTES:
	case CBOR_TEXT:
		if (h->value > n - h->len ||
		    (h->major == CBOR_TEXT && !cbor_text_ok(p + h->len, (size_t)h->value)))
			return TSR_INVALID;
		*used = h->len + (size_t)h->value;
		return TSR_OK;
	case CBOR_SIMPLE:
		if (h->len != 1 || h->value < 20 || h->value > 22)
			return TSR_INVALID;
		*used = 1;
		return TSR_OK;
	case CBOR_ARRAY:
	case CBOR_MAP:
	case CBOR_TAG:
		break;
	}
	return TSR_INVALID;
}

/* CTAP 2.1 8: by major type, then the shorter, then the lesser. */
static int
cbor_in_order(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len)
{
	if (a[0] >> 5 != b[0] >> 5)
		return a[0] >> 5 < b[0] >> 5;
	if (a_len != b_len)
		return a_len < b_len;
	return memcmp(a, b, a_len) < 0;
}

/* A map or array that is being walked. */
struct cbor_level {
	uint64_t left;			/* items that are to come */
	int map, value;			/* the next item is a map's value */
	const uint8_t *key;		/* the last one, NULL before the first */
	size_t key_len;
};

/* A map's key of len bytes is about to be passed. */
static int
cbor_key(struct cbor_level *l, const uint8_t *p, size_t len)
{
	if (l->key != NULL && !cbor_in_order(l->key, l->key_len, p, len))
		return TSR_INVALID;
	l->key = p;
	l->key_len = len;
	return TSR_OK;
}

static int
cbor_open(struct cbor_level *l, const struct cbor_head *h, size_t room)
{
	if (h->value > room)	/* an item has a byte at least */
		return TSR_INVALID;
	memset(l, 0, sizeof(*l));
	l->map = h->major == CBOR_MAP;
	l->left = h->value << l->map;
	return TSR_OK;
}

int
cbor_item(const uint8_t *p, size_t n, size_t *used)
{
	struct cbor_level level[CBOR_DEPTH_MAX], *l = NULL;
	struct cbor_head h;
	size_t at = 0, len, depth = 0;

	memset(level, 0, sizeof(level));
	do {
		if (cbor_head(p + at, n - at, &h) != TSR_OK)
			return TSR_INVALID;
		l = depth > 0 ? &level[depth - 1] : NULL;
		if (l != NULL)
			l->left--;
		if (h.major == CBOR_ARRAY || h.major == CBOR_MAP) {
			/* as a key it would have to be compared as a whole: nobody writes that */
			if ((l != NULL && l->map && !l->value) || depth == CBOR_DEPTH_MAX ||
			    cbor_open(&level[depth], &h, n - at - h.len) != TSR_OK)
				return TSR_INVALID;
			depth++;
			len = h.len;
		} else {
			if (cbor_leaf(&h, p + at, n - at, &len) != TSR_OK ||
			    (l != NULL && l->map && !l->value && cbor_key(l, p + at, len) != TSR_OK))
				return TSR_INVALID;
		}
		if (l != NULL && l->map)
			l->value = !l->value;
		at += len;
		while (depth > 0 && level[depth - 1].left == 0)
			depth--;
	} while (depth > 0);
	*used = at;
	return TSR_OK;
}

int
cbor_map(const uint8_t *p, size_t n, size_t *used)
{
	return n > 0 && p[0] >> 5 == CBOR_MAP ? cbor_item(p, n, used) : TSR_INVALID;
}
