/*
 * fido_list.c - see fido_list.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/fido_list.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/fido.h"
#include "base/escape.h"
#include "base/hash.h"
#include "include/tessera.h"

#define KEY_ID_PREFIX	"fido-"		/* no card's id has a letter beyond f */
#define KEY_ID_BYTES	6		/* of the hash */

struct fido_query {
	struct link link;
	void (*done)(void *arg, int code, const struct fido_list *l, const char *detail);
	void *arg;
};

static void list_done(void *arg, int code, uint32_t tries, const char *detail);

void
fido_lists_init(struct fido_lists *ls)
{
	link_init(&ls->now);
	link_init(&ls->next);
	ls->call = NULL;
	ls->list = NULL;
}

void
fido_lists_end(struct fido_lists *ls)
{
	fido_call_cancel(&ls->call);
	free(ls->list);
	ls->list = NULL;
}

static int
key_id(struct fido_key *k)
{
	struct hash_part part = { k->device, strlen(k->device) };
	uint8_t hash[32];
	int r;

	if ((r = hash_parts(hash, sizeof(hash), NULL, 0, &part, 1)) != TSR_OK)
		return r;
	memcpy(k->id, KEY_ID_PREFIX, strlen(KEY_ID_PREFIX));
	(void)sodium_bin2hex(k->id + strlen(KEY_ID_PREFIX), sizeof(k->id) - strlen(KEY_ID_PREFIX), hash,
	    KEY_ID_BYTES);
	return TSR_OK;
}

static void
list_part(void *arg, uint16_t type, const struct proto_value *v)
{
	struct fido *f = arg;
	struct fido_list *l = f->lists.list;
	struct fido_key *k;

	(void)type;
	if (l->n == PROTO_FIDO_KEYS_MAX)
		return;
	k = &l->key[l->n];
	memset(k, 0, sizeof(*k));
	escape_cut(k->device, sizeof(k->device), v[0].p, v[0].n);
	escape_cut(k->manufacturer, sizeof(k->manufacturer), v[1].p, v[1].n);
	escape_cut(k->product, sizeof(k->product), v[2].p, v[2].n);
	if ((k->has_aaguid = v[3].n == sizeof(k->aaguid)) != 0)
		memcpy(k->aaguid, v[3].p, sizeof(k->aaguid));
	escape_cut(k->versions, sizeof(k->versions), v[4].p, v[4].n);
	escape_cut(k->transports, sizeof(k->transports), v[5].p, v[5].n);
	k->flags = v[6].u32;
	k->pin_tries = v[7].u32;
	k->uv_tries = v[8].u32;
	k->resident_left = v[9].u32;
	k->algorithms = v[10].u32;
	if (key_id(k) == TSR_OK)	/* else nobody could name it */
		l->n++;
}

/* Nothing of f but the waiting is touched on an error. */
static int
list_ask(struct fido *f)
{
	struct fido_call_client client = { list_part, list_done, f };
	struct fido_lists *ls = &f->lists;
	int r;

	if (!fido_there(f))
		return TSR_UNAVAILABLE;
	if ((ls->list = calloc(1, sizeof(*ls->list))) == NULL)
		return TSR_NOMEM;
	if ((r = fido_ask(f, PROTO_FIDO_LIST, NULL, 0, FIDO_LOOK_MS, &client, &ls->call)) != TSR_OK) {
		free(ls->list);
		ls->list = NULL;
	}
	return r;
}

static void
list_tell(struct link *queries, int code, const struct fido_list *l, const char *detail)
{
	struct fido_query *q;

	/* Any of them may take others back. */
	while (!link_empty(queries)) {
		q = LINK_OF(queries->next, struct fido_query, link);
		link_remove(&q->link);
		q->done(q->arg, code, l, detail);
		free(q);
	}
}

static void
list_done(void *arg, int code, uint32_t tries, const char *detail)
{
	struct fido *f = arg;
	struct fido_lists *ls = &f->lists;
	struct fido_list *l = ls->list;
	struct link told, failed;
	int r = TSR_OK;

	(void)tries;
	ls->call = NULL;
	ls->list = NULL;
	link_take(&told, &ls->now);
	link_take(&ls->now, &ls->next);
	link_init(&failed);
	if (!link_empty(&ls->now) && (r = list_ask(f)) != TSR_OK)
		link_take(&failed, &ls->now);
	list_tell(&told, code, l, detail);
	l->n = 0;
	list_tell(&failed, r, l, "");
	free(l);
}

int
fido_list(struct fido *f,
    void (*done)(void *arg, int code, const struct fido_list *l, const char *detail), void *arg,
    struct fido_query **out)
{
	struct fido_lists *ls = &f->lists;
	int r, busy = ls->call != NULL;
	struct fido_query *q;

	if ((q = calloc(1, sizeof(*q))) == NULL)
		return TSR_NOMEM;
	q->done = done;
	q->arg = arg;
	if (!busy && (r = list_ask(f)) != TSR_OK) {
		free(q);
		return r;
	}
	/* what is told was so after it was asked for */
	link_append(busy ? &ls->next : &ls->now, &q->link);
	*out = q;
	return TSR_OK;
}

void
fido_query_cancel(struct fido_query **q)
{
	if (*q == NULL)
		return;
	link_remove(&(*q)->link);
	free(*q);
	*q = NULL;
}

/* --- one key --- */

int
fido_key_is_id(const char *id)
{
	return strncmp(id, KEY_ID_PREFIX, strlen(KEY_ID_PREFIX)) == 0;
}

const struct fido_key *
fido_key_find(const struct fido_list *l, const char *id)
{
	size_t i;

	for (i = 0; i < l->n; i++)
		if (strcmp(l->key[i].id, id) == 0)
			return &l->key[i];
	return NULL;
}

const char *
fido_key_pin(const struct fido_key *k)
{
	if ((k->flags & (PROTO_FIDO_KEY_BUSY | PROTO_FIDO_KEY_FAILED)) != 0)
		return "unknown";
	if ((k->flags & PROTO_FIDO_KEY_PIN_SET) == 0)
		return (k->flags & PROTO_FIDO_KEY_PIN) != 0 ? "unset" : "none";
	switch (k->pin_tries) {
	case 0:
		return "locked";
	case 1:
		return "final";
	default:
		return k->pin_tries <= PROTO_TRIES_FEW ? "low" : "ok";
	}
}
