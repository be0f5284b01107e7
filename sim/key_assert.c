/*
 * key_assert.c - authenticatorGetAssertion and authenticatorGetNextAssertion
 * (CTAP 2.1 sections 6.2 and 6.3).
 *
 * SPDX-License-Identifier: ISC
 */
#include <string.h>

#include <sodium.h>

#include "sim/key.h"
#include "sim/key_cred.h"
#include "tessera.h"

#define NEXT_WITHIN	30000		/* ms between two of a series */
#define FALSE_COUNT	20000000	/* credentials that "credential-count" claims */
#define SALTS		64		/* bytes of the salts of hmac-secret at most */

struct wanted {				/* what is asked for */
	struct key_span client_data;
	char rp_id[KEY_RP_MAX + 1];
	uint8_t rp[32];
	bool up, uv;
	struct cbor ext;
};

struct candidates {			/* the newest first */
	bool resident;
	size_t n;
	uint8_t id[KEY_RESIDENT_MAX][KEY_ID];
};

static int
key_assert_wanted(const struct key *k, const struct cbor *q, struct wanted *w)
{
	struct cbor options, item;
	int r;

	w->up = true;
	if (cbor_find(q, 1, &item) != TSR_OK)
		return CTAP_MISSING_PARAMETER;
	if (item.kind != CBOR_TEXT)
		return CTAP_UNEXPECTED_TYPE;
	if (item.n > KEY_RP_MAX || memchr(item.p, '\0', item.n) != NULL)
		return CTAP_INVALID_LENGTH;
	memcpy(w->rp_id, item.p, item.n);
	key_cred_rp(w->rp_id, w->rp);
	if ((r = key_param_bytes(q, 2, true, &w->client_data)) != CTAP_OK)
		return r;
	if (w->client_data.n != 32)
		return CTAP_INVALID_LENGTH;
	if ((r = key_param_map(q, 4, false, &w->ext)) != CTAP_OK ||
	    (r = key_param_map(q, 5, false, &options)) != CTAP_OK ||
	    (r = key_param_option(&options, "up", &w->up)) != CTAP_OK ||
	    (r = key_param_option(&options, "uv", &w->uv)) != CTAP_OK)
		return r;
	if (cbor_find_text(&options, "rk", &item) == TSR_OK)
		return CTAP_UNSUPPORTED_OPTION;
	if (w->uv && k->set.uv < UV_OK)
		return CTAP_INVALID_OPTION;
	return CTAP_OK;
}

/* The first credential of the allow list that is ours. */
static int
key_assert_allowed(const struct key *k, const struct cbor *list, const struct wanted *w, bool uv,
    struct candidates *found)
{
	struct cbor entry, id;
	struct key_cred c;
	size_t i;

	for (i = 0; cbor_at(list, i, &entry) == TSR_OK; i++) {
		if (entry.kind != CBOR_MAP)
			return CTAP_UNEXPECTED_TYPE;
		if (cbor_find_text(&entry, "id", &id) != TSR_OK)
			return CTAP_MISSING_PARAMETER;
		if (id.kind != CBOR_BYTES)
			return CTAP_UNEXPECTED_TYPE;
		if (found->n == 0 && key_cred_known(k, w->rp, id.p, id.n, &c) &&
		    (c.protect < 3 || uv)) {
			memcpy(found->id[0], id.p, KEY_ID);
			found->n = 1;
		}
	}
	return CTAP_OK;
}

/* All resident credentials of the relying party. */
static void
key_assert_residents(const struct key *k, const struct wanted *w, bool uv, struct candidates *found)
{
	const struct key_resident *c, *best;
	struct key_cred says;
	uint32_t below = UINT32_MAX;
	size_t i;

	found->resident = true;
	for (;;) {
		best = NULL;
		for (i = 0; i < KEY_RESIDENT_MAX; i++) {
			c = &k->store.s.resident[i];
			if (c->used && c->made < below && strcmp(c->rp, w->rp_id) == 0 &&
			    (best == NULL || c->made > best->made) &&
			    key_cred_known(k, w->rp, c->id, KEY_ID, &says) &&
			    (says.protect < 2 || uv))
				best = c;
		}
		if (best == NULL)
			return;
		memcpy(found->id[found->n++], best->id, KEY_ID);
		below = best->made;
	}
}

/* The output of hmac-secret for that credential (CTAP 2.1 section 12.5). */
static int
key_assert_secret(struct key *k, const struct cbor *in, const uint8_t id[KEY_ID], bool uv,
    struct cbor_out *ext)
{
	uint8_t salt[SALTS + KEY_PIN_IV], out[SALTS], sealed[SALTS + KEY_PIN_IV], secret[32];
	struct key_pin_shared shared;
	struct key_span enc, auth;
	struct cbor cose, item;
	size_t i, n, len;
	int protocol = 1, r;

	if (in->kind != CBOR_MAP)
		return CTAP_UNEXPECTED_TYPE;
	if (cbor_find(in, 4, &item) == TSR_OK &&
	    (r = key_param_protocol(k, in, 4, &protocol)) != CTAP_OK)
		return r;
	if ((r = key_param_map(in, 1, true, &cose)) != CTAP_OK ||
	    (r = key_param_bytes(in, 2, true, &enc)) != CTAP_OK ||
	    (r = key_param_bytes(in, 3, true, &auth)) != CTAP_OK)
		return r;
	if (enc.n > sizeof(salt))
		return CTAP_INVALID_LENGTH;
	if (key_pin_agree(&k->pin, protocol, &cose, &shared) != TSR_OK)
		return CTAP_INVALID_PARAMETER;
	r = CTAP_PIN_AUTH_INVALID;
	if (!key_pin_verify(protocol, shared.hmac, enc.p, enc.n, auth.p, auth.n))
		goto out;
	r = CTAP_INVALID_LENGTH;
	if (key_pin_decrypt(&shared, enc.p, enc.n, salt, &n) != TSR_OK || (n != 32 && n != SALTS))
		goto out;
	key_cred_secret(k, id, uv, secret);
	for (i = 0; i < n; i += 32)
		crypto_auth_hmacsha256(out + i, salt + i, 32, secret);
	r = CTAP_OTHER;
	if (key_pin_encrypt(&shared, out, n, sealed, &len) != TSR_OK)
		goto out;
	cbor_out_map(ext, 1);
	cbor_out_text(ext, "hmac-secret");
	cbor_out_bytes(ext, sealed, len);
	r = CTAP_OK;
 out:
	sodium_memzero(&shared, sizeof(shared));
	sodium_memzero(secret, sizeof(secret));
	sodium_memzero(out, sizeof(out));
	return r;
}

static void
key_assert_user(const struct key_resident *c, bool full, struct cbor_out *out)
{
	bool name = full && c->name[0] != '\0', display = full && c->display[0] != '\0';

	cbor_out_int(out, 4);
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
}

/* One assertion; total is 0 after the first of a series, ext may be empty. */
static int
key_assert_reply(struct key *k, const uint8_t id[KEY_ID], const uint8_t rp[32],
    const uint8_t client_data[32], uint8_t flags, size_t total, const struct cbor_out *ext,
    struct cbor_out *out)
{
	const struct key_resident *c = key_cred_resident(k, id);
	struct key_pair pair = { 0, NULL };
	struct cbor_out authdata;
	uint8_t sig[KEY_PAIR_SIG];
	size_t len;
	int r = CTAP_OTHER;

	cbor_out_init(&authdata, CTAP_MESSAGE);
	if (ext->buf.len > 0)
		flags |= CTAP_ED;
	key_cred_authdata(k, rp, flags, id, &authdata);
	cbor_out_raw(&authdata, ext->buf.data, ext->buf.len);
	if (ext->error != TSR_OK || key_cred_pair(k, id, &pair) != TSR_OK ||
	    key_cred_sign(k, &pair, &authdata, client_data, sig, &len) != TSR_OK ||
	    key_store_save(&k->store) != TSR_OK)
		goto out;
	if (key_fault_fires(&k->fault, FAULT_CREDENTIAL_COUNT))
		total = FALSE_COUNT;
	cbor_out_map(out, (size_t)3 + (c != NULL) + (total > 1));
	cbor_out_int(out, 1);
	cbor_out_map(out, 2);
	cbor_out_text(out, "id");
	cbor_out_bytes(out, id, KEY_ID);
	cbor_out_text(out, "type");
	cbor_out_text(out, "public-key");
	cbor_out_int(out, 2);
	cbor_out_bytes(out, authdata.buf.data, authdata.buf.len);
	cbor_out_int(out, 3);
	cbor_out_bytes(out, sig, len);
	if (c != NULL)
		key_assert_user(c, (flags & CTAP_UV) != 0, out);
	if (total > 1) {
		cbor_out_int(out, 5);
		cbor_out_int(out, (int64_t)total);
	}
	r = CTAP_OK;
 out:
	key_pair_free(&pair);
	cbor_out_free(&authdata);
	return r;
}

/* The rest of them is for getNextAssertion. */
static void
key_assert_keep(struct key *k, const struct candidates *found, const struct wanted *w,
    uint8_t flags)
{
	struct key_next *next = &k->next;

	next->n = found->n;
	next->i = 1;
	memcpy(next->cred, found->id, found->n * sizeof(next->cred[0]));
	memcpy(next->client_data, w->client_data.p, sizeof(next->client_data));
	next->flags = flags;
	next->since = k->now;
}

/* The assertion of the first one, with its extensions. */
static int
key_assert_first(struct key *k, const struct candidates *found, const struct wanted *w, bool uv,
    struct cbor_out *out)
{
	struct cbor_out ext;
	struct cbor secret;
	struct key_cred c;
	uint8_t flags;
	int r = CTAP_OK;

	flags = (uint8_t)((w->up ? (unsigned)CTAP_UP : 0) | (uv ? (unsigned)CTAP_UV : 0));
	cbor_out_init(&ext, CTAP_MESSAGE);
	if (w->up && cbor_find_text(&w->ext, "hmac-secret", &secret) == TSR_OK &&
	    key_cred_known(k, w->rp, found->id[0], KEY_ID, &c) && (c.flags & CRED_HMAC_SECRET) != 0)
		r = key_assert_secret(k, &secret, found->id[0], uv, &ext);
	if (r == CTAP_OK)
		r = key_assert_reply(k, found->id[0], w->rp, w->client_data.p, flags, found->n,
		    &ext, out);
	if (r == CTAP_OK && found->n > 1)
		key_assert_keep(k, found, w, flags);
	cbor_out_free(&ext);
	return r;
}

int
key_assert(struct key *k, const struct cbor *q, struct cbor_out *out)
{
	struct candidates found;
	struct cbor list;
	struct wanted w;
	bool uv = false;
	int r;

	memset(&w, 0, sizeof(w));
	memset(&found, 0, sizeof(found));
	k->next.n = 0;
	if ((r = key_assert_wanted(k, q, &w)) != CTAP_OK ||
	    (r = key_check_token(k, q, 6, 7, w.client_data.p, w.client_data.n, CTAP_MAY_ASSERT,
	    w.rp, &uv)) != CTAP_OK)
		return r;
	if (!uv && w.uv) {
		if ((r = key_verify_user(k)) != CTAP_OK)
			return r;
		uv = true;
	}
	if (cbor_find(q, 3, &list) == TSR_OK && list.kind != CBOR_ARRAY)
		return CTAP_UNEXPECTED_TYPE;
	if (cbor_find(q, 3, &list) == TSR_OK && list.value > 0) {
		if ((r = key_assert_allowed(k, &list, &w, uv, &found)) != CTAP_OK)
			return r;
	} else
		key_assert_residents(k, &w, uv, &found);
	if (w.up && (r = key_need_touch(k)) != CTAP_OK)
		return r;
	if (found.n == 0)
		return CTAP_NO_CREDENTIALS;
	r = key_assert_first(k, &found, &w, uv, out);
	if (w.up && k->set.ctap21)
		k->pin.permissions = 0;			/* a token serves one operation */
	return r;
}

int
key_assert_next(struct key *k, struct cbor_out *out)
{
	struct key_next *next = &k->next;
	const struct key_resident *c;
	struct cbor_out none;
	uint8_t rp[32];

	if (next->i >= next->n || k->now - next->since > NEXT_WITHIN ||
	    (c = key_cred_resident(k, next->cred[next->i])) == NULL) {
		next->n = 0;
		return CTAP_NOT_ALLOWED;
	}
	key_cred_rp(c->rp, rp);
	next->i++;
	next->since = k->now;
	cbor_out_init(&none, CTAP_MESSAGE);
	return key_assert_reply(k, c->id, rp, next->client_data, next->flags, 0, &none, out);
}
