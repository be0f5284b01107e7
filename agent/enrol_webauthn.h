/*
 * enrol_webauthn.h - a credential of a browser: offered by POST /credentials and
 * POST /admin/credentials of kind "webauthn", registered by their /ID/confirm.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_ENROL_WEBAUTHN_H
#define AGENT_ENROL_WEBAUTHN_H

#include "agent/agent.h"

struct enrol_fido;

/* Who may, may: answer with what a browser's navigator.credentials.create() takes,
 * and keep e until its answer comes. */
void enrol_webauthn_offer(struct enrol_fido *e);

/* One of that id waits for the registration that the caller brings. */
int enrol_webauthn_waits(struct agent *a, const struct http_request *r, const char *id, int admin);
/* It came; admin.c has checked an administrator. */
void enrol_webauthn_confirm(struct agent *a, const struct http_request *r, const char *id, int admin);

/* POST /credentials/ID/confirm: of a browser's registration, or of a code. */
void enrol_own_confirm(struct agent *a, const struct http_request *r, const struct asker *who,
    const char *id);

#endif
