/*
 * key_pair.c - P-256 and Ed25519 with libcrypto.  See key_pair.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "sim/key_pair.h"

#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/obj_mac.h>
#include <openssl/param_build.h>
#include <sodium.h>

#include "sim/ctap.h"
#include "tessera.h"

#define POINT	65			/* bytes of an uncompressed P-256 point */

/* A P-256 key out of its parts; priv may be NULL. */
static int
key_pair_p256(const BIGNUM *priv, const uint8_t pub[POINT], EVP_PKEY **out)
{
	OSSL_PARAM_BLD *b = NULL;
	OSSL_PARAM *params = NULL;
	EVP_PKEY_CTX *ctx = NULL;
	int r = TSR_CRYPTO;

	if ((b = OSSL_PARAM_BLD_new()) == NULL ||
	    OSSL_PARAM_BLD_push_utf8_string(b, OSSL_PKEY_PARAM_GROUP_NAME, "P-256", 0) != 1 ||
	    OSSL_PARAM_BLD_push_octet_string(b, OSSL_PKEY_PARAM_PUB_KEY, pub, POINT) != 1 ||
	    (priv != NULL && OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_PRIV_KEY, priv) != 1) ||
	    (params = OSSL_PARAM_BLD_to_param(b)) == NULL ||
	    (ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL)) == NULL ||
	    EVP_PKEY_fromdata_init(ctx) != 1 ||
	    EVP_PKEY_fromdata(ctx, out, priv != NULL ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY,
	    params) != 1)
		goto out;
	r = TSR_OK;
 out:
	EVP_PKEY_CTX_free(ctx);
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(b);
	return r;
}

/* The seed, brought to 1..n-1, is the private key. */
static int
key_pair_from_seed(const uint8_t seed[KEY_PAIR_SEED], EVP_PKEY **out)
{
	EC_GROUP *group = NULL;
	EC_POINT *q = NULL;
	BIGNUM *d = NULL, *n1 = NULL;
	BN_CTX *ctx = NULL;
	uint8_t pub[POINT];
	int r = TSR_CRYPTO;

	if ((ctx = BN_CTX_new()) == NULL ||
	    (group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1)) == NULL ||
	    (q = EC_POINT_new(group)) == NULL ||
	    (d = BN_bin2bn(seed, KEY_PAIR_SEED, NULL)) == NULL ||
	    (n1 = BN_dup(EC_GROUP_get0_order(group))) == NULL ||
	    BN_sub_word(n1, 1) != 1 || BN_mod(d, d, n1, ctx) != 1 || BN_add_word(d, 1) != 1 ||
	    EC_POINT_mul(group, q, d, NULL, NULL, ctx) != 1 ||
	    EC_POINT_point2oct(group, q, POINT_CONVERSION_UNCOMPRESSED, pub, sizeof(pub),
	    ctx) != sizeof(pub))
		goto out;
	r = key_pair_p256(d, pub, out);
 out:
	BN_clear_free(d);
	BN_free(n1);
	EC_POINT_free(q);
	EC_GROUP_free(group);
	BN_CTX_free(ctx);
	return r;
}

int
key_pair_derive(int alg, const uint8_t seed[KEY_PAIR_SEED], struct key_pair *out)
{
	EVP_PKEY *pkey = NULL;
	int r = TSR_OK;

	if (alg == COSE_EDDSA) {
		if ((pkey = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed,
		    KEY_PAIR_SEED)) == NULL)
			return TSR_CRYPTO;
	} else if (alg == COSE_ES256)
		r = key_pair_from_seed(seed, &pkey);
	else
		return TSR_UNSUPPORTED;
	if (r == TSR_OK) {
		out->alg = alg;
		out->pkey = pkey;
	}
	return r;
}

int
key_pair_random(struct key_pair *out)
{
	EVP_PKEY *pkey;

	if ((pkey = EVP_EC_gen("P-256")) == NULL)
		return TSR_CRYPTO;
	out->alg = COSE_ES256;
	out->pkey = pkey;
	return TSR_OK;
}

void
key_pair_free(struct key_pair *k)
{
	EVP_PKEY_free(k->pkey);
	k->pkey = NULL;
}

int
key_pair_sign(const struct key_pair *k, const void *p, size_t n, uint8_t sig[KEY_PAIR_SIG],
    size_t *len)
{
	EVP_MD_CTX *ctx;
	size_t size = KEY_PAIR_SIG;
	int r = TSR_CRYPTO;

	if ((ctx = EVP_MD_CTX_new()) == NULL)
		return TSR_CRYPTO;
	if (EVP_DigestSignInit(ctx, NULL, k->alg == COSE_EDDSA ? NULL : EVP_sha256(), NULL,
	    k->pkey) == 1 && EVP_DigestSign(ctx, sig, &size, p, n) == 1) {
		*len = size;
		r = TSR_OK;
	}
	EVP_MD_CTX_free(ctx);
	return r;
}

int
key_pair_cose(const struct key_pair *k, int alg, struct cbor_out *o)
{
	uint8_t pub[POINT];
	size_t n = sizeof(pub);

	if (k->alg == COSE_EDDSA) {
		if (EVP_PKEY_get_raw_public_key(k->pkey, pub, &n) != 1)
			return TSR_CRYPTO;
		cbor_out_map(o, 4);
		cbor_out_int(o, 1);		/* kty: OKP */
		cbor_out_int(o, 1);
		cbor_out_int(o, 3);		/* alg */
		cbor_out_int(o, alg);
		cbor_out_int(o, -1);		/* crv: Ed25519 */
		cbor_out_int(o, 6);
		cbor_out_int(o, -2);		/* x */
		cbor_out_bytes(o, pub, n);
		return TSR_OK;
	}
	if (EVP_PKEY_get_octet_string_param(k->pkey, OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY, pub,
	    sizeof(pub), &n) != 1 || n != POINT)
		return TSR_CRYPTO;
	cbor_out_map(o, 5);
	cbor_out_int(o, 1);			/* kty: EC2 */
	cbor_out_int(o, 2);
	cbor_out_int(o, 3);
	cbor_out_int(o, alg);
	cbor_out_int(o, -1);			/* crv: P-256 */
	cbor_out_int(o, 1);
	cbor_out_int(o, -2);			/* x */
	cbor_out_bytes(o, pub + 1, 32);
	cbor_out_int(o, -3);			/* y */
	cbor_out_bytes(o, pub + 33, 32);
	return TSR_OK;
}

/* The P-256 point in a COSE_Key. */
static int
key_pair_point(const struct cbor *cose, uint8_t pub[POINT])
{
	struct cbor x, y, item;
	int64_t v;

	if (cbor_find(cose, 1, &item) != TSR_OK || cbor_int(&item, &v) != TSR_OK || v != 2 ||
	    cbor_find(cose, -1, &item) != TSR_OK || cbor_int(&item, &v) != TSR_OK || v != 1 ||
	    cbor_find(cose, -2, &x) != TSR_OK || x.kind != CBOR_BYTES || x.n != 32 ||
	    cbor_find(cose, -3, &y) != TSR_OK || y.kind != CBOR_BYTES || y.n != 32)
		return TSR_INVALID;
	pub[0] = 4;
	memcpy(pub + 1, x.p, 32);
	memcpy(pub + 33, y.p, 32);
	return TSR_OK;
}

int
key_pair_agree(const struct key_pair *k, const struct cbor *cose, uint8_t z[32])
{
	EVP_PKEY_CTX *ctx = NULL;
	EVP_PKEY *peer = NULL;
	uint8_t pub[POINT], shared[32];
	size_t n = sizeof(shared);
	int r = TSR_INVALID;

	if (key_pair_point(cose, pub) != TSR_OK || key_pair_p256(NULL, pub, &peer) != TSR_OK)
		goto out;
	if ((ctx = EVP_PKEY_CTX_new(k->pkey, NULL)) == NULL || EVP_PKEY_derive_init(ctx) != 1 ||
	    EVP_PKEY_derive_set_peer(ctx, peer) != 1 ||		/* checks that it is on the curve */
	    EVP_PKEY_derive(ctx, shared, &n) != 1 || n != sizeof(shared))
		goto out;
	memcpy(z, shared, sizeof(shared));
	r = TSR_OK;
 out:
	sodium_memzero(shared, sizeof(shared));
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(peer);
	return r;
}
