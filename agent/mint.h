/*
 * mint.h - the one place where an access token is made.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_MINT_H
#define AGENT_MINT_H

#include "agent/agent.h"
#include "base/buf.h"

#define MINT_CLIENT_MAX	(CALLER_UNIT_MAX + 8)	/* bytes of a client_id, with NUL */

/* client_id is computed: "unit:NAME" where the audience admits the caller's
 * system unit, else "uid:N". */
void mint_client_id(const struct config_audience *a, const struct caller *c,
    char out[MINT_CLIENT_MAX]);

/* "uid:N": whoever has no unit. */
void mint_client_uid(uid_t uid, char out[MINT_CLIENT_MAX]);

/* Append {"access_token":...} (RFC 6749 section 5.1) for a session that was
 * judged good for the audience, and tell the subject's listeners.  Reads again
 * that the caller lives, and that clock and store are to be believed (TSR_CLOCK,
 * TSR_UNCONFIRMED), and that the second of a global revocation is over
 * (TSR_UNAVAILABLE).  TSR_CLOSED, TSR_TOO_LARGE, TSR_NOMEM, TSR_CRYPTO, TSR_STORE
 * while the audit log takes no lines. */
int mint_answer(struct agent *a, const struct config_audience *aud, const struct session *s,
    const char *scope, const struct caller *c, struct buf *out);

#endif
