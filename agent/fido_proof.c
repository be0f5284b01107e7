/*
 * fido_proof.c - see fido_proof.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/fido_proof.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/challenges.h"
#include "agent/clock.h"
#include "agent/fido_pin.h"
#include "agent/fido_verdict.h"
#include "agent/metrics.h"
#include "agent/plug_act.h"
#include "agent/store_fido.h"
#include "base/escape.h"
#include "include/tessera.h"

#define DEVICE_LEN	65	/* bytes of a device's name, with NUL */
#define PRODUCT_LEN	65

/* A candidate, and the key that holds it. */
struct holder {
	struct credential *credential;
	struct fido_record record;
	char device[DEVICE_LEN];	/* "": none that is plugged in */
	int proved;			/* that key has proved it, and does not merely say so */
};

struct fido_proof {
	struct fido *fido;
	struct fido_proof_ask ask;	/* pin is NULL: it is held below */
	fido_proof_done done;
	void *arg;
	struct holder *holder;
	size_t n;
	struct fido_turn turn;
	struct fido_call *call;
	struct fido_pin pin;
	struct secret *given;		/* a PIN that came with the request */
	struct holder *only;		/* the one that is asked, NULL: whichever is touched */
	char product[PRODUCT_LEN];	/* of its key, as it says */
	uint32_t key_flags, tries;	/* PROTO_FIDO_KEY_* of it; PIN tries left */
	int verify;			/* the person is verified: PROTO_FIDO_UV */
	struct fido_touch touch;
	struct timer timer;
	uint8_t challenge[CHALLENGE_LEN], hash[ASSERTION_HASH_LEN];
	uint64_t sent_us;
	struct holder *answered;	/* whose credential signed */
	char device[DEVICE_LEN];	/* and on which key */
	struct fido_verdict verdict;
};

static void proof_announce(struct fido_proof *p);

static void
proof_free(struct fido_proof *p, int code)
{
	fido_call_cancel(&p->call);
	fido_pin_end(&p->pin);
	fido_touch_done(p->fido, &p->touch, code);
	timer_disarm(loop_timers(p->fido->agent->loop), &p->timer);
	fido_turn_end(&p->turn);
	secret_free(&p->given);
	sodium_memzero(p->challenge, sizeof(p->challenge));
	p->fido->proofs--;
	free(p->holder);
	free(p);
}

static void
proof_finish(struct fido_proof *p, int code, uint32_t number, const char *detail)
{
	const struct holder *h = p->answered != NULL ? p->answered : p->only;
	const struct credential *c = h != NULL ? h->credential : NULL;
	fido_proof_done done = p->done;
	char text[512];
	void *arg = p->arg;

	(void)snprintf(text, sizeof(text), "%s", detail[0] != '\0' ? detail : fido_pin_text(code));
	if (code != TSR_LOGIN_REQUIRED)
		metrics_proof(code);
	proof_free(p, code);
	done(arg, code, c, number, text);
}

/* --- the touch --- */

static void
proof_part(void *arg, uint16_t type, const struct proto_value *v)
{
	struct fido_proof *p = arg;
	size_t i;

	if (type != PROTO_FIDO_ASSERTED)
		return;
	for (i = 0; i < p->n && p->answered == NULL; i++)
		if (p->holder[i].record.cred_id_len == v[1].n &&
		    memcmp(p->holder[i].record.cred_id, v[1].p, v[1].n) == 0 &&
		    (p->only == NULL || p->only == &p->holder[i]))
			p->answered = &p->holder[i];
	escape_cut(p->device, sizeof(p->device), v[0].p, v[0].n);
	if (p->answered != NULL)
		fido_verdict_judge(&p->verdict, p->answered->credential, &p->answered->record, p->hash,
		    v[2].p, v[2].n, v[3].p, v[3].n);
	sodium_memzero(p->challenge, sizeof(p->challenge));	/* spent, right or wrong */
	sodium_memzero(p->hash, sizeof(p->hash));
}

static void
proof_show(const struct fido_proof *p, struct prompt_show *show)
{
	const struct credential *c = p->only->credential;

	memset(show, 0, sizeof(*show));
	show->purpose = p->ask.purpose;
	show->audience = p->ask.context.audience != NULL ? p->ask.context.audience : "";
	show->scope = p->ask.context.scope != NULL ? p->ask.context.scope : "";
	show->about = p->ask.about;
	show->token_label = c->token_label;
	show->token_serial = "";
	show->token_manufacturer = c->token_manufacturer;
	show->token_model = c->token_model;
	show->credential_id = c->id;
	show->credential_label = c->label;
}

static int
proof_ask_pin(struct fido_proof *p, int last)
{
	struct prompt_show show;

	proof_show(p, &show);
	p->verify = 1;
	return fido_pin_ask(&p->pin, &show, p->tries, last);
}

/* A key that insists on its PIN for whatever it does; only with one alone is it
 * known whose PIN that is. */
static int
proof_insists(struct fido_proof *p, int code, uint32_t tries)
{
	size_t i, n = 0;

	if (code != TSR_PIN_REQUIRED || p->verify)
		return 0;
	for (i = 0; i < p->n; i++)
		if (p->holder[i].device[0] != '\0') {
			p->only = &p->holder[i];
			n++;
		}
	if (n != 1)
		p->only = NULL;
	p->tries = tries;
	if (n == 1)
		p->pin.of.serial = p->only->credential->id;
	return n == 1 && proof_ask_pin(p, TSR_OK) == TSR_OK;
}

static void
proof_answered(void *arg, int code, uint32_t tries, const char *detail)
{
	struct fido_proof *p = arg;
	struct agent *a = p->fido->agent;

	p->call = NULL;
	metrics_observe(&metrics.device, clock_work_us() - p->sent_us);
	if (code == TSR_TIMEOUT)
		code = TSR_TOUCH_TIMEOUT;
	if (code == TSR_NOT_FOUND)	/* the key says now that it has none of them */
		code = TSR_DEVICE_NOT_FOUND;
	fido_touch_done(p->fido, &p->touch, code);
	if (code == TSR_OK && p->answered == NULL) {
		code = TSR_BAD_SIGNATURE;
		detail = "the key answered for a credential that was not asked for";
	}
	if (fido_pin_answered(&p->pin, code, tries)) {
		p->tries = tries;
		if (proof_ask_pin(p, code) == TSR_OK)
			return;
	}
	if (proof_insists(p, code, tries))
		return;
	if (code == TSR_OK) {
		code = fido_verdict_spend(a, &p->verdict, p->ask.requester, p->answered->credential);
		detail = fido_verdict_text(&p->verdict, code);
	}
	if (code == TSR_OK) {
		plug_act_holds(a->plugs, p->answered->credential, p->device);
		fido_turn_spent(&p->turn);
	} else	/* another key may have put the touched one out with rubbish */
		fido_turns_rest(&p->fido->turns);
	proof_finish(p, code, tries, detail);
}

static int
proof_draw(struct fido_proof *p)
{
	int r;

	p->ask.context.expiry = (uint64_t)clock_wall() + FIDO_PROOF_CHALLENGE_S;
	p->ask.context.credential = p->only != NULL ? p->only->credential->id : "";
	if ((r = challenge_make(&p->ask.context, p->challenge)) == TSR_OK)
		assertion_client_hash(p->challenge, sizeof(p->challenge), p->hash);
	return r;
}

/* The ids of those that are asked. */
static int
proof_allow(const struct fido_proof *p, int present, struct buf *ids)
{
	size_t i;
	int r = TSR_OK;

	for (i = 0; i < p->n && r == TSR_OK; i++)
		if ((p->only == NULL || p->only == &p->holder[i]) &&
		    (!present || p->holder[i].device[0] != '\0'))
			r = fido_put_id(ids, p->holder[i].record.cred_id,
			    p->holder[i].record.cred_id_len);
	return r;
}

static int
proof_send(struct fido_proof *p)
{
	struct fido_call_client client = { proof_part, proof_answered, p };
	struct proto_value v[6];
	struct buf ids;
	int r;

	buf_init(&ids, PROTO_FIDO_IDS_BYTES);
	if ((r = proof_draw(p)) != TSR_OK || (r = proof_allow(p, 1, &ids)) != TSR_OK)
		goto out;
	memset(v, 0, sizeof(v));
	v[0] = proto_text(p->only != NULL ? p->only->device : "");
	v[1] = proto_text(p->holder[0].record.rp_id);
	v[2] = proto_bytes(p->hash, sizeof(p->hash));
	v[3] = proto_bytes(ids.data, ids.len);
	v[4].u32 = p->verify ? PROTO_FIDO_UV : PROTO_FIDO_UV_PREFERRED;
	if (p->pin.pin != NULL)
		v[5] = proto_bytes(p->pin.pin->data, p->pin.pin->size);
	p->sent_us = clock_work_us();
	r = fido_ask(p->fido, PROTO_FIDO_ASSERT, v, 6, FIDO_TOUCH_MS, &client, &p->call);
	secret_free(&p->pin.pin);
 out:
	buf_free(&ids);
	return r;
}

static void
proof_go(void *arg)
{
	int r;

	if ((r = proof_send(arg)) != TSR_OK)
		proof_finish(arg, r, PROTO_TRIES_UNKNOWN, "");
}

/* First it is told, in this batch; the next one lets the key blink. */
static void
proof_announce(struct fido_proof *p)
{
	const struct challenge_context *c = &p->ask.context;
	struct fido_touch_show show = {
		.purpose = p->ask.purpose, .subject = c->subject != NULL ? c->subject : "",
		.audience = c->audience != NULL ? c->audience : "",
		.scope = c->scope != NULL ? c->scope : "",
		.label = p->only != NULL ? p->only->credential->label : "",
		.device = p->only != NULL ? p->only->credential->token_label : "",
		.about = &p->pin.about, .ssh = p->ask.about
	};
	int r;

	if ((r = fido_touch_needed(p->fido, &show, &p->touch)) != TSR_OK ||
	    (r = timer_arm(loop_timers(p->fido->agent->loop), &p->timer, clock_boot_ms(), proof_go,
	    p)) != TSR_OK)
		proof_finish(p, r, PROTO_TRIES_UNKNOWN, "");
}

/* --- the person is verified --- */

static void
proof_pin_told(void *arg, int code, uint32_t number, const char *detail)
{
	if (code == TSR_OK)
		proof_announce(arg);
	else
		proof_finish(arg, code, number, detail);
}

static void
proof_key(void *arg, uint16_t type, const struct proto_value *v)
{
	struct fido_proof *p = arg;

	(void)type;
	if (v[0].n != strlen(p->only->device) || memcmp(v[0].p, p->only->device, v[0].n) != 0)
		return;
	escape_cut(p->product, sizeof(p->product), v[2].p, v[2].n);
	p->key_flags = v[8].u32 > 0 ? v[6].u32 : v[6].u32 & ~PROTO_FIDO_KEY_UV_SET;	/* its PIN then */
	p->tries = v[7].u32;
}

static void
proof_listed(void *arg, int code, uint32_t tries, const char *detail)
{
	struct fido_proof *p = arg;
	int r = TSR_OK;

	p->call = NULL;
	p->verify = 1;
	if (code != TSR_OK) {
		proof_finish(p, code, tries, detail);
		return;
	}
	if ((p->key_flags & PROTO_FIDO_KEY_UV_SET) != 0 && p->given == NULL) {
		proof_announce(p);	/* a finger is its own PIN */
		return;
	}
	if ((p->key_flags & PROTO_FIDO_KEY_PIN_SET) == 0)
		r = TSR_PIN_UNSET;
	else if (p->given != NULL && (r = fido_pin_take(&p->pin, &p->given, p->tries)) == TSR_OK)
		proof_announce(p);
	else if (p->given == NULL)
		r = proof_ask_pin(p, TSR_OK);
	if (r != TSR_OK)
		proof_finish(p, r, p->tries, "");
}

/* --- which key --- */

/* The best of those that are there, where one of them has to verify: its person's
 * PIN goes to a key that has proved what it says of itself, where there is one. */
static struct holder *
proof_choose(struct fido_proof *p)
{
	struct holder *best = NULL;
	int verify = p->given != NULL;
	size_t i, n = 0;

	for (i = 0; i < p->n; i++) {
		if (p->holder[i].device[0] == '\0')
			continue;
		if (best == NULL || (!best->proved && p->holder[i].proved))
			best = &p->holder[i];
		verify |= p->holder[i].record.verification;
		n++;
	}
	return verify || n == 1 ? best : NULL;
}

static void
proof_found(void *arg, uint16_t type, const struct proto_value *v)
{
	struct fido_proof *p = arg;
	char device[DEVICE_LEN];
	struct holder *h;
	size_t i;
	int proved;

	(void)type;
	escape_cut(device, sizeof(device), v[0].p, v[0].n);
	for (i = 0; i < p->n; i++) {
		h = &p->holder[i];
		if (h->record.cred_id_len != v[1].n || memcmp(h->record.cred_id, v[1].p, v[1].n) != 0)
			continue;
		proved = device[0] != '\0' &&
		    strcmp(device, plug_act_where(p->fido->agent->plugs, h->credential)) == 0;
		if (h->device[0] != '\0' && !proved)
			continue;
		memcpy(h->device, device, sizeof(h->device));
		h->proved = proved;
	}
}

static void
proof_absent(struct fido_proof *p)
{
	const struct credential *c = p->holder[0].credential;
	char text[256];
	size_t i;

	for (i = 0; i < p->n; i++)
		pin_guard_pulled(p->fido->agent->guard, p->holder[i].credential->id, "fido");
	(void)snprintf(text, sizeof(text), "plug in the key \"%s\"%s", c->label,
	    p->n > 1 ? " or another one that is enrolled" : "");
	proof_finish(p, TSR_DEVICE_NOT_FOUND, PROTO_TRIES_UNKNOWN, text);
}

static void
proof_looked(void *arg, int code, uint32_t tries, const char *detail)
{
	struct fido_call_client client = { proof_key, proof_listed, arg };
	struct fido_proof *p = arg;
	size_t i, n = 0;
	int r;

	p->call = NULL;
	for (i = 0; i < p->n; i++)
		n += p->holder[i].device[0] != '\0';
	if (code != TSR_OK && code != TSR_DEVICE_NOT_FOUND) {
		proof_finish(p, code, tries, detail);
		return;
	}
	if (code != TSR_OK || n == 0) {
		proof_absent(p);
		return;
	}
	if ((p->only = proof_choose(p)) == NULL ||
	    (!p->only->record.verification && p->given == NULL)) {
		proof_announce(p);
		return;
	}
	p->pin.of = (struct pin_of){ .serial = p->only->credential->id, .label = "fido" };
	if ((r = fido_ask(p->fido, PROTO_FIDO_LIST, NULL, 0, FIDO_LOOK_MS, &client,
	    &p->call)) != TSR_OK)
		proof_finish(p, r, PROTO_TRIES_UNKNOWN, "");
}

static int
proof_look(struct fido_proof *p)
{
	struct fido_call_client client = { proof_found, proof_looked, p };
	struct proto_value v[3];
	struct buf ids;
	int r;

	buf_init(&ids, PROTO_FIDO_IDS_BYTES);
	if ((r = proof_allow(p, 0, &ids)) == TSR_OK) {
		v[0] = proto_text("");
		v[1] = proto_text(p->holder[0].record.rp_id);
		v[2] = proto_bytes(ids.data, ids.len);
		r = fido_ask(p->fido, PROTO_FIDO_LOOK, v, 3, FIDO_LOOK_MS, &client, &p->call);
	}
	buf_free(&ids);
	return r;
}

static void
proof_turn(void *arg, int code)
{
	struct fido_proof *p = arg;

	if (code == TSR_OK)
		code = proof_look(p);
	if (code != TSR_OK)
		proof_finish(p, code, PROTO_TRIES_UNKNOWN, code == TSR_DEVICE_BUSY ?
		    "other requests wait for a key" : "");
}

/* --- beginning --- */

/* What the store knows of the candidates; those made for another relying party
 * than the best one are not asked with it. */
static int
proof_records(struct fido_proof *p)
{
	struct holder *h;
	size_t i;
	int r;

	for (i = 0; i < p->ask.n && p->n < PROTO_FIDO_IDS_MAX; i++) {
		h = &p->holder[p->n];
		if ((r = store_fido_get(p->fido->agent->store, p->ask.candidate[i]->id,
		    &h->record)) != TSR_OK)
			return r == TSR_NOT_FOUND ? TSR_CORRUPT : r;
		h->credential = p->ask.candidate[i];
		if (h->record.native && strcmp(h->record.rp_id, p->holder[0].record.rp_id) == 0)
			p->n++;
	}
	return p->n > 0 ? TSR_OK : TSR_DEVICE_NOT_FOUND;
}

int
fido_proof_start(struct fido *f, struct fido_proof_ask *ask, fido_proof_done done, void *arg,
    struct fido_proof **out)
{
	struct fido_proof *p;
	int r;

	if ((p = calloc(1, sizeof(*p))) == NULL ||
	    (p->holder = calloc(ask->n + 1, sizeof(*p->holder))) == NULL) {
		free(p);
		secret_free(&ask->pin);
		return TSR_NOMEM;
	}
	p->fido = f;
	f->proofs++;
	p->ask = *ask;
	p->given = ask->pin;
	ask->pin = p->ask.pin = NULL;
	p->done = done;
	p->arg = arg;
	p->tries = PROTO_TRIES_UNKNOWN;
	p->pin.fido = f;
	p->pin.about = (struct events_about){ .uid = ask->prompter, .requester = ask->requester,
	    .said = ask->said };
	p->pin.of = (struct pin_of){ .serial = ask->n > 0 ? ask->candidate[0]->id : "", .label = "fido" };
	p->pin.told = proof_pin_told;
	p->pin.arg = p;
	p->turn.uid = ask->prompter;
	p->turn.login = ask->context.purpose == CHALLENGE_LOGIN;
	p->turn.go = proof_turn;
	p->turn.arg = p;
	if (!fido_there(f))
		r = TSR_UNAVAILABLE;
	else if ((r = proof_records(p)) == TSR_OK)
		r = fido_turn_wait(&f->turns, &p->turn);
	if (r != TSR_OK) {
		metrics_proof(r);
		proof_free(p, r);
		return r;
	}
	*out = p;
	return TSR_OK;
}

void
fido_proof_cancel(struct fido_proof **p)
{
	if (*p != NULL) {
		metrics.proofs_abandoned++;
		proof_free(*p, TSR_CANCELLED);
	}
	*p = NULL;
}
