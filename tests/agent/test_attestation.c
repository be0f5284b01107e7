/*
 * test_attestation.c - registrations of FIDO2 keys (WebAuthn level 3 section 7.1,
 * 8.2.1): who made the key, as far as that can be known.
 *
 * SPDX-License-Identifier: ISC
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <sodium.h>

#include "agent/attestation.h"
#include "tessera.h"

#define COUNT(t)	(sizeof(t) / sizeof((t)[0]))
#define RP		"tessera:example"
#define NOW		1800000000
#define DAY		86400

static const uint8_t hash[ASSERTION_HASH_LEN] = { 9 };
static const uint8_t aaguid[16] = { 0xaa, 0xbb, 0xcc };

/* --- a maker --- */

static EVP_PKEY *
ec_key(void)
{
	EVP_PKEY *k = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");

	assert_non_null(k);
	return k;
}

struct cert_wish {
	int version;		/* 2: version 3 */
	int ca;			/* -1: no Basic Constraints */
	const uint8_t *aaguid;	/* NULL: no extension */
	int critical;
	long from, until;	/* s beside NOW */
};

static void
add_extension(X509 *c, X509 *issuer, int nid, const char *value)
{
	X509_EXTENSION *e;
	X509V3_CTX ctx;

	X509V3_set_ctx(&ctx, issuer, c, NULL, NULL, 0);
	e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	assert_non_null(e);
	assert_int_equal(X509_add_ext(c, e, -1), 1);
	X509_EXTENSION_free(e);
}

static void
add_aaguid(X509 *c, const uint8_t *id, int critical)
{
	ASN1_OBJECT *oid = OBJ_txt2obj("1.3.6.1.4.1.45724.1.1.4", 1);
	ASN1_OCTET_STRING *s = ASN1_OCTET_STRING_new();
	uint8_t value[18] = { 0x04, 16 };
	X509_EXTENSION *e;

	memcpy(value + 2, id, 16);
	assert_int_equal(ASN1_OCTET_STRING_set(s, value, sizeof(value)), 1);
	e = X509_EXTENSION_create_by_OBJ(NULL, oid, critical, s);
	assert_int_equal(X509_add_ext(c, e, -1), 1);
	X509_EXTENSION_free(e);
	ASN1_OCTET_STRING_free(s);
	ASN1_OBJECT_free(oid);
}

static X509 *
cert_make(const char *cn, EVP_PKEY *key, X509 *issuer, EVP_PKEY *by, const struct cert_wish *w)
{
	X509 *c = X509_new();
	X509_NAME *name = X509_NAME_new();

	X509_set_version(c, w->version);
	ASN1_INTEGER_set(X509_get_serialNumber(c), 7);
	(void)ASN1_TIME_set(X509_getm_notBefore(c), NOW + w->from);
	(void)ASN1_TIME_set(X509_getm_notAfter(c), NOW + w->until);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)cn, -1, -1, 0);
	X509_set_subject_name(c, name);
	X509_set_issuer_name(c, issuer != NULL ? X509_get_subject_name(issuer) : name);
	X509_set_pubkey(c, key);
	if (w->ca >= 0)
		add_extension(c, issuer != NULL ? issuer : c, NID_basic_constraints,
		    w->ca ? "critical,CA:TRUE" : "critical,CA:FALSE");
	if (w->aaguid != NULL)
		add_aaguid(c, w->aaguid, w->critical);
	assert_true(X509_sign(c, by, EVP_sha256()) > 0);
	X509_NAME_free(name);
	return c;
}

static const struct cert_wish root_wish = { 2, 1, NULL, 0, -DAY, 3650L * DAY };
static const struct cert_wish good_wish = { 2, 0, aaguid, 0, -DAY, DAY };

static struct attestation_roots *
roots_of(X509 *c)
{
	struct attestation_roots *r = NULL;
	BIO *bio = BIO_new(BIO_s_mem());
	char *pem;
	long n;

	assert_int_equal(PEM_write_bio_X509(bio, c), 1);
	n = BIO_get_mem_data(bio, &pem);
	assert_int_equal(attestation_roots_add(&r, pem, (size_t)n), TSR_OK);
	BIO_free(bio);
	return r;
}

/* --- a key of his --- */

static size_t
registration(uint8_t *out, EVP_PKEY *key, const char *rp, uint8_t flags)
{
	uint8_t spki[128], *p = spki;
	int len = i2d_PUBKEY(key, &p);

	assert_int_equal(len, 91);
	crypto_hash_sha256(out, (const uint8_t *)rp, strlen(rp));
	out[32] = flags;
	memset(out + 33, 0, 4);
	memcpy(out + 37, aaguid, 16);
	out[53] = 0;
	out[54] = 16;
	memset(out + 55, 0x1d, 16);
	memcpy(out + 71, "\xa5\x01\x02\x03\x26\x20\x01\x21\x58\x20", 10);
	memcpy(out + 81, spki + 27, 32);
	memcpy(out + 113, "\x22\x58\x20", 3);
	memcpy(out + 116, spki + 59, 32);
	return 148;
}

static size_t
sign(EVP_PKEY *key, const uint8_t *data, size_t n, uint8_t sig[128])
{
	uint8_t all[512];
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	size_t len = 128;

	memcpy(all, data, n);
	memcpy(all + n, hash, sizeof(hash));
	assert_int_equal(EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key), 1);
	assert_int_equal(EVP_DigestSign(ctx, sig, &len, all, n + sizeof(hash)), 1);
	EVP_MD_CTX_free(ctx);
	return len;
}

/* Everything a test turns. */
struct bench {
	EVP_PKEY *maker, *batch, *key;
	X509 *root, *leaf;
	uint8_t data[512], sig[128], leaf_der[2048], root_der[2048];
	size_t n, sig_len, leaf_len, root_len;
};

static size_t
to_der(X509 *c, uint8_t out[2048])
{
	uint8_t *p = out;
	int n = i2d_X509(c, NULL);

	assert_true(n > 0 && n <= 2048);
	return (size_t)i2d_X509(c, &p);
}

static void
bench_make(struct bench *b, const struct cert_wish *leaf, uint8_t flags)
{
	b->maker = ec_key();
	b->batch = ec_key();
	b->key = ec_key();
	b->root = cert_make("Maker Root", b->maker, NULL, b->maker, &root_wish);
	b->leaf = cert_make("Maker Key", b->batch, b->root, b->maker, leaf);
	b->leaf_len = to_der(b->leaf, b->leaf_der);
	b->root_len = to_der(b->root, b->root_der);
	b->n = registration(b->data, b->key, RP, flags);
	b->sig_len = sign(b->batch, b->data, b->n, b->sig);
}

static void
bench_free(struct bench *b)
{
	EVP_PKEY_free(b->maker);
	EVP_PKEY_free(b->batch);
	EVP_PKEY_free(b->key);
	X509_free(b->root);
	X509_free(b->leaf);
}

static struct attestation_statement
chain(const struct bench *b)
{
	struct attestation_statement s = { .packed = 1, .algorithm = PROTO_ECDSA_P256_SHA256,
	    .sig = b->sig, .sig_len = b->sig_len, .cert = { b->leaf_der }, .cert_len = { b->leaf_len },
	    .n_certs = 1 };

	return s;
}

static int
judge(const struct bench *b, const struct attestation_statement *s,
    const struct attestation_roots *roots, int verification, enum attestation *kind,
    enum assertion_fault *fault)
{
	struct assertion_policy p = { .rp_id = RP, .verification = verification };
	struct attestation_found f;
	int r;

	r = attestation_judge(&p, hash, b->data, b->n, s, roots, NOW, &f, fault);
	if (r == TSR_OK) {
		*kind = f.kind;
		assert_int_equal(f.data.id_len, 16);
	}
	return r;
}

#define AT	(AUTHDATA_UP | AUTHDATA_AT)

static const struct row {
	const char *name;
	struct cert_wish leaf;
	int result;
	enum attestation kind;
} rows[] = {
	{ "a maker's", { 2, 0, aaguid, 0, -DAY, DAY }, TSR_OK, ATTESTATION_TRUSTED },
	{ "that names no model", { 2, 0, NULL, 0, -DAY, DAY }, TSR_OK, ATTESTATION_TRUSTED },
	{ "another model's", { 2, 0, (const uint8_t *)"another model...", 0, -DAY, DAY },
	    TSR_BAD_SIGNATURE, 0 },
	{ "a critical AAGUID", { 2, 0, aaguid, 1, -DAY, DAY }, TSR_BAD_SIGNATURE, 0 },
	{ "a CA's", { 2, 1, aaguid, 0, -DAY, DAY }, TSR_BAD_SIGNATURE, 0 },
	{ "no Basic Constraints", { 2, -1, aaguid, 0, -DAY, DAY }, TSR_BAD_SIGNATURE, 0 },
	{ "expired", { 2, 0, aaguid, 0, -2 * DAY, -DAY }, TSR_OK, ATTESTATION_UNTRUSTED },
	{ "not yet valid", { 2, 0, aaguid, 0, DAY, 2 * DAY }, TSR_OK, ATTESTATION_UNTRUSTED }
};

static void
test_chains(void **state)
{
	struct attestation_roots *roots;
	struct attestation_statement s;
	enum assertion_fault fault;
	enum attestation kind;
	struct bench b;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		print_message("%s\n", rows[i].name);
		bench_make(&b, &rows[i].leaf, AT);
		roots = roots_of(b.root);
		s = chain(&b);
		kind = 77;
		assert_int_equal(judge(&b, &s, roots, 0, &kind, &fault), rows[i].result);
		if (rows[i].result == TSR_OK)
			assert_int_equal(kind, rows[i].kind);
		attestation_roots_free(&roots);
		bench_free(&b);
	}
}

static void
test_roots(void **state)
{
	struct attestation_roots *roots = NULL, *others;
	struct attestation_statement s;
	enum assertion_fault fault;
	enum attestation kind;
	struct bench b, c;

	(void)state;
	bench_make(&b, &good_wish, AT);
	bench_make(&c, &good_wish, AT);
	s = chain(&b);
	assert_int_equal(judge(&b, &s, NULL, 0, &kind, &fault), TSR_OK);
	assert_int_equal(kind, ATTESTATION_UNTRUSTED);		/* nobody is trusted */
	others = roots_of(c.root);
	assert_int_equal(judge(&b, &s, others, 0, &kind, &fault), TSR_OK);
	assert_int_equal(kind, ATTESTATION_UNTRUSTED);		/* another maker, of the same name */
	s.cert[1] = b.root_der;		/* a root that comes along is not one that is configured */
	s.cert_len[1] = b.root_len;
	s.n_certs = 2;
	assert_int_equal(judge(&b, &s, others, 0, &kind, &fault), TSR_OK);
	assert_int_equal(kind, ATTESTATION_UNTRUSTED);
	/* what is no root */
	assert_int_equal(attestation_roots_add(&roots, "no certificate", 14), TSR_INVALID);
	assert_null(roots);
	assert_int_equal(attestation_roots_add(&roots, "", 0), TSR_INVALID);
	assert_int_equal(attestation_roots_add(&others, "-----BEGIN CERTIFICATE-----\nMIIB\n", 33),
	    TSR_INVALID);
	assert_non_null(others);
	attestation_roots_free(&others);
	bench_free(&b);
	bench_free(&c);
}

static void
test_self_and_none(void **state)
{
	struct attestation_statement none = { 0 }, self = { .packed = 1,
	    .algorithm = PROTO_ECDSA_P256_SHA256 };
	enum assertion_fault fault;
	enum attestation kind = 77;
	struct bench b;

	(void)state;
	bench_make(&b, &good_wish, AT);
	assert_int_equal(judge(&b, &none, NULL, 0, &kind, &fault), TSR_OK);
	assert_int_equal(kind, ATTESTATION_NONE);
	self.sig = b.sig;
	self.sig_len = b.sig_len;	/* the batch's, not the new key's */
	assert_int_equal(judge(&b, &self, NULL, 0, &kind, &fault), TSR_BAD_SIGNATURE);
	b.sig_len = sign(b.key, b.data, b.n, b.sig);
	self.sig_len = b.sig_len;
	assert_int_equal(judge(&b, &self, NULL, 0, &kind, &fault), TSR_OK);
	assert_int_equal(kind, ATTESTATION_SELF);
	self.algorithm = PROTO_ED25519;		/* 8.2: alg is the credential's */
	assert_int_equal(judge(&b, &self, NULL, 0, &kind, &fault), TSR_BAD_SIGNATURE);
	bench_free(&b);
}

static void
test_flags(void **state)
{
	static const struct flag {
		const char *name;
		const char *rp;
		uint8_t flags;
		int verification, result;
		enum assertion_fault fault;
	} flags[] = {
		{ "7.1 step 14: present", RP, AT, 0, TSR_OK, ASSERTION_GOOD },
		{ "present and verified", RP, AT | AUTHDATA_UV, 1, TSR_OK, ASSERTION_GOOD },
		{ "7.1 step 13: another rp id", "tessera:other", AT, 0, TSR_DENIED, ASSERTION_RP },
		{ "7.1 step 14: not present", RP, AUTHDATA_AT, 0, TSR_DENIED, ASSERTION_PRESENCE },
		{ "7.1 step 15: not verified", RP, AT, 1, TSR_DENIED, ASSERTION_VERIFICATION }
	};
	struct attestation_statement none = { 0 };
	enum assertion_fault fault;
	enum attestation kind;
	struct bench b;
	size_t i;

	(void)state;
	bench_make(&b, &good_wish, AT);
	for (i = 0; i < COUNT(flags); i++) {
		print_message("%s\n", flags[i].name);
		b.n = registration(b.data, b.key, flags[i].rp, flags[i].flags);
		assert_int_equal(judge(&b, &none, NULL, flags[i].verification, &kind, &fault),
		    flags[i].result);
		assert_int_equal(fault, flags[i].fault);
	}
	b.n = 37;			/* an assertion's data is no registration */
	b.data[32] = AUTHDATA_UP;
	assert_int_equal(judge(&b, &none, NULL, 0, &kind, &fault), TSR_DENIED);
	assert_int_equal(fault, ASSERTION_CREDENTIAL);
	b.n = registration(b.data, b.key, RP, AT);
	b.data[100] ^= 1;		/* a point that is on no curve */
	assert_int_equal(judge(&b, &none, NULL, 0, &kind, &fault), TSR_BAD_SIGNATURE);
	bench_free(&b);
}

/* Certificates and signatures that are damaged, in turn everywhere. */
static void
test_damaged(void **state)
{
	struct attestation_roots *roots;
	struct attestation_statement s;
	enum assertion_fault fault;
	enum attestation kind;
	struct bench b;
	size_t i;
	int r;

	(void)state;
	bench_make(&b, &good_wish, AT);
	roots = roots_of(b.root);
	s = chain(&b);
	for (i = 0; i < b.sig_len; i++) {
		b.sig[i] ^= 0x10;
		assert_int_not_equal(judge(&b, &s, roots, 0, &kind, &fault), TSR_OK);
		b.sig[i] ^= 0x10;
	}
	for (i = 0; i < b.leaf_len; i++) {
		b.leaf_der[i] ^= 0x10;
		r = judge(&b, &s, roots, 0, &kind, &fault);
		assert_true(r != TSR_OK || kind != ATTESTATION_TRUSTED);
		b.leaf_der[i] ^= 0x10;
	}
	s.cert_len[0]--;
	assert_int_not_equal(judge(&b, &s, roots, 0, &kind, &fault), TSR_OK);
	s.cert_len[0] += 2;		/* a byte behind it */
	assert_int_not_equal(judge(&b, &s, roots, 0, &kind, &fault), TSR_OK);
	s.cert_len[0]--;
	s.n_certs = ATTESTATION_CHAIN_MAX + 1;
	assert_int_not_equal(judge(&b, &s, roots, 0, &kind, &fault), TSR_OK);
	s.n_certs = 1;
	assert_int_equal(judge(&b, &s, roots, 0, &kind, &fault), TSR_OK);
	assert_int_equal(kind, ATTESTATION_TRUSTED);
	attestation_roots_free(&roots);
	bench_free(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_chains),
		cmocka_unit_test(test_roots),
		cmocka_unit_test(test_self_and_none),
		cmocka_unit_test(test_flags),
		cmocka_unit_test(test_damaged)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
