/*
 * keys.c - keys of a token.  See keys.h.
 *
 * The keys are read by raw calls: libp11 0.4.12 fails for the whole token when
 * one of them is an Ed25519 key.  The certificates are libp11's.
 *
 * SPDX-License-Identifier: ISC
 */
#include "pkcs11/keys.h"

#include <stdlib.h>
#include <string.h>

#include <libp11.h>
#include <openssl/err.h>

#include "base/escape.h"
#include "tessera.h"

void
keys_free(struct keys *k)
{
	size_t i;

	for (i = 0; i < k->n; i++)
		free(k->v[i].certificate);
	free(k->v);
	k->v = NULL;
	k->n = 0;
}

/* A new entry for an id that the list has not, or NULL where it is full or has
 * it. */
static struct key *
keys_add(struct keys *k, const uint8_t *id, size_t id_len)
{
	struct key *e;
	size_t i;

	if (k->n >= KEYS_MAX || id_len == 0 || id_len > sizeof(e->id))
		return NULL;
	/* A second key under the same id could not be told from the first. */
	for (i = 0; i < k->n; i++)
		if (k->v[i].id_len == id_len && memcmp(k->v[i].id, id, id_len) == 0)
			return NULL;
	e = &k->v[k->n];
	memset(e, 0, sizeof(*e));
	memcpy(e->id, id, id_len);
	e->id_len = id_len;
	return e;
}

static int
keys_read_ec(const struct object_source *src, CK_OBJECT_HANDLE object, struct spki *out)
{
	uint8_t params[SPKI_EC_PARAMS_MAX], point[SPKI_EC_POINT_MAX];
	size_t n = 0, m = 0;
	int r;

	if ((r = object_bytes(src, object, CKA_EC_PARAMS, params, sizeof(params), &n)) != TSR_OK ||
	    (r = object_bytes(src, object, CKA_EC_POINT, point, sizeof(point), &m)) != TSR_OK)
		return r;
	return spki_from_ec(params, n, point, m, out);
}

static int
keys_read_rsa(const struct object_source *src, CK_OBJECT_HANDLE object, struct spki *out)
{
	uint8_t modulus[SPKI_MODULUS_MAX + 1], exponent[SPKI_EXPONENT_MAX + 1];
	const uint8_t *n = modulus, *e = exponent;
	size_t n_len = 0, e_len = 0;
	int r;

	if ((r = object_bytes(src, object, CKA_MODULUS, modulus, sizeof(modulus),
	    &n_len)) != TSR_OK ||
	    (r = object_bytes(src, object, CKA_PUBLIC_EXPONENT, exponent, sizeof(exponent),
	    &e_len)) != TSR_OK)
		return r;
	/* Some modules give the DER form with its leading zero. */
	if (n_len > 1 && n[0] == 0)
		n++, n_len--;
	if (e_len > 1 && e[0] == 0)
		e++, e_len--;
	return spki_from_rsa(n, n_len, e, e_len, out);
}

static int
keys_read_spki(const struct object_source *src, CK_OBJECT_HANDLE object, struct spki *out)
{
	CK_KEY_TYPE type = 0;
	int r;

	if ((r = object_ulong(src, object, CKA_KEY_TYPE, &type)) != TSR_OK)
		return r;
	switch (type) {
	case CKK_EC:
	case CKK_EC_EDWARDS:
		return keys_read_ec(src, object, out);
	case CKK_RSA:
		return keys_read_rsa(src, object, out);
	default:
		return TSR_KEY_UNUSABLE;
	}
}

static void
keys_read_label(const struct object_source *src, CK_OBJECT_HANDLE object, struct key *e)
{
	uint8_t text[KEYS_LABEL_MAX];
	size_t n = 0;

	if (object_bytes(src, object, CKA_LABEL, text, sizeof(text), &n) == TSR_OK)
		escape_text(e->label, sizeof(e->label), text, n);
}

/* CKA_ALWAYS_AUTHENTICATE is the private key's, which many tokens hide before
 * login: then it is found out when it is used. */
static void
keys_read_flags(const struct object_source *src, struct key *e)
{
	CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
	CK_ATTRIBUTE tmpl[] = {
		{ CKA_CLASS, &class, sizeof(class) },
		{ CKA_ID, e->id, e->id_len },
	};
	CK_OBJECT_HANDLE object = CK_INVALID_HANDLE;
	struct fault ignored;
	size_t n = 0;
	int always = 0, private = 1;

	if (object_find(src, tmpl, 2, &object, 1, &n, &ignored) != TSR_OK || n != 1)
		return;
	if (object_bool(src, object, CKA_ALWAYS_AUTHENTICATE, &always) == TSR_OK && always)
		e->flags |= PROTO_KEY_ALWAYS_AUTHENTICATE;
	else if (object_bool(src, object, CKA_PRIVATE, &private) == TSR_OK && !private)
		e->flags |= PROTO_KEY_NO_PIN;
}

/* Keep the entry that keys_add began, if the token can sign with it. */
static void
keys_keep(struct keys *k, struct key *e, mech_set mechs)
{
	e->algorithms = e->spki.algorithms & mech_algorithms(mechs);
	if (e->algorithms != 0)
		k->n++;
}

int
keys_list_public(const struct object_source *src, mech_set mechs, struct keys *k,
    struct fault *f)
{
	CK_OBJECT_CLASS class = CKO_PUBLIC_KEY;
	CK_ATTRIBUTE tmpl = { CKA_CLASS, &class, sizeof(class) };
	CK_OBJECT_HANDLE object[KEYS_MAX];
	uint8_t id[SESSION_ID_MAX];
	struct key *e;
	size_t i, n = 0, id_len;
	int r;

	k->n = 0;
	if ((k->v = calloc(KEYS_MAX, sizeof(*k->v))) == NULL)
		return TSR_NOMEM;
	if ((r = object_find(src, &tmpl, 1, object, KEYS_MAX, &n, f)) != TSR_OK)
		return r;
	for (i = 0; i < n; i++) {
		id_len = 0;
		if (object_bytes(src, object[i], CKA_ID, id, sizeof(id), &id_len) != TSR_OK ||
		    (e = keys_add(k, id, id_len)) == NULL ||
		    keys_read_spki(src, object[i], &e->spki) != TSR_OK)
			continue;
		keys_read_label(src, object[i], e);
		keys_read_flags(src, e);
		keys_keep(k, e, mechs);
	}
	return TSR_OK;
}

/* Give e its certificate, and its label where e has none (NSS).  One that is
 * too large to send is left out. */
static int
keys_certify(struct key *e, const PKCS11_CERT *c)
{
	uint8_t *der = NULL;
	int n;

	if (e->certificate != NULL)
		return TSR_OK;
	if (e->label[0] == '\0' && c->label != NULL)
		escape_text(e->label, sizeof(e->label), c->label, strlen(c->label));
	if ((n = i2d_X509(c->x509, &der)) <= 0)
		return TSR_CRYPTO;
	if (n <= PROTO_CERT_MAX) {
		if ((e->certificate = malloc((size_t)n)) == NULL) {
			OPENSSL_free(der);
			return TSR_NOMEM;
		}
		memcpy(e->certificate, der, (size_t)n);
		e->certificate_len = (size_t)n;
	}
	OPENSSL_free(der);
	return TSR_OK;
}

static int
keys_add_certificate(struct session *s, struct keys *k, const PKCS11_CERT *c)
{
	struct spki spki;
	struct key *e;
	size_t i;

	if (c->x509 == NULL || c->id == NULL || spki_from_certificate(c->x509, &spki) != TSR_OK)
		return TSR_OK;
	for (i = 0; i < k->n; i++) {
		e = &k->v[i];
		if (e->id_len == c->id_len && memcmp(e->id, c->id, c->id_len) == 0 &&
		    e->spki.len == spki.len && memcmp(e->spki.der, spki.der, spki.len) == 0)
			return keys_certify(e, c);
	}
	if ((e = keys_add(k, c->id, c->id_len)) == NULL)
		return TSR_OK;
	e->spki = spki;
	keys_read_flags(&s->src, e);
	i = k->n;
	keys_keep(k, e, s->mechs);
	return k->n > i ? keys_certify(e, c) : TSR_OK;
}

int
keys_list(struct session *s, struct keys *k, struct fault *f)
{
	PKCS11_CERT *certs = NULL;
	unsigned int i, n = 0;
	int r;

	if ((r = keys_list_public(&s->src, s->mechs, k, f)) != TSR_OK)
		return r;
	/* Without libp11's slot, or when a certificate cannot be read, the keys
	 * are still good. */
	if (s->token.p11 == NULL || s->token.p11->token == NULL ||
	    PKCS11_enumerate_certs(s->token.p11->token, &certs, &n) != 0) {
		ERR_clear_error();
		return TSR_OK;
	}
	for (i = 0; i < n && r == TSR_OK; i++)
		r = keys_add_certificate(s, k, &certs[i]);
	return r;
}
