/*
 * card_make.h - a new virtual card, as an issuer hands it out.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef SIM_CARD_MAKE_H
#define SIM_CARD_MAKE_H

#include <stdint.h>

#define CARD_MAKE_SLOTS		4
#define CARD_MAKE_SUBJECT_MAX	64	/* characters of a common name (RFC 5280, ub-common-name) */

struct card_recipe {
	uint8_t alg[CARD_MAKE_SLOTS];	/* of 9A, 9C, 9D, 9E; 0: left empty */
	const char *subject;		/* NULL: made from the serial number */
	int has_serial;			/* else one is drawn */
	uint64_t serial;		/* the second half of the GUID */
	const char *ca;			/* folder of the authority, NULL: the card's own */
};

/* Read "p256", or "9a=rsa2048,9c=p384,9d=none", or both mixed, where the later
 * word wins, into r->alg.  TSR_INVALID. */
int card_recipe_algorithms(struct card_recipe *r, const char *text);

/* Make folder where it is missing and a card in it.  TSR_CONFLICT where there
 * is one or somebody works in it; TSR_INVALID for a subject that is no text or too
 * long; TSR_NOT_FOUND without the authority's folder; TSR_NOMEM; TSR_CRYPTO;
 * TSR_SYSTEM with errno. */
int card_make(const char *folder, const struct card_recipe *r);

#endif
