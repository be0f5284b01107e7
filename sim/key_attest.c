/*
 * key_attest.c - attestation certificates.  See key_attest.h.
 *
 * The CA of a folder stays what it is; the leaf and its key pair are made anew
 * by each process.
 *
 * SPDX-License-Identifier: ISC
 */
#include "sim/key_attest.h"

#include <string.h>

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "sim/file.h"
#include "tessera.h"

#define CA_CERT		"attestation-ca.pem"
#define CA_KEY		"attestation-ca.key"
#define PEM_MAX		8192		/* bytes of a file of it */
#define NOT_BEFORE	"20200101000000Z"
#define NOT_AFTER	"20491231235959Z"
#define OID_AAGUID	"1.3.6.1.4.1.45724.1.1.4"

struct authority {
	X509 *cert;
	EVP_PKEY *pkey;
};

static int
key_attest_name(X509_NAME *name, const char *unit, const char *cn)
{
	const char *const part[][2] = {
		{ "C", "XX" }, { "O", "Tessera rehearsal" }, { "OU", unit }, { "CN", cn },
	};
	size_t i;

	for (i = 0; i < sizeof(part) / sizeof(part[0]); i++)
		if (X509_NAME_add_entry_by_txt(name, part[i][0], MBSTRING_ASC,
		    (const unsigned char *)part[i][1], -1, -1, 0) != 1)
			return TSR_CRYPTO;
	return TSR_OK;
}

/* An extension by its text, as in openssl's x509v3_config. */
static int
key_attest_extension(X509 *cert, X509 *issuer, int nid, const char *value)
{
	X509_EXTENSION *e;
	X509V3_CTX ctx;
	int ok;

	X509V3_set_ctx_nodb(&ctx);
	X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
	if ((e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value)) == NULL)
		return TSR_CRYPTO;
	ok = X509_add_ext(cert, e, -1);
	X509_EXTENSION_free(e);
	return ok == 1 ? TSR_OK : TSR_CRYPTO;
}

/* The AAGUID, an OCTET STRING in the extension's own (WebAuthn 8.2.1). */
static int
key_attest_aaguid(X509 *cert, const uint8_t aaguid[16])
{
	uint8_t der[18] = { 0x04, 16 };
	ASN1_OCTET_STRING *value = NULL;
	X509_EXTENSION *e = NULL;
	ASN1_OBJECT *oid = NULL;
	int r = TSR_CRYPTO;

	memcpy(der + 2, aaguid, 16);
	if ((oid = OBJ_txt2obj(OID_AAGUID, 1)) == NULL ||
	    (value = ASN1_OCTET_STRING_new()) == NULL ||
	    ASN1_OCTET_STRING_set(value, der, sizeof(der)) != 1 ||
	    (e = X509_EXTENSION_create_by_OBJ(NULL, oid, 0, value)) == NULL ||
	    X509_add_ext(cert, e, -1) != 1)
		goto out;
	r = TSR_OK;
 out:
	X509_EXTENSION_free(e);
	ASN1_OCTET_STRING_free(value);
	ASN1_OBJECT_free(oid);
	return r;
}

/* A certificate for pkey, not yet signed. */
static X509 *
key_attest_blank(long serial, const char *unit, const char *cn, EVP_PKEY *pkey)
{
	X509 *cert;

	if ((cert = X509_new()) == NULL)
		return NULL;
	if (X509_set_version(cert, X509_VERSION_3) == 1 &&
	    ASN1_INTEGER_set(X509_get_serialNumber(cert), serial) == 1 &&
	    ASN1_TIME_set_string(X509_getm_notBefore(cert), NOT_BEFORE) == 1 &&
	    ASN1_TIME_set_string(X509_getm_notAfter(cert), NOT_AFTER) == 1 &&
	    key_attest_name(X509_get_subject_name(cert), unit, cn) == TSR_OK &&
	    X509_set_pubkey(cert, pkey) == 1)
		return cert;
	X509_free(cert);
	return NULL;
}

static int
key_attest_make_authority(struct authority *ca)
{
	if ((ca->pkey = EVP_EC_gen("P-256")) == NULL ||
	    (ca->cert = key_attest_blank(1, "Attestation", "tessera-sim attestation CA",
	    ca->pkey)) == NULL ||
	    X509_set_issuer_name(ca->cert, X509_get_subject_name(ca->cert)) != 1 ||
	    key_attest_extension(ca->cert, ca->cert, NID_basic_constraints,
	    "critical,CA:TRUE,pathlen:0") != TSR_OK ||
	    key_attest_extension(ca->cert, ca->cert, NID_key_usage,
	    "critical,keyCertSign,cRLSign") != TSR_OK ||
	    key_attest_extension(ca->cert, ca->cert, NID_subject_key_identifier, "hash") != TSR_OK ||
	    X509_sign(ca->cert, ca->pkey, EVP_sha256()) == 0)
		return TSR_CRYPTO;
	return TSR_OK;
}

/* A file of the folder in memory; NULL with *r. */
static BIO *
key_attest_file(int folder, const char *name, struct buf *b, int *r)
{
	BIO *bio;

	if ((*r = file_read(folder, name, b)) != TSR_OK)
		return NULL;
	if ((bio = BIO_new_mem_buf(b->data, (int)b->len)) == NULL)
		*r = TSR_CRYPTO;
	return bio;
}

/* The CA of the folder.  TSR_NOT_FOUND, TSR_CRYPTO where the files are not
 * what they should be. */
static int
key_attest_load(int folder, struct authority *ca)
{
	BIO *cert = NULL, *pkey = NULL;
	struct buf a, b;
	int r;

	buf_init(&a, PEM_MAX);
	buf_init(&b, PEM_MAX);
	if ((cert = key_attest_file(folder, CA_CERT, &a, &r)) == NULL ||
	    (pkey = key_attest_file(folder, CA_KEY, &b, &r)) == NULL)
		goto out;
	ca->cert = PEM_read_bio_X509(cert, NULL, NULL, NULL);
	ca->pkey = PEM_read_bio_PrivateKey(pkey, NULL, NULL, NULL);
	r = ca->cert != NULL && ca->pkey != NULL &&
	    X509_check_private_key(ca->cert, ca->pkey) == 1 ? TSR_OK : TSR_CRYPTO;
 out:
	BIO_free(cert);
	BIO_free(pkey);
	buf_free(&a);
	buf_free(&b);
	return r;
}

static int
key_attest_keep(int folder, const struct authority *ca)
{
	BIO *cert, *pkey;
	char *p;
	long n;
	int r = TSR_CRYPTO;

	cert = BIO_new(BIO_s_mem());
	pkey = BIO_new(BIO_s_mem());
	if (cert == NULL || pkey == NULL || PEM_write_bio_X509(cert, ca->cert) != 1 ||
	    PEM_write_bio_PrivateKey(pkey, ca->pkey, NULL, NULL, 0, NULL, NULL) != 1)
		goto out;
	n = BIO_get_mem_data(pkey, &p);
	if ((r = file_replace(folder, CA_KEY, p, (size_t)n)) != TSR_OK)
		goto out;
	n = BIO_get_mem_data(cert, &p);
	r = file_replace(folder, CA_CERT, p, (size_t)n);
 out:
	BIO_free(cert);
	BIO_free(pkey);
	return r;
}

static int
key_attest_authority(int folder, struct authority *ca)
{
	int r;

	if (folder == -1)
		return key_attest_make_authority(ca);
	if ((r = key_attest_load(folder, ca)) != TSR_NOT_FOUND)
		return r;
	if ((r = key_attest_make_authority(ca)) != TSR_OK)
		return r;
	return key_attest_keep(folder, ca);
}

/* The leaf that signs attestations. */
static int
key_attest_leaf(struct key *k, const struct authority *ca, struct key_attest *a)
{
	X509 *cert;
	int r = TSR_CRYPTO;

	if ((cert = key_attest_blank(2, "Authenticator Attestation", "tessera-sim key",
	    a->pair.pkey)) == NULL)
		return TSR_CRYPTO;
	if (X509_set_issuer_name(cert, X509_get_subject_name(ca->cert)) != 1 ||
	    key_attest_extension(cert, ca->cert, NID_basic_constraints,
	    "critical,CA:FALSE") != TSR_OK ||
	    key_attest_extension(cert, ca->cert, NID_subject_key_identifier, "hash") != TSR_OK ||
	    key_attest_extension(cert, ca->cert, NID_authority_key_identifier, "keyid") != TSR_OK ||
	    key_attest_aaguid(cert, k->set.aaguid) != TSR_OK ||
	    X509_sign(cert, ca->pkey, EVP_sha256()) == 0 ||
	    (a->der_len = i2d_X509(cert, &a->der)) <= 0)
		goto out;
	memcpy(a->aaguid, k->set.aaguid, sizeof(a->aaguid));
	r = TSR_OK;
 out:
	X509_free(cert);
	return r;
}

void
key_attest_free(struct key_attest *a)
{
	key_pair_free(&a->pair);
	OPENSSL_free(a->der);
	a->der = NULL;
}

int
key_attest_ready(struct key *k)
{
	struct authority ca = { NULL, NULL };
	struct key_attest a = { .der = NULL };
	int r;

	if (k->attest.der != NULL &&
	    memcmp(k->attest.aaguid, k->set.aaguid, sizeof(k->set.aaguid)) == 0)
		return TSR_OK;
	if ((r = key_attest_authority(k->store.folder, &ca)) != TSR_OK ||
	    (r = key_pair_random(&a.pair)) != TSR_OK || (r = key_attest_leaf(k, &ca, &a)) != TSR_OK)
		goto out;
	key_attest_free(&k->attest);
	k->attest = a;
	memset(&a, 0, sizeof(a));
 out:
	key_attest_free(&a);
	X509_free(ca.cert);
	EVP_PKEY_free(ca.pkey);
	return r;
}
