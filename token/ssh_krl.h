/*
 * ssh_krl.h - key revocation lists as sshd's RevokedKeys reads them (OpenSSH's
 * PROTOCOL.krl).
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef TOKEN_SSH_KRL_H
#define TOKEN_SSH_KRL_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

#define SSH_KRL_MAX	(16u * 1024 * 1024)	/* bytes */

/* The serials revoked of one CA. */
struct ssh_krl_ca {
	const uint8_t *key;		/* the CA's blob */
	size_t key_n;
	int all;			/* the CA itself is revoked, and so all that it signed */
	const uint64_t *serials;	/* rising, none twice, none 0 */
	size_t n;
};

/* Append a KRL: not signed (sshd reads it from root's file), with a version that
 * grows, s of the epoch, and a comment.  On error nothing is appended: TSR_INVALID
 * (what is no key, serials out of order, a comment over 255 bytes or with control
 * characters), TSR_TOO_LARGE, TSR_NOMEM, TSR_CRYPTO. */
int ssh_krl_write(struct buf *out, const struct ssh_krl_ca *ca, size_t n_ca,
    uint64_t version, int64_t now, const char *comment);

/* Append to a list, which is empty or was made by this, the sections of another, as
 * they stand: one file revokes what both did.  The comment stays the first one's, the
 * version is the sum, the date the later one.  On error nothing changed: TSR_INVALID
 * (the other is no list, or is cut short), TSR_UNSUPPORTED (it is signed, or has what
 * the sshd of OpenSSH 9.2 would not read), TSR_TOO_LARGE, TSR_NOMEM. */
int ssh_krl_join(struct buf *list, const void *other, size_t n);

#endif
