/*
 * spki.c - SubjectPublicKeyInfo.  See spki.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "pkcs11/spki.h"

#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

#include "tessera.h"

#define ECDSA_P256	(1u << PROTO_ECDSA_P256_SHA256)
#define ECDSA_P384	(1u << PROTO_ECDSA_P384_SHA256)
#define RSA_BOTH	(1u << PROTO_RSA_PSS_SHA256 | 1u << PROTO_RSA_PKCS1_SHA256)
#define ED25519		(1u << PROTO_ED25519)

static const uint8_t oid_p256[] = { 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07 };
static const uint8_t oid_p384[] = { 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22 };
/* RFC 8410; the name as PKCS #11 3.0 has it; GnuPG's, which OpenPGP cards use. */
static const uint8_t oid_ed25519[] = { 0x06, 0x03, 0x2b, 0x65, 0x70 };
static const uint8_t name_ed25519[] = {
	0x13, 0x0c, 'e', 'd', 'w', 'a', 'r', 'd', 's', '2', '5', '5', '1', '9'
};
static const uint8_t oid_gnu_ed25519[] = {
	0x06, 0x09, 0x2b, 0x06, 0x01, 0x04, 0x01, 0xda, 0x47, 0x0f, 0x01
};

/* All of the SubjectPublicKeyInfo that stands before the key's own bytes. */
static const uint8_t head_p256[] = {
	0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01,
	0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00
};
static const uint8_t head_p384[] = {
	0x30, 0x76, 0x30, 0x10, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01,
	0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22, 0x03, 0x62, 0x00
};
static const uint8_t head_ed25519[] = {
	0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00
};

#define BYTES(a)	(a), sizeof(a)

static const struct curve {
	const uint8_t *params;
	size_t params_len;
	const uint8_t *head;
	size_t head_len;
	size_t point_len;	/* bytes of the key itself */
	int uncompressed;	/* it begins with 04 */
} curves[] = {
	{ BYTES(oid_p256), BYTES(head_p256), 65, 1 },
	{ BYTES(oid_p384), BYTES(head_p384), 97, 1 },
	{ BYTES(oid_ed25519), BYTES(head_ed25519), 32, 0 },
	{ BYTES(name_ed25519), BYTES(head_ed25519), 32, 0 },
	{ BYTES(oid_gnu_ed25519), BYTES(head_ed25519), 32, 0 },
};

/* What we would do with a key: 0 for one that we do not take. */
static uint32_t
spki_algorithms(EVP_PKEY *key)
{
	char group[32] = "";
	size_t len = 0;

	switch (EVP_PKEY_get_base_id(key)) {
	case EVP_PKEY_RSA:
		if (EVP_PKEY_get_bits(key) < SPKI_RSA_BITS_MIN ||
		    EVP_PKEY_get_bits(key) > SPKI_MODULUS_MAX * 8)
			return 0;
		return RSA_BOTH;
	case EVP_PKEY_EC:
		if (EVP_PKEY_get_group_name(key, group, sizeof(group), &len) != 1)
			return 0;
		if (strcmp(group, "prime256v1") == 0)
			return ECDSA_P256;
		return strcmp(group, "secp384r1") == 0 ? ECDSA_P384 : 0;
	case EVP_PKEY_ED25519:
		return ED25519;
	default:
		return 0;
	}
}

static int
spki_encode(EVP_PKEY *key, struct spki *out)
{
	uint8_t *der = NULL;
	uint32_t algorithms;
	int n;

	if ((algorithms = spki_algorithms(key)) == 0)
		return TSR_KEY_UNUSABLE;
	if ((n = i2d_PUBKEY(key, &der)) <= 0)
		return TSR_CRYPTO;
	if ((size_t)n > sizeof(out->der)) {
		OPENSSL_free(der);
		return TSR_KEY_UNUSABLE;
	}
	memcpy(out->der, der, (size_t)n);
	out->len = (size_t)n;
	out->algorithms = algorithms;
	OPENSSL_free(der);
	return TSR_OK;
}

/* Take the OCTET STRING off, told by the whole length. */
static const uint8_t *
spki_point(const struct curve *c, const uint8_t *point, size_t len)
{
	if (len == c->point_len + 2 && point[0] == 0x04 && point[1] == c->point_len) {
		point += 2;
		len -= 2;
	}
	if (len != c->point_len || (c->uncompressed && point[0] != 0x04))
		return NULL;
	return point;
}

int
spki_from_ec(const uint8_t *params, size_t params_len, const uint8_t *point,
    size_t point_len, struct spki *out)
{
	uint8_t der[sizeof(head_p384) + 97];
	const struct curve *c = NULL;
	const uint8_t *p;
	EVP_PKEY *key;
	size_t i;
	int r;

	for (i = 0; i < sizeof(curves) / sizeof(curves[0]); i++)
		if (params_len == curves[i].params_len &&
		    memcmp(params, curves[i].params, params_len) == 0)
			c = &curves[i];
	if (c == NULL || (p = spki_point(c, point, point_len)) == NULL)
		return TSR_KEY_UNUSABLE;
	memcpy(der, c->head, c->head_len);
	memcpy(der + c->head_len, p, c->point_len);
	/* Decoding checks that the point lies on the curve. */
	p = der;
	key = d2i_PUBKEY(NULL, &p, (long)(c->head_len + c->point_len));
	r = key != NULL ? spki_encode(key, out) : TSR_KEY_UNUSABLE;
	EVP_PKEY_free(key);
	ERR_clear_error();
	return r;
}

/* An EVP_PKEY of modulus and exponent, or NULL. */
static EVP_PKEY *
spki_rsa_key(const BIGNUM *n, const BIGNUM *e)
{
	OSSL_PARAM_BLD *bld;
	OSSL_PARAM *params = NULL;
	EVP_PKEY_CTX *ctx = NULL;
	EVP_PKEY *key = NULL;

	if ((bld = OSSL_PARAM_BLD_new()) == NULL ||
	    OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_N, n) != 1 ||
	    OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_E, e) != 1 ||
	    (params = OSSL_PARAM_BLD_to_param(bld)) == NULL ||
	    (ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL)) == NULL ||
	    EVP_PKEY_fromdata_init(ctx) != 1 ||
	    EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
		key = NULL;
	EVP_PKEY_CTX_free(ctx);
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(bld);
	return key;
}

int
spki_from_rsa(const uint8_t *modulus, size_t modulus_len, const uint8_t *exponent,
    size_t exponent_len, struct spki *out)
{
	BIGNUM *n = NULL, *e = NULL;
	EVP_PKEY *key = NULL;
	int r = TSR_KEY_UNUSABLE;

	if (modulus_len > SPKI_MODULUS_MAX || exponent_len > SPKI_EXPONENT_MAX)
		return TSR_KEY_UNUSABLE;
	if ((n = BN_bin2bn(modulus, (int)modulus_len, NULL)) == NULL ||
	    (e = BN_bin2bn(exponent, (int)exponent_len, NULL)) == NULL) {
		r = TSR_NOMEM;
		goto out;
	}
	if (!BN_is_odd(n) || !BN_is_odd(e) || BN_is_one(e) || BN_num_bits(n) < SPKI_RSA_BITS_MIN)
		goto out;
	if ((key = spki_rsa_key(n, e)) != NULL)
		r = spki_encode(key, out);
 out:
	EVP_PKEY_free(key);
	BN_free(n);
	BN_free(e);
	ERR_clear_error();
	return r;
}

int
spki_from_certificate(X509 *certificate, struct spki *out)
{
	EVP_PKEY *key;
	int r;

	key = X509_get0_pubkey(certificate);
	r = key != NULL ? spki_encode(key, out) : TSR_KEY_UNUSABLE;
	ERR_clear_error();
	return r;
}
