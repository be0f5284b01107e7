/*
 * proof_pin.c - the PIN of a proof: tries are read before it is asked for, it
 * comes from who may try, and one at a time goes to a token.  See
 * proof_internal.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/proof_internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "agent/clock.h"
#include "agent/device.h"
#include "agent/seat.h"
#include "include/tessera.h"

static int proof_pin_try(struct proof *p);

/* --- an end from the loop, never from inside proof_start --- */

static void
proof_pin_late(void *arg)
{
	struct proof *p = arg;
	char detail[PROOF_DETAIL_MAX];

	(void)snprintf(detail, sizeof(detail), "%s", p->late_detail);
	proof_finish(p, p->late_code, p->late_number, detail);
}

/* number: tries left, for TSR_SLOW_DOWN the seconds to wait. */
static int __attribute__((format(printf, 4, 5)))
proof_pin_fail(struct proof *p, int code, uint32_t number, const char *fmt, ...)
{
	va_list ap;

	p->late_code = code;
	p->late_number = number;
	va_start(ap, fmt);
	(void)vsnprintf(p->late_detail, sizeof(p->late_detail), fmt, ap);
	va_end(ap);
	return timer_arm(p->proofs->parts.timers, &p->timer, clock_boot_ms(), proof_pin_late, p);
}

/* What pin_guard_may() said, in words. */
static int
proof_pin_refuse(struct proof *p, int code, uint32_t wait_s)
{
	uint32_t few = pin_guard_confirm(p->proofs->parts.guard, &p->of, p->tries);
	const char *tries = few == 1 ? "try" : "tries";

	switch (code) {
	case TSR_PIN_LOCKED:
		return proof_pin_fail(p, code, 0, "the token says that its PIN is locked");
	case TSR_PIN_SEAT:
		return proof_pin_fail(p, code, p->tries, "%s%u %s of the PIN %s left: only somebody who sits "
		    "at this machine may try", p->tries == PROTO_TRIES_UNKNOWN ? "perhaps " : "", few, tries,
		    few == 1 ? "is" : "are");
	case TSR_PIN_REQUIRED:
		return proof_pin_fail(p, code, p->tries, "%u %s of the PIN %s left: only a person who is asked, "
		    "and confirms that, may try", few, tries, few == 1 ? "is" : "are");
	case TSR_SLOW_DOWN:
		return proof_pin_fail(p, code, wait_s, "the token refused a PIN: for %u s none is taken but "
		    "from somebody who sits at this machine", wait_s);
	default:
		return proof_pin_fail(p, code, PROTO_TRIES_UNKNOWN, "%s", "");
	}
}

/* --- asking for it --- */

static struct events_about
proof_about(const struct proof *p)
{
	return (struct events_about){ .uid = p->ask.prompter, .requester = p->ask.requester,
	    .said = p->ask.said };
}

static int
proof_pin_may(void *arg, enum pin_place place, uint32_t confirmed, uint32_t *wait_s)
{
	struct proof *p = arg;

	return pin_guard_may(p->proofs->parts.guard, &p->of, place, p->tries, confirmed,
	    clock_boot_ms(), wait_s);
}

static void
proof_pin_replied(void *arg, int code, struct prompt_reply *reply, uint32_t wait_s)
{
	struct proof *p = arg;
	int r;

	p->prompt = NULL;
	if (code == TSR_OK) {
		p->pin = reply->pin;
		reply->pin = NULL;
		p->confirmed = reply->confirmed;
		p->place = p->pin == NULL ? PIN_AT_SEAT : reply->place;	/* at the reader */
		r = proof_pin_try(p);
	} else
		r = proof_pin_refuse(p, code, wait_s);
	if (r != TSR_OK)
		proof_finish(p, r, PROTO_TRIES_UNKNOWN, "");
}

static void
proof_pin_show(struct proof *p, int last, struct prompt_show *show)
{
	const struct credential *c = p->ask.credential;

	memset(show, 0, sizeof(*show));
	show->purpose = p->ask.purpose;
	show->ask = "pin";
	show->audience = p->ask.context.audience != NULL ? p->ask.context.audience : "";
	show->scope = p->ask.context.scope != NULL ? p->ask.context.scope : "";
	show->about = p->ask.about;
	show->token_label = c->token_label;
	show->token_serial = c->token_serial;
	show->token_manufacturer = c->token_manufacturer;
	show->token_model = c->token_model;
	show->credential_id = c->id;
	show->credential_label = c->label;
	show->retry = last != TSR_OK;
	show->tries_left = p->tries;
	show->confirm = pin_guard_confirm(p->proofs->parts.guard, &p->of, p->tries);
	show->least = p->least;
	show->most = p->most;
	show->pad = (p->flags & PROTO_TOKEN_PROTECTED_PATH) != 0;
	/* A wrong PIN is what "low" means, whatever the token said before; one of a
	 * length that it does not take was none of its tries. */
	show->pin = p->tries == 1 ? "final" : last == TSR_PIN_WRONG && !p->of.unlimited ? "low" :
	    device_pin_state(p->flags, p->of.unlimited);
}

/* last: what came of the PIN before, TSR_OK where there was none.  TSR_OK; else why
 * nobody is asked, with the seconds to wait. */
static int
proof_pin_ask(struct proof *p, int last, uint32_t *wait_s)
{
	static const struct prompt_client none = { NULL, proof_pin_replied, NULL };
	const struct proof_parts *parts = &p->proofs->parts;
	struct events_about about = proof_about(p);
	struct prompt_client client = none;
	struct prompt_show show;
	enum pin_place place;
	int r;

	proof_pin_show(p, last, &show);
	/* Before anybody is bothered: could one of them try? */
	place = prompts_place(parts->prompts, &about);
	if (show.pad && show.confirm == 0)
		place = PIN_AT_SEAT;
	if ((r = proof_pin_may(p, place, show.confirm, wait_s)) != TSR_OK)
		return r;
	client.arg = p;
	client.may = proof_pin_may;
	if ((r = prompt_ask(parts->prompts, &about, &show, &client, &p->prompt)) != TSR_OK)
		return r;
	p->asked++;
	if (!show.pad || show.confirm > 0)
		return TSR_OK;
	p->place = PIN_AT_SEAT;		/* the prompt only says where to enter it */
	p->confirmed = 0;
	return proof_pin_try(p);
}

/* --- what the token says before it is asked for --- */

static void
proof_pin_part(void *arg, uint16_t type, const struct proto_value *v)
{
	struct proof *p = arg;

	(void)type;
	p->tries = v[0].u32;
	p->least = v[1].u32;
	p->most = v[2].u32;
	p->flags = v[3].u32;
}

static void
proof_pin_told(void *arg, int code, uint32_t tries_left, const char *detail)
{
	struct proof *p = arg;
	uint32_t wait_s = 0;
	int r;

	p->call = NULL;
	if (code == TSR_DEVICE_NOT_FOUND || code == TSR_DEVICE_REMOVED)
		pin_guard_pulled(p->proofs->parts.guard, p->of.serial, p->of.label);
	if (code != TSR_OK) {
		proof_finish(p, code, tries_left, detail);
		return;
	}
	if (p->pin != NULL)
		r = proof_pin_try(p);
	else if ((r = proof_pin_ask(p, TSR_OK, &wait_s)) != TSR_OK)
		r = proof_pin_refuse(p, r, wait_s);
	if (r != TSR_OK)
		proof_finish(p, r, PROTO_TRIES_UNKNOWN, "");
}

int
proof_pin_begin(struct proof *p)
{
	const struct credential *c = p->ask.credential;
	const struct proof_parts *parts = &p->proofs->parts;
	struct helper_target t = { c->module, c->token_serial, c->token_label, c->uid };
	struct helper_client client = { proof_pin_part, proof_pin_told, p };
	struct events_about about = proof_about(p);
	struct proto_value v[2];
	uint32_t wait_s;

	p->of = (struct pin_of){ .serial = c->token_serial, .label = c->token_label,
	    .unlimited = p->ask.unlimited };
	p->tries = PROTO_TRIES_UNKNOWN;
	if (p->pin != NULL) {
		p->place = seat_has(*parts->seat, p->ask.requester, p->ask.said) ? PIN_AT_SEAT :
		    PIN_ELSEWHERE;
		/* The card is not bothered with what will be refused. */
		if (!pin_guard_wary(parts->guard, &p->of) ||
		    proof_pin_may(p, p->place, 0, &wait_s) == TSR_SLOW_DOWN)
			return proof_pin_try(p);
	} else if (prompts_place(parts->prompts, &about) == PIN_ELSEWHERE &&
	    !events_route(parts->events, &about, NULL))
		return TSR_NO_PROMPTER;
	memset(v, 0, sizeof(v));
	v[0] = proto_text(c->token_serial);
	v[1] = proto_text(c->token_label);
	return helper_request(parts->helpers, &t, PROTO_TRIES, v, 2, PROOF_TRIES_MS, &client, &p->call);
}

/* --- the try --- */

static void
proof_pin_over(void *arg)
{
	proof_finish(arg, TSR_DEVICE_BUSY, PROTO_TRIES_UNKNOWN, "other requests are at the token");
}

/* One at a time: each shall see what came of the one before. */
static int
proof_pin_wait(struct proof *p)
{
	if (p->wait_until_ms == 0)
		p->wait_until_ms = clock_boot_ms() + PROOF_MS;
	p->waiting = 1;
	return timer_arm(p->proofs->parts.timers, &p->timer, p->wait_until_ms, proof_pin_over, p);
}

/* A PIN that the token refused before: who mistyped the same is asked once more. */
static int
proof_pin_again(struct proof *p)
{
	uint32_t wait_s;

	secret_free(&p->pin);
	if (p->asked > 0 && p->asked < PROOF_TRIES && proof_pin_ask(p, TSR_PIN_WRONG, &wait_s) == TSR_OK)
		return TSR_OK;
	return proof_pin_fail(p, TSR_PIN_WRONG, p->tries, "the token refused this PIN before: it is "
	    "not tried again until the token is pulled");
}

static int
proof_pin_try(struct proof *p)
{
	struct pin_guard *g = p->proofs->parts.guard;
	uint32_t wait_s = 0;
	int r;

	p->waiting = 0;
	timer_disarm(p->proofs->parts.timers, &p->timer);
	if (p->pin != NULL && pin_guard_knows(g, &p->of, p->pin))
		return proof_pin_again(p);
	if ((r = proof_pin_may(p, p->place, p->confirmed, &wait_s)) != TSR_OK)
		return proof_pin_refuse(p, r, wait_s);
	if (pin_guard_begin(g, &p->of, p->pin) != TSR_OK)
		return proof_pin_wait(p);
	p->trying = 1;
	p->is_default = p->pin != NULL && pin_guard_is_default(p->pin);
	return proof_send(p);
}

static void
proof_pin_turn(void *arg)
{
	struct proof *p = arg;
	int r;

	if ((r = proof_pin_try(p)) != TSR_OK)
		proof_finish(p, r, PROTO_TRIES_UNKNOWN, "");
}

/* From the seat first, then as they came.  One that goes waits no longer. */
void
proofs_turn(struct proofs *ps, const struct pin_of *of)
{
	struct proof *p, *best = NULL;

	for (p = ps->list; p != NULL; p = p->next)
		if (p->waiting && strcmp(p->of.serial, of->serial) == 0 &&
		    strcmp(p->of.label, of->label) == 0 && (best == NULL || p->place >= best->place))
			best = p;
	if (best != NULL)	/* its timer is armed: it has room */
		(void)timer_arm(ps->parts.timers, &best->timer, clock_boot_ms(), proof_pin_turn, best);
}

/* What the answer says of the PIN. */
static void
proof_pin_count(struct proof *p, int code)
{
	struct pin_guard *g = p->proofs->parts.guard;

	p->trying = 0;
	switch (code) {
	case TSR_OK:
	case TSR_BAD_SIGNATURE:
		pin_guard_accepted(g, &p->of);
		break;
	case TSR_PIN_WRONG:
	case TSR_PIN_LOCKED:
		pin_guard_refused(g, &p->of, p->place, 1, clock_boot_ms());
		break;
	case TSR_DEVICE_NOT_FOUND:
	case TSR_DEVICE_REMOVED:
		pin_guard_unspent(g, &p->of);
		pin_guard_pulled(g, p->of.serial, p->of.label);
		break;
	case TSR_PIN_REQUIRED:
	case TSR_PIN_LENGTH:
	case TSR_PIN_UNSET:
	case TSR_DEVICE_BUSY:
	case TSR_KEY_UNUSABLE:
	case TSR_NOT_FOUND:
		pin_guard_unspent(g, &p->of);
		break;
	case TSR_HELPER:
	case TSR_MODULE:
		if (p->place == PIN_AT_SEAT) {	/* nobody else can bring that about */
			pin_guard_unspent(g, &p->of);
			break;
		}
		/* FALLTHROUGH */
	default:		/* nobody knows whether the token saw it */
		pin_guard_refused(g, &p->of, p->place, 0, clock_boot_ms());
	}
}

int
proof_pin_answered(struct proof *p, int code, uint32_t tries_left)
{
	uint32_t wait_s;

	prompt_over(&p->prompt);
	proof_pin_count(p, code);
	proofs_turn(p->proofs, &p->of);
	p->tries = tries_left;
	/* Somebody who mistyped may try again once, but never with the last try:
	 * most cards have three, and few tell how many are left. */
	return (code == TSR_PIN_WRONG || code == TSR_PIN_LENGTH) && p->asked > 0 &&
	    p->asked < PROOF_TRIES && tries_left > 1 && proof_pin_ask(p, code, &wait_s) == TSR_OK;
}

void
proof_pin_end(struct proof *p)
{
	timer_disarm(p->proofs->parts.timers, &p->timer);
	prompt_cancel(&p->prompt);
	if (p->trying)		/* given up while the token was at it */
		proof_pin_count(p, TSR_TIMEOUT);
	p->waiting = 0;
	proofs_turn(p->proofs, &p->of);
	secret_free(&p->pin);
}
