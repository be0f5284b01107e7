/*
 * admin.h - the admin socket: who may do what there, and the credentials.
 *
 * uid 0 may do everything.  Members of the administrators' group may read; a
 * change by them carries a token of audience "tessera-admin" whose proof is at
 * most 300 s old and "hardware" or stronger.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_ADMIN_H
#define AGENT_ADMIN_H

#include "agent/agent.h"

#define ADMIN_PROOF_S	300	/* s a proof is good for changes */

/* May the caller read / change?  Where not, the request was answered. */
int admin_may_read(struct agent *a, const struct http_request *r);
int admin_may_change(struct agent *a, const struct http_request *r, const struct asker *who);

/* 1 for an administrator by the policy in force; nobody is answered. */
int admin_is(const struct agent *a, const struct http_request *r);

void admin_devices(struct agent *a, const struct http_request *r, const struct asker *who);
void admin_credentials(struct agent *a, const struct http_request *r, const struct asker *who);
/* POST /admin/enrolment-codes {"subject"} */
void admin_code(struct agent *a, const struct http_request *r, const struct asker *who);
void admin_enrol(struct agent *a, const struct http_request *r, const struct asker *who);
void admin_credential_resync(struct agent *a, const struct http_request *r, const struct asker *who,
    const char *id);
void admin_enrol_confirm(struct agent *a, const struct http_request *r, const struct asker *who,
    const char *id);
void admin_credential(struct agent *a, const struct http_request *r, const struct asker *who,
    const char *id);
/* POST /admin/credentials/ID/disable|enable|remove */
void admin_credential_disable(struct agent *a, const struct http_request *r, const struct asker *who,
    const char *id);
void admin_credential_enable(struct agent *a, const struct http_request *r, const struct asker *who,
    const char *id);
void admin_credential_remove(struct agent *a, const struct http_request *r, const struct asker *who,
    const char *id);

#endif
