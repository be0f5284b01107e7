/*
 * ssh_binds.h - for which sessions with which hosts a connection to ssh.sock was
 * said to be used (session-bind@openssh.com), and whether a signature may be made on
 * it.
 *
 * A connection that other hosts use was bound by each ssh on the way, the last one
 * where somebody logs in (OpenSSH's PROTOCOL.agent, section 1).
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_SSH_BINDS_H
#define AGENT_SSH_BINDS_H

#include "base/config.h"
#include "token/ssh_bind.h"
#include "token/ssh_key.h"
#include "token/ssh_signed.h"

#define SSH_BINDS_MAX	16	/* hosts on the way */

struct ssh_bound {
	uint8_t session[SSH_SESSION_ID_MAX];
	size_t session_n;
	char host[SSH_FINGERPRINT_MAX];
	int forwarding;
};

/* Zeroed: not bound. */
struct ssh_binds {
	struct ssh_bound bound[SSH_BINDS_MAX];
	size_t n;
	int failed;		/* one was not accepted: nothing is signed here any more */
};

/* Is one more accepted at all?  Where not, its signature need not be looked at: that
 * is the dearest that an agent is asked for, by whomever the connection is forwarded to. */
int ssh_binds_open(const struct ssh_binds *b);

/* One more, whose signature was checked (read TSR_OK, else how that failed).
 * TSR_DENIED after one that does not forward, and where the session is another
 * host's; TSR_TOO_LARGE beyond SSH_BINDS_MAX; read. */
int ssh_binds_add(struct ssh_binds *b, int read, const struct ssh_bind *bind);

/* May s be signed here?  b may be NULL: not bound.  TSR_OK with *last the host where
 * it ends (NULL: not known), else TSR_DENIED with *why, a word for the audit log. */
int ssh_binds_judge(const struct ssh_binds *b, const struct ssh_signed *s, const struct config *c,
    const struct ssh_bound **last, const char **why);

#endif
