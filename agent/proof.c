/*
 * proof.c - see proof.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/proof_internal.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "agent/challenges.h"
#include "agent/clock.h"
#include "agent/metrics.h"
#include "agent/verdict.h"
#include "include/tessera.h"
#include "token/pubkey.h"
#include "token/sigcheck.h"

int
proofs_new(const struct proof_parts *parts, struct proofs **out)
{
	struct proofs *p;

	if ((p = calloc(1, sizeof(*p))) == NULL)
		return TSR_NOMEM;
	p->parts = *parts;
	*out = p;
	return TSR_OK;
}

static void
proof_free(struct proof *p)
{
	struct proof **at;

	for (at = &p->proofs->list; *at != p; at = &(*at)->next)
		;
	*at = p->next;
	helper_cancel(&p->call);
	if (!p->ask.silent)	/* a PIN had no part in it */
		proof_pin_end(p);
	pubkey_free(&p->key);
	sodium_memzero(p->challenge, sizeof(p->challenge));
	free(p);
}

void
proofs_free(struct proofs **ps)
{
	struct proof *p;

	if (*ps == NULL)
		return;
	for (p = (*ps)->list; p != NULL; p = p->next)
		p->waiting = 0;		/* nobody is next */
	while ((*ps)->list != NULL)
		proof_free((*ps)->list);
	free(*ps);
	*ps = NULL;
}

void
proof_finish(struct proof *p, int code, uint32_t tries_left, const char *detail)
{
	proof_done done = p->done;
	void *arg = p->arg;

	if (!p->ask.silent)
		metrics_proof(code);
	proof_free(p);
	done(arg, code, tries_left, detail);
}

/* The helper's signature, which is believed only if it is one. */
static void
proof_signature(void *arg, uint16_t type, const struct proto_value *v)
{
	struct proof *p = arg;

	(void)type;
	verdict_judge(&p->verdict, pubkey_verify(p->key, p->challenge, sizeof(p->challenge), v[0].p,
	    v[0].n));
	sodium_memzero(p->challenge, sizeof(p->challenge));	/* spent, right or wrong */
}

static void
proof_answered(void *arg, int code, uint32_t tries_left, const char *detail)
{
	struct proof *p = arg;

	metrics_observe(&metrics.device, clock_work_us() - p->sent_us);
	p->call = NULL;
	if (code == TSR_OK && !verdict_allows(&p->verdict)) {
		code = TSR_BAD_SIGNATURE;
		detail = "the token's signature does not match the enrolled key";
	}
	if (!p->ask.silent && proof_pin_answered(p, code, tries_left))
		return;
	/* Few tries are for a prompter at the seat, whoever might confirm them. */
	if (!p->ask.silent && code == TSR_PIN_REQUIRED && tries_left <= PROTO_TRIES_FEW &&
	    p->place != PIN_AT_SEAT)
		code = TSR_PIN_SEAT;
	if (code == TSR_OK && p->is_default && p->ask.pin_default != NULL)
		*p->ask.pin_default = 1;
	proof_finish(p, code, tries_left, detail);
}

static int
proof_draw(struct proof *p)
{
	p->ask.context.expiry = (uint64_t)clock_wall() + PROOF_CHALLENGE_S;
	return challenge_make(&p->ask.context, p->challenge);
}

int
proof_send(struct proof *p)
{
	const struct credential *c = p->ask.credential;
	struct helper_target t = { c->module, c->token_serial, c->token_label, c->uid };
	struct helper_client client = { proof_signature, proof_answered, p };
	struct proto_value v[7];
	int r;

	if ((r = proof_draw(p)) != TSR_OK)
		return r;
	p->sent_us = clock_work_us();
	memset(v, 0, sizeof(v));
	v[0] = proto_text(c->token_serial);
	v[1] = proto_text(c->token_label);
	v[2] = proto_bytes(c->key_id, c->key_id_len);
	v[3].u32 = (uint32_t)c->algorithm;
	v[4] = proto_bytes(p->challenge, sizeof(p->challenge));
	if (!p->ask.silent) {
		v[5] = v[4];
		v[4] = proto_bytes(NULL, 0);
		if (p->pin != NULL)
			v[4] = proto_bytes(p->pin->data, p->pin->size);
		v[6].u32 = p->confirmed;	/* never for a PIN that came with the request */
	}
	if ((r = helper_request(p->proofs->parts.helpers, &t,
	    p->ask.silent ? PROTO_PRESENT : PROTO_PROVE, v, p->ask.silent ? 5 : 7,
	    !p->ask.silent && p->pin == NULL ? PROOF_MS + PROOF_PAD_MS : PROOF_MS, &client,
	    &p->call)) != TSR_OK)
		return r;
	/* While the token works: what is left to do when it answers counts. */
	secret_free(&p->pin);
	return p->key != NULL ? TSR_OK :
	    sigcheck_prepare(c->algorithm, c->spki, c->spki_len, &p->key);
}

int
proof_start(struct proofs *ps, struct proof_ask *ask, proof_done done, void *arg, struct proof **out)
{
	struct proof *p;
	int r;

	if ((p = calloc(1, sizeof(*p))) == NULL) {
		secret_free(&ask->pin);
		return TSR_NOMEM;
	}
	p->proofs = ps;
	p->ask = *ask;
	p->pin = ask->pin;
	ask->pin = p->ask.pin = NULL;
	p->done = done;
	p->arg = arg;
	p->next = ps->list;
	ps->list = p;
	if ((r = p->ask.silent ? proof_send(p) : proof_pin_begin(p)) != TSR_OK) {
		if (!p->ask.silent)
			metrics_proof(r);
		proof_free(p);
		return r;
	}
	*out = p;
	return TSR_OK;
}

void
proof_cancel(struct proof **p)
{
	if (*p != NULL) {
		metrics.proofs_abandoned++;
		proof_free(*p);
	}
	*p = NULL;
}

static struct proof *
proofs_of(struct proofs *ps, const char *module, const char *serial, const char *label)
{
	const struct credential *c;
	struct proof *p;

	for (p = ps->list; p != NULL; p = p->next) {
		c = p->ask.credential;	/* NOLINT(clang-analyzer-unix.Malloc): who was freed has left the list */
		if (strcmp(c->module, module) == 0 && strcmp(c->token_serial, serial) == 0 &&
		    strcmp(c->token_label, label) == 0)
			return p;
	}
	return NULL;
}

void
proofs_removed(struct proofs *ps, const char *module, const char *serial, const char *label)
{
	struct proof *p;

	/* from the beginning each time: a callback may have ended others */
	while ((p = proofs_of(ps, module, serial, label)) != NULL)
		proof_finish(p, TSR_DEVICE_REMOVED, PROTO_TRIES_UNKNOWN, "");
}

size_t
proofs_count(const struct proofs *ps)
{
	const struct proof *p;
	size_t n = 0;

	for (p = ps->list; p != NULL; p = p->next)
		n++;
	return n;
}
