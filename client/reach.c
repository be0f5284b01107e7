/*
 * reach.c - the agent's sockets by the options, and refusals in words.  See
 * reach.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "client/reach.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "tessera.h"

#define REACH_CONNECT_MS	5000	/* waiting for a full backlog */

int
reach_path(const struct client *c, enum reach_socket which, char path[SOCKET_PATH_MAX])
{
	return which == REACH_API ? socket_path(SOCKET_API, c->opt[OPT_SOCKET], 0, path) :
	    socket_path(SOCKET_ADMIN, c->opt[OPT_ADMIN_SOCKET], 0, path);
}

int
reach_possible(const struct client *c, enum reach_socket which)
{
	char path[SOCKET_PATH_MAX];

	return reach_path(c, which, path) == TSR_OK && access(path, W_OK) == 0;
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

static int
reach_untrusted(struct client *c, const char *path, const struct socket_fault *why)
{
	if (why->peer)
		return fail_set(&c->failure, "untrusted_socket",
		    "refused: uid %u listens on %s, not root, tessera or you; it may be there to catch PINs",
		    why->uid, path);
	return fail_set(&c->failure, "untrusted_socket",
	    "refused: the socket %s belongs to uid %u, not to root, tessera or you; somebody may have put it there to catch PINs",
	    path, why->uid);
}

int
reach_open(struct client *c, enum reach_socket which, int *out)
{
	struct socket_fault why;
	char path[SOCKET_PATH_MAX];
	int fd = -1, tries, r;

	if (reach_path(c, which, path) != TSR_OK)
		return fail_set(&c->failure, "unreachable",
		    "the socket's path is longer than %d bytes", SOCKET_PATH_MAX - 1);
	for (tries = 0; (r = socket_dial(path, 0, &fd, &why)) == TSR_AGAIN &&
	    tries < REACH_CONNECT_MS / SOCKET_RETRY_MS; tries++)
		(void)poll(NULL, 0, SOCKET_RETRY_MS);
	if (r == TSR_UNTRUSTED)
		return reach_untrusted(c, path, &why);
	if (r != TSR_OK)
		return reach_refused(c, path, r == TSR_AGAIN ? ETIMEDOUT : why.error);
	*out = fd;
	return FAIL_NONE;
}
