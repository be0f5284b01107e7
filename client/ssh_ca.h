/*
 * ssh_ca.h - what the agent publishes of its SSH CA, judged before it goes to a file
 * of sshd's.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef CLIENT_SSH_CA_H
#define CLIENT_SSH_CA_H

#include <jansson.h>
#include <stddef.h>

#define SSH_CA_KRL_MARK	"SSHKRL\n"	/* how a list of revoked keys begins; a NUL follows (PROTOCOL.krl section 1) */

/* The line of one of the "keys" of GET /ssh/ca where servers are to trust it: next,
 * active or retired, one line of text.  Else NULL, also for a state that is not known
 * here. */
const char *ssh_ca_trusted(const json_t *key);

/* 1 where it begins as a list of revoked keys does: sshd with anything else lets
 * nobody in by a key. */
int ssh_ca_is_krl(const void *p, size_t n);

#endif
