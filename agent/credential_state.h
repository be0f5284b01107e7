/*
 * credential_state.h - disabling, enabling and removing credentials, by their
 * owner or an administrator.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_CREDENTIAL_STATE_H
#define AGENT_CREDENTIAL_STATE_H

#include "agent/agent.h"

enum credential_change { CREDENTIAL_DISABLE, CREDENTIAL_ENABLE, CREDENTIAL_REMOVE };

/*
 * Do it and answer conn: 200 with the credential (removed: {}), 409 where it is
 * not in a state for that, or is its subject's last that a login would use and force is 0.
 * Sessions that came of it end; the subject's listeners are told.
 */
void credential_change(struct agent *a, struct http_conn *conn, const struct credential *c,
    enum credential_change what, int force);

#endif
