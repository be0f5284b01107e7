/*
 * ssh_key.h - public keys and signatures in SSH's wire form (RFC 4253 section
 * 6.6, RFC 5656, RFC 8709, RFC 8332, OpenSSH's PROTOCOL.u2f).
 *
 * Strings on SSH's wire are those of base/buf.h.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef TOKEN_SSH_KEY_H
#define TOKEN_SSH_KEY_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

#define SSH_KEY_MAX		2048	/* bytes of a public key's blob */
#define SSH_KEY_LINE_MAX	4096	/* bytes of "TYPE BASE64 COMMENT", with NUL */
#define SSH_KEY_COMMENT_MAX	256	/* bytes, with NUL */
#define SSH_FINGERPRINT_MAX	52	/* "SHA256:" and 43 characters, with NUL */

enum ssh_key_kind {
	SSH_ED25519 = 1, SSH_P256, SSH_P384, SSH_P521, SSH_RSA, SSH_SK_ED25519, SSH_SK_P256
};

/* A key's blob, in memory that somebody else owns. */
struct ssh_key {
	enum ssh_key_kind kind;
	const uint8_t *blob;
	size_t n;
	const uint8_t *fields;		/* what follows the type's name: as it stands in a certificate */
	size_t fields_n;
};

/* "ssh-ed25519" ... */
const char *ssh_key_name(enum ssh_key_kind kind);

/* Read a whole blob.  TSR_INVALID (cut, bytes left over, point off the curve,
 * numbers that are not minimal), TSR_UNSUPPORTED (DSA, certificates, anything else),
 * TSR_KEY_UNUSABLE (RSA under 2048 or over 8192 bits, e even, 1 or over 64 bits),
 * TSR_TOO_LARGE, TSR_CRYPTO. */
int ssh_key_read(const void *blob, size_t n, struct ssh_key *out);

/* One line of an authorized_keys or .pub file without options: fills blob (reset
 * first; at most SSH_KEY_MAX) and the comment (UTF-8 without control characters).
 * Errors as ssh_key_read, which it calls, and then blob is empty; TSR_INVALID where
 * name and blob disagree. */
int ssh_key_parse(const char *line, size_t n, struct buf *blob, char comment[SSH_KEY_COMMENT_MAX]);

/* Append "NAME BASE64[ COMMENT]" of any blob, a certificate's too: the name is the
 * blob's own first string.  No newline.  On error nothing is appended: TSR_INVALID
 * (no name, a comment with control characters), TSR_TOO_LARGE (over SSH_CERT_MAX). */
int ssh_key_line(struct buf *out, const void *blob, size_t n, const char *comment);

/* "SHA256:..." as ssh-keygen -l shows it, of any blob. */
int ssh_key_fingerprint(const void *blob, size_t n, char out[SSH_FINGERPRINT_MAX]);

/* Append the blob of an Ed25519 key / of a signature made by one. */
int ssh_ed25519_blob(struct buf *out, const uint8_t pub[32]);
int ssh_ed25519_signature(struct buf *out, const uint8_t sig[64]);

/* Check a signature blob over data by a host's key, which may be a host
 * certificate (then by the key in it; the certificate itself is not judged).  RSA
 * by rsa-sha2-256 and rsa-sha2-512 alone, never SHA-1.  TSR_BAD_SIGNATURE,
 * TSR_BAD_ALGORITHM, TSR_UNSUPPORTED (sk keys are no hosts'), TSR_KEY_UNUSABLE,
 * TSR_INVALID, TSR_TOO_LARGE, TSR_CRYPTO. */
int ssh_host_verify(const void *key, size_t key_n, const void *data, size_t n,
    const void *sig, size_t sig_n);

#endif
