/*
 * ossl.h - the one OpenSSL library context of the token code.
 *
 * It reads no configuration file and the process's default context is told
 * not to either: OPENSSL_CONF and OPENSSL_MODULES in the environment have no
 * effect.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef TOKEN_OSSL_H
#define TOKEN_OSSL_H

#include <stddef.h>
#include <stdint.h>
#include <openssl/evp.h>

/* Made at the first call, from any thread, and kept; NULL when OpenSSL fails. */
OSSL_LIB_CTX *ossl_ctx(void);

/* SHA-256 by a context that the caller keeps.  TSR_CRYPTO. */
int ossl_sha256(EVP_MD_CTX *md, const void *data, size_t n, uint8_t out[32]);

#endif
