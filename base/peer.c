/*
 * peer.c - the other end.  See peer.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "base/peer.h"

#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/spawn.h"
#include "tessera.h"

#define LISTEN_FDS_START	3	/* sd_listen_fds(3) */

/* 1 for a connected stream socket of the Unix family. */
static int
peer_is_stream(int fd)
{
	struct sockaddr_storage ss = { .ss_family = AF_UNSPEC };
	socklen_t n = sizeof(ss);
	int type = 0, listening = 0;
	socklen_t n_type = sizeof(type), n_listening = sizeof(listening);

	return getsockname(fd, (struct sockaddr *)&ss, &n) == 0 && ss.ss_family == AF_UNIX &&
	    getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &n_type) == 0 && type == SOCK_STREAM &&
	    getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &n_listening) == 0 && !listening;
}

/* Exactly one descriptor was passed to exactly this process. */
static int
peer_activated(void)
{
	const char *pid = getenv("LISTEN_PID"), *fds = getenv("LISTEN_FDS");
	char *end = NULL;

	if (pid == NULL || fds == NULL || strcmp(fds, "1") != 0)
		return 0;
	errno = 0;
	return strtol(pid, &end, 10) == (long)getpid() && errno == 0 && *end == '\0';
}

int
peer_find(int given, int *fd, int *from_socket)
{
	int activated = peer_activated();

	if (given == -1 && activated)
		given = LISTEN_FDS_START;
	if (given != -1) {
		if (!peer_is_stream(given))
			return TSR_INVALID;
		*fd = given;
		*from_socket = activated;
		return TSR_OK;
	}
	if (peer_is_stream(SPAWN_FD)) {
		*fd = SPAWN_FD;
		*from_socket = 0;
		return TSR_OK;
	}
	if (peer_is_stream(STDIN_FILENO)) {
		*fd = STDIN_FILENO;
		*from_socket = 1;
		return TSR_OK;
	}
	return TSR_NOT_FOUND;
}

int
peer_check(int fd, int from_socket, int user_mode)
{
	const struct passwd *pw;
	struct ucred cred;
	socklen_t n = sizeof(cred);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &n) != 0 || n != sizeof(cred))
		return TSR_DENIED;
	if (cred.uid == 0)
		return TSR_OK;
	if (!from_socket || user_mode)
		return cred.uid == getuid() ? TSR_OK : TSR_DENIED;
	pw = getpwnam(PEER_AGENT_USER);
	return pw != NULL && pw->pw_uid == cred.uid ? TSR_OK : TSR_DENIED;
}
