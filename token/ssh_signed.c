/*
 * ssh_signed.c - what an SSH agent is asked to sign.  See ssh_signed.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "token/ssh_signed.h"

#include <string.h>

#include "base/buf.h"
#include "tessera.h"
#include "token/ssh_cert.h"
#include "token/ssh_fields.h"

#define SSH_USERAUTH_REQUEST	50	/* RFC 4252 section 6 */
#define SSH_METHOD_MAX		64	/* bytes of a service, method, algorithm or hash */
#define SSHSIG			"SSHSIG"
#define SSHSIG_LEN		6

/* What stands in a login besides its session and user. */
struct ssh_login {
	const uint8_t *service, *method, *alg, *key;
	size_t service_n, method_n, alg_n, key_n;
	uint8_t follows;		/* a signature does */
};

/* A string that is malformed where it is longer than it may be. */
static int
ssh_signed_string(struct reader *r, size_t max, const uint8_t **p, size_t *n)
{
	return reader_string(r, max, p, n) == TSR_OK ? TSR_OK : TSR_INVALID;
}

/* The algorithm is that of the key it stands beside: by the same name, which for RSA
 * would be SHA-1. */
static int
ssh_signed_named(const struct ssh_login *l)
{
	enum ssh_key_kind kind;
	const uint8_t *name;
	struct reader r;
	size_t n;
	int is_cert;

	reader_init(&r, l->key, l->key_n);
	if (reader_string(&r, l->key_n, &name, &n) != TSR_OK)
		return TSR_INVALID;
	if (ssh_kind_find(name, n, &kind, &is_cert) != TSR_OK || kind == SSH_RSA)
		return TSR_UNSUPPORTED;
	return n == l->alg_n && memcmp(name, l->alg, n) == 0 ? TSR_OK : TSR_INVALID;
}

static int
ssh_signed_same(const struct ssh_login *l, const void *blob, size_t n)
{
	return n > 0 && l->key_n == n && memcmp(l->key, blob, n) == 0;
}

/* RFC 4252 section 7 from the service on. */
static int
ssh_signed_method(struct reader *r, struct ssh_login *l, struct ssh_signed *s)
{
	if (ssh_signed_string(r, SSH_METHOD_MAX, &l->service, &l->service_n) != TSR_OK ||
	    ssh_signed_string(r, SSH_METHOD_MAX, &l->method, &l->method_n) != TSR_OK)
		return TSR_INVALID;
	if (!ssh_is(l->service, l->service_n, "ssh-connection"))
		return TSR_UNSUPPORTED;
	if (reader_u8(r, &l->follows) != TSR_OK || l->follows != 1 ||
	    ssh_signed_string(r, SSH_METHOD_MAX, &l->alg, &l->alg_n) != TSR_OK ||
	    ssh_signed_string(r, SSH_CERT_MAX, &l->key, &l->key_n) != TSR_OK)
		return TSR_INVALID;
	if (ssh_is(l->method, l->method_n, "publickey"))
		return reader_end(r);
	if (!ssh_is(l->method, l->method_n, "publickey-hostbound-v00@openssh.com"))
		return TSR_UNSUPPORTED;
	if (ssh_signed_string(r, SSH_CERT_MAX, &s->host, &s->host_n) != TSR_OK || s->host_n == 0)
		return TSR_INVALID;
	return reader_end(r);
}

static int
ssh_signed_login(struct reader *r, const void *key, size_t key_n, const void *cert, size_t cert_n,
    struct ssh_signed *s)
{
	struct ssh_login l = { 0 };
	uint8_t number;
	int e;

	s->kind = SSH_SIGNED_LOGIN;
	if (ssh_signed_string(r, SSH_SESSION_ID_MAX, &s->session, &s->session_n) != TSR_OK ||
	    s->session_n < SSH_SESSION_ID_MIN || reader_u8(r, &number) != TSR_OK)
		return TSR_INVALID;
	if (number != SSH_USERAUTH_REQUEST)
		return TSR_UNSUPPORTED;
	if (ssh_cstring(r, s->user, sizeof(s->user)) != TSR_OK || s->user[0] == '\0')
		return TSR_INVALID;
	if ((e = ssh_signed_method(r, &l, s)) != TSR_OK)
		return e;
	if (!ssh_signed_same(&l, key, key_n) && !ssh_signed_same(&l, cert, cert_n))
		return TSR_DENIED;
	return ssh_signed_named(&l);
}

/* What follows SSHSIG. */
static int
ssh_signed_file(struct reader *r, struct ssh_signed *s)
{
	const uint8_t *reserved, *name, *hash;
	size_t reserved_n, name_n, hash_n;

	s->kind = SSH_SIGNED_FILE;
	if (ssh_cstring(r, s->name, sizeof(s->name)) != TSR_OK || s->name[0] == '\0' ||
	    ssh_signed_string(r, r->left, &reserved, &reserved_n) != TSR_OK ||
	    ssh_signed_string(r, SSH_METHOD_MAX, &name, &name_n) != TSR_OK ||
	    ssh_signed_string(r, r->left, &hash, &hash_n) != TSR_OK ||
	    reader_end(r) != TSR_OK)
		return TSR_INVALID;
	/* nobody knows yet what reserved may come to mean */
	if (reserved_n != 0)
		return TSR_UNSUPPORTED;
	if (ssh_is(name, name_n, "sha256"))
		return hash_n == 32 ? TSR_OK : TSR_INVALID;
	if (ssh_is(name, name_n, "sha512"))
		return hash_n == 64 ? TSR_OK : TSR_INVALID;
	return TSR_UNSUPPORTED;
}

int
ssh_signed_read(const void *data, size_t n, const void *key, size_t key_n,
    const void *cert, size_t cert_n, struct ssh_signed *out)
{
	struct ssh_signed s = { 0 };
	struct reader r;
	int e;

	/* a session identifier is not that long: nothing is both */
	if (n >= SSHSIG_LEN && memcmp(data, SSHSIG, SSHSIG_LEN) == 0) {
		reader_init(&r, (const uint8_t *)data + SSHSIG_LEN, n - SSHSIG_LEN);
		e = ssh_signed_file(&r, &s);
	} else {
		reader_init(&r, data, n);
		e = ssh_signed_login(&r, key, key_n, cert, cert_n, &s);
	}
	if (e == TSR_OK)
		*out = s;
	return e;
}
