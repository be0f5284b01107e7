/*
 * otp.h - a code of a disconnected token: whose it is, whether it is right, and
 * that it is spent.
 *
 * Every code costs the same whatever comes of it: as many seeds are unsealed, as
 * many windows searched and as many rows written for a user who does not exist,
 * who is held back or whose token rests as for one who mistyped.  The answer is
 * given when the batch is durable.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_OTP_H
#define AGENT_OTP_H

#include "agent/store.h"
#include "agent/store_otp.h"
#include "agent/verdict.h"

#define OTP_PER_USER	STORE_DECOYS	/* tokens of one user that are looked at */
#define OTP_WINDOW	32		/* counters searched for each */
#define OTP_LOOK_AHEAD	10		/* counters an HOTP token may be ahead */
#define OTP_STEPS	1		/* steps a TOTP code may be early or late */
#define OTP_TEXT_MAX	24	/* bytes of what was typed, a recovery code at most */

struct otp_ask {
	const char *subject;		/* user name */
	uid_t uid;			/* and number; (uid_t)-1: there is no such user */
	const char *credential;		/* the id asked for, or NULL */
	enum acr acr;			/* at least */
	const char *source;		/* where it comes from: otp_throttle.h */
	const char *code, *next;	/* next: the code that follows, or NULL */
	int clock_good;			/* 0: TOTP codes are refused */
	const uint8_t *boot;		/* OTP_BOOT_LEN bytes that tell this boot from others */
	uint64_t started_s;		/* when the agent began, on the boot-time clock */
};

/*
 * Look at a code, inside a request (store_begin) of the batch.  v is TSR_OK's
 * verdict only for a code that is right, not spent, not too early and of an
 * active credential: then it is spent in this request, and *out is the
 * credential, the caller's to free.  TSR_BAD_GRANT for every other code;
 * TSR_STORE, TSR_CORRUPT, TSR_NOMEM, TSR_CRYPTO: nothing may be kept.
 */
int otp_prove(struct store *st, const struct otp_ask *ask, struct verdict *v,
    struct credential **out);

/*
 * Two codes that follow each other, shown to an administrator, who is not held
 * back: searched OTP_RESYNC counters ahead (TOTP: half of them to either side of
 * now), spent, and all failures forgotten.  Inside a request.  TSR_BAD_GRANT;
 * TSR_NOT_FOUND where the credential has no codes; else as otp_prove.
 */
#define OTP_RESYNC	1000
int otp_resync(struct store *st, const char *credential, const char *code, const char *next);

/* Somebody spoke for the owner: a device of his proved itself, or an
 * administrator said so.  Forget the failures of all his tokens / of one, inside
 * a request. */
int otp_forgive_all(struct store *st, const char *subject, uid_t uid);
int otp_forgive_one(struct store *st, const char *credential);

/* What is wrong with what was typed, NULL where it may be a code: said before
 * anything is looked at, since it tells nothing of anybody. */
const char *otp_complaint(const char *code);

#endif
