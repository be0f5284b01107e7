/*
 * present.c - see present.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "pkcs11/present.h"

#include <string.h>

#include <sodium.h>

#include "tessera.h"

static int
present_sign(struct session *s, const struct prove_request *q, struct mech_call *c,
    struct prove_signature *out, struct fault *f)
{
	CK_ULONG n = sizeof(out->bytes);
	CK_RV rv;
	int r;

	if ((r = mech_prepare(c, s->mechs, q->algorithm, q->challenge, q->challenge_len, f)) != TSR_OK ||
	    (r = session_find_key(s, q->id, q->id_len, mech_key_type(q->algorithm), f)) != TSR_OK)
		return r;
	if (s->key.always_authenticate)
		return fault_set(f, TSR_KEY_UNUSABLE, "the key wants the PIN each time");
	if ((rv = s->src.fn->C_SignInit(s->src.session, &c->mechanism, s->key.handle)) != CKR_OK)
		return rv_fault(f, "C_SignInit", rv);
	if ((rv = s->src.fn->C_Sign(s->src.session, c->input, c->input_len, out->bytes, &n)) != CKR_OK)
		return rv_fault(f, "C_Sign", rv);
	if (!mech_signature_fits(q->algorithm, n))
		return fault_set(f, TSR_MODULE, "C_Sign: a signature of %lu bytes", n);
	out->len = n;
	return TSR_OK;
}

int
present(struct session *s, const struct prove_request *q, struct prove_signature *out,
    struct fault *f)
{
	struct mech_call call;
	int r;

	memset(&call, 0, sizeof(call));
	/* A session from before the card was taken out may look alive: always anew. */
	if ((r = session_open(s, q->serial, q->label, f)) == TSR_OK)
		r = present_sign(s, q, &call, out, f);
	if (r != TSR_OK) {
		session_drop(s);
		sodium_memzero(out, sizeof(*out));
	}
	sodium_memzero(&call, sizeof(call));
	return r;
}
