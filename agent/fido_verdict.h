/*
 * fido_verdict.h - what becomes of an assertion: judged by what was enrolled,
 * counted in the store, and a counter that went back taken for a clone.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_FIDO_VERDICT_H
#define AGENT_FIDO_VERDICT_H

#include "agent/agent.h"
#include "agent/assertion.h"
#include "agent/store_fido.h"
#include "agent/verdict.h"

struct fido_verdict {
	struct verdict verdict;
	int code;			/* what the evidence came to */
	enum assertion_fault fault;
	uint32_t counter;		/* that it bore, where it allows */
	int behind;			/* the counter is lower than the last one, not just the same */
};

/* Judge an assertion over hash for a credential and its record: UP always, UV as
 * enrolled. */
void fido_verdict_judge(struct fido_verdict *v, const struct credential *c,
    const struct fido_record *r, const uint8_t hash[ASSERTION_HASH_LEN],
    const uint8_t *authdata, size_t authdata_len, const uint8_t *sig, size_t sig_len);

/*
 * The end of it, in a savepoint of this batch.  TSR_OK: it allows, and its counter
 * is stored.  Where the counter did not grow the credential is suspended, with a
 * line in the audit log, an event and the end of its sessions: TSR_DENIED, or why
 * that could not be.  Else what the evidence came to, or why nothing could be
 * stored.
 */
int fido_verdict_spend(struct agent *a, const struct fido_verdict *v, const struct caller *by,
    const struct credential *c);

/*
 * Judge a silent assertion: nobody was asked, and neither UP nor UV may be set.
 * It tells that the key is there and never allows anything.
 */
void fido_verdict_judge_silent(struct fido_verdict *v, const struct credential *c,
    const struct fido_record *r, const uint8_t hash[ASSERTION_HASH_LEN],
    const uint8_t *authdata, size_t authdata_len, const uint8_t *sig, size_t sig_len);

/*
 * The end of that, as fido_verdict_spend(); a counter that stood still denies and
 * suspends nothing: there are keys that count touches only.  TSR_DEVICE_BUSY where
 * a later one was stored meanwhile.
 */
int fido_verdict_there(struct agent *a, const struct fido_verdict *v, const struct credential *c);

/* The sentence for a code of fido_verdict_spend(). */
const char *fido_verdict_text(const struct fido_verdict *v, int code);

#endif
