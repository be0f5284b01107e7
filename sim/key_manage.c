/*
 * key_manage.c - authenticatorCredentialManagement (CTAP 2.1 section 6.8):
 * count, list and delete resident credentials.
 *
 * SPDX-License-Identifier: ISC
 */
#include <string.h>

#include "sim/key.h"
#include "sim/key_cred.h"
#include "tessera.h"

#define PARAMS_MAX	512		/* bytes of the subcommand's parameters */

enum subcommand {
	MANAGE_COUNT = 1, MANAGE_RPS = 2, MANAGE_NEXT_RP = 3, MANAGE_CREDS = 4,
	MANAGE_NEXT_CRED = 5, MANAGE_DELETE = 6
};

static void
key_manage_rp(const struct key *k, const struct key_resident *c, bool first, struct cbor_out *out)
{
	uint8_t rp[32];

	key_cred_rp(c->rp, rp);
	cbor_out_map(out, first ? 3 : 2);
	cbor_out_int(out, 3);
	cbor_out_map(out, 1);
	cbor_out_text(out, "id");
	cbor_out_text(out, c->rp);
	cbor_out_int(out, 4);
	cbor_out_bytes(out, rp, sizeof(rp));
	if (first) {
		cbor_out_int(out, 5);
		cbor_out_int(out, (int64_t)k->list.n);
	}
}

static int
key_manage_cred(const struct key *k, const struct key_resident *c, bool first,
    struct cbor_out *out)
{
	bool name = c->name[0] != '\0', display = c->display[0] != '\0';
	struct key_pair pair = { 0, NULL };
	int r;

	if (key_cred_pair(k, c->id, &pair) != TSR_OK)
		return CTAP_OTHER;
	cbor_out_map(out, first ? 5 : 4);
	cbor_out_int(out, 6);
	cbor_out_map(out, (size_t)1 + name + display);
	cbor_out_text(out, "id");
	cbor_out_bytes(out, c->user, c->user_len);
	if (name) {
		cbor_out_text(out, "name");
		cbor_out_text(out, c->name);
	}
	if (display) {
		cbor_out_text(out, "displayName");
		cbor_out_text(out, c->display);
	}
	cbor_out_int(out, 7);
	cbor_out_map(out, 2);
	cbor_out_text(out, "id");
	cbor_out_bytes(out, c->id, KEY_ID);
	cbor_out_text(out, "type");
	cbor_out_text(out, "public-key");
	cbor_out_int(out, 8);
	r = key_pair_cose(&pair, pair.alg, out);
	key_pair_free(&pair);
	if (first) {
		cbor_out_int(out, 9);
		cbor_out_int(out, (int64_t)k->list.n);
	}
	cbor_out_int(out, 10);				/* credProtect */
	cbor_out_int(out, c->id[17] == 0 ? 1 : c->id[17]);
	return r == TSR_OK ? CTAP_OK : CTAP_OTHER;
}

/* The next of an enumeration of that kind. */
static int
key_manage_next(struct key *k, bool rps, struct cbor_out *out)
{
	const struct key_resident *c;
	bool first = k->list.i == 0;

	if (k->list.i >= k->list.n || k->list.rps != rps)
		return CTAP_NOT_ALLOWED;
	c = &k->store.s.resident[k->list.index[k->list.i++]];
	if (!c->used)
		return CTAP_NO_CREDENTIALS;
	if (!rps)
		return key_manage_cred(k, c, first, out);
	key_manage_rp(k, c, first, out);
	return CTAP_OK;
}

/* Begin one: of all relying parties, or of the credentials of rp. */
static int
key_manage_begin(struct key *k, const struct key_span *rp, struct cbor_out *out)
{
	struct key_listing *l = &k->list;
	const struct key_resident *c;
	uint8_t hash[32];
	size_t i, j;

	l->rps = rp == NULL;
	for (i = 0; i < KEY_RESIDENT_MAX; i++) {
		c = &k->store.s.resident[i];
		if (!c->used)
			continue;
		key_cred_rp(c->rp, hash);
		if (rp != NULL && memcmp(hash, rp->p, sizeof(hash)) != 0)
			continue;
		for (j = 0; rp == NULL && j < l->n; j++)
			if (strcmp(k->store.s.resident[l->index[j]].rp, c->rp) == 0)
				break;
		if (rp != NULL || j == l->n)
			l->index[l->n++] = (uint8_t)i;
	}
	if (l->n == 0)
		return CTAP_NO_CREDENTIALS;
	return key_manage_next(k, l->rps, out);
}

/* The credential that is to go: parameter 2. */
static int
key_manage_victim(struct key *k, const struct cbor *params, struct key_resident **out)
{
	struct cbor entry, id;
	int r;

	if ((r = key_param_map(params, 2, true, &entry)) != CTAP_OK)
		return r;
	if (cbor_find_text(&entry, "id", &id) != TSR_OK)
		return CTAP_MISSING_PARAMETER;
	if (id.kind != CBOR_BYTES)
		return CTAP_UNEXPECTED_TYPE;
	*out = id.n == KEY_ID ? key_cred_resident(k, id.p) : NULL;
	return CTAP_OK;
}

static int
key_manage_count(const struct key *k, struct cbor_out *out)
{
	size_t used = key_cred_residents(k), room = (size_t)k->set.resident;

	cbor_out_map(out, 2);
	cbor_out_int(out, 1);
	cbor_out_int(out, (int64_t)used);
	cbor_out_int(out, 2);
	cbor_out_int(out, (int64_t)(room > used ? room - used : 0));
	return CTAP_OK;
}

/* pinUvAuthParam covers the subcommand and its parameters as they were sent. */
static int
key_manage_allowed(struct key *k, const struct cbor *q, int64_t sub, const struct cbor *params,
    const uint8_t rp[32])
{
	uint8_t p[1 + PARAMS_MAX];
	bool allowed = false;
	int r;

	if (params->raw_len > PARAMS_MAX)
		return CTAP_INVALID_LENGTH;
	p[0] = (uint8_t)sub;
	if (params->raw_len > 0)
		memcpy(p + 1, params->raw, params->raw_len);
	r = key_check_token(k, q, 4, 3, p, 1 + params->raw_len, CTAP_MAY_MANAGE, rp, &allowed);
	return r == CTAP_OK && !allowed ? CTAP_PUAT_REQUIRED : r;
}

/* List the credentials of the relying party whose hash is parameter 1. */
static int
key_manage_list(struct key *k, const struct cbor *q, const struct cbor *params,
    struct cbor_out *out)
{
	struct key_span rp;
	int r;

	if ((r = key_param_bytes(params, 1, true, &rp)) != CTAP_OK)
		return r;
	if (rp.n != 32)
		return CTAP_INVALID_PARAMETER;
	if ((r = key_manage_allowed(k, q, MANAGE_CREDS, params, rp.p)) != CTAP_OK)
		return r;
	return key_manage_begin(k, &rp, out);
}

static int
key_manage_delete(struct key *k, const struct cbor *q, const struct cbor *params)
{
	struct key_resident *c;
	uint8_t rp[32] = { 0 };
	int r;

	if ((r = key_manage_victim(k, params, &c)) != CTAP_OK)
		return r;
	if (c != NULL)
		key_cred_rp(c->rp, rp);
	if ((r = key_manage_allowed(k, q, MANAGE_DELETE, params, c != NULL ? rp : NULL)) != CTAP_OK)
		return r;
	if (c == NULL)
		return CTAP_NO_CREDENTIALS;
	memset(c, 0, sizeof(*c));
	return key_store_save(&k->store) == TSR_OK ? CTAP_OK : CTAP_OTHER;
}

int
key_manage(struct key *k, const struct cbor *q, struct cbor_out *out)
{
	struct cbor params;
	int64_t sub = 0;
	int r;

	if ((r = key_param_int(q, 1, true, &sub)) != CTAP_OK ||
	    (r = key_param_map(q, 2, false, &params)) != CTAP_OK)
		return r;
	if (sub == MANAGE_NEXT_RP || sub == MANAGE_NEXT_CRED)
		return k->list.i == 0 ? CTAP_NOT_ALLOWED :
		    key_manage_next(k, sub == MANAGE_NEXT_RP, out);
	k->list.n = k->list.i = 0;
	switch (sub) {
	case MANAGE_COUNT:
		if ((r = key_manage_allowed(k, q, sub, &params, NULL)) != CTAP_OK)
			return r;
		return key_manage_count(k, out);
	case MANAGE_RPS:
		if ((r = key_manage_allowed(k, q, sub, &params, NULL)) != CTAP_OK)
			return r;
		return key_manage_begin(k, NULL, out);
	case MANAGE_CREDS:
		return key_manage_list(k, q, &params, out);
	case MANAGE_DELETE:
		return key_manage_delete(k, q, &params);
	default:
		return CTAP_INVALID_SUBCOMMAND;
	}
}
