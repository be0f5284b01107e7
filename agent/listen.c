/*
 * listen.c - see listen.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/listen.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "tessera.h"

#define LISTEN_BACKLOG	1024	/* connections that wait for accept; the kernel caps it */

/* Where a complaint goes. */
struct complaint {
	char *text;
	size_t size;
};

static int __attribute__((format(printf, 3, 4)))
complain(const struct complaint *e, int code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(e->text, e->size, fmt, ap);
	va_end(ap);
	return code;
}

static int
listen_take_one(int fd, const char *name, struct listeners *l, const struct complaint *e)
{
	int *slot;

	if (strcmp(name, "api") == 0)
		slot = &l->api;
	else if (strcmp(name, "admin") == 0)
		slot = &l->admin;
	else if (strcmp(name, "ssh") == 0)
		slot = &l->ssh;
	else
		return complain(e, TSR_CONFIG, "the service manager handed over a socket named \"%s\"; "
		    "FileDescriptorName= must be api, admin or ssh", name);
	if (*slot != -1)
		return complain(e, TSR_CONFIG, "the service manager handed over two sockets named \"%s\"", name);
	if (sd_is_socket_unix(fd, SOCK_STREAM, 1, NULL, 0) <= 0)
		return complain(e, TSR_CONFIG, "the socket \"%s\" handed over is not a listening Unix "
		    "stream socket", name);
	*slot = fd;
	return TSR_OK;
}

/* 1: taken, 0: nothing was handed over. */
static int
listen_take(struct listeners *l, const struct complaint *e)
{
	char **names = NULL;
	int i, n, r = TSR_OK;

	if ((n = sd_listen_fds_with_names(1, &names)) < 0)
		return complain(e, TSR_SYSTEM, "sd_listen_fds: %s", strerror(-n));
	for (i = 0; i < n; i++) {
		if (r == TSR_OK)
			r = listen_take_one(SD_LISTEN_FDS_START + i, names[i], l, e);
		if (r != TSR_OK)
			(void)close(SD_LISTEN_FDS_START + i);
		free(names[i]);
	}
	free(names);
	return r != TSR_OK ? r : n > 0;
}

/* Make the folder, or make sure that nobody else rules it, and lock it. */
static int
listen_dir(const char *dir, mode_t mode, struct listeners *l, const struct complaint *e)
{
	struct stat st;

	if (mkdir(dir, mode) == 0) {
		if (chmod(dir, mode) != 0)
			return complain(e, TSR_SYSTEM, "%s: %s", dir, strerror(errno));
	} else if (errno != EEXIST) {
		return complain(e, TSR_SYSTEM, "%s: %s", dir, strerror(errno));
	}
	l->dir = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (l->dir == -1 || fstat(l->dir, &st) != 0)
		return complain(e, errno == ENOTDIR || errno == ELOOP ? TSR_CONFIG : TSR_SYSTEM,
		    "%s: %s", dir, strerror(errno));
	if ((st.st_uid != geteuid() && st.st_uid != 0) || (st.st_mode & 022) != 0)
		return complain(e, TSR_CONFIG, "%s belongs to uid %lu with mode %04o: others could replace "
		    "the sockets; chown it to root and chmod it to %04o", dir, (unsigned long)st.st_uid,
		    (unsigned)(st.st_mode & 07777), (unsigned)mode);
	if (flock(l->dir, LOCK_EX | LOCK_NB) != 0)
		return complain(e, errno == EWOULDBLOCK ? TSR_CONFLICT : TSR_SYSTEM,
		    "%s: another agent serves here", dir);
	return TSR_OK;
}

/* Make room at path: nothing, or a socket that nobody answers on. */
static int
listen_clear(const struct sockaddr_un *at, const struct complaint *e)
{
	struct stat st;
	int fd, r;

	if (lstat(at->sun_path, &st) != 0)
		return errno == ENOENT ? TSR_OK :
		    complain(e, TSR_SYSTEM, "%s: %s", at->sun_path, strerror(errno));
	if (!S_ISSOCK(st.st_mode))
		return complain(e, TSR_CONFIG, "%s exists and is not a socket: remove it", at->sun_path);
	if ((fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) == -1)
		return complain(e, TSR_SYSTEM, "socket: %s", strerror(errno));
	r = connect(fd, (const struct sockaddr *)at, sizeof(*at)) == 0 ? 0 : errno;
	(void)close(fd);
	if (r != ECONNREFUSED)
		return complain(e, TSR_CONFLICT, "%s: another agent answers here", at->sun_path);
	if (unlink(at->sun_path) != 0)
		return complain(e, TSR_SYSTEM, "%s: %s", at->sun_path, strerror(errno));
	return TSR_OK;
}

static int
listen_bind(const char *dir, const char *name, mode_t mode, gid_t group, int *out,
    char path[108], const struct complaint *e)
{
	struct sockaddr_un at;
	int fd, r, regroup = 0, bound = 0;

	memset(&at, 0, sizeof(at));
	at.sun_family = AF_UNIX;
	(void)snprintf(at.sun_path, sizeof(at.sun_path), "%s/%s", dir, name);
	if ((r = listen_clear(&at, e)) != TSR_OK)
		return r;
	/* Nobody can connect before listen, so the mode is in time. */
	if ((fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) == -1 ||
	    !(bound = bind(fd, (const struct sockaddr *)&at, sizeof(at)) == 0) ||
	    (group != (gid_t)-1 && (regroup = chown(at.sun_path, (uid_t)-1, group)) != 0) ||
	    chmod(at.sun_path, mode) != 0 || listen(fd, LISTEN_BACKLOG) != 0) {
		r = regroup != 0 ? complain(e, TSR_SYSTEM, "%s cannot be given to group %u: %s; let the "
		    "service manager make the socket, or make this user a member", at.sun_path, group,
		    strerror(errno)) : complain(e, TSR_SYSTEM, "%s: %s", at.sun_path, strerror(errno));
		if (fd != -1)
			(void)close(fd);
		if (bound)	/* nobody listens there, and the next start would wonder */
			(void)unlink(at.sun_path);
		return r;
	}
	*out = fd;
	memcpy(path, at.sun_path, sizeof(at.sun_path));
	return TSR_OK;
}

static int
listen_bind_all(const char *dir, int user_mode, gid_t admin_gid, struct listeners *l,
    const struct complaint *e)
{
	int r;

	if (strlen(dir) + strlen("/tessera.sock") >= sizeof(l->api_path))
		return complain(e, TSR_CONFIG, "%s: too long for the path of a socket (at most %zu bytes)",
		    dir, sizeof(l->api_path) - sizeof("/tessera.sock"));
	if ((r = listen_dir(dir, user_mode ? 0700 : 0755, l, e)) != TSR_OK)
		return r;
	l->bound = 1;
	if ((r = listen_bind(dir, "tessera.sock", user_mode ? 0600 : 0666, (gid_t)-1, &l->api,
	    l->api_path, e)) != TSR_OK)
		return r;
	if ((r = listen_bind(dir, "admin.sock", user_mode ? 0600 : 0660,
	    user_mode ? (gid_t)-1 : admin_gid, &l->admin, l->admin_path, e)) != TSR_OK)
		return r;
	return listen_bind(dir, "ssh.sock", user_mode ? 0600 : 0666, (gid_t)-1, &l->ssh, l->ssh_path, e);
}

int
listen_open(const char *dir, int user_mode, unsigned admin_gid,
    struct listeners *out, char *err, size_t err_size)
{
	struct listeners l = { .api = -1, .admin = -1, .ssh = -1, .dir = -1 };
	struct complaint e = { err, err_size };
	int r;

	if ((r = listen_take(&l, &e)) == 0)
		r = listen_bind_all(dir, user_mode, (gid_t)admin_gid, &l, &e);
	if (r < 0) {
		listen_close(&l);
		return r;
	}
	*out = l;
	return TSR_OK;
}

static void
listen_close_one(int *fd, char *path)
{
	if (*fd != -1)
		(void)close(*fd);
	*fd = -1;
	/* Only what we have put there. */
	if (path[0] != '\0')
		(void)unlink(path);
	path[0] = '\0';
}

void
listen_close(struct listeners *l)
{
	listen_close_one(&l->api, l->api_path);
	listen_close_one(&l->admin, l->admin_path);
	listen_close_one(&l->ssh, l->ssh_path);
	if (l->dir != -1)
		(void)close(l->dir);
	l->dir = -1;
	l->bound = 0;
}
