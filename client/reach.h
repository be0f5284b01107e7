/*
 * reach.h - the agent's sockets: which one is meant, and whether who listens
 * there is to be trusted with a PIN.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef CLIENT_REACH_H
#define CLIENT_REACH_H

#include "client/client.h"
#include "client/lib/socket.h"

/* By --socket and --admin-socket, else as socket.h says. */
enum reach_socket { REACH_API, REACH_ADMIN };

/* The path of the one that is meant.  TSR_TOO_LARGE. */
int reach_path(const struct client *c, enum reach_socket which, char path[SOCKET_PATH_MAX]);

/*
 * Connect: *fd is CLOEXEC and non-blocking, the caller's to close.  The
 * socket's file must belong to root, "tessera" or us, and so must the process
 * that called listen (SO_PEERCRED): else untrusted_socket, and nothing was
 * sent.  unreachable with the sentence where nobody answers.  FAIL_*.
 */
int reach_open(struct client *c, enum reach_socket which, int *fd);

/* Whether we could connect at all: the file exists and may be written. */
int reach_possible(const struct client *c, enum reach_socket which);

#endif
