/*
 * ssh_fields.c - the numbers of SSH keys.  See ssh_fields.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "token/ssh_fields.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <sodium.h>
#include <string.h>

#include "tessera.h"
#include "token/ossl.h"
#include "token/utf8.h"

#define SSH_RSA_MIN	2048	/* bits of a modulus */
#define SSH_RSA_MAX	1024	/* bytes of a modulus */
#define SSH_E_MAX	8	/* bytes of an exponent */
#define SSH_NAME_MAX	64	/* bytes of the name of a type or curve */
#define SSH_SK_MAX	255	/* bytes of a security key's application */
#define SSH_POINT_MAX	133	/* bytes of a point: P-521, uncompressed */
#define SSH_CERT_V01	"-cert-v01@openssh.com"

static const struct ssh_kind ssh_kinds[] = {
	[SSH_ED25519] = { "ssh-ed25519", "ssh-ed25519" SSH_CERT_V01, NULL, NULL, NULL, 0, 0 },
	[SSH_P256] = { "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp256" SSH_CERT_V01,
	    "nistp256", "P-256", "SHA256", 32, 0 },
	[SSH_P384] = { "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp384" SSH_CERT_V01,
	    "nistp384", "P-384", "SHA384", 48, 0 },
	[SSH_P521] = { "ecdsa-sha2-nistp521", "ecdsa-sha2-nistp521" SSH_CERT_V01,
	    "nistp521", "P-521", "SHA512", 66, 0 },
	[SSH_RSA] = { "ssh-rsa", "ssh-rsa" SSH_CERT_V01, NULL, NULL, NULL, 0, 0 },
	[SSH_SK_ED25519] = { "sk-ssh-ed25519@openssh.com", "sk-ssh-ed25519" SSH_CERT_V01,
	    NULL, NULL, NULL, 0, 1 },
	[SSH_SK_P256] = { "sk-ecdsa-sha2-nistp256@openssh.com",
	    "sk-ecdsa-sha2-nistp256" SSH_CERT_V01, "nistp256", "P-256", "SHA256", 32, 1 }
};

const struct ssh_kind *
ssh_kind(enum ssh_key_kind kind)
{
	return &ssh_kinds[kind];
}

int
ssh_kind_find(const uint8_t *name, size_t n, enum ssh_key_kind *kind, int *cert)
{
	unsigned i;

	for (i = SSH_ED25519; i <= SSH_SK_P256; i++)
		if (ssh_is(name, n, ssh_kinds[i].name) || ssh_is(name, n, ssh_kinds[i].cert)) {
			*kind = (enum ssh_key_kind)i;
			*cert = ssh_is(name, n, ssh_kinds[i].cert);
			return TSR_OK;
		}
	return TSR_UNSUPPORTED;
}

int
ssh_is(const uint8_t *p, size_t n, const char *text)
{
	return n == strlen(text) && memcmp(p, text, n) == 0;
}

int
ssh_text_ok(const char *s, size_t n)
{
	unsigned char c, next;
	size_t i, len;

	for (i = 0; i < n; i += len) {
		if ((len = utf8_len(s + i, n - i)) == 0)
			return 0;
		c = (unsigned char)s[i];
		next = len > 1 ? (unsigned char)s[i + 1] : 0;
		if (c < ' ' || c == 0x7f || (c == 0xc2 && next < 0xa0))
			return 0;
	}
	return 1;
}

int
ssh_cstring(struct reader *r, char *out, size_t size)
{
	struct reader at = *r;
	const uint8_t *p;
	size_t n;
	int e;

	if ((e = reader_string(&at, size - 1, &p, &n)) != TSR_OK)
		return e;
	if (n > 0 && memchr(p, 0, n) != NULL)
		return TSR_INVALID;
	if (n > 0)
		memcpy(out, p, n);
	out[n] = '\0';
	*r = at;
	return TSR_OK;
}

int
ssh_mpint(struct reader *r, size_t max, const uint8_t **p, size_t *n)
{
	struct reader at = *r;
	const uint8_t *v;
	size_t len;
	int e;

	if ((e = reader_string(&at, max + 1, &v, &len)) != TSR_OK)
		return e;
	if (len == 0 || (v[0] & 0x80) != 0 ||
	    (v[0] == 0 && (len == 1 || (v[1] & 0x80) == 0)))
		return TSR_INVALID;
	if (len > max && v[0] != 0)
		return TSR_TOO_LARGE;
	*p = v;
	*n = len;
	*r = at;
	return TSR_OK;
}

/* RFC 4253 section 6.6; the strength that we ask for. */
static int
ssh_fields_rsa(struct reader *r, struct ssh_fields *f)
{
	const uint8_t *n;
	size_t len, bits;
	uint8_t top;
	int e;

	if ((e = ssh_mpint(r, SSH_E_MAX, &f->b, &f->b_n)) != TSR_OK ||
	    (e = ssh_mpint(r, SSH_RSA_MAX, &f->a, &f->a_n)) != TSR_OK)
		return e == TSR_TOO_LARGE ? TSR_KEY_UNUSABLE : e;
	n = f->a + (f->a[0] == 0);
	len = f->a_n - (f->a[0] == 0);
	if ((n[len - 1] & 1) == 0)
		return TSR_INVALID;
	bits = len * 8;
	for (top = n[0]; (top & 0x80) == 0; top = (uint8_t)(top << 1))
		bits--;
	if (bits < SSH_RSA_MIN || (f->b[f->b_n - 1] & 1) == 0 || (f->b_n == 1 && f->b[0] == 1))
		return TSR_KEY_UNUSABLE;
	return TSR_OK;
}

/* RFC 5656 section 3.1; uncompressed points alone, as all write them. */
static int
ssh_fields_ec(struct reader *r, const struct ssh_kind *k, struct ssh_fields *f)
{
	EVP_PKEY *key = NULL;
	const uint8_t *curve;
	size_t n;
	int e;

	if ((e = reader_string(r, SSH_NAME_MAX, &curve, &n)) != TSR_OK ||
	    (e = reader_string(r, SSH_POINT_MAX, &f->a, &f->a_n)) != TSR_OK)
		return e == TSR_TOO_LARGE ? TSR_INVALID : e;
	if (!ssh_is(curve, n, k->curve) || f->a_n != 1 + 2 * k->size || f->a[0] != 4)
		return TSR_INVALID;
	if ((e = ssh_fields_pkey(f, &key)) == TSR_OK)
		EVP_PKEY_free(key);
	return e;
}

/* RFC 8709 section 4 */
static int
ssh_fields_ed25519(struct reader *r, struct ssh_fields *f)
{
	if (reader_string(r, crypto_sign_PUBLICKEYBYTES, &f->a, &f->a_n) != TSR_OK ||
	    f->a_n != crypto_sign_PUBLICKEYBYTES)
		return TSR_INVALID;
	return crypto_core_ed25519_is_valid_point(f->a) == 1 ? TSR_OK : TSR_INVALID;
}

int
ssh_fields_read(struct reader *r, enum ssh_key_kind kind, struct ssh_fields *out)
{
	const struct ssh_kind *k = &ssh_kinds[kind];
	struct ssh_fields f = { .kind = kind };
	char application[SSH_SK_MAX + 1];
	struct reader at = *r;
	int e;

	if (kind == SSH_RSA)
		e = ssh_fields_rsa(&at, &f);
	else
		e = k->curve != NULL ? ssh_fields_ec(&at, k, &f) : ssh_fields_ed25519(&at, &f);
	if (e == TSR_OK && k->sk)
		e = ssh_cstring(&at, application, sizeof(application));
	if (e != TSR_OK)
		return e;
	*out = f;
	*r = at;
	return TSR_OK;
}

/* A number as OpenSSL's parameters have it: in this machine's order. */
static int
ssh_fields_number(const char *name, const uint8_t *p, size_t n, uint8_t *room, OSSL_PARAM *out)
{
	BIGNUM *v;
	int r = TSR_NOMEM;

	if ((v = BN_bin2bn(p, (int)n, NULL)) == NULL)
		goto out;
	if (BN_bn2nativepad(v, room, (int)n) != (int)n) {
		r = TSR_CRYPTO;
		goto out;
	}
	*out = OSSL_PARAM_construct_BN(name, room, n);
	r = TSR_OK;
 out:
	BN_free(v);
	return r;
}

int
ssh_fields_pkey(const struct ssh_fields *f, EVP_PKEY **out)
{
	uint8_t a[SSH_RSA_MAX + 1], b[SSH_E_MAX + 1];
	OSSL_PARAM params[3];
	EVP_PKEY_CTX *ctx = NULL;
	EVP_PKEY *key = NULL;
	char group[8];
	int r;

	params[2] = OSSL_PARAM_construct_end();
	if (f->kind == SSH_RSA) {
		if ((r = ssh_fields_number(OSSL_PKEY_PARAM_RSA_N, f->a, f->a_n, a, &params[0])) != TSR_OK ||
		    (r = ssh_fields_number(OSSL_PKEY_PARAM_RSA_E, f->b, f->b_n, b, &params[1])) != TSR_OK)
			goto out;
	} else {
		memcpy(a, f->a, f->a_n);
		memcpy(group, ssh_kinds[f->kind].group, strlen(ssh_kinds[f->kind].group) + 1);
		params[0] = OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0);
		params[1] = OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, a, f->a_n);
	}
	r = TSR_CRYPTO;
	if (ossl_ctx() == NULL ||
	    (ctx = EVP_PKEY_CTX_new_from_name(ossl_ctx(), f->kind == SSH_RSA ? "RSA" : "EC", NULL)) == NULL ||
	    EVP_PKEY_fromdata_init(ctx) != 1)
		goto out;
	/* the numbers are all that can be wrong now: a point off the curve */
	if (EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) != 1) {
		r = TSR_INVALID;
		goto out;
	}
	*out = key;
	r = TSR_OK;
 out:
	if (r != TSR_OK)
		ERR_clear_error();
	EVP_PKEY_CTX_free(ctx);
	return r;
}
