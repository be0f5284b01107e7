/*
 * remote_offer.h - what POST /challenge gives away: the challenge, what it says, and
 * which of the user's FIDO2 credentials may answer it.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_REMOTE_OFFER_H
#define AGENT_REMOTE_OFFER_H

#include "agent/agent.h"
#include "base/buf.h"
#include "token/challenge.h"

struct remote_wish {
	const char *subject;
	uid_t uid;
	const char *credential;		/* this one alone, or NULL */
	enum acr acr;			/* the weakest that will do */
};

/* May a credential answer?  Native ones always, a browser's only under the rp id
 * that is configured now. */
struct fido_record;
int remote_may_answer(const struct agent *a, const struct credential *c,
    const struct fido_record *rec);

/*
 * Append the whole answer.  TSR_DEVICE_NOT_FOUND, TSR_STEP_UP_REQUIRED where there
 * is nothing (strong enough) to answer with; TSR_NOMEM, TSR_TOO_LARGE, TSR_STORE.
 * What was appended before an error stays.
 */
int remote_offer(struct agent *a, const struct remote_wish *wish, const char *id,
    const uint8_t challenge[CHALLENGE_LEN], const uint8_t nonce[CHALLENGE_NONCE_LEN],
    const struct buf *context, struct buf *out);

/* The part that a browser takes (WebAuthn level 3 section 5.1.10): a credential
 * descriptor; first tells of the comma. */
int remote_descriptor(struct buf *out, const struct fido_record *rec, int first);

#endif
