/*
 * keys.h - the signing keys: made at first start, rotated by schedule, shown
 * in the JWKS before they sign and until their last token has expired.
 *
 * What is here is what the store has committed: keys_tick writes to the open
 * batch, keys_published reads it back.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_KEYS_H
#define AGENT_KEYS_H

#include <stddef.h>
#include <stdint.h>

#include "agent/store.h"
#include "token/jwk.h"
#include "token/jws.h"

struct keys;

/* Load from the store; where there is no active key of alg, make one, retire
 * the one of another algorithm, and commit.  rotate: seconds an active key
 * signs, 0 for ever; overlap: seconds a next key is shown before it signs and a
 * retired one after (at least the longest token lifetime).  public_file (NULL:
 * none) is written atomically, 0644.  TSR_TOO_LARGE where JWK_SET_MAX keys are
 * still shown, TSR_CORRUPT for a key that was altered, TSR_STORE, TSR_SYSTEM
 * for the file.  err gets one sentence.  st must outlive *out. */
int keys_open(struct store *st, enum jwk_alg alg, uint32_t rotate, uint32_t overlap,
    const char *public_file, int64_t now, struct keys **out, char *err, size_t err_size);
void keys_free(struct keys **k);

/* Write what is due at now (seconds of the epoch) to the open batch of the
 * store, as a request of its own: call once a minute, outside
 * store_begin..store_keep. */
int keys_tick(struct keys *k, int64_t now);

/* Begin a rotation by hand, in the open batch as keys_tick does: a next key is
 * shown from now on, and signs once it has been shown for the overlap
 * (TSR_CONFLICT where there is one already: *signs says when it is due).
 * At once: every key is taken away and a new one signs; what the old ones signed
 * is good for nobody who has read the new set.  *signs is when the new key
 * does, in seconds of the epoch.  TSR_AGAIN while an earlier change is not
 * committed, TSR_TOO_LARGE where JWK_SET_MAX keys are still shown, TSR_STORE,
 * TSR_NOMEM. */
int keys_rotate(struct keys *k, int at_once, int64_t now, int64_t *signs);

/* 1 from a change that was written until keys_published has read it. */
int keys_changed(const struct keys *k);

/* After the commit that follows keys_tick, whether it succeeded or not: read
 * the set from the store again where keys_tick wrote, and write the public file
 * where that is due; where either fails it is tried again at the next call.
 * Does nothing while the batch is still open. */
int keys_published(struct keys *k);

/* The active key, and whether all that is known is shown. */
struct keys_state {
	const char *kid, *algorithm;
	int64_t activated;		/* seconds of the epoch */
	int64_t rotates;		/* when the next key is due to sign, 0 never */
	int stale;			/* the store could not be read since it changed */
	int unpublished;		/* the public file could not be written */
};
void keys_state(const struct keys *k, struct keys_state *out);

/* How often the public file was written. */
uint64_t keys_written(const struct keys *k);

/* The n-th key of the set (n below keys_set()->n), oldest first. */
struct keys_entry {
	const char *kid, *algorithm;
	enum signing_state state;
	int64_t created, activated, retired;	/* seconds of the epoch, 0 not yet */
	int64_t changes;		/* when it signs, is retired, is gone; 0 never */
};
void keys_entry(const struct keys *k, size_t n, struct keys_entry *out);

/* All are good until the next keys_published or keys_tick. */
struct jws_key *keys_active(struct keys *k);		/* never NULL */
const char *keys_active_kid(const struct keys *k);	/* its kid as tokens show it */
const struct jwk_set *keys_set(const struct keys *k);	/* next, active and retired */
const char *keys_jwks(const struct keys *k, size_t *n);	/* the JSON of the set */

#endif
