/*
 * ossl.c - OpenSSL without configuration files.  See ossl.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "token/ossl.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <pthread.h>

#include "tessera.h"

static pthread_once_t ossl_once = PTHREAD_ONCE_INIT;
static OSSL_LIB_CTX *ossl_lib;
static EVP_MD *ossl_md;

static void
ossl_init(void)
{
	OSSL_LIB_CTX *lib;

	if (OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL) != 1 ||
	    (lib = OSSL_LIB_CTX_new()) == NULL)
		return;
	if ((ossl_md = EVP_MD_fetch(lib, "SHA256", NULL)) == NULL) {
		OSSL_LIB_CTX_free(lib);
		return;
	}
	ossl_lib = lib;
}

OSSL_LIB_CTX *
ossl_ctx(void)
{
	(void)pthread_once(&ossl_once, ossl_init);
	return ossl_lib;
}

int
ossl_sha256(EVP_MD_CTX *md, const void *data, size_t n, uint8_t out[32])
{
	if (ossl_ctx() == NULL ||
	    EVP_DigestInit_ex2(md, ossl_md, NULL) != 1 ||
	    EVP_DigestUpdate(md, data, n) != 1 ||
	    EVP_DigestFinal_ex(md, out, NULL) != 1) {
		ERR_clear_error();
		return TSR_CRYPTO;
	}
	return TSR_OK;
}
