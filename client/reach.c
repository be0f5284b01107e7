/*
 * reach.c - find the agent and look at who it is.  See reach.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "client/reach.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define REACH_CONNECT_MS	5000	/* waiting for a full backlog */

static const struct {
	enum option_id option;
	const char *variable, *system, *name;
} sockets[] = {
	[REACH_API] = { OPT_SOCKET, "TESSERA_SOCK", "/run/tessera/tessera.sock", "tessera.sock" },
	[REACH_ADMIN] = { OPT_ADMIN_SOCKET, "TESSERA_ADMIN_SOCK", "/run/tessera/admin.sock", "admin.sock" },
};

void
reach_path(const struct client *c, enum reach_socket which, char *path, size_t size)
{
	const char *given = c->opt[sockets[which].option], *dir;
	struct stat st;

	if (given == NULL)
		given = getenv(sockets[which].variable);
	if (given != NULL && *given != '\0') {
		(void)snprintf(path, size, "%s", given);
		return;
	}
	(void)snprintf(path, size, "%s", sockets[which].system);
	dir = getenv("XDG_RUNTIME_DIR");
	if (dir != NULL && *dir == '/' && stat(path, &st) != 0 && errno == ENOENT) {
		(void)snprintf(path, size, "%s/tessera/%s", dir, sockets[which].name);
		if (stat(path, &st) != 0)
			(void)snprintf(path, size, "%s", sockets[which].system);
	}
}

int
reach_possible(const struct client *c, enum reach_socket which)
{
	struct sockaddr_un sun;

	reach_path(c, which, sun.sun_path, sizeof(sun.sun_path));
	return access(sun.sun_path, W_OK) == 0;
}

int
reach_trusted_uid(unsigned uid)
{
	const struct passwd *pw;

	/* The name service is asked last: it is slow. */
	if (uid == 0 || uid == geteuid())
		return 1;
	return (pw = getpwnam("tessera")) != NULL && pw->pw_uid == uid;
}

static int
reach_refused(struct client *c, const char *path, int error)
{
	switch (error) {
	case ENOENT:
	case ENOTDIR:
		return fail_set(&c->failure, "unreachable",
		    "no agent: there is no socket %s; start tesserad, or name its socket with --socket or TESSERA_SOCK",
		    path);
	case ECONNREFUSED:
		return fail_set(&c->failure, "unreachable",
		    "no agent listens on %s; start tesserad", path);
	case EACCES:
	case EPERM:
		return fail_set(&c->failure, "denied",
		    "no permission to connect to %s; the administration socket is for root and the group tessera-admin",
		    path);
	default:
		return fail_set(&c->failure, "unreachable", "cannot connect to %s: %s", path,
		    strerror(error));
	}
}

/* connect() on a non-blocking Unix socket says EAGAIN while the backlog is
 * full, and there is nothing to poll for. */
static int
reach_connect(int fd, const struct sockaddr_un *sun)
{
	int tries;

	for (tries = 0; tries < REACH_CONNECT_MS / 20; tries++) {
		if (connect(fd, (const struct sockaddr *)sun, sizeof(*sun)) == 0)
			return 0;
		if (errno != EAGAIN && errno != EINTR)
			return errno;
		(void)poll(NULL, 0, 20);
	}
	return ETIMEDOUT;
}

/* A socket that another user made in the agent's place would be told PINs. */
static int
reach_judge(struct client *c, const char *path, int fd)
{
	struct stat st;
	struct ucred peer;
	socklen_t len = sizeof(peer);

	if (stat(path, &st) != 0)
		return reach_refused(c, path, errno);
	if (!reach_trusted_uid(st.st_uid))
		return fail_set(&c->failure, "untrusted_socket",
		    "refused: the socket %s belongs to uid %u, not to root, tessera or you; somebody may have put it there to catch PINs",
		    path, (unsigned)st.st_uid);
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0)
		return reach_refused(c, path, errno);
	if (!reach_trusted_uid(peer.uid))
		return fail_set(&c->failure, "untrusted_socket",
		    "refused: uid %u listens on %s, not root, tessera or you; it may be there to catch PINs",
		    (unsigned)peer.uid, path);
	return FAIL_NONE;
}

int
reach_open(struct client *c, enum reach_socket which, int *out)
{
	struct sockaddr_un sun;
	char path[PATH_MAX];
	int fd = -1, error, status;

	memset(&sun, 0, sizeof(sun));
	sun.sun_family = AF_UNIX;
	reach_path(c, which, path, sizeof(path));
	if (strlen(path) >= sizeof(sun.sun_path))
		return fail_set(&c->failure, "unreachable",
		    "the socket's path is longer than %zu bytes", sizeof(sun.sun_path) - 1);
	memcpy(sun.sun_path, path, strlen(path));
	if ((fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) == -1)
		return reach_refused(c, path, errno);
	if ((error = reach_connect(fd, &sun)) != 0)
		status = reach_refused(c, path, error);
	else
		status = reach_judge(c, path, fd);
	if (status != FAIL_NONE) {
		(void)close(fd);
		return status;
	}
	*out = fd;
	return FAIL_NONE;
}
