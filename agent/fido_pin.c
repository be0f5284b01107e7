/*
 * fido_pin.c - see fido_pin.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/fido_pin.h"

#include "agent/clock.h"
#include "agent/seat.h"
#include "include/tessera.h"

static int
pin_may(void *arg, enum pin_place place, uint32_t confirmed, uint32_t *wait_s)
{
	struct fido_pin *p = arg;

	return pin_guard_may(p->fido->agent->guard, &p->of, place, p->tries, confirmed,
	    clock_boot_ms(), wait_s);
}

/* The PIN is in p->pin. */
static int
pin_begin(struct fido_pin *p)
{
	struct pin_guard *g = p->fido->agent->guard;
	int r;

	if (pin_guard_knows(g, &p->of, p->pin)) {
		secret_free(&p->pin);
		return TSR_PIN_WRONG;
	}
	if ((r = pin_guard_begin(g, &p->of, p->pin)) != TSR_OK) {
		secret_free(&p->pin);
		return r;
	}
	p->trying = 1;
	return TSR_OK;
}

static void
pin_replied(void *arg, int code, struct prompt_reply *reply, uint32_t wait_s)
{
	struct fido_pin *p = arg;
	struct prompt_show show = p->show;

	p->prompt = NULL;
	if (code != TSR_OK) {
		p->told(p->arg, code, code == TSR_SLOW_DOWN ? wait_s : p->tries, "");
		return;
	}
	p->pin = reply->pin;
	reply->pin = NULL;
	p->place = reply->place;
	code = pin_begin(p);
	/* One that the key refused before costs no try: once more. */
	if (code == TSR_PIN_WRONG && p->asked < FIDO_PIN_ASKED &&
	    fido_pin_ask(p, &show, p->tries, code) == TSR_OK)
		return;
	p->told(p->arg, code, p->tries, code == TSR_PIN_WRONG ?
	    "the key refused this PIN before: it is not tried again until the key is pulled" : "");
}

int
fido_pin_ask(struct fido_pin *p, const struct prompt_show *show, uint32_t tries, int last)
{
	struct agent *a = p->fido->agent;
	struct prompt_client client = { pin_may, pin_replied, p };
	uint32_t wait_s;
	int r;

	p->tries = tries;
	p->show = *show;
	p->show.kind = "fido";
	p->show.ask = "pin";
	p->show.retry = last != TSR_OK;
	p->show.tries_left = tries;
	p->show.confirm = pin_guard_confirm(a->guard, &p->of, tries);
	p->show.least = FIDO_PIN_LEAST;
	p->show.most = FIDO_PIN_MOST;
	p->show.pin = tries == 1 ? "final" : last == TSR_PIN_WRONG ? "low" : "ok";
	/* Before anybody is bothered: could one of them try? */
	if ((r = pin_may(p, prompts_place(a->prompts, &p->about), p->show.confirm,
	    &wait_s)) != TSR_OK ||
	    (r = prompt_ask(a->prompts, &p->about, &p->show, &client, &p->prompt)) != TSR_OK)
		return r;
	p->asked++;
	return TSR_OK;
}

int
fido_pin_take(struct fido_pin *p, struct secret **pin, uint32_t tries)
{
	uint32_t wait_s;
	int r;

	p->tries = tries;
	p->place = seat_has(p->fido->agent->seat, p->about.requester, p->about.said) ? PIN_AT_SEAT :
	    PIN_ELSEWHERE;
	if ((r = pin_may(p, p->place, 0, &wait_s)) != TSR_OK)
		return r;
	p->pin = *pin;
	*pin = NULL;
	return pin_begin(p);
}

/* What the answer says of the PIN. */
static void
pin_count(struct fido_pin *p, int code)
{
	struct pin_guard *g = p->fido->agent->guard;

	p->trying = 0;
	switch (code) {
	case TSR_OK:
	case TSR_TOUCH_TIMEOUT:		/* only a right one leads to a touch */
	case TSR_BAD_SIGNATURE:
		pin_guard_accepted(g, &p->of);
		break;
	case TSR_PIN_WRONG:
	case TSR_PIN_LOCKED:
		pin_guard_refused(g, &p->of, p->place, 1, clock_boot_ms());
		break;
	case TSR_DEVICE_NOT_FOUND:
	case TSR_DEVICE_REMOVED:
	case TSR_DEVICE_BUSY:
	case TSR_PIN_LENGTH:
	case TSR_PIN_UNSET:
	case TSR_CONFLICT:
		pin_guard_unspent(g, &p->of);
		break;
	/* TSR_DEVICE_REPLUG too: it may not even have been looked at, and be right */
	default:			/* nobody knows whether the key saw it */
		pin_guard_refused(g, &p->of, p->place, 0, clock_boot_ms());
	}
}

int
fido_pin_answered(struct fido_pin *p, int code, uint32_t tries)
{
	if (!p->trying)
		return 0;
	pin_count(p, code);
	p->tries = tries;
	/* Somebody who mistyped may try again once, but never with the last try. */
	return (code == TSR_PIN_WRONG || code == TSR_PIN_LENGTH) && p->asked > 0 &&
	    p->asked < FIDO_PIN_ASKED && tries > 1;
}

const char *
fido_pin_text(int code)
{
	return code == TSR_PIN_LOCKED ? "no PIN tries are left: the key has to be reset, which removes its "
	    "credentials" : "";
}

void
fido_pin_end(struct fido_pin *p)
{
	prompt_cancel(&p->prompt);
	if (p->trying)			/* given up while the key was at it */
		pin_count(p, TSR_CANCELLED);
	secret_free(&p->pin);
}
