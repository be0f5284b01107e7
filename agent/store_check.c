/*
 * store_check.c - see store_check.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/store_check.h"

#include <stdlib.h>
#include <string.h>

#include "agent/store_enrolled.h"
#include "agent/store_sqlite.h"
#include "tessera.h"

const char *
store_verdict_name(enum store_verdict v)
{
	switch (v) {
	case STORE_GOOD:
		return "good";
	case STORE_ALTERED:
		return "altered";
	case STORE_ROLLED_BACK:
		return "rolled-back";
	case STORE_RESTORED:
		return "restored";
	}
	return "unknown";
}

enum store_verdict
store_verdict(const struct store *st)
{
	return (enum store_verdict)st->tags.now.verdict;
}

uint64_t
store_generation(const struct store *st)
{
	return st->tags.now.generation;
}

/* --- looking at everything --- */

int
store_check_begin(struct store *st)
{
	struct store_scan *c = &st->tags.scan;
	int r;

	if ((r = store_ready(st, 0)) != TSR_OK)
		return r;
	memset(c, 0, sizeof(*c));
	memset(&st->found, 0, sizeof(st->found));
	c->running = 1;
	c->place = PLACE_META;
	c->row = INT64_MIN;
	return TSR_OK;
}

static int
check_row(struct store *st)
{
	struct store_scan *c = &st->tags.scan;
	struct store_found *f = &st->found;
	int r;

	c->rows++;
	if ((r = store_tag_sum(st, c->place, c->row, &c->sum)) != TSR_CORRUPT)
		return r;
	if (c->damaged < STORE_CHECK_SHOWN) {
		f->shown[c->damaged].table = store_place_name(c->place);
		f->shown[c->damaged].row = c->row;
	}
	c->damaged++;
	return TSR_OK;
}

/* To the next row of any table: TSR_NOT_FOUND after the last. */
static int
check_next(struct store *st)
{
	struct store_scan *c = &st->tags.scan;
	sqlite3_int64 row = c->row;
	int r;

	while ((r = store_next_row(st, c->place, &row)) == TSR_NOT_FOUND) {
		if (c->place + 1 == PLACE_END)
			return TSR_NOT_FOUND;
		c->place++;
		c->row = row = INT64_MIN;
	}
	if (r == TSR_OK)
		c->row = row;
	return r;
}

int
store_check_step(struct store *st, struct store_found *out)
{
	struct store_scan *c = &st->tags.scan;
	unsigned i;
	int r;

	if (!c->running || st->walking)
		return TSR_INVALID;
	if (st->batch)
		return TSR_AGAIN;	/* what is not durable yet is not judged */
	for (i = 0; i < STORE_CHECK_ROWS; i++) {
		if ((r = check_next(st)) == TSR_NOT_FOUND)
			break;
		if (r != TSR_OK || (r = check_row(st)) != TSR_OK) {
			c->running = 0;
			return r == TSR_CORRUPT ? TSR_CORRUPT : TSR_STORE;
		}
	}
	if (i == STORE_CHECK_ROWS)
		return TSR_AGAIN;
	c->running = 0;
	st->found.rows = c->rows;
	st->found.damaged = c->damaged;
	st->found.whole = c->damaged == 0 &&
	    memcmp(&c->sum, &st->tags.now.sum, sizeof(c->sum)) == 0;
	*out = st->found;
	return TSR_OK;
}

/* --- what follows --- */

/* One statement over one row. */
static int
change_row(struct store *st, const char *sql, sqlite3_int64 row)
{
	sqlite3_stmt *s = NULL;
	int rc, r;

	if (sqlite3_prepare_v2(st->db, sql, -1, &s, NULL) != SQLITE_OK)
		return TSR_STORE;
	rc = sqlite3_bind_int64(s, 1, row);
	r = store_write(st, s, rc, NULL);
	sqlite3_finalize(s);
	return r;
}

/* A damaged row must not get a good tag by being written to. */
static int
suspend_all(struct store *st)
{
	sqlite3_int64 row = INT64_MIN;
	int r;

	while ((r = store_next_row(st, PLACE_CREDENTIAL, &row)) == TSR_OK) {
		if ((r = store_tag_check(st, PLACE_CREDENTIAL, row)) == TSR_CORRUPT)
			continue;
		if (r != TSR_OK || (r = change_row(st, "UPDATE credential SET state = 3, held = 1"
		    " WHERE seq = ?1 AND state = 1", row)) != TSR_OK)
			return r;
	}
	return r == TSR_NOT_FOUND ? TSR_OK : r;
}

int
store_suspect(struct store *st, enum store_verdict v, uint64_t at_least)
{
	int r;

	if (v == STORE_GOOD || st->batch)
		return TSR_INVALID;
	if (st->tags.now.verdict != STORE_GOOD && st->tags.now.generation >= at_least)
		return TSR_OK;
	if ((r = store_begin(st)) != TSR_OK)
		return r;
	if ((r = suspend_all(st)) != TSR_OK) {
		store_undo(st);
		(void)store_commit(st);
		return r;
	}
	if (st->tags.now.generation < at_least)
		st->tags.now.generation = at_least;
	st->tags.now.verdict = (uint32_t)v;
	st->dirty = 1;
	if ((r = store_keep(st)) != TSR_OK)
		return r;
	return store_commit(st);
}

/* Without a signing key the store is none.  The check value of the key is
 * sealed: it was opened, so it is good. */
static int
drop_damaged(struct store *st, unsigned *dropped, int *owners)
{
	static const char *const drop[PLACE_END] = {
		[PLACE_META] = "DELETE FROM meta WHERE seq = ?1 AND name <> 'check'",
		[PLACE_CREDENTIAL] = "DELETE FROM credential WHERE seq = ?1",
		[PLACE_CARD_KEY] = "DELETE FROM card_key WHERE seq = ?1",
		[PLACE_OTP] = "DELETE FROM otp WHERE seq = ?1",
		[PLACE_RECOVERY] = "DELETE FROM recovery WHERE seq = ?1",
		[PLACE_FIDO] = "DELETE FROM fido WHERE seq = ?1",
		[PLACE_TOKEN] = "DELETE FROM token WHERE seq = ?1",
		[PLACE_SESSION] = "DELETE FROM session WHERE seq = ?1",
		[PLACE_SSH_CA] = "DELETE FROM ssh_ca WHERE seq = ?1",
		[PLACE_SSH_CERT] = "DELETE FROM ssh_cert WHERE seq = ?1"
	};
	sqlite3_int64 row;
	size_t i;
	int r;

	for (i = 1; i < PLACE_END; i++) {
		row = INT64_MIN;
		while ((r = store_next_row(st, (enum store_place)i, &row)) == TSR_OK) {
			if ((r = store_tag_check(st, (enum store_place)i, row)) == TSR_OK)
				continue;
			if (r != TSR_CORRUPT || drop[i] == NULL)
				return r;
			if ((r = change_row(st, drop[i], row)) != TSR_OK)
				return r;
			*dropped += i == PLACE_CREDENTIAL;
			/* nobody knows whose they were, or were marked as */
			*owners |= i == PLACE_CREDENTIAL || i == PLACE_META;
		}
		if (r != TSR_NOT_FOUND)
			return r;
	}
	return TSR_OK;
}

/* Without its seed or its record the credential of a disconnected token or of a
 * FIDO2 key is none, and the other way round.  What an old copy says of counters
 * may have been spent since: tokens have to show two codes that follow each
 * other; recovery codes and what was issued are void. */
static int
confirm_beside(struct store *st, unsigned *dropped)
{
	static const char *const sql[] = {
		"DELETE FROM credential WHERE kind IN ('totp', 'hotp')"
		" AND id NOT IN (SELECT credential FROM otp)",
		"DELETE FROM credential WHERE kind = 'fido' AND id NOT IN (SELECT credential FROM fido)",
		"DELETE FROM fido WHERE credential NOT IN (SELECT id FROM credential)",
		"DELETE FROM otp WHERE credential NOT LIKE 'decoy.%'"
		" AND credential NOT IN (SELECT id FROM credential)",
		"UPDATE otp SET trust = 2, expected = -1",
		"DELETE FROM recovery",
		"DELETE FROM token",
		"UPDATE ssh_cert SET revoked = 1 WHERE revoked = 0"
	};
	sqlite3_stmt *s = NULL;
	int n, r = TSR_OK;
	size_t i;

	for (i = 0; i < sizeof(sql) / sizeof(sql[0]) && r == TSR_OK; i++) {
		if (sqlite3_prepare_v2(st->db, sql[i], -1, &s, NULL) != SQLITE_OK)
			return TSR_STORE;
		n = 0;
		r = store_write(st, s, SQLITE_OK, &n);
		sqlite3_finalize(s);
		*dropped += i < 2 ? (unsigned)n : 0;
	}
	return r;
}

static int
confirm_rows(struct store *st, unsigned *dropped)
{
	sqlite3_int64 row = INT64_MIN;
	int owners = 0, r;

	if ((r = drop_damaged(st, dropped, &owners)) != TSR_OK ||
	    (r = confirm_beside(st, dropped)) != TSR_OK ||
	    ((owners || *dropped > 0) && (r = store_enrolled_everybody(st)) != TSR_OK))
		return r;
	while ((r = store_next_row(st, PLACE_CREDENTIAL, &row)) == TSR_OK)
		if ((r = change_row(st, "UPDATE credential SET held = 0,"
		    " state = CASE state WHEN 3 THEN 1 ELSE state END"
		    " WHERE seq = ?1 AND held = 1", row)) != TSR_OK)
			return r;
	return r == TSR_NOT_FOUND ? store_tags_renew(st) : r;
}

int
store_confirm(struct store *st, unsigned *dropped)
{
	unsigned n = 0;
	int r;

	if (st->batch)
		return TSR_INVALID;
	if (st->tags.now.verdict == STORE_GOOD)
		return TSR_CONFLICT;
	if ((r = store_begin(st)) != TSR_OK)
		return r;
	if ((r = confirm_rows(st, &n)) != TSR_OK) {
		store_undo(st);
		(void)store_commit(st);
		return r;
	}
	st->tags.now.verdict = STORE_GOOD;
	st->dirty = 1;
	if ((r = store_keep(st)) != TSR_OK || (r = store_commit(st)) != TSR_OK)
		return r;
	*dropped = n;
	return TSR_OK;
}
