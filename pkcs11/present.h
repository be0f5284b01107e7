/*
 * present.h - a card shows that it is there: a signature by a key that needs no
 * PIN (SP 800-73-4 part 1 section 3.2.1: the card authentication key, 9E).
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef PKCS11_PRESENT_H
#define PKCS11_PRESENT_H

#include "pkcs11/prove.h"

/* Sign the challenge; q->pin and q->final are not looked at, nobody logs in or
 * out.  TSR_KEY_UNUSABLE for a key that wants a PIN each time, TSR_NOT_FOUND
 * where the key is not seen without a login, and as prove(). */
int present(struct session *s, const struct prove_request *q, struct prove_signature *out,
    struct fault *f);

#endif
