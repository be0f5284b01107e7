/*
 * ssh_file.h - PUBLIC-DIR/ssh: the public keys that ssh.sock lists, and their
 * certificates, one file each, for clients that want them on a disk.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_SSH_FILE_H
#define AGENT_SSH_FILE_H

#include <sys/types.h>

#include "base/buf.h"

enum ssh_file { SSH_FILE_KEY = 1, SSH_FILE_CERT };	/* UID.pub, UID-cert.pub */

struct ssh_files;

/* Make the folder (0755), and empty it.  TSR_NOMEM, TSR_SYSTEM with errno. */
int ssh_files_new(const char *public_dir, struct ssh_files **out);
void ssh_files_free(struct ssh_files **f);

/* Replace uid's file by the line of a blob; what it cannot do it logs.  TSR_SYSTEM,
 * TSR_NOMEM. */
int ssh_file_write(const struct ssh_files *f, uid_t uid, enum ssh_file which, const struct buf *blob,
    const char *comment);
void ssh_file_remove(const struct ssh_files *f, uid_t uid, enum ssh_file which);

#endif
