/*
 * store_tag.c - see store_tag.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/store_tag.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/seal.h"
#include "agent/store_sqlite.h"
#include "base/hash.h"
#include "tessera.h"

#define TAG_CONTEXT	"tsrstore"	/* crypto_kdf context, as in seal.c */
#define TAG_ROW_KEY	2		/* crypto_kdf numbers; 1 is the sealing key */
#define TAG_TERM_KEY	3
#define STATE_SUM	(8 + 4 + 4 + STORE_NONCE_LEN)	/* where it stands */
#define STATE_ANCHOR	(STATE_SUM + 32)
#define STATE_LEN	(STATE_ANCHOR + crypto_generichash_KEYBYTES)

static const char *const places[PLACE_END] = {
	[PLACE_META] = "meta", [PLACE_CREDENTIAL] = "credential", [PLACE_SIGNING] = "signing",
	[PLACE_CARD_KEY] = "card_key", [PLACE_OTP] = "otp", [PLACE_RECOVERY] = "recovery",
	[PLACE_FIDO] = "fido", [PLACE_TOKEN] = "token", [PLACE_SESSION] = "session",
	[PLACE_SSH_CA] = "ssh_ca", [PLACE_SSH_CERT] = "ssh_cert"
};

const char *
store_place_name(enum store_place place)
{
	return places[place];
}

/* --- keys --- */

static int
tag_key(const struct secret *store_key, uint64_t number, struct secret **out)
{
	struct secret *k;

	if ((k = secret_new(crypto_generichash_KEYBYTES)) == NULL)
		return TSR_NOMEM;
	if (crypto_kdf_derive_from_key(k->data, k->size, number, TAG_CONTEXT, store_key->data) != 0) {
		secret_free(&k);
		return TSR_CRYPTO;
	}
	*out = k;
	return TSR_OK;
}

int
store_tags_keys(struct store_tags *t, const struct secret *store_key)
{
	int r;

	if (store_key->size != crypto_kdf_KEYBYTES)
		return TSR_INVALID;
	if ((r = tag_key(store_key, TAG_ROW_KEY, &t->row_key)) != TSR_OK ||
	    (r = tag_key(store_key, TAG_TERM_KEY, &t->term_key)) != TSR_OK)
		return r;
	/* Until the sealed record is read; it stays the same under another store key. */
	if ((t->anchor_key = secret_new(crypto_generichash_KEYBYTES)) == NULL)
		return TSR_NOMEM;
	randombytes_buf(t->anchor_key->data, t->anchor_key->size);
	return TSR_OK;
}

void
store_tags_free(struct store_tags *t)
{
	secret_free(&t->row_key);
	secret_free(&t->term_key);
	secret_free(&t->anchor_key);
	free(t->touched);
	sodium_memzero(t, sizeof(*t));
}

/* --- arithmetic mod 2^256 --- */

static void
sum_add(struct store_sum *s, const struct store_sum *d)
{
	uint64_t carry = 0, w;
	size_t i;

	for (i = 0; i < 4; i++) {
		w = s->w[i] + carry;
		carry = w < carry;
		s->w[i] = w + d->w[i];
		carry += s->w[i] < w;
	}
}

static void
sum_sub(struct store_sum *s, const struct store_sum *d)
{
	struct store_sum n = { .w = { 1, 0, 0, 0 } }, c;
	size_t i;

	for (i = 0; i < 4; i++)
		c.w[i] = ~d->w[i];
	sum_add(&c, &n);	/* two's complement */
	sum_add(s, &c);
}

static uint64_t
load64(const uint8_t *p)
{
	uint64_t v = 0;
	size_t i;

	for (i = 8; i > 0; i--)
		v = v << 8 | p[i - 1];
	return v;
}

static void
store64(uint8_t *p, uint64_t v)
{
	size_t i;

	for (i = 0; i < 8; i++)
		p[i] = (uint8_t)(v >> 8 * i);
}

/* What a tag adds to the sum. */
static int
term(const struct store_tags *t, const uint8_t tag[STORE_TAG_LEN], struct store_sum *out)
{
	struct hash_part part = { tag, STORE_TAG_LEN };
	uint8_t h[32];
	size_t i;
	int r;

	if ((r = hash_parts(h, sizeof(h), t->term_key->data, t->term_key->size, &part, 1)) != TSR_OK)
		return r;
	for (i = 0; i < 4; i++)
		out->w[i] = load64(h + 8 * i);
	sodium_memzero(h, sizeof(h));
	return TSR_OK;
}

/* --- one row --- */

static int
prepared(struct store *st, sqlite3_stmt **s, const char *fmt, const char *table)
{
	char sql[160];
	int rc;

	if (*s != NULL)
		return TSR_OK;
	(void)snprintf(sql, sizeof(sql), fmt, table);
	rc = sqlite3_prepare_v3(st->db, sql, -1, SQLITE_PREPARE_PERSISTENT, s, NULL);
	return rc == SQLITE_OK ? TSR_OK : store_code_of(st, rc);
}

/* Length and kind before each value, so that no two rows read alike.  TSR_NOMEM:
 * SQLite had no memory for the value; a tag without it would call the row altered
 * for ever. */
static int
hash_column(crypto_generichash_state *h, sqlite3_stmt *s, int column)
{
	uint8_t head[9], number[8];
	const void *p = NULL;
	size_t n = 0;
	int kind = sqlite3_column_type(s, column);

	if (kind == SQLITE_INTEGER) {
		store64(number, (uint64_t)sqlite3_column_int64(s, column));
		p = number;
		n = sizeof(number);
	} else if (kind != SQLITE_NULL) {	/* text and blobs; there is nothing else */
		p = sqlite3_column_blob(s, column);
		n = (size_t)sqlite3_column_bytes(s, column);
		if (p == NULL && (n > 0 || sqlite3_errcode(sqlite3_db_handle(s)) == SQLITE_NOMEM))
			return TSR_NOMEM;
	}
	head[0] = (uint8_t)kind;
	store64(head + 1, n);
	return crypto_generichash_update(h, head, sizeof(head)) == 0 &&
	    (p == NULL || crypto_generichash_update(h, p, n) == 0) ? TSR_OK : TSR_CRYPTO;
}

/* The row that s stands at, in its first columns. */
static int
hash_row(const struct store_tags *t, enum store_place place, sqlite3_int64 row, sqlite3_stmt *s,
    int columns, uint8_t tag[STORE_TAG_LEN])
{
	crypto_generichash_state h;
	uint8_t number[8], out[STORE_TAG_LEN];
	int i, r = TSR_CRYPTO;

	store64(number, (uint64_t)row);
	if (crypto_generichash_init(&h, t->row_key->data, t->row_key->size, STORE_TAG_LEN) == 0 &&
	    crypto_generichash_update(&h, (const uint8_t *)places[place],
	    strlen(places[place]) + 1) == 0 &&
	    crypto_generichash_update(&h, number, sizeof(number)) == 0)
		r = TSR_OK;
	for (i = 0; i < columns && r == TSR_OK; i++)
		r = hash_column(&h, s, i);
	if (r == TSR_OK && crypto_generichash_final(&h, out, STORE_TAG_LEN) != 0)
		r = TSR_CRYPTO;
	if (r == TSR_OK)
		memcpy(tag, out, STORE_TAG_LEN);
	sodium_memzero(&h, sizeof(h));
	return r;
}

/* The tag that a row should have.  TSR_NOT_FOUND where there is no row. */
static int
row_tag(struct store *st, enum store_place place, sqlite3_int64 row, uint8_t tag[STORE_TAG_LEN])
{
	struct store_tags *t = &st->tags;
	sqlite3_stmt *s;
	int rc, r;

	if ((r = prepared(st, &t->one[place], "SELECT * FROM %s WHERE seq = ?1",
	    places[place])) != TSR_OK)
		return r;
	s = t->one[place];
	if ((rc = sqlite3_bind_int64(s, 1, row)) == SQLITE_OK)
		rc = sqlite3_step(s);
	if (rc == SQLITE_ROW)
		r = hash_row(t, place, row, s, sqlite3_column_count(s), tag);
	else
		r = rc == SQLITE_DONE ? TSR_NOT_FOUND : store_code_of(st, rc);
	sqlite3_reset(s);
	return r;
}

/* The tag that the file has for it. */
static int
tag_get(struct store *st, enum store_place place, sqlite3_int64 row, uint8_t tag[STORE_TAG_LEN])
{
	struct store_tags *t = &st->tags;
	const uint8_t *p;
	size_t n;
	int rc, r;

	if ((r = prepared(st, &t->get, "SELECT tag FROM row_tag WHERE place = ?1 AND row = ?2%s",
	    "")) != TSR_OK)
		return r;
	if ((rc = sqlite3_bind_int64(t->get, 1, place)) == SQLITE_OK &&
	    (rc = sqlite3_bind_int64(t->get, 2, row)) == SQLITE_OK)
		rc = sqlite3_step(t->get);
	if (rc != SQLITE_ROW)
		r = rc == SQLITE_DONE ? TSR_NOT_FOUND : store_code_of(st, rc);
	else if ((r = store_column_blob(t->get, 0, STORE_TAG_LEN, STORE_TAG_LEN, &p, &n)) == TSR_OK)
		memcpy(tag, p, STORE_TAG_LEN);
	sqlite3_reset(t->get);
	return r;
}

/* Write a tag, or with NULL take it out. */
static int
tag_put(struct store *st, enum store_place place, sqlite3_int64 row, const uint8_t *tag)
{
	struct store_tags *t = &st->tags;
	sqlite3_stmt *s;
	int rc, r;

	if ((r = prepared(st, &t->put, "INSERT INTO row_tag VALUES (?1, ?2, ?3)"
	    " ON CONFLICT DO UPDATE SET tag = ?3%s", "")) != TSR_OK ||
	    (r = prepared(st, &t->drop, "DELETE FROM row_tag WHERE place = ?1 AND row = ?2%s",
	    "")) != TSR_OK)
		return r;
	s = tag != NULL ? t->put : t->drop;
	if ((rc = sqlite3_bind_int64(s, 1, place)) == SQLITE_OK &&
	    (rc = sqlite3_bind_int64(s, 2, row)) == SQLITE_OK &&
	    (tag == NULL || (rc = sqlite3_bind_blob(s, 3, tag, STORE_TAG_LEN, SQLITE_STATIC)) ==
	    SQLITE_OK))
		rc = sqlite3_step(s);
	sqlite3_reset(s);
	sqlite3_clear_bindings(s);
	return rc == SQLITE_DONE ? TSR_OK : TSR_STORE;
}

int
store_tag_check(struct store *st, enum store_place place, sqlite3_int64 row)
{
	struct store_sum sum = { .w = { 0 } };

	return store_tag_sum(st, place, row, &sum);
}

/* --- what was right in this request --- */

void
store_tags_forget(struct store *st)
{
	st->tags.n_seen = 0;
}

static struct store_seen *
seen_find(struct store_tags *t, enum store_place place, sqlite3_int64 row)
{
	struct store_seen *s;

	for (s = t->seen; s < t->seen + STORE_SEEN && s < t->seen + t->n_seen; s++)
		if (s->at.place == place && s->at.row == row)
			return s;
	return NULL;
}

static void
seen_note(struct store_tags *t, enum store_place place, sqlite3_int64 row,
    const uint8_t tag[STORE_TAG_LEN])
{
	struct store_seen *s = seen_find(t, place, row);

	if (s == NULL)
		s = &t->seen[t->n_seen++ % STORE_SEEN];
	s->at.place = place;
	s->at.row = row;
	memcpy(s->tag, tag, STORE_TAG_LEN);
}

int
store_tag_check_at(struct store *st, enum store_place place, sqlite3_stmt *s)
{
	int r, columns = sqlite3_column_count(s) - 1;
	sqlite3_int64 row = sqlite3_column_int64(s, 0);
	uint8_t tag[STORE_TAG_LEN];
	const uint8_t *p;
	size_t n;

	if ((r = hash_row(&st->tags, place, row, s, columns, tag)) != TSR_OK ||
	    (r = store_column_blob(s, columns, STORE_TAG_LEN, STORE_TAG_LEN, &p, &n)) != TSR_OK)
		return r;
	if (sodium_memcmp(tag, p, STORE_TAG_LEN) != 0)
		return TSR_CORRUPT;
	if (st->savepoint)
		seen_note(&st->tags, place, row, tag);
	return TSR_OK;
}

int
store_tag_sum(struct store *st, enum store_place place, sqlite3_int64 row, struct store_sum *sum)
{
	uint8_t is[STORE_TAG_LEN], was[STORE_TAG_LEN];
	struct store_sum d;
	int r;

	if ((r = row_tag(st, place, row, is)) == TSR_OK)
		r = tag_get(st, place, row, was);
	if (r == TSR_NOT_FOUND || (r == TSR_OK && sodium_memcmp(is, was, sizeof(is)) != 0))
		r = TSR_CORRUPT;
	if (r == TSR_OK && (r = term(&st->tags, is, &d)) == TSR_OK)
		sum_add(sum, &d);
	return r;
}

/* --- rows that were written --- */

/* The tag that the row had before. */
static int
tag_was(struct store *st, const struct store_touched *at, uint8_t tag[STORE_TAG_LEN])
{
	const struct store_seen *s = seen_find(&st->tags, at->place, at->row);

	if (s == NULL)
		return tag_get(st, at->place, at->row, tag);
	memcpy(tag, s->tag, STORE_TAG_LEN);
	return TSR_OK;
}

/* The tag that it has now, NULL where it is gone. */
static int
tag_becomes(struct store *st, const struct store_touched *at, const uint8_t *tag)
{
	struct store_seen *s = seen_find(&st->tags, at->place, at->row);
	int r = tag_put(st, at->place, at->row, tag);

	if (s != NULL && r == TSR_OK && tag != NULL)
		memcpy(s->tag, tag, STORE_TAG_LEN);
	else if (s != NULL)
		store_tags_forget(st);
	return r;
}

static void
touched(void *arg, int op, const char *db, const char *table, sqlite3_int64 row)
{
	struct store_tags *t = arg;
	struct store_touched *more;
	size_t i, size;

	(void)op;
	(void)db;
	if (t->quiet)
		return;
	for (i = 1; i < PLACE_END; i++)
		if (strcmp(places[i], table) == 0)
			break;
	if (i == PLACE_END)
		return;
	if (t->n_touched == t->size_touched) {
		size = t->size_touched == 0 ? 16 : 2 * t->size_touched;
		if (size > STORE_TOUCHED_MAX || (more = realloc(t->touched,
		    size * sizeof(*more))) == NULL) {
			t->lost = 1;
			return;
		}
		t->touched = more;
		t->size_touched = size;
	}
	t->touched[t->n_touched].place = (enum store_place)i;
	t->touched[t->n_touched++].row = row;
}

void
store_tags_attach(struct store *st)
{
	st->tags.n_touched = 0;
	store_tags_forget(st);
	(void)sqlite3_update_hook(st->db, touched, &st->tags);
}

void
store_tags_detach(struct store *st)
{
	struct store_tags *t = &st->tags;
	sqlite3_stmt **all[] = { &t->get, &t->put, &t->drop, &t->save };
	size_t i;

	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		sqlite3_finalize(*all[i]);
		*all[i] = NULL;
	}
	for (i = 0; i < PLACE_END; i++) {
		sqlite3_finalize(t->one[i]);
		sqlite3_finalize(t->next[i]);
		t->one[i] = t->next[i] = NULL;
	}
	t->scan.running = 0;
}

/* A row that the scan has passed already is kept right in its sum, too. */
static int
passed(const struct store_scan *c, const struct store_touched *at)
{
	return c->running && (at->place < c->place || (at->place == c->place && at->row <= c->row));
}

static int
settle_one(struct store *st, const struct store_touched *at)
{
	struct store_tags *t = &st->tags;
	uint8_t tag[STORE_TAG_LEN];
	struct store_sum d;
	int r;

	if ((r = tag_was(st, at, tag)) == TSR_OK) {
		if ((r = term(t, tag, &d)) != TSR_OK)
			return r;
		sum_sub(&t->now.sum, &d);
		if (passed(&t->scan, at))
			sum_sub(&t->scan.sum, &d);
	} else if (r != TSR_NOT_FOUND)
		return r;
	if ((r = row_tag(st, at->place, at->row, tag)) == TSR_NOT_FOUND)
		return tag_becomes(st, at, NULL);
	if (r != TSR_OK || (r = term(t, tag, &d)) != TSR_OK)
		return r;
	sum_add(&t->now.sum, &d);
	if (passed(&t->scan, at))
		sum_add(&t->scan.sum, &d);
	return tag_becomes(st, at, tag);
}

int
store_tags_settle(struct store *st)
{
	struct store_tags *t = &st->tags;
	size_t i;
	int r = t->lost ? TSR_NOMEM : TSR_OK;

	for (i = 0; i < t->n_touched && r == TSR_OK; i++)
		r = settle_one(st, &t->touched[i]);
	t->n_touched = 0;
	t->lost = 0;
	return r;
}

int
store_next_row(struct store *st, enum store_place place, sqlite3_int64 *row)
{
	sqlite3_stmt **s = &st->tags.next[place];
	int rc, r;

	if ((r = prepared(st, s, "SELECT seq FROM %s WHERE seq > ?1 ORDER BY seq LIMIT 1",
	    places[place])) != TSR_OK)
		return r;
	if ((rc = sqlite3_bind_int64(*s, 1, *row)) == SQLITE_OK)
		rc = sqlite3_step(*s);
	if (rc == SQLITE_ROW)
		*row = sqlite3_column_int64(*s, 0);
	else
		r = rc == SQLITE_DONE ? TSR_NOT_FOUND : store_code_of(st, rc);
	sqlite3_reset(*s);
	return r;
}

int
store_tags_renew(struct store *st)
{
	struct store_tags *t = &st->tags;
	struct store_touched at;
	size_t i;
	int r;

	memset(&t->now.sum, 0, sizeof(t->now.sum));
	store_tags_forget(st);
	t->scan.running = 0;
	if (sqlite3_exec(st->db, "DELETE FROM row_tag", NULL, NULL, NULL) != SQLITE_OK)
		return TSR_STORE;
	for (i = 1; i < PLACE_END; i++) {
		at.place = (enum store_place)i;
		at.row = INT64_MIN;
		while ((r = store_next_row(st, at.place, &at.row)) == TSR_OK)
			if ((r = settle_one(st, &at)) != TSR_OK)
				return r;
		if (r != TSR_NOT_FOUND)
			return r;
	}
	return TSR_OK;
}

/* --- the sealed record --- */

int
store_state_save(struct store *st)
{
	struct store_tags *t = &st->tags;
	uint8_t plain[STATE_LEN], sealed[STATE_LEN + SEAL_OVERHEAD];
	size_t i;
	int rc, r;

	store64(plain, t->now.generation);
	store64(plain + 8, (uint64_t)t->now.verdict | (uint64_t)t->now.anchored << 32);
	memcpy(plain + 16, t->now.store, STORE_NONCE_LEN);
	for (i = 0; i < 4; i++)
		store64(plain + STATE_SUM + 8 * i, t->now.sum.w[i]);
	memcpy(plain + STATE_ANCHOR, t->anchor_key->data, t->anchor_key->size);
	r = seal_make(st->seal, "state", "1", plain, sizeof(plain), sealed);
	sodium_memzero(plain, sizeof(plain));
	if (r != TSR_OK || (r = prepared(st, &t->save, "INSERT INTO state VALUES (1, ?1)"
	    " ON CONFLICT DO UPDATE SET sealed = ?1%s", "")) != TSR_OK)
		return r;
	if ((rc = sqlite3_bind_blob(t->save, 1, sealed, sizeof(sealed), SQLITE_STATIC)) == SQLITE_OK)
		rc = sqlite3_step(t->save);
	sqlite3_reset(t->save);
	sqlite3_clear_bindings(t->save);
	return rc == SQLITE_DONE ? TSR_OK : TSR_STORE;
}

int
store_state_load(struct store *st)
{
	struct store_state *now = &st->tags.now;
	struct secret *plain = NULL;
	sqlite3_stmt *s = NULL;
	const uint8_t *p;
	uint64_t flags;
	size_t i, n;
	int rc, r;

	rc = sqlite3_prepare_v2(st->db, "SELECT sealed FROM state WHERE one = 1", -1, &s, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(s);
	if (rc != SQLITE_ROW)
		r = rc == SQLITE_DONE ? TSR_CORRUPT : store_code_of(st, rc);
	else if ((r = store_column_blob(s, 0, STATE_LEN + SEAL_OVERHEAD, STATE_LEN + SEAL_OVERHEAD,
	    &p, &n)) == TSR_OK && (r = seal_open(st->seal, "state", "1", p, n, &plain)) == TSR_OK) {
		now->generation = load64(plain->data);
		flags = load64(plain->data + 8);
		now->verdict = (uint32_t)flags;
		now->anchored = (uint32_t)(flags >> 32);
		memcpy(now->store, plain->data + 16, STORE_NONCE_LEN);
		for (i = 0; i < 4; i++)
			now->sum.w[i] = load64(plain->data + STATE_SUM + 8 * i);
		memcpy(st->tags.anchor_key->data, plain->data + STATE_ANCHOR,
		    st->tags.anchor_key->size);
	}
	secret_free(&plain);
	sqlite3_finalize(s);
	return r;
}
