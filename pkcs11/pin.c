/*
 * pin.c - the PIN of a token.  See pin.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "pkcs11/pin.h"

#include <string.h>

#include "pkcs11/lease.h"
#include "pkcs11/piv.h"
#include "tessera.h"

/* The reader of a PIV card as OpenSC and YKCS11 show one: its name is the
 * slot's description (64 bytes, padded with blanks).  0 where it is none. */
static int
pin_reader(const struct session *s, char reader[PIV_READER_MAX])
{
	CK_SLOT_INFO info;
	size_t n = sizeof(info.slotDescription);

	if (strcmp(s->token.manufacturer, "piv_II") != 0 &&
	    strncmp(s->token.manufacturer, "Yubico", 6) != 0)
		return 0;
	memset(&info, 0, sizeof(info));
	if (s->src.fn->C_GetSlotInfo == NULL ||
	    s->src.fn->C_GetSlotInfo(s->token.slot, &info) != CKR_OK)
		return 0;
	while (n > 0 && (info.slotDescription[n - 1] == ' ' || info.slotDescription[n - 1] == '\0'))
		n--;
	memcpy(reader, info.slotDescription, n);
	reader[n] = '\0';
	return n > 0 && strlen(reader) == n;
}

uint32_t
pin_tries(const struct session *s)
{
	char reader[PIV_READER_MAX];
	uint32_t tries = PROTO_TRIES_UNKNOWN;

	if (pin_reader(s, reader))
		tries = piv_tries(reader);
	return tries != PROTO_TRIES_UNKNOWN ? tries : token_tries(s->token.flags);
}

int
pin_may_try(const struct session *s, uint32_t confirmed, struct fault *f)
{
	int r;

	f->tries = pin_tries(s);
	if (f->tries == PROTO_TRIES_UNKNOWN && (r = lease_missed(f)) != TSR_OK)
		return r;	/* it would have told, but for another program */
	if (f->tries == 0)
		return fault_set(f, TSR_PIN_LOCKED, "the token says that its PIN is locked");
	if (f->tries <= PROTO_TRIES_FEW && f->tries != confirmed)
		return fault_set(f, TSR_PIN_REQUIRED, "the token has %u %s left, only for a person who "
		    "confirms that number", f->tries, f->tries == 1 ? "try" : "tries");
	return TSR_OK;
}

/* --- a new PIN --- */

static int
pin_rule(const struct session *s, const struct secret *pin, struct fault *f)
{
	if (s->pin_max != 0 && (pin->size < s->pin_min || pin->size > s->pin_max))
		return fault_set(f, TSR_PIN_LENGTH, "the token takes a new PIN of %lu to %lu characters",
		    s->pin_min, s->pin_max);
	return TSR_OK;
}

/* What C_SetPIN and C_InitPIN say of a PIN is about the new one. */
static int
pin_set_fault(const struct session *s, const char *call, CK_RV rv, struct fault *f)
{
	int r = rv_fault(f, call, rv);

	if (rv == CKR_FUNCTION_NOT_SUPPORTED)
		return fault_set(f, TSR_KEY_UNUSABLE, "the token's module has no %s", call);
	if (r != TSR_PIN_WRONG && r != TSR_PIN_LENGTH)
		return r;
	return fault_set(f, TSR_PIN_LENGTH, "the token does not take the new PIN, which has %lu to %lu "
	    "characters or digits (%s: %s)", s->pin_min, s->pin_max, call, rv_name(rv));
}

/* A session that may write, in place of the one that s holds. */
static int
pin_session(struct session *s, const struct pin_request *q, struct fault *f)
{
	CK_RV rv;
	int r;

	if ((r = session_open(s, q->serial, q->label, f)) != TSR_OK)
		return r;
	if ((s->token.flags & PROTO_TOKEN_PROTECTED_PATH) != 0)
		return fault_set(f, TSR_KEY_UNUSABLE, "the reader has a PIN pad: its own program changes "
		    "the PIN");
	(void)s->src.fn->C_CloseSession(s->src.session);
	rv = s->src.fn->C_OpenSession(s->token.slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL,
	    &s->src.session);
	if (rv != CKR_OK)
		s->src.session = CK_INVALID_HANDLE;
	return rv_fault(f, "C_OpenSession", rv);
}

/* The end of every change; a logout that fails is the process's end. */
static int
pin_end(struct session *s, int r, struct fault *f)
{
	struct fault last;

	fault_clear(&last);
	if (s->src.session != CK_INVALID_HANDLE && session_logout(s, &last) != TSR_OK && r == TSR_OK) {
		*f = last;
		r = TSR_MODULE;
	}
	session_drop(s);
	return r;
}

int
pin_change(struct session *s, const struct pin_request *q, struct fault *f)
{
	CK_RV rv;
	int r;

	if ((r = pin_session(s, q, f)) != TSR_OK || (r = pin_rule(s, q->pin, f)) != TSR_OK ||
	    (r = pin_may_try(s, q->confirmed, f)) != TSR_OK)
		goto out;
	if (s->src.fn->C_SetPIN == NULL) {
		r = fault_set(f, TSR_KEY_UNUSABLE, "the token's module has no C_SetPIN");
		goto out;
	}
	if ((r = session_login(s, q->old, NULL, f)) != TSR_OK) {
		if (r == TSR_PIN_WRONG) {
			lease_release(1);
			f->tries = pin_tries(s);
		}
		goto out;
	}
	rv = s->src.fn->C_SetPIN(s->src.session, q->old->data, q->old->size, q->pin->data,
	    q->pin->size);
	if (rv != CKR_OK)
		r = pin_set_fault(s, "C_SetPIN", rv, f);
 out:
	return pin_end(s, r, f);
}

int
pin_unblock(struct session *s, const struct pin_request *q, struct fault *f)
{
	char reader[PIV_READER_MAX];
	CK_RV rv;
	int r;

	if ((r = pin_session(s, q, f)) != TSR_OK)
		goto out;
	s->tried = 1;		/* never repeated by itself */
	if (pin_reader(s, reader)) {
		r = piv_unblock(reader, q->old, q->pin, f);
		goto out;
	}
	if ((r = pin_rule(s, q->pin, f)) != TSR_OK)
		goto out;
	if (s->src.fn->C_InitPIN == NULL) {
		r = fault_set(f, TSR_KEY_UNUSABLE, "the token's module has no C_InitPIN");
		goto out;
	}
	lease_hold();
	if ((rv = s->src.fn->C_Login(s->src.session, CKU_SO, q->old->data, q->old->size)) != CKR_OK) {
		r = rv_fault(f, "C_Login", rv);
		goto out;
	}
	if ((rv = s->src.fn->C_InitPIN(s->src.session, q->pin->data, q->pin->size)) != CKR_OK)
		r = pin_set_fault(s, "C_InitPIN", rv, f);
 out:
	return pin_end(s, r, f);
}
