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

#define STORE_ANCHOR_MAX	256	/* bytes of the line, with its end */
#define STORE_ANCHOR_MAC	65	/* bytes of a MAC in hex, with NUL */
#define STORE_ANCHOR_STORE	33	/* bytes of the store's name in it, with NUL */

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

/* The line, without its newline, for what is durable now.  TSR_INVALID while a
 * batch is open, TSR_STORE where the store is closed after a failure. */
int store_anchor_text(const struct store *st, char out[STORE_ANCHOR_MAX]);
/* A MAC of other words under the key of these lines, which begin with
 * "tessera-anchor": those begin with something else.  TSR_CRYPTO. */
int store_anchor_mac(const struct store *st, const char *text, char hex[STORE_ANCHOR_MAC]);
/* The store's name in it. */
void store_anchor_store(const struct store *st, char out[STORE_ANCHOR_STORE]);

/* Compare with a line that from has.  As store_anchor_check; TSR_INVALID (and
 * no at_least) for one that was altered or is not of this store. */
int store_anchor_judge(const struct store *st, const char *line, const char *from, uint64_t *at_least,
    char *err, size_t err_size);

#endif
