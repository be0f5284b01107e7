/*
 * audit_key.c - see audit_key.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "base/audit_key.h"

#include <sodium.h>

#include "tessera.h"

#define KEY_VERSION	1
#define KEY_SUBKEY	1		/* crypto_kdf number */
#define KEY_CONTEXT	"tsraudit"	/* crypto_kdf context, 8 characters */
#define KEY_AD		"tessera audit key 1"

#define NONCE	crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
#define TAG	crypto_aead_xchacha20poly1305_ietf_ABYTES

_Static_assert(AUDIT_KEY_FILE == 1 + NONCE + AUDIT_KEY + TAG, "size of audit.key");
_Static_assert(sizeof(KEY_CONTEXT) - 1 == crypto_kdf_CONTEXTBYTES, "context of the key");

static int
sealing_key(const struct secret *store_key, struct secret **out)
{
	struct secret *key;

	if (store_key->size != crypto_kdf_KEYBYTES)
		return TSR_INVALID;
	if ((key = secret_new(crypto_aead_xchacha20poly1305_ietf_KEYBYTES)) == NULL)
		return TSR_NOMEM;
	if (crypto_kdf_derive_from_key(key->data, key->size, KEY_SUBKEY, KEY_CONTEXT,
	    store_key->data) != 0) {
		secret_free(&key);
		return TSR_CRYPTO;
	}
	*out = key;
	return TSR_OK;
}

int
audit_key_seal(const struct secret *store_key, const struct secret *first,
    uint8_t out[AUDIT_KEY_FILE])
{
	struct secret *key = NULL;
	int r;

	if (first->size != AUDIT_KEY)
		return TSR_INVALID;
	if ((r = sealing_key(store_key, &key)) != TSR_OK)
		return r;
	out[0] = KEY_VERSION;
	randombytes_buf(out + 1, NONCE);
	if (crypto_aead_xchacha20poly1305_ietf_encrypt(out + 1 + NONCE, NULL, first->data, AUDIT_KEY,
	    (const uint8_t *)KEY_AD, sizeof(KEY_AD) - 1, NULL, out + 1, key->data) != 0)
		r = TSR_CRYPTO;
	secret_free(&key);
	return r;
}

int
audit_key_open(const struct secret *store_key, const uint8_t in[AUDIT_KEY_FILE],
    struct secret **first)
{
	struct secret *key = NULL, *s = NULL;
	int r;

	if ((r = sealing_key(store_key, &key)) != TSR_OK)
		return r;
	if ((s = secret_new(AUDIT_KEY)) == NULL)
		r = TSR_NOMEM;
	else if (in[0] != KEY_VERSION || crypto_aead_xchacha20poly1305_ietf_decrypt(s->data, NULL, NULL,
	    in + 1 + NONCE, AUDIT_KEY + TAG, (const uint8_t *)KEY_AD, sizeof(KEY_AD) - 1, in + 1,
	    key->data) != 0)
		r = TSR_CORRUPT;
	else {
		*first = s;
		s = NULL;
	}
	secret_free(&s);
	secret_free(&key);
	return r;
}
