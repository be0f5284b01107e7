/*
 * ssh_user.h - the SSH key that the agent holds for a user, and its certificate.
 *
 * The key is made when somebody asks for it, and ends with the agent; it is stored
 * nowhere.  The certificate is kept until 80 % of its life is over, and renewed then
 * while its user has a live session or asked for it within the last hour.  Both lie
 * as files in PUBLIC-DIR/ssh, as they are listed: UID.pub and UID-cert.pub.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_SSH_USER_H
#define AGENT_SSH_USER_H

#include "agent/agent.h"
#include "token/ssh_cert.h"

#define SSH_USERS_MAX		1024	/* users with a key; each takes a page of locked memory */
#define SSH_USER_COMMENT_MAX	(NAMES_NAME_MAX + 16)	/* bytes, with NUL */
#define SSH_USER_LISTED_MS	3600000	/* a certificate is renewed for so long after it was listed */

struct ssh_users;

struct ssh_user {
	struct link link;		/* ssh_users.all */
	struct link unsettled;		/* ssh_users.unsettled: its certificate is not durable yet */
	struct ssh_users *users;
	uid_t uid;
	char name[NAMES_NAME_MAX];
	char comment[SSH_USER_COMMENT_MAX];
	struct caller last;		/* who asked last: uid and groups, no process */
	struct secret *key;		/* Ed25519, as libsodium has it */
	struct buf blob;		/* of the public key */
	struct buf cert, before;	/* blobs; empty where there is none; the one before it */
	uint64_t serial;		/* of cert */
	int64_t valid_before;		/* s of the epoch */
	int64_t due;			/* s of the epoch: to be renewed */
	uint64_t generation;		/* of the policy by which it was made */
	uint64_t listed_ms;		/* clock_boot_ms() */
	int made;			/* cert was, in this batch */
	int stands;			/* nobody took it back, as of the list of revocations krl */
	uint64_t krl;
	int written;			/* the files are what is listed */
	struct timer timer;
};

/* public_dir is copied; a folder in it is made, and emptied of what an agent before
 * this one left.  TSR_NOMEM, TSR_SYSTEM with errno. */
int ssh_users_new(struct agent *a, const char *public_dir, struct ssh_users **out);
void ssh_users_free(struct ssh_users **us);

/* The key of the caller, whose name that is, and a certificate where policy gives him
 * one now.  *fresh is 1 where that is not durable yet: what tells of it waits for the
 * commit.  TSR_NOT_FOUND: he has none; TSR_SLOW_DOWN: too many have one; TSR_NOMEM. */
int ssh_user_get(struct agent *a, const struct caller *c, const char *name,
    struct ssh_user **out, int *fresh);

/* The key that he was shown before, or NULL. */
struct ssh_user *ssh_user_of(struct agent *a, uid_t uid);

/* A session of the caller's begins: what he may need is made. */
void ssh_user_session(struct agent *a, const struct caller *c, const char *name);

/* The signature of data by his key, as a blob.  TSR_CRYPTO, TSR_NOMEM. */
int ssh_user_sign(const struct ssh_user *u, const void *data, size_t n, struct buf *out);

/* The batch was committed, or was not: certificates made in it are shown, or gone.
 * Writes the files. */
void ssh_users_settle(struct agent *a, int committed);

/* How many have a key. */
size_t ssh_users_count(const struct ssh_users *us);

#endif
