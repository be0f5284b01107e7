/*
 * ssh_issue.h - the one place where an SSH certificate is made: principals and
 * options by policy, a row of its own, a line in the audit log.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_SSH_ISSUE_H
#define AGENT_SSH_ISSUE_H

#include "agent/agent.h"
#include "base/buf.h"
#include "token/ssh_cert.h"

struct ssh_wish {
	const char *subject;
	uid_t uid;			/* and number of the subject */
	const struct caller *caller;	/* who asks; NULL: the agent itself renews */
	const struct caller *last;	/* then by the uid and groups of who asked last; no process */
	const void *key;		/* public key's blob */
	size_t key_n;
	const char *credential, *sid;	/* of the proof; "" where none was asked for yet */
	uint32_t lifetime;		/* s; 0: as long as the audience gives, which it never exceeds */
	const char *const *principals;	/* some of those he has, or NULL: all */
	size_t n_principals;
	int held;			/* the agent holds the key: each signature is judged by itself */
};

struct ssh_issued {
	uint64_t serial;
	int64_t valid_after, valid_before;	/* s of the epoch */
	char id[SSH_CERT_ID_MAX];		/* key id */
	char ca[SSH_FINGERPRINT_MAX];
};

/* The audience of SSH where the configuration has one and the caller may ask for it,
 * else NULL: then he has neither key nor certificate. */
const struct config_audience *ssh_audience(const struct agent *a, const struct caller *c);

/*
 * Append the certificate's blob.  Written in a request of its own in the open
 * batch: the answer waits for the commit.  TSR_DENIED: policy, or a principal that is
 * not his; TSR_NOT_FOUND: no ssh {} in the configuration; TSR_CLOCK,
 * TSR_UNCONFIRMED, TSR_UNAVAILABLE as mint_token; TSR_STORE, TSR_NOMEM,
 * TSR_CRYPTO.  detail gets a sentence.
 */
int ssh_issue(struct agent *a, const struct ssh_wish *w, struct buf *blob, struct ssh_issued *out,
    char detail[256]);

/* Would it be issued now?  Nothing is written.  Errors as ssh_issue, and those of
 * ssh_key_read. */
int ssh_issue_check(struct agent *a, const struct ssh_wish *w, char detail[256]);

#endif
