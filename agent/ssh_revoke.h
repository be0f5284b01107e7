/*
 * ssh_revoke.h - the end of SSH certificates before their time: with what they came
 * from.
 *
 * A session that ends or is locked takes the certificates along that were issued for
 * keys its user holds himself; those of keys that the agent holds stay, since it
 * judges each signature.  What is revoked takes both along.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_SSH_REVOKE_H
#define AGENT_SSH_REVOKE_H

#include "agent/agent.h"
#include "agent/store_ssh.h"

#define SSH_ENDS_MAX	1024	/* sessions that ended and wait for the next commit: of more, all certificates end */

struct ssh_ends;

int ssh_ends_new(struct ssh_ends **out);	/* TSR_NOMEM */
void ssh_ends_free(struct ssh_ends **e);

/* In a request of its own (ssh_revoke_within: in the one that is open).  SSH_OF_ALL holds
 * for the published list even where the store does not take it, and is tried again
 * with each commit.  TSR_STORE. */
int ssh_revoke(struct agent *a, enum store_ssh_which which, const char *key);
/* The same, with an administrator's line about it; *n is how many there were. */
int ssh_revoke_subject(struct agent *a, const struct caller *by, const char *subject, int *n);
int ssh_revoke_within(struct agent *a, enum store_ssh_which which, const char *key);
/* TSR_NOT_FOUND besides. */
int ssh_revoke_serial(struct agent *a, const struct caller *by, uint64_t serial);

/* The session ended, or goes on under another sid: written with the next commit. */
void ssh_session_ended(struct agent *a, const char *sid);

/* Before a commit / after it, whether it succeeded or not: then the files follow. */
void ssh_end_sessions(struct agent *a);
void ssh_settle(struct agent *a, int committed);

/* Now and then: what was left over by an agent that was killed, rows whose time is over,
 * a first key where SSH is configured, files that could not be written. */
void ssh_sweep(struct agent *a);

#endif
