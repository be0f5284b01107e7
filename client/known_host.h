/*
 * known_host.h - the names that a person's known_hosts files (sshd(8)) give to hosts.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef CLIENT_KNOWN_HOST_H
#define CLIENT_KNOWN_HOST_H

#include <stddef.h>

/* The first name under which ~/.ssh/known_hosts or the machine's file has the key of
 * that fingerprint ("SHA256:..."), escaped; "" where neither has, or has it hashed, as
 * a pattern, or revoked. */
void known_host(const char *fingerprint, char *out, size_t size);

#endif
