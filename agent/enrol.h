/*
 * enrol.h - POST /admin/credentials: find the key that a PKCS#11 URI names,
 * have it prove itself once, store its public half with the strength and the
 * algorithm that are pinned from now on.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_ENROL_H
#define AGENT_ENROL_H

#include "agent/agent.h"

/* POST /admin/credentials: the caller may enrol (admin.c has checked); answers
 * at once or parks. */
void enrol_pkcs11(struct agent *a, const struct http_request *r, const struct asker *who);

/* POST /credentials: one's own, with a code (enrol_code.h), or after a fresh
 * proof by an equal or stronger credential. */
void enrol_own(struct agent *a, const struct http_request *r, const struct asker *who);

#endif
