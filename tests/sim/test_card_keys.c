/*
 * test_card_keys.c - what a virtual card's keys do, checked by OpenSSL against
 * its certificates; the management key; new keys and objects.
 *
 * SPDX-License-Identifier: ISC
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "card_rig.h"
#include "sim/card_internal.h"
#include "sim/card_make.h"
#include "sim/tlv.h"
#include "tessera.h"

/* The public key of a certificate on the card. */
static EVP_PKEY *
certified(struct rig *r, const char *get_data)
{
	const uint8_t *object, *der;
	EVP_PKEY *key;
	size_t n;
	X509 *x;

	assert_int_equal(rig_send(r, get_data), 0x9000);
	assert_int_equal(tlv_find(r->answer, r->len, 0x53, &object, &n), TSR_OK);
	assert_int_equal(tlv_find(object, n, 0x70, &der, &n), TSR_OK);
	assert_non_null(x = d2i_X509(NULL, &der, (long)n));
	assert_non_null(key = X509_get_pubkey(x));
	X509_free(x);
	return key;
}

/* GENERAL AUTHENTICATE with one element; its answer's value. */
static size_t
authenticate(struct rig *r, uint8_t alg, uint8_t ref, uint32_t tag, const uint8_t *in, size_t n,
    const uint8_t **out)
{
	struct buf t, data, apdu;
	size_t len;

	buf_init(&t, 1024);
	buf_init(&data, 1024);
	buf_init(&apdu, 1024);
	assert_int_equal(tlv_put(&t, 0x82, NULL, 0), TSR_OK);
	assert_int_equal(tlv_put(&t, tag, in, n), TSR_OK);
	assert_int_equal(tlv_put(&data, 0x7c, t.data, t.len), TSR_OK);
	assert_int_equal(buf_put(&apdu, (uint8_t[]){ 0, 0x87, alg, ref, 0, (uint8_t)(data.len >> 8),
	    (uint8_t)data.len }, 7), TSR_OK);
	assert_int_equal(buf_put(&apdu, data.data, data.len), TSR_OK);
	assert_int_equal(buf_put_u16(&apdu, 0), TSR_OK);
	assert_int_equal(rig_bytes(r, apdu.data, apdu.len), 0x9000);
	assert_int_equal(tlv_find(r->answer, r->len, 0x7c, out, &len), TSR_OK);
	assert_int_equal(tlv_find(*out, len, 0x82, out, &len), TSR_OK);
	buf_free(&t);
	buf_free(&data);
	buf_free(&apdu);
	return len;
}

static void
verify_ec(EVP_PKEY *key, const uint8_t *sig, size_t n, const uint8_t *hash, size_t hn)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);

	assert_int_equal(EVP_PKEY_verify_init(ctx), 1);
	assert_int_equal(EVP_PKEY_verify(ctx, sig, n, hash, hn), 1);
	assert_int_not_equal(EVP_PKEY_verify(ctx, sig, n, (const uint8_t *)"another", 7), 1);
	EVP_PKEY_CTX_free(ctx);
}

static void
test_signatures(void **state)
{
	uint8_t block[256], back[256];
	const uint8_t *sig;
	EVP_PKEY *key;
	EVP_PKEY_CTX *ctx;
	struct rig r;
	size_t n, len = sizeof(back);

	(void)state;
	memset(block, 0x5a, sizeof(block));
	block[0] = 0;
	rig_new(&r, CARD_CONTACT);
	assert_int_equal(rig_send(&r, SELECT_PIV), 0x9000);
	key = certified(&r, "00cb3fff05 5c035fc101 00");
	n = authenticate(&r, ALG_P256, 0x9e, 0x81, block, 32, &sig);
	verify_ec(key, sig, n, block, 32);
	EVP_PKEY_free(key);
	key = certified(&r, "00cb3fff05 5c035fc10b 00");
	assert_int_equal(rig_send(&r, VERIFY_RIGHT), 0x9000);
	n = authenticate(&r, ALG_P384, 0x9d, 0x81, block, 48, &sig);
	verify_ec(key, sig, n, block, 48);
	EVP_PKEY_free(key);
	key = certified(&r, "00cb3fff05 5c035fc10a 00");
	assert_int_equal(rig_send(&r, VERIFY_RIGHT), 0x9000);
	n = authenticate(&r, ALG_RSA2048, 0x9c, 0x81, block, 256, &sig);
	ctx = EVP_PKEY_CTX_new(key, NULL);
	assert_int_equal(EVP_PKEY_verify_recover_init(ctx), 1);
	assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_NO_PADDING), 1);
	assert_int_equal(EVP_PKEY_verify_recover(ctx, back, &len, sig, n), 1);
	assert_int_equal(len, 256);
	assert_memory_equal(back, block, 256);
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(key);
	rig_free(&r);
}

static void
test_agreement(void **state)
{
	uint8_t point[97], due[48];
	size_t n, len = sizeof(due), pn;
	EVP_PKEY *key, *mine = EVP_EC_gen("P-384");
	const uint8_t *secret;
	EVP_PKEY_CTX *ctx;
	struct rig r;

	(void)state;
	rig_new(&r, CARD_CONTACT);
	assert_int_equal(rig_send(&r, SELECT_PIV), 0x9000);
	key = certified(&r, "00cb3fff05 5c035fc10b 00");
	assert_int_equal(rig_send(&r, VERIFY_RIGHT), 0x9000);
	assert_int_equal(EVP_PKEY_get_octet_string_param(mine, OSSL_PKEY_PARAM_PUB_KEY, point,
	    sizeof(point), &pn), 1);
	n = authenticate(&r, ALG_P384, 0x9d, 0x85, point, pn, &secret);
	ctx = EVP_PKEY_CTX_new(mine, NULL);
	assert_int_equal(EVP_PKEY_derive_init(ctx), 1);
	assert_int_equal(EVP_PKEY_derive_set_peer(ctx, key), 1);
	assert_int_equal(EVP_PKEY_derive(ctx, due, &len), 1);
	assert_int_equal(n, len);
	assert_memory_equal(secret, due, len);
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(key);
	EVP_PKEY_free(mine);
	rig_free(&r);
}

static void
encrypt(const EVP_CIPHER *cipher, const uint8_t *key, const uint8_t *in, int n, uint8_t *out)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int len;

	assert_int_equal(EVP_EncryptInit_ex(ctx, cipher, NULL, key, NULL), 1);
	(void)EVP_CIPHER_CTX_set_padding(ctx, 0);
	assert_int_equal(EVP_EncryptUpdate(ctx, out, &len, in, n), 1);
	EVP_CIPHER_CTX_free(ctx);
}

static const uint8_t first_key[24] = { 1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 6, 7, 8 };

/* External authentication; the status word. */
static unsigned
administer(struct rig *r, uint8_t alg, const EVP_CIPHER *cipher, const uint8_t *key, uint8_t block)
{
	uint8_t ask[] = { 0, 0x87, alg, 0x9b, 4, 0x7c, 2, 0x81, 0, 0 };
	uint8_t answer[9 + 16] = { 0, 0x87, alg, 0x9b, (uint8_t)(4 + block), 0x7c, (uint8_t)(2 + block),
	    0x82, block };
	unsigned sw;

	if ((sw = rig_bytes(r, ask, sizeof(ask))) != 0x9000)
		return sw;
	assert_int_equal(r->len, 4u + block);
	encrypt(cipher, key, r->answer + 4, block, answer + 9);
	return rig_bytes(r, answer, 9u + block);
}

static void
test_management_key(void **state)
{
	static const uint8_t aes[32] = { 9, 8, 7 };
	struct rig r;

	(void)state;
	rig_new(&r, CARD_CONTACT);
	assert_int_equal(rig_send(&r, SELECT_PIV), 0x9000);
	assert_int_equal(administer(&r, 0x03, EVP_des_ede3_ecb(), aes, 8), 0x6982);
	assert_int_equal(rig_send(&r, "00db3fff0a 5c035fc10f 5303 010203"), 0x6982);
	assert_int_equal(administer(&r, 0x03, EVP_des_ede3_ecb(), first_key, 8), 0x9000);
	assert_int_equal(rig_send(&r, "00fffffe23 0c9b20 0908070000000000000000000000000000000000"
	    "00000000000000000000000000"), 0x9000);
	rig_reload(&r, CARD_CONTACT);
	assert_int_equal(rig_send(&r, SELECT_PIV), 0x9000);
	assert_int_equal(administer(&r, 0x03, EVP_des_ede3_ecb(), first_key, 8), 0x6a86);
	assert_int_equal(administer(&r, 0x0c, EVP_aes_256_ecb(), aes, 16), 0x9000);
	rig_free(&r);
}

static void
test_objects(void **state)
{
	static const struct {
		const char *name, *apdu;
		unsigned sw;
	} rows[] = {
		{ "write", "00db3fff0a 5c035fc10f 5303 010203", 0x9000 },
		{ "read", "00cb3fff05 5c035fc10f 00", 0x9000 },
		{ "replace", "00db3fff08 5c035fc10f 5301 09", 0x9000 },
		{ "a vendor's", "00db3fff08 5c035fff01 5301 09", 0x9000 },
		{ "delete", "00db3fff07 5c035fc10f 5300", 0x9000 },
		{ "gone", "00cb3fff05 5c035fc10f 00", 0x6a82 },
		{ "not PIV's", "00db3fff08 5c03123456 5301 09", 0x6a81 },
		{ "no data", "00db3fff05 5c035fc10f", 0x6a80 },
		{ "other parameters", "00db000008 5c035fc10f 5301 09", 0x6a86 },
	};
	struct rig r;
	unsigned sw;
	size_t i;

	(void)state;
	rig_new(&r, CARD_CONTACT);
	assert_int_equal(rig_send(&r, SELECT_PIV), 0x9000);
	assert_int_equal(administer(&r, 0x03, EVP_des_ede3_ecb(), first_key, 8), 0x9000);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if ((sw = rig_send(&r, rows[i].apdu)) != rows[i].sw)
			fail_msg("%s: %04x", rows[i].name, sw);
	rig_reload(&r, CARD_CONTACT);
	assert_int_equal(rig_send(&r, SELECT_PIV), 0x9000);
	assert_int_equal(rig_send(&r, "00cb3fff05 5c035fff01 00"), 0x9000);
	assert_memory_equal(r.answer, "\x53\x01\x09", 3);
	rig_free(&r);
}

static void
test_generate(void **state)
{
	static const struct {
		const char *name, *apdu;
		uint8_t alg;
		unsigned sw;
		const char *begins;
		size_t n;
	} rows[] = {
		{ "P-256", "0047009e05 ac03800111 00", ALG_P256, 0x9000, "\x7f\x49\x43\x86\x41\x04", 6 },
		{ "P-384", "0047009e05 ac03800114 00", ALG_P384, 0x9000, "\x7f\x49\x63\x86\x61\x04", 6 },
		{ "RSA", "0047009e05 ac03800107 00", ALG_RSA2048, 0x9000, "\x7f\x49\x82\x01\x09\x81", 6 },
		{ "PIN policy of yubico-piv-tool", "0047009e08 ac06800111 aa0102 00", ALG_P256, 0x9000, "\x7f\x49", 2 },
		{ "RSA 1024", "0047009e05 ac03800106 00", ALG_P256, 0x6a80, "", 0 },
		{ "no template", "0047009e03 800111 00", ALG_P256, 0x6a80, "", 0 },
		{ "no such key", "0047009f05 ac03800111 00", ALG_P256, 0x6a86, "", 0 },
	};
	const uint8_t *sig;
	uint8_t block[256] = { 0, 1 };
	struct rig r;
	unsigned sw;
	size_t i;

	(void)state;
	rig_new(&r, CARD_CONTACT);
	assert_int_equal(rig_send(&r, SELECT_PIV), 0x9000);
	assert_int_equal(administer(&r, 0x03, EVP_des_ede3_ecb(), first_key, 8), 0x9000);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if ((sw = rig_send(&r, rows[i].apdu)) != rows[i].sw)
			fail_msg("%s: %04x", rows[i].name, sw);
		if (memcmp(r.answer, rows[i].begins, rows[i].n) != 0)
			fail_msg("%s: another template", rows[i].name);
		(void)authenticate(&r, rows[i].alg, 0x9e, 0x81, block,
		    rows[i].alg == ALG_RSA2048 ? 256 : 32, &sig);
	}
	rig_reload(&r, CARD_CONTACT);
	assert_int_equal(rig_send(&r, SELECT_PIV), 0x9000);
	(void)authenticate(&r, ALG_P256, 0x9e, 0x81, block, 32, &sig);
	rig_free(&r);
}

static void
test_recipe(void **state)
{
	static const struct {
		const char *text;
		int r;
		uint8_t alg[4];
	} rows[] = {
		{ "p256", TSR_OK, { 0x11, 0x11, 0x11, 0x11 } },
		{ "rsa2048,9e=p384", TSR_OK, { 7, 7, 7, 0x14 } },
		{ "9A=none", TSR_OK, { 0, 0x11, 0x11, 0x11 } },
		{ "9c=p384,none", TSR_OK, { 0, 0, 0, 0 } },
		{ "", TSR_INVALID, { 0x11, 0x11, 0x11, 0x11 } },
		{ "p256,", TSR_INVALID, { 0x11, 0x11, 0x11, 0x11 } },
		{ "9b=p256", TSR_INVALID, { 0x11, 0x11, 0x11, 0x11 } },
		{ "p384,ed25519", TSR_INVALID, { 0x11, 0x11, 0x11, 0x11 } },
		{ "p2560000000000000000000000000000000000000", TSR_INVALID, { 0x11, 0x11, 0x11, 0x11 } },
	};
	struct card_recipe recipe;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		memset(&recipe, 0, sizeof(recipe));
		memset(recipe.alg, 0x11, sizeof(recipe.alg));
		if (card_recipe_algorithms(&recipe, rows[i].text) != rows[i].r ||
		    memcmp(recipe.alg, rows[i].alg, 4) != 0)
			fail_msg("\"%s\"", rows[i].text);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_signatures),
		cmocka_unit_test(test_agreement),
		cmocka_unit_test(test_management_key),
		cmocka_unit_test(test_objects),
		cmocka_unit_test(test_generate),
		cmocka_unit_test(test_recipe),
	};

	return cmocka_run_group_tests(tests, rig_fixture, rig_fixture_remove);
}
