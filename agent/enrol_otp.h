/*
 * enrol_otp.h - disconnected tokens: a seed is drawn or taken, and stored once
 * the token has shown a code (HOTP: two).
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_ENROL_OTP_H
#define AGENT_ENROL_OTP_H

#include "agent/agent.h"

/* 1 where the body's "kind" is one of these. */
int enrol_otp_wanted(const struct http_request *r);

/* POST /admin/credentials, by one who may (admin.c has checked) / POST
 * /credentials, one's own: answers at once or parks. */
void enrol_otp_admin(struct agent *a, const struct http_request *r, const struct asker *who);
void enrol_otp_own(struct agent *a, const struct http_request *r, const struct asker *who);

/* POST …/ID/confirm: the codes that end it. */
void enrol_otp_admin_confirm(struct agent *a, const struct http_request *r, const struct asker *who,
    const char *id);
void enrol_otp_own_confirm(struct agent *a, const struct http_request *r, const struct asker *who,
    const char *id);

#endif
