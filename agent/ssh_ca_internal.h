/*
 * ssh_ca_internal.h - between ssh_ca.c and ssh_ca_files.c.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_SSH_CA_INTERNAL_H
#define AGENT_SSH_CA_INTERNAL_H

#include "agent/ssh_ca.h"
#include "base/buf.h"

struct ssh_ca_key {
	char id[STORE_ID_LEN + 1];
	enum ssh_ca_key_state state;
	int64_t created, activated, retired;
	struct buf blob;
	struct buf line;		/* NUL-terminated */
	char fingerprint[SSH_FINGERPRINT_MAX];
};

/* What was read from the store. */
struct ssh_ca_ring {
	struct ssh_ca_key entry[SSH_CA_KEYS_MAX];
	size_t n;
	struct jws_key *active;		/* the only private key in memory */
	const struct ssh_ca_key *signer;
};

struct ssh_ca {
	struct store *st;
	char *name, *trusted_file, *krl_file;
	struct ssh_ca_ring *ring;
	struct buf krl;
	uint64_t version;
	int wanted;		/* the files are to be there */
	int stale;		/* the store may know more than ring */
	int trusted_due, krl_due;	/* to be written with the next publish */
	int failed_trusted, failed_krl;	/* older than they should be */
	int all;		/* every certificate is revoked, whatever the store says */
	int doubted;		/* as when the list was made: what the store says is not believed */
};

/* Read the keys from the store, in place of those that are known; both files are due
 * then.  Codes as store_ssh_ca_each. */
int ssh_ca_load(struct ssh_ca *c);

/* Is the store doubted?  What an altered or an older one says is not revoked may be. */
int ssh_ca_doubtful(const struct ssh_ca *c);

#endif
