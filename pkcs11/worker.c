/*
 * worker.c - requests and their answers.  See worker.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "pkcs11/worker.h"

#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "base/frame.h"
#include "base/proto.h"
#include "base/secret.h"
#include "pkcs11/keys.h"
#include "pkcs11/lease.h"
#include "pkcs11/module.h"
#include "pkcs11/pin.h"
#include "pkcs11/present.h"
#include "pkcs11/prove.h"
#include "pkcs11/session.h"
#include "tessera.h"

#define TEXT_MAX	256	/* bytes of a serial number or label that is asked for */
#define PROVE_WAIT_MS	6000	/* for a reader; the agent gives 15 s to a proof */
#define LIST_WAIT_MS	3000	/* and 5 s to a list */

struct worker {
	int fd;
	const struct config_module *conf;
	struct module module;
	struct session session;
	int opened;			/* the module is loaded */
	uint32_t id;			/* of the request under way */
	struct buf out;			/* its answer: all frames, sent at once */
	struct secret *pin;		/* room for one, filled during a request only */
	struct secret *new_pin;		/* the same */
	int partial;			/* it has parts, and then an error */
};

static int
worker_put(struct worker *w, enum proto_type type, const struct proto_value *v, size_t n)
{
	return proto_encode(&w->out, (uint16_t)type, w->id, 0, v, n);
}

static int
worker_put_error(struct worker *w, int code, const struct fault *f)
{
	struct proto_value v[] = {
		proto_u32((uint32_t)-code), proto_u32(f->tries), proto_text(f->detail),
	};

	return worker_put(w, PROTO_ERROR, v, 3);
}

static int
worker_open(struct worker *w, const struct proto_value *v, struct fault *f)
{
	const char *name = w->conf->name;
	int r;

	if (w->opened)
		return fault_set(f, TSR_INVALID, "the module is open already");
	if (v[0].n != strlen(name) || memcmp(v[0].p, name, v[0].n) != 0)
		return fault_set(f, TSR_NOT_FOUND, "this worker is for another module");
	if ((r = module_load(&w->module, w->conf->path, w->conf->init_args, f)) != TSR_OK)
		return r;
	if (lease_must_end())		/* a reader was waited for in vain */
		return lease_missed(f);
	session_init(&w->session, &w->module);
	w->opened = 1;
	return worker_put(w, PROTO_DONE, NULL, 0);
}

static int
worker_tokens(struct worker *w, struct fault *f)
{
	const struct token *t;
	size_t i;
	int r;

	/* Listing closes sessions. */
	session_drop(&w->session);
	if ((r = module_list(&w->module, f)) != TSR_OK)
		return r;
	for (i = 0; i < w->module.n_tokens; i++) {
		t = &w->module.token[i];
		struct proto_value v[] = {
			proto_text(t->serial), proto_text(t->label), proto_text(t->manufacturer),
			proto_text(t->model), proto_u32(t->flags), proto_text(t->reader),
		};
		if ((r = worker_put(w, PROTO_TOKEN, v, 6)) != TSR_OK)
			return r;
	}
	/* Those that were found are told of, and that there may be more. */
	w->partial = (r = lease_missed(f)) != TSR_OK;
	return r != TSR_OK ? r : worker_put(w, PROTO_DONE, NULL, 0);
}

/* A text field as a string; the table caps it well below TEXT_MAX. */
static int
worker_text(char out[TEXT_MAX], const struct proto_value *v)
{
	if (v->n >= TEXT_MAX || memchr(v->p, '\0', v->n) != NULL)
		return TSR_INVALID;
	memcpy(out, v->p, v->n);
	out[v->n] = '\0';
	return TSR_OK;
}

static int
worker_keys(struct worker *w, const struct proto_value *v, struct fault *f)
{
	char serial[TEXT_MAX], label[TEXT_MAX];
	struct keys keys = { 0, NULL };
	const struct key *k;
	size_t i;
	int r;

	if ((r = worker_text(serial, &v[0])) != TSR_OK || (r = worker_text(label, &v[1])) != TSR_OK)
		return r;
	if ((r = session_open(&w->session, serial, label, f)) != TSR_OK ||
	    (r = keys_list(&w->session, &keys, f)) != TSR_OK)
		goto out;
	for (i = 0; i < keys.n; i++) {
		k = &keys.v[i];
		struct proto_value out[] = {
			proto_bytes(k->id, k->id_len), proto_text(k->label),
			proto_u32(k->algorithms), proto_bytes(k->spki.der, k->spki.len),
			proto_bytes(k->certificate, k->certificate_len), proto_u32(k->flags),
		};
		if ((r = worker_put(w, PROTO_KEY, out, 6)) != TSR_OK)
			goto out;
	}
	r = worker_put(w, PROTO_DONE, NULL, 0);
 out:
	keys_free(&keys);
	return r;
}

static int
worker_keep(struct secret *to, const struct proto_value *v)
{
	if (v->n > PROTO_PIN_MAX)
		return TSR_INVALID;
	if (v->n > 0)
		memcpy(to->data, v->p, v->n);
	to->size = v->n;
	return TSR_OK;
}

static int
worker_prove(struct worker *w, const struct proto_value *v, struct fault *f)
{
	char serial[TEXT_MAX], label[TEXT_MAX];
	struct prove_request q = {
		.serial = serial, .label = label, .id = v[2].p, .id_len = v[2].n,
		.algorithm = v[3].u32, .pin = w->pin, .challenge = v[5].p, .challenge_len = v[5].n,
		.confirmed = v[6].u32,
	};
	struct prove_signature signature;
	struct proto_value out;
	int r;

	if ((r = worker_text(serial, &v[0])) != TSR_OK || (r = worker_text(label, &v[1])) != TSR_OK ||
	    (r = worker_keep(w->pin, &v[4])) != TSR_OK)
		return r;
	r = prove(&w->session, &q, &signature, f);
	sodium_memzero(w->pin->data, PROTO_PIN_MAX);
	if (r != TSR_OK)
		return r;
	out = proto_bytes(signature.bytes, signature.len);
	r = worker_put(w, PROTO_SIGNATURE, &out, 1);
	sodium_memzero(&signature, sizeof(signature));
	return r;
}

/* --- the PIN itself --- */

static int
worker_tries(struct worker *w, const struct proto_value *v, struct fault *f)
{
	char serial[TEXT_MAX], label[TEXT_MAX];
	struct session *s = &w->session;
	uint32_t tries;
	int r, told;

	if ((r = worker_text(serial, &v[0])) != TSR_OK || (r = worker_text(label, &v[1])) != TSR_OK ||
	    (r = session_ready(s, serial, label, NULL, f)) != TSR_OK)
		return r;
	tries = pin_tries(s);
	if (tries == PROTO_TRIES_UNKNOWN && (r = lease_missed(f)) != TSR_OK)
		return r;	/* the card would have told, but for another program */
	told = s->pin_max > 0 && s->pin_max <= PROTO_PIN_MAX;	/* and pin_min is not above it */
	struct proto_value out[] = {
		proto_u32(tries), proto_u32(told ? (uint32_t)s->pin_min : 0),
		proto_u32(told ? (uint32_t)s->pin_max : 0), proto_u32(s->token.flags),
	};
	return worker_put(w, PROTO_PIN, out, 4);
}

static int
worker_new_pin(struct worker *w, uint16_t type, const struct proto_value *v, struct fault *f)
{
	char serial[TEXT_MAX], label[TEXT_MAX];
	struct pin_request q = {
		.serial = serial, .label = label, .old = w->pin, .pin = w->new_pin,
		.confirmed = v[4].u32,
	};
	int r;

	if ((r = worker_text(serial, &v[0])) == TSR_OK && (r = worker_text(label, &v[1])) == TSR_OK &&
	    (r = worker_keep(w->pin, &v[2])) == TSR_OK && (r = worker_keep(w->new_pin, &v[3])) == TSR_OK)
		r = type == PROTO_PIN_CHANGE ? pin_change(&w->session, &q, f) :
		    pin_unblock(&w->session, &q, f);
	sodium_memzero(w->pin->data, PROTO_PIN_MAX);
	sodium_memzero(w->new_pin->data, PROTO_PIN_MAX);
	return r == TSR_OK ? worker_put(w, PROTO_DONE, NULL, 0) : r;
}

static int
worker_present(struct worker *w, const struct proto_value *v, struct fault *f)
{
	char serial[TEXT_MAX], label[TEXT_MAX];
	struct prove_request q = {
		.serial = serial, .label = label, .id = v[2].p, .id_len = v[2].n,
		.algorithm = v[3].u32, .challenge = v[4].p, .challenge_len = v[4].n,
	};
	struct prove_signature signature;
	struct proto_value out;
	int r;

	if ((r = worker_text(serial, &v[0])) != TSR_OK || (r = worker_text(label, &v[1])) != TSR_OK ||
	    (r = present(&w->session, &q, &signature, f)) != TSR_OK)
		return r;
	out = proto_bytes(signature.bytes, signature.len);
	return worker_put(w, PROTO_SIGNATURE, &out, 1);
}

static int
worker_answer(struct worker *w, uint16_t type, const struct proto_value *v, struct fault *f)
{
	if (type == PROTO_OPEN)
		return worker_open(w, v, f);
	if (!w->opened)
		return fault_set(f, TSR_MODULE, "no module is open");
	switch (type) {
	case PROTO_TOKENS:
		return worker_tokens(w, f);
	case PROTO_KEYS:
		return worker_keys(w, v, f);
	case PROTO_PROVE:
		return worker_prove(w, v, f);
	case PROTO_TRIES:
		return worker_tries(w, v, f);
	case PROTO_PIN_CHANGE:
	case PROTO_PIN_UNBLOCK:
		return worker_new_pin(w, type, v, f);
	case PROTO_PRESENT:
		return worker_present(w, v, f);
	default:
		return fault_set(f, TSR_UNSUPPORTED, "not a request to this helper");
	}
}

/* Answer; once more with a module that starts anew where that may help and no
 * PIN can have been counted. */
static int
worker_try(struct worker *w, uint16_t type, const struct proto_value *v, struct fault *f)
{
	const unsigned wait = type == PROTO_PROVE ? PROVE_WAIT_MS : LIST_WAIT_MS;
	struct fault again;
	int r, second;

	w->session.tried = 0;
	lease_begin(wait);
	r = lease_explain(worker_answer(w, type, v, f), f);
	if (r == TSR_OK || !w->opened || !lease_may_repeat(r, w->session.tried))
		return r;
	fault_clear(&again);
	session_drop(&w->session);
	lease_release(0);
	lease_begin(wait);
	if (module_restart(&w->module, &again) != TSR_OK) {
		w->session.must_end = 1;
		return r;
	}
	buf_reset(&w->out);
	w->partial = 0;
	second = lease_explain(worker_answer(w, type, v, &again), &again);
	/* One that is no longer there was there. */
	if (r == TSR_DEVICE_REMOVED && second == TSR_DEVICE_NOT_FOUND)
		return r;
	*f = again;
	return second;
}

static int
worker_request(struct worker *w, const struct frame *fr)
{
	struct proto_value v[PROTO_FIELDS_MAX];
	struct fault f;
	size_t n;
	int r;

	if ((r = proto_decode(fr, PROTO_FROM_AGENT, v, &n)) != TSR_OK)
		return r;
	fault_clear(&f);
	w->id = fr->id;
	buf_reset(&w->out);
	w->partial = 0;
	if ((r = worker_try(w, fr->type, v, &f)) == TSR_OK)
		return TSR_OK;
	if (!w->partial)
		buf_reset(&w->out);
	return worker_put_error(w, r, &f);
}

/* What comes after an answer, and costs whoever waits for it nothing. */
static int
worker_after(struct worker *w)
{
	lease_release(w->session.tried);
	return w->session.must_end || lease_must_end() ? TSR_MODULE : TSR_OK;
}

int
worker_serve(int fd, const struct config_module *module)
{
	struct worker w;
	struct frame fr;
	struct buf in;
	int r;

	memset(&w, 0, sizeof(w));
	w.fd = fd;
	w.conf = module;
	buf_init(&in, FRAME_HEAD + FRAME_BODY_MAX);
	buf_init(&w.out, (FRAME_HEAD + FRAME_BODY_MAX) * (size_t)KEYS_MAX);
	if ((w.pin = secret_new(PROTO_PIN_MAX)) == NULL ||
	    (w.new_pin = secret_new(PROTO_PIN_MAX)) == NULL) {
		r = TSR_NOMEM;
		goto out;
	}
	for (;;) {
		if ((r = frame_recv(fd, &in, &fr)) != TSR_OK ||
		    (r = worker_request(&w, &fr)) != TSR_OK)
			break;
		buf_reset(&in);		/* the PIN came in it */
		if ((r = frame_flush(fd, &w.out)) != TSR_OK || (r = worker_after(&w)) != TSR_OK)
			break;
	}
	if (r == TSR_CLOSED)
		r = TSR_OK;
 out:
	secret_free(&w.pin);
	secret_free(&w.new_pin);
	buf_free(&in);
	buf_free(&w.out);
	return r;
}
