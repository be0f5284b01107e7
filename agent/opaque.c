/*
 * opaque.c - see opaque.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/opaque.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "agent/audit_event.h"
#include "agent/clock.h"
#include "agent/watch.h"
#include "base/hash.h"
#include "include/tessera.h"
#include "token/b64.h"

#define PREFIX_LEN	(sizeof(OPAQUE_ACCESS) - 1)

_Static_assert(sizeof(OPAQUE_ACCESS) == sizeof(OPAQUE_REFRESH), "PREFIX_LEN");
_Static_assert(PREFIX_LEN + B64_LEN(OPAQUE_FAMILY + OPAQUE_OWN) < OPAQUE_TEXT_MAX, "OPAQUE_TEXT_MAX");

struct opaques {
	struct secret *key;			/* of the hashes; NULL until it is needed */
	char ended[OPAQUE_ENDED_MAX][STORE_ID_LEN + 1];
	size_t n_ended, n_written;		/* of those, in the batch under way */
	int too_many;				/* all that is kept has to go */
	int swept;				/* no family of an earlier boot is left */
};

int
opaques_new(struct opaques **out)
{
	return (*out = calloc(1, sizeof(**out))) != NULL ? TSR_OK : TSR_NOMEM;
}

void
opaques_free(struct opaques **o)
{
	if (*o != NULL)
		secret_free(&(*o)->key);
	free(*o);
	*o = NULL;
}

static int
opaque_key(struct agent *a, int make, struct secret **key)
{
	int r = TSR_OK;

	if (a->opaques->key == NULL)
		r = store_token_key(a->store, make, &a->opaques->key);
	*key = a->opaques->key;
	return r;
}

/* Of a family's shared part, and of a whole token: never the same. */
static int
opaque_hash(const struct secret *key, const char *what, const uint8_t *p, size_t n,
    uint8_t hash[STORE_TOKEN_HASH])
{
	const struct hash_part parts[] = { { what, strlen(what) + 1 }, { p, n } };

	return hash_parts(hash, STORE_TOKEN_HASH, key->data, key->size, parts, 2);
}

static int
opaque_hashes(const struct secret *key, enum store_token_kind kind, const uint8_t *raw,
    struct opaque *out)
{
	int r;

	memset(out, 0, sizeof(*out));
	out->kind = kind;
	if (kind == TOKEN_OPAQUE)
		return opaque_hash(key, OPAQUE_ACCESS, raw, OPAQUE_OWN, out->hash);
	memcpy(out->family, raw, OPAQUE_FAMILY);
	if ((r = opaque_hash(key, "family", raw, OPAQUE_FAMILY, out->hash)) != TSR_OK)
		return r;
	return opaque_hash(key, OPAQUE_REFRESH, raw, OPAQUE_FAMILY + OPAQUE_OWN, out->own);
}

int
opaque_read(struct agent *a, const char *text, struct opaque *out)
{
	uint8_t raw[OPAQUE_FAMILY + OPAQUE_OWN];
	enum store_token_kind kind;
	struct secret *key;
	size_t n, want;
	int r;

	if (strncmp(text, OPAQUE_ACCESS, PREFIX_LEN) == 0)
		kind = TOKEN_OPAQUE;
	else if (strncmp(text, OPAQUE_REFRESH, PREFIX_LEN) == 0)
		kind = TOKEN_REFRESH;
	else
		return TSR_INVALID;
	want = kind == TOKEN_OPAQUE ? OPAQUE_OWN : sizeof(raw);
	if (b64_decode(raw, sizeof(raw), text + PREFIX_LEN, strlen(text + PREFIX_LEN), &n) != TSR_OK ||
	    n != want)
		r = TSR_INVALID;
	else if ((r = opaque_key(a, 0, &key)) == TSR_OK)
		r = opaque_hashes(key, kind, raw, out);
	sodium_memzero(raw, sizeof(raw));
	return r;
}

int
opaque_make(struct agent *a, enum store_token_kind kind, const uint8_t *family,
    char text[OPAQUE_TEXT_MAX], struct opaque *out)
{
	uint8_t raw[OPAQUE_FAMILY + OPAQUE_OWN];
	struct secret *key;
	size_t n;
	int r;

	if ((r = opaque_key(a, 1, &key)) != TSR_OK)
		return r;
	randombytes_buf(raw, sizeof(raw));
	if (family != NULL)
		memcpy(raw, family, OPAQUE_FAMILY);
	if ((r = opaque_hashes(key, kind, raw, out)) == TSR_OK) {
		memcpy(text, kind == TOKEN_OPAQUE ? OPAQUE_ACCESS : OPAQUE_REFRESH, PREFIX_LEN);
		n = b64_encode(text + PREFIX_LEN, raw, kind == TOKEN_OPAQUE ? OPAQUE_OWN : sizeof(raw));
		text[PREFIX_LEN + n] = '\0';
	}
	sodium_memzero(raw, sizeof(raw));
	return r;
}

int
opaque_revoke(struct agent *a, const struct caller *by, const char *text)
{
	struct store_token t;
	struct opaque o;
	int r;

	if ((r = opaque_read(a, text, &o)) != TSR_OK)
		return r == TSR_INVALID ? TSR_NOT_FOUND : r;
	sodium_memzero(o.family, sizeof(o.family));
	if ((r = store_token_get(a->store, o.kind, o.hash, &t)) != TSR_OK)
		return r == TSR_CORRUPT ? TSR_NOT_FOUND : r;
	if (t.uid != by->uid)
		return TSR_NOT_FOUND;
	if ((r = audit_ready(a->audit)) != TSR_OK || (r = store_begin(a->store)) != TSR_OK)
		return r;
	if ((r = store_token_end(a->store, t.hash, NULL)) == TSR_OK)
		r = audit_event_token(a, by, "token-revoked", &t);
	if (r == TSR_OK)
		return store_keep(a->store);
	store_undo(a->store);
	return r;
}

int
opaque_end(struct agent *a, const char *subject, const char *credential)
{
	int r;

	if ((r = store_begin(a->store)) != TSR_OK)
		return r;
	r = subject != NULL ? store_token_end_subject(a->store, subject, NULL) :
	    credential != NULL ? store_token_end_credential(a->store, credential, NULL) :
	    store_token_end_all(a->store, NULL);
	if (r == TSR_OK)
		return store_keep(a->store);
	store_undo(a->store);
	return r;
}

/* --- sessions that ended --- */

void
opaque_session_ended(struct agent *a, const char *sid)
{
	struct opaques *o = a->opaques;

	if (store_token_of_session(a->store, sid) == TSR_NOT_FOUND)
		return;
	if (o->n_ended == OPAQUE_ENDED_MAX) {
		o->too_many = 1;	/* as when everybody is logged out at once */
		return;
	}
	memcpy(o->ended[o->n_ended++], sid, STORE_ID_LEN + 1);
}

int
opaque_is_ending(const struct agent *a, const char *sid)
{
	const struct opaques *o = a->opaques;
	size_t i;

	for (i = 0; i < o->n_ended; i++)
		if (strcmp(o->ended[i], sid) == 0)
			return 1;
	return o->too_many;
}

int
opaque_end_sessions(struct agent *a)
{
	struct opaques *o = a->opaques;
	size_t i;
	int r;

	o->n_written = 0;
	if (o->n_ended == 0)
		return TSR_OK;
	store_undo(a->store);		/* a request that did not end */
	if ((r = store_begin(a->store)) != TSR_OK)
		return r;
	if (o->too_many)
		r = store_token_end_all(a->store, NULL);
	for (i = 0; i < o->n_ended && !o->too_many && r == TSR_OK; i++)
		r = store_token_end_session(a->store, o->ended[i], NULL);
	if (r != TSR_OK) {
		store_undo(a->store);
		return r;
	}
	o->n_written = o->n_ended;
	return store_keep(a->store);
}

void
opaque_settle(struct agent *a, int committed)
{
	struct opaques *o = a->opaques;

	if (!committed || o->n_written == 0)
		return;
	o->n_ended -= o->n_written;
	memmove(o->ended, o->ended[o->n_written], o->n_ended * sizeof(o->ended[0]));
	o->n_written = 0;
	o->too_many = 0;
}

void
opaque_sweep(struct agent *a)
{
	int other = !a->opaques->swept, n = 0, r;
	int64_t wall = clock_wall(), boot_ms = (int64_t)clock_boot_ms();

	if (watch_mint(a->watch) != TSR_OK)	/* by a clock that is not believed nothing is over */
		return;
	if ((r = store_token_due(a->store, wall, boot_ms, a->boot_id, other)) == TSR_NOT_FOUND)
		a->opaques->swept = 1;
	if (r != TSR_OK || store_begin(a->store) != TSR_OK)
		return;
	if (store_token_sweep(a->store, wall, boot_ms, a->boot_id, other, &n) == TSR_OK)
		(void)store_keep(a->store);
	else
		store_undo(a->store);
}
