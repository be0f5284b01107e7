/*
 * jws_key.c - private signing keys.  See jws.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "tessera.h"
#include "token/ecdsa.h"
#include "token/jws.h"
#include "token/ossl.h"

#define JWS_PRIVATE_LEN	32	/* bytes: Ed25519 seed, P-256 scalar */
#define JWS_TRIES	100	/* random scalars until one is below the order */
#define JWS_POINT_LEN	(1 + 2 * ECDSA_P256)

struct jws_key {
	struct jwk pub;
	struct secret *priv;	/* EdDSA: seed and public key; ES256: scalar */
	EVP_PKEY_CTX *sign;	/* ES256 alone, as is md */
	EVP_MD_CTX *md;
	char head[JWS_HEAD_MAX];
	size_t head_len;
};

static int
jws_key_load_ed25519(struct jws_key *k, const uint8_t *seed)
{
	if ((k->priv = secret_new(crypto_sign_SECRETKEYBYTES)) == NULL)
		return TSR_NOMEM;
	if (crypto_sign_seed_keypair(k->pub.u.ed25519, k->priv->data, seed) != 0)
		return TSR_CRYPTO;
	return TSR_OK;
}

/* scalar times the base point, uncompressed. */
static int
jws_key_point(const uint8_t *scalar, uint8_t out[JWS_POINT_LEN])
{
	EC_GROUP *group = NULL;
	EC_POINT *point = NULL;
	BIGNUM *d = NULL;
	int r = TSR_CRYPTO;

	if ((group = EC_GROUP_new_by_curve_name_ex(ossl_ctx(), NULL,
	    NID_X9_62_prime256v1)) == NULL ||
	    (point = EC_POINT_new(group)) == NULL ||
	    (d = BN_new()) == NULL)
		goto out;
	BN_set_flags(d, BN_FLG_CONSTTIME);
	if (BN_bin2bn(scalar, JWS_PRIVATE_LEN, d) == NULL ||
	    EC_POINT_mul(group, point, d, NULL, NULL, NULL) != 1 ||
	    EC_POINT_point2oct(group, point, POINT_CONVERSION_UNCOMPRESSED,
	    out, JWS_POINT_LEN, NULL) != JWS_POINT_LEN)
		goto out;
	r = TSR_OK;
 out:
	BN_clear_free(d);
	EC_POINT_free(point);
	EC_GROUP_free(group);
	return r;
}

static int
jws_key_import(const uint8_t *scalar, uint8_t *point, EVP_PKEY **out)
{
	char group[] = "P-256";
	uint8_t native[JWS_PRIVATE_LEN];
	OSSL_PARAM params[4];
	EVP_PKEY_CTX *ctx = NULL;
	EVP_PKEY *key = NULL;
	BIGNUM *d = NULL;
	int r = TSR_CRYPTO;

	if ((d = BN_bin2bn(scalar, JWS_PRIVATE_LEN, NULL)) == NULL ||
	    BN_bn2nativepad(d, native, sizeof(native)) != (int)sizeof(native) ||
	    (ctx = EVP_PKEY_CTX_new_from_name(ossl_ctx(), "EC", NULL)) == NULL)
		goto out;
	params[0] = OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME,
	    group, 0);
	params[1] = OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY,
	    point, JWS_POINT_LEN);
	params[2] = OSSL_PARAM_construct_BN(OSSL_PKEY_PARAM_PRIV_KEY, native,
	    sizeof(native));
	params[3] = OSSL_PARAM_construct_end();
	if (EVP_PKEY_fromdata_init(ctx) != 1 ||
	    EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_KEYPAIR, params) != 1)
		goto out;
	*out = key;
	r = TSR_OK;
 out:
	EVP_PKEY_CTX_free(ctx);
	BN_clear_free(d);
	sodium_memzero(native, sizeof(native));
	return r;
}

static int
jws_key_load_p256(struct jws_key *k, const uint8_t *scalar)
{
	uint8_t point[JWS_POINT_LEN];
	EVP_PKEY *key = NULL;
	int r;

	if (!ecdsa_scalar_ok(ECDSA_P256, scalar))
		return TSR_INVALID;
	if (ossl_ctx() == NULL)
		return TSR_CRYPTO;
	if ((k->priv = secret_from(scalar, JWS_PRIVATE_LEN)) == NULL)
		return TSR_NOMEM;
	if ((r = jws_key_point(scalar, point)) != TSR_OK ||
	    (r = jws_key_import(scalar, point, &key)) != TSR_OK)
		goto out;
	memcpy(k->pub.u.p256.x, point + 1, ECDSA_P256);
	memcpy(k->pub.u.p256.y, point + 1 + ECDSA_P256, ECDSA_P256);
	if ((k->md = EVP_MD_CTX_new()) == NULL ||
	    (k->sign = EVP_PKEY_CTX_new_from_pkey(ossl_ctx(), key, NULL)) == NULL ||
	    EVP_PKEY_sign_init(k->sign) != 1)
		r = TSR_CRYPTO;
 out:
	EVP_PKEY_free(key);	/* k->sign holds it */
	if (r != TSR_OK)
		ERR_clear_error();
	return r;
}

int
jws_key_load(enum jwk_alg alg, const struct secret *priv, struct jws_key **out)
{
	struct jws_key *k;
	int r;

	if (alg != JWK_EDDSA && alg != JWK_ES256)
		return TSR_BAD_ALGORITHM;
	if (priv->size != JWS_PRIVATE_LEN)
		return TSR_INVALID;
	if (sodium_init() < 0)
		return TSR_CRYPTO;
	if ((k = calloc(1, sizeof(*k))) == NULL)
		return TSR_NOMEM;
	k->pub.alg = alg;
	r = alg == JWK_EDDSA ? jws_key_load_ed25519(k, priv->data) :
	    jws_key_load_p256(k, priv->data);
	if (r != TSR_OK ||
	    (r = jwk_set_kid(&k->pub)) != TSR_OK ||
	    (r = jws_head(&k->pub, k->head, &k->head_len)) != TSR_OK)
		goto out;
	*out = k;
	k = NULL;
 out:
	jws_key_free(&k);
	return r;
}

int
jws_key_generate(enum jwk_alg alg, struct jws_key **out)
{
	struct secret *priv;
	int i, r = TSR_INVALID;

	if (sodium_init() < 0)
		return TSR_CRYPTO;
	if ((priv = secret_new(JWS_PRIVATE_LEN)) == NULL)
		return TSR_NOMEM;
	for (i = 0; i < JWS_TRIES && r == TSR_INVALID; i++) {
		randombytes_buf(priv->data, priv->size);
		r = jws_key_load(alg, priv, out);
	}
	secret_free(&priv);
	return r;
}

void
jws_key_free(struct jws_key **k)
{
	if (*k == NULL)
		return;
	EVP_PKEY_CTX_free((*k)->sign);
	EVP_MD_CTX_free((*k)->md);
	secret_free(&(*k)->priv);
	free(*k);
	*k = NULL;
}

int
jws_key_private(const struct jws_key *k, struct secret **out)
{
	struct secret *s;

	/* libsodium's secret key begins with the seed */
	if ((s = secret_from(k->priv->data, JWS_PRIVATE_LEN)) == NULL)
		return TSR_NOMEM;
	*out = s;
	return TSR_OK;
}

const struct jwk *
jws_key_public(const struct jws_key *k)
{
	return &k->pub;
}

const char *
jws_key_head(const struct jws_key *k, size_t *len)
{
	*len = k->head_len;
	return k->head;
}

int
jws_key_sign(struct jws_key *k, const void *data, size_t n,
    uint8_t sig[JWS_SIGNATURE_LEN])
{
	uint8_t der[ECDSA_DER_MAX], hash[32];
	size_t len = sizeof(der);
	int r;

	if (k->pub.alg == JWK_EDDSA)
		return crypto_sign_detached(sig, NULL, data, n, k->priv->data) == 0 ?
		    TSR_OK : TSR_CRYPTO;
	if ((r = ossl_sha256(k->md, data, n, hash)) != TSR_OK)
		return r;
	if (EVP_PKEY_sign(k->sign, der, &len, hash, sizeof(hash)) != 1) {
		ERR_clear_error();
		return TSR_CRYPTO;
	}
	return ecdsa_from_der(sig, ECDSA_P256, der, len) == TSR_OK ?
	    TSR_OK : TSR_CRYPTO;
}
