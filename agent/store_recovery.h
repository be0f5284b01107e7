/*
 * store_recovery.h - single-use codes for who lost his token: keyed hashes, gone
 * when they are spent.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_STORE_RECOVERY_H
#define AGENT_STORE_RECOVERY_H

#include <stdint.h>

#include "agent/store.h"

#define STORE_RECOVERY_HASH	32	/* bytes */
#define STORE_RECOVERY_KEY	32

enum recovery_kind {
	RECOVERY_PRINTED = 1,		/* one of a list on paper */
	RECOVERY_REPLACEMENT = 2	/* an administrator gave it in place of a lost token */
};

/* The key that codes are hashed with, sealed in the store; make: drawn and stored
 * in this request where there is none yet.  TSR_NOT_FOUND. */
int store_recovery_key(struct store *st, int make, struct secret **out);

/* One more of the user's; ends: s of the epoch, 0 never. */
int store_recovery_add(struct store *st, const char *subject, uid_t uid, enum recovery_kind kind,
    const uint8_t hash[STORE_RECOVERY_HASH], int64_t ends);

/* All of that kind that the user has are void. */
int store_recovery_clear(struct store *st, const char *subject, uid_t uid, enum recovery_kind kind);

/* Spend one: one conditional statement.  TSR_NOT_FOUND where the user has no such
 * code, or its time is over; least is the weakest kind that will do. */
int store_recovery_spend(struct store *st, const char *subject, uid_t uid,
    const uint8_t hash[STORE_RECOVERY_HASH], enum recovery_kind least, int64_t now);

#endif
