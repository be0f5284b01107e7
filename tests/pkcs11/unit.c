/*
 * unit.c - the helper's parts that need no module: return values, mechanisms,
 * public keys, what a token says of itself.
 *
 * SPDX-License-Identifier: ISC
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/sha.h>

#include "pkcs11/launch.h"
#include "pkcs11/mech.h"
#include "pkcs11/rv.h"
#include "pkcs11/spki.h"
#include "pkcs11/token.h"
#include "tessera.h"

/* PKCS #11 2.40 section 5.1 */
static void
test_rv(void **state)
{
	static const struct {
		CK_RV rv;
		const char *name;
		int code;
	} rows[] = {
		{ CKR_OK, "CKR_OK", TSR_OK },
		{ CKR_HOST_MEMORY, "CKR_HOST_MEMORY", TSR_NOMEM },
		{ CKR_DEVICE_REMOVED, "CKR_DEVICE_REMOVED", TSR_DEVICE_REMOVED },
		{ CKR_TOKEN_NOT_PRESENT, "CKR_TOKEN_NOT_PRESENT", TSR_DEVICE_REMOVED },
		{ CKR_SESSION_HANDLE_INVALID, "CKR_SESSION_HANDLE_INVALID", TSR_DEVICE_REMOVED },
		{ CKR_PIN_INCORRECT, "CKR_PIN_INCORRECT", TSR_PIN_WRONG },
		{ CKR_PIN_INVALID, "CKR_PIN_INVALID", TSR_PIN_WRONG },
		{ CKR_PIN_LEN_RANGE, "CKR_PIN_LEN_RANGE", TSR_PIN_LENGTH },
		{ CKR_PIN_LOCKED, "CKR_PIN_LOCKED", TSR_PIN_LOCKED },
		{ CKR_MECHANISM_INVALID, "CKR_MECHANISM_INVALID", TSR_KEY_UNUSABLE },
		{ CKR_FUNCTION_CANCELED, "CKR_FUNCTION_CANCELED", TSR_CANCELLED },
		{ CKR_GENERAL_ERROR, "CKR_GENERAL_ERROR", TSR_MODULE },
		{ 0x12345, "CKR_?", TSR_MODULE },
		{ CKR_VENDOR_DEFINED + 7, "CKR_VENDOR_DEFINED", TSR_MODULE },
		{ (CK_RV)-1, "CKR_VENDOR_DEFINED", TSR_MODULE },
	};
	struct fault f;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_string_equal(rv_name(rows[i].rv), rows[i].name);
		assert_int_equal(rv_fold(rows[i].rv), rows[i].code);
	}
	fault_clear(&f);
	assert_int_equal(f.tries, PROTO_TRIES_UNKNOWN);
	assert_int_equal(rv_fault(&f, "C_Login", CKR_PIN_INCORRECT), TSR_PIN_WRONG);
	assert_string_equal(f.detail, "C_Login: CKR_PIN_INCORRECT (0xa0)");
	assert_int_equal(fault_set(&f, TSR_MODULE, "%s", "a\033[2Jb\xff"), TSR_MODULE);
	assert_string_equal(f.detail, "a\\x1b[2Jb\\xff");
}

static void
test_mech_choice(void **state)
{
	static const struct {
		const char *name;
		CK_MECHANISM_TYPE list[4];
		uint32_t algorithm;
		CK_MECHANISM_TYPE want;	/* 0: unusable */
		size_t input;		/* bytes handed to C_Sign for 3 bytes of data */
		int pss;
	} rows[] = {
		{ "ECDSA over our digest", { CKM_ECDSA, CKM_ECDSA_SHA256 }, PROTO_ECDSA_P256_SHA256, CKM_ECDSA, 32, 0 },
		{ "ECDSA hashed by the token", { CKM_ECDSA_SHA256 }, PROTO_ECDSA_P384_SHA256, CKM_ECDSA_SHA256, 3, 0 },
		{ "PSS hashed by the token", { CKM_RSA_PKCS_PSS, CKM_SHA256_RSA_PKCS_PSS }, PROTO_RSA_PSS_SHA256, CKM_SHA256_RSA_PKCS_PSS, 3, 1 },
		{ "PSS over our digest", { CKM_RSA_PKCS_PSS, CKM_RSA_PKCS }, PROTO_RSA_PSS_SHA256, CKM_RSA_PKCS_PSS, 32, 1 },
		{ "PKCS1 hashed by the token", { CKM_RSA_PKCS, CKM_SHA256_RSA_PKCS }, PROTO_RSA_PKCS1_SHA256, CKM_SHA256_RSA_PKCS, 3, 0 },
		{ "PKCS1 with DigestInfo", { CKM_RSA_PKCS }, PROTO_RSA_PKCS1_SHA256, CKM_RSA_PKCS, 51, 0 },
		{ "Ed25519", { CKM_EDDSA }, PROTO_ED25519, CKM_EDDSA, 3, 0 },
		{ "RSA token asked for ECDSA", { CKM_RSA_PKCS }, PROTO_ECDSA_P256_SHA256, 0, 0, 0 },
		{ "no PSS", { CKM_RSA_PKCS, CKM_SHA256_RSA_PKCS }, PROTO_RSA_PSS_SHA256, 0, 0, 0 },
		{ "algorithm 0", { CKM_ECDSA }, 0, 0, 0, 0 },
		{ "algorithm 32", { CKM_ECDSA }, 32, 0, 0, 0 },
	};
	uint8_t digest[32];
	struct mech_call c;
	struct fault f;
	size_t i;

	(void)state;
	SHA256((const uint8_t *)"abc", 3, digest);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		mech_set set = mech_from_list(rows[i].list, 4);
		int r = mech_prepare(&c, set, rows[i].algorithm, (const uint8_t *)"abc", 3, &f);

		if (r != (rows[i].want != 0 ? TSR_OK : TSR_KEY_UNUSABLE))
			fail_msg("%s: %d", rows[i].name, r);
		if (rows[i].want == 0)
			continue;
		assert_true(mech_algorithms(set) & 1u << rows[i].algorithm);
		if (c.mechanism.mechanism != rows[i].want || c.input_len != rows[i].input ||
		    (c.mechanism.pParameter != NULL) != rows[i].pss)
			fail_msg("%s: other call", rows[i].name);
		if (rows[i].input >= 32)
			assert_memory_equal(c.input + c.input_len - 32, digest, 32);
	}
	assert_int_equal(mech_prepare(&c, ~0u, PROTO_ED25519, digest, 0, &f), TSR_TOO_LARGE);
	assert_int_equal(mech_prepare(&c, ~0u, PROTO_ED25519, digest, MECH_INPUT_MAX + 1, &f), TSR_TOO_LARGE);
}

static void
test_signature_length(void **state)
{
	(void)state;
	assert_true(mech_signature_fits(PROTO_ECDSA_P256_SHA256, 64));
	assert_false(mech_signature_fits(PROTO_ECDSA_P256_SHA256, 70));
	assert_true(mech_signature_fits(PROTO_ECDSA_P384_SHA256, 96));
	assert_true(mech_signature_fits(PROTO_ED25519, 64));
	assert_true(mech_signature_fits(PROTO_RSA_PSS_SHA256, 256));
	assert_false(mech_signature_fits(PROTO_RSA_PSS_SHA256, 255));
	assert_false(mech_signature_fits(PROTO_RSA_PKCS1_SHA256, PROTO_SIGNATURE_MAX + 1));
}

static const uint8_t oid_p256[] = { 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07 };
static const uint8_t oid_p384[] = { 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22 };
static const uint8_t oid_p521[] = { 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x23 };
static const uint8_t oid_ed25519[] = { 0x06, 0x03, 0x2b, 0x65, 0x70 };

/* The point of a new key, wrapped or bare, is the SubjectPublicKeyInfo that
 * OpenSSL writes for it. */
static void
check_curve(const char *group, const uint8_t *oid, size_t oid_len, size_t size, uint32_t algorithm)
{
	EVP_PKEY *key = EVP_EC_gen(group);
	uint8_t wrapped[140], *der = NULL;
	struct spki out = { 0 };
	size_t n = 0;
	int len;

	assert_int_equal(EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, wrapped + 2,
	    sizeof(wrapped) - 2, &n), 1);
	assert_int_equal(n, size);
	wrapped[0] = 0x04;
	wrapped[1] = (uint8_t)n;
	len = i2d_PUBKEY(key, &der);
	assert_int_equal(spki_from_ec(oid, oid_len, wrapped, n + 2, &out), TSR_OK);
	assert_int_equal(out.algorithms, 1u << algorithm);
	assert_int_equal(out.len, len);
	assert_memory_equal(out.der, der, out.len);
	memset(&out, 0, sizeof(out));
	assert_int_equal(spki_from_ec(oid, oid_len, wrapped + 2, n, &out), TSR_OK);
	assert_memory_equal(out.der, der, out.len);

	assert_int_equal(spki_from_ec(oid, oid_len, wrapped, n + 1, &out), TSR_KEY_UNUSABLE);
	assert_int_equal(spki_from_ec(oid, oid_len, wrapped, 0, &out), TSR_KEY_UNUSABLE);
	wrapped[n + 1] ^= 1;		/* off the curve */
	assert_int_equal(spki_from_ec(oid, oid_len, wrapped, n + 2, &out), TSR_KEY_UNUSABLE);
	wrapped[2] = 0x02;		/* the form of a compressed one */
	assert_int_equal(spki_from_ec(oid, oid_len, wrapped, n + 2, &out), TSR_KEY_UNUSABLE);
	assert_int_equal(spki_from_ec(oid_p521, sizeof(oid_p521), wrapped, n + 2, &out), TSR_KEY_UNUSABLE);
	OPENSSL_free(der);
	EVP_PKEY_free(key);
}

static void
test_spki_ec(void **state)
{
	(void)state;
	check_curve("P-256", oid_p256, sizeof(oid_p256), 65, PROTO_ECDSA_P256_SHA256);
	check_curve("P-384", oid_p384, sizeof(oid_p384), 97, PROTO_ECDSA_P384_SHA256);
}

/* RFC 8410 section 10.1, with each name that the curve has on tokens. */
static void
test_spki_ed25519(void **state)
{
	static const uint8_t key[34] = {
		0x04, 0x20,
		0x19, 0xbf, 0x44, 0x09, 0x69, 0x84, 0xcd, 0xfe, 0x85, 0x41, 0xba, 0xc1, 0x67, 0xdc, 0x3b, 0x96,
		0xc8, 0x50, 0x86, 0xaa, 0x30, 0xb6, 0xb6, 0xcb, 0x0c, 0x5c, 0x38, 0xad, 0x70, 0x31, 0x66, 0xe1,
	};
	static const uint8_t head[] = {
		0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00
	};
	static const uint8_t name[] = "\x13\x0c" "edwards25519";
	static const uint8_t gnu[] = { 0x06, 0x09, 0x2b, 0x06, 0x01, 0x04, 0x01, 0xda, 0x47, 0x0f, 0x01 };
	static const struct {
		const uint8_t *params;
		size_t n;
	} rows[] = {
		{ oid_ed25519, sizeof(oid_ed25519) }, { name, sizeof(name) - 1 }, { gnu, sizeof(gnu) },
	};
	struct spki out = { 0 };
	size_t i, bare;

	(void)state;
	for (i = 0; i < 3; i++) {
		for (bare = 0; bare <= 2; bare += 2) {
			memset(&out, 0, sizeof(out));
			assert_int_equal(spki_from_ec(rows[i].params, rows[i].n, key + bare,
			    sizeof(key) - bare, &out), TSR_OK);
			assert_int_equal(out.algorithms, 1u << PROTO_ED25519);
			assert_int_equal(out.len, 44);
			assert_memory_equal(out.der, head, 12);
			assert_memory_equal(out.der + 12, key + 2, 32);
		}
	}
	assert_int_equal(spki_from_ec(oid_ed25519, sizeof(oid_ed25519), key, 33, &out), TSR_KEY_UNUSABLE);
}

static void
test_spki_rsa(void **state)
{
	static const struct {
		const char *name;
		size_t bytes;		/* of a modulus of 0xff */
		uint8_t first, last;
		uint8_t e[4];
		size_t e_len;
		int code;
	} rows[] = {
		{ "2048 bits", 256, 0xc3, 0xff, { 1, 0, 1 }, 3, TSR_OK },
		{ "8192 bits", 1024, 0xc3, 0xff, { 3 }, 1, TSR_OK },
		{ "2047 bits", 256, 0x7f, 0xff, { 1, 0, 1 }, 3, TSR_KEY_UNUSABLE },
		{ "1024 bits", 128, 0xc3, 0xff, { 1, 0, 1 }, 3, TSR_KEY_UNUSABLE },
		{ "8200 bits", 1025, 0xc3, 0xff, { 1, 0, 1 }, 3, TSR_KEY_UNUSABLE },
		{ "even modulus", 256, 0xc3, 0xfe, { 1, 0, 1 }, 3, TSR_KEY_UNUSABLE },
		{ "even exponent", 256, 0xc3, 0xff, { 1, 0, 0 }, 3, TSR_KEY_UNUSABLE },
		{ "exponent 1", 256, 0xc3, 0xff, { 1 }, 1, TSR_KEY_UNUSABLE },
		{ "exponent 0", 256, 0xc3, 0xff, { 0 }, 1, TSR_KEY_UNUSABLE },
		{ "no modulus", 0, 0, 0, { 1, 0, 1 }, 3, TSR_KEY_UNUSABLE },
		{ "no exponent", 256, 0xc3, 0xff, { 0 }, 0, TSR_KEY_UNUSABLE },
	};
	uint8_t modulus[1025];
	const uint8_t *p;
	struct spki out = { 0 };
	EVP_PKEY *key;
	size_t i;
	int r;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		memset(modulus, 0xff, sizeof(modulus));
		if (rows[i].bytes > 0) {
			modulus[0] = rows[i].first;
			modulus[rows[i].bytes - 1] = rows[i].last;
		}
		r = spki_from_rsa(modulus, rows[i].bytes, rows[i].e, rows[i].e_len, &out);
		if (r != rows[i].code)
			fail_msg("%s: %d", rows[i].name, r);
		if (r != TSR_OK)
			continue;
		p = out.der;
		assert_non_null(key = d2i_PUBKEY(NULL, &p, (long)out.len));
		assert_int_equal(EVP_PKEY_get_bits(key), rows[i].bytes * 8);
		EVP_PKEY_free(key);
	}
}

/* PKCS #11 2.40 section 3.2: padded with blanks, not terminated. */
static void
test_token_text(void **state)
{
	static const struct {
		const char *name, *label;	/* NUL: padded with it, else with blanks */
		char padding;
		const char *want;
	} rows[] = {
		{ "blanks", "card", ' ', "card" },
		{ "NUL", "card", '\0', "card" },
		{ "blanks before NUL", "card  ", '\0', "card" },
		{ "blanks inside", "my card", ' ', "my card" },
		{ "leading blanks", "  card", ' ', "  card" },
		{ "empty", "", ' ', "" },
		{ "whole field", "0123456789abcdef0123456789abcdef", ' ', "0123456789abcdef0123456789abcdef" },
		{ "UTF-8", "Schl\xc3\xbcssel", ' ', "Schl\xc3\xbcssel" },
		{ "UTF-8 cut short", "Schl\xc3", ' ', "Schl\\xc3" },
		{ "terminal control", "\033]0;x\a", ' ', "\\x1b]0;x\\x07" },
		{ "backslash", "a\\x41", ' ', "a\\x5cx41" },
	};
	CK_TOKEN_INFO info;
	struct token t;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		memset(&info, 0, sizeof(info));
		memset(info.label, rows[i].padding, sizeof(info.label));
		memcpy(info.label, rows[i].label, strlen(rows[i].label));
		token_from_info(&t, 3, &info);
		if (strcmp(t.label, rows[i].want) != 0)
			fail_msg("%s: %s", rows[i].name, t.label);
		assert_true(token_is(&t, "", rows[i].want));
		assert_false(token_is(&t, "1", rows[i].want));
	}
}

static void
test_token_tries(void **state)
{
	(void)state;
	assert_int_equal(token_tries(0), PROTO_TRIES_UNKNOWN);
	assert_int_equal(token_tries(PROTO_TOKEN_LOGIN_REQUIRED), PROTO_TRIES_UNKNOWN);
	/* PKCS#11 3.0, 3.2: "at least once since": no number */
	assert_int_equal(token_tries(PROTO_TOKEN_PIN_COUNT_LOW), PROTO_TRIES_UNKNOWN);
	assert_int_equal(token_tries(PROTO_TOKEN_PIN_COUNT_LOW | PROTO_TOKEN_PIN_FINAL_TRY), 1);
	assert_int_equal(token_tries(PROTO_TOKEN_PIN_FINAL_TRY | PROTO_TOKEN_PIN_LOCKED), 0);
}

/* A worker has the module's environment, and OpenSC's file unless that names
 * one. */
static void
test_launch(void **state)
{
	char name[] = "m", other[] = "o", path[] = "/lib/m.so", libexec[] = "/usr/libexec/tessera";
	char variable[] = "A=b", opensc[] = "OPENSC_CONF=/etc/mine.conf", folder[] = "/var/m";
	char *with[] = { variable, opensc }, *folders[] = { folder };
	struct config_module modules[] = {
		{ .name = name, .path = path, .environment = { with, 1 }, .write_paths = { folders, 1 } },
		{ .name = other, .path = path, .environment = { with, 2 } },
	};
	struct config conf = { .libexec_dir = libexec, .modules = modules, .n_modules = 2 };
	static const char *const argv[] = {
		"/usr/bin/me", "--worker", "--config", "/etc/t/t.conf", "--module", "m", "--user"
	};
	struct launch_paths paths = { NULL, 0 };
	struct keeper_worker w;
	struct launch l;
	size_t i;

	(void)state;
	assert_int_equal(launch_init(&l, &conf, "/usr/bin/me", "/etc/t/t.conf", 1), TSR_OK);
	assert_int_equal(launch_resolve(&l, "nobody", &w), TSR_NOT_FOUND);
	assert_int_equal(launch_resolve(&l, "m", &w), TSR_OK);
	assert_string_equal(w.path, "/usr/bin/me");
	for (i = 0; i < 7; i++)
		assert_string_equal(w.argv[i], argv[i]);
	assert_null(w.argv[7]);
	assert_string_equal(w.env[0], "A=b");
	assert_string_equal(w.env[1], "OPENSC_CONF=/usr/libexec/tessera/opensc.conf");
	assert_string_equal(w.env[2], "HOME=/nonexistent");
	assert_null(w.env[3]);

	assert_int_equal(launch_resolve(&l, "o", &w), TSR_OK);
	assert_string_equal(w.env[1], "OPENSC_CONF=/etc/mine.conf");
	assert_string_equal(w.env[2], "HOME=/nonexistent");
	assert_null(w.env[3]);

	assert_int_equal(launch_module_paths(&l, &modules[0], &paths), TSR_OK);
	assert_int_equal(paths.n, 4);
	assert_string_equal(paths.v[1].path, "/usr/libexec/tessera/opensc.conf");
	assert_int_equal(paths.v[1].access, SANDBOX_READ);
	assert_string_equal(paths.v[2].path, "/usr/libexec/tessera/tessera-pcsc.so");
	assert_int_equal(paths.v[2].access, SANDBOX_READ);
	assert_string_equal(paths.v[3].path, "/var/m");
	assert_int_equal(paths.v[3].access, SANDBOX_READ | SANDBOX_WRITE);
	launch_paths_free(&paths);
	assert_int_equal(launch_keeper_paths(&l, &paths), TSR_OK);
	assert_int_equal(paths.n, 2 + 4 + 3);
	assert_string_equal(paths.v[1].path, "/etc/t");
	launch_paths_free(&paths);
	launch_free(&l);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rv),
		cmocka_unit_test(test_mech_choice),
		cmocka_unit_test(test_signature_length),
		cmocka_unit_test(test_spki_ec),
		cmocka_unit_test(test_spki_ed25519),
		cmocka_unit_test(test_spki_rsa),
		cmocka_unit_test(test_token_text),
		cmocka_unit_test(test_token_tries),
		cmocka_unit_test(test_launch),
	};

	return cmocka_run_group_tests_name("pkcs11_unit", tests, NULL, NULL);
}
