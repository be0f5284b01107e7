/*
 * enrol_fido_make.c - see enrol_fido_make.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/enrol_fido_make.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/challenges.h"
#include "agent/clock.h"
#include "agent/enrol_fido_judge.h"
#include "agent/fido_pin.h"
#include "base/escape.h"
#include "include/tessera.h"

#define MAKE_CHALLENGE_S	60	/* a challenge's life, in its context */
#define MAKE_RP_NAME		"Tessera"
#define MAKE_ALGORITHMS		((1u << PROTO_ECDSA_P256_SHA256) | (1u << PROTO_ED25519))
#define DEVICE_LEN		65	/* bytes of a device's name, with NUL */

struct plugged {
	char device[DEVICE_LEN], manufacturer[65], product[65];
	uint32_t flags, tries;
};

struct enrol_fido_make {
	struct fido *fido;
	struct enrol_fido_wish wish;
	enrol_fido_made done;
	void *arg;
	struct fido_turn turn;
	struct fido_call *call;
	struct fido_pin pin;
	struct fido_touch touch;
	struct timer timer;
	struct plugged key[PROTO_FIDO_KEYS_MAX];
	size_t n;
	struct plugged *chosen;
	int verify;			/* the person is verified */
	uint8_t hash[ASSERTION_HASH_LEN];
	int code;			/* what became of what it made */
	enum assertion_fault fault;
};

static void
make_free(struct enrol_fido_make *m, int code)
{
	fido_call_cancel(&m->call);
	fido_pin_end(&m->pin);
	fido_touch_done(m->fido, &m->touch, code);
	timer_disarm(loop_timers(m->fido->agent->loop), &m->timer);
	fido_turn_end(&m->turn);
	free(m);
}

static void
make_finish(struct enrol_fido_make *m, int code, uint32_t number, const char *detail)
{
	enrol_fido_made done = m->done;
	void *arg = m->arg;
	char text[512];

	(void)snprintf(text, sizeof(text), "%s", detail[0] != '\0' ? detail : fido_pin_text(code));
	make_free(m, code);
	done(arg, code, number, text);
}

/* --- what it made --- */

static int
make_judge(struct enrol_fido_make *m, const struct proto_value *v)
{
	const struct enrol_fido_evidence e = {
		.hash = m->hash, .authdata = v[1].p, .authdata_len = v[1].n,
		.format = v[2].p, .format_len = v[2].n, .statement = v[3].p, .statement_len = v[3].n,
		.transports = v[4].p, .transports_len = v[4].n
	};
	struct credential *c = m->wish.credential;
	int r;

	if ((r = enrol_fido_judge(m->fido, &m->wish, &e, &m->fault)) != TSR_OK)
		return r;
	escape_cut(c->token_label, sizeof(c->token_label), m->chosen->product, strlen(m->chosen->product));
	escape_cut(c->token_manufacturer, sizeof(c->token_manufacturer), m->chosen->manufacturer,
	    strlen(m->chosen->manufacturer));
	return TSR_OK;
}

static void
make_part(void *arg, uint16_t type, const struct proto_value *v)
{
	struct enrol_fido_make *m = arg;

	if (type == PROTO_FIDO_MADE)
		m->code = make_judge(m, v);
	if (type == PROTO_FIDO_MADE)
		sodium_memzero(m->hash, sizeof(m->hash));	/* spent, right or wrong */
}

static int make_ask_pin(struct enrol_fido_make *m, int last);

static const char *
make_text(const struct enrol_fido_make *m, int code, const char *detail)
{
	if (code == TSR_CONFLICT)
		return "this key is enrolled already";
	if (code == TSR_KEY_UNUSABLE && detail[0] == '\0')
		return "a key of this make may not be enrolled here: see aaguids and attestation-roots";
	if (detail[0] == '\0' && m->fault != ASSERTION_GOOD)
		return assertion_fault_text(m->fault);
	return detail;
}

static void
make_answered(void *arg, int code, uint32_t tries, const char *detail)
{
	struct enrol_fido_make *m = arg;

	m->call = NULL;
	if (code == TSR_TIMEOUT)
		code = TSR_TOUCH_TIMEOUT;
	fido_touch_done(m->fido, &m->touch, code);
	if (fido_pin_answered(&m->pin, code, tries)) {
		m->chosen->tries = tries;
		if (make_ask_pin(m, code) == TSR_OK)
			return;
	}
	if (code == TSR_OK && (code = m->code) != TSR_OK)
		fido_turns_rest(&m->fido->turns);
	make_finish(m, code, tries, make_text(m, code, detail));
}

/* --- the touch --- */

static int
make_draw(struct enrol_fido_make *m)
{
	const struct credential *c = m->wish.credential;
	const struct challenge_context context = {
		.purpose = CHALLENGE_ENROL, .issuer = m->fido->agent->issuer, .credential = c->id,
		.subject = c->subject, .expiry = (uint64_t)clock_wall() + MAKE_CHALLENGE_S
	};
	uint8_t challenge[CHALLENGE_LEN];
	int r;

	if ((r = challenge_make(&context, challenge)) == TSR_OK)
		assertion_client_hash(challenge, sizeof(challenge), m->hash);
	return r;
}

struct exclude {
	struct store *store;
	const char *rp_id;
	struct buf *ids;
	size_t n;
};

static int
make_exclude(void *arg, const struct credential *c)
{
	struct exclude *e = arg;
	struct fido_record rec;
	int r;

	if (!credential_is_fido(c) || e->n == PROTO_FIDO_IDS_MAX)
		return TSR_OK;
	if ((r = store_fido_get(e->store, c->id, &rec)) != TSR_OK)
		return r;
	if (strcmp(rec.rp_id, e->rp_id) != 0)
		return TSR_OK;
	e->n++;
	return fido_put_id(e->ids, rec.cred_id, rec.cred_id_len);
}

static int
make_send(struct enrol_fido_make *m)
{
	struct fido_call_client client = { make_part, make_answered, m };
	const struct credential *c = m->wish.credential;
	const struct fido_record *rec = m->wish.record;
	uint8_t user_id[FIDO_USER_LEN];
	struct proto_value v[10];
	struct buf ids;
	struct exclude e = { m->fido->agent->store, rec->rp_id, &ids, 0 };
	int r;

	buf_init(&ids, PROTO_FIDO_IDS_BYTES);
	if ((r = make_draw(m)) != TSR_OK ||
	    (r = store_credential_each(e.store, c->subject, c->uid, make_exclude, &e)) != TSR_OK)
		goto out;
	fido_user_id(m->fido->agent->issuer, c->subject, c->uid, user_id);
	memset(v, 0, sizeof(v));
	v[0] = proto_text(m->chosen->device);
	v[1] = proto_text(rec->rp_id);
	v[2] = proto_text(MAKE_RP_NAME);
	v[3] = proto_bytes(user_id, sizeof(user_id));
	v[4] = proto_text(c->subject);
	v[5] = proto_bytes(m->hash, sizeof(m->hash));
	v[6].u32 = MAKE_ALGORITHMS;
	v[7] = proto_bytes(ids.data, ids.len);
	v[8].u32 = (m->verify ? PROTO_FIDO_UV : 0) | (rec->resident ? PROTO_FIDO_RESIDENT : 0);
	if (m->pin.pin != NULL)
		v[9] = proto_bytes(m->pin.pin->data, m->pin.pin->size);
	r = fido_ask(m->fido, PROTO_FIDO_MAKE, v, 10, FIDO_TOUCH_MS, &client, &m->call);
	secret_free(&m->pin.pin);
 out:
	buf_free(&ids);
	return r;
}

static void
make_go(void *arg)
{
	int r;

	if ((r = make_send(arg)) != TSR_OK)
		make_finish(arg, r, PROTO_TRIES_UNKNOWN, "");
}

/* First it is told, in this batch; the next one lets the key blink. */
static int
make_announce(struct enrol_fido_make *m, void (*go)(void *arg))
{
	const struct credential *c = m->wish.credential;
	struct fido_touch_show show = {
		.purpose = "enrol", .subject = c->subject, .audience = "", .scope = "",
		.label = c->label, .device = m->chosen != NULL ? m->chosen->product : "",
		.about = &m->pin.about
	};
	int r;

	if ((r = fido_touch_needed(m->fido, &show, &m->touch)) != TSR_OK)
		return r;
	return timer_arm(loop_timers(m->fido->agent->loop), &m->timer, clock_boot_ms(), go, m);
}

static void
make_announce_or_fail(struct enrol_fido_make *m, void (*go)(void *arg))
{
	int r;

	if ((r = make_announce(m, go)) != TSR_OK)
		make_finish(m, r, PROTO_TRIES_UNKNOWN, "");
}

/* --- its PIN --- */

static void
make_pin_told(void *arg, int code, uint32_t number, const char *detail)
{
	if (code == TSR_OK)
		make_announce_or_fail(arg, make_go);
	else
		make_finish(arg, code, number, detail);
}

static int
make_ask_pin(struct enrol_fido_make *m, int last)
{
	const struct credential *c = m->wish.credential;
	struct prompt_show show = {
		.purpose = "enrol", .audience = "", .scope = "", .token_label = m->chosen->product,
		.token_serial = "", .token_manufacturer = m->chosen->manufacturer, .token_model = "",
		.credential_id = "", .credential_label = c->label
	};

	return fido_pin_ask(&m->pin, &show, m->chosen->tries, last);
}

/* The key is known: verified where it can, and not at all without where it must. */
static void
make_chosen(struct enrol_fido_make *m)
{
	uint32_t flags = m->chosen->flags;
	int r;

	m->pin.of = (struct pin_of){ .serial = m->chosen->device, .label = "fido" };
	m->verify = m->wish.record->verification ||
	    (flags & (PROTO_FIDO_KEY_UV_SET | PROTO_FIDO_KEY_PIN_SET)) != 0;
	if (!m->verify || (flags & PROTO_FIDO_KEY_UV_SET) != 0)
		make_announce_or_fail(m, make_go);
	else if ((flags & PROTO_FIDO_KEY_PIN_SET) == 0)
		make_finish(m, TSR_PIN_UNSET, PROTO_TRIES_UNKNOWN, "the key has no PIN yet, and its owner is "
		    "to be verified: set one with \"tessera device pin set\"");
	else if ((r = make_ask_pin(m, TSR_OK)) != TSR_OK)
		make_finish(m, r, m->chosen->tries, "");
}

/* --- which key --- */

static struct plugged *
make_find(struct enrol_fido_make *m, const struct proto_value *device)
{
	size_t i;

	for (i = 0; i < m->n; i++)
		if (strlen(m->key[i].device) == device->n &&
		    memcmp(m->key[i].device, device->p, device->n) == 0)
			return &m->key[i];
	return NULL;
}

static void
make_touched(void *arg, uint16_t type, const struct proto_value *v)
{
	struct enrol_fido_make *m = arg;

	if (type == PROTO_FIDO_TOUCH && v[1].u32 == PROTO_FIDO_TOUCHED)
		m->chosen = make_find(m, &v[0]);
}

static void
make_selected(void *arg, int code, uint32_t tries, const char *detail)
{
	struct enrol_fido_make *m = arg;

	m->call = NULL;
	if (code == TSR_TIMEOUT)
		code = TSR_TOUCH_TIMEOUT;
	if (code == TSR_OK && m->chosen == NULL)
		code = TSR_HELPER;
	fido_touch_done(m->fido, &m->touch, code);
	if (code == TSR_OK)
		make_chosen(m);
	else
		make_finish(m, code, tries, detail);
}

static void
make_select(void *arg)
{
	struct enrol_fido_make *m = arg;
	struct fido_call_client client = { make_touched, make_selected, m };
	int r;

	if ((r = fido_ask(m->fido, PROTO_FIDO_SELECT, NULL, 0, FIDO_TOUCH_MS, &client,
	    &m->call)) != TSR_OK)
		make_finish(m, r, PROTO_TRIES_UNKNOWN, "");
}

static void
make_key(void *arg, uint16_t type, const struct proto_value *v)
{
	struct enrol_fido_make *m = arg;
	struct plugged *k;

	(void)type;
	if (m->n == PROTO_FIDO_KEYS_MAX ||
	    (v[6].u32 & (PROTO_FIDO_KEY_BUSY | PROTO_FIDO_KEY_FAILED)) != 0)
		return;
	k = &m->key[m->n++];
	escape_cut(k->device, sizeof(k->device), v[0].p, v[0].n);
	escape_cut(k->manufacturer, sizeof(k->manufacturer), v[1].p, v[1].n);
	escape_cut(k->product, sizeof(k->product), v[2].p, v[2].n);
	k->flags = v[8].u32 > 0 ? v[6].u32 : v[6].u32 & ~PROTO_FIDO_KEY_UV_SET;	/* its PIN then */
	k->tries = v[7].u32;
}

static void
make_listed(void *arg, int code, uint32_t tries, const char *detail)
{
	struct enrol_fido_make *m = arg;

	m->call = NULL;
	if (code != TSR_OK)
		make_finish(m, code, tries, detail);
	else if (m->n == 0)
		make_finish(m, TSR_DEVICE_NOT_FOUND, tries, "no FIDO2 key is plugged in that could be "
		    "used: \"tessera device list\" shows what is there");
	else if (m->n > 1)
		make_announce_or_fail(m, make_select);	/* the one that is touched */
	else {
		m->chosen = &m->key[0];
		make_chosen(m);
	}
}

static void
make_turn(void *arg, int code)
{
	struct enrol_fido_make *m = arg;
	struct fido_call_client client = { make_key, make_listed, m };

	if (code == TSR_OK)
		code = fido_ask(m->fido, PROTO_FIDO_LIST, NULL, 0, FIDO_LOOK_MS, &client, &m->call);
	if (code != TSR_OK)
		make_finish(m, code, PROTO_TRIES_UNKNOWN, code == TSR_DEVICE_BUSY ?
		    "other requests wait for a key" : "");
}

int
enrol_fido_make_start(struct fido *f, const struct enrol_fido_wish *wish, enrol_fido_made done,
    void *arg, struct enrol_fido_make **out)
{
	struct enrol_fido_make *m;
	int r;

	if (!fido_there(f))
		return TSR_UNAVAILABLE;
	if ((m = calloc(1, sizeof(*m))) == NULL)
		return TSR_NOMEM;
	m->fido = f;
	m->wish = *wish;
	m->done = done;
	m->arg = arg;
	m->code = TSR_HELPER;		/* unless it makes one */
	m->pin.fido = f;
	m->pin.about = (struct events_about){ .uid = wish->requester->uid,
	    .requester = wish->requester };
	m->pin.of = (struct pin_of){ .serial = "", .label = "fido" };
	m->pin.told = make_pin_told;
	m->pin.arg = m;
	m->turn.uid = wish->requester->uid;
	m->turn.go = make_turn;
	m->turn.arg = m;
	if ((r = fido_turn_wait(&f->turns, &m->turn)) != TSR_OK) {
		make_free(m, r);
		return r;
	}
	*out = m;
	return TSR_OK;
}

void
enrol_fido_make_cancel(struct enrol_fido_make **m)
{
	if (*m != NULL)
		make_free(*m, TSR_CANCELLED);
	*m = NULL;
}
