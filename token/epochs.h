/*
 * epochs.h - the file that says which tokens are dead: its form, and how it is
 * read while it is written.
 *
 * The agent writes it (RUN/epochs, 0644), everybody may map it.  Numbers are in
 * the machine's own byte order: the file never leaves the boot that made it.  A
 * head of EPOCHS_HEAD bytes, then `slots` (a power of two) slots of a hash table
 * with linear probing, the first try at sid[0] & (slots - 1); a slot of zeroes
 * is empty, and ends the search.
 *
 * In place, under the sequence lock, only: seq is odd while anything else is
 * being changed, and never the same again.  The file is never cut or made
 * longer: where the table has to grow the old file's head says `superseded`, for
 * a mapping outlives a rename, and then another file takes the name.
 *
 * A token is dead where iat <= epoch, or where its sid is in the table.  The file
 * says so only in the boot of boot[], and while heartbeat_ms (CLOCK_BOOTTIME) is
 * not older than EPOCHS_STALE_MS: else whoever needs an answer has none.
 *
 * See tessera-epochs(5).
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef TOKEN_EPOCHS_H
#define TOKEN_EPOCHS_H

#include <stddef.h>
#include <stdint.h>

#define EPOCHS_MAGIC		UINT64_C(0x3148434552535400)	/* "\0TSRECH1", little-endian */
#define EPOCHS_HEAD		128		/* bytes */
#define EPOCHS_SLOTS_MIN	1024
#define EPOCHS_SLOTS_MAX	(1u << 20)	/* 32 MB */
#define EPOCHS_BEAT_MS		5000		/* between two heartbeats */
#define EPOCHS_STALE_MS		15000		/* a heartbeat older than this says nothing */
#define EPOCHS_BOOT_LEN		16		/* bytes of the boot's id */
#define EPOCHS_SID_LEN		22		/* characters: 128 bits in base64url */

struct epochs_head {
	uint64_t magic;
	uint64_t seq;
	uint64_t superseded;		/* 1: another file takes the name */
	uint64_t slots;			/* never changes */
	int64_t epoch;			/* s of the epoch */
	uint64_t heartbeat_ms;
	uint64_t generation;		/* of the key set: another number, another set */
	uint64_t dead;			/* sids in the table */
	uint8_t boot[EPOCHS_BOOT_LEN];	/* never changes */
	uint64_t unused[6];
};

struct epochs_slot {
	uint64_t sid[2];
	int64_t expires;		/* s of the epoch: no token of the sid is good any more */
	uint64_t due_ms;		/* the same on CLOCK_BOOTTIME: dropped after both */
};

struct epochs_sid {
	uint64_t v[2];
};

/* The 128 bits of a sid as tokens show it.  TSR_INVALID for any other form,
 * which no table holds. */
int epochs_sid(const char *text, struct epochs_sid *out);

/* The number of slots of a file of n bytes that begins with that head.
 * TSR_CORRUPT where it is none of these files, or was cut. */
int epochs_slots(const uint8_t head[EPOCHS_HEAD], size_t n, size_t *out);

/* The sid's slot in the table, or the empty one where it belongs; NULL where
 * there is neither.  For the writer's own copy. */
struct epochs_slot *epochs_find(struct epochs_slot *table, size_t slots,
    const struct epochs_sid *sid);

struct epochs_view {
	int superseded, dead;		/* dead: the sid is in the table */
	int64_t epoch;
	uint64_t heartbeat_ms, generation, seq;
};

/* Look for sid (NULL: for none) in a mapped file with that number of slots.
 * TSR_AGAIN while it is being written. */
int epochs_look(const void *file, size_t slots, const struct epochs_sid *sid,
    struct epochs_view *out);

#endif
