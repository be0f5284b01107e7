/*
 * attestation.c - see attestation.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/attestation.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "include/tessera.h"
#include "token/ecdsa.h"
#include "token/sigcheck.h"

#define AAGUID_OID	"1.3.6.1.4.1.45724.1.1.4"	/* id-fido-gen-ce-aaguid, 8.2.1 */
#define SPKI_MAX	2048				/* bytes of a certificate's key */

struct attestation_roots {
	X509_STORE *store;
	size_t n;
};

const char *
attestation_name(enum attestation a)
{
	switch (a) {
	case ATTESTATION_SELF:
		return "self";
	case ATTESTATION_UNTRUSTED:
		return "untrusted";
	case ATTESTATION_TRUSTED:
		return "trusted";
	case ATTESTATION_NONE:
		break;
	}
	return "none";
}

/* --- roots --- */

void
attestation_roots_free(struct attestation_roots **r)
{
	if (*r == NULL)
		return;
	X509_STORE_free((*r)->store);
	free(*r);
	*r = NULL;
}

static int
roots_one(struct attestation_roots *r, X509 *cert)
{
	if (r->n == ATTESTATION_ROOTS_MAX)
		return TSR_TOO_LARGE;
	if (X509_check_ca(cert) == 0)
		return TSR_INVALID;
	if (X509_STORE_add_cert(r->store, cert) != 1)
		return TSR_NOMEM;
	r->n++;
	return TSR_OK;
}

/* A text that ends without a further certificate ended well. */
static int
roots_at_end(void)
{
	unsigned long e = ERR_peek_last_error();

	return ERR_GET_LIB(e) == ERR_LIB_PEM && ERR_GET_REASON(e) == PEM_R_NO_START_LINE;
}

int
attestation_roots_add(struct attestation_roots **roots, const char *pem, size_t n)
{
	struct attestation_roots *r = *roots;
	BIO *bio = NULL;
	X509 *cert;
	size_t before;
	int code = TSR_NOMEM;

	if (n > INT32_MAX)
		return TSR_TOO_LARGE;
	if (r == NULL && ((r = calloc(1, sizeof(*r))) == NULL || (r->store = X509_STORE_new()) == NULL))
		goto out;
	if ((bio = BIO_new_mem_buf(pem, (int)n)) == NULL)
		goto out;
	before = r->n;
	code = TSR_OK;
	while (code == TSR_OK && (cert = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL) {
		code = roots_one(r, cert);
		X509_free(cert);
	}
	if (code == TSR_OK && (!roots_at_end() || r->n == before))
		code = TSR_INVALID;
 out:
	if (code == TSR_OK)
		*roots = r;
	else if (*roots == NULL)
		attestation_roots_free(&r);
	BIO_free(bio);
	ERR_clear_error();
	return code;
}

/* --- the statement --- */

static int
statement_verify(enum proto_algorithm alg, const uint8_t *spki, size_t spki_len,
    const uint8_t *data, size_t n, const uint8_t hash[ASSERTION_HASH_LEN],
    const struct attestation_statement *s)
{
	uint8_t all[AUTHDATA_MAX + ASSERTION_HASH_LEN], raw[64];
	const uint8_t *sig = s->sig;
	size_t sig_len = s->sig_len;
	int r;

	memcpy(all, data, n);
	memcpy(all + n, hash, ASSERTION_HASH_LEN);
	if (alg == PROTO_ECDSA_P256_SHA256) {
		if (ecdsa_from_der(raw, 32, sig, sig_len) != TSR_OK)
			return TSR_BAD_SIGNATURE;
		sig = raw;
		sig_len = sizeof(raw);
	}
	r = sigcheck_verify(alg, spki, spki_len, all, n + ASSERTION_HASH_LEN, sig, sig_len);
	return r == TSR_OK || r == TSR_NOMEM || r == TSR_CRYPTO ? r : TSR_BAD_SIGNATURE;
}

static X509 *
certificate(const struct attestation_statement *s, size_t i)
{
	const uint8_t *p = s->cert[i];
	X509 *c;

	if (s->cert_len[i] > ATTESTATION_CERT_MAX ||
	    (c = d2i_X509(NULL, &p, (long)s->cert_len[i])) == NULL)
		return NULL;
	if (p != s->cert[i] + s->cert_len[i]) {	/* bytes behind it */
		X509_free(c);
		return NULL;
	}
	return c;
}

/* 8.2.1: where the certificate names a model it is this one, wrapped in an OCTET
 * STRING in an OCTET STRING, and not critical. */
static int
certificate_aaguid(X509 *c, const uint8_t aaguid[AUTHDATA_AAGUID_LEN])
{
	ASN1_OBJECT *oid = OBJ_txt2obj(AAGUID_OID, 1);
	X509_EXTENSION *ext;
	const ASN1_OCTET_STRING *value;
	const uint8_t *p;
	int at;

	at = oid == NULL ? -2 : X509_get_ext_by_OBJ(c, oid, -1);
	ASN1_OBJECT_free(oid);
	if (at == -2)
		return TSR_NOMEM;
	if (at == -1)
		return TSR_OK;
	ext = X509_get_ext(c, at);
	value = X509_EXTENSION_get_data(ext);
	p = ASN1_STRING_get0_data(value);
	return X509_EXTENSION_get_critical(ext) == 0 &&
	    ASN1_STRING_length(value) == 2 + AUTHDATA_AAGUID_LEN && p[0] == 0x04 &&
	    p[1] == AUTHDATA_AAGUID_LEN && memcmp(p + 2, aaguid, AUTHDATA_AAGUID_LEN) == 0 ?
	    TSR_OK : TSR_BAD_SIGNATURE;
}

/* 8.2.1: version 3, Basic Constraints that say it is no CA. */
static int
certificate_form(X509 *c)
{
	int critical;
	BASIC_CONSTRAINTS *bc = X509_get_ext_d2i(c, NID_basic_constraints, &critical, NULL);
	int ok = X509_get_version(c) == X509_VERSION_3 && bc != NULL && bc->ca == 0;

	BASIC_CONSTRAINTS_free(bc);
	return ok ? TSR_OK : TSR_BAD_SIGNATURE;
}

static int
certificate_signed(X509 *c, const uint8_t *data, size_t n, const uint8_t hash[ASSERTION_HASH_LEN],
    const struct attestation_statement *s)
{
	uint8_t spki[SPKI_MAX], *p = spki;
	int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(c), NULL);

	if (len <= 0 || len > SPKI_MAX)
		return TSR_BAD_SIGNATURE;
	len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(c), &p);
	return statement_verify(s->algorithm, spki, (size_t)len, data, n, hash, s);
}

/* Is there a way from the key's certificate to a root? */
static int
chain_trusted(X509 *leaf, STACK_OF(X509) *others, const struct attestation_roots *roots, int64_t now,
    int *trusted)
{
	X509_STORE_CTX *ctx;
	int r = TSR_NOMEM;

	*trusted = 0;
	if (roots == NULL)
		return TSR_OK;
	if ((ctx = X509_STORE_CTX_new()) == NULL ||
	    X509_STORE_CTX_init(ctx, roots->store, leaf, others) != 1)
		goto out;
	X509_VERIFY_PARAM_set_time(X509_STORE_CTX_get0_param(ctx), (time_t)now);
	X509_VERIFY_PARAM_set_depth(X509_STORE_CTX_get0_param(ctx), ATTESTATION_CHAIN_MAX);
	/* a maker's root may stand in the list as an intermediate's issuer does */
	(void)X509_VERIFY_PARAM_set_flags(X509_STORE_CTX_get0_param(ctx), X509_V_FLAG_PARTIAL_CHAIN);
	*trusted = X509_verify_cert(ctx) == 1;
	r = TSR_OK;
 out:
	X509_STORE_CTX_free(ctx);
	return r;
}

static int
statement_chain(const struct attestation_statement *s, const struct authdata *a,
    const uint8_t *data, size_t n, const uint8_t hash[ASSERTION_HASH_LEN],
    const struct attestation_roots *roots, int64_t now, enum attestation *kind)
{
	STACK_OF(X509) *others = sk_X509_new_null();
	X509 *leaf = certificate(s, 0), *c;
	int r = TSR_BAD_SIGNATURE, trusted = 0;
	size_t i;

	if (others == NULL || leaf == NULL)
		goto out;
	for (i = 1; i < s->n_certs; i++) {
		if ((c = certificate(s, i)) == NULL)
			goto out;
		if (sk_X509_push(others, c) <= 0) {
			X509_free(c);
			goto out;
		}
	}
	if ((r = certificate_form(leaf)) != TSR_OK ||
	    (r = certificate_aaguid(leaf, a->aaguid)) != TSR_OK ||
	    (r = certificate_signed(leaf, data, n, hash, s)) != TSR_OK ||
	    (r = chain_trusted(leaf, others, roots, now, &trusted)) != TSR_OK)
		goto out;
	*kind = trusted ? ATTESTATION_TRUSTED : ATTESTATION_UNTRUSTED;
 out:
	sk_X509_pop_free(others, X509_free);
	X509_free(leaf);
	ERR_clear_error();
	return r;
}

/* --- the verdict --- */

static enum assertion_fault
registration_flags(const struct assertion_policy *p, const struct authdata *a)
{
	uint8_t rp[AUTHDATA_RP_LEN];

	crypto_hash_sha256(rp, (const uint8_t *)p->rp_id, strlen(p->rp_id));
	if (sodium_memcmp(rp, a->rp, sizeof(rp)) != 0)
		return ASSERTION_RP;
	if ((a->flags & AUTHDATA_AT) == 0 ||
	    (p->algorithm != 0 && p->algorithm != a->algorithm))
		return ASSERTION_CREDENTIAL;
	if ((a->flags & AUTHDATA_UP) == 0)
		return ASSERTION_PRESENCE;
	if (p->verification && (a->flags & AUTHDATA_UV) == 0)
		return ASSERTION_VERIFICATION;
	return ASSERTION_GOOD;
}

int
attestation_judge(const struct assertion_policy *p, const uint8_t hash[ASSERTION_HASH_LEN],
    const uint8_t *authdata, size_t authdata_len, const struct attestation_statement *s,
    const struct attestation_roots *roots, int64_t now, struct attestation_found *out,
    enum assertion_fault *fault)
{
	struct attestation_found f = { .kind = ATTESTATION_NONE };
	uint32_t mask;
	int r = TSR_OK;

	*fault = ASSERTION_MALFORMED;
	if (authdata_read(authdata, authdata_len, &f.data) != TSR_OK ||
	    s->n_certs > ATTESTATION_CHAIN_MAX || s->sig_len > 1024)
		return TSR_BAD_SIGNATURE;
	if ((*fault = registration_flags(p, &f.data)) != ASSERTION_GOOD)
		return TSR_DENIED;
	*fault = ASSERTION_SIGNATURE;
	/* a point that is on no curve is nobody's key */
	if (sigcheck_algorithms(f.data.spki, f.data.spki_len, &mask) != TSR_OK)
		return TSR_BAD_SIGNATURE;
	if (s->packed && s->n_certs > 0)
		r = statement_chain(s, &f.data, authdata, authdata_len, hash, roots, now, &f.kind);
	else if (s->packed) {
		r = s->algorithm == f.data.algorithm ? statement_verify(s->algorithm, f.data.spki,
		    f.data.spki_len, authdata, authdata_len, hash, s) : TSR_BAD_SIGNATURE;
		f.kind = ATTESTATION_SELF;
	}
	if (r != TSR_OK)
		return r;
	*fault = ASSERTION_GOOD;
	*out = f;
	return TSR_OK;
}
