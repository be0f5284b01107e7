/*
 * peer.h - the connection that the helper serves, and who is at its other end.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef BASE_PEER_H
#define BASE_PEER_H

#define PEER_AGENT_USER	"tessera"	/* the agent's user in system mode */

/*
 * Find the connected stream socket: given where it is not -1; the one of
 * socket activation with Accept=yes (LISTEN_PID, LISTEN_FDS: sd_listen_fds(3));
 * the one that the agent left as SPAWN_FD; standard input (inetd).
 * *from_socket is 1 where somebody connected to get here, and not our parent.
 * TSR_NOT_FOUND; TSR_INVALID for something else than a connected stream.
 */
int peer_find(int given, int *fd, int *from_socket);

/*
 * May whoever is at the other end (SO_PEERCRED) use the helper: root always;
 * our own uid where it started us or in user mode; the agent's user where it
 * connected to a system socket (there our own uid is that of other helpers,
 * which are not to be trusted).  TSR_DENIED.
 */
int peer_check(int fd, int from_socket, int user_mode);

#endif
