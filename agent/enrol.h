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

/* The caller may enrol (admin.c has checked); answers at once or parks. */
void enrol_pkcs11(struct agent *a, const struct http_request *r, const struct asker *who);

#endif
