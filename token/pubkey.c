/*
 * pubkey.c - checking signatures with a pinned algorithm.  See pubkey.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "token/pubkey.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "tessera.h"
#include "token/ecdsa.h"
#include "token/ossl.h"

#define PUBKEY_SALT	32	/* bytes of PSS salt: the length of the hash */

struct pubkey {
	enum proto_algorithm alg;
	uint8_t ed25519[crypto_sign_PUBLICKEYBYTES];
	size_t size;			/* bytes of a coordinate or the modulus */
	EVP_PKEY_CTX *verify;		/* all but Ed25519 */
	EVP_MD_CTX *md;
};

uint32_t
pubkey_algorithms(enum pubkey_kind kind)
{
	switch (kind) {
	case PUBKEY_P256:
		return 1u << PROTO_ECDSA_P256_SHA256;
	case PUBKEY_P384:
		return 1u << PROTO_ECDSA_P384_SHA256;
	case PUBKEY_RSA:
		return 1u << PROTO_RSA_PSS_SHA256 | 1u << PROTO_RSA_PKCS1_SHA256;
	case PUBKEY_ED25519:
		return 1u << PROTO_ED25519;
	}
	return 0;
}

/* The checks that need no arithmetic. */
static int
pubkey_shape(const struct pubkey_parts *p)
{
	uint8_t top;
	size_t bits;

	switch (p->kind) {
	case PUBKEY_P256:
		return p->a_len == ECDSA_P256 && p->b_len == ECDSA_P256 ?
		    TSR_OK : TSR_INVALID;
	case PUBKEY_P384:
		return p->a_len == ECDSA_P384 && p->b_len == ECDSA_P384 ?
		    TSR_OK : TSR_INVALID;
	case PUBKEY_ED25519:
		return p->a_len == crypto_sign_PUBLICKEYBYTES ? TSR_OK : TSR_INVALID;
	case PUBKEY_RSA:
		break;
	}
	if (p->kind != PUBKEY_RSA || p->a_len == 0 || p->b_len == 0 ||
	    p->a[0] == 0 || p->b[0] == 0 || (p->a[p->a_len - 1] & 1) == 0)
		return TSR_INVALID;
	bits = p->a_len * 8;
	for (top = p->a[0]; (top & 0x80) == 0; top = (uint8_t)(top << 1))
		bits--;
	if (bits < PUBKEY_RSA_MIN || p->a_len > PUBKEY_RSA_MAX ||
	    p->b_len > PUBKEY_E_MAX || (p->b[p->b_len - 1] & 1) == 0 ||
	    (p->b_len == 1 && p->b[0] == 1))
		return TSR_KEY_UNUSABLE;
	return TSR_OK;
}

static int
pubkey_import(const char *type, OSSL_PARAM *params, EVP_PKEY **out)
{
	EVP_PKEY_CTX *ctx;
	EVP_PKEY *key = NULL;
	int r = TSR_CRYPTO;

	if ((ctx = EVP_PKEY_CTX_new_from_name(ossl_ctx(), type, NULL)) == NULL ||
	    EVP_PKEY_fromdata_init(ctx) != 1)
		goto out;
	/* the numbers are all that can be wrong now: a point off the curve */
	r = EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) == 1 ?
	    TSR_OK : TSR_INVALID;
	if (r == TSR_OK)
		*out = key;
 out:
	EVP_PKEY_CTX_free(ctx);
	return r;
}

static int
pubkey_import_ec(const struct pubkey_parts *p, EVP_PKEY **out)
{
	char p256[] = "P-256", p384[] = "P-384";
	uint8_t point[1 + 2 * ECDSA_P384];
	OSSL_PARAM params[3];

	point[0] = 4;		/* uncompressed */
	memcpy(point + 1, p->a, p->a_len);
	memcpy(point + 1 + p->a_len, p->b, p->b_len);
	params[0] = OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME,
	    p->kind == PUBKEY_P256 ? p256 : p384, 0);
	params[1] = OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY,
	    point, 1 + p->a_len + p->b_len);
	params[2] = OSSL_PARAM_construct_end();
	return pubkey_import("EC", params, out);
}

static int
pubkey_import_rsa(const struct pubkey_parts *p, EVP_PKEY **out)
{
	OSSL_PARAM_BLD *bld = NULL;
	OSSL_PARAM *params = NULL;
	BIGNUM *n = NULL, *e = NULL;
	int r = TSR_NOMEM;

	if ((n = BN_bin2bn(p->a, (int)p->a_len, NULL)) == NULL ||
	    (e = BN_bin2bn(p->b, (int)p->b_len, NULL)) == NULL ||
	    (bld = OSSL_PARAM_BLD_new()) == NULL ||
	    OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_N, n) != 1 ||
	    OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_E, e) != 1 ||
	    (params = OSSL_PARAM_BLD_to_param(bld)) == NULL)
		goto out;
	r = pubkey_import("RSA", params, out);
 out:
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(bld);
	BN_free(n);
	BN_free(e);
	return r;
}

/* Check the shape and make OpenSSL's object; none for Ed25519. */
static int
pubkey_build(const struct pubkey_parts *p, EVP_PKEY **out)
{
	int r;

	if ((r = pubkey_shape(p)) != TSR_OK || p->kind == PUBKEY_ED25519)
		return r;
	if (ossl_ctx() == NULL)
		return TSR_CRYPTO;
	r = p->kind == PUBKEY_RSA ? pubkey_import_rsa(p, out) :
	    pubkey_import_ec(p, out);
	if (r != TSR_OK)
		ERR_clear_error();
	return r;
}

int
pubkey_valid(const struct pubkey_parts *p)
{
	EVP_PKEY *key = NULL;
	int r;

	if ((r = pubkey_build(p, &key)) != TSR_OK)
		return r;
	EVP_PKEY_free(key);
	if (p->kind == PUBKEY_ED25519 && crypto_core_ed25519_is_valid_point(p->a) != 1)
		return TSR_INVALID;
	return TSR_OK;
}

static int
pubkey_prepare(struct pubkey *k, EVP_PKEY *key)
{
	EVP_PKEY_CTX *ctx;

	if ((k->md = EVP_MD_CTX_new()) == NULL ||
	    (k->verify = EVP_PKEY_CTX_new_from_pkey(ossl_ctx(), key, NULL)) == NULL)
		return TSR_NOMEM;
	ctx = k->verify;
	if (EVP_PKEY_verify_init(ctx) != 1)
		return TSR_CRYPTO;
	if (k->alg == PROTO_ECDSA_P256_SHA256 || k->alg == PROTO_ECDSA_P384_SHA256)
		return TSR_OK;
	if (EVP_PKEY_CTX_set_rsa_padding(ctx, k->alg == PROTO_RSA_PSS_SHA256 ?
	    RSA_PKCS1_PSS_PADDING : RSA_PKCS1_PADDING) != 1 ||
	    EVP_PKEY_CTX_set_signature_md(ctx, EVP_sha256()) != 1)
		return TSR_CRYPTO;
	if (k->alg == PROTO_RSA_PSS_SHA256 &&
	    (EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, EVP_sha256()) != 1 ||
	    EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, PUBKEY_SALT) != 1))
		return TSR_CRYPTO;
	return TSR_OK;
}

int
pubkey_new(enum proto_algorithm alg, const struct pubkey_parts *p,
    struct pubkey **out)
{
	struct pubkey *k = NULL;
	EVP_PKEY *key = NULL;
	int r;

	if ((unsigned)alg >= 32 ||
	    (pubkey_algorithms(p->kind) & 1u << (unsigned)alg) == 0)
		return TSR_BAD_ALGORITHM;
	if ((r = pubkey_build(p, &key)) != TSR_OK)
		return r;
	if ((k = calloc(1, sizeof(*k))) == NULL) {
		r = TSR_NOMEM;
		goto out;
	}
	k->alg = alg;
	k->size = p->a_len;
	if (alg == PROTO_ED25519)
		memcpy(k->ed25519, p->a, sizeof(k->ed25519));
	else if ((r = pubkey_prepare(k, key)) != TSR_OK)
		goto out;
	*out = k;
	k = NULL;
 out:
	if (r != TSR_OK)
		ERR_clear_error();
	EVP_PKEY_free(key);
	pubkey_free(&k);
	return r;
}

void
pubkey_free(struct pubkey **k)
{
	if (*k == NULL)
		return;
	EVP_PKEY_CTX_free((*k)->verify);
	EVP_MD_CTX_free((*k)->md);
	free(*k);
	*k = NULL;
}

int
pubkey_verify(struct pubkey *k, const void *data, size_t n,
    const uint8_t *sig, size_t sig_len)
{
	uint8_t der[ECDSA_DER_MAX], hash[32];
	int r;

	switch (k->alg) {
	case PROTO_ED25519:
		/* libsodium refuses S >= L and points of small order */
		return sig_len == crypto_sign_BYTES &&
		    crypto_sign_verify_detached(sig, data, n, k->ed25519) == 0 ?
		    TSR_OK : TSR_BAD_SIGNATURE;
	case PROTO_ECDSA_P256_SHA256:
	case PROTO_ECDSA_P384_SHA256:
		if ((r = ecdsa_to_der(der, &sig_len, k->size, sig, sig_len)) != TSR_OK)
			return r;
		sig = der;
		break;
	case PROTO_RSA_PSS_SHA256:
	case PROTO_RSA_PKCS1_SHA256:
		if (sig_len != k->size)
			return TSR_BAD_SIGNATURE;
		break;
	}
	if ((r = ossl_sha256(k->md, data, n, hash)) != TSR_OK)
		return r;
	if (EVP_PKEY_verify(k->verify, sig, sig_len, hash, sizeof(hash)) != 1) {
		ERR_clear_error();
		return TSR_BAD_SIGNATURE;
	}
	return TSR_OK;
}
