/*
 * card.h - a virtual PIV card (SP 800-73-4 part 2): one application, four
 * keys, a PIN and a PUK with retry counters that outlive the process.
 *
 * A card lives in a folder.  It knows nothing of readers: commands go in,
 * answers come out.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef SIM_CARD_H
#define SIM_CARD_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

#define CARD_ATR_MAX	33	/* bytes (ISO/IEC 7816-3) */
#define CARD_ANSWER_MAX	65538	/* bytes of an answer with its status word */
#define CARD_SERIAL_SIZE	33	/* of the GUID in hexadecimal, with its NUL */

/* How the card is reached, which its ATR says. */
enum card_contact {
	CARD_CONTACT,
	CARD_CONTACTLESS,		/* the PIN may be used all the same */
	CARD_CONTACTLESS_STRICT		/* SP 800-73-4: no PIN without a virtual contact interface */
};

struct card;

/* The card in that folder, which stays locked for this process.  TSR_NOT_FOUND
 * where there is none; TSR_CONFLICT where another process has it; TSR_CORRUPT;
 * TSR_NOMEM; TSR_SYSTEM with errno.  *c of card_free may be NULL. */
int card_load(const char *folder, enum card_contact contact, struct card **out);
void card_free(struct card **c);

/* Power on, power off or reset: nothing is selected, nobody is logged in. */
void card_reset(struct card *c);

/* Answer to reset; its length. */
size_t card_atr(const struct card *c, uint8_t atr[CARD_ATR_MAX]);

/* Append the answer to command apdu[0..n).  Whatever comes is answered, at
 * least by a status word.  What a PIN attempt costs is in the folder before
 * this returns.  TSR_NOMEM. */
int card_transmit(struct card *c, const uint8_t *apdu, size_t n, struct buf *answer);

/* The command's name in small letters, or NULL. */
const char *card_command_name(uint8_t ins);

/* Tries left and at most. */
struct card_tries {
	unsigned pin, pin_max, puk, puk_max;
};
void card_tries(const struct card *c, struct card_tries *out);

/* The GUID of its CHUID; programs take it, or its second half, for the serial
 * number.  "" where it has none. */
void card_serial(const struct card *c, char out[CARD_SERIAL_SIZE]);

#endif
