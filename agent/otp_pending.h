/*
 * otp_pending.h - disconnected tokens that were handed out and have not shown a
 * code yet: kept in memory, so that half an enrolment leaves nothing behind.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_OTP_PENDING_H
#define AGENT_OTP_PENDING_H

#include "agent/enrol_word.h"
#include "agent/store_otp.h"

#define OTP_PENDING_MAX		256	/* of all users */
#define OTP_PENDING_USER	4	/* of one uid that asked */
#define OTP_PENDING_S		600	/* s one waits */
#define OTP_PENDING_TRIES	5	/* wrong codes, then it is void */

/* What is to be stored. */
struct otp_pending {
	struct credential credential;
	struct otp_record record;
	uid_t by;			/* who began it */
	char voucher[STORE_ID_LEN + 1];	/* the credential that vouched, or "" */
	struct enrol_word word;		/* an administrator's, where there is one */
	int admin;			/* begun on the admin socket */
};

struct otp_pendings;

int otp_pendings_new(struct otp_pendings **out);
void otp_pendings_free(struct otp_pendings **ps);

/* Keep it; the seed is taken.  TSR_SLOW_DOWN beyond the limits, TSR_NOMEM. */
int otp_pending_add(struct otp_pendings *ps, struct otp_pending *p);

/* The one of that credential id that `by` began on that socket, NULL where there
 * is none (any more). */
struct otp_pending *otp_pending_find(struct otp_pendings *ps, const char *id, uid_t by, int admin);

/*
 * Is it the token's code (HOTP: two that follow each other)?  TSR_OK: the record
 * is ready to be stored, with those codes spent.  TSR_BAD_GRANT; after
 * OTP_PENDING_TRIES of those p is gone and *gone is 1.
 */
int otp_pending_confirm(struct otp_pendings *ps, struct otp_pending *p, const char *code,
    const char *next, int *gone);

/* It was stored, or given up. */
void otp_pending_end(struct otp_pendings *ps, struct otp_pending *p);

#endif
