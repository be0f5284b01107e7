/*
 * admin_state.h - /admin/clock and /admin/store: may the clock and the store
 * be believed, and an administrator's word on it.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_ADMIN_STATE_H
#define AGENT_ADMIN_STATE_H

#include "agent/agent.h"

#define ADMIN_BACKUPS_MAX	16	/* files in STATE/backups */

/* GET /admin/clock; POST /admin/clock {} accepts it. */
void admin_clock(struct agent *a, const struct http_request *r, const struct asker *who);
void admin_clock_accept(struct agent *a, const struct http_request *r, const struct asker *who);

/* GET /admin/store; POST /admin/store/check|confirm|backup {}. */
void admin_store(struct agent *a, const struct http_request *r, const struct asker *who);
void admin_store_check(struct agent *a, const struct http_request *r, const struct asker *who);
void admin_store_confirm(struct agent *a, const struct http_request *r, const struct asker *who);
void admin_store_backup(struct agent *a, const struct http_request *r, const struct asker *who);

#endif
