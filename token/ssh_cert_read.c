/*
 * ssh_cert_read.c - OpenSSH certificates are read.  See ssh_cert.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include <string.h>

#include "tessera.h"
#include "token/ssh_cert.h"
#include "token/ssh_fields.h"

#define SSH_CERT_USER	1
#define SSH_CERT_HOST	2

/* Options as they are packed: pairs of strings, by rising names. */
static int
ssh_cert_read_options(struct reader *r, const uint8_t **p, size_t *n)
{
	const uint8_t *name, *value, *last = NULL;
	size_t name_n, value_n, last_n = 0, least;
	struct reader in;
	int order;

	if (reader_string(r, SSH_CERT_MAX, p, n) != TSR_OK)
		return TSR_INVALID;
	for (reader_init(&in, *p, *n); in.left > 0; last = name, last_n = name_n) {
		if (reader_string(&in, in.left, &name, &name_n) != TSR_OK || name_n == 0 ||
		    reader_string(&in, in.left, &value, &value_n) != TSR_OK)
			return TSR_INVALID;
		least = name_n < last_n ? name_n : last_n;
		order = last == NULL ? 1 : memcmp(name, last, least);
		if (order < 0 || (order == 0 && name_n <= last_n))
			return TSR_INVALID;
	}
	return TSR_OK;
}

static int
ssh_cert_read_principals(struct reader *r, struct ssh_cert_read *c)
{
	const uint8_t *p;
	struct reader in;
	size_t n;
	int e;

	if (reader_string(r, SSH_CERT_MAX, &p, &n) != TSR_OK)
		return TSR_INVALID;
	for (reader_init(&in, p, n); in.left > 0; c->n_principals++) {
		if (c->n_principals == SSH_CERT_PRINCIPALS_MAX)
			return TSR_TOO_LARGE;
		if ((e = ssh_cstring(&in, c->principals[c->n_principals], SSH_CERT_PRINCIPAL_LEN)) != TSR_OK)
			return e;
	}
	return TSR_OK;
}

/* Type, nonce and the key that is certified. */
static int
ssh_cert_read_key(struct reader *r, struct ssh_cert_read *c)
{
	const uint8_t *name, *nonce;
	struct ssh_fields f;
	size_t name_n, nonce_n;
	int cert, e;

	if (reader_string(r, r->left, &name, &name_n) != TSR_OK)
		return TSR_INVALID;
	if (ssh_kind_find(name, name_n, &c->kind, &cert) != TSR_OK || !cert)
		return TSR_UNSUPPORTED;
	if (reader_string(r, r->left, &nonce, &nonce_n) != TSR_OK)
		return TSR_INVALID;
	c->fields = r->p;
	if ((e = ssh_fields_read(r, c->kind, &f)) != TSR_OK)
		return e == TSR_TOO_LARGE ? TSR_INVALID : e;
	c->fields_n = (size_t)(r->p - c->fields);
	return TSR_OK;
}

/* From the serial number to the key of the CA. */
static int
ssh_cert_read_body(struct reader *r, struct ssh_cert_read *c)
{
	const uint8_t *reserved;
	size_t n;
	int e;

	if (reader_u64(r, &c->serial) != TSR_OK || reader_u32(r, &c->type) != TSR_OK)
		return TSR_INVALID;
	if (c->type != SSH_CERT_USER && c->type != SSH_CERT_HOST)
		return TSR_UNSUPPORTED;
	if ((e = ssh_cstring(r, c->id, sizeof(c->id))) != TSR_OK ||
	    (e = ssh_cert_read_principals(r, c)) != TSR_OK ||
	    (e = reader_u64(r, &c->valid_after)) != TSR_OK ||
	    (e = reader_u64(r, &c->valid_before)) != TSR_OK ||
	    (e = ssh_cert_read_options(r, &c->critical, &c->critical_n)) != TSR_OK ||
	    (e = ssh_cert_read_options(r, &c->extensions, &c->extensions_n)) != TSR_OK)
		return e;
	if (reader_string(r, r->left, &reserved, &n) != TSR_OK ||
	    reader_string(r, r->left, &c->ca, &c->ca_n) != TSR_OK)
		return TSR_INVALID;
	return TSR_OK;
}

int
ssh_cert_read(const void *blob, size_t n, struct ssh_cert_read *out)
{
	struct ssh_cert_read c = { 0 };
	const uint8_t *sig;
	size_t signed_n, sig_n;
	struct ssh_key ca;
	struct reader r;
	int e;

	if (n > SSH_CERT_MAX)
		return TSR_TOO_LARGE;
	reader_init(&r, blob, n);
	if ((e = ssh_cert_read_key(&r, &c)) != TSR_OK ||
	    (e = ssh_cert_read_body(&r, &c)) != TSR_OK)
		return e;
	signed_n = n - r.left;
	if (reader_string(&r, r.left, &sig, &sig_n) != TSR_OK || reader_end(&r) != TSR_OK)
		return TSR_INVALID;
	/* a plain key: there are no chains */
	if ((e = ssh_key_read(c.ca, c.ca_n, &ca)) != TSR_OK ||
	    (e = ssh_host_verify(c.ca, c.ca_n, blob, signed_n, sig, sig_n)) != TSR_OK)
		return e;
	*out = c;
	return TSR_OK;
}
