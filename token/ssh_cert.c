/*
 * ssh_cert.c - OpenSSH user certificates are made.  See ssh_cert.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "token/ssh_cert.h"

#include <string.h>

#include "tessera.h"
#include "token/ssh_fields.h"

#define SSH_CERT_USER		1	/* its type */
#define SSH_CERT_FOREVER	UINT64_MAX	/* a valid_before that never comes */
#define SSH_CERT_NAME_MAX	255	/* bytes of an option's name */

int
ssh_cert_principal_ok(const char *principal)
{
	size_t n = strlen(principal);

	return n > 0 && n < SSH_CERT_PRINCIPAL_LEN && principal[0] != ' ' && principal[n - 1] != ' ' &&
	    strchr(principal, ',') == NULL && ssh_text_ok(principal, n);
}

static int
ssh_cert_check(const struct ssh_cert *c)
{
	size_t i, id = strlen(c->id);

	if (c->serial == 0 || id == 0 || !ssh_text_ok(c->id, id) || c->n_principals == 0 ||
	    c->valid_after == 0 || c->valid_before <= c->valid_after ||
	    c->valid_before == SSH_CERT_FOREVER)
		return TSR_INVALID;
	if (id >= SSH_CERT_ID_MAX || c->n_principals > SSH_CERT_PRINCIPALS_MAX ||
	    c->n_critical > SSH_CERT_OPTIONS_MAX || c->n_extensions > SSH_CERT_OPTIONS_MAX)
		return TSR_TOO_LARGE;
	for (i = 0; i < c->n_principals; i++)
		if (!ssh_cert_principal_ok(c->principals[i]))
			return TSR_INVALID;
	return TSR_OK;
}

/* Principals, packed into one string. */
static int
ssh_cert_put_principals(struct buf *out, const struct ssh_cert *c)
{
	struct buf packed;
	size_t i;
	int r = TSR_OK;

	buf_init(&packed, SSH_CERT_MAX);
	for (i = 0; i < c->n_principals && r == TSR_OK; i++)
		r = buf_put_string(&packed, c->principals[i], strlen(c->principals[i]));
	if (r == TSR_OK)
		r = buf_put_string(out, packed.data, packed.len);
	buf_free(&packed);
	return r;
}

/* One option: its value is a string within the string, or nothing. */
static int
ssh_cert_put_option(struct buf *out, const struct ssh_cert_option *o)
{
	size_t n = strlen(o->name), value = strlen(o->value);
	int r;

	if (n == 0 || !ssh_text_ok(o->name, n))
		return TSR_INVALID;
	if (n > SSH_CERT_NAME_MAX || value > SSH_CERT_MAX)
		return TSR_TOO_LARGE;
	if ((r = buf_put_string(out, o->name, n)) != TSR_OK)
		return r;
	if (value == 0)
		return buf_put_string(out, NULL, 0);
	if ((r = buf_put_u32(out, (uint32_t)value + 4)) != TSR_OK)
		return r;
	return buf_put_string(out, o->value, value);
}

/* The option whose name comes next after last; NULL where none does. */
static const struct ssh_cert_option *
ssh_cert_next(const struct ssh_cert_option *o, size_t n, const char *last)
{
	const struct ssh_cert_option *next = NULL;
	size_t i;

	for (i = 0; i < n; i++)
		if ((last == NULL || strcmp(o[i].name, last) > 0) &&
		    (next == NULL || strcmp(o[i].name, next->name) < 0))
			next = &o[i];
	return next;
}

/* Options in the order of their names, packed into one string. */
static int
ssh_cert_put_options(struct buf *out, const struct ssh_cert_option *o, size_t n)
{
	const struct ssh_cert_option *next = NULL;
	struct buf packed;
	size_t done = 0;
	int r = TSR_OK;

	buf_init(&packed, SSH_CERT_MAX);
	while (r == TSR_OK &&
	    (next = ssh_cert_next(o, n, next == NULL ? NULL : next->name)) != NULL) {
		r = ssh_cert_put_option(&packed, next);
		done++;
	}
	if (r == TSR_OK && done != n)
		r = TSR_INVALID;	/* one of them twice */
	if (r == TSR_OK)
		r = buf_put_string(out, packed.data, packed.len);
	buf_free(&packed);
	return r;
}

/* All but the signature. */
static int
ssh_cert_put_body(struct buf *out, const struct ssh_cert *c, const uint8_t ca[32],
    const uint8_t nonce[SSH_CERT_NONCE])
{
	const char *name = ssh_kind(c->key.kind)->cert;
	struct buf blob;
	int r;

	buf_init(&blob, SSH_KEY_MAX);
	if ((r = buf_put_string(out, name, strlen(name))) != TSR_OK ||
	    (r = buf_put_string(out, nonce, SSH_CERT_NONCE)) != TSR_OK ||
	    (r = buf_put(out, c->key.fields, c->key.fields_n)) != TSR_OK ||
	    (r = buf_put_u64(out, c->serial)) != TSR_OK ||
	    (r = buf_put_u32(out, SSH_CERT_USER)) != TSR_OK ||
	    (r = buf_put_string(out, c->id, strlen(c->id))) != TSR_OK ||
	    (r = ssh_cert_put_principals(out, c)) != TSR_OK ||
	    (r = buf_put_u64(out, c->valid_after)) != TSR_OK ||
	    (r = buf_put_u64(out, c->valid_before)) != TSR_OK ||
	    (r = ssh_cert_put_options(out, c->critical, c->n_critical)) != TSR_OK ||
	    (r = ssh_cert_put_options(out, c->extensions, c->n_extensions)) != TSR_OK ||
	    (r = buf_put_string(out, NULL, 0)) != TSR_OK ||	/* reserved */
	    (r = ssh_ed25519_blob(&blob, ca)) != TSR_OK)
		goto out;
	r = buf_put_string(out, blob.data, blob.len);
 out:
	buf_free(&blob);
	return r;
}

int
ssh_cert_make(struct buf *out, struct jws_key *ca, const struct ssh_cert *c,
    const uint8_t nonce[SSH_CERT_NONCE])
{
	const struct jwk *pub = jws_key_public(ca);
	uint8_t sig[JWS_SIGNATURE_LEN];
	struct buf body, signature;
	int r;

	if (pub->alg != JWK_EDDSA)
		return TSR_INVALID;
	if ((r = ssh_cert_check(c)) != TSR_OK)
		return r;
	buf_init(&body, SSH_CERT_MAX);
	buf_init(&signature, SSH_KEY_MAX);
	if ((r = ssh_cert_put_body(&body, c, pub->u.ed25519, nonce)) != TSR_OK ||
	    (r = jws_key_sign(ca, body.data, body.len, sig)) != TSR_OK ||
	    (r = ssh_ed25519_signature(&signature, sig)) != TSR_OK ||
	    (r = buf_put_string(&body, signature.data, signature.len)) != TSR_OK)
		goto out;
	r = buf_put(out, body.data, body.len);
 out:
	buf_free(&signature);
	buf_free(&body);
	return r;
}
