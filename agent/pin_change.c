/*
 * pin_change.c - see pin_change.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/pin_change.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/audit_event.h"
#include "agent/body.h"
#include "agent/clock.h"
#include "agent/device.h"
#include "agent/login.h"
#include "agent/pending.h"
#include "agent/problem.h"
#include "agent/proof.h"
#include "agent/seat.h"
#include "include/tessera.h"
#include "token/json_text.h"

/* What is asked for, in this order. */
enum pin_step { STEP_OLD, STEP_NEW, STEP_AGAIN };

struct pin_change {
	struct agent *agent;
	const struct http_request *request;
	int unblock;
	char id[DEVICE_ID_LEN + 1];
	struct device device;
	struct pin_of of;
	uint32_t tries, least, most;
	enum pin_step step;
	struct secret *old, *pin;
	enum pin_place place;
	uint32_t confirmed;
	int trying;			/* the guard was told that a try began */
	struct pending pending;
	struct device_query *query;
	struct helper_call *call;
	struct prompt *prompt;
};

static void pin_change_ask(struct pin_change *p);

static void
pin_change_free(struct pin_change *p)
{
	device_query_cancel(&p->query);
	helper_cancel(&p->call);
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
	return p->unblock ? "pin-unblocked" : "pin-changed";
}

/* number as in login_failure(). */
static void __attribute__((format(printf, 4, 5)))
pin_change_fail(struct pin_change *p, int code, uint32_t number, const char *fmt, ...)
{
	char members[96], text[300];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	login_failure(code, number, members);
	problem_with(p->request->conn, code, members, "%s", text[0] != '\0' ? text : tsr_strerror(code));
	pin_change_free(p);
}

/* --- the token --- */

static void
pin_change_count(struct pin_change *p, int code)
{
	struct pin_guard *g = p->agent->guard;

	p->trying = 0;
	if (code == TSR_OK)
		pin_guard_accepted(g, &p->of);
	else if (code == TSR_PIN_WRONG || code == TSR_PIN_LOCKED)
		pin_guard_refused(g, &p->of, p->place, 1, clock_boot_ms());
	else
		pin_guard_unspent(g, &p->of);
	if (code == TSR_OK) {
		p->of.puk = 0;
		pin_guard_changed(g, &p->of);
		p->of.puk = p->unblock;
	}
	proofs_turn(p->agent->proofs, &p->of);
}

static void
pin_change_answer(struct pin_change *p)
{
	struct buf b;
	int r;

	buf_init(&b, 1024);
	if ((r = buf_printf(&b, "{\"operation\":\"%s\",\"device\":\"%s\"}", p->unblock ? "unblock" : "change",
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

static void
pin_change_done(void *arg, int code, uint32_t tries_left, const char *detail)
{
	struct pin_change *p = arg;
	char text[300];

	p->call = NULL;
	pin_change_count(p, code);
	if (code == TSR_OK) {
		pin_change_answer(p);
		return;
	}
	(void)audit_event_pin(p->agent, p->request->conn, pin_change_event(p), code, p->id,
	    p->device.label);
	login_describe(code, detail, text, sizeof(text));
	if (code == TSR_PIN_LENGTH)	/* the new one */
		code = TSR_INVALID;
	pin_change_fail(p, code, tries_left, "%s", text);
}

static void
pin_change_no_part(void *arg, uint16_t type, const struct proto_value *v)
{
	(void)arg;
	(void)type;
	(void)v;
}

static int
pin_change_send(struct pin_change *p)
{
	struct helper_target t = { p->device.module, p->device.serial, p->device.label,
	    p->request->caller->uid };
	struct helper_client client = { pin_change_no_part, pin_change_done, p };
	struct proto_value v[5];
	int r;

	memset(v, 0, sizeof(v));
	v[0] = (struct proto_value){ .p = (const uint8_t *)p->device.serial, .n = strlen(p->device.serial) };
	v[1] = (struct proto_value){ .p = (const uint8_t *)p->device.label, .n = strlen(p->device.label) };
	v[2] = (struct proto_value){ .p = p->old->data, .n = p->old->size };
	v[3] = (struct proto_value){ .p = p->pin->data, .n = p->pin->size };
	v[4].u32 = p->confirmed;
	r = helper_request(p->agent->helpers, &t, p->unblock ? PROTO_PIN_UNBLOCK : PROTO_PIN_CHANGE, v, 5,
	    PROOF_MS, &client, &p->call);
	if (r != TSR_OK) {
		p->trying = 0;
		pin_guard_unspent(p->agent->guard, &p->of);
	}
	return r;
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

/* All three are there. */
static void
pin_change_try(struct pin_change *p)
{
	int r;

	if (!caller_alive(p->request->caller))
		pin_change_fail(p, TSR_CLOSED, PROTO_TRIES_UNKNOWN, "%s", "");
	else if (pin_guard_knows(p->agent->guard, &p->of, p->old))
		pin_change_fail(p, TSR_PIN_WRONG, p->tries, "the token refused this %s before: it is not tried "
		    "again until the token is pulled", p->unblock ? "PUK" : "PIN");
	else if ((r = audit_ready(p->agent->audit)) != TSR_OK ||
	    (r = pin_guard_begin(p->agent->guard, &p->of, p->old)) != TSR_OK)
		pin_change_fail(p, r, PROTO_TRIES_UNKNOWN, "%s", "");
	else {
		p->trying = 1;
		if ((r = pin_change_send(p)) != TSR_OK)
			pin_change_fail(p, r, PROTO_TRIES_UNKNOWN, "%s", "");
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
			pin_change_fail(p, TSR_INVALID, PROTO_TRIES_UNKNOWN, "the token takes a new PIN of %u "
			    "to %u characters", p->least, p->most);
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

static void
pin_change_ask(struct pin_change *p)
{
	static const char *const asks[] = { "pin", "new-pin", "new-pin-again" };
	const struct device *d = &p->device;
	struct prompt_client client = { pin_change_may, pin_change_replied, p };
	struct prompt_show show = {
		.purpose = p->unblock ? "pin-unblock" : "pin-change", .ask = asks[p->step],
		.audience = "", .scope = "", .token_label = d->label, .token_serial = d->serial,
		.token_manufacturer = d->manufacturer, .token_model = d->model,
		.credential_id = "", .credential_label = "", .tries_left = PROTO_TRIES_UNKNOWN,
		.least = p->least, .most = p->most, .pin = "ok"
	};
	const struct caller *c = p->request->caller;
	uint32_t wait_s = 0;
	int r;

	if (p->step == STEP_OLD) {
		show.ask = p->unblock ? "puk" : "pin";
		show.tries_left = p->tries;
		show.confirm = pin_guard_confirm(p->agent->guard, &p->of, p->tries);
		show.pin = p->unblock ? "ok" : device_pin_state(d->flags);
		show.least = show.most = 0;
	}
	if ((r = pin_change_may(p, prompts_place(p->agent->prompts, c->uid, c), show.confirm,
	    &wait_s)) != TSR_OK ||
	    (r = prompt_ask(p->agent->prompts, c->uid, c, &show, &client, &p->prompt)) != TSR_OK)
		pin_change_fail(p, r, r == TSR_SLOW_DOWN && wait_s > 0 ? wait_s : PROTO_TRIES_UNKNOWN, "%s", "");
}

/* --- which token, and what it says of its PIN --- */

static void
pin_change_part(void *arg, uint16_t type, const struct proto_value *v)
{
	struct pin_change *p = arg;

	(void)type;
	p->tries = p->unblock ? PROTO_TRIES_UNKNOWN : v[0].u32;
	p->least = v[1].u32;
	p->most = v[2].u32;
	p->device.flags = v[3].u32;
}

static void
pin_change_told(void *arg, int code, uint32_t tries_left, const char *detail)
{
	struct pin_change *p = arg;

	p->call = NULL;
	if (code != TSR_OK)
		pin_change_fail(p, code, tries_left, "%s", detail);
	else if ((p->device.flags & PROTO_TOKEN_PROTECTED_PATH) != 0)
		pin_change_fail(p, TSR_KEY_UNUSABLE, PROTO_TRIES_UNKNOWN, "the reader has a PIN pad: its own "
		    "program changes the PIN");
	else
		pin_change_ask(p);
}

static void
pin_change_listed(void *arg, const struct device_list *list)
{
	struct pin_change *p = arg;
	const struct config *cf = policy_config(p->agent->policy);
	const struct config_module *m;
	struct helper_client client = { pin_change_part, pin_change_told, p };
	struct helper_target t;
	struct proto_value v[2];
	size_t i;
	int r;

	p->query = NULL;
	for (i = 0; i < list->n && strcmp(list->device[i].id, p->id) != 0; i++)
		;
	if (i == list->n) {
		pin_change_fail(p, TSR_DEVICE_NOT_FOUND, PROTO_TRIES_UNKNOWN, "no device with that id is "
		    "connected: \"tessera device list\" shows what is there");
		return;
	}
	p->device = list->device[i];
	m = config_module(cf, p->device.module);
	p->of = (struct pin_of){ p->device.serial, p->device.label, p->unblock,
	    m != NULL && m->pin_tries == PIN_TRIES_UNLIMITED };
	t = (struct helper_target){ p->device.module, p->device.serial, p->device.label,
	    p->request->caller->uid };
	memset(v, 0, sizeof(v));
	v[0] = (struct proto_value){ .p = (const uint8_t *)p->device.serial, .n = strlen(p->device.serial) };
	v[1] = (struct proto_value){ .p = (const uint8_t *)p->device.label, .n = strlen(p->device.label) };
	if ((r = helper_request(p->agent->helpers, &t, PROTO_TRIES, v, 2, PROOF_TRIES_MS, &client,
	    &p->call)) != TSR_OK)
		pin_change_fail(p, r, PROTO_TRIES_UNKNOWN, "%s", "");
}

static void
pin_change_begin(struct pin_change *p)
{
	struct agent *a = p->agent;
	const struct caller *c = p->request->caller;
	int r;

	if ((r = audit_ready(a->audit)) == TSR_OK)
		r = pending_begin(&a->pending, &p->pending, c->uid,
		    policy_config(a->policy)->limits.pending_per_uid);
	if (r == TSR_OK && !seat_has(a->seat, c))
		r = TSR_PIN_SEAT;
	else if (r == TSR_OK && !events_route(a->events, c->uid, c, NULL))
		r = TSR_NO_PROMPTER;
	else if (r == TSR_OK)
		r = device_list(a->helpers, policy_config(a->policy), NULL, pin_change_listed, p, &p->query);
	if (r != TSR_OK)
		pin_change_fail(p, r, PROTO_TRIES_UNKNOWN, "%s", r == TSR_PIN_SEAT ?
		    "a PIN is changed by somebody who sits at this machine" : r == TSR_NO_PROMPTER ?
		    "nobody can be asked for the PIN: listen on /events?prompter=self first" : "");
}

void
pin_change(struct agent *a, const struct http_request *r, const struct asker *who, const char *id)
{
	static const char *const allowed[] = { "operation", NULL };
	const char *operation = NULL;
	struct pin_change *p = NULL;
	json_t *o;

	(void)who;
	if (body_read(r, allowed, &o) != TSR_OK)
		return;
	if (body_text(r, o, "operation", &operation) != TSR_OK)
		;	/* answered */
	else if (operation == NULL ||
	    (strcmp(operation, "change") != 0 && strcmp(operation, "unblock") != 0))
		problem_invalid(r->conn, "\"operation\" is \"change\" or \"unblock\"");
	else if ((p = calloc(1, sizeof(*p))) == NULL)
		problem(r->conn, TSR_NOMEM, NULL);
	if (p != NULL) {
		p->agent = a;
		p->request = r;
		p->unblock = strcmp(operation, "unblock") == 0;
		(void)snprintf(p->id, sizeof(p->id), "%s", id);
		http_park(r->conn, pin_change_gone, p);
		pin_change_begin(p);
	}
	json_decref(o);
}
