/*
 * socket.h - the agent's socket: which one is meant, and whether who listens
 * there is to be trusted with a PIN.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef CLIENT_LIB_SOCKET_H
#define CLIENT_LIB_SOCKET_H

#include <stddef.h>

#define SOCKET_PATH_MAX	108	/* bytes of a path, with NUL: what sockaddr_un holds */
#define SOCKET_RETRY_MS	20	/* between two tries while the backlog is full */

enum socket_which { SOCKET_API, SOCKET_ADMIN };

/* Whose socket will do. */
#define SOCKET_SYSTEM	1u	/* root's and "tessera"'s alone, not our own */

/* Why a socket was refused. */
struct socket_fault {
	int error;	/* errno, 0 where somebody is not trusted */
	int peer;	/* 1: it is who listens, 0: it is whose file it is */
	unsigned uid;	/* that is not trusted */
};

/* The socket's path: given, else $TESSERA_SOCK or $TESSERA_ADMIN_SOCK, else the
 * system's, else (where that does not exist) the one in $XDG_RUNTIME_DIR.  With
 * SOCKET_SYSTEM: given, else the system's.  TSR_TOO_LARGE. */
int socket_path(enum socket_which which, const char *given, unsigned flags,
    char path[SOCKET_PATH_MAX]);

/*
 * Connect without waiting: *fd is CLOEXEC and non-blocking, the caller's to
 * close.  The socket's file must belong to root, "tessera" or us, and so must
 * the process that called listen (SO_PEERCRED): else TSR_UNTRUSTED, and nothing
 * was sent.  TSR_AGAIN: the backlog is full, and there is nothing to poll for:
 * again after SOCKET_RETRY_MS.  TSR_UNREACHABLE.  *why says more of the last two.
 */
int socket_dial(const char *path, unsigned flags, int *fd, struct socket_fault *why);

/* 1 for root's, "tessera"'s and (without SOCKET_SYSTEM) our own uid. */
int socket_trusts(unsigned uid, unsigned flags);

#endif
