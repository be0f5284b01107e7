/*
 * ssh_ca.h - the keys of the SSH CA, and the two files by which servers know what it
 * signed: the keys that are trusted (TrustedUserCAKeys), and what is revoked of
 * them (RevokedKeys).
 *
 * What is here is what the store has committed: changes are written to the open
 * batch, ssh_ca_publish reads them back after its commit and writes the files.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_SSH_CA_H
#define AGENT_SSH_CA_H

#include <stddef.h>
#include <stdint.h>

#include "agent/store_ssh.h"
#include "token/jws.h"
#include "token/ssh_key.h"

#define SSH_CA_TRUSTED_MAX	16	/* next, active and retired */
#define SSH_CA_REVOKED_MAX	64	/* revoked keys that the list names: of more the oldest is forgotten */
#define SSH_CA_KEYS_MAX		128	/* all */
#define SSH_CA_FILE		"ssh_ca.pub"
#define SSH_KRL_FILE		"ssh_krl"

struct ssh_ca;

/* Load from the store; the files are in folder, and nothing is written there before
 * there is a key or ssh_ca_want was called.  name is the keys' comment.  A row that was
 * altered is no error here: then there are no keys, and the state says so.
 * TSR_NOMEM.  st must outlive *out. */
int ssh_ca_open(struct store *st, const char *folder, const char *name, struct ssh_ca **out);
void ssh_ca_free(struct ssh_ca **c);

/* SSH is configured: the first key is made in the open batch, as a request of its own,
 * where there is none.  TSR_STORE, TSR_CORRUPT; TSR_INVALID by a clock that is before
 * the epoch. */
int ssh_ca_want(struct ssh_ca *c, int64_t now);

/* In the open batch, as a request of its own.  TSR_AGAIN while an earlier change is
 * not committed; TSR_STORE, TSR_CORRUPT; TSR_INVALID as above.
 * prepare: make the next key (TSR_CONFLICT where there is one, TSR_TOO_LARGE where
 * SSH_CA_TRUSTED_MAX are trusted).
 * rotate: the next one signs, the active one retires (TSR_NOT_FOUND where there is
 * no next).  at_once: all that are trusted are revoked, and a new one signs.
 * retire: a retired one is trusted no more (TSR_NOT_FOUND, TSR_CONFLICT for one
 * that is not retired). */
int ssh_ca_prepare(struct ssh_ca *c, int64_t now);
int ssh_ca_rotate(struct ssh_ca *c, int at_once, int64_t now);
int ssh_ca_retire(struct ssh_ca *c, const char *id, int64_t now);

/* Certificates were revoked in the open batch: the list is due.  all: every one is,
 * also where the store cannot take it, until ssh_ca_all(c, 0). */
void ssh_ca_revoked(struct ssh_ca *c);
void ssh_ca_all(struct ssh_ca *c, int all);

/* Something waits to be published. */
int ssh_ca_due(const struct ssh_ca *c);
/* After a commit, whether it succeeded or not: read the store again, write the files
 * that are due.  Does nothing while the batch is open.  What fails stays unpublished
 * until ssh_ca_retry made it due again. */
int ssh_ca_publish(struct ssh_ca *c, int64_t now);
void ssh_ca_retry(struct ssh_ca *c);	/* or the store is believed no more, or again */

struct ssh_ca_state {
	size_t keys;			/* all */
	int stale;			/* the store could not be read since it changed */
	int unpublished;		/* one of the files could not be written */
	uint64_t krl_version;		/* of the list that was made last, 0 none */
};
void ssh_ca_state(const struct ssh_ca *c, struct ssh_ca_state *out);

/* The n-th key of ssh_ca_state.keys, oldest first; good until the next ssh_ca_publish. */
struct ssh_ca_entry {
	const char *id;
	enum ssh_ca_key_state state;
	int64_t created, activated, retired;	/* s of the epoch, 0 not yet */
	const char *line;		/* "ssh-ed25519 BASE64 NAME" */
	const char *fingerprint;
};
void ssh_ca_entry(const struct ssh_ca *c, size_t n, struct ssh_ca_entry *out);

/* The key that signs, with its id: NULL where there is none, or it is not known
 * whether it still does. */
struct jws_key *ssh_ca_active(struct ssh_ca *c, const char **id, const char **fingerprint);

/* The list that was made last; n 0 where there is none. */
const void *ssh_ca_krl(const struct ssh_ca *c, size_t *n);

#endif
