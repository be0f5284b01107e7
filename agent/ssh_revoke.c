/*
 * ssh_revoke.c - see ssh_revoke.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/ssh_revoke.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/audit_event.h"
#include "agent/clock.h"
#include "agent/ssh_ca.h"
#include "agent/watch.h"
#include "base/log.h"
#include "include/tessera.h"

struct ssh_ends {
	char sid[SSH_ENDS_MAX][STORE_ID_LEN + 1];
	size_t n, n_written;		/* of those, in the batch under way */
	int all, all_written;		/* every certificate */
	int judged;			/* what an agent before us left of dead sids was ended */
	int failing;			/* the files could not be written */
};

int
ssh_ends_new(struct ssh_ends **out)
{
	return (*out = calloc(1, sizeof(**out))) != NULL ? TSR_OK : TSR_NOMEM;
}

void
ssh_ends_free(struct ssh_ends **e)
{
	free(*e);
	*e = NULL;
}

/* By whatever clock: a row that says 0 would not be revoked. */
static int64_t
revoke_now(void)
{
	int64_t now = clock_wall();

	return now > 0 ? now : 1;
}

int
ssh_revoke_within(struct agent *a, enum store_ssh_which which, const char *key)
{
	int n = 0, r;

	if ((r = store_ssh_cert_revoke(a->store, which, key, revoke_now(), &n)) == TSR_OK && n > 0)
		ssh_ca_revoked(a->ssh_ca);
	return r;
}

static int
revoke_end(struct agent *a, int code)
{
	if (code == TSR_OK)
		return store_keep(a->store);
	store_undo(a->store);
	return code;
}

int
ssh_revoke(struct agent *a, enum store_ssh_which which, const char *key)
{
	int r;

	if (which == SSH_OF_ALL) {
		a->ssh_ends->all = 1;
		ssh_ca_all(a->ssh_ca, 1);
	}
	/* where there is nothing to revoke, nothing has to be written; "" names nothing */
	if ((which != SSH_OF_ALL && key[0] == '\0') ||
	    store_ssh_cert_has(a->store, which, key) == TSR_NOT_FOUND)
		return TSR_OK;
	if ((r = store_begin(a->store)) != TSR_OK)
		return r;
	return revoke_end(a, ssh_revoke_within(a, which, key));
}

int
ssh_revoke_subject(struct agent *a, const struct caller *by, const char *subject, int *n)
{
	int r;

	if ((r = audit_ready(a->audit)) != TSR_OK || (r = store_begin(a->store)) != TSR_OK)
		return r;
	if ((r = store_ssh_cert_revoke(a->store, SSH_OF_SUBJECT, subject, revoke_now(), n)) == TSR_OK &&
	    (r = audit_event_ssh_revoked(a, by, subject, 0)) == TSR_OK)
		ssh_ca_revoked(a->ssh_ca);
	return revoke_end(a, r);
}

int
ssh_revoke_serial(struct agent *a, const struct caller *by, uint64_t serial)
{
	int r;

	if ((r = audit_ready(a->audit)) != TSR_OK || (r = store_begin(a->store)) != TSR_OK)
		return r;
	if ((r = store_ssh_cert_revoke_serial(a->store, serial, revoke_now())) == TSR_OK &&
	    (r = audit_event_ssh_revoked(a, by, NULL, serial)) == TSR_OK)
		ssh_ca_revoked(a->ssh_ca);
	return revoke_end(a, r);
}

/* --- sessions --- */

void
ssh_session_ended(struct agent *a, const char *sid)
{
	struct ssh_ends *e = a->ssh_ends;

	if (store_ssh_cert_has(a->store, SSH_OWN_OF_SESSION, sid) == TSR_NOT_FOUND)
		return;
	if (e->n == SSH_ENDS_MAX)
		e->all = 1;	/* as when everybody is logged out at once */
	else
		(void)snprintf(e->sid[e->n++], sizeof(e->sid[0]), "%s", sid);
}

void
ssh_end_sessions(struct agent *a)
{
	struct ssh_ends *e = a->ssh_ends;
	size_t i;
	int r = TSR_OK;

	e->n_written = 0;
	e->all_written = 0;
	if (e->n == 0 && !e->all)
		return;
	store_undo(a->store);		/* a request that did not end */
	if (store_begin(a->store) != TSR_OK)
		return;
	for (i = 0; i < e->n && !e->all && r == TSR_OK; i++)
		r = ssh_revoke_within(a, SSH_OWN_OF_SESSION, e->sid[i]);
	if (e->all)
		r = ssh_revoke_within(a, SSH_OF_ALL, "");
	if (revoke_end(a, r) != TSR_OK)
		return;
	e->n_written = e->n;
	e->all_written = e->all;
}

/* Once, when it begins and when it is over. */
static void
settle_tell(struct ssh_ends *e, int code)
{
	if (code != TSR_OK && !e->failing)
		log_line(LOG_ERROR, "the SSH CA's files cannot be written, servers do not learn what is "
		    "revoked: %s", tsr_strerror(code));
	else if (code == TSR_OK && e->failing)
		log_line(LOG_NOTICE, "the SSH CA's files are written again");
	e->failing = code != TSR_OK;
}

void
ssh_settle(struct agent *a, int committed)
{
	struct ssh_ends *e = a->ssh_ends;

	if (committed && e->all_written) {
		e->all = 0;
		ssh_ca_all(a->ssh_ca, 0);
	}
	if (committed && e->n_written > 0) {
		e->n -= e->n_written;
		memmove(e->sid, e->sid + e->n_written, e->n * sizeof(e->sid[0]));
		e->n_written = 0;
	}
	e->all_written = 0;
	if (ssh_ca_due(a->ssh_ca))
		settle_tell(e, ssh_ca_publish(a->ssh_ca, clock_wall()));
}

/* --- now and then --- */

static int
sweep_judge(void *arg, const struct ssh_cert_record *c)
{
	struct agent *a = arg;

	if (!c->held && c->revoked == 0 && c->sid[0] != '\0' && epochs_sid_dead(a->epochs, c->sid))
		ssh_session_ended(a, c->sid);
	return TSR_OK;
}

void
ssh_sweep(struct agent *a)
{
	struct ssh_ends *e = a->ssh_ends;
	int64_t now = clock_wall();

	/* One that was killed may have told verifiers of a session's end, and not its store. */
	if (!e->judged && store_ssh_cert_each(a->store, NULL, 0, sweep_judge, a) == TSR_OK)
		e->judged = 1;
	ssh_ca_retry(a->ssh_ca);
	if (watch_mint(a->watch) != TSR_OK)	/* by a clock that is not believed nothing is over */
		return;
	if (a->policy != NULL && policy_config(a->policy)->ssh.there)
		(void)ssh_ca_want(a->ssh_ca, now);
	if (store_ssh_cert_due(a->store, now) == TSR_OK && store_begin(a->store) == TSR_OK)
		(void)revoke_end(a, store_ssh_cert_sweep(a->store, now));
}
