/*
 * fido_pin.h - the PIN of a FIDO2 key: asked of a person who is shown how many
 * tries are left, by the rules of pin_guard.h.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_FIDO_PIN_H
#define AGENT_FIDO_PIN_H

#include "agent/fido.h"

#define FIDO_PIN_ASKED	2	/* PINs asked for in one request */
#define FIDO_PIN_LEAST	4	/* bytes (CTAP 2.1 section 6.5.1) */
#define FIDO_PIN_MOST	63

/* Embedded in what asks; zeroed, then fido, about, of, told and arg are set. */
struct fido_pin {
	struct fido *fido;
	struct events_about about;		/* whose request it is */
	struct pin_of of;			/* which key: texts that live as long */
	/* Called once, later: TSR_OK, the PIN is in pin and a try has begun; else as
	 * fido_pin_ask() says. */
	void (*told)(void *arg, int code, uint32_t number, const char *detail);
	void *arg;

	struct secret *pin;			/* until it was sent */
	uint32_t tries;				/* left, as last told */
	int asked, trying;
	enum pin_place place;
	struct prompt *prompt;
	struct prompt_show show;
};

/* Ask; last is what came of the PIN before, TSR_OK where there was none.  TSR_OK:
 * told() follows.  TSR_NO_PROMPTER, TSR_PIN_LOCKED, TSR_PIN_SEAT, TSR_PIN_REQUIRED
 * (few tries, and nobody who may spend them), TSR_SLOW_DOWN. */
int fido_pin_ask(struct fido_pin *p, const struct prompt_show *show, uint32_t tries, int last);

/* One that came with the request: TSR_OK, a try has begun; else as above. */
int fido_pin_take(struct fido_pin *p, struct secret **pin, uint32_t tries);

/* What the key made of it.  1 where a person may be asked once more. */
int fido_pin_answered(struct fido_pin *p, int code, uint32_t tries);

/* The sentence for a code of the above that a key wants otherwise than a card, "" for
 * the others. */
const char *fido_pin_text(int code);

void fido_pin_end(struct fido_pin *p);

#endif
