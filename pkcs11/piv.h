/*
 * piv.h - a PIV card (NIST SP 800-73-4) through PC/SC, beside the PKCS#11
 * module: what PKCS#11 has no call for.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef PKCS11_PIV_H
#define PKCS11_PIV_H

#include <stddef.h>
#include <stdint.h>

#include "base/secret.h"
#include "pkcs11/rv.h"

#define PIV_READER_MAX	128	/* bytes of a reader's name, with NUL: pcsc-lite's MAX_READERNAME */

/*
 * Tries left of the PIN of the card in that reader: VERIFY without data (SP
 * 800-73-4 part 2, 3.2.1), which spends none.  The card is shared, held for one
 * transaction and left as it is; one that somebody left verified does not tell,
 * and is reset.  PROTO_TRIES_UNKNOWN where there is no such reader or no PIV
 * card in it.
 */
uint32_t piv_tries(const char *reader);

/*
 * RESET RETRY COUNTER (3.2.3): a new PIN of 6 to 8 digits by the PUK.
 * TSR_PIN_LENGTH before anything is sent; TSR_PIN_WRONG with f->tries of the
 * PUK; TSR_PIN_LOCKED: the PUK is blocked; TSR_DEVICE_REMOVED, TSR_DEVICE_BUSY,
 * TSR_MODULE.
 */
int piv_unblock(const char *reader, const struct secret *puk, const struct secret *pin,
    struct fault *f);

#endif
