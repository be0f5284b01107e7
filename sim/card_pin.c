/*
 * card_pin.c - PIN and PUK (SP 800-73-4 part 2, 3.2.1 to 3.2.3).
 *
 * An attempt is paid for before it is judged: the counter that is in the
 * folder is already lower when the comparison begins.
 *
 * SPDX-License-Identifier: ISC
 */
#include <string.h>

#include <sodium.h>

#include "sim/card_internal.h"
#include "tessera.h"

#define DIGITS_MIN	6
#define PAD		0xff

/* Six to eight digits, padded (part 2, 2.4.3); a PUK is any eight bytes. */
static int
pin_well_formed(uint8_t ref, const uint8_t *p)
{
	size_t i, digits;

	if (ref == REF_PUK)
		return 1;
	for (digits = 0; digits < CARD_PIN_BYTES && p[digits] >= '0' && p[digits] <= '9'; digits++)
		;
	for (i = digits; i < CARD_PIN_BYTES; i++)
		if (p[i] != PAD)
			return 0;
	return digits >= DIGITS_MIN;
}

static unsigned
pin_try(struct card *c, struct card_pin *pin, const uint8_t *given)
{
	if (pin->tries == 0)
		return SW_BLOCKED;
	pin->tries--;
	if (card_store_pins(c) != TSR_OK) {
		pin->tries++;
		return SW_MEMORY;
	}
	if (sodium_memcmp(pin->value, given, CARD_PIN_BYTES) != 0)
		return SW_TRIES | pin->tries;
	pin->tries = pin->max;
	return card_store_pins(c) == TSR_OK ? SW_OK : SW_MEMORY;
}

static void
pin_status(struct card *c, int verified)
{
	c->pin_verified = c->pin_fresh = verified;
}

/* The state of the PIN, which costs no attempt. */
static unsigned
pin_look(const struct card *c)
{
	if (c->pin_verified)
		return SW_OK;
	return c->pin.tries > 0 ? SW_TRIES | (unsigned)c->pin.tries : SW_BLOCKED;
}

unsigned
card_verify(struct card *c, const struct apdu *a)
{
	unsigned sw;

	if (a->p1 != 0x00 && a->p1 != 0xff)
		return SW_P1P2;
	if (a->p2 != REF_PIN)
		return SW_REFERENCE;
	if (card_needs_contact(c))
		return SW_SECURITY;
	if (a->p1 == 0xff) {
		if (a->lc != 0)
			return SW_DATA;
		pin_status(c, 0);
		return SW_OK;
	}
	if (a->lc == 0)
		return pin_look(c);
	if (a->lc != CARD_PIN_BYTES || !pin_well_formed(REF_PIN, a->data))
		return SW_DATA;
	sw = pin_try(c, &c->pin, a->data);
	pin_status(c, sw == SW_OK);
	return sw;
}

/* Old and new value of the PIN or of the PUK. */
unsigned
card_change_reference(struct card *c, const struct apdu *a)
{
	struct card_pin *pin = a->p2 == REF_PUK ? &c->puk : &c->pin;
	unsigned sw;

	if (a->p1 != 0x00)
		return SW_P1P2;
	if (a->p2 != REF_PIN && a->p2 != REF_PUK)
		return SW_REFERENCE;
	if (card_needs_contact(c))
		return SW_SECURITY;
	if (a->lc != 2 * CARD_PIN_BYTES || !pin_well_formed(a->p2, a->data) ||
	    !pin_well_formed(a->p2, a->data + CARD_PIN_BYTES))
		return SW_DATA;
	if ((sw = pin_try(c, pin, a->data)) == SW_OK) {
		memcpy(pin->value, a->data + CARD_PIN_BYTES, CARD_PIN_BYTES);
		if (card_store_pins(c) != TSR_OK)
			sw = SW_MEMORY;
	}
	if (a->p2 == REF_PIN)
		pin_status(c, sw == SW_OK);
	return sw;
}

/* The PUK and a new PIN. */
unsigned
card_reset_retry(struct card *c, const struct apdu *a)
{
	unsigned sw;

	if (a->p1 != 0x00)
		return SW_P1P2;
	if (a->p2 != REF_PIN)
		return SW_REFERENCE;
	if (card_needs_contact(c))
		return SW_SECURITY;
	if (a->lc != 2 * CARD_PIN_BYTES || !pin_well_formed(REF_PIN, a->data + CARD_PIN_BYTES))
		return SW_DATA;
	if ((sw = pin_try(c, &c->puk, a->data)) != SW_OK) {
		pin_status(c, 0);
		return sw;
	}
	memcpy(c->pin.value, a->data + CARD_PIN_BYTES, CARD_PIN_BYTES);
	c->pin.tries = c->pin.max;
	return card_store_pins(c) == TSR_OK ? SW_OK : SW_MEMORY;
}
