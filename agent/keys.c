/*
 * keys.c - see keys.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/keys.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/public_file.h"
#include "base/buf.h"
#include "tessera.h"

struct entry {
	char kid[JWK_KID_LEN + 1];
	enum signing_state state;
	int alg;			/* enum jwk_alg */
	int64_t created, activated, retired;
};

/* What was read from the store; set.key[i] belongs to entry[i]. */
struct ring {
	struct entry entry[JWK_SET_MAX];
	struct jwk_set set;
	struct jws_key *active;		/* the only private key in memory */
	struct buf json;
};

struct keys {
	struct store *st;
	enum jwk_alg alg;
	uint32_t rotate, overlap;	/* seconds */
	char *public_file;
	struct ring *ring;
	int stale;			/* the store may know more than ring */
	int unpublished;		/* the file is older than ring */
	uint64_t written;		/* how often it was */
};

static void
ring_free(struct ring **r)
{
	if (*r == NULL)
		return;
	jws_key_free(&(*r)->active);
	buf_free(&(*r)->json);
	free(*r);
	*r = NULL;
}

static int
ring_add(void *arg, const struct signing_record *rec)
{
	struct ring *ring = arg;
	struct jws_key *key = NULL;
	struct entry *e;
	const struct jwk *public;
	int r;

	if (ring->set.n == JWK_SET_MAX)
		return TSR_TOO_LARGE;
	if ((r = jws_key_load((enum jwk_alg)rec->alg, rec->private_key, &key)) != TSR_OK)
		return r == TSR_NOMEM ? r : TSR_CORRUPT;
	public = jws_key_public(key);
	/* The kid is the key's thumbprint: an altered algorithm shows here. */
	if (strcmp(public->kid, rec->kid) != 0 || strlen(rec->kid) != JWK_KID_LEN) {
		r = TSR_CORRUPT;
		goto out;
	}
	e = &ring->entry[ring->set.n];
	memcpy(e->kid, rec->kid, sizeof(e->kid));
	e->alg = rec->alg;
	e->state = rec->state;
	e->created = rec->created;
	e->activated = rec->activated;
	e->retired = rec->retired;
	ring->set.key[ring->set.n++] = *public;
	if (e->state == SIGNING_ACTIVE && ring->active == NULL) {
		ring->active = key;
		key = NULL;
	}
 out:
	jws_key_free(&key);
	return r;
}

static int
load(struct keys *k)
{
	struct ring *ring;
	int r;

	if ((ring = calloc(1, sizeof(*ring))) == NULL)
		return TSR_NOMEM;
	buf_init(&ring->json, JWK_SET_BYTES_MAX);
	if ((r = store_signing_each(k->st, ring_add, ring)) != TSR_OK ||
	    (r = jwk_set_write(&ring->json, &ring->set)) != TSR_OK)
		goto out;
	if (ring->active == NULL && k->ring != NULL && k->ring->active != NULL) {
		r = TSR_CORRUPT;	/* there was one, and nothing here takes it away */
		goto out;
	}
	ring_free(&k->ring);
	k->ring = ring;
	ring = NULL;
	k->stale = 0;
 out:
	ring_free(&ring);
	return r;
}

/* The only entry in that state, or NULL. */
static const struct entry *
find(const struct keys *k, enum signing_state state)
{
	size_t i;

	for (i = 0; i < k->ring->set.n; i++)
		if (k->ring->entry[i].state == state)
			return &k->ring->entry[i];
	return NULL;
}

static int
make(struct keys *k, enum signing_state state, int64_t now)
{
	struct signing_record rec = { .alg = (int)k->alg, .state = state, .created = now };
	struct jws_key *key = NULL;
	int r;

	if (state == SIGNING_ACTIVE)
		rec.activated = now;
	if ((r = jws_key_generate(k->alg, &key)) != TSR_OK ||
	    (r = jws_key_private(key, &rec.private_key)) != TSR_OK)
		goto out;
	snprintf(rec.kid, sizeof(rec.kid), "%.*s", JWK_KID_LEN, jws_key_public(key)->kid);
	r = store_signing_add(k->st, &rec);
 out:
	signing_record_clear(&rec);
	jws_key_free(&key);
	return r;
}

/* Retired keys whose last token has expired, and a next key of an algorithm
 * that is not wanted any more: it never signed. */
static int
drop(struct keys *k, int64_t now, size_t *dropped)
{
	const struct entry *e;
	size_t i;
	int r;

	*dropped = 0;
	for (i = 0; i < k->ring->set.n; i++) {
		e = &k->ring->entry[i];
		if (!(e->state == SIGNING_RETIRED && now - e->retired >= (int64_t)k->overlap) &&
		    !(e->state == SIGNING_NEXT && e->alg != (int)k->alg))
			continue;
		if ((r = store_signing_remove(k->st, e->kid)) != TSR_OK)
			return r;
		(*dropped)++;
	}
	return TSR_OK;
}

static int64_t
lead(const struct keys *k)
{
	return k->overlap < k->rotate ? k->overlap : k->rotate;
}

/* When next signs: one that is there before its schedule was asked for, and has
 * but to be shown for the overlap. */
static int64_t
signs_at(const struct keys *k, const struct entry *active, const struct entry *next)
{
	int64_t due = active->activated + (int64_t)k->rotate, shown = next->created + (int64_t)k->overlap;

	return k->rotate == 0 || next->created < due - lead(k) || due < shown ? shown : due;
}

/* Everything that is due at now; *changed is how many keys it touched. */
static int
advance(struct keys *k, int64_t now, size_t *changed)
{
	const struct entry *active = find(k, SIGNING_ACTIVE), *next = find(k, SIGNING_NEXT);
	size_t dropped;
	int full, r;

	if ((r = drop(k, now, &dropped)) != TSR_OK)
		return r;
	*changed = dropped;
	full = k->ring->set.n - dropped >= JWK_SET_MAX;
	if (next != NULL && next->alg != (int)k->alg)
		next = NULL;
	if (active == NULL || active->alg != (int)k->alg) {
		(*changed)++;
		if (active != NULL &&
		    (r = store_signing_set_state(k->st, active->kid, SIGNING_RETIRED, now)) != TSR_OK)
			return r;
		if (next != NULL)
			return store_signing_set_state(k->st, next->kid, SIGNING_ACTIVE, now);
		return full ? TSR_TOO_LARGE : make(k, SIGNING_ACTIVE, now);
	}
	if (next == NULL && k->rotate != 0 && !full &&
	    now - active->activated >= (int64_t)k->rotate - lead(k)) {
		(*changed)++;
		return make(k, SIGNING_NEXT, now);
	}
	if (next == NULL || now < signs_at(k, active, next))
		return TSR_OK;
	*changed += 2;
	if ((r = store_signing_set_state(k->st, active->kid, SIGNING_RETIRED, now)) != TSR_OK)
		return r;
	return store_signing_set_state(k->st, next->kid, SIGNING_ACTIVE, now);
}

int
keys_tick(struct keys *k, int64_t now)
{
	size_t changed = 0;
	int r;

	if (now < 0)
		return TSR_INVALID;
	if (k->stale) {
		if (store_dirty(k->st))
			return TSR_OK;	/* the last tick's batch is still open */
		if ((r = load(k)) != TSR_OK)
			return r;
		k->unpublished = 1;
	}
	if ((r = store_begin(k->st)) != TSR_OK)
		return r;
	if ((r = advance(k, now, &changed)) != TSR_OK || changed == 0) {
		store_undo(k->st);
		return r;
	}
	k->stale = 1;
	return store_keep(k->st);
}

/* Every key away, and a new one. */
static int
replace(struct keys *k, int64_t now)
{
	size_t i;
	int r;

	for (i = 0; i < k->ring->set.n; i++)
		if ((r = store_signing_remove(k->st, k->ring->entry[i].kid)) != TSR_OK)
			return r;
	return make(k, SIGNING_ACTIVE, now);
}

int
keys_rotate(struct keys *k, int at_once, int64_t now, int64_t *signs)
{
	const struct entry *active = find(k, SIGNING_ACTIVE), *next = find(k, SIGNING_NEXT);
	int r;

	if (now < 0)
		return TSR_INVALID;
	if (k->stale)
		return TSR_AGAIN;
	if (!at_once && next != NULL) {
		*signs = signs_at(k, active, next);
		return TSR_CONFLICT;
	}
	if (!at_once && k->ring->set.n >= JWK_SET_MAX)
		return TSR_TOO_LARGE;
	if ((r = store_begin(k->st)) != TSR_OK)
		return r;
	if ((r = at_once ? replace(k, now) : make(k, SIGNING_NEXT, now)) != TSR_OK) {
		store_undo(k->st);
		return r;
	}
	k->stale = 1;
	*signs = at_once ? now : now + (int64_t)k->overlap;
	return store_keep(k->st);
}

int
keys_changed(const struct keys *k)
{
	return k->stale;
}

static int
publish(struct keys *k)
{
	struct buf text;
	int r;

	if (!k->unpublished || k->public_file == NULL)
		return TSR_OK;
	buf_init(&text, JWK_SET_BYTES_MAX + 1);
	if ((r = buf_put(&text, k->ring->json.data, k->ring->json.len)) == TSR_OK &&
	    (r = buf_put_u8(&text, '\n')) == TSR_OK &&
	    (r = public_file_write(k->public_file, text.data, text.len)) == TSR_OK) {
		k->unpublished = 0;
		k->written++;
	}
	buf_free(&text);
	return r;
}

int
keys_published(struct keys *k)
{
	int r;

	if (k->stale) {
		if (store_dirty(k->st))
			return TSR_OK;
		if ((r = load(k)) != TSR_OK)
			return r;
		k->unpublished = 1;
	}
	return publish(k);
}

/* The steps of keys_open, each with its sentence. */
static int
start(struct keys *k, int64_t now, char *err, size_t err_size)
{
	int r;

	if ((r = load(k)) != TSR_OK) {
		snprintf(err, err_size, "the signing keys cannot be read from the store (%s): restore a "
		    "backup of the store", tsr_strerror(r));
		return r;
	}
	if ((r = keys_tick(k, now)) != TSR_OK) {
		if (r == TSR_TOO_LARGE)
			snprintf(err, err_size, "%d signing keys are still shown: keep "
			    "signing.algorithm as it was until the oldest have expired", JWK_SET_MAX);
		else
			snprintf(err, err_size, "no signing key could be made: %s", tsr_strerror(r));
		return r;
	}
	if ((r = store_commit(k->st)) != TSR_OK || (k->stale && (r = load(k)) != TSR_OK)) {
		snprintf(err, err_size, "the signing key could not be stored: %s", tsr_strerror(r));
		return r;
	}
	if (k->ring->active == NULL) {
		snprintf(err, err_size, "the store has no active signing key: restore a backup");
		return TSR_CORRUPT;
	}
	k->unpublished = 1;
	if ((r = publish(k)) != TSR_OK)
		snprintf(err, err_size, "cannot write %s: %s", k->public_file, strerror(errno));
	return r;
}

int
keys_open(struct store *st, enum jwk_alg alg, uint32_t rotate, uint32_t overlap,
    const char *public_file, int64_t now, struct keys **out, char *err, size_t err_size)
{
	struct keys *k;
	int r = TSR_NOMEM;

	snprintf(err, err_size, "out of memory for the signing keys");
	if ((k = calloc(1, sizeof(*k))) == NULL)
		return TSR_NOMEM;
	k->st = st;
	k->alg = alg;
	k->rotate = rotate;
	k->overlap = overlap;
	if (public_file != NULL && (k->public_file = strdup(public_file)) == NULL)
		goto out;
	if ((r = start(k, now, err, err_size)) != TSR_OK)
		goto out;
	*out = k;
	k = NULL;
 out:
	keys_free(&k);
	return r;
}

void
keys_free(struct keys **k)
{
	if (*k == NULL)
		return;
	ring_free(&(*k)->ring);
	free((*k)->public_file);
	free(*k);
	*k = NULL;
}

struct jws_key *
keys_active(struct keys *k)
{
	return k->ring->active;
}

const char *
keys_active_kid(const struct keys *k)
{
	const struct entry *e = find(k, SIGNING_ACTIVE);

	return e != NULL ? e->kid : "";
}

uint64_t
keys_written(const struct keys *k)
{
	return k->written;
}

const struct jwk_set *
keys_set(const struct keys *k)
{
	return &k->ring->set;
}

const char *
keys_jwks(const struct keys *k, size_t *n)
{
	*n = k->ring->json.len;
	return (const char *)k->ring->json.data;
}

void
keys_entry(const struct keys *k, size_t n, struct keys_entry *out)
{
	const struct entry *e = &k->ring->entry[n], *active = find(k, SIGNING_ACTIVE);
	const struct entry *next = find(k, SIGNING_NEXT);

	out->kid = e->kid;
	out->algorithm = jwk_alg_name((enum jwk_alg)e->alg);
	out->state = e->state;
	out->created = e->created;
	out->activated = e->activated;
	out->retired = e->retired;
	if (e->state == SIGNING_RETIRED)
		out->changes = e->retired + (int64_t)k->overlap;
	else if (next != NULL)
		out->changes = signs_at(k, active, next);
	else
		out->changes = k->rotate == 0 ? 0 : e->activated + (int64_t)k->rotate;
}

void
keys_state(const struct keys *k, struct keys_state *out)
{
	const struct entry *active = find(k, SIGNING_ACTIVE), *next = find(k, SIGNING_NEXT);

	out->kid = active->kid;
	out->algorithm = jwk_alg_name((enum jwk_alg)active->alg);
	out->activated = active->activated;
	if (next != NULL)
		out->rotates = signs_at(k, active, next);
	else
		out->rotates = k->rotate == 0 ? 0 : active->activated + (int64_t)k->rotate;
	out->stale = k->stale;
	out->unpublished = k->unpublished && k->public_file != NULL;
}
