/*
 * store_tag.h - how rows are kept from being altered: a tag each, and one sum
 * over all of them.
 *
 * The tag of a row is keyed BLAKE2b over the name of its table, its row number
 * and all its columns; it stands in the table row_tag.  The sum (mod 2^256) is
 * over one further keyed hash a tag, is changed by difference with each write,
 * and lies sealed beside the generation, which each commit raises.  Its terms
 * are never seen outside, so no set of old rows can be made to fit it.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_STORE_TAG_H
#define AGENT_STORE_TAG_H

#include <sqlite3.h>
#include <stdint.h>

#include "agent/store.h"
#include "base/secret.h"

#define STORE_TAG_LEN		32	/* bytes */
#define STORE_NONCE_LEN		16	/* bytes that tell this store from others */
#define STORE_SEEN		8	/* tags that are remembered for a request */
#define STORE_TOUCHED_MAX	1048576	/* rows one statement may change */

/* The tables that are kept so; the numbers are in the file. */
enum store_place {
	PLACE_META = 1, PLACE_CREDENTIAL, PLACE_SIGNING, PLACE_CARD_KEY, PLACE_OTP, PLACE_RECOVERY,
	PLACE_FIDO, PLACE_TOKEN, PLACE_SESSION, PLACE_SSH_CA, PLACE_SSH_CERT,
	PLACE_END
};

struct store_sum {
	uint64_t w[4];		/* least significant first */
};

/* What lies sealed in the table state. */
struct store_state {
	uint64_t generation;	/* commits so far */
	uint32_t verdict;	/* enum store_verdict */
	uint32_t anchored;	/* 1: an anchor was written for it once */
	uint8_t store[STORE_NONCE_LEN];
	struct store_sum sum;
};

struct store_touched {
	enum store_place place;
	sqlite3_int64 row;
};

/* A tag that was right in this request: a write need not read it again. */
struct store_seen {
	struct store_touched at;
	uint8_t tag[STORE_TAG_LEN];
};

/* A walk over all rows, a slice at a time. */
struct store_scan {
	int running;
	enum store_place place;
	sqlite3_int64 row;	/* the last one looked at in place */
	struct store_sum sum, kept;
	uint64_t rows, damaged;
};

struct store_tags {
	struct secret *row_key, *term_key, *anchor_key;
	sqlite3_stmt *get, *put, *drop, *save;
	sqlite3_stmt *one[PLACE_END], *next[PLACE_END];
	struct store_state now;		/* with the open batch's writes */
	struct store_state kept;	/* as it was at store_begin */
	struct store_touched *touched;
	size_t n_touched, size_touched;
	int lost;			/* a touched row could not be noted */
	struct store_seen seen[STORE_SEEN];
	unsigned n_seen;		/* since store_begin; the last STORE_SEEN are there */
	int quiet;			/* our own writes are not noted */
	struct store_scan scan;
};

/* Derive the keys from the store key / wipe them. */
int store_tags_keys(struct store_tags *t, const struct secret *store_key);
void store_tags_free(struct store_tags *t);
/* Note rows as they are written on this connection / before it is closed. */
void store_tags_attach(struct store *st);
void store_tags_detach(struct store *st);

/* Tags that were right may have changed: at the begin of a request. */
void store_tags_forget(struct store *st);
/* After a write: give the rows it touched their tags.  TSR_STORE, TSR_NOMEM. */
int store_tags_settle(struct store *st);
/* The row that is about to be believed: TSR_CORRUPT where it is not as it was
 * written. */
int store_tag_check(struct store *st, enum store_place place, sqlite3_int64 row);
/* The same for the row that s stands at, of "SELECT TABLE.*, tag" over the table and
 * row_tag beside it: nothing is read twice. */
int store_tag_check_at(struct store *st, enum store_place place, sqlite3_stmt *s);
/* As store_tag_check, and add what the row contributes to *sum. */
int store_tag_sum(struct store *st, enum store_place place, sqlite3_int64 row, struct store_sum *sum);
/* Tag every row and sum all up anew, whatever was there: after a migration,
 * under a new key, after a confirmation.  Inside a transaction. */
int store_tags_renew(struct store *st);

/* The sealed record: read into st->tags.now / write from there. */
int store_state_load(struct store *st);
int store_state_save(struct store *st);

/* Name of a place's table. */
const char *store_place_name(enum store_place place);
/* The next row of a place after *row: TSR_OK, TSR_NOT_FOUND. */
int store_next_row(struct store *st, enum store_place place, sqlite3_int64 *row);

#endif
