/*
 * pin_change.c - who is asked for what, and the tries.  See pin_change.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/pin_change_internal.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/audit_event.h"
#include "agent/body.h"
#include "agent/clock.h"
#include "agent/login.h"
#include "agent/problem.h"
#include "agent/seat.h"
#include "include/tessera.h"
#include "token/json_text.h"

static const char *const operations[] = { "change", "unblock", "set" };	/* enum pin_operation */

static void
pin_change_free(struct pin_change *p)
{
	device_query_cancel(&p->query);
	fido_query_cancel(&p->fido_query);
	helper_cancel(&p->call);
	fido_call_cancel(&p->fido_call);
	fido_turn_end(&p->turn);
	prompt_cancel(&p->prompt);
	pending_end(&p->pending);
	if (p->trying) {	/* given up while the token was at it */
		pin_guard_refused(p->agent->guard, &p->of, p->place, 0, clock_boot_ms());
		proofs_turn(p->agent->proofs, &p->of);
	}
	secret_free(&p->old);
	secret_free(&p->pin);
	free(p);
}

static void
pin_change_gone(void *arg)
{
	pin_change_free(arg);
}

static const char *
pin_change_event(const struct pin_change *p)
{
	static const char *const events[] = { "pin-changed", "pin-unblocked", "pin-set" };

	return events[p->operation];
}

void
pin_change_fail(struct pin_change *p, int code, uint32_t number, const char *fmt, ...)
{
	char members[96], text[400];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	login_failure(code, number, members);
	problem_with(p->request->conn, code, members, "%s", text[0] != '\0' ? text : tsr_strerror(code));
	pin_change_free(p);
}

/* --- the tries --- */

struct changed {
	struct pin_guard *guard;
};

static int
pin_change_credential(void *arg, const struct credential *c)
{
	struct changed *g = arg;
	struct pin_of of = { .serial = c->id, .label = "fido" };

	if (credential_is_fido(c))
		pin_guard_changed(g->guard, &of);
	return TSR_OK;
}

/* PINs that were refused may be right now; for a key they are known by its
 * credentials. */
static void
pin_change_forget(struct pin_change *p)
{
	struct changed g = { p->agent->guard };
	struct pin_of of = p->of;

	of.puk = 0;
	pin_guard_changed(g.guard, &of);
	if (p->key)
		(void)store_credential_each(p->agent->store, p->subject, p->request->caller->uid,
		    pin_change_credential, &g);
}

/* Nobody knows whether the key saw it. */
static int
pin_change_doubtful(const struct pin_change *p, int code)
{
	return p->key && (code == TSR_TIMEOUT || code == TSR_HELPER || code == TSR_DEVICE_FAILED);
}

static void
pin_change_count(struct pin_change *p, int code)
{
	struct pin_guard *g = p->agent->guard;

	if (p->trying && code == TSR_OK)
		pin_guard_accepted(g, &p->of);
	else if (p->trying && (code == TSR_PIN_WRONG || code == TSR_PIN_LOCKED || code == TSR_DEVICE_REPLUG))
		pin_guard_refused(g, &p->of, p->place, 1, clock_boot_ms());
	else if (p->trying && pin_change_doubtful(p, code))
		pin_guard_refused(g, &p->of, p->place, 0, clock_boot_ms());
	else if (p->trying)
		pin_guard_unspent(g, &p->of);
	p->trying = 0;
	if (code == TSR_OK)
		pin_change_forget(p);
	proofs_turn(p->agent->proofs, &p->of);
}

static void
pin_change_answer(struct pin_change *p)
{
	struct buf b;
	int r;

	buf_init(&b, 1024);
	if ((r = buf_printf(&b, "{\"operation\":\"%s\",\"device\":\"%s\"}", operations[p->operation],
	    p->id)) == TSR_OK && pin_guard_is_default(p->pin))
		r = json_add_members(&b, LOGIN_PIN_DEFAULT);
	if (r == TSR_OK)
		r = audit_event_pin(p->agent, p->request->conn, pin_change_event(p), TSR_OK, p->id,
		    p->device.label);
	if (r == TSR_OK)
		http_answer(p->request->conn, 200, NULL, b.data, b.len, 1);
	else
		problem(p->request->conn, r, NULL);
	buf_free(&b);
	pin_change_free(p);
}

void
pin_change_done(void *arg, int code, uint32_t tries_left, const char *detail)
{
	struct pin_change *p = arg;
	char text[400];

	p->call = NULL;
	p->fido_call = NULL;
	fido_turn_end(&p->turn);
	pin_change_count(p, code);
	if (code == TSR_OK) {
		pin_change_answer(p);
		return;
	}
	(void)audit_event_pin(p->agent, p->request->conn, pin_change_event(p), code, p->id,
	    p->device.label);
	if (p->key && code == TSR_PIN_WRONG && tries_left != PROTO_TRIES_UNKNOWN)
		(void)snprintf(text, sizeof(text), "the key refused the PIN, %u %s left", tries_left,
		    tries_left == 1 ? "try is" : "tries are");
	else
		login_describe(code, p->operation == PIN_UNBLOCK ? "PUK" : "PIN", tries_left, detail, text,
		    sizeof(text));
	if (code == TSR_PIN_LENGTH)	/* the new one */
		code = TSR_INVALID;
	pin_change_fail(p, code, tries_left, "%s", text);
}

/* --- asking --- */

static int
pin_change_may(void *arg, enum pin_place place, uint32_t confirmed, uint32_t *wait_s)
{
	struct pin_change *p = arg;

	if (place != PIN_AT_SEAT)	/* every answer is given at the machine */
		return TSR_PIN_SEAT;
	return p->step != STEP_OLD ? TSR_OK : pin_guard_may(p->agent->guard, &p->of, place, p->tries,
	    confirmed, clock_boot_ms(), wait_s);
}

void
pin_change_unsent(struct pin_change *p, int code)
{
	if (p->trying)
		pin_guard_unspent(p->agent->guard, &p->of);
	p->trying = 0;
	pin_change_fail(p, code, PROTO_TRIES_UNKNOWN, "%s", code == TSR_DEVICE_BUSY ?
	    "other requests wait for a key" : "");
}

static const char *
pin_change_noun(const struct pin_change *p)
{
	return p->key ? "key" : "token";
}

/* All three are there. */
static void
pin_change_try(struct pin_change *p)
{
	int r;

	if (!caller_alive(p->request->caller))
		pin_change_fail(p, TSR_CLOSED, PROTO_TRIES_UNKNOWN, "%s", "");
	else if (p->old != NULL && pin_guard_knows(p->agent->guard, &p->of, p->old))
		pin_change_fail(p, TSR_PIN_WRONG, p->tries, "the %s refused this %s before: it is not tried "
		    "again until the %s is pulled", pin_change_noun(p), p->operation == PIN_UNBLOCK ? "PUK" : "PIN",
		    pin_change_noun(p));
	else if ((r = audit_ready(p->agent->audit)) != TSR_OK ||
	    (p->old != NULL && (r = pin_guard_begin(p->agent->guard, &p->of, p->old)) != TSR_OK))
		pin_change_fail(p, r, PROTO_TRIES_UNKNOWN, "%s", "");
	else {
		p->trying = p->old != NULL;
		if ((r = p->key ? pin_change_key_send(p) : pin_change_card_send(p)) != TSR_OK)
			pin_change_unsent(p, r);
	}
}

static void
pin_change_take(struct pin_change *p, struct prompt_reply *reply)
{
	struct secret *pin = reply->pin;
	int same;

	reply->pin = NULL;
	if (p->step == STEP_OLD) {
		p->old = pin;
		p->place = reply->place;
		p->confirmed = reply->confirmed;
	} else if (p->step == STEP_NEW) {
		p->pin = pin;
		if (p->most > 0 && (pin->size < p->least || pin->size > p->most)) {
			pin_change_fail(p, TSR_INVALID, PROTO_TRIES_UNKNOWN, "the %s takes a new PIN of %u "
			    "to %u characters", pin_change_noun(p), p->least, p->most);
			return;
		}
	} else {
		same = pin->size == p->pin->size && sodium_memcmp(pin->data, p->pin->data, pin->size) == 0;
		secret_free(&pin);
		if (same)
			pin_change_try(p);
		else
			pin_change_fail(p, TSR_INVALID, PROTO_TRIES_UNKNOWN, "the new PIN was not the same "
			    "the second time");
		return;
	}
	p->step++;
	pin_change_ask(p);
}

static void
pin_change_replied(void *arg, int code, struct prompt_reply *reply, uint32_t wait_s)
{
	struct pin_change *p = arg;

	p->prompt = NULL;
	if (code == TSR_OK)
		pin_change_take(p, reply);
	else
		pin_change_fail(p, code, code == TSR_SLOW_DOWN ? wait_s : PROTO_TRIES_UNKNOWN, "%s", "");
}

void
pin_change_ask(struct pin_change *p)
{
	static const char *const purposes[] = { "pin-change", "pin-unblock", "pin-set" };
	static const char *const asks[] = { "pin", "new-pin", "new-pin-again" };
	const struct device *d = &p->device;
	struct prompt_client client = { pin_change_may, pin_change_replied, p };
	struct prompt_show show = {
		.kind = p->key ? "fido" : NULL, .purpose = purposes[p->operation], .ask = asks[p->step],
		.audience = "", .scope = "", .token_label = d->label, .token_serial = d->serial,
		.token_manufacturer = d->manufacturer, .token_model = d->model,
		.credential_id = "", .credential_label = "", .tries_left = PROTO_TRIES_UNKNOWN,
		.least = p->least, .most = p->most, .pin = "ok"
	};
	const struct caller *c = p->request->caller;
	struct events_about about = { .uid = c->uid, .requester = c };
	uint32_t wait_s = 0;
	int r;

	if (p->step == STEP_OLD) {
		show.ask = p->operation == PIN_UNBLOCK ? "puk" : "pin";
		show.tries_left = p->tries;
		show.confirm = pin_guard_confirm(p->agent->guard, &p->of, p->tries);
		show.pin = p->pin_state;
		show.least = show.most = 0;
	}
	if ((r = pin_change_may(p, prompts_place(p->agent->prompts, &about), show.confirm,
	    &wait_s)) != TSR_OK ||
	    (r = prompt_ask(p->agent->prompts, &about, &show, &client, &p->prompt)) != TSR_OK)
		pin_change_fail(p, r, r == TSR_SLOW_DOWN && wait_s > 0 ? wait_s : PROTO_TRIES_UNKNOWN, "%s", "");
}

/* --- beginning --- */

static void
pin_change_begin(struct pin_change *p)
{
	struct agent *a = p->agent;
	const struct caller *c = p->request->caller;
	struct events_about about = { .uid = c->uid, .requester = c };
	int r;

	if ((r = audit_ready(a->audit)) == TSR_OK)
		r = pending_begin(&a->pending, &p->pending, c->uid, c->uid,
		    policy_config(a->policy)->limits.pending_per_uid);
	if (r == TSR_OK && !seat_has(a->seat, c, NULL))
		r = TSR_PIN_SEAT;
	else if (r == TSR_OK && !events_route(a->events, &about, NULL))
		r = TSR_NO_PROMPTER;
	else if (r == TSR_OK)
		r = p->key ? pin_change_key_find(p) : pin_change_card_find(p);
	if (r != TSR_OK)
		pin_change_fail(p, r, PROTO_TRIES_UNKNOWN, "%s", r == TSR_PIN_SEAT ?
		    "a PIN is changed by somebody who sits at this machine" : r == TSR_NO_PROMPTER ?
		    "nobody can be asked for the PIN: listen on /events?prompter=self first" : "");
}

/* Its name, or -1. */
static int
pin_change_operation(const char *name)
{
	size_t i;

	for (i = 0; name != NULL && i < sizeof(operations) / sizeof(operations[0]); i++)
		if (strcmp(name, operations[i]) == 0)
			return (int)i;
	return -1;
}

void
pin_change(struct agent *a, const struct http_request *r, const struct asker *who, const char *id)
{
	static const char *const allowed[] = { "operation", NULL };
	const char *name = NULL;
	struct pin_change *p = NULL;
	int operation;
	json_t *o;

	if (body_read(r, allowed, &o) != TSR_OK)
		return;
	if (body_text(r, o, "operation", &name) != TSR_OK)
		;	/* answered */
	else if ((operation = pin_change_operation(name)) < 0)
		problem_invalid(r->conn, "\"operation\" is \"change\", \"unblock\" or \"set\"");
	else if ((p = calloc(1, sizeof(*p))) == NULL)
		problem(r->conn, TSR_NOMEM, NULL);
	else {
		p->agent = a;
		p->request = r;
		p->operation = (enum pin_operation)operation;
		p->step = operation == PIN_SET ? STEP_NEW : STEP_OLD;
		p->key = fido_key_is_id(id);
		p->pin_state = "ok";
		(void)snprintf(p->id, sizeof(p->id), "%s", id);
		(void)snprintf(p->subject, sizeof(p->subject), "%s", who->name);
		http_park(r->conn, pin_change_gone, p);
		pin_change_begin(p);
	}
	json_decref(o);
}
