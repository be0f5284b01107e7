/*
 * proof.c - see proof.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/proof.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "agent/clock.h"
#include "agent/device.h"
#include "agent/metrics.h"
#include "agent/verdict.h"
#include "include/tessera.h"
#include "token/pubkey.h"
#include "token/sigcheck.h"

struct proof {
	struct proof *next;
	struct proofs *proofs;
	struct proof_ask ask;		/* pin is NULL: it is held below */
	struct secret *pin;
	int asked;			/* PINs asked for so far */
	uint32_t shown;			/* tries left, as the prompt told; unknown without one */
	struct verdict verdict;
	uint8_t challenge[CHALLENGE_LEN];
	uint64_t sent_us;		/* clock_work_us() when the helper was asked */
	struct pubkey *key;		/* the credential's, once the challenge is out */
	struct prompt *prompt;
	struct helper_call *call;
	proof_done done;
	void *arg;
};

struct proofs {
	struct helpers *helpers;
	struct prompts *prompts;
	struct proof *list;
};

static int proof_ask_pin(struct proof *p, int last, uint32_t tries_left);

int
proofs_new(struct helpers *hs, struct prompts *ps, struct proofs **out)
{
	struct proofs *p;

	if ((p = calloc(1, sizeof(*p))) == NULL)
		return TSR_NOMEM;
	p->helpers = hs;
	p->prompts = ps;
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
	prompt_cancel(&p->prompt);
	helper_cancel(&p->call);
	pubkey_free(&p->key);
	secret_free(&p->pin);
	sodium_memzero(p->challenge, sizeof(p->challenge));
	free(p);
}

void
proofs_free(struct proofs **ps)
{
	if (*ps == NULL)
		return;
	while ((*ps)->list != NULL)
		proof_free((*ps)->list);
	free(*ps);
	*ps = NULL;
}

static void
proof_finish(struct proof *p, int code, uint32_t tries_left, const char *detail)
{
	proof_done done = p->done;
	void *arg = p->arg;

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
		proof_finish(p, TSR_BAD_SIGNATURE, PROTO_TRIES_UNKNOWN,
		    "the token's signature does not match the enrolled key");
		return;
	}
	/* Somebody who mistyped may try again once, but never with the last try:
	 * most cards have three, and few tell how many are left. */
	if ((code == TSR_PIN_WRONG || code == TSR_PIN_LENGTH) && p->asked > 0 &&
	    p->asked < PROOF_TRIES && tries_left > 1 &&
	    proof_ask_pin(p, code, tries_left) == TSR_OK)
		return;
	proof_finish(p, code, tries_left, detail);
}

static int
proof_draw(struct proof *p)
{
	uint8_t nonce[CHALLENGE_NONCE_LEN];
	struct buf context;
	int r;

	buf_init(&context, CHALLENGE_CONTEXT_MAX);
	p->ask.context.expiry = (uint64_t)clock_wall() + PROOF_CHALLENGE_S;
	if ((r = challenge_context_encode(&context, &p->ask.context)) == TSR_OK) {
		randombytes_buf(nonce, sizeof(nonce));
		r = challenge_bytes(p->challenge, nonce, &context);
	}
	buf_free(&context);
	return r;
}

static int
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
	v[0] = (struct proto_value){ .p = (const uint8_t *)c->token_serial, .n = strlen(c->token_serial) };
	v[1] = (struct proto_value){ .p = (const uint8_t *)c->token_label, .n = strlen(c->token_label) };
	v[2] = (struct proto_value){ .p = c->key_id, .n = c->key_id_len };
	v[3].u32 = (uint32_t)c->algorithm;
	v[4] = (struct proto_value){ .p = p->pin->data, .n = p->pin->size };
	v[5] = (struct proto_value){ .p = p->challenge, .n = sizeof(p->challenge) };
	v[6].u32 = p->shown == 1;	/* never for a PIN that came with the request */
	if ((r = helper_request(p->proofs->helpers, &t, PROTO_PROVE, v, 7, PROOF_MS, &client,
	    &p->call)) != TSR_OK)
		return r;
	/* While the token works: what is left to do when it answers counts. */
	secret_free(&p->pin);
	return p->key != NULL ? TSR_OK :
	    sigcheck_prepare(c->algorithm, c->spki, c->spki_len, &p->key);
}

static void
proof_pin(void *arg, int code, struct secret *pin)
{
	struct proof *p = arg;
	int r;

	p->prompt = NULL;
	p->pin = pin;
	if (code != TSR_OK)
		proof_finish(p, code, PROTO_TRIES_UNKNOWN, "");
	else if ((r = proof_send(p)) != TSR_OK)
		proof_finish(p, r, PROTO_TRIES_UNKNOWN, "");
}

/* last: what came of the PIN before, TSR_OK where there was none. */
static int
proof_ask_pin(struct proof *p, int last, uint32_t tries_left)
{
	const struct credential *c = p->ask.credential;
	/* A wrong PIN is what "low" means, whatever the token said before; one of a
	 * length that it does not take was none of its tries. */
	const char *pin = tries_left == 1 ? "final" : last == TSR_PIN_WRONG ? "low" :
	    device_pin_state(p->ask.flags);
	struct prompt_show show = {
		.purpose = p->ask.purpose,
		.audience = p->ask.context.audience != NULL ? p->ask.context.audience : "",
		.scope = p->ask.context.scope != NULL ? p->ask.context.scope : "",
		.token_label = c->token_label, .token_serial = c->token_serial,
		.token_manufacturer = c->token_manufacturer, .token_model = c->token_model,
		.credential_id = c->id, .credential_label = c->label,
		.retry = last != TSR_OK, .tries_left = tries_left, .pin = pin
	};

	p->asked++;
	p->shown = tries_left;
	return prompt_ask(p->proofs->prompts, p->ask.prompter, p->ask.requester, &show,
	    proof_pin, p, &p->prompt);
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
	p->shown = PROTO_TRIES_UNKNOWN;
	p->done = done;
	p->arg = arg;
	p->next = ps->list;
	ps->list = p;
	if (p->pin != NULL)
		r = proof_send(p);
	else if (device_tries(ask->flags) == 0)
		r = TSR_PIN_LOCKED;
	else
		r = proof_ask_pin(p, TSR_OK, device_tries(ask->flags));
	if (r != TSR_OK) {
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

size_t
proofs_count(const struct proofs *ps)
{
	const struct proof *p;
	size_t n = 0;

	for (p = ps->list; p != NULL; p = p->next)
		n++;
	return n;
}
