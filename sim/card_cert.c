/*
 * card_cert.c - certificates for virtual cards.  See card_cert.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "sim/card_cert.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "sim/card_key.h"
#include "sim/file.h"
#include "tessera.h"

#define CA_CERT		"ca.pem"
#define CA_KEY		"ca.key"
#define CA_NAME		"Tessera rehearsal CA"
#define CA_DAYS		3650
#define CERT_DAYS	1825
#define PEM_MAX		16384	/* bytes of a file */
#define DAY_S		86400L
#define SERIAL_BYTES	16

struct card_ca {
	X509 *cert;
	EVP_PKEY *key;
};

/* What each slot's key is for (SP 800-73-4 part 1; Windows' smart card logon). */
static const struct cert_use {
	uint8_t ref;
	const char *usage, *usage_rsa;
	const char *extended;
} cert_uses[] = {
	{ 0x9a, "critical,digitalSignature", NULL, "clientAuth,1.3.6.1.4.1.311.20.2.2" },
	{ 0x9c, "critical,digitalSignature,nonRepudiation", NULL, "clientAuth,emailProtection" },
	{ 0x9d, "critical,keyAgreement", "critical,keyEncipherment", "emailProtection" },
	{ 0x9e, "critical,digitalSignature", NULL, "critical,2.16.840.1.101.3.6.8" },
};

static const struct cert_use *
cert_use(uint8_t ref)
{
	size_t i;

	for (i = 0; i < sizeof(cert_uses) / sizeof(cert_uses[0]); i++)
		if (cert_uses[i].ref == ref)
			return &cert_uses[i];
	return NULL;
}

static int
cert_extend(X509 *x, X509 *issuer, int nid, const char *value)
{
	X509_EXTENSION *e;
	X509V3_CTX ctx;
	int ok;

	X509V3_set_ctx_nodb(&ctx);
	X509V3_set_ctx(&ctx, issuer, x, NULL, NULL, 0);
	if ((e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value)) == NULL)
		return TSR_CRYPTO;
	ok = X509_add_ext(x, e, -1);
	X509_EXTENSION_free(e);
	return ok == 1 ? TSR_OK : TSR_CRYPTO;
}

static int
cert_serial(X509 *x)
{
	uint8_t bytes[SERIAL_BYTES];
	BIGNUM *n = NULL;
	int r = TSR_CRYPTO;

	if (RAND_bytes(bytes, sizeof(bytes)) != 1)
		return TSR_CRYPTO;
	bytes[0] = (uint8_t)((bytes[0] & 0x7f) | 0x40);		/* positive, and of this length */
	if ((n = BN_bin2bn(bytes, sizeof(bytes), NULL)) != NULL &&
	    BN_to_ASN1_INTEGER(n, X509_get_serialNumber(x)) != NULL)
		r = TSR_OK;
	BN_free(n);
	return r;
}

/* A certificate without extensions and signature. */
static int
cert_new(const char *subject, const X509_NAME *issuer, EVP_PKEY *key, long days, X509 **out)
{
	X509_NAME *name = NULL;
	X509 *x = NULL;
	int r = TSR_CRYPTO;

	if ((x = X509_new()) == NULL || (name = X509_NAME_new()) == NULL)
		goto out;
	if (X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)subject,
	    -1, -1, 0) != 1 || X509_set_version(x, X509_VERSION_3) != 1 || cert_serial(x) != TSR_OK ||
	    X509_gmtime_adj(X509_getm_notBefore(x), -DAY_S) == NULL ||
	    X509_gmtime_adj(X509_getm_notAfter(x), days * DAY_S) == NULL ||
	    X509_set_subject_name(x, name) != 1 ||
	    X509_set_issuer_name(x, issuer != NULL ? issuer : name) != 1 || X509_set_pubkey(x, key) != 1)
		goto out;
	*out = x;
	x = NULL;
	r = TSR_OK;
 out:
	X509_NAME_free(name);
	X509_free(x);
	return r;
}

static int
ca_write(int dirfd, const struct card_ca *ca)
{
	BIO *bio = NULL;
	char *p;
	long n;
	int r = TSR_CRYPTO;

	if ((bio = BIO_new(BIO_s_secmem())) == NULL ||
	    PEM_write_bio_PKCS8PrivateKey(bio, ca->key, NULL, NULL, 0, NULL, NULL) != 1 ||
	    (n = BIO_get_mem_data(bio, &p)) <= 0 ||
	    (r = file_replace(dirfd, CA_KEY, p, (size_t)n)) != TSR_OK)
		goto out;
	BIO_free(bio);
	r = TSR_CRYPTO;
	if ((bio = BIO_new(BIO_s_mem())) == NULL || PEM_write_bio_X509(bio, ca->cert) != 1 ||
	    (n = BIO_get_mem_data(bio, &p)) <= 0)
		goto out;
	/* last: where the certificate is, the key is */
	r = file_replace(dirfd, CA_CERT, p, (size_t)n);
 out:
	BIO_free(bio);
	return r;
}

static int
ca_make(int dirfd, struct card_ca *ca)
{
	int r;

	if ((r = card_key_generate(ALG_P256, &ca->key)) != TSR_OK ||
	    (r = cert_new(CA_NAME, NULL, ca->key, CA_DAYS, &ca->cert)) != TSR_OK ||
	    (r = cert_extend(ca->cert, ca->cert, NID_basic_constraints, "critical,CA:TRUE,pathlen:0")) != TSR_OK ||
	    (r = cert_extend(ca->cert, ca->cert, NID_key_usage, "critical,keyCertSign,cRLSign")) != TSR_OK ||
	    (r = cert_extend(ca->cert, ca->cert, NID_subject_key_identifier, "hash")) != TSR_OK)
		return r;
	if (X509_sign(ca->cert, ca->key, EVP_sha256()) <= 0)
		return TSR_CRYPTO;
	return ca_write(dirfd, ca);
}

/* A PEM file as something to read from; the caller frees both. */
static int
ca_file(int dirfd, const char *name, struct buf *b, BIO **bio)
{
	int r;

	if ((r = file_read(dirfd, name, b)) != TSR_OK)
		return r;
	*bio = BIO_new_mem_buf(b->data, (int)b->len);
	return *bio != NULL ? TSR_OK : TSR_NOMEM;
}

static int
ca_read(int dirfd, struct card_ca *ca)
{
	struct buf cert, key;
	BIO *cert_bio = NULL, *key_bio = NULL;
	int r;

	buf_init(&cert, PEM_MAX);
	buf_init(&key, PEM_MAX);
	if ((r = ca_file(dirfd, CA_CERT, &cert, &cert_bio)) != TSR_OK)
		goto out;
	if ((r = ca_file(dirfd, CA_KEY, &key, &key_bio)) != TSR_OK) {
		r = r == TSR_NOT_FOUND ? TSR_CORRUPT : r;
		goto out;
	}
	ca->cert = PEM_read_bio_X509(cert_bio, NULL, NULL, NULL);
	ca->key = PEM_read_bio_PrivateKey(key_bio, NULL, NULL, NULL);
	if (ca->cert == NULL || ca->key == NULL || X509_check_private_key(ca->cert, ca->key) != 1)
		r = TSR_CORRUPT;
 out:
	BIO_free(cert_bio);
	BIO_free(key_bio);
	buf_free(&cert);
	buf_free(&key);
	ERR_clear_error();
	return r;
}

int
card_ca_open(const char *folder, struct card_ca **out)
{
	struct card_ca *ca = NULL;
	int dirfd, r;

	if ((dirfd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) == -1)
		return errno == ENOENT ? TSR_NOT_FOUND : TSR_SYSTEM;
	if ((ca = calloc(1, sizeof(*ca))) == NULL)
		r = TSR_NOMEM;
	else if ((r = ca_read(dirfd, ca)) == TSR_NOT_FOUND)
		r = ca_make(dirfd, ca);
	(void)close(dirfd);
	if (r == TSR_OK)
		*out = ca;
	else
		card_ca_free(&ca);
	return r;
}

void
card_ca_free(struct card_ca **ca)
{
	if (*ca == NULL)
		return;
	X509_free((*ca)->cert);
	EVP_PKEY_free((*ca)->key);
	free(*ca);
	*ca = NULL;
}

static int
cert_extensions(X509 *x, const struct card_ca *ca, const struct card_cert *c)
{
	const struct cert_use *use = cert_use(c->ref);
	const uint8_t *g = c->guid;
	char uuid[64];
	int r;

	if (use == NULL)
		return TSR_UNSUPPORTED;
	(void)snprintf(uuid, sizeof(uuid), "URI:urn:uuid:%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-"
	    "%02x%02x%02x%02x%02x%02x", g[0], g[1], g[2], g[3], g[4], g[5], g[6], g[7], g[8], g[9],
	    g[10], g[11], g[12], g[13], g[14], g[15]);
	if ((r = cert_extend(x, ca->cert, NID_basic_constraints, "critical,CA:FALSE")) != TSR_OK ||
	    (r = cert_extend(x, ca->cert, NID_key_usage, c->alg == ALG_RSA2048 && use->usage_rsa != NULL ?
	    use->usage_rsa : use->usage)) != TSR_OK ||
	    (r = cert_extend(x, ca->cert, NID_ext_key_usage, use->extended)) != TSR_OK ||
	    (r = cert_extend(x, ca->cert, NID_authority_key_identifier, "keyid")) != TSR_OK ||
	    (r = cert_extend(x, ca->cert, NID_subject_key_identifier, "hash")) != TSR_OK)
		return r;
	return cert_extend(x, ca->cert, NID_subject_alt_name, uuid);
}

int
card_cert_issue(const struct card_ca *ca, const struct card_cert *cert, struct buf *der)
{
	unsigned char *p = NULL;
	X509 *x = NULL;
	int n, r;

	if ((r = cert_new(cert->subject, X509_get_subject_name(ca->cert), cert->key, CERT_DAYS, &x)) != TSR_OK ||
	    (r = cert_extensions(x, ca, cert)) != TSR_OK)
		goto out;
	if (X509_sign(x, ca->key, EVP_sha256()) <= 0 || (n = i2d_X509(x, &p)) <= 0) {
		r = TSR_CRYPTO;
		goto out;
	}
	r = buf_put(der, p, (size_t)n);
	OPENSSL_free(p);
 out:
	X509_free(x);
	ERR_clear_error();
	return r;
}
