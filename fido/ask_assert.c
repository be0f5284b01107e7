/*
 * ask_assert.c - an assertion, and whether a key holds a credential at all.
 * See ask.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include <string.h>

#include "fido/ask.h"
#include "tessera.h"

#define CBOR_BYTES	0x40	/* RFC 8949 section 3.1: major type 2 */

static int
assert_new(struct ask *a, const struct request_id *ids, size_t n, fido_assert_t **out)
{
	fido_assert_t *as;
	size_t i;

	if ((as = fido_assert_new()) == NULL)
		return TSR_NOMEM;
	if (fido_assert_set_rp(as, a->q->rp_id) != FIDO_OK ||
	    fido_assert_set_clientdata_hash(as, a->q->hash, sizeof(a->q->hash)) != FIDO_OK) {
		fido_assert_free(&as);
		return TSR_NOMEM;
	}
	for (i = 0; i < n; i++)
		if (fido_assert_allow_cred(as, ids[i].p, ids[i].n) != FIDO_OK) {
			fido_assert_free(&as);
			return TSR_NOMEM;
		}
	*out = as;
	return TSR_OK;
}

/* Which of those that were allowed it is.  A key may leave it out where there
 * was one alone (CTAP 2.0 section 5.2). */
static int
assert_which(struct ask *a, const fido_assert_t *as, const struct request_id *ids, size_t n,
    struct request_id *out)
{
	const uint8_t *p = fido_assert_id_ptr(as, 0);
	size_t i, len = fido_assert_id_len(as, 0);

	if (len == 0 && n == 1) {
		*out = ids[0];
		return TSR_OK;
	}
	for (i = 0; i < n && p != NULL; i++)
		if (ids[i].n == len && memcmp(ids[i].p, p, len) == 0) {
			*out = ids[i];
			return TSR_OK;
		}
	return fault_set(&a->fault, TSR_DEVICE_FAILED, "the key answered for another credential");
}

/* One list.  TSR_NOT_FOUND where it holds none of it. */
static int
assert_look(struct ask *a, const struct request_id *ids, size_t n, struct request_id *out)
{
	fido_assert_t *as = NULL;
	int r, err;

	if ((r = assert_new(a, ids, n, &as)) != TSR_OK)
		return r;
	if (fido_assert_set_up(as, FIDO_OPT_FALSE) != FIDO_OK)
		r = TSR_NOMEM;
	else if ((err = fido_dev_get_assert(a->key.dev, as, NULL)) != FIDO_OK)
		r = ask_fault(a, err);
	else if (fido_assert_count(as) == 0)
		r = ask_fault(a, FIDO_ERR_NO_CREDENTIALS);
	else if (n > 0)
		r = assert_which(a, as, ids, n, out);
	else
		*out = (struct request_id){ NULL, 0 };
	fido_assert_free(&as);
	return r;
}

int
ask_find(struct ask *a, struct request_id *out)
{
	const struct request *q = a->q;
	uint64_t longest = fido_cbor_info_maxcredidlen(a->key.info);
	size_t i = 0, n;
	int r = TSR_NOT_FOUND;

	if (q->n_ids == 0)
		return assert_look(a, NULL, 0, out);
	while (i < q->n_ids && r == TSR_NOT_FOUND) {
		if (longest != 0 && q->ids[i].n > longest) {	/* no key of its own */
			i++;
			continue;
		}
		for (n = ask_batch(a, q->ids + i, q->n_ids - i); n > 1 && longest != 0 &&
		    q->ids[i + n - 1].n > longest; n--)
			;
		r = assert_look(a, q->ids + i, n, out);
		i += n;
	}
	if (r == TSR_NOT_FOUND)
		return ask_fault(a, FIDO_ERR_NO_CREDENTIALS);
	return r;
}

int
ask_look(struct ask *a)
{
	struct request_id id = { NULL, 0 };
	struct proto_value v[2];
	int r;

	if ((r = ask_find(a, &id)) != TSR_OK)
		return r;
	v[0] = proto_text(a->key.place->device);
	v[1] = proto_bytes(id.p, id.n);
	return ask_say(a, PROTO_FIDO_FOUND, v, 2);
}

/* libfido2 gives the authenticator data as a CBOR byte string. */
static int
assert_unwrap(const uint8_t *p, size_t n, struct proto_value *out)
{
	size_t head, len;

	if (p == NULL || n < 1)
		return TSR_INVALID;
	if (p[0] >= CBOR_BYTES && p[0] < CBOR_BYTES + 24) {
		head = 1;
		len = p[0] - CBOR_BYTES;
	} else if (p[0] == CBOR_BYTES + 24 && n >= 2) {
		head = 2;
		len = p[1];
	} else if (p[0] == CBOR_BYTES + 25 && n >= 3) {
		head = 3;
		len = (size_t)p[1] << 8 | p[2];
	} else
		return TSR_INVALID;
	if (n - head != len)
		return TSR_INVALID;
	*out = proto_bytes(p + head, len);
	return TSR_OK;
}

static int
assert_say(struct ask *a, const fido_assert_t *as, const struct request_id *ids, size_t n)
{
	struct proto_value v[5];
	struct request_id id = { NULL, 0 };
	int r;

	if (fido_assert_count(as) == 0)
		return ask_fault(a, FIDO_ERR_NO_CREDENTIALS);
	if (n == 0)
		id = (struct request_id){ fido_assert_id_ptr(as, 0), fido_assert_id_len(as, 0) };
	else if ((r = assert_which(a, as, ids, n, &id)) != TSR_OK)
		return r;
	if (assert_unwrap(fido_assert_authdata_ptr(as, 0), fido_assert_authdata_len(as, 0),
	    &v[2]) != TSR_OK)
		return ask_fault(a, FIDO_ERR_RX_INVALID_CBOR);
	v[0] = proto_text(a->key.place->device);
	v[1] = proto_bytes(id.p, id.n);
	v[3] = proto_bytes(fido_assert_sig_ptr(as, 0), fido_assert_sig_len(as, 0));
	v[4] = proto_bytes(fido_assert_user_id_ptr(as, 0), fido_assert_user_id_len(as, 0));
	return ask_say(a, PROTO_FIDO_ASSERTED, v, 5);
}

static int
assert_get(struct ask *a, const struct request_id *ids, size_t n)
{
	int silent = (a->q->flags & PROTO_FIDO_SILENT) != 0, r, err;
	fido_assert_t *as = NULL;
	const char *pin = NULL;
	fido_opt_t uv = FIDO_OPT_OMIT;

	if (!silent && (r = ask_verification(a, 0, &uv, &pin)) != TSR_OK)
		return r;
	if ((r = assert_new(a, ids, n, &as)) != TSR_OK)
		return r;
	if (fido_assert_set_up(as, silent ? FIDO_OPT_FALSE : FIDO_OPT_OMIT) != FIDO_OK ||
	    fido_assert_set_uv(as, uv) != FIDO_OK) {
		r = TSR_NOMEM;
		goto out;
	}
	if (!silent && (r = ask_touch(a, PROTO_FIDO_WAITS)) != TSR_OK)
		goto out;
	if ((err = fido_dev_get_assert(a->key.dev, as, pin)) != FIDO_OK) {
		r = ask_fault(a, err);
		goto out;
	}
	r = assert_say(a, as, ids, n);
 out:
	fido_assert_free(&as);
	return r;
}

int
ask_assert(struct ask *a)
{
	struct request_id held = { NULL, 0 };
	int r;

	/* Nobody is asked to touch a key that holds none of them. */
	if (a->q->n_ids > 1) {
		if ((r = ask_find(a, &held)) != TSR_OK)
			return r;
		return assert_get(a, &held, 1);
	}
	return assert_get(a, a->q->ids, a->q->n_ids);
}
