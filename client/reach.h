/*
 * reach.h - the agent's sockets: which one is meant, and whether who listens
 * there is to be trusted with a PIN.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef CLIENT_REACH_H
#define CLIENT_REACH_H

#include <stddef.h>

#include "client/client.h"

enum reach_socket { REACH_API, REACH_ADMIN };

/* The socket's path: the option, else $TESSERA_SOCK or $TESSERA_ADMIN_SOCK,
 * else the system's, else (where that does not exist) the one in
 * $XDG_RUNTIME_DIR.  Cut to size. */
void reach_path(const struct client *c, enum reach_socket which, char *path, size_t size);

/*
 * Connect: *fd is CLOEXEC and non-blocking, the caller's to close.  The
 * socket's file must belong to root, "tessera" or us, and so must the process
 * that called listen (SO_PEERCRED): else untrusted_socket, and nothing was
 * sent.  unreachable with the sentence where nobody answers.  FAIL_*.
 */
int reach_open(struct client *c, enum reach_socket which, int *fd);

/* Whether we could connect at all: the file exists and may be written. */
int reach_possible(const struct client *c, enum reach_socket which);

/* 1 for root's, "tessera"'s and our own uid. */
int reach_trusted_uid(unsigned uid);

#endif
