/*
 * listen.h - the listening sockets: handed over by the service manager
 * (sd_listen_fds_with_names: "api", "admin", "ssh") or bound here.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_LISTEN_H
#define AGENT_LISTEN_H

#include <stddef.h>

struct listeners {
	int api, admin, ssh;	/* -1 where there is none, or once handed on */
	int bound;		/* 1: bound by us, to be unlinked at a clean end */
	int dir;		/* the folder, locked while we are bound there; else -1 */
	char api_path[108], admin_path[108], ssh_path[108];	/* where bound by us, else "" */
};

/*
 * Take what was handed over, else make dir (0755) and bind dir/tessera.sock (0666),
 * dir/admin.sock (0660, group admin_gid where it is not (gid_t)-1) and
 * dir/ssh.sock (0666); in user mode 0700 and 0600.  The folder must be ours or root's
 * and writable by no other.
 * A socket on which somebody answers, or a folder that another agent holds, is
 * TSR_CONFLICT; a stale one is replaced; anything else in its place is
 * TSR_CONFIG, and so is a handed-over socket of another kind or name.
 * TSR_SYSTEM.  err gets the sentence.
 */
int listen_open(const char *dir, int user_mode, unsigned admin_gid,
    struct listeners *out, char *err, size_t err_size);

/* Close what is still here and unlink what was bound.  A descriptor given to
 * http_server_listen is the server's: set it to -1. */
void listen_close(struct listeners *l);

#endif
