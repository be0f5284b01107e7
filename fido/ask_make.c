/*
 * ask_make.c - a new credential, and which key is touched.  See ask.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "fido/ask.h"
#include "tessera.h"

/* The first that is asked for and that the key has: ES256 before EdDSA, which
 * fewer relying parties know. */
static int
make_algorithm(const struct ask *a)
{
	static const struct {
		enum proto_algorithm ours;
		int cose;
	} row[] = {
		{ PROTO_ECDSA_P256_SHA256, COSE_ES256 }, { PROTO_ED25519, COSE_EDDSA },
	};
	size_t i, j, n = fido_cbor_info_algorithm_count(a->key.info);

	for (i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		if (!(a->q->algorithms & (1u << row[i].ours)))
			continue;
		if (n == 0)		/* it does not say: let it refuse */
			return row[i].cose;
		for (j = 0; j < n; j++)
			if (fido_cbor_info_algorithm_cose(a->key.info, j) == row[i].cose)
				return row[i].cose;
	}
	return 0;
}

/* All of them where the key takes so many, else the one that it has. */
static int
make_exclude(struct ask *a, fido_cred_t *cred)
{
	const struct request *q = a->q;
	const struct request_id *ids = q->ids;
	struct request_id held = { NULL, 0 };
	size_t i, n = q->n_ids;
	int r;

	if (n > 0 && ask_batch(a, ids, n) < n) {
		if ((r = ask_find(a, &held)) != TSR_OK && r != TSR_NOT_FOUND)
			return r;
		n = r == TSR_OK;
		ids = &held;
	}
	for (i = 0; i < n; i++)
		if (fido_cred_exclude(cred, ids[i].p, ids[i].n) != FIDO_OK)
			return TSR_NOMEM;
	return TSR_OK;
}

static int
make_fill(struct ask *a, fido_cred_t *cred, fido_opt_t uv)
{
	const struct request *q = a->q;
	int cose = make_algorithm(a);

	if (cose == 0)
		return ask_fault(a, FIDO_ERR_UNSUPPORTED_ALGORITHM);
	if ((q->flags & PROTO_FIDO_RESIDENT) && key_option(&a->key, "rk") != 1)
		return fault_set(&a->fault, TSR_UNSUPPORTED, "the key keeps no resident credentials");
	if (fido_cred_set_type(cred, cose) != FIDO_OK ||
	    fido_cred_set_clientdata_hash(cred, q->hash, sizeof(q->hash)) != FIDO_OK ||
	    fido_cred_set_rp(cred, q->rp_id, q->rp_name[0] != '\0' ? q->rp_name : NULL) != FIDO_OK ||
	    fido_cred_set_user(cred, q->user_id, q->user_id_len, q->user_name, NULL, NULL) != FIDO_OK ||
	    fido_cred_set_rk(cred, q->flags & PROTO_FIDO_RESIDENT ? FIDO_OPT_TRUE :
	    FIDO_OPT_OMIT) != FIDO_OK || fido_cred_set_uv(cred, uv) != FIDO_OK)
		return TSR_NOMEM;
	return make_exclude(a, cred);
}

static int
make_say(struct ask *a, const fido_cred_t *cred)
{
	const fido_cbor_info_t *info = a->key.info;
	const char *format = fido_cred_fmt(cred);
	char transports[ASK_TRANSPORTS_MAX];
	struct proto_value v[5] = {
		proto_text(a->key.place->device),
		proto_bytes(fido_cred_authdata_raw_ptr(cred), fido_cred_authdata_raw_len(cred)),
		proto_text(format != NULL ? format : ""),
		proto_bytes(fido_cred_attstmt_ptr(cred), fido_cred_attstmt_len(cred)),
	};

	ask_words(transports, sizeof(transports), fido_cbor_info_transports_ptr(info),
	    fido_cbor_info_transports_len(info));
	v[4] = proto_text(transports);
	return ask_say(a, PROTO_FIDO_MADE, v, 5);
}

int
ask_make(struct ask *a)
{
	fido_cred_t *cred;
	const char *pin;
	fido_opt_t uv;
	int r, err;

	if ((cred = fido_cred_new()) == NULL)
		return TSR_NOMEM;
	if ((r = ask_verification(a, 1, &uv, &pin)) != TSR_OK ||
	    (r = make_fill(a, cred, uv)) != TSR_OK ||
	    (r = ask_touch(a, PROTO_FIDO_WAITS)) != TSR_OK)
		goto out;
	if ((err = fido_dev_make_cred(a->key.dev, cred, pin)) != FIDO_OK) {
		r = ask_fault(a, err);
		goto out;
	}
	r = make_say(a, cred);
 out:
	fido_cred_free(&cred);
	return r;
}

/* libfido2 takes everything that is not an answer for no touch yet. */
int
ask_select(struct ask *a)
{
	uint64_t now = key_now();
	int err, touched = 0, r;

	if ((err = fido_dev_get_touch_begin(a->key.dev)) != FIDO_OK)
		return ask_fault(a, err);
	if ((r = ask_touch(a, PROTO_FIDO_WAITS)) != TSR_OK)
		return r;
	err = fido_dev_get_touch_status(a->key.dev, &touched,
	    now < a->key.end ? (int)(a->key.end - now) : 1);
	if (err == FIDO_OK && touched)
		return ask_touch(a, PROTO_FIDO_TOUCHED);
	return ask_fault(a, err == FIDO_OK ? FIDO_ERR_RX : err);
}
