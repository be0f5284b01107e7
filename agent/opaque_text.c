/*
 * opaque_text.c - the text of tokens that mean nothing by themselves, and its
 * hashes: see opaque.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include <sodium.h>
#include <string.h>

#include "agent/opaque.h"
#include "base/hash.h"
#include "include/tessera.h"
#include "token/b64.h"

#define PREFIX_LEN	(sizeof(OPAQUE_ACCESS) - 1)

_Static_assert(sizeof(OPAQUE_ACCESS) == sizeof(OPAQUE_REFRESH), "PREFIX_LEN");
_Static_assert(PREFIX_LEN + B64_LEN(OPAQUE_FAMILY + OPAQUE_OWN) < OPAQUE_TEXT_MAX, "OPAQUE_TEXT_MAX");

/* Of a family's shared part, and of a whole token: never the same. */
static int
opaque_hash(const struct secret *key, const char *what, const uint8_t *p, size_t n,
    uint8_t hash[STORE_TOKEN_HASH])
{
	const struct hash_part parts[] = { { what, strlen(what) + 1 }, { p, n } };

	return hash_parts(hash, STORE_TOKEN_HASH, key->data, key->size, parts, 2);
}

static int
opaque_hashes(const struct secret *key, enum store_token_kind kind, const uint8_t *raw,
    struct opaque *out)
{
	int r;

	memset(out, 0, sizeof(*out));
	out->kind = kind;
	if (kind == TOKEN_OPAQUE)
		return opaque_hash(key, OPAQUE_ACCESS, raw, OPAQUE_OWN, out->hash);
	memcpy(out->family, raw, OPAQUE_FAMILY);
	if ((r = opaque_hash(key, "family", raw, OPAQUE_FAMILY, out->hash)) != TSR_OK)
		return r;
	return opaque_hash(key, OPAQUE_REFRESH, raw, OPAQUE_FAMILY + OPAQUE_OWN, out->own);
}

int
opaque_read(struct agent *a, const char *text, struct opaque *out)
{
	uint8_t raw[OPAQUE_FAMILY + OPAQUE_OWN];
	enum store_token_kind kind;
	struct secret *key;
	size_t n, want;
	int r;

	if (strncmp(text, OPAQUE_ACCESS, PREFIX_LEN) == 0)
		kind = TOKEN_OPAQUE;
	else if (strncmp(text, OPAQUE_REFRESH, PREFIX_LEN) == 0)
		kind = TOKEN_REFRESH;
	else
		return TSR_INVALID;
	want = kind == TOKEN_OPAQUE ? OPAQUE_OWN : sizeof(raw);
	if (b64_decode(raw, sizeof(raw), text + PREFIX_LEN, strlen(text + PREFIX_LEN), &n) != TSR_OK ||
	    n != want)
		r = TSR_INVALID;
	else if ((r = opaque_key(a, 0, &key)) == TSR_OK)
		r = opaque_hashes(key, kind, raw, out);
	sodium_memzero(raw, sizeof(raw));
	return r;
}

int
opaque_make(struct agent *a, enum store_token_kind kind, const uint8_t *family,
    char text[OPAQUE_TEXT_MAX], struct opaque *out)
{
	uint8_t raw[OPAQUE_FAMILY + OPAQUE_OWN];
	struct secret *key;
	size_t n;
	int r;

	if ((r = opaque_key(a, 1, &key)) != TSR_OK)
		return r;
	randombytes_buf(raw, sizeof(raw));
	if (family != NULL)
		memcpy(raw, family, OPAQUE_FAMILY);
	if ((r = opaque_hashes(key, kind, raw, out)) == TSR_OK) {
		memcpy(text, kind == TOKEN_OPAQUE ? OPAQUE_ACCESS : OPAQUE_REFRESH, PREFIX_LEN);
		n = b64_encode(text + PREFIX_LEN, raw, kind == TOKEN_OPAQUE ? OPAQUE_OWN : sizeof(raw));
		text[PREFIX_LEN + n] = '\0';
	}
	sodium_memzero(raw, sizeof(raw));
	return r;
}
