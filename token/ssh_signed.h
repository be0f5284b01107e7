/*
 * ssh_signed.h - what an SSH agent is asked to sign: SSH user authentication
 * (RFC 4252 section 7, and OpenSSH's publickey-hostbound-v00), or an SSHSIG
 * (OpenSSH's PROTOCOL.sshsig).  Nothing else is ever signed.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef TOKEN_SSH_SIGNED_H
#define TOKEN_SSH_SIGNED_H

#include <stddef.h>
#include <stdint.h>

#define SSH_SESSION_ID_MIN	20	/* bytes: SHA-1 */
#define SSH_SESSION_ID_MAX	64	/* bytes: SHA-512 */
#define SSH_NAMESPACE_MAX	256	/* bytes, with NUL */
#define SSH_USER_MAX		256	/* bytes, with NUL */

enum ssh_signed_kind { SSH_SIGNED_LOGIN = 1, SSH_SIGNED_FILE };

/* Pointers are into the data. */
struct ssh_signed {
	enum ssh_signed_kind kind;
	/* SSH_SIGNED_LOGIN */
	const uint8_t *session;		/* session identifier, SSH_SESSION_ID_MIN to _MAX bytes */
	size_t session_n;
	char user[SSH_USER_MAX];	/* of the server; not ""; may have any character but NUL */
	const uint8_t *host;		/* the server's key, where it is host-bound, else NULL */
	size_t host_n;
	/* SSH_SIGNED_FILE */
	char name[SSH_NAMESPACE_MAX];	/* namespace, not "" */
};

/*
 * Read all of data, for a key with that blob (or for its certificate): the blob and
 * the algorithm inside must be of the same key.  TSR_UNSUPPORTED for anything else
 * than the two kinds (another message, service or method, a hash other than sha256
 * and sha512, an RSA key, anything in SSHSIG's reserved field), TSR_DENIED for another
 * key's, TSR_INVALID where it is cut, has bytes left over, or a namespace or user with
 * NUL.  Whether a host key that it is bound to is one is for who compares it.
 */
int ssh_signed_read(const void *data, size_t n, const void *key, size_t key_n,
    const void *cert, size_t cert_n, struct ssh_signed *out);

#endif
