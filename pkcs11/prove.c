/*
 * prove.c - one proof.  See prove.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "pkcs11/prove.h"

#include <string.h>

#include <sodium.h>

#include "pkcs11/lease.h"
#include "pkcs11/pin.h"
#include "tessera.h"

/* A handle from an earlier login may have died with its logout (SoftHSM2). */
static int
prove_handle_dead(CK_RV rv)
{
	return rv == CKR_KEY_HANDLE_INVALID || rv == CKR_OBJECT_HANDLE_INVALID;
}

/* Begin the signature with the key wanted, remembered or found. */
static int
prove_init(struct session *s, const struct prove_request *q, struct mech_call *c, struct fault *f)
{
	CK_KEY_TYPE type = mech_key_type(q->algorithm);
	CK_RV rv;
	int r, known;

	known = s->key.handle != CK_INVALID_HANDLE && s->key.type == type &&
	    s->key.id_len == q->id_len && memcmp(s->key.id, q->id, q->id_len) == 0;
	if (known) {
		rv = s->src.fn->C_SignInit(s->src.session, &c->mechanism, s->key.handle);
		if (!prove_handle_dead(rv))
			return rv_fault(f, "C_SignInit", rv);
	}
	if ((r = session_find_key(s, q->id, q->id_len, type, f)) != TSR_OK)
		return r;
	rv = s->src.fn->C_SignInit(s->src.session, &c->mechanism, s->key.handle);
	return rv_fault(f, "C_SignInit", rv);
}

static int
prove_sign(struct session *s, const struct prove_request *q, struct mech_call *c,
    struct prove_signature *out, struct fault *f)
{
	CK_ULONG n = sizeof(out->bytes);
	CK_RV rv;
	int r;

	if ((r = prove_init(s, q, c, f)) != TSR_OK)
		return r;
	if (s->key.always_authenticate && (r = session_login_again(s, q->pin, f)) != TSR_OK)
		return r;
	rv = s->src.fn->C_Sign(s->src.session, c->input, c->input_len, out->bytes, &n);
	if (rv != CKR_OK)
		return rv_fault(f, "C_Sign", rv);
	if (!mech_signature_fits(q->algorithm, n))
		return fault_set(f, TSR_MODULE, "C_Sign: a signature of %lu bytes", n);
	out->len = n;
	return TSR_OK;
}

/* The last tries are a person's to spend, who confirmed how many there are. */
static int
prove_try(struct session *s, const struct prove_request *q, int *gone, struct fault *f)
{
	int r;

	*gone = 0;
	if ((q->pin->size > 0 || (s->token.flags & PROTO_TOKEN_LOGIN_REQUIRED) != 0) &&
	    (r = pin_may_try(s, q->confirmed, f)) != TSR_OK)
		return r;
	r = session_login(s, q->pin, gone, f);
	if (r == TSR_PIN_WRONG) {
		lease_release(1);	/* by ourselves: it is asked beside the module */
		f->tries = pin_tries(s);
	}
	if (r == TSR_PIN_WRONG && f->tries == 0)
		r = TSR_PIN_LOCKED;
	return r;
}

/* A session that is ready and logged in; once more where a warm one had died
 * before it could log in. */
static int
prove_login(struct session *s, const struct prove_request *q, struct fault *f)
{
	int r, warm, gone;

	if ((r = session_ready(s, q->serial, q->label, &warm, f)) != TSR_OK)
		return r;
	r = prove_try(s, q, &gone, f);
	if (r == TSR_OK || !warm || !gone)
		return r;
	fault_clear(f);
	if ((r = session_open(s, q->serial, q->label, f)) != TSR_OK)
		return r == TSR_DEVICE_NOT_FOUND ? TSR_DEVICE_REMOVED : r;
	return prove_try(s, q, &gone, f);
}

int
prove(struct session *s, const struct prove_request *q, struct prove_signature *out,
    struct fault *f)
{
	struct fault last;
	struct mech_call call;
	int r, end;

	memset(&call, 0, sizeof(call));
	fault_clear(&last);
	if ((r = prove_login(s, q, f)) != TSR_OK) {
		if (r != TSR_PIN_WRONG && r != TSR_PIN_REQUIRED && r != TSR_PIN_LENGTH)
			session_drop(s);
		return r;
	}
	r = mech_prepare(&call, s->mechs, q->algorithm, q->challenge, q->challenge_len, f);
	if (r == TSR_OK)
		r = prove_sign(s, q, &call, out, f);
	if ((end = session_logout(s, &last)) != TSR_OK && r == TSR_OK) {
		*f = last;
		r = end;
	}
	/* A signature that was begun would make the next one CKR_OPERATION_ACTIVE. */
	if (r != TSR_OK) {
		session_drop(s);
		sodium_memzero(out, sizeof(*out));
	}
	sodium_memzero(&call, sizeof(call));
	return r;
}
