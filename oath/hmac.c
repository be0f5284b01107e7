/*
 * hmac.c - HMAC over OpenSSL's digests.  See hmac.h.
 *
 * A search makes dozens of codes with one key, whose two blocks are hashed once
 * and then copied.  Copying a structure takes OpenSSL's plain digests, which it
 * calls deprecated: its contexts are memory and tables of functions each, and
 * cost more than twice the time of the hashing itself.
 *
 * SPDX-License-Identifier: ISC
 */
#define OPENSSL_SUPPRESS_DEPRECATED

#include "oath/hmac.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

#include "tessera.h"

#define HMAC_BLOCK_MAX	SHA512_CBLOCK

union digest {
	SHA_CTX sha1;
	SHA256_CTX sha256;
	SHA512_CTX sha512;
};

struct hmac {
	enum hmac_hash hash;
	union digest inner, outer;	/* after the key's block (RFC 2104 section 4) */
};

size_t
hmac_size(enum hmac_hash hash)
{
	switch (hash) {
	case HMAC_SHA1:
		return SHA_DIGEST_LENGTH;
	case HMAC_SHA256:
		return SHA256_DIGEST_LENGTH;
	case HMAC_SHA512:
		return SHA512_DIGEST_LENGTH;
	}
	return 0;
}

static size_t
hmac_block(enum hmac_hash hash)
{
	return hash == HMAC_SHA512 ? SHA512_CBLOCK : SHA_CBLOCK;
}

static int
digest_init(union digest *d, enum hmac_hash hash)
{
	return hash == HMAC_SHA1 ? SHA1_Init(&d->sha1) :
	    hash == HMAC_SHA256 ? SHA256_Init(&d->sha256) : SHA512_Init(&d->sha512);
}

static int
digest_update(union digest *d, enum hmac_hash hash, const void *p, size_t n)
{
	return hash == HMAC_SHA1 ? SHA1_Update(&d->sha1, p, n) :
	    hash == HMAC_SHA256 ? SHA256_Update(&d->sha256, p, n) : SHA512_Update(&d->sha512, p, n);
}

static int
digest_final(union digest *d, enum hmac_hash hash, uint8_t *out)
{
	return hash == HMAC_SHA1 ? SHA1_Final(out, &d->sha1) :
	    hash == HMAC_SHA256 ? SHA256_Final(out, &d->sha256) : SHA512_Final(out, &d->sha512);
}

/* The state after the key's block, each byte of it changed by pad. */
static int
hmac_begin(union digest *d, enum hmac_hash hash, const uint8_t key[HMAC_BLOCK_MAX], uint8_t pad)
{
	uint8_t block[HMAC_BLOCK_MAX];
	size_t i, n = hmac_block(hash);
	int ok;

	for (i = 0; i < n; i++)
		block[i] = key[i] ^ pad;
	ok = digest_init(d, hash) == 1 && digest_update(d, hash, block, n) == 1;
	OPENSSL_cleanse(block, sizeof(block));
	return ok;
}

int
hmac_new(enum hmac_hash hash, const uint8_t *key, size_t key_len, struct hmac **out)
{
	uint8_t block[HMAC_BLOCK_MAX] = { 0 };
	struct hmac *h;
	int r = TSR_CRYPTO;

	if (hmac_size(hash) == 0)
		return TSR_UNSUPPORTED;
	if ((h = calloc(1, sizeof(*h))) == NULL)
		return TSR_NOMEM;
	h->hash = hash;
	if (key_len <= hmac_block(hash))
		memcpy(block, key, key_len);
	else if (digest_init(&h->inner, hash) != 1 ||
	    digest_update(&h->inner, hash, key, key_len) != 1 ||
	    digest_final(&h->inner, hash, block) != 1)
		goto out;
	if (!hmac_begin(&h->inner, hash, block, 0x36) || !hmac_begin(&h->outer, hash, block, 0x5c))
		goto out;
	*out = h;
	h = NULL;
	r = TSR_OK;
 out:
	OPENSSL_cleanse(block, sizeof(block));
	hmac_free(&h);
	return r;
}

void
hmac_free(struct hmac **h)
{
	if (*h == NULL)
		return;
	OPENSSL_cleanse(*h, sizeof(**h));
	free(*h);
	*h = NULL;
}

int
hmac_of(struct hmac *h, const void *message, size_t n, uint8_t out[HMAC_SIZE_MAX])
{
	union digest d = h->inner;
	int r = TSR_CRYPTO;

	if (digest_update(&d, h->hash, message, n) != 1 || digest_final(&d, h->hash, out) != 1)
		goto out;
	d = h->outer;
	if (digest_update(&d, h->hash, out, hmac_size(h->hash)) == 1 &&
	    digest_final(&d, h->hash, out) == 1)
		r = TSR_OK;
 out:
	OPENSSL_cleanse(&d, sizeof(d));
	return r;
}
