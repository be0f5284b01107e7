/*
 * daemon_open.h - what tesserad opens at its start, each with its complaint.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_DAEMON_OPEN_H
#define AGENT_DAEMON_OPEN_H

#include "agent/audit_file.h"
#include "agent/daemon.h"
#include "agent/listen.h"

/* The issuer of this agent: the configuration's; in user mode ISSUER/user/UID;
 * in a rehearsal it must end in "/rehearsal" and no folder may be the
 * system's.  TSR_CONFIG. */
int daemon_open_issuer(const struct config *c, enum config_mode mode, char issuer[AGENT_ISSUER_MAX],
    char *err, size_t err_size);

/* The store key: the configured file, the service manager's credential, or our
 * own file.  Codes as for store_key_read. */
int daemon_store_key(const struct config *c, struct secret **out, char *err, size_t err_size);

/* State folder, store key, audit log, store, its watch and the signing keys,
 * into a; the log's file into *audit. */
int daemon_open_store(const struct config *c, struct agent *a, struct audit_file **audit,
    char *err, size_t err_size);

/* audit.size in bytes. */
uint64_t daemon_audit_size(const struct config *c);

/* The listening sockets. */
int daemon_open_sockets(const struct config *c, enum config_mode mode, struct listeners *out,
    char *err, size_t err_size);

/* The uid of the helpers' user, whom no socket serves.  TSR_CONFIG where there is
 * no such user; in user mode *out is left as it is. */
int daemon_open_helper_user(const struct config *c, enum config_mode mode, uid_t *out,
    char *err, size_t err_size);

/* The pool of PKCS#11 helpers: forked, or reached by the configured socket. */
int daemon_open_helpers(const struct config *c, const struct daemon_options *o, struct loop *l,
    struct helpers **out);

/* The watcher of readers, forked or reached by its socket, and what follows from
 * what it sees. */
int daemon_open_presence(const struct config *c, const struct daemon_options *o, struct agent *a);

/* tessera-fido: forked where no helper has a socket, else by its own or not at all;
 * with it the watcher of keys, the same way. */
int daemon_open_fido(const struct config *c, const struct daemon_options *o, struct agent *a);
void daemon_fido_program(const struct config *c, char *out, size_t size);

/* The path of the helper program, in size bytes. */
void daemon_helper_program(const struct config *c, char *out, size_t size);

#endif
