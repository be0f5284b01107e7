/*
 * audit.h - the audit log as the agent's other parts see it: who did what, for
 * whom, with which credential, and what came of it.  One JSON line an event
 * (tesserad(8) lists them).  Never a PIN, a code or a token.
 *
 * Lines join the batch: what waits for its line waits for the commit of the
 * store, which keeps the line until it is in the file, at the latest
 * AUDIT_DELAY_MS later.  While the log cannot be written nothing is minted or
 * changed: audit_ready() says so.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_AUDIT_H
#define AGENT_AUDIT_H

#include <stdint.h>
#include <sys/types.h>

#include "agent/audit_file.h"
#include "agent/timer.h"

#define AUDIT_DELAY_MS	900		/* a line of a mint until it is durable */
#define AUDIT_RETRY_MS	250		/* between tries while the log cannot be written */
#define AUDIT_HEAD_MS	60000		/* between heads in the journal */
#define AUDIT_MINUTE_MS	60000		/* refusals are counted over */
#define AUDIT_FLUSH	(1u << 20)	/* bytes of lines that are written without waiting */
#define AUDIT_KEPT	8192u		/* bytes of lines that a commit of the store keeps; more are written */

struct audit;

/* All texts may be NULL (absent); they are escaped, and cut where they are
 * long. */
struct audit_record {
	const char *event;		/* "proof", a-z and - */
	const char *verdict;		/* NULL: "ok" */
	int code;			/* TSR_*, shown where it is not TSR_OK */
	int has_by;
	uid_t by;			/* who asked */
	pid_t pid;
	const char *subject;		/* for whom */
	int has_uid;
	uid_t uid;
	const char *credential, *label, *audience, *scope, *client, *acr, *sid, *jti, *kid;
	const char *service, *tty, *rhost;	/* a login helper's words, of a proof alone */
	const char *detail;		/* words */
	const char *members;		/* further whole members, each with a comma before it */
};

/* head() is given the head once a minute where it changed, and at the end;
 * failed() is told when the log can no longer be written (ok 0) and when it can
 * again (1). */
struct audit_client {
	void (*head)(void *arg, const char *text);
	void (*failed)(void *arg, int ok);
	void *arg;
};

/* Takes file over, also on an error.  TSR_NOMEM. */
int audit_new(struct audit_file *file, struct timers *timers, const struct audit_client *client,
    struct audit **out);
/* Writes what is pending, and the head. */
void audit_free(struct audit **a);

void audit_limits(struct audit *a, uint64_t size, unsigned keep);

/* TSR_STORE while the log cannot be written or is too far behind.  a may be
 * NULL here and in what follows: there is no log, all is well. */
int audit_ready(const struct audit *a);

/* A line.  durable: something else in this batch waits for it.  TSR_STORE as
 * above: the line is lost (and counted), what it says must not happen. */
int audit_put(struct audit *a, const struct audit_record *rec, int durable);

/* A failed proof of uid: a line of its own, beyond AUDIT_FAILED_PER_UID a
 * minute one refusal more. */
void audit_failed(struct audit *a, const struct audit_record *rec);

/* A refusal before authorisation: one more.  code lives for ever. */
void audit_refused(struct audit *a, uid_t uid, const char *code);

/*
 * The end of a batch, before the store's commit.  Lines whose time has come are
 * written to the file.  Where something waits for lines that are not in it yet,
 * *p and *n are lines that the store's commit has to keep (else *n is 0): so a
 * proof costs one sync, and its line and what it changed are durable together.
 * TSR_STORE: nothing of the batch may be promised.
 */
int audit_commit(struct audit *a, const void **p, size_t *n);
/* After it: the batch is durable (r TSR_OK), or what waited was refused. */
void audit_committed(struct audit *a, int r);

#endif
