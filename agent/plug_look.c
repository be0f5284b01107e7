/*
 * plug_look.c - see plug_look.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/plug_look.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/challenges.h"
#include "agent/clock.h"
#include "agent/fido.h"
#include "agent/fido_verdict.h"
#include "agent/store_fido.h"
#include "include/tessera.h"

#define LOOK_CHALLENGE_S	60	/* a challenge's life, in its context */

struct plug_look {
	struct agent *agent;
	const struct plug *plug;
	char device[WATCHER_DEVICE_LEN];
	plug_look_done done;
	void *arg;
	struct fido_call *call;
	struct fido_record asked[PLUG_LOOK_IDS];	/* for which it was not seen to answer yet */
	size_t n_asked;
	int waited;			/* gathering those that are waited for */
	uint8_t hash[ASSERTION_HASH_LEN];
	struct credential *answered;	/* NULL: it has not */
	struct fido_verdict verdict;
	struct plug_found found[PLUG_LOOK_FOUND];
	size_t n_found;
};

static int look_send(struct plug_look *l);

static void
look_free(struct plug_look *l)
{
	fido_call_cancel(&l->call);
	credential_free(&l->answered);
	free(l);
}

static void
look_finish(struct plug_look *l, int code)
{
	plug_look_done done = l->done;
	struct plug_found found[PLUG_LOOK_FOUND];
	char device[WATCHER_DEVICE_LEN];
	size_t n = l->n_found;
	void *arg = l->arg;

	memcpy(found, l->found, sizeof(found));
	memcpy(device, l->device, sizeof(device));
	look_free(l);
	done(arg, device, code, found, n);
}

/* --- its answer --- */

/* It is asked for that one no more, whatever its answer was worth. */
static void
look_part(void *arg, uint16_t type, const struct proto_value *v)
{
	struct plug_look *l = arg;
	struct fido_record *r;

	if (type != PROTO_FIDO_ASSERTED || l->answered != NULL)
		return;
	for (r = l->asked; r < l->asked + l->n_asked; r++)
		if (r->cred_id_len == v[1].n && memcmp(r->cred_id, v[1].p, v[1].n) == 0)
			break;
	if (r == l->asked + l->n_asked ||
	    store_credential_get(l->agent->store, r->credential, &l->answered) != TSR_OK)
		return;
	fido_verdict_judge_silent(&l->verdict, l->answered, r, l->hash, v[2].p, v[2].n, v[3].p, v[3].n);
	sodium_memzero(l->hash, sizeof(l->hash));
	*r = l->asked[--l->n_asked];
}

static void
look_answered(void *arg, int code, uint32_t tries, const char *detail)
{
	struct plug_look *l = arg;
	struct plug_found *f = &l->found[l->n_found];

	(void)tries;
	(void)detail;
	l->call = NULL;
	if (code == TSR_NOT_FOUND || code == TSR_KEY_UNUSABLE || code == TSR_PIN_REQUIRED) {
		look_finish(l, TSR_OK);		/* no more, or none that it shows */
		return;
	}
	if (code == TSR_OK && l->answered == NULL)
		code = TSR_HELPER;
	if (code != TSR_OK) {
		look_finish(l, code);
		return;
	}
	memcpy(f->credential, l->answered->id, sizeof(f->credential));
	f->code = l->answered->state == CREDENTIAL_ACTIVE ?
	    fido_verdict_there(l->agent, &l->verdict, l->answered) : TSR_DENIED;
	l->n_found++;
	credential_free(&l->answered);
	if (l->n_asked == 0 || l->n_found == PLUG_LOOK_FOUND)
		look_finish(l, TSR_OK);
	else if ((code = look_send(l)) != TSR_OK)
		look_finish(l, code);
}

/* --- the question --- */

static int
look_draw(struct plug_look *l)
{
	struct challenge_context c = {
		.purpose = CHALLENGE_PRESENT, .issuer = l->agent->issuer,
		.credential = l->n_asked == 1 ? l->asked[0].credential : "",
		.expiry = (uint64_t)clock_wall() + LOOK_CHALLENGE_S
	};
	uint8_t challenge[CHALLENGE_LEN];
	int r;

	if ((r = challenge_make(&c, challenge)) == TSR_OK)
		assertion_client_hash(challenge, sizeof(challenge), l->hash);
	return r;
}

static int
look_send(struct plug_look *l)
{
	struct fido_call_client client = { look_part, look_answered, l };
	struct proto_value v[6];
	struct buf ids;
	size_t i;
	int r;

	buf_init(&ids, PROTO_FIDO_IDS_BYTES);
	r = look_draw(l);
	for (i = 0; i < l->n_asked && r == TSR_OK; i++)
		r = fido_put_id(&ids, l->asked[i].cred_id, l->asked[i].cred_id_len);
	if (r == TSR_OK) {
		memset(v, 0, sizeof(v));
		v[0] = proto_text(l->device);
		v[1] = proto_text(l->asked[0].rp_id);
		v[2] = proto_bytes(l->hash, sizeof(l->hash));
		v[3] = proto_bytes(ids.data, ids.len);
		v[4].u32 = PROTO_FIDO_SILENT;
		r = fido_ask(l->agent->fido, PROTO_FIDO_ASSERT, v, 6, PLUG_LOOK_MS, &client, &l->call);
	}
	buf_free(&ids);
	return r;
}

/* One relying party at a time: that of the first one. */
static int
look_gather(void *arg, const struct credential *c)
{
	struct plug_look *l = arg;
	struct fido_record *r = &l->asked[l->n_asked];

	if (l->n_asked == PLUG_LOOK_IDS || !credential_is_fido(c) || c->state != CREDENTIAL_ACTIVE ||
	    plug_is_away(l->plug, c->id) != l->waited ||
	    store_fido_get(l->agent->store, c->id, r) != TSR_OK || !r->native)
		return TSR_OK;
	if (strcmp(r->rp_id, l->asked[0].rp_id) == 0)	/* the first one's own, too */
		l->n_asked++;
	return TSR_OK;
}

int
plug_look_start(struct agent *a, const struct plug *p, const char *device, plug_look_done done,
    void *arg, struct plug_look **out)
{
	struct plug_look *l;
	int r;

	if ((l = calloc(1, sizeof(*l))) == NULL)
		return TSR_NOMEM;
	l->agent = a;
	l->plug = p;
	l->done = done;
	l->arg = arg;
	(void)snprintf(l->device, sizeof(l->device), "%s", device);
	l->waited = 1;
	if ((r = store_credential_each(a->store, NULL, 0, look_gather, l)) == TSR_OK) {
		l->waited = 0;
		r = store_credential_each(a->store, NULL, 0, look_gather, l);
	}
	if (r == TSR_OK)
		r = l->n_asked > 0 ? look_send(l) : TSR_NOT_FOUND;
	if (r != TSR_OK) {
		look_free(l);
		return r;
	}
	*out = l;
	return TSR_OK;
}

void
plug_look_cancel(struct plug_look **l)
{
	if (*l != NULL)
		look_free(*l);
	*l = NULL;
}
