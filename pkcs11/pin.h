/*
 * pin.h - the PIN of a token: tries left, a new one, and a new one by the PUK.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef PKCS11_PIN_H
#define PKCS11_PIN_H

#include <stdint.h>

#include "base/secret.h"
#include "pkcs11/session.h"

/* Tries left of s->token, whose flags are fresh: a PIV card is asked, of others
 * the flags tell little.  PROTO_TRIES_UNKNOWN. */
uint32_t pin_tries(const struct session *s);

/*
 * May one of the tries left be spent, where a person confirmed that number?
 * TSR_OK; TSR_PIN_REQUIRED where PROTO_TRIES_FEW or fewer are left and another
 * number (0: none) was confirmed; TSR_PIN_LOCKED.  f->tries is set.
 */
int pin_may_try(const struct session *s, uint32_t confirmed, struct fault *f);

struct pin_request {
	const char *serial, *label;	/* of the token, as listed */
	const struct secret *old;	/* the PIN; to unblock, the PUK or the SO's PIN */
	const struct secret *pin;	/* the new one */
	uint32_t confirmed;
};

/*
 * Login with the PIN, C_SetPIN, logout; the session is closed.  TSR_PIN_WRONG
 * is the old one's, TSR_PIN_LENGTH the new one's (or any other reason why the
 * token does not take that), with the token's rule in words.
 */
int pin_change(struct session *s, const struct pin_request *q, struct fault *f);

/* By RESET RETRY COUNTER for a PIV card, else login of the security officer and
 * C_InitPIN.  Codes as for pin_change; TSR_PIN_LOCKED: the PUK is blocked. */
int pin_unblock(struct session *s, const struct pin_request *q, struct fault *f);

#endif
