/*
 * ssh_ca.c - see ssh_ca.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/ssh_ca_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tessera.h"

/* --- what the store has --- */

static void
ring_free(struct ssh_ca_ring **rp)
{
	struct ssh_ca_ring *r = *rp;
	size_t i;

	if (r == NULL)
		return;
	for (i = 0; i < r->n; i++) {
		buf_free(&r->entry[i].blob);
		buf_free(&r->entry[i].line);
	}
	jws_key_free(&r->active);
	free(r);
	*rp = NULL;
}

struct adding {
	struct ssh_ca_ring *ring;
	const char *name;
};

/* The private half, which must be of the public one. */
static int
ring_signer(struct ssh_ca_ring *ring, struct ssh_ca_key *e, const struct ssh_ca_record *rec)
{
	struct jws_key *key = NULL;
	int r;

	if ((r = jws_key_load(JWK_EDDSA, rec->seed, &key)) != TSR_OK)
		return r == TSR_NOMEM ? r : TSR_CORRUPT;
	if (memcmp(jws_key_public(key)->u.ed25519, rec->public_key, STORE_SSH_PUBLIC) != 0)
		r = TSR_CORRUPT;
	else if (rec->state == SSH_CA_ACTIVE) {
		ring->active = key;
		ring->signer = e;
		key = NULL;
	}
	jws_key_free(&key);
	return r;
}

static int
ring_add(void *arg, const struct ssh_ca_record *rec)
{
	struct adding *a = arg;
	struct ssh_ca_ring *ring = a->ring;
	struct ssh_ca_key *e;
	int r;

	if (ring->n == SSH_CA_KEYS_MAX)
		return TSR_TOO_LARGE;
	e = &ring->entry[ring->n++];
	memcpy(e->id, rec->id, sizeof(e->id));
	e->state = rec->state;
	e->created = rec->created;
	e->activated = rec->activated;
	e->retired = rec->retired;
	buf_init(&e->blob, SSH_KEY_MAX);
	buf_init(&e->line, SSH_KEY_LINE_MAX);
	if ((r = ssh_ed25519_blob(&e->blob, rec->public_key)) != TSR_OK ||
	    (r = ssh_key_line(&e->line, e->blob.data, e->blob.len, a->name)) != TSR_OK ||
	    (r = buf_put_u8(&e->line, '\0')) != TSR_OK ||
	    (r = ssh_key_fingerprint(e->blob.data, e->blob.len, e->fingerprint)) != TSR_OK)
		return r;
	return rec->seed != NULL ? ring_signer(ring, e, rec) : TSR_OK;
}

int
ssh_ca_load(struct ssh_ca *c)
{
	struct adding a = { NULL, c->name };
	int r;

	if ((a.ring = calloc(1, sizeof(*a.ring))) == NULL)
		return TSR_NOMEM;
	if ((r = store_ssh_ca_each(c->st, ring_add, &a)) == TSR_OK) {
		ring_free(&c->ring);
		c->ring = a.ring;
		a.ring = NULL;
		c->stale = 0;
		c->trusted_due = c->krl_due = 1;
	}
	ring_free(&a.ring);
	return r;
}

static size_t
count(const struct ssh_ca *c, enum ssh_ca_key_state from, enum ssh_ca_key_state to)
{
	size_t i, n = 0;

	for (i = 0; i < c->ring->n; i++)
		n += c->ring->entry[i].state >= from && c->ring->entry[i].state <= to;
	return n;
}

static const struct ssh_ca_key *
find(const struct ssh_ca *c, enum ssh_ca_key_state state)
{
	size_t i;

	for (i = 0; i < c->ring->n; i++)
		if (c->ring->entry[i].state == state)
			return &c->ring->entry[i];
	return NULL;
}

/* --- changes --- */

static int
make(struct ssh_ca *c, enum ssh_ca_key_state state, int64_t now)
{
	struct ssh_ca_record rec = { .state = state, .created = now };
	struct jws_key *key = NULL;
	int r;

	if (state == SSH_CA_ACTIVE)
		rec.activated = now;
	store_make_id(rec.id);
	if ((r = jws_key_generate(JWK_EDDSA, &key)) == TSR_OK &&
	    (r = jws_key_private(key, &rec.seed)) == TSR_OK) {
		memcpy(rec.public_key, jws_key_public(key)->u.ed25519, STORE_SSH_PUBLIC);
		r = store_ssh_ca_add(c->st, &rec);
	}
	ssh_ca_record_clear(&rec);
	jws_key_free(&key);
	return r;
}

/* All that are trusted are revoked; of too many that are the oldest is forgotten, and
 * where there is no room for another key the oldest that was taken out. */
static int
revoke_trusted(struct ssh_ca *c, int64_t now)
{
	size_t i, over, n = count(c, SSH_CA_NEXT, SSH_CA_RETIRED) + count(c, SSH_CA_REVOKED, SSH_CA_REVOKED);
	const struct ssh_ca_key *e;
	int full, r;

	over = n > SSH_CA_REVOKED_MAX ? n - SSH_CA_REVOKED_MAX : 0;
	full = over == 0 && c->ring->n == SSH_CA_KEYS_MAX;
	for (i = 0; i < c->ring->n; i++) {
		e = &c->ring->entry[i];
		if (e->state == SSH_CA_REVOKED && over > 0) {
			over--;
			r = store_ssh_ca_remove(c->st, e->id);
		} else if (e->state == SSH_CA_GONE && full) {
			full = 0;
			r = store_ssh_ca_remove(c->st, e->id);
		} else
			r = e->state >= SSH_CA_REVOKED ? TSR_OK :
			    store_ssh_ca_set_state(c->st, e->id, SSH_CA_REVOKED, now);
		if (r != TSR_OK)
			return r;
	}
	return TSR_OK;
}

static int
replace(struct ssh_ca *c, int64_t now)
{
	int r;

	return (r = revoke_trusted(c, now)) != TSR_OK ? r : make(c, SSH_CA_ACTIVE, now);
}

static int
advance(struct ssh_ca *c, int64_t now)
{
	const struct ssh_ca_key *next = find(c, SSH_CA_NEXT), *active = find(c, SSH_CA_ACTIVE);
	int r;

	if (active != NULL &&
	    (r = store_ssh_ca_set_state(c->st, active->id, SSH_CA_RETIRED, now)) != TSR_OK)
		return r;
	return store_ssh_ca_set_state(c->st, next->id, SSH_CA_ACTIVE, now);
}

/* May anything be changed now?  Then the request is open. */
static int
begin(struct ssh_ca *c, int64_t now)
{
	if (now <= 0)
		return TSR_INVALID;
	if (c->ring == NULL)
		return TSR_CORRUPT;
	return c->stale ? TSR_AGAIN : store_begin(c->st);
}

static int
end(struct ssh_ca *c, int code)
{
	if (code != TSR_OK) {
		store_undo(c->st);
		return code;
	}
	c->stale = 1;
	return store_keep(c->st);
}

int
ssh_ca_want(struct ssh_ca *c, int64_t now)
{
	int r;

	if (!c->wanted)
		c->trusted_due = c->krl_due = 1;
	c->wanted = 1;
	if (c->ring == NULL)
		return TSR_CORRUPT;
	if (c->stale || find(c, SSH_CA_ACTIVE) != NULL)
		return TSR_OK;
	if ((r = begin(c, now)) != TSR_OK)
		return r;
	return end(c, make(c, SSH_CA_ACTIVE, now));
}

int
ssh_ca_prepare(struct ssh_ca *c, int64_t now)
{
	int r;

	if ((r = begin(c, now)) != TSR_OK)
		return r;
	if (find(c, SSH_CA_NEXT) != NULL)
		return end(c, TSR_CONFLICT);
	if (count(c, SSH_CA_NEXT, SSH_CA_RETIRED) >= SSH_CA_TRUSTED_MAX || c->ring->n == SSH_CA_KEYS_MAX)
		return end(c, TSR_TOO_LARGE);
	return end(c, make(c, SSH_CA_NEXT, now));
}

int
ssh_ca_rotate(struct ssh_ca *c, int at_once, int64_t now)
{
	int r;

	if ((r = begin(c, now)) != TSR_OK)
		return r;
	if (!at_once && find(c, SSH_CA_NEXT) == NULL)
		return end(c, TSR_NOT_FOUND);
	return end(c, at_once ? replace(c, now) : advance(c, now));
}

int
ssh_ca_retire(struct ssh_ca *c, const char *id, int64_t now)
{
	size_t i;
	int r;

	if ((r = begin(c, now)) != TSR_OK)
		return r;
	for (i = 0; i < c->ring->n; i++)
		if (strcmp(c->ring->entry[i].id, id) == 0)
			break;
	if (i == c->ring->n)
		return end(c, TSR_NOT_FOUND);
	if (c->ring->entry[i].state != SSH_CA_RETIRED)
		return end(c, TSR_CONFLICT);
	return end(c, store_ssh_ca_set_state(c->st, id, SSH_CA_GONE, now));
}

void
ssh_ca_revoked(struct ssh_ca *c)
{
	c->krl_due = 1;
}

void
ssh_ca_all(struct ssh_ca *c, int all)
{
	c->all = all;
	c->krl_due = 1;
}

/* --- reading --- */

void
ssh_ca_state(const struct ssh_ca *c, struct ssh_ca_state *out)
{
	memset(out, 0, sizeof(*out));
	out->keys = c->ring != NULL ? c->ring->n : 0;
	out->stale = c->ring == NULL || (c->stale && !store_dirty(c->st));
	out->unpublished = c->failed_trusted || c->failed_krl;
	out->krl_version = c->version;
}

void
ssh_ca_entry(const struct ssh_ca *c, size_t n, struct ssh_ca_entry *out)
{
	const struct ssh_ca_key *e = &c->ring->entry[n];

	out->id = e->id;
	out->state = e->state;
	out->created = e->created;
	out->activated = e->activated;
	out->retired = e->retired;
	out->line = (const char *)e->line.data;
	out->fingerprint = e->fingerprint;
}

struct jws_key *
ssh_ca_active(struct ssh_ca *c, const char **id, const char **fingerprint)
{
	if (c->stale || c->ring == NULL || c->ring->active == NULL)
		return NULL;
	*id = c->ring->signer->id;
	*fingerprint = c->ring->signer->fingerprint;
	return c->ring->active;
}

const void *
ssh_ca_krl(const struct ssh_ca *c, size_t *n)
{
	*n = c->krl.len;
	return c->krl.data;
}

/* --- begin and end --- */

int
ssh_ca_open(struct store *st, const char *folder, const char *name, struct ssh_ca **out)
{
	struct ssh_ca *c;
	int r = TSR_NOMEM;

	if ((c = calloc(1, sizeof(*c))) == NULL)
		return TSR_NOMEM;
	c->st = st;
	buf_init(&c->krl, 0);
	if ((c->name = strdup(name)) == NULL)
		goto out;
	if (asprintf(&c->trusted_file, "%s/" SSH_CA_FILE, folder) == -1) {
		c->trusted_file = NULL;
		goto out;
	}
	if (asprintf(&c->krl_file, "%s/" SSH_KRL_FILE, folder) == -1) {
		c->krl_file = NULL;
		goto out;
	}
	if ((r = ssh_ca_load(c)) == TSR_NOMEM)
		goto out;
	r = TSR_OK;
	*out = c;
	c = NULL;
 out:
	ssh_ca_free(&c);
	return r;
}

void
ssh_ca_free(struct ssh_ca **cp)
{
	struct ssh_ca *c = *cp;

	if (c == NULL)
		return;
	ring_free(&c->ring);
	buf_free(&c->krl);
	free(c->name);
	free(c->trusted_file);
	free(c->krl_file);
	free(c);
	*cp = NULL;
}
