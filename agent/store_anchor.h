/*
 * store_anchor.h - a note of the store's generation outside of its files, by
 * which a store that was put back to an earlier day is known.
 *
 * The file holds one line: "tessera-anchor 1", the store, its generation, a
 * keyed hash of generation and sum, and one over all of that, so that nobody
 * without the store key can write another.  It may be behind the store (a crash
 * comes between commit and note), never ahead.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_STORE_ANCHOR_H
#define AGENT_STORE_ANCHOR_H

#include <stddef.h>
#include <stdint.h>

#include "agent/store.h"

#define STORE_ANCHOR_MAX	256	/* bytes of the file */

/* Compare.  TSR_OK: the store is as new as the note, or there is no note and
 * never was.  TSR_CORRUPT: it is older, or another than noted at the same
 * generation, or the note is gone or is not of this store: *at_least is where
 * the generation has to go on, err the sentence.  TSR_STORE where the file
 * cannot be read. */
int store_anchor_check(struct store *st, const char *path, uint64_t *at_least,
    char *err, size_t err_size);

/* Write the note for what is durable now (atomically, 0600), not while a batch
 * is open.  The first time a commit follows that notes that there is one.
 * TSR_INVALID, TSR_STORE. */
int store_anchor_write(struct store *st, const char *path);

#endif
