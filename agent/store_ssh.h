/*
 * store_ssh.h - the keys of the SSH CA, and the certificates that are still good.
 *
 * A certificate's row stays for STORE_SSH_SLACK_S after its end: a server whose clock
 * is late must still find it revoked.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_STORE_SSH_H
#define AGENT_STORE_SSH_H

#include <stdint.h>

#include "agent/store.h"
#include "base/secret.h"

#define STORE_SSH_LIVE_MAX	1024	/* certificates of one uid that are good */
#define STORE_SSH_SLACK_S	3600	/* s: a server's clock may be that late */
#define STORE_SSH_SWEEP		256	/* rows that one sweep takes out */
#define STORE_SSH_PUBLIC	32	/* bytes of an Ed25519 key, and of its seed */
#define STORE_SSH_NAMES_MAX	16384	/* bytes of a certificate's principals, with commas and NUL */

/* In order: a key never goes back. */
enum ssh_ca_key_state {
	SSH_CA_NEXT = 1,	/* trusted, does not sign yet */
	SSH_CA_ACTIVE,		/* trusted, signs */
	SSH_CA_RETIRED,		/* trusted, signs nothing more */
	SSH_CA_REVOKED,		/* all that it signed is revoked */
	SSH_CA_GONE		/* not trusted; here until its last certificate is over */
};

struct ssh_ca_record {
	char id[STORE_ID_LEN + 1];
	enum ssh_ca_key_state state;
	int64_t created, activated, retired;	/* s of the epoch, 0 not yet */
	uint8_t public_key[STORE_SSH_PUBLIC];
	struct secret *seed;	/* of next and active alone; sealed at rest (id as associated data) */
};
void ssh_ca_record_clear(struct ssh_ca_record *r);

/* Only next or active.  TSR_CONFLICT for an id that is there, a second next or a
 * second active; TSR_INVALID. */
int store_ssh_ca_add(struct store *st, const struct ssh_ca_record *r);
/* In order of creation; r is cleared after each(), bound as that of
 * store_credential_each.  TSR_CORRUPT for a row that was altered. */
int store_ssh_ca_each(struct store *st, int (*each)(void *arg, const struct ssh_ca_record *r),
    void *arg);
/* Forward only, with the time noted; from SSH_CA_RETIRED on the seed is wiped.
 * TSR_NOT_FOUND; TSR_CONFLICT backwards or where another one is active. */
int store_ssh_ca_set_state(struct store *st, const char *id, enum ssh_ca_key_state s, int64_t now);
int store_ssh_ca_remove(struct store *st, const char *id);	/* TSR_NOT_FOUND */

struct ssh_cert_record {
	uint64_t serial;		/* 1 to INT64_MAX */
	char ca[STORE_ID_LEN + 1];	/* id of the key that signed it */
	char subject[256];
	uid_t uid;
	char credential[STORE_ID_LEN + 1], sid[STORE_ID_LEN + 1];	/* of the proof, or "" */
	char fingerprint[64];		/* of the key that was certified */
	char id[256];			/* key id */
	char principals[STORE_SSH_NAMES_MAX];	/* with commas between */
	int64_t valid_after, valid_before;	/* s of the epoch */
	int held;			/* the agent holds the key */
	int64_t revoked;		/* s of the epoch, 0 not */
};

/* TSR_CONFLICT for a serial that is there, TSR_SLOW_DOWN where the uid has
 * STORE_SSH_LIVE_MAX that are good at now; TSR_INVALID. */
int store_ssh_cert_add(struct store *st, const struct ssh_cert_record *c, int64_t now);
/* Those of a subject (name and uid both), or with NULL of everybody, in order of
 * issue; each() as above. */
int store_ssh_cert_each(struct store *st, const char *subject, uid_t uid,
    int (*each)(void *arg, const struct ssh_cert_record *c), void *arg);
/* The serials of that CA key that are revoked, or with all each, rising. */
int store_ssh_cert_serials(struct store *st, const char *ca, int all,
    int (*each)(void *arg, uint64_t serial), void *arg);

/* What is revoked: those that name it. */
enum store_ssh_which {
	SSH_OF_SESSION,		/* a sid */
	SSH_OWN_OF_SESSION,	/* the same, of keys that the agent does not hold */
	SSH_OF_CREDENTIAL,	/* its id */
	SSH_OF_SUBJECT,		/* a name, whatever uid it had */
	SSH_OWN_OF_SUBJECT,	/* the same, of keys that the agent does not hold */
	SSH_OF_ALL		/* key is not looked at */
};
/* *n (may be NULL) is how many were not yet. */
int store_ssh_cert_revoke(struct store *st, enum store_ssh_which which, const char *key, int64_t now,
    int *n);
/* One: TSR_NOT_FOUND; TSR_OK where it was revoked before, too. */
int store_ssh_cert_revoke_serial(struct store *st, uint64_t serial, int64_t now);

/* Is there any that would be revoked so, is there one to be taken out?  TSR_OK,
 * TSR_NOT_FOUND. */
int store_ssh_cert_has(struct store *st, enum store_ssh_which which, const char *key);
int store_ssh_cert_due(struct store *st, int64_t now);
/* Take out up to STORE_SSH_SWEEP whose time is over, and keys that are gone with
 * nothing left of them. */
int store_ssh_cert_sweep(struct store *st, int64_t now);

#endif
