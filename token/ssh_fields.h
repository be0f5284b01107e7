/*
 * ssh_fields.h - the kinds of SSH keys, and the numbers a key is made of: what the
 * files of ssh_*.c share.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef TOKEN_SSH_FIELDS_H
#define TOKEN_SSH_FIELDS_H

#include <stddef.h>
#include <stdint.h>
#include <openssl/evp.h>

#include "base/buf.h"
#include "token/ssh_key.h"

struct ssh_kind {
	const char *name, *cert;	/* type of a key, and of its certificate */
	const char *curve;		/* as SSH names it, NULL but for ECDSA */
	const char *group;		/* as OpenSSL names it */
	const char *hash;		/* that goes with the curve */
	size_t size;			/* bytes of a coordinate */
	int sk;				/* on a security key: an application follows */
};

/* Pointers are into what was read. */
struct ssh_fields {
	enum ssh_key_kind kind;
	const uint8_t *a;	/* Ed25519 key, ECDSA point, RSA modulus with its sign byte */
	size_t a_n;
	const uint8_t *b;	/* RSA exponent */
	size_t b_n;
};

const struct ssh_kind *ssh_kind(enum ssh_key_kind kind);

/* Which kind has that type's name; *cert: 1 where it is that of the certificate.
 * TSR_UNSUPPORTED. */
int ssh_kind_find(const uint8_t *name, size_t n, enum ssh_key_kind *kind, int *cert);

/* Read the fields of a key, and judge them: see ssh_key_read. */
int ssh_fields_read(struct reader *r, enum ssh_key_kind kind, struct ssh_fields *out);

/* OpenSSL's object of an ECDSA or RSA key; freed by the caller.  TSR_INVALID where
 * the point is not on the curve, TSR_CRYPTO, TSR_NOMEM. */
int ssh_fields_pkey(const struct ssh_fields *f, EVP_PKEY **out);

/* A number of RFC 4251 section 5, of at most max bytes without its sign byte: over
 * zero, and as short as it can be written.  TSR_INVALID, TSR_TOO_LARGE. */
int ssh_mpint(struct reader *r, size_t max, const uint8_t **p, size_t *n);

/* 1 where the bytes are that text. */
int ssh_is(const uint8_t *p, size_t n, const char *text);

/* 1 where it is UTF-8 without control characters. */
int ssh_text_ok(const char *s, size_t n);

/* A string that becomes C's: no NUL in it, size bytes with the NUL.  TSR_INVALID,
 * TSR_TOO_LARGE. */
int ssh_cstring(struct reader *r, char *out, size_t size);

#endif
