/*
 * socket.c - find the agent and look at who it is.  See socket.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "client/lib/socket.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/lib/owner.h"
#include "tessera.h"

static const struct {
	const char *variable, *system, *name;
} sockets[] = {
	[SOCKET_API] = { "TESSERA_SOCK", TSR_SOCKET, "tessera.sock" },
	[SOCKET_ADMIN] = { "TESSERA_ADMIN_SOCK", "/run/tessera/admin.sock", "admin.sock" },
};

static int
socket_fits(int n)
{
	return n > 0 && n < SOCKET_PATH_MAX ? TSR_OK : TSR_TOO_LARGE;
}

int
socket_path(enum socket_which which, const char *given, unsigned flags,
    char path[SOCKET_PATH_MAX])
{
	const char *system = sockets[which].system, *dir;
	struct stat st;
	int n;

	if (given == NULL && (flags & SOCKET_SYSTEM) == 0)
		given = secure_getenv(sockets[which].variable);
	if (given != NULL && *given != '\0')
		return socket_fits(snprintf(path, SOCKET_PATH_MAX, "%s", given));
	dir = (flags & SOCKET_SYSTEM) == 0 ? secure_getenv("XDG_RUNTIME_DIR") : NULL;
	if (dir != NULL && *dir == '/' && stat(system, &st) != 0 && errno == ENOENT) {
		n = snprintf(path, SOCKET_PATH_MAX, "%s/tessera/%s", dir, sockets[which].name);
		if (socket_fits(n) == TSR_OK && stat(path, &st) == 0)
			return TSR_OK;
	}
	return socket_fits(snprintf(path, SOCKET_PATH_MAX, "%s", system));
}

int
socket_trusts(unsigned uid, unsigned flags)
{
	/* The name service is asked last: it is slow. */
	if (uid == 0 || ((flags & SOCKET_SYSTEM) == 0 && uid == geteuid()))
		return 1;
	return owner_is_agent(uid);
}

/* A socket that another user made in the agent's place would be told PINs. */
static int
socket_judge(const char *path, unsigned flags, int fd, struct socket_fault *why)
{
	struct stat st;
	struct ucred peer;
	socklen_t len = sizeof(peer);

	if (stat(path, &st) != 0 ||
	    getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0) {
		why->error = errno;
		return TSR_UNREACHABLE;
	}
	why->peer = socket_trusts(st.st_uid, flags);
	why->uid = why->peer ? peer.uid : st.st_uid;
	return why->peer && socket_trusts(peer.uid, flags) ? TSR_OK : TSR_UNTRUSTED;
}

int
socket_dial(const char *path, unsigned flags, int *out, struct socket_fault *why)
{
	struct sockaddr_un sun;
	int fd, r = TSR_UNREACHABLE;

	memset(why, 0, sizeof(*why));
	memset(&sun, 0, sizeof(sun));
	sun.sun_family = AF_UNIX;
	memcpy(sun.sun_path, path, strnlen(path, sizeof(sun.sun_path) - 1));
	if ((fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) == -1) {
		why->error = errno;
		return TSR_UNREACHABLE;
	}
	if (connect(fd, (const struct sockaddr *)&sun, sizeof(sun)) != 0) {
		why->error = errno;
		r = errno == EAGAIN || errno == EINTR ? TSR_AGAIN : TSR_UNREACHABLE;
	} else
		r = socket_judge(path, flags, fd, why);
	if (r != TSR_OK) {
		(void)close(fd);
		return r;
	}
	*out = fd;
	return TSR_OK;
}
