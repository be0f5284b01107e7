/*
 * ssh_ca.c - see ssh_ca.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/ssh_ca.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/public_file.h"
#include "agent/store_check.h"
#include "base/buf.h"
#include "tessera.h"
#include "token/ssh_krl.h"

#define SSH_CA_LINES_MAX	(SSH_CA_TRUSTED_MAX * (SSH_KEY_LINE_MAX + 1))	/* bytes of the file */

struct entry {
	char id[STORE_ID_LEN + 1];
	enum ssh_ca_key_state state;
	int64_t created, activated, retired;
	struct buf blob;
	struct buf line;		/* NUL-terminated */
	char fingerprint[SSH_FINGERPRINT_MAX];
};

/* What was read from the store. */
struct ring {
	struct entry entry[SSH_CA_KEYS_MAX];
	size_t n;
	struct jws_key *active;		/* the only private key in memory */
	const struct entry *signer;
};

struct ssh_ca {
	struct store *st;
	char *name, *trusted_file, *krl_file;
	struct ring *ring;
	struct buf krl;
	uint64_t version;
	int wanted;		/* the files are to be there */
	int stale;		/* the store may know more than ring */
	int trusted_due, krl_due;	/* to be written with the next publish */
	int failed_trusted, failed_krl;	/* older than they should be */
	int all;		/* every certificate is revoked, whatever the store says */
	int doubted;		/* as when the list was made: what the store says is not believed */
};

/* --- what the store has --- */

static void
ring_free(struct ring **rp)
{
	struct ring *r = *rp;
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
	struct ring *ring;
	const char *name;
};

/* The private half, which must be of the public one. */
static int
ring_signer(struct ring *ring, struct entry *e, const struct ssh_ca_record *rec)
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
	struct ring *ring = a->ring;
	struct entry *e;
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

static int
load(struct ssh_ca *c)
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

/* What an altered or an older store says is not revoked may be. */
static int
doubtful(const struct ssh_ca *c)
{
	return store_verdict(c->st) != STORE_GOOD;
}

static size_t
count(const struct ssh_ca *c, enum ssh_ca_key_state from, enum ssh_ca_key_state to)
{
	size_t i, n = 0;

	for (i = 0; i < c->ring->n; i++)
		n += c->ring->entry[i].state >= from && c->ring->entry[i].state <= to;
	return n;
}

static const struct entry *
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

/* All that are trusted are revoked; of too many that are the oldest is forgotten. */
static int
revoke_trusted(struct ssh_ca *c, int64_t now)
{
	size_t i, over, n = count(c, SSH_CA_NEXT, SSH_CA_RETIRED) + count(c, SSH_CA_REVOKED, SSH_CA_REVOKED);
	const struct entry *e;
	int r;

	over = n > SSH_CA_REVOKED_MAX ? n - SSH_CA_REVOKED_MAX : 0;
	for (i = 0; i < c->ring->n; i++) {
		e = &c->ring->entry[i];
		if (e->state == SSH_CA_REVOKED && over > 0) {
			over--;
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
	const struct entry *next = find(c, SSH_CA_NEXT), *active = find(c, SSH_CA_ACTIVE);
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

/* --- what servers see --- */

static int
trusted_text(const struct ssh_ca *c, struct buf *out)
{
	const struct entry *e;
	size_t i;
	int r;

	for (i = 0; i < c->ring->n; i++) {
		e = &c->ring->entry[i];
		if (e->state <= SSH_CA_RETIRED &&
		    ((r = buf_put_cstr(out, (const char *)e->line.data)) != TSR_OK ||
		    (r = buf_put_u8(out, '\n')) != TSR_OK))
			return r;
	}
	return TSR_OK;
}

static int
write_trusted(struct ssh_ca *c)
{
	struct buf b;
	int r;

	buf_init(&b, SSH_CA_LINES_MAX);
	if ((r = trusted_text(c, &b)) == TSR_OK)
		r = public_file_write(c->trusted_file, b.len > 0 ? b.data : (const uint8_t *)"", b.len);
	buf_free(&b);
	return r;
}

static int
add_serial(void *arg, uint64_t serial)
{
	/* what stands in the list's memory is numbers of this machine */
	return buf_put(arg, &serial, sizeof(serial));
}

/* One key's part; serials holds the numbers until the list is made. */
static int
krl_part(const struct ssh_ca *c, const struct entry *e, struct buf *serials, struct ssh_krl_ca *part,
    size_t *n)
{
	int r;

	memset(part, 0, sizeof(*part));
	part->key = e->blob.data;
	part->key_n = e->blob.len;
	/* an older store does not know what was issued, or revoked, after it */
	part->all = e->state == SSH_CA_REVOKED || c->doubted;
	buf_init(serials, SSH_KRL_MAX);
	if (!part->all && (r = store_ssh_cert_serials(c->st, e->id, c->all, add_serial, serials)) != TSR_OK)
		return r;
	part->serials = (const uint64_t *)(const void *)serials->data;
	part->n = serials->len / sizeof(uint64_t);
	*n += part->all || part->n > 0;
	return TSR_OK;
}

static int
krl_make(const struct ssh_ca *c, uint64_t version, int64_t now, struct buf *out)
{
	struct ssh_krl_ca part[SSH_CA_KEYS_MAX];
	struct buf serials[SSH_CA_KEYS_MAX];
	size_t i, n = 0;
	int r = TSR_OK;

	memset(serials, 0, sizeof(serials));
	/* a part that says nothing is overwritten by the next one */
	for (i = 0; i < c->ring->n && r == TSR_OK; i++)
		r = krl_part(c, &c->ring->entry[i], &serials[i], &part[n], &n);
	if (r == TSR_OK)
		r = ssh_krl_write(out, part, n, version, now, c->name);
	for (i = 0; i < c->ring->n; i++)
		buf_free(&serials[i]);
	return r;
}

static int
write_krl(struct ssh_ca *c, int64_t now)
{
	uint64_t version = store_generation(c->st);
	struct buf b;
	int r;

	c->doubted = doubtful(c);
	if (version <= c->version)
		version = c->version + 1;
	buf_init(&b, SSH_KRL_MAX);
	if ((r = krl_make(c, version, now, &b)) == TSR_OK) {
		buf_free(&c->krl);
		c->krl = b;
		c->version = version;
		buf_init(&b, 0);
		r = public_file_write(c->krl_file, c->krl.data, c->krl.len);
	}
	buf_free(&b);
	return r;
}

int
ssh_ca_due(const struct ssh_ca *c)
{
	return c->stale || c->trusted_due || c->krl_due;
}

void
ssh_ca_retry(struct ssh_ca *c)
{
	c->stale |= c->ring == NULL;
	c->trusted_due |= c->failed_trusted;
	c->krl_due |= c->failed_krl || c->doubted != doubtful(c);
}

int
ssh_ca_publish(struct ssh_ca *c, int64_t now)
{
	int r = TSR_OK, code;

	if (store_dirty(c->st))
		return TSR_OK;
	if ((c->stale || c->ring == NULL) && (code = load(c)) != TSR_OK)
		r = code;
	if (c->ring == NULL || (!c->wanted && c->ring->n == 0)) {
		c->trusted_due = c->krl_due = 0;
		return r;
	}
	if (c->trusted_due) {
		code = write_trusted(c);
		c->trusted_due = 0;
		c->failed_trusted = code != TSR_OK;
		r = r != TSR_OK ? r : code;
	}
	if (c->krl_due) {
		code = write_krl(c, now);
		c->krl_due = 0;
		c->failed_krl = code != TSR_OK;
		r = r != TSR_OK ? r : code;
	}
	return r;
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
	const struct entry *e = &c->ring->entry[n];

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
	if ((r = load(c)) == TSR_NOMEM)
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
