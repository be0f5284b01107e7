/*
 * seal.c - see seal.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/seal.h"

#include <sodium.h>
#include <string.h>

#include "tessera.h"

#define SEAL_VERSION	1
#define SEAL_SUBKEY	1		/* crypto_kdf number of the sealing key */
#define SEAL_CONTEXT	"tsrstore"	/* crypto_kdf context, 8 characters */

#define NONCE	crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
#define TAG	crypto_aead_xchacha20poly1305_ietf_ABYTES
#define KEY	crypto_aead_xchacha20poly1305_ietf_KEYBYTES

_Static_assert(SEAL_OVERHEAD == 1 + NONCE + TAG, "overhead of a sealed value");
_Static_assert(sizeof(SEAL_CONTEXT) - 1 == crypto_kdf_CONTEXTBYTES, "context of the key");

int
seal_key(const struct secret *store_key, struct secret **out)
{
	struct secret *key;

	if (store_key->size != crypto_kdf_KEYBYTES)
		return TSR_INVALID;
	if ((key = secret_new(KEY)) == NULL)
		return TSR_NOMEM;
	if (crypto_kdf_derive_from_key(key->data, key->size, SEAL_SUBKEY, SEAL_CONTEXT,
	    store_key->data) != 0) {
		secret_free(&key);
		return TSR_CRYPTO;
	}
	*out = key;
	return TSR_OK;
}

/* version, purpose, NUL, id: the NUL keeps ("a", "bc") from being ("ab", "c"). */
static int
seal_ad(const char *purpose, const char *id, uint8_t ad[2 + 2 * SEAL_NAME_MAX], size_t *n)
{
	size_t np = strlen(purpose), ni = strlen(id);

	if (np > SEAL_NAME_MAX || ni > SEAL_NAME_MAX)
		return TSR_TOO_LARGE;
	ad[0] = SEAL_VERSION;
	memcpy(ad + 1, purpose, np);
	ad[1 + np] = 0;
	memcpy(ad + 2 + np, id, ni);
	*n = 2 + np + ni;
	return TSR_OK;
}

int
seal_make(const struct secret *key, const char *purpose, const char *id,
    const void *p, size_t n, uint8_t *out)
{
	uint8_t ad[2 + 2 * SEAL_NAME_MAX];
	size_t ad_len;
	int r;

	if (n > SEAL_MAX)
		return TSR_TOO_LARGE;
	if (key->size != KEY)
		return TSR_INVALID;
	if ((r = seal_ad(purpose, id, ad, &ad_len)) != TSR_OK)
		return r;
	out[0] = SEAL_VERSION;
	randombytes_buf(out + 1, NONCE);
	if (crypto_aead_xchacha20poly1305_ietf_encrypt(out + 1 + NONCE, NULL, p, n,
	    ad, ad_len, NULL, out + 1, key->data) != 0)
		return TSR_CRYPTO;
	return TSR_OK;
}

int
seal_open(const struct secret *key, const char *purpose, const char *id,
    const void *p, size_t n, struct secret **out)
{
	uint8_t ad[2 + 2 * SEAL_NAME_MAX];
	const uint8_t *in = p;
	struct secret *s;
	size_t ad_len;
	int r;

	if (key->size != KEY)
		return TSR_INVALID;
	if (n < SEAL_OVERHEAD || n > SEAL_MAX + SEAL_OVERHEAD || in[0] != SEAL_VERSION)
		return TSR_CORRUPT;
	if ((r = seal_ad(purpose, id, ad, &ad_len)) != TSR_OK)
		return r;
	if ((s = secret_new(n - SEAL_OVERHEAD)) == NULL)
		return TSR_NOMEM;
	if (crypto_aead_xchacha20poly1305_ietf_decrypt(s->data, NULL, NULL, in + 1 + NONCE,
	    n - 1 - NONCE, ad, ad_len, in + 1, key->data) != 0) {
		secret_free(&s);
		return TSR_CORRUPT;
	}
	*out = s;
	return TSR_OK;
}
