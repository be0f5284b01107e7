/*
 * proved.h - what a proof by a device of this host leaves behind: its record, its
 * line of the audit log, a session.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_PROVED_H
#define AGENT_PROVED_H

#include "agent/agent.h"

/* The proof's own record, which reads again that the credential is active, and its
 * line (audience "" or NULL: a session; said as audit_event_proof()): there is never the one without the other.
 * A request of its own in the batch.  TSR_DENIED: the credential is not active any
 * more; TSR_STORE. */
int proved_record(struct agent *a, const struct caller *by, const struct login_said *said,
    const struct credential *c, const char *audience, int pin_default);

/* The session that comes of it, good once the batch is durable.  remote: proved by a
 * device elsewhere, which is never there.  TSR_NOMEM. */
int proved_session(struct agent *a, const struct caller *by, const struct credential *c,
    const char *audience, int remote, const struct session **out);

/* Tell uid's listeners, once the batch is durable, that the session of a credential
 * started. */
void proved_tell(struct agent *a, uid_t uid, const char *sid, const char *credential);

#endif
