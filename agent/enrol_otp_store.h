/*
 * enrol_otp_store.h - the end of a disconnected token's enrolment: offered,
 * vouched for by a code, stored.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_ENROL_OTP_STORE_H
#define AGENT_ENROL_OTP_STORE_H

#include "agent/agent.h"
#include "agent/otp_pending.h"

/* Names and strength that follow from what is known of p. */
void enrol_otp_name(const struct agent *a, struct otp_pending *p);

/* Append what the person gets to see: id, parameters, and (drawn) the URI. */
int enrol_otp_offer(struct buf *out, const struct agent *a, const struct otp_pending *p, int drawn);

/* A code of another token of c's subject, spent in this batch: TSR_OK and its
 * credential's id, else as otp_prove. */
int enrol_otp_prove(struct agent *a, const struct http_request *r, const struct credential *c,
    const char *code, char id[STORE_ID_LEN + 1]);

/* Store p in this batch with its audit line and its event; out gets the
 * credential.  Reads again who vouched. */
int enrol_otp_store(struct agent *a, struct http_conn *conn, struct otp_pending *p, struct buf *out);
/* Answer with what enrol_otp_store came to. */
void enrol_otp_refused(struct http_conn *conn, int code, const struct otp_pending *p);

#endif
