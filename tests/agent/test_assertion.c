/*
 * test_assertion.c - what a FIDO2 key answers: CBOR, authenticator data, and the
 * verdict (WebAuthn level 3 section 7.2), clause by clause and bit by bit.
 *
 * SPDX-License-Identifier: ISC
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <string.h>
#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <sodium.h>

#include "agent/assertion.h"
#include "agent/cbor.h"
#include "tessera.h"
#include "token/challenge.h"

#define COUNT(t)	(sizeof(t) / sizeof((t)[0]))
#define RP		"tessera:example"

/* --- CBOR --- */

static const struct item {
	const char *name, *bytes;
	size_t n;
	int result;
} items[] = {
#define ITEM(name, bytes, result)	{ name, bytes, sizeof(bytes) - 1, result }
	ITEM("RFC 8949 A: 0", "\x00", TSR_OK),
	ITEM("RFC 8949 A: 23", "\x17", TSR_OK),
	ITEM("RFC 8949 A: 24", "\x18\x18", TSR_OK),
	ITEM("RFC 8949 A: 1000000", "\x1a\x00\x0f\x42\x40", TSR_OK),
	ITEM("RFC 8949 A: 2^64 - 1", "\x1b\xff\xff\xff\xff\xff\xff\xff\xff", TSR_OK),
	ITEM("RFC 8949 A: -1000", "\x39\x03\xe7", TSR_OK),
	ITEM("RFC 8949 A: false", "\xf4", TSR_OK),
	ITEM("RFC 8949 A: null", "\xf6", TSR_OK),
	ITEM("RFC 8949 A: h'01020304'", "\x44\x01\x02\x03\x04", TSR_OK),
	ITEM("RFC 8949 A: \"IETF\"", "\x64IETF", TSR_OK),
	ITEM("RFC 8949 A: [1, [2, 3], [4, 5]]", "\x83\x01\x82\x02\x03\x82\x04\x05", TSR_OK),
	ITEM("RFC 8949 A: {\"a\": 1, \"b\": [2, 3]}", "\xa2\x61\x61\x01\x61\x62\x82\x02\x03", TSR_OK),
	ITEM("an empty map", "\xa0", TSR_OK),
	ITEM("an empty array", "\x80", TSR_OK),
	ITEM("keys of several kinds in order", "\xa4\x01\x00\x18\x64\x00\x20\x00\x61\x61\x00", TSR_OK),
	ITEM("depth 4", "\x81\x81\x81\x81\x00", TSR_OK),
	ITEM("depth 5", "\x81\x81\x81\x81\x81\x00", TSR_INVALID),
	ITEM("nothing", "", TSR_INVALID),
	ITEM("a number not in its shortest form", "\x18\x17", TSR_INVALID),
	ITEM("two bytes for one", "\x19\x00\xff", TSR_INVALID),
	ITEM("four bytes for two", "\x1a\x00\x00\xff\xff", TSR_INVALID),
	ITEM("eight bytes for four", "\x1b\x00\x00\x00\x00\xff\xff\xff\xff", TSR_INVALID),
	ITEM("a reserved length", "\x1c", TSR_INVALID),
	ITEM("a number cut short", "\x19\x01", TSR_INVALID),
	ITEM("bytes cut short", "\x44\x01\x02\x03", TSR_INVALID),
	ITEM("bytes of 2^63", "\x5b\x80\x00\x00\x00\x00\x00\x00\x00", TSR_INVALID),
	ITEM("an array of 2^64 - 1", "\x9b\xff\xff\xff\xff\xff\xff\xff\xff", TSR_INVALID),
	ITEM("a map of 2^63", "\xbb\x80\x00\x00\x00\x00\x00\x00\x00", TSR_INVALID),
	ITEM("an array cut short", "\x82\x01", TSR_INVALID),
	ITEM("a map without its last value", "\xa1\x01", TSR_INVALID),
	ITEM("indefinite bytes", "\x5f\x41\x00\xff", TSR_INVALID),
	ITEM("an indefinite array", "\x9f\x01\xff", TSR_INVALID),
	ITEM("an indefinite map", "\xbf\x01\x02\xff", TSR_INVALID),
	ITEM("a break", "\xff", TSR_INVALID),
	ITEM("a duplicate key", "\xa2\x01\x00\x01\x00", TSR_INVALID),
	ITEM("keys out of order", "\xa2\x02\x00\x01\x00", TSR_INVALID),
	ITEM("the longer key first", "\xa2\x62\x61\x61\x00\x61\x62\x00", TSR_INVALID),
	ITEM("a map as key", "\xa1\xa0\x00", TSR_INVALID),
	ITEM("text that is not UTF-8", "\x61\xff", TSR_INVALID),
	ITEM("a tag", "\xc0\x61\x61", TSR_INVALID),
	ITEM("undefined", "\xf7", TSR_INVALID),
	ITEM("a simple value", "\xf0", TSR_INVALID),
	ITEM("a simple value of two bytes", "\xf8\x20", TSR_INVALID),
	ITEM("half precision", "\xf9\x3c\x00", TSR_INVALID),
	ITEM("double precision", "\xfb\x3f\xf1\x99\x99\x99\x99\x99\x9a", TSR_INVALID)
};

static void
test_cbor(void **state)
{
	uint8_t more[64];
	size_t i, used;

	(void)state;
	for (i = 0; i < COUNT(items); i++) {
		print_message("%s\n", items[i].name);
		used = 77;
		assert_int_equal(cbor_item((const uint8_t *)items[i].bytes, items[i].n, &used),
		    items[i].result);
		assert_int_equal(used, items[i].result == TSR_OK ? items[i].n : 77);
		if (items[i].result != TSR_OK)
			continue;
		memcpy(more, items[i].bytes, items[i].n);
		more[items[i].n] = 0;		/* what follows is not its own */
		assert_int_equal(cbor_item(more, items[i].n + 1, &used), TSR_OK);
		assert_int_equal(used, items[i].n);
		assert_int_equal(cbor_map(more, items[i].n, &used),
		    more[0] >> 5 == 5 ? TSR_OK : TSR_INVALID);
	}
}

/* --- keys that sign --- */

struct signer {
	EVP_PKEY *key;
	enum proto_algorithm algorithm;
	uint8_t spki[AUTHDATA_SPKI_MAX];
	size_t spki_len;
};

static void
signer_new(struct signer *s, enum proto_algorithm algorithm)
{
	uint8_t *p = s->spki;
	int n;

	s->algorithm = algorithm;
	s->key = algorithm == PROTO_ED25519 ? EVP_PKEY_Q_keygen(NULL, NULL, "ED25519") :
	    EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
	assert_non_null(s->key);
	n = i2d_PUBKEY(s->key, NULL);
	assert_true(n > 0 && (size_t)n <= sizeof(s->spki));
	s->spki_len = (size_t)i2d_PUBKEY(s->key, &p);
}

static size_t
signer_sign(const struct signer *s, const uint8_t *data, size_t n,
    const uint8_t hash[ASSERTION_HASH_LEN], uint8_t sig[ASSERTION_SIGNATURE_MAX])
{
	uint8_t all[AUTHDATA_MAX + ASSERTION_HASH_LEN];
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	size_t len = ASSERTION_SIGNATURE_MAX;

	memcpy(all, data, n);
	memcpy(all + n, hash, ASSERTION_HASH_LEN);
	assert_int_equal(EVP_DigestSignInit(ctx, NULL, s->algorithm == PROTO_ED25519 ? NULL :
	    EVP_sha256(), NULL, s->key), 1);
	assert_int_equal(EVP_DigestSign(ctx, sig, &len, all, n + ASSERTION_HASH_LEN), 1);
	EVP_MD_CTX_free(ctx);
	return len;
}

/* Authenticator data of an assertion. */
static size_t
data_make(uint8_t out[64], const char *rp, uint8_t flags, uint32_t counter)
{
	crypto_hash_sha256(out, (const uint8_t *)rp, strlen(rp));
	out[32] = flags;
	out[33] = (uint8_t)(counter >> 24);
	out[34] = (uint8_t)(counter >> 16);
	out[35] = (uint8_t)(counter >> 8);
	out[36] = (uint8_t)counter;
	return 37;
}

static const uint8_t hash[ASSERTION_HASH_LEN] = { 7, 7, 7 };

static struct assertion_policy
policy(const struct signer *s)
{
	struct assertion_policy p = { RP, s->spki, s->spki_len, s->algorithm, 1, 0, 5 };

	return p;
}

/* --- the verdict --- */

#define UP	AUTHDATA_UP
#define UV	AUTHDATA_UV

static const struct row {
	const char *name;
	const char *rp;
	uint8_t flags;
	uint32_t counter;
	int presence, verification;
	uint32_t stored;
	int result;
	enum assertion_fault fault;
} rows[] = {
	{ "touched", RP, UP, 6, 1, 0, 5, TSR_OK, ASSERTION_GOOD },
	{ "touched and verified", RP, UP | UV, 6, 1, 1, 5, TSR_OK, ASSERTION_GOOD },
	{ "a key without counter", RP, UP, 0, 1, 0, 0, TSR_OK, ASSERTION_GOOD },
	{ "the first count", RP, UP, 1, 1, 0, 0, TSR_OK, ASSERTION_GOOD },
	{ "a leap", RP, UP, UINT32_MAX, 1, 0, 5, TSR_OK, ASSERTION_GOOD },
	{ "backed up", RP, UP | AUTHDATA_BE | AUTHDATA_BS, 6, 1, 0, 5, TSR_OK, ASSERTION_GOOD },
	{ "a silent look", RP, 0, 6, 0, 0, 5, TSR_OK, ASSERTION_GOOD },
	{ "step 15: another rp id", "tessera:exampl", UP, 6, 1, 0, 5, TSR_DENIED, ASSERTION_RP },
	{ "step 16: a silent assertion as a login", RP, 0, 6, 1, 0, 5, TSR_DENIED, ASSERTION_PRESENCE },
	{ "step 16: verified but not present", RP, UV, 6, 1, 0, 5, TSR_DENIED, ASSERTION_PRESENCE },
	{ "step 17: not verified", RP, UP, 6, 1, 1, 5, TSR_DENIED, ASSERTION_VERIFICATION },
	{ "step 22: the same count", RP, UP, 5, 1, 0, 5, TSR_DENIED, ASSERTION_COUNTER },
	{ "step 22: a step back", RP, UP, 4, 1, 0, 5, TSR_DENIED, ASSERTION_COUNTER },
	{ "step 22: back to zero", RP, UP, 0, 1, 0, 5, TSR_DENIED, ASSERTION_COUNTER },
	{ "6.1: backed up but not to be", RP, UP | AUTHDATA_BS, 6, 1, 0, 5, TSR_BAD_SIGNATURE,
	    ASSERTION_MALFORMED },
	{ "6.1: a reserved flag", RP, UP | 0x02u, 6, 1, 0, 5, TSR_BAD_SIGNATURE, ASSERTION_MALFORMED },
	{ "6.1: the other reserved flag", RP, UP | 0x20u, 6, 1, 0, 5, TSR_BAD_SIGNATURE,
	    ASSERTION_MALFORMED },
	{ "flags announce a credential", RP, UP | AUTHDATA_AT, 6, 1, 0, 5, TSR_BAD_SIGNATURE,
	    ASSERTION_MALFORMED },
	{ "flags announce extensions", RP, UP | AUTHDATA_ED, 6, 1, 0, 5, TSR_BAD_SIGNATURE,
	    ASSERTION_MALFORMED }
};

static void
verdicts(enum proto_algorithm algorithm)
{
	uint8_t data[64], sig[ASSERTION_SIGNATURE_MAX];
	struct assertion_found found;
	enum assertion_fault fault;
	struct assertion_policy p;
	struct signer s;
	size_t i, n, len;

	signer_new(&s, algorithm);
	for (i = 0; i < COUNT(rows); i++) {
		print_message("%s\n", rows[i].name);
		n = data_make(data, rows[i].rp, rows[i].flags, rows[i].counter);
		len = signer_sign(&s, data, n, hash, sig);
		p = policy(&s);
		p.presence = rows[i].presence;
		p.verification = rows[i].verification;
		p.counter = rows[i].stored;
		found.counter = 77;
		assert_int_equal(assertion_judge(&p, hash, data, n, sig, len, &found, &fault),
		    rows[i].result);
		assert_int_equal(fault, rows[i].fault);
		assert_int_equal(found.counter, rows[i].result == TSR_OK ? rows[i].counter : 77);
		if (rows[i].result == TSR_OK)
			assert_int_equal(found.verified, (rows[i].flags & UV) != 0);
	}
	EVP_PKEY_free(s.key);
}

static void
test_es256(void **state)
{
	(void)state;
	verdicts(PROTO_ECDSA_P256_SHA256);
}

static void
test_eddsa(void **state)
{
	(void)state;
	verdicts(PROTO_ED25519);
}

/* Is it accepted with one bit of it the other way round? */
static int
flipped(const struct assertion_policy *p, uint8_t *bytes, size_t bit, const uint8_t *h,
    const uint8_t *data, size_t n, const uint8_t *sig, size_t len)
{
	struct assertion_found found;
	enum assertion_fault fault;
	int r;

	bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
	r = assertion_judge(p, h, data, n, sig, len, &found, &fault);
	bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
	return r == TSR_OK;
}

static void
test_every_bit(void **state)
{
	static const enum proto_algorithm both[] = { PROTO_ECDSA_P256_SHA256, PROTO_ED25519 };
	uint8_t data[64], sig[ASSERTION_SIGNATURE_MAX], h[ASSERTION_HASH_LEN];
	struct assertion_policy p;
	struct signer s;
	size_t i, bit, n, len;

	(void)state;
	memcpy(h, hash, sizeof(h));
	for (i = 0; i < COUNT(both); i++) {
		signer_new(&s, both[i]);
		p = policy(&s);
		n = data_make(data, RP, UP | UV, 6);
		len = signer_sign(&s, data, n, h, sig);
		for (bit = 0; bit < 8 * n; bit++)
			assert_false(flipped(&p, data, bit, h, data, n, sig, len));
		for (bit = 0; bit < 8 * sizeof(h); bit++)
			assert_false(flipped(&p, h, bit, h, data, n, sig, len));
		for (bit = 0; bit < 8 * len; bit++)
			assert_false(flipped(&p, sig, bit, h, data, n, sig, len));
		EVP_PKEY_free(s.key);
	}
}

/* What a native key signs is the challenge's hash: each bit of the challenge, and
 * its length, is in it. */
static void
test_every_bit_of_the_challenge(void **state)
{
	static const enum proto_algorithm both[] = { PROTO_ECDSA_P256_SHA256, PROTO_ED25519 };
	uint8_t data[64], sig[ASSERTION_SIGNATURE_MAX], h[ASSERTION_HASH_LEN], asked[CHALLENGE_LEN + 1];
	struct assertion_found found;
	enum assertion_fault fault;
	struct assertion_policy p;
	struct signer s;
	size_t i, bit, n, len;

	(void)state;
	randombytes_buf(asked, sizeof(asked));
	for (i = 0; i < COUNT(both); i++) {
		signer_new(&s, both[i]);
		p = policy(&s);
		n = data_make(data, RP, UP | UV, 6);
		assertion_client_hash(asked, CHALLENGE_LEN, h);
		len = signer_sign(&s, data, n, h, sig);
		assert_int_equal(assertion_judge(&p, h, data, n, sig, len, &found, &fault), TSR_OK);
		for (bit = 0; bit < (size_t)8 * CHALLENGE_LEN; bit++) {
			asked[bit / 8] ^= (uint8_t)(1u << bit % 8);
			assertion_client_hash(asked, CHALLENGE_LEN, h);
			asked[bit / 8] ^= (uint8_t)(1u << bit % 8);
			assert_int_equal(assertion_judge(&p, h, data, n, sig, len, &found, &fault),
			    TSR_BAD_SIGNATURE);
		}
		assertion_client_hash(asked, CHALLENGE_LEN - 1, h);
		assert_int_equal(assertion_judge(&p, h, data, n, sig, len, &found, &fault),
		    TSR_BAD_SIGNATURE);
		assertion_client_hash(asked, CHALLENGE_LEN + 1, h);
		assert_int_equal(assertion_judge(&p, h, data, n, sig, len, &found, &fault),
		    TSR_BAD_SIGNATURE);
		EVP_PKEY_free(s.key);
	}
}

/* A signature over other bytes, of another key, in another form. */
static void
test_other_signatures(void **state)
{
	uint8_t data[64], sig[ASSERTION_SIGNATURE_MAX + 1], other[64];
	struct assertion_found found;
	enum assertion_fault fault;
	struct signer mine, theirs, ed;
	struct assertion_policy p;
	size_t n, len;

	(void)state;
	signer_new(&mine, PROTO_ECDSA_P256_SHA256);
	signer_new(&theirs, PROTO_ECDSA_P256_SHA256);
	signer_new(&ed, PROTO_ED25519);
	p = policy(&mine);
	n = data_make(data, RP, UP, 6);
	(void)data_make(other, RP, UP, 7);
	len = signer_sign(&theirs, data, n, hash, sig);
	assert_int_equal(assertion_judge(&p, hash, data, n, sig, len, &found, &fault), TSR_BAD_SIGNATURE);
	assert_int_equal(fault, ASSERTION_SIGNATURE);
	len = signer_sign(&mine, other, n, hash, sig);
	assert_int_equal(assertion_judge(&p, hash, data, n, sig, len, &found, &fault), TSR_BAD_SIGNATURE);
	len = signer_sign(&ed, data, n, hash, sig);
	assert_int_equal(assertion_judge(&p, hash, data, n, sig, len, &found, &fault), TSR_BAD_SIGNATURE);
	p.algorithm = PROTO_ED25519;		/* not the algorithm that was enrolled */
	assert_int_equal(assertion_judge(&p, hash, data, n, sig, len, &found, &fault), TSR_BAD_SIGNATURE);
	p.algorithm = PROTO_ECDSA_P256_SHA256;
	len = signer_sign(&mine, data, n, hash, sig);
	assert_int_equal(assertion_judge(&p, hash, data, n, sig, len, &found, &fault), TSR_OK);
	assert_int_equal(assertion_judge(&p, hash, data, n, sig, len - 1, &found, &fault), TSR_BAD_SIGNATURE);
	sig[len] = 0;
	assert_int_equal(assertion_judge(&p, hash, data, n, sig, len + 1, &found, &fault), TSR_BAD_SIGNATURE);
	assert_int_equal(assertion_judge(&p, hash, data, n, sig, ASSERTION_SIGNATURE_MAX + 1, &found,
	    &fault), TSR_BAD_SIGNATURE);
	assert_int_equal(assertion_judge(&p, hash, data, n, sig, 0, &found, &fault), TSR_BAD_SIGNATURE);
	EVP_PKEY_free(mine.key);
	EVP_PKEY_free(theirs.key);
	EVP_PKEY_free(ed.key);
}

/* --- authenticator data with a new credential --- */

/* A registration's: key of kind algorithm, an id of id_len bytes. */
static size_t
registration(uint8_t *out, const struct signer *s, size_t id_len, uint8_t flags)
{
	static const uint8_t ec[] = { 0xa5, 1, 2, 3, 0x26, 0x20, 1, 0x21, 0x58, 0x20 };
	static const uint8_t ed[] = { 0xa4, 1, 1, 3, 0x27, 0x20, 6, 0x21, 0x58, 0x20 };
	size_t n = data_make(out, RP, flags, 1);

	memset(out + n, 0xaa, 16);
	n += 16;
	out[n++] = (uint8_t)(id_len >> 8);
	out[n++] = (uint8_t)id_len;
	memset(out + n, 0x1d, id_len);
	n += id_len;
	if (s->algorithm == PROTO_ED25519) {
		memcpy(out + n, ed, sizeof(ed));
		memcpy(out + n + sizeof(ed), s->spki + s->spki_len - 32, 32);
		return n + sizeof(ed) + 32;
	}
	memcpy(out + n, ec, sizeof(ec));
	memcpy(out + n + sizeof(ec), s->spki + s->spki_len - 64, 32);
	n += sizeof(ec) + 32;
	memcpy(out + n, "\x22\x58\x20", 3);
	memcpy(out + n + 3, s->spki + s->spki_len - 32, 32);
	return n + 35;
}

static void
test_registration(void **state)
{
	static const enum proto_algorithm both[] = { PROTO_ECDSA_P256_SHA256, PROTO_ED25519 };
	uint8_t data[AUTHDATA_MAX];
	struct authdata a;
	struct signer s;
	size_t i, n, cut;

	(void)state;
	for (i = 0; i < COUNT(both); i++) {
		signer_new(&s, both[i]);
		n = registration(data, &s, 64, UP | AUTHDATA_AT);
		assert_int_equal(authdata_read(data, n, &a), TSR_OK);
		assert_int_equal(a.algorithm, both[i]);
		assert_int_equal(a.id_len, 64);
		assert_int_equal(a.aaguid[0], 0xaa);
		assert_int_equal(a.spki_len, s.spki_len);
		assert_memory_equal(a.spki, s.spki, s.spki_len);
		for (cut = 0; cut < n; cut++)
			assert_int_equal(authdata_read(data, cut, &a), TSR_INVALID);
		data[n] = 0;
		assert_int_equal(authdata_read(data, n + 1, &a), TSR_INVALID);
		/* {"credProtect": 2} */
		memcpy(data + n, "\xa1\x6b" "credProtect\x02", 14);
		assert_int_equal(authdata_read(data, n + 14, &a), TSR_INVALID);
		data[32] |= AUTHDATA_ED;
		assert_int_equal(authdata_read(data, n + 14, &a), TSR_OK);
		assert_int_equal(authdata_read(data, n + 15, &a), TSR_INVALID);
		assert_int_equal(authdata_read(data, n, &a), TSR_INVALID);
		data[n] = 0xbf;			/* indefinite */
		assert_int_equal(authdata_read(data, n + 14, &a), TSR_INVALID);
		n = registration(data, &s, AUTHDATA_ID_MAX, UP | AUTHDATA_AT);
		assert_int_equal(authdata_read(data, n, &a), TSR_OK);
		n = registration(data, &s, AUTHDATA_ID_MAX + 1, UP | AUTHDATA_AT);
		assert_int_equal(authdata_read(data, n, &a), TSR_INVALID);
		n = registration(data, &s, 0, UP | AUTHDATA_AT);
		assert_int_equal(authdata_read(data, n, &a), TSR_INVALID);
		n = registration(data, &s, 64, UP);	/* without the flag */
		assert_int_equal(authdata_read(data, n, &a), TSR_INVALID);
		EVP_PKEY_free(s.key);
	}
}

/* The COSE key in any other spelling. */
static void
test_cose_spellings(void **state)
{
	static const struct spelling {
		const char *name;
		size_t at;		/* of the key's bytes */
		uint8_t byte;
	} spellings[] = {
		{ "a map of four", 0, 0xa4 }, { "an indefinite map", 0, 0xbf },
		{ "another kty", 2, 1 }, { "ES384", 4, 0x38 }, { "alg before kty", 1, 3 },
		{ "another curve", 6, 2 }, { "x of 31 bytes", 9, 0x1f }, { "y first", 7, 0x22 }
	};
	uint8_t data[AUTHDATA_MAX];
	struct authdata a;
	struct signer s;
	size_t i, n, key;

	(void)state;
	signer_new(&s, PROTO_ECDSA_P256_SHA256);
	for (i = 0; i < COUNT(spellings); i++) {
		print_message("%s\n", spellings[i].name);
		n = registration(data, &s, 16, UP | AUTHDATA_AT);
		key = n - 77;
		assert_int_equal(data[key], 0xa5);
		data[key + spellings[i].at] = spellings[i].byte;
		assert_int_equal(authdata_read(data, n, &a), TSR_INVALID);
	}
	EVP_PKEY_free(s.key);
}

/* A registration's data is no assertion, though the signature is good. */
static void
test_registration_as_login(void **state)
{
	uint8_t data[AUTHDATA_MAX], sig[ASSERTION_SIGNATURE_MAX];
	struct assertion_found found;
	enum assertion_fault fault;
	struct assertion_policy p;
	struct signer s;
	size_t n, len;

	(void)state;
	signer_new(&s, PROTO_ED25519);
	p = policy(&s);
	p.counter = 0;
	n = registration(data, &s, 16, UP | AUTHDATA_AT);
	len = signer_sign(&s, data, n, hash, sig);
	assert_int_equal(assertion_judge(&p, hash, data, n, sig, len, &found, &fault), TSR_DENIED);
	assert_int_equal(fault, ASSERTION_CREDENTIAL);
	EVP_PKEY_free(s.key);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cbor),
		cmocka_unit_test(test_es256),
		cmocka_unit_test(test_eddsa),
		cmocka_unit_test(test_every_bit),
		cmocka_unit_test(test_every_bit_of_the_challenge),
		cmocka_unit_test(test_other_signatures),
		cmocka_unit_test(test_registration),
		cmocka_unit_test(test_cose_spellings),
		cmocka_unit_test(test_registration_as_login)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
