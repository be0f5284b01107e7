/*
 * recovery.h - what helps who lost his token: ten single-use codes on paper, or
 * one for a day from an administrator.
 *
 * Such a code stands where a token's code stands.  It is worth little (acr
 * "recovery"), for the one audience that it is given for, and never in silence.
 * It lifts the rest of the user's tokens.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_RECOVERY_H
#define AGENT_RECOVERY_H

#include "agent/agent.h"
#include "agent/store_recovery.h"

#define RECOVERY_CODES		10	/* on a list */
#define RECOVERY_CODE_LEN	19	/* "XXXX-XXXX-XXXX-XXXX": 80 random bits, base32 */
#define RECOVERY_S		86400	/* s that a replacement code lives */

/* 1 where what was typed has the form of such a code: case and dashes do not
 * matter. */
int recovery_is_code(const char *text);

/*
 * Spend a code of that user, inside a request (store_begin): TSR_OK and, where out
 * is not NULL, a credential that stands for it (acr "recovery"), to be freed; all
 * failures of the user's tokens are forgotten.  TSR_BAD_GRANT; TSR_STORE,
 * TSR_CORRUPT, TSR_NOMEM, TSR_CRYPTO: nothing may be kept.
 */
int recovery_spend(struct store *st, const char *subject, uid_t uid, const char *code,
    enum recovery_kind least, struct credential **out);

/* Tell everybody who listens for the user, once it is durable. */
void recovery_tell(struct agent *a, uid_t uid, const char *audience);

/* POST /admin/recovery-codes {"subject"}: 201 {"codes": [...]}; a list of before
 * is void. */
void recovery_list(struct agent *a, const struct http_request *r, const struct asker *who);

/* POST /admin/credentials/ID/replace {}: the credential is disabled, 201 {"code",
 * "subject", "expires_in"}. */
void recovery_replace(struct agent *a, const struct http_request *r, const struct asker *who,
    const char *id);

#endif
