/*
 * enrol_fido.h - POST /admin/credentials and POST /credentials of kind "fido": a
 * FIDO2 key makes a credential, which is judged and stored.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_ENROL_FIDO_H
#define AGENT_ENROL_FIDO_H

#include "agent/agent.h"

/* 1 where the body says so. */
int enrol_fido_wanted(const struct http_request *r);

/* By an administrator (admin.c has checked) / one's own, as enrol_own().  Answers
 * at once or parks. */
void enrol_fido_admin(struct agent *a, const struct http_request *r, const struct asker *who);
void enrol_fido_own(struct agent *a, const struct http_request *r, const struct asker *who);

#endif
