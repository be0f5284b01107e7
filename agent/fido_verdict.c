/*
 * fido_verdict.c - see fido_verdict.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/fido_verdict.h"

#include <stdio.h>
#include <string.h>

#include "agent/audit_event.h"
#include "agent/misuse.h"
#include "agent/ssh_revoke.h"
#include "base/log.h"
#include "include/tessera.h"

#define EVENT_SUSPENDED	"credential-suspended"

void
fido_verdict_judge(struct fido_verdict *v, const struct credential *c, const struct fido_record *r,
    const uint8_t hash[ASSERTION_HASH_LEN], const uint8_t *authdata, size_t authdata_len,
    const uint8_t *sig, size_t sig_len)
{
	const struct assertion_policy policy = {
		.rp_id = r->rp_id, .spki = c->spki, .spki_len = c->spki_len,
		.algorithm = c->algorithm, .presence = 1, .verification = r->verification,
		.counter = r->counter
	};
	struct assertion_found found = { .counter = 0 };

	v->code = assertion_judge(&policy, hash, authdata, authdata_len, sig, sig_len, &found,
	    &v->fault);
	v->counter = found.counter;
	verdict_judge(&v->verdict, v->code);
}

void
fido_verdict_judge_silent(struct fido_verdict *v, const struct credential *c,
    const struct fido_record *r, const uint8_t hash[ASSERTION_HASH_LEN],
    const uint8_t *authdata, size_t authdata_len, const uint8_t *sig, size_t sig_len)
{
	const uint32_t last = r->counter;
	const struct assertion_policy policy = {
		.rp_id = r->rp_id, .spki = c->spki, .spki_len = c->spki_len,
		.algorithm = c->algorithm, .counter = last
	};
	struct assertion_found found = { .counter = 0 };
	struct authdata a;

	memset(v, 0, sizeof(*v));
	v->code = assertion_judge(&policy, hash, authdata, authdata_len, sig, sig_len, &found,
	    &v->fault);
	if ((v->code != TSR_OK && v->fault != ASSERTION_COUNTER) ||
	    authdata_read(authdata, authdata_len, &a) != TSR_OK)
		return;
	v->counter = a.counter;
	v->behind = v->fault == ASSERTION_COUNTER && a.counter < last;
	if (v->code == TSR_OK && (a.flags & (AUTHDATA_UP | AUTHDATA_UV)) != 0) {
		v->code = TSR_DENIED;	/* an answer to a question that was not asked */
		v->fault = ASSERTION_PRESENCE;
	}
}

/* Whose key it is shall know, whoever held the other one. */
static int
verdict_suspend(struct agent *a, const struct caller *by, const struct credential *c)
{
	char json[96];
	int n, r;

	if ((r = audit_ready(a->audit)) != TSR_OK || (r = store_begin(a->store)) != TSR_OK)
		return r;
	if ((r = store_credential_set_state(a->store, c->id, CREDENTIAL_ACTIVE,
	    CREDENTIAL_SUSPENDED)) != TSR_OK ||
	    (r = ssh_revoke_within(a, SSH_OF_CREDENTIAL, c->id)) != TSR_OK ||
	    (r = audit_event_clone(a, by, c)) != TSR_OK) {
		store_undo(a->store);
		return r;
	}
	if ((r = store_keep(a->store)) != TSR_OK)
		return r;
	misuse_tell(a, by, METRICS_MISUSE_CLONE, c->uid, c->subject, NULL, c->label);
	(void)session_end_credential(a->sessions, c->id);
	n = snprintf(json, sizeof(json), "{\"id\":\"%s\",\"reason\":\"clone\"}", c->id);
	events_hold(a->events, c->uid, EVENT_SUSPENDED, json, (size_t)n);
	return TSR_OK;
}

int
fido_verdict_spend(struct agent *a, const struct fido_verdict *v, const struct caller *by,
    const struct credential *c)
{
	int r;

	if (!verdict_allows(&v->verdict)) {
		if (v->fault == ASSERTION_COUNTER && (r = verdict_suspend(a, by, c)) != TSR_OK) {
			log_line(LOG_ERROR, "credential %s, of which there is perhaps a clone, could not be "
			    "suspended: %s", c->id, tsr_strerror(r));
			/* whoever is refused shall not hear of a suspension that is none */
			return r == TSR_CONFLICT || r == TSR_NOT_FOUND ? TSR_DENIED : r;
		}
		return v->code != TSR_OK ? v->code : TSR_DENIED;
	}
	if ((r = audit_ready(a->audit)) != TSR_OK || (r = store_begin(a->store)) != TSR_OK)
		return r;
	if ((r = store_fido_count(a->store, c->id, v->counter)) == TSR_OK)
		return store_keep(a->store);
	store_undo(a->store);
	return r == TSR_CONFLICT || r == TSR_NOT_FOUND ? TSR_DENIED : r;
}

int
fido_verdict_there(struct agent *a, const struct fido_verdict *v, const struct credential *c)
{
	int r;

	if (v->behind && (r = verdict_suspend(a, NULL, c)) != TSR_OK)
		log_line(LOG_ERROR, "credential %s, of which there is perhaps a clone, could not be "
		    "suspended: %s", c->id, tsr_strerror(r));
	if (v->code != TSR_OK)
		return v->code;
	if ((r = store_begin(a->store)) != TSR_OK)
		return r;
	if ((r = store_fido_count(a->store, c->id, v->counter)) == TSR_OK)
		return store_keep(a->store);
	store_undo(a->store);
	return r == TSR_CONFLICT ? TSR_DEVICE_BUSY : r;
}

const char *
fido_verdict_text(const struct fido_verdict *v, int code)
{
	if (code == TSR_OK || code == TSR_STORE || code == TSR_NOMEM)
		return "";
	if (v->fault == ASSERTION_COUNTER && code != TSR_DENIED)
		return "the key's counter went back: there is perhaps a copy of it";
	if (v->fault == ASSERTION_COUNTER)
		return "the key's counter went back: there is perhaps a copy of it.  Its credential is "
		    "suspended until an administrator enables it again";
	return v->fault != ASSERTION_GOOD ? assertion_fault_text(v->fault) :
	    "the key or its credential changed meanwhile";
}
