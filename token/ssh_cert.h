/*
 * ssh_cert.h - OpenSSH user certificates (PROTOCOL.certkeys), made and read.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef TOKEN_SSH_CERT_H
#define TOKEN_SSH_CERT_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "token/jws.h"
#include "token/ssh_key.h"

#define SSH_CERT_MAX		16384	/* bytes of a certificate's blob */
#define SSH_CERT_ID_MAX		256	/* bytes of a key id, with NUL */
#define SSH_CERT_PRINCIPALS_MAX	64
#define SSH_CERT_PRINCIPAL_LEN	256	/* bytes of one, with NUL */
#define SSH_CERT_OPTIONS_MAX	16	/* critical options, and extensions */
#define SSH_CERT_NONCE		32

/* "force-command" with its value; an extension has "". */
struct ssh_cert_option {
	const char *name, *value;
};

struct ssh_cert {
	struct ssh_key key;
	uint64_t serial;		/* not 0 */
	const char *id;			/* not "", no control characters */
	const char *const *principals;
	size_t n_principals;		/* at least one: none would mean everybody */
	uint64_t valid_after, valid_before;	/* s of the epoch: good from, and until before */
	const struct ssh_cert_option *critical, *extensions;	/* in any order; sorted when written */
	size_t n_critical, n_extensions;
};

/* 1 where it may stand in a certificate: 1 to 255 bytes of UTF-8, no comma, no
 * control character, no blank at either end. */
int ssh_cert_principal_ok(const char *principal);

/* Append the certificate's blob, signed by an Ed25519 key; nonce is drawn by the
 * caller.  On error nothing is appended.  TSR_INVALID: no principal or one that is not
 * fit, a time of 0 or beyond the other or for ever, an option twice, another kind of
 * CA's key; TSR_TOO_LARGE, TSR_NOMEM, TSR_CRYPTO. */
int ssh_cert_make(struct buf *out, struct jws_key *ca, const struct ssh_cert *c,
    const uint8_t nonce[SSH_CERT_NONCE]);

/* A certificate as it was read; what it points to is in *this or in the blob. */
struct ssh_cert_read {
	enum ssh_key_kind kind;
	const uint8_t *fields;		/* of the key, as in struct ssh_key */
	size_t fields_n;
	uint64_t serial;
	uint32_t type;			/* 1 user, 2 host */
	char id[SSH_CERT_ID_MAX];
	size_t n_principals;
	char principals[SSH_CERT_PRINCIPALS_MAX][SSH_CERT_PRINCIPAL_LEN];
	uint64_t valid_after, valid_before;
	const uint8_t *critical, *extensions;	/* packed, as they stand */
	size_t critical_n, extensions_n;
	const uint8_t *ca;		/* the signing key's blob */
	size_t ca_n;
};

/* Read a whole blob; the signature is checked where the CA's key is Ed25519, ECDSA
 * or RSA with SHA-2, and any other CA is refused.  Times and principals are not judged.
 * TSR_INVALID (also options out of order), TSR_UNSUPPORTED (what is no certificate, a CA
 * on a security key), TSR_BAD_SIGNATURE, TSR_BAD_ALGORITHM, TSR_KEY_UNUSABLE,
 * TSR_TOO_LARGE, TSR_CRYPTO. */
int ssh_cert_read(const void *blob, size_t n, struct ssh_cert_read *out);

#endif
