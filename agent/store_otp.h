/*
 * store_otp.h - what the store keeps of a disconnected token beside its
 * credential: the sealed seed, what was spent, how often somebody guessed.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_STORE_OTP_H
#define AGENT_STORE_OTP_H

#include <stdint.h>

#include "agent/otp_throttle.h"
#include "agent/store.h"
#include "oath/otp.h"

#define STORE_OTP_NONE	(-1)	/* no such counter */

enum otp_trust {
	OTP_USED = 0,		/* what is stored of its counter is so */
	OTP_FRESH = 1,		/* no code of it was right yet: it may come from a shelf */
	OTP_DOUBTED = 2		/* the store was restored: it shows two codes that follow each other */
};

struct otp_record {
	char credential[STORE_ID_LEN + 1];
	enum otp_kind kind;
	enum hmac_hash hash;
	unsigned digits;
	uint32_t period;	/* s; TOTP */
	int64_t start;		/* T0; TOTP */
	struct secret *seed;	/* unsealed; sealed at rest, the credential's id as associated data */
	int64_t watermark;	/* the last step or counter that was spent, or STORE_OTP_NONE */
	int64_t drift;		/* steps the token is ahead of us; TOTP */
	int64_t expected;	/* the counter whose code would resynchronise it, or STORE_OTP_NONE */
	enum otp_trust trust;
	struct otp_throttle throttle;
};
/* Wipe the seed, clear all. */
void otp_record_clear(struct otp_record *r);

/* The credential is there already, in the same request.  TSR_CONFLICT where the
 * record is, too; TSR_INVALID for a member out of its range. */
int store_otp_add(struct store *st, const struct otp_record *r);
/* TSR_NOT_FOUND; TSR_CORRUPT for a record that add would not have written. */
int store_otp_get(struct store *st, const char *credential, struct otp_record *out);

/*
 * Spend the counter at: one conditional statement, which moves the watermark only
 * upwards; drift and throttle go with it.  TSR_CONFLICT where it was spent
 * already, TSR_NOT_FOUND.
 */
int store_otp_spend(struct store *st, const char *credential, int64_t at, int64_t drift,
    const struct otp_throttle *t);
/* A code was refused: what is expected next, and the throttle. */
int store_otp_refuse(struct store *st, const char *credential, int64_t expected,
    const struct otp_throttle *t);

/* Decoys stand in for tokens that are not there, so that a user who does not
 * exist costs what one who does costs.  They have no credential.  Made at the
 * first call; n is their number from 0.  TSR_STORE, TSR_NOMEM. */
#define STORE_DECOYS	4
int store_otp_decoys(struct store *st);
/* A credential that may be read in place of one that a decoy has not: somebody's.
 * TSR_NOT_FOUND where nobody has a token. */
int store_otp_stand_in(struct store *st, char id[STORE_ID_LEN + 1]);
void store_otp_decoy(unsigned n, char id[STORE_ID_LEN + 1]);

#endif
