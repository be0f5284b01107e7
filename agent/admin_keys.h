/*
 * admin_keys.h - /admin/keys: the signing keys, and a rotation by hand.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_ADMIN_KEYS_H
#define AGENT_ADMIN_KEYS_H

#include "agent/agent.h"

/* GET /admin/keys: {"keys": [{"kid", "algorithm", "state", "created",
 * "activated", "retired", "changes"}]}, times in seconds of the epoch or null. */
void admin_keys(struct agent *a, const struct http_request *r, const struct asker *who);

/* POST /admin/keys/rotate {"at_once": false}: a next key is shown, and signs when
 * it has been shown for as long as a token lives; or at once, and what the old
 * ones signed is refused.  {"signs", "at_once"}. */
void admin_keys_rotate(struct agent *a, const struct http_request *r, const struct asker *who);

#endif
