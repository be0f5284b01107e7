/*
 * card_key.c - the private keys of a PIV card.  See card_key.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "sim/card_key.h"

#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "sim/tlv.h"
#include "tessera.h"

#define RSA_BYTES	256
#define ANSWER_MAX	512	/* bytes of a signature or shared secret */
#define POINT_MAX	97	/* bytes of an uncompressed P-384 point */

static const struct key_alg {
	uint8_t alg;
	const char *name;
	const char *group;	/* OpenSSL's, NULL for RSA */
	int bits;
	size_t field;		/* bytes of a coordinate */
} key_algs[] = {
	{ ALG_RSA2048, "rsa2048", NULL, 2048, 0 },
	{ ALG_P256, "p256", "P-256", 256, 32 },
	{ ALG_P384, "p384", "P-384", 384, 48 },
};

static const struct key_alg *
key_find(uint8_t alg)
{
	size_t i;

	for (i = 0; i < sizeof(key_algs) / sizeof(key_algs[0]); i++)
		if (key_algs[i].alg == alg)
			return &key_algs[i];
	return NULL;
}

int
card_key_alg(const char *name, uint8_t *out)
{
	size_t i;

	for (i = 0; i < sizeof(key_algs) / sizeof(key_algs[0]); i++) {
		if (strcmp(key_algs[i].name, name) == 0) {
			*out = key_algs[i].alg;
			return TSR_OK;
		}
	}
	return TSR_INVALID;
}

const char *
card_key_name(uint8_t alg)
{
	const struct key_alg *a = key_find(alg);

	return a != NULL ? a->name : "unknown";
}

int
card_key_generate(uint8_t alg, EVP_PKEY **out)
{
	const struct key_alg *a = key_find(alg);
	EVP_PKEY *key;

	if (a == NULL)
		return TSR_UNSUPPORTED;
	key = a->group != NULL ? EVP_EC_gen(a->group) : EVP_RSA_gen((unsigned)a->bits);
	if (key == NULL)
		return TSR_CRYPTO;
	*out = key;
	return TSR_OK;
}

int
card_key_encode(const EVP_PKEY *key, struct buf *out)
{
	PKCS8_PRIV_KEY_INFO *info = NULL;
	unsigned char *der = NULL;
	int n, r = TSR_CRYPTO;

	if ((info = EVP_PKEY2PKCS8(key)) == NULL || (n = i2d_PKCS8_PRIV_KEY_INFO(info, &der)) <= 0)
		goto out;
	r = buf_put(out, der, (size_t)n);
	OPENSSL_clear_free(der, (size_t)n);
 out:
	PKCS8_PRIV_KEY_INFO_free(info);
	return r;
}

int
card_key_decode(uint8_t alg, const uint8_t *der, size_t n, EVP_PKEY **out)
{
	const struct key_alg *a = key_find(alg);
	const unsigned char *p = der;
	EVP_PKEY *key;

	if (a == NULL || n > CARD_KEY_DER_MAX)
		return TSR_CORRUPT;
	if ((key = d2i_AutoPrivateKey(NULL, &p, (long)n)) == NULL || p != der + n ||
	    EVP_PKEY_get_bits(key) != a->bits ||
	    !EVP_PKEY_is_a(key, a->group != NULL ? "EC" : "RSA")) {
		EVP_PKEY_free(key);
		ERR_clear_error();
		return TSR_CORRUPT;
	}
	*out = key;
	return TSR_OK;
}

static int
key_public_rsa(const EVP_PKEY *key, struct buf *out)
{
	BIGNUM *n = NULL, *e = NULL;
	uint8_t modulus[RSA_BYTES], exponent[8];
	int len, r = TSR_CRYPTO;

	if (EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_N, &n) != 1 ||
	    EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &e) != 1 ||
	    BN_num_bytes(e) > (int)sizeof(exponent) || BN_bn2binpad(n, modulus, RSA_BYTES) != RSA_BYTES ||
	    (len = BN_bn2bin(e, exponent)) <= 0)
		goto out;
	if ((r = tlv_put(out, 0x81, modulus, sizeof(modulus))) == TSR_OK)
		r = tlv_put(out, 0x82, exponent, (size_t)len);
 out:
	BN_free(n);
	BN_free(e);
	return r;
}

int
card_key_public(const EVP_PKEY *key, uint8_t alg, struct buf *out)
{
	uint8_t point[POINT_MAX];
	size_t n;

	if (alg == ALG_RSA2048)
		return key_public_rsa(key, out);
	if (EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point), &n) != 1)
		return TSR_CRYPTO;
	return tlv_put(out, 0x86, point, n);
}

int
card_key_sign(EVP_PKEY *key, uint8_t alg, const uint8_t *in, size_t n, struct buf *out)
{
	const struct key_alg *a = key_find(alg);
	uint8_t answer[ANSWER_MAX];
	size_t len = sizeof(answer);
	EVP_PKEY_CTX *ctx;
	int r = TSR_INVALID;

	if (a == NULL || (a->group == NULL ? n != RSA_BYTES : n == 0 || n > a->field))
		return TSR_INVALID;
	if ((ctx = EVP_PKEY_CTX_new(key, NULL)) == NULL || EVP_PKEY_sign_init(ctx) != 1)
		goto out;
	if (a->group == NULL && EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_NO_PADDING) != 1)
		goto out;
	if (EVP_PKEY_sign(ctx, answer, &len, in, n) == 1)
		r = buf_put(out, answer, len);
 out:
	EVP_PKEY_CTX_free(ctx);
	ERR_clear_error();
	return r;
}

int
card_key_agree(EVP_PKEY *key, uint8_t alg, const uint8_t *point, size_t n, struct buf *out)
{
	const struct key_alg *a = key_find(alg);
	uint8_t answer[ANSWER_MAX];
	size_t len = sizeof(answer);
	EVP_PKEY_CTX *ctx = NULL;
	EVP_PKEY *peer = NULL;
	int r = TSR_INVALID;

	if (a == NULL || a->group == NULL || n != 1 + 2 * a->field)
		return TSR_INVALID;
	if ((peer = EVP_PKEY_new()) == NULL || EVP_PKEY_copy_parameters(peer, key) != 1 ||
	    EVP_PKEY_set1_encoded_public_key(peer, point, n) != 1)
		goto out;
	if ((ctx = EVP_PKEY_CTX_new(key, NULL)) == NULL || EVP_PKEY_derive_init(ctx) != 1 ||
	    EVP_PKEY_derive_set_peer(ctx, peer) != 1 || EVP_PKEY_derive(ctx, answer, &len) != 1)
		goto out;
	r = buf_put(out, answer, len);
 out:
	OPENSSL_cleanse(answer, sizeof(answer));
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(peer);
	ERR_clear_error();
	return r;
}
