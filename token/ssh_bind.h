/*
 * ssh_bind.h - session-bind@openssh.com (OpenSSH's PROTOCOL.agent section 1): the
 * client tells an agent for which session with which host it is used.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef TOKEN_SSH_BIND_H
#define TOKEN_SSH_BIND_H

#include <stddef.h>
#include <stdint.h>

/* Pointers are into the message. */
struct ssh_bind {
	const uint8_t *host;		/* the server's key, or host certificate */
	size_t host_n;
	const uint8_t *session;		/* session identifier */
	size_t session_n;
	int forwarding;			/* whoever comes next sits behind that host */
};

/* Read what follows the extension's name, whole, and check the host's signature
 * over the session.  TSR_INVALID, TSR_TOO_LARGE, and what ssh_host_verify says. */
int ssh_bind_read(const void *p, size_t n, struct ssh_bind *out);

#endif
