/*
 * store_backup.h - a copy of the store while it is used, the way back, and
 * another key.
 *
 * A backup is a whole database of its own, sealed and tagged like the store:
 * it opens with the store key of its day.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_STORE_BACKUP_H
#define AGENT_STORE_BACKUP_H

#include <stddef.h>
#include <stdint.h>

#include "agent/store.h"

#define STORE_BACKUP_PAGES	32	/* pages (4 KiB) of a slice */

struct store_backup;

/* Begin a copy to path, where nothing may be yet (0600).  TSR_CONFLICT where
 * something is, TSR_SLOW_DOWN while another copy is made, TSR_STORE. */
int store_backup_begin(struct store *st, const char *path, struct store_backup **out);
/* A slice.  TSR_AGAIN: there is more, or a batch is open; TSR_OK: the copy is
 * whole and durable, *generation is what it holds; TSR_STORE. */
int store_backup_step(struct store_backup *b, uint64_t *generation);
/* An unfinished copy is removed. */
void store_backup_free(struct store_backup **b);

/*
 * Put the backup open as fd in the place of the store at url, which no agent
 * uses.  It has to open with key and be whole (TSR_CORRUPT); it is marked
 * STORE_RESTORED, so that all is suspended until it is confirmed.  The store
 * that was there stays beside it as FILE.before-restore.  One rename is all:
 * killed before it, nothing has happened.  Codes as for store_open.
 */
int store_restore(const char *url, const struct secret *key, int fd, char *err, size_t err_size);

/*
 * Seal and tag everything under another key, in one commit: before it the old
 * key opens the store, after it the new one.  TSR_CORRUPT where the store is
 * not as it was written (it is never made good by this), TSR_CONFLICT where a
 * verdict stands, TSR_STORE.
 */
int store_rekey(struct store *st, const struct secret *key);

/* A new random key in the file path (0600, durable), in the place of what was
 * there.  TSR_STORE. */
int store_key_write(const char *path, const struct secret *key, char *err, size_t err_size);

#endif
