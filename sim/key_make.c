/*
 * key_make.c - authenticatorMakeCredential (CTAP 2.1 section 6.1).
 *
 * SPDX-License-Identifier: ISC
 */
#include <string.h>

#include "sim/key.h"
#include "sim/key_attest.h"
#include "sim/key_cred.h"
#include "tessera.h"

struct make {				/* what is asked for */
	struct key_span client_data, user;
	char rp_id[KEY_RP_MAX + 1];
	char name[KEY_NAME_MAX + 1], display[KEY_NAME_MAX + 1];
	uint8_t rp[32];
	bool rk, up, uv;
	struct key_cred cred;
};

/* Parameters 1 to 3: clientDataHash, rp, user. */
static int
key_make_who(const struct cbor *q, struct make *m)
{
	struct cbor map, id;
	int r;

	if ((r = key_param_bytes(q, 1, true, &m->client_data)) != CTAP_OK)
		return r;
	if (m->client_data.n != 32)
		return CTAP_INVALID_LENGTH;
	if ((r = key_param_map(q, 2, true, &map)) != CTAP_OK ||
	    (r = key_param_text(&map, "id", true, m->rp_id, sizeof(m->rp_id))) != CTAP_OK)
		return r;
	if ((r = key_param_map(q, 3, true, &map)) != CTAP_OK ||
	    (r = key_param_text(&map, "name", false, m->name, sizeof(m->name))) != CTAP_OK ||
	    (r = key_param_text(&map, "displayName", false, m->display,
	    sizeof(m->display))) != CTAP_OK)
		return r;
	if (cbor_find_text(&map, "id", &id) != TSR_OK)
		return CTAP_MISSING_PARAMETER;
	if (id.kind != CBOR_BYTES)
		return CTAP_UNEXPECTED_TYPE;
	if (id.n == 0 || id.n > KEY_USER_MAX)
		return CTAP_INVALID_LENGTH;
	m->user.p = id.p;
	m->user.n = id.n;
	key_cred_rp(m->rp_id, m->rp);
	return CTAP_OK;
}

/* Parameter 4: the first algorithm of the list that we have. */
static int
key_make_algorithm(const struct key *k, const struct cbor *q, struct make *m)
{
	struct cbor list, entry, alg;
	char type[16];
	int64_t v;
	size_t i;
	int r;

	if (cbor_find(q, 4, &list) != TSR_OK)
		return CTAP_MISSING_PARAMETER;
	if (list.kind != CBOR_ARRAY)
		return CTAP_UNEXPECTED_TYPE;
	for (i = 0; cbor_at(&list, i, &entry) == TSR_OK; i++) {
		if (entry.kind != CBOR_MAP)
			return CTAP_UNEXPECTED_TYPE;
		if ((r = key_param_text(&entry, "type", true, type, sizeof(type))) != CTAP_OK)
			return r;
		if (cbor_find_text(&entry, "alg", &alg) != TSR_OK)
			return CTAP_MISSING_PARAMETER;
		if (cbor_int(&alg, &v) != TSR_OK)
			return CTAP_UNEXPECTED_TYPE;
		if (m->cred.alg == 0 && strcmp(type, "public-key") == 0 &&
		    ((v == COSE_ES256 && k->set.es256) || (v == COSE_EDDSA && k->set.eddsa)))
			m->cred.alg = (int)v;
	}
	return m->cred.alg == 0 ? CTAP_UNSUPPORTED_ALGORITHM : CTAP_OK;
}

/* Parameters 6 and 7: extensions and options. */
static int
key_make_options(const struct key *k, const struct cbor *q, struct make *m)
{
	struct cbor ext, options, item;
	bool secret = false;
	int64_t protect = 0;
	int r;

	m->up = true;
	if ((r = key_param_map(q, 6, false, &ext)) != CTAP_OK ||
	    (r = key_param_map(q, 7, false, &options)) != CTAP_OK ||
	    (r = key_param_option(&options, "rk", &m->rk)) != CTAP_OK ||
	    (r = key_param_option(&options, "up", &m->up)) != CTAP_OK ||
	    (r = key_param_option(&options, "uv", &m->uv)) != CTAP_OK ||
	    (r = key_param_option(&ext, "hmac-secret", &secret)) != CTAP_OK)
		return r;
	if (!m->up || (m->uv && k->set.uv < UV_OK))
		return CTAP_INVALID_OPTION;
	if (m->rk && k->set.resident == 0)
		return CTAP_UNSUPPORTED_OPTION;
	if (cbor_find_text(&ext, "credProtect", &item) == TSR_OK) {
		if (cbor_int(&item, &protect) != TSR_OK)
			return CTAP_UNEXPECTED_TYPE;
		if (protect < 1 || protect > 3)
			return CTAP_INVALID_OPTION;
	}
	m->cred.protect = (int)protect;
	m->cred.flags = (m->rk ? (unsigned)CRED_RESIDENT : 0) |
	    (secret && k->set.hmac_secret ? (unsigned)CRED_HMAC_SECRET : 0);
	return CTAP_OK;
}

/* Parameter 5: is there already one of ours? */
static int
key_make_excluded(struct key *k, const struct cbor *q, const struct make *m, bool uv)
{
	struct cbor list, entry, id;
	struct key_cred c;
	size_t i;
	int r;

	if (cbor_find(q, 5, &list) != TSR_OK)
		return CTAP_OK;
	if (list.kind != CBOR_ARRAY)
		return CTAP_UNEXPECTED_TYPE;
	for (i = 0; cbor_at(&list, i, &entry) == TSR_OK; i++) {
		if (entry.kind != CBOR_MAP)
			return CTAP_UNEXPECTED_TYPE;
		if (cbor_find_text(&entry, "id", &id) != TSR_OK)
			return CTAP_MISSING_PARAMETER;
		if (id.kind != CBOR_BYTES)
			return CTAP_UNEXPECTED_TYPE;
		if (!key_cred_known(k, m->rp, id.p, id.n, &c) || (c.protect == 3 && !uv))
			continue;
		return (r = key_need_touch(k)) == CTAP_OK ? CTAP_CREDENTIAL_EXCLUDED : r;
	}
	return CTAP_OK;
}

/* Keep a resident credential, in place of one of the same user there. */
static int
key_make_resident(struct key *k, const struct make *m, const uint8_t id[KEY_ID])
{
	struct key_resident *c, *slot = NULL;
	size_t i;

	for (i = 0; i < KEY_RESIDENT_MAX; i++) {
		c = &k->store.s.resident[i];
		if (c->used && strcmp(c->rp, m->rp_id) == 0 && c->user_len == m->user.n &&
		    memcmp(c->user, m->user.p, m->user.n) == 0)
			slot = c;
	}
	if (slot == NULL && key_cred_residents(k) >= (size_t)k->set.resident)
		return CTAP_KEY_STORE_FULL;
	for (i = 0; slot == NULL && i < KEY_RESIDENT_MAX; i++)
		if (!k->store.s.resident[i].used)
			slot = &k->store.s.resident[i];
	if (slot == NULL)
		return CTAP_KEY_STORE_FULL;
	memset(slot, 0, sizeof(*slot));
	slot->used = true;
	slot->made = ++k->store.s.made;
	memcpy(slot->id, id, KEY_ID);
	memcpy(slot->user, m->user.p, m->user.n);
	slot->user_len = (uint8_t)m->user.n;
	memcpy(slot->rp, m->rp_id, sizeof(slot->rp));
	memcpy(slot->name, m->name, sizeof(slot->name));
	memcpy(slot->display, m->display, sizeof(slot->display));
	return CTAP_OK;
}

/* Authenticator data with the new credential in it (WebAuthn 6.5.1). */
static int
key_make_authdata(struct key *k, const struct make *m, bool uv, const uint8_t id[KEY_ID],
    const struct key_pair *pair, struct cbor_out *o)
{
	bool secret = (m->cred.flags & CRED_HMAC_SECRET) != 0;
	bool protect = m->cred.protect != 0;
	unsigned flags = CTAP_UP | CTAP_AT;
	const uint8_t id_len[2] = { KEY_ID >> 8, KEY_ID & 0xff };

	flags |= uv ? (unsigned)CTAP_UV : 0;
	flags |= secret || protect ? (unsigned)CTAP_ED : 0;
	key_cred_authdata(k, m->rp, (uint8_t)flags, id, o);
	cbor_out_raw(o, k->set.aaguid, sizeof(k->set.aaguid));
	cbor_out_raw(o, id_len, sizeof(id_len));
	cbor_out_raw(o, id, KEY_ID);
	if (key_pair_cose(pair, pair->alg, o) != TSR_OK)
		return CTAP_OTHER;
	if (!secret && !protect)
		return CTAP_OK;
	cbor_out_map(o, (size_t)protect + secret);
	if (protect) {
		cbor_out_text(o, "credProtect");
		cbor_out_int(o, m->cred.protect);
	}
	if (secret) {
		cbor_out_text(o, "hmac-secret");
		cbor_out_bool(o, true);
	}
	return CTAP_OK;
}

/* The reply: fmt, authData, attStmt. */
static int
key_make_reply(struct key *k, const struct make *m, const struct key_pair *pair,
    const struct cbor_out *authdata, struct cbor_out *out)
{
	bool x5c = k->set.attestation == ATTEST_PACKED;
	const struct key_pair *signer = pair;
	uint8_t sig[KEY_PAIR_SIG];
	size_t len;

	cbor_out_map(out, 3);
	cbor_out_int(out, 1);
	cbor_out_text(out, k->set.attestation == ATTEST_NONE ? "none" : "packed");
	cbor_out_int(out, 2);
	cbor_out_bytes(out, authdata->buf.data, authdata->buf.len);
	cbor_out_int(out, 3);
	if (k->set.attestation == ATTEST_NONE) {
		cbor_out_map(out, 0);
		return CTAP_OK;
	}
	if (x5c) {
		if (key_attest_ready(k) != TSR_OK)
			return CTAP_OTHER;
		signer = &k->attest.pair;
	}
	if (key_cred_sign(k, signer, authdata, m->client_data.p, sig, &len) != TSR_OK)
		return CTAP_OTHER;
	cbor_out_map(out, x5c ? 3 : 2);
	cbor_out_text(out, "alg");
	cbor_out_int(out, signer->alg);
	cbor_out_text(out, "sig");
	cbor_out_bytes(out, sig, len);
	if (x5c) {
		cbor_out_text(out, "x5c");
		cbor_out_array(out, 1);
		cbor_out_bytes(out, k->attest.der, (size_t)k->attest.der_len);
	}
	return CTAP_OK;
}

/* All is allowed: make it. */
static int
key_make_new(struct key *k, const struct make *m, bool uv, struct cbor_out *out)
{
	struct key_pair pair = { 0, NULL };
	struct cbor_out authdata;
	uint8_t id[KEY_ID];
	int r;

	cbor_out_init(&authdata, CTAP_MESSAGE);
	key_cred_new(k, m->rp, &m->cred, id);
	if (key_cred_pair(k, id, &pair) != TSR_OK) {
		r = CTAP_OTHER;
		goto out;
	}
	if ((m->rk && (r = key_make_resident(k, m, id)) != CTAP_OK) ||
	    (r = key_make_authdata(k, m, uv, id, &pair, &authdata)) != CTAP_OK ||
	    (r = key_make_reply(k, m, &pair, &authdata, out)) != CTAP_OK)
		goto out;
	if (key_store_save(&k->store) != TSR_OK)
		r = CTAP_OTHER;
 out:
	key_pair_free(&pair);
	cbor_out_free(&authdata);
	return r;
}

int
key_make(struct key *k, const struct cbor *q, struct cbor_out *out)
{
	struct cbor item;
	struct make m;
	bool uv = false;
	int r;

	memset(&m, 0, sizeof(m));
	if ((r = key_make_who(q, &m)) != CTAP_OK ||
	    (r = key_make_algorithm(k, q, &m)) != CTAP_OK ||
	    (r = key_make_options(k, q, &m)) != CTAP_OK ||
	    (r = key_check_token(k, q, 8, 9, m.client_data.p, m.client_data.n, CTAP_MAY_MAKE, m.rp,
	    &uv)) != CTAP_OK)
		return r;
	if (cbor_find(q, 10, &item) == TSR_OK)		/* enterprise attestation */
		return CTAP_INVALID_PARAMETER;
	if (!uv && m.uv) {
		if ((r = key_verify_user(k)) != CTAP_OK)
			return r;
		uv = true;
	}
	/* 2.1 says makeCredUvNotRqd: without user verification only what stays
	 * with the platform */
	if (!uv && key_guarded(k) && (m.rk || (!k->set.ctap21 && k->store.s.pin_set)))
		return CTAP_PUAT_REQUIRED;
	if ((r = key_make_excluded(k, q, &m, uv)) != CTAP_OK || (r = key_need_touch(k)) != CTAP_OK)
		return r;
	r = key_make_new(k, &m, uv, out);
	if (k->set.ctap21)
		k->pin.permissions = 0;			/* a token serves one operation */
	return r;
}
