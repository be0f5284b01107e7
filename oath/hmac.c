/*
 * hmac.c - HMAC by OpenSSL.  See hmac.h.
 *
 * The key goes in once: preparing it costs as much as a whole code.
 *
 * SPDX-License-Identifier: ISC
 */
#include "oath/hmac.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <pthread.h>
#include <stdlib.h>

#include "tessera.h"

struct hmac {
	EVP_MAC_CTX *ctx;
	size_t size;
};

static const struct digest {
	const char *name;
	size_t size;
} hmac_digests[] = {
	[HMAC_SHA1] = { "SHA1", 20 },
	[HMAC_SHA256] = { "SHA256", 32 },
	[HMAC_SHA512] = { "SHA512", 64 }
};

static pthread_once_t hmac_once = PTHREAD_ONCE_INIT;
static EVP_MAC *hmac_mac;	/* kept for the life of the process */

/* A context of its own: no configuration file of OpenSSL has a say here. */
static void
hmac_init(void)
{
	OSSL_LIB_CTX *lib;

	if (OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL) != 1 ||
	    (lib = OSSL_LIB_CTX_new()) == NULL)
		return;
	if ((hmac_mac = EVP_MAC_fetch(lib, "HMAC", NULL)) == NULL)
		OSSL_LIB_CTX_free(lib);
}

static const struct digest *
hmac_digest(enum hmac_hash hash)
{
	return hash == HMAC_SHA1 || hash == HMAC_SHA256 || hash == HMAC_SHA512 ?
	    &hmac_digests[hash] : NULL;
}

size_t
hmac_size(enum hmac_hash hash)
{
	const struct digest *d = hmac_digest(hash);

	return d == NULL ? 0 : d->size;
}

int
hmac_new(enum hmac_hash hash, const uint8_t *key, size_t key_len, struct hmac **out)
{
	const struct digest *d = hmac_digest(hash);
	char name[8];
	OSSL_PARAM params[2];
	struct hmac *h;
	int r = TSR_CRYPTO;

	if (d == NULL)
		return TSR_UNSUPPORTED;
	(void)OPENSSL_strlcpy(name, d->name, sizeof(name));
	params[0] = OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name, 0);
	params[1] = OSSL_PARAM_construct_end();
	(void)pthread_once(&hmac_once, hmac_init);
	if ((h = calloc(1, sizeof(*h))) == NULL)
		return TSR_NOMEM;
	h->size = d->size;
	if (hmac_mac == NULL || (h->ctx = EVP_MAC_CTX_new(hmac_mac)) == NULL ||
	    EVP_MAC_init(h->ctx, key, key_len, params) != 1)
		goto out;
	*out = h;
	h = NULL;
	r = TSR_OK;
 out:
	hmac_free(&h);
	ERR_clear_error();
	return r;
}

void
hmac_free(struct hmac **h)
{
	if (*h == NULL)
		return;
	EVP_MAC_CTX_free((*h)->ctx);	/* cleanses what it derived from the key */
	free(*h);
	*h = NULL;
}

int
hmac_of(struct hmac *h, const void *message, size_t n, uint8_t out[HMAC_SIZE_MAX])
{
	size_t len = 0;

	if (EVP_MAC_init(h->ctx, NULL, 0, NULL) != 1 ||
	    EVP_MAC_update(h->ctx, message, n) != 1 ||
	    EVP_MAC_final(h->ctx, out, &len, HMAC_SIZE_MAX) != 1 || len != h->size) {
		ERR_clear_error();
		return TSR_CRYPTO;
	}
	return TSR_OK;
}
