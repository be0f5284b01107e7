/*
 * ssh_host.c - signatures of hosts and of certificate authorities.  See ssh_key.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include <openssl/err.h>
#include <openssl/evp.h>
#include <sodium.h>
#include <string.h>

#include "tessera.h"
#include "token/ossl.h"
#include "token/ssh_cert.h"
#include "token/ssh_fields.h"
#include "token/ssh_key.h"

#define SSH_SIG_MAX	1024	/* bytes of a signature without its names */
#define SSH_SCALAR_MAX	66	/* bytes of r or s: P-521 */
#define SSH_DER_MAX	(3 + 2 * (3 + SSH_SCALAR_MAX))
#define DER_INTEGER	0x02
#define DER_SEQUENCE	0x30

/* The key of a host: its own blob, or that in its certificate. */
static int
ssh_host_fields(const void *key, size_t n, struct ssh_fields *out)
{
	enum ssh_key_kind kind;
	const uint8_t *name, *nonce;
	size_t name_n, nonce_n;
	struct reader r;
	int cert, e;

	reader_init(&r, key, n);
	if (reader_string(&r, n, &name, &name_n) != TSR_OK)
		return TSR_INVALID;
	if (ssh_kind_find(name, name_n, &kind, &cert) != TSR_OK || ssh_kind(kind)->sk)
		return TSR_UNSUPPORTED;
	if (n > (cert ? SSH_CERT_MAX : SSH_KEY_MAX))
		return TSR_TOO_LARGE;
	if (cert && reader_string(&r, n, &nonce, &nonce_n) != TSR_OK)
		return TSR_INVALID;
	if ((e = ssh_fields_read(&r, kind, out)) != TSR_OK)
		return e == TSR_TOO_LARGE ? TSR_INVALID : e;
	return cert ? TSR_OK : reader_end(&r);
}

/* The hash that goes with a signature of that name by a key of that kind, NULL
 * where such a key makes none. */
static const char *
ssh_host_hash(enum ssh_key_kind kind, const uint8_t *name, size_t n)
{
	if (kind == SSH_RSA && ssh_is(name, n, "rsa-sha2-256"))
		return "SHA256";
	if (kind == SSH_RSA && ssh_is(name, n, "rsa-sha2-512"))
		return "SHA512";
	return kind != SSH_RSA && ssh_is(name, n, ssh_key_name(kind)) ? ssh_kind(kind)->hash : NULL;
}

/* RFC 5656 section 3.1.2: r and s.  A number that is over zero is written in SSH's
 * form as in DER. */
static int
ssh_host_der(const uint8_t *sig, size_t n, size_t size, uint8_t der[SSH_DER_MAX], size_t *len)
{
	const uint8_t *v[2];
	size_t v_n[2], i, at = 0;
	struct reader r;

	reader_init(&r, sig, n);
	if (ssh_mpint(&r, size, &v[0], &v_n[0]) != TSR_OK ||
	    ssh_mpint(&r, size, &v[1], &v_n[1]) != TSR_OK ||
	    reader_end(&r) != TSR_OK)
		return TSR_BAD_SIGNATURE;
	der[at++] = DER_SEQUENCE;
	if (4 + v_n[0] + v_n[1] > 127)
		der[at++] = 0x81;
	der[at++] = (uint8_t)(4 + v_n[0] + v_n[1]);
	for (i = 0; i < 2; i++) {
		der[at++] = DER_INTEGER;
		der[at++] = (uint8_t)v_n[i];
		memcpy(der + at, v[i], v_n[i]);
		at += v_n[i];
	}
	*len = at;
	return TSR_OK;
}

static int
ssh_host_openssl(EVP_PKEY *key, const char *hash, const void *data, size_t n,
    const uint8_t *sig, size_t sig_n)
{
	EVP_MD_CTX *md;
	int r = TSR_CRYPTO;

	if ((md = EVP_MD_CTX_new()) == NULL)
		return TSR_NOMEM;
	if (EVP_DigestVerifyInit_ex(md, NULL, hash, ossl_ctx(), NULL, key, NULL) != 1)
		goto out;
	r = EVP_DigestVerify(md, sig, sig_n, data, n) == 1 ? TSR_OK : TSR_BAD_SIGNATURE;
 out:
	if (r != TSR_OK)
		ERR_clear_error();
	EVP_MD_CTX_free(md);
	return r;
}

/* ECDSA and RSA (PKCS #1 v1.5, RFC 8332 section 3). */
static int
ssh_host_check(const struct ssh_fields *f, const char *hash, const void *data, size_t n,
    const uint8_t *sig, size_t sig_n)
{
	size_t len, modulus = f->a_n - (f->a[0] == 0);
	uint8_t room[SSH_SIG_MAX] = { 0 };
	EVP_PKEY *key = NULL;
	int r;

	if (f->kind == SSH_RSA) {
		/* some signers leave out zeros before it */
		if (sig_n == 0 || sig_n > modulus)
			return TSR_BAD_SIGNATURE;
		memcpy(room + modulus - sig_n, sig, sig_n);
		len = modulus;
	} else if ((r = ssh_host_der(sig, sig_n, ssh_kind(f->kind)->size, room, &len)) != TSR_OK)
		return r;
	if ((r = ssh_fields_pkey(f, &key)) != TSR_OK)
		return r;
	r = ssh_host_openssl(key, hash, data, n, room, len);
	EVP_PKEY_free(key);
	return r;
}

int
ssh_host_verify(const void *key, size_t key_n, const void *data, size_t n,
    const void *sig, size_t sig_n)
{
	const uint8_t *name, *raw;
	size_t name_n, raw_n;
	struct ssh_fields f;
	const char *hash;
	struct reader r;
	int e;

	if ((e = ssh_host_fields(key, key_n, &f)) != TSR_OK)
		return e;
	reader_init(&r, sig, sig_n);
	if (reader_string(&r, sig_n, &name, &name_n) != TSR_OK ||
	    reader_string(&r, SSH_SIG_MAX, &raw, &raw_n) != TSR_OK ||
	    reader_end(&r) != TSR_OK)
		return TSR_INVALID;
	if (f.kind == SSH_ED25519) {
		if (!ssh_is(name, name_n, ssh_key_name(SSH_ED25519)))
			return TSR_BAD_ALGORITHM;
		return raw_n == crypto_sign_BYTES &&
		    crypto_sign_verify_detached(raw, data, n, f.a) == 0 ? TSR_OK : TSR_BAD_SIGNATURE;
	}
	if ((hash = ssh_host_hash(f.kind, name, name_n)) == NULL)
		return TSR_BAD_ALGORITHM;
	return ssh_host_check(&f, hash, data, n, raw, raw_n);
}
